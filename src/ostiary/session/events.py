"""What a session is told, in the past tense. Time, chance and the network reach the core only as these."""

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.model.decision import Denial, Verdict
from ostiary.model.identity import Identity
from ostiary.model.names import Ticket


@dataclass(frozen=True, slots=True)
class ClientSent:
    """Bytes came from the client, cut anywhere."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """The client closed or lost its connection."""


@dataclass(frozen=True, slots=True)
class ServerSent:
    """Bytes came from the server, cut anywhere."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ServerLeft:
    """The server closed or lost its connection."""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The client's token proved who is asking, and policy lets that one connect to the datasource.

    `search_path` is the effective one that the backend will start with, when the gate knows it; None: ask the backend
    (`analysis.catalog.STATE_QUERY`) before the first statement is decided. `unanalysed` is True for a principal that
    may run what analysis does not understand: then encodings other than UTF8 are let through.
    """

    identity: Identity
    search_path: tuple[str, ...] | None = None
    unanalysed: bool = False


@dataclass(frozen=True, slots=True)
class AuthenticationRefused:
    """The token does not prove it, or policy does not let that one in. `denial.sqlstate` is 28P01, 28000 or 42501."""

    denial: Denial


@dataclass(frozen=True, slots=True)
class BackendReady:
    """An upstream connection is authenticated and has said its first ReadyForQuery('I').

    `parameters` are its ParameterStatus values so far. `process_id` is the real backend PID; the cancel secret that
    the client is given (`cancel_key`) is the gate's own and never the backend's.
    """

    parameters: Mapping[str, str]
    process_id: int
    cancel_key: bytes


@dataclass(frozen=True, slots=True)
class BackendUnavailable:
    """No upstream connection could be had. `denial.sqlstate` is 08001, 08006, 53300 or what the server said."""

    denial: Denial


@dataclass(frozen=True, slots=True)
class Decided:
    """A verdict is in *and recorded as its durability mode requires*; there is no flag to forget."""

    ticket: Ticket
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Recorded:
    """The outcome that was asked to be durable is durable."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class CatalogRefreshed:
    """The shared catalog now shows what this session committed."""


@dataclass(frozen=True, slots=True)
class OverlayOutdated:
    """A name is unknown to the overlay that came with `ticket`: look at the backend again, then ask again.

    Told once for each overlay; what is still unknown after the second look is refused.
    """

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Ended:
    """The session must end now: token expired, killed, drained, log lost. The client is told `denial`."""

    denial: Denial


Event = (
    ClientSent
    | ClientLeft
    | ServerSent
    | ServerLeft
    | Authenticated
    | AuthenticationRefused
    | BackendReady
    | BackendUnavailable
    | Decided
    | Recorded
    | CatalogRefreshed
    | OverlayOutdated
    | Ended
)
