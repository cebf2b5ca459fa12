"""What a session asks for, in the imperative. The runner performs these in order and adds nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ostiary.model.decision import Permit
from ostiary.model.identity import Circumstances
from ostiary.model.names import Ticket
from ostiary.model.record import Outcome
from ostiary.model.statement import Submission


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Find out who is asking. `database` selects the datasource.

    `settings` are the settings the client asked for at startup, those of ``options`` included (parsed as the server
    parses them), without user, database, replication and ``ostiary.*``; the last are `claimed`.
    """

    token: bytes
    database: str
    settings: Mapping[str, str]
    claimed: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True)
class Connect:
    """Get a backend of this session's own with these settings; user, password and database are the gate's.

    `minor` is the protocol's minor version agreed with the client (0 or 2).
    """

    settings: Mapping[str, str]
    minor: int = 0


@dataclass(frozen=True, slots=True)
class Decide:
    """Decide and record; answered by `Decided` with the same ticket.

    `overlay` is what `analysis.catalog.OVERLAY_QUERY` returned on this session's own backend, when the session has
    temporary objects or uncommitted DDL; None: the shared catalog tells the truth.
    """

    ticket: Ticket
    submission: Submission
    overlay: bytes | None = None


@dataclass(frozen=True, slots=True)
class Forward:
    """Send statements to the server. The only action that carries a client's statement."""

    permit: Permit
    data: bytes


@dataclass(frozen=True, slots=True)
class SendToServer:
    """Send what carries no client statement: Sync, Flush, Close, Describe, COPY data, Terminate, our own probes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SendToClient:
    """Send to the client: the server's bytes as they are, or ours."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """Record how the intent of `ticket` ended. With `wait`, answer `Recorded` once it is durable."""

    ticket: Ticket
    outcome: Outcome
    wait: bool = False


@dataclass(frozen=True, slots=True)
class RefreshCatalog:
    """Schema objects changed for everybody (a transaction with DDL committed): take a new shared snapshot.

    Answered by `CatalogRefreshed`; until then the session keeps its overlay.
    """


@dataclass(frozen=True, slots=True)
class PauseClient:
    """Stop reading from the client: the bounded buffer is full."""


@dataclass(frozen=True, slots=True)
class ResumeClient:
    """Read from the client again."""


@dataclass(frozen=True, slots=True)
class PauseServer:
    """Stop reading from the server: what it sent waits for a record to be durable."""


@dataclass(frozen=True, slots=True)
class ResumeServer:
    """Read from the server again."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Send a cancel request for the statement that runs on this session's backend."""


@dataclass(frozen=True, slots=True)
class Close:
    """Flush what was sent, then close both connections. `reason` is for the record."""

    reason: str


Action = (
    Authenticate
    | Connect
    | Decide
    | Forward
    | SendToServer
    | SendToClient
    | Record
    | RefreshCatalog
    | PauseClient
    | ResumeClient
    | PauseServer
    | ResumeServer
    | Cancel
    | Close
)
