"""What the server was asked and has yet to answer, and what stands behind it: statements, portals and their work."""

from typing import Final

from ostiary.model.analysis import CopyRoute, StatementAnalysis, TransactionEffect
from ostiary.model.decision import Denial, Permit, Permitted
from ostiary.model.names import Ticket
from ostiary.session.answers import Recipient

# The requests that get answers; Flush gets none.
PARSE: Final = 1
BIND: Final = 2
DESCRIBE_STATEMENT: Final = 3
DESCRIBE_PORTAL: Final = 4
EXECUTE: Final = 5
CLOSE: Final = 6
SYNC: Final = 7
QUERY: Final = 8
FUNCTION: Final = 9

# What the gate adds around a statement whose rows are bounded (bounds.py).
BEGIN_STEP: Final = 1
COMMIT_STEP: Final = 2
ROLLBACK_STEP: Final = 3


class Traits:
    """What the core needs to know of a text's statements, found once for each text."""

    __slots__ = ("executes", "fetches", "may_copy_in", "plain", "statements", "writes")

    def __init__(self, statements: tuple[StatementAnalysis, ...]) -> None:
        self.statements = statements
        """Kept, so that nothing else gets its identity (`Exchange.traits_of`)."""
        self.writes: bool = any(one.is_write for one in statements)
        self.may_copy_in: bool = any(one.copy is CopyRoute.FROM_CLIENT or not one.complete for one in statements)
        """The server may turn to the client for rows; what is not understood may do anything."""
        self.plain: bool = all(_is_plain(one) for one in statements)
        """Nothing that later statements mean depends on it."""
        self.executes: tuple[str, ...] = tuple([one.executes for one in statements if one.executes is not None])
        self.fetches: tuple[str, ...] = tuple([one.fetches for one in statements if one.fetches is not None])


def _is_plain(one: StatementAnalysis) -> bool:
    return (
        one.complete
        and one.transaction is TransactionEffect.NONE
        and not (one.settings or one.changes_session or one.changes_catalog)
        and one.prepares is None
        and one.deallocates is None
    )


class Work:
    """One recorded intent on its way: a simple Query, the Executes of one portal, or a FunctionCall.

    `text` is what the client sent. `wrapped`: it runs inside a transaction of the gate's own. `changed` counts the rows
    that it changed, `shown` those of the result under way; `excess` is set when one of them is too many.
    """

    wrapped: bool = False
    changed: int = 0
    shown: int = 0
    excess: Denial | None = None
    started: bool = False
    completed: int = 0
    rows: int | None = None
    tag: str = ""
    sqlstate: str = ""
    ended: bool = False

    def __init__(self, ticket: Ticket, verdict: Permitted, text: bytes, traits: Traits) -> None:
        self.ticket = ticket
        self.text = text
        self.verdict: Permitted = verdict
        self.traits: Traits = traits
        self.writes: bool = traits.writes
        self.most: int | None = verdict.permit.max_rows if traits.writes else None

    def judge(self, verdict: Permitted, traits: Traits) -> None:
        """It was decided again, before it ran."""
        self.verdict = verdict
        self.traits = traits
        self.writes = traits.writes
        self.most = verdict.permit.max_rows if traits.writes else None


class Prepared:
    """A prepared statement. `text` is the client's; `forwarded` is what the server knows under its name.

    `sql` is set for those made by PREPARE: these are not for Bind.
    """

    __slots__ = ("batch", "closing", "confirmed", "forwarded", "name", "sql", "text", "verdict")

    def __init__(self, name: str, text: bytes, forwarded: bytes, batch: int, verdict: Permitted | None) -> None:
        self.name = name
        self.text = text
        self.forwarded = forwarded
        self.batch = batch
        self.verdict = verdict
        self.confirmed: bool = False
        self.closing: bool = False
        self.sql: bool = verdict is None


class Portal:
    """A bound statement, and the permit under which it runs. `meant` are the statements that its EXECUTE ran then."""

    __slots__ = ("batch", "confirmed", "described", "meant", "name", "parameters", "permit", "statement", "work")

    def __init__(
        self, name: str, statement: Prepared, parameters: tuple[bytes | None, ...], work: Work, batch: int
    ) -> None:
        self.name = name
        self.statement = statement
        self.parameters = parameters
        self.work = work
        self.permit: Permit = work.verdict.permit
        self.batch = batch
        self.confirmed: bool = False
        self.described: bool = False
        self.meant: tuple[Prepared | None, ...] = ()


class Expected:
    """One request to the server."""

    # Defaults stand on the class: most requests never differ from them, and this is made for each message.
    verdict: Permitted | None = None
    work: Work | None = None
    statement: Prepared | None = None
    portal: Portal | None = None
    denial: Denial | None = None
    step: int = 0
    failed: bool = False
    copying: bool = False
    last: bool = False
    """The last request of a probe."""

    def __init__(self, kind: int, recipient: Recipient, batch: int) -> None:
        self.kind = kind
        self.recipient = recipient
        self.batch = batch
