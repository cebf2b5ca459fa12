"""More rows than allowed means rollback, not a report afterwards.

A simple autocommit statement has committed before its CommandComplete arrives, so one with a bound runs inside a
transaction of the gate's; in the extended protocol the client's Sync, which commits, waits until the rows are known.
"""

from ostiary.model.analysis import WRITES, Action, StatementAnalysis, TransactionEffect
from ostiary.model.decision import REFUSED, Denial
from ostiary.protocols.postgres import messages
from ostiary.protocols.postgres.exchange import ABORTED, IDLE, IN_TRANSACTION, Exchange
from ostiary.protocols.postgres.expected import BEGIN_STEP, COMMIT_STEP, QUERY, ROLLBACK_STEP, Expected, Work
from ostiary.protocols.postgres.refusals import fail
from ostiary.protocols.postgres.wire import skip_rows
from ostiary.session.actions import Cancel
from ostiary.session.answers import Recipient

UNENFORCEABLE = Denial(
    "row-bound-unenforceable",
    "the number of rows this may change is bounded, and the bound cannot be enforced on it",
    hint="send one INSERT, UPDATE, DELETE, MERGE or COPY at a time, without transaction commands in the same text, "
    "without data-modifying WITH, and fetch all of its rows at once",
)
_COUNTED = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"})
_CHANGING = WRITES | {Action.CALL}
_OWN_ACTIONS = {
    "InsertStmt": frozenset({Action.INSERT, Action.UPDATE}),
    "UpdateStmt": frozenset({Action.UPDATE}),
    "DeleteStmt": frozenset({Action.DELETE}),
    "MergeStmt": WRITES,
    "CopyStmt": frozenset({Action.INSERT}),
    "ExecuteStmt": WRITES,
}


def too_many(most: int, rows: int) -> Denial:
    """The refusal of a statement that changed more than it may."""
    return Denial(
        "too-many-rows",
        f"the statement would change {rows} rows and may change at most {most}; it was rolled back",
        hint="narrow the predicate, or ask for access to change more rows",
    )


def result_too_long(cap: int, ran: bool = False) -> Denial:
    """The refusal of a result that brings more rows than it may."""
    return Denial(
        "too-many-result-rows",
        f"the result has more than {cap} rows, and no more may be read at once",
        detail="the statement itself has been carried out" if ran else "",
        hint="narrow the predicate, aggregate, or read in pages with LIMIT",
    )


def shown(work: Work, cap: int, data: bytes, at: int) -> int:
    """Let rows through up to the cap."""
    at, rows = skip_rows(data, at, len(data), cap - work.shown)
    work.shown += rows
    return at


def cut_off(x: Exchange, work: Work, cap: int) -> None:
    """One row too many has come: the statement is cancelled, and no row more is shown."""
    work.excess = result_too_long(cap)
    x.muted = True
    # Nothing else may run before this has ended: the cancel request could hit it.
    x.quiet_wanted = True
    x.actions.append(Cancel())


def unenforceable(x: Exchange, work: Work) -> Denial | None:
    """Why the bound of this work could not be kept; None when it can."""
    if work.sqlstate or (work.wrapped and x.quiet and x.status != IN_TRANSACTION):
        return Denial(
            "row-bound-unenforceable", "no transaction could be opened around this", sqlstate=work.sqlstate or REFUSED
        )
    statements = work.verdict.statements
    if not statements or any(one.transaction is not TransactionEffect.NONE for one in statements):
        return UNENFORCEABLE
    if any(not _countable(one) for one in statements):
        return UNENFORCEABLE
    # A batch that waits for its Sync would be committed by our COMMIT as well.
    simple = x.pending is not None and not x.pending.extended
    return UNENFORCEABLE if simple and x.unsynced else None


def _countable(statement: StatementAnalysis) -> bool:
    """Whether its command tag tells all the rows it changes: one relation, written by the statement itself."""
    if not statement.complete or statement.data_changes > 1:
        return False
    written = [one for one in statement.accesses if one.action in _CHANGING]
    if not written:
        return True
    own = _OWN_ACTIONS.get(statement.node, frozenset())
    return len({one.relation for one in written}) == 1 and all(one.action in own for one in written)


def opened(x: Exchange, work: Work) -> bool:
    """Whether a simple bounded statement may be sent now. If it must wait, it is asked again."""
    if not x.quiet:
        return False
    if work.wrapped:
        return True
    if x.status == ABORTED:
        work.most = None  # nothing can run there
        return True
    if x.status != IDLE:
        return True
    work.wrapped = True
    _step(x, work, b"BEGIN", BEGIN_STEP)
    return False


def _step(x: Exchange, work: Work, text: bytes, step: int) -> None:
    x.ask(messages.query(text))
    request = x.owe(QUERY, Recipient.NOBODY)
    request.step = step
    request.work = work
    x.batch += 1


def count(work: Work, statement: StatementAnalysis | None, tag: str) -> None:
    """A bounded statement said how many rows it changed."""
    if work.most is None or statement is None or not any(one.action in _CHANGING for one in statement.accesses):
        return
    rows = messages.tag_rows(tag)
    if tag.partition(" ")[0] not in _COUNTED or rows is None:
        work.excess = UNENFORCEABLE
        return
    work.changed += rows
    if work.changed > work.most:
        work.excess = too_many(work.most, work.changed)


def concluded(x: Exchange, request: Expected) -> bool:
    """A bounded simple statement said ReadyForQuery: end the transaction around it. False: there is nothing to do."""
    work = request.work
    if work is None:
        return False
    if work.wrapped:
        failed = work.excess is not None or bool(work.sqlstate)
        _step(x, work, b"ROLLBACK" if failed else b"COMMIT", ROLLBACK_STEP if failed else COMMIT_STEP)
        return True
    if work.excess is None or x.status != IN_TRANSACTION:
        return False
    _drop_limbo(x)
    fail(x, work.excess, extended=False).work = work
    return True


def _drop_limbo(x: Exchange) -> None:
    x.limbo.clear()
    x.limbo_open = False
    x.muted = False


def step_failed(x: Exchange, request: Expected, found: dict[str, str]) -> bool:
    """BEGIN, COMMIT or ROLLBACK failed. True when the client is to see the error: that of its COMMIT."""
    work = request.work
    if work is not None:
        work.sqlstate = found["C"]
    if request.step == COMMIT_STEP:
        _drop_limbo(x)
        return True
    return False


def step_done(x: Exchange, request: Expected) -> Denial | None:
    """ReadyForQuery after a ROLLBACK, or after a result that was cut off: the denial that the client is told first."""
    work = request.work
    if work is None or work.excess is None or request.recipient is Recipient.REFUSAL:
        return None
    _drop_limbo(x)
    if request.step != ROLLBACK_STEP and work.writes and work.verdict.permit.row_cap is not None:
        # Too late to undo: it has committed, so that is what the record says, and the client is told.
        return result_too_long(work.verdict.permit.row_cap, ran=True)
    work.sqlstate = work.excess.sqlstate
    return work.excess


def error_told(x: Exchange, work: Work) -> Denial | None:
    """The statement failed. If that is because its result was cut off, the client is told so instead."""
    denial, work.excess = work.excess, None
    if denial is not None:
        x.muted = False
        work.sqlstate = denial.sqlstate
    return denial
