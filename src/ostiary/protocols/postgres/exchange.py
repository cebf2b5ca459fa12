"""The state that the parts of a conversation share, and the few ways to say something. It decides nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ostiary.model.analysis import SettingChange, StatementAnalysis
from ostiary.model.decision import Denial, Permit, Permitted, Versions
from ostiary.model.identity import Circumstances
from ostiary.model.names import Ticket
from ostiary.model.record import Outcome
from ostiary.model.statement import SessionView, Stage
from ostiary.protocols.postgres.expected import Expected, Portal, Prepared, Traits, Work
from ostiary.protocols.postgres.wire import LARGE_MESSAGE, Inbox, client_caps, server_caps
from ostiary.session.actions import Action, Forward, Record, SendToClient, SendToServer
from ostiary.session.answers import Answers, Recipient

IDLE: Final = 73
IN_TRANSACTION: Final = 84
ABORTED: Final = 69
"""The transaction status indicators of ReadyForQuery: I, T, E."""

TRAITS_KEPT: Final = 256

RESERVED: Final = "ostiary_"
"""Names of statements and portals that begin so are the gate's own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one session."""

    large_message: int = LARGE_MESSAGE
    waiting_bytes: int = 256 * 1024
    """What is read from a client while it has to wait; past it the client is paused."""
    owed_answers: int = 4096
    """Requests in flight: more wait until the server has answered (a pipeline of a million Syncs, PG-FRAME-008)."""
    prepared_statements: int = 10_000
    prepared_bytes: int = LARGE_MESSAGE
    portals: int = 1_000
    notices: int = 1_000
    """Texts that are told once each; past it new ones are not told."""


class Phase(Enum):
    """How far a conversation is."""

    ASKED = "who is there was asked, and is not answered yet"
    IDENTITY = "the token is being verified"
    BACKEND = "the backend is being connected"
    OPEN = "statements run"
    LEAVING = "the client has gone; what runs comes to its end"
    CLOSED = "over"


class SessionOver(Exception):
    """The conversation cannot go on; `denial` is what the client is told."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.message)
        self.denial = denial


class Pending:
    """The client message that waits for a verdict; later ones wait behind it."""

    frame: bytes = b""
    parameters: tuple[bytes | None, ...] = ()
    oid: int | None = None
    target: str = ""
    types: bytes = b""
    statement: Prepared | None = None
    portal: Portal | None = None
    ticket: Ticket | None = None
    permitted: Permitted | None = None
    probed: bool = False
    work: Work | None = None

    def __init__(self, stage: Stage, text: bytes, proceed: Callable[["Exchange", "Pending", Permitted], None]) -> None:
        self.stage = stage
        self.text = text
        self.proceed = proceed

    @property
    def extended(self) -> bool:
        """Whether a refusal of it lasts until the Sync."""
        return self.stage in (Stage.PARSE, Stage.BIND, Stage.EXECUTE)

    @property
    def needed_ticket(self) -> Ticket:
        """The ticket of its verdict."""
        if self.ticket is None:
            raise RuntimeError("a message without a verdict goes nowhere")
        return self.ticket

    @property
    def recorded(self) -> bool:
        """Whether a permit at this stage stands in the record and wants an outcome."""
        return self.stage in (Stage.SIMPLE, Stage.BIND, Stage.FUNCTION)


class View:
    """The state of the session that gives a text its meaning, as far as it is known."""

    __slots__ = ("claimed", "claimed_local", "ddl", "digest", "in_block", "overlay", "refreshing", "search_path",
                 "stale", "started_with", "temporary", "touched")  # fmt: skip

    def __init__(self, claimed: Circumstances) -> None:
        self.search_path: tuple[str, ...] = ()
        self.stale: bool = False
        """The backend must be asked before the next decision."""
        self.touched: bool = False
        """Something changed it in the open transaction: its end may undo that."""
        self.ddl: bool = False
        """Schema objects changed in the open transaction."""
        self.refreshing: int = 0
        self.temporary: bool = False
        self.overlay: bytes | None = None
        self.digest: str = ""
        self.started_with = claimed
        self.claimed = claimed
        self.claimed_local: dict[str, SettingChange] = {}
        self.in_block: bool = False
        """Whether a transaction block is open, once everything sent has run."""


class Exchange:
    """One conversation, under way."""

    def __init__(self, limits: Limits, claimed: Circumstances, minor: int) -> None:
        self.limits = limits
        self.minor = minor
        self.phase = Phase.ASKED
        self.actions: list[Action] = []
        self.client = Inbox(client_caps(limits.large_message))
        self.server = Inbox(server_caps(limits.large_message))
        self.answers: Answers[Expected] = Answers()
        self.status: int = IDLE
        self.connected: bool = False
        self.connecting: bool = False
        self.unanalysed: bool = False
        self.masked: bool = False
        self.told: set[str] = set()
        self.traits: dict[int, Traits] = {}
        self.notices: list[bytes] = []
        self.versions: Versions | None = None
        self.view = View(claimed)
        self.last_view: SessionView | None = None
        self.tickets: int = 0
        # Requests.
        self.pending: Pending | None = None
        self.unsynced: bool = False
        self.batch: int = 0
        self.discarding: bool = False
        self.discarding_alone: bool = False
        """The server knows nothing of what is discarded: the Sync at its end is ours to answer."""
        self.quiet_wanted: bool = False
        self.flushed: bool = False
        # Answers.
        self.holding: int = 0
        """The ticket whose record must be durable before the server's bytes go on; 0 for none."""
        self.limbo_open: bool = False
        self.muted: bool = False
        """What the server says is not for the client's eyes any more."""
        self.muted_until: Expected | None = None
        self.limbo: list[bytes] = []
        self.copying: Expected | None = None
        self.copy_rows: bool = False
        """The client has sent rows of the COPY under way."""
        self.copy_sync: bool = False
        """The client has sent a Sync after the last of them."""
        self.probing: bool = False
        self.probe_over: bool = False
        self.probe_answer: bytes | None = None
        self.probe_error: dict[str, str] | None = None
        self.batch_done: list[Work] = []
        # Names.
        self.statements: dict[str, Prepared] = {}
        self.statement_texts: dict[str, bytes] = {}
        self.statement_bytes: int = 0
        self.unnamed: Prepared | None = None
        self.portals: dict[str, Portal] = {}
        self.unnamed_portal: Portal | None = None
        # Flow.
        self.paused: bool = False
        self.server_paused: bool = False
        self.server_gone: bool = False
        self.farewell_said: bool = False

    @property
    def idle(self) -> bool:
        """Whether the server owes nothing, and nothing of what it did is yet to be undone or told."""
        return self.quiet and self.status == IDLE and not self.unsynced and self.copying is None

    @property
    def quiet(self) -> bool:
        """Whether everything sent has been answered, and the answers passed on."""
        return len(self.answers) == 0 and self.holding == 0 and not self.limbo_open

    def next_ticket(self) -> Ticket:
        """A number for a question to the runner."""
        self.tickets += 1
        return Ticket(self.tickets)

    def ask(self, data: bytes) -> None:
        """Send what holds no statement of the client."""
        self.actions.append(SendToServer(data))

    def forward(self, permit: Permit, data: bytes) -> None:
        """Send what the permit lets through."""
        self.actions.append(Forward(permit, data))

    def owe(self, kind: int, recipient: Recipient = Recipient.CLIENT) -> Expected:
        """The server now owes the answers to a request of this kind."""
        request = Expected(kind, recipient, self.batch)
        self.answers.owe(request)
        self.flushed = False
        return request

    def say(self, data: bytes) -> None:
        """Tell the client something of our own. Only when nothing it is owed stands before that."""
        self.actions.append(SendToClient(data))

    def relay(self, data: bytes) -> None:
        """Pass on what the server sent, or hold it while a record is not durable yet."""
        if self.muted or self.phase is Phase.LEAVING:
            return
        if self.limbo_open or self.holding != 0:
            self.limbo.append(data)
        else:
            self.actions.append(SendToClient(data))

    def release(self) -> None:
        """What was held goes to the client."""
        self.limbo_open = False
        if self.limbo and self.phase is not Phase.LEAVING:
            self.actions.append(SendToClient(b"".join(self.limbo)))
        self.limbo.clear()

    def record(self, work: Work, outcome: Outcome, wait: bool = False) -> None:
        """How one intent ended. Said once; with `wait` the server's bytes are held from here on."""
        work.ended = True
        self.actions.append(Record(work.ticket, outcome, wait))
        if wait:
            self.holding = work.ticket

    def traits_of(self, statements: tuple[StatementAnalysis, ...]) -> Traits:
        """The same statements come again and again, as the same object."""
        key = id(statements)
        known = self.traits.get(key)
        if known is not None and known.statements is statements:
            return known
        if len(self.traits) >= TRAITS_KEPT:
            self.traits.clear()
        made = self.traits[key] = Traits(statements)
        return made

    def meant_by(self, work: Work) -> tuple[Prepared | None, ...]:
        """The prepared statements that EXECUTE in this work would run now."""
        return tuple([self.statements.get(name) for name in work.traits.executes])

    def fetches_portal(self, work: Work) -> bool:
        """Whether FETCH in this work would run what was bound under a permit of its own, unseen.

        Reading on from a portal is what drivers do (asyncpg's Cursor.forward is a MOVE), and nothing of it is bounded.
        """
        return any(one.writes or not one.traits.plain for one in self._fetched(work))

    def fetched(self, work: Work) -> None:
        """What FETCH in this work reads has run, by whatever message."""
        for one in self._fetched(work):
            one.started = True

    def _fetched(self, work: Work) -> list[Work]:
        return [self.portals[name].work for name in work.traits.fetches if name in self.portals]

    def session_view(self) -> SessionView:
        """What a decision may look at."""
        view = self.view
        last = self.last_view
        claimed = view.claimed
        if (
            last is not None
            and last.in_transaction is view.in_block
            and last.search_path is view.search_path
            and last.overlay is view.digest
            and last.claimed is claimed
            and not view.claimed_local
        ):
            return last
        if view.claimed_local:
            changes = view.claimed_local
            claimed = Circumstances(
                **{
                    name: changes[name].value if name in changes else getattr(claimed, name)
                    for name in ("purpose", "ticket", "workflow", "run")
                }
            )
        made = self.last_view = SessionView(
            search_path=view.search_path,
            overlay=view.digest,
            claimed=claimed,
            prepared=self.statement_texts,
            in_transaction=view.in_block,
        )
        return made

    def remember(self, statement: Prepared) -> None:
        """The server knows, or will know, this statement under its name."""
        self.forget(statement.name)
        self.statements[statement.name] = statement
        self.statement_bytes += len(statement.text)
        if statement.name:
            self.statement_texts[statement.name] = statement.text

    def supersede_unnamed(self, request: Expected) -> None:
        """The server drops its unnamed statement when it comes to this request; nobody knows yet whether it does.

        What stands in its place is nothing that can be bound: a Bind in a later batch waits until that is certain.
        """
        if "" in self.statements:
            nothing = request.statement = Prepared("", b"", b"", self.batch, None)
            self.remember(nothing)

    def forget(self, name: str) -> None:
        """The server has no statement of that name any more."""
        known = self.statements.pop(name, None)
        if known is not None:
            self.statement_bytes -= len(known.text)
            self.statement_texts.pop(name, None)
