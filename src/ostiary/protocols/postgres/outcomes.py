"""How intents end, and what a statement that ran does to what is known of its session.

A write's outcome is durable before its answer is passed on; a read's is recorded while the answer goes.
"""

from ostiary.model.analysis import SettingChange, StatementAnalysis, TransactionEffect
from ostiary.model.identity import Circumstances
from ostiary.model.record import Outcome, OutcomeKind
from ostiary.protocols.postgres import messages
from ostiary.protocols.postgres.exchange import ABORTED, IDLE, Exchange
from ostiary.protocols.postgres.expected import COMMIT_STEP, EXECUTE, QUERY, SYNC, Expected, Portal, Prepared, Work
from ostiary.protocols.postgres.startup import CLAIM_NAMES, CLAIMS
from ostiary.session.actions import RefreshCatalog

CANCELLED = "57014"
_PATH_SETTINGS = frozenset({"search_path", "role", "session_authorization", "all"})
_COMMITS = frozenset({TransactionEffect.COMMIT, TransactionEffect.TWO_PHASE})


def sent(x: Exchange, work: Work) -> None:
    """The statements of this work are on their way: from here on they count as having run."""
    if work.started:
        return
    work.started = True
    if work.traits.fetches:
        x.fetched(work)
    if work.traits.plain:
        return
    view = x.view
    for statement in work.verdict.statements:
        if statement.transaction is TransactionEffect.BEGIN:
            view.in_block = True
        elif statement.transaction in _COMMITS or statement.transaction is TransactionEffect.ROLLBACK:
            view.in_block = False
        elif statement.transaction is TransactionEffect.ROLLBACK_TO and (view.touched or view.ddl):
            view.stale = True
        for change in statement.settings:
            _setting(x, change)
        if statement.changes_session or statement.changes_catalog or not statement.complete:
            view.stale = view.touched = True
        if statement.changes_catalog:
            view.ddl = True
        if statement.prepares is not None or statement.deallocates is not None:
            # What the name means next is known once this has run (a PREPARE of a known name fails and changes nothing).
            x.quiet_wanted = True


def _setting(x: Exchange, change: SettingChange) -> None:
    name = change.name.lower()
    view = x.view
    if name in _PATH_SETTINGS:
        view.stale = view.touched = True
    if name == "all":
        view.claimed = view.started_with
        view.claimed_local.clear()
    short = name.removeprefix(CLAIMS)
    if name == short or short not in CLAIM_NAMES:
        return
    if change.local:
        view.claimed_local[short] = change
        return
    view.claimed_local.pop(short, None)
    said = {one: getattr(view.claimed, one) for one in CLAIM_NAMES}
    said[short] = getattr(view.started_with, short) if change.value is None else change.value
    view.claimed = Circumstances(**said)


def completed(x: Exchange, work: Work, tag: str) -> None:
    """One statement of the work said CommandComplete."""
    statements = work.verdict.statements
    statement = statements[work.completed] if work.completed < len(statements) else None
    work.completed += 1
    work.tag = tag
    rows = messages.tag_rows(tag)
    if rows is not None:
        work.rows = rows + (work.rows or 0)
    if statement is not None:
        _names(x, statement, work.text)


def _names(x: Exchange, statement: StatementAnalysis, text: bytes) -> None:
    if statement.deallocates == "":
        for name in [name for name in x.statements if name]:
            x.forget(name)
    elif statement.deallocates is not None:
        x.forget(statement.deallocates)
    if statement.prepares is not None:
        whole = text[statement.start : statement.end]
        made = Prepared(statement.prepares, whole, whole, x.batch, None)
        made.confirmed = True
        x.remember(made)


def settle(x: Exchange, work: Work) -> None:
    """The work is done: say how it ended. A write that succeeded is held until that is durable."""
    if work.ended:
        return
    if work.sqlstate:
        x.record(work, failure(work))
        return
    x.record(work, Outcome(OutcomeKind.DONE, work.tag, work.rows), work.writes)


def failure(work: Work) -> Outcome:
    """The outcome of work that ended in an error."""
    kind = OutcomeKind.CANCELLED if work.sqlstate == CANCELLED else OutcomeKind.FAILED
    return Outcome(kind, work.tag, work.rows, work.sqlstate)


def skipped(x: Exchange, work: Work | None) -> None:
    """The server passed over it, or it was never asked to run it."""
    if work is not None and not work.ended:
        x.record(work, Outcome(OutcomeKind.NOT_RUN))


def portal_gone(x: Exchange, portal: Portal) -> None:
    """A portal is no more: either nothing of it ran, or all that ever will has."""
    work = portal.work
    if not work.ended:
        x.record(work, Outcome(OutcomeKind.DONE, work.tag, work.rows) if work.started else Outcome(OutcomeKind.NOT_RUN))


def batch_failed(x: Exchange, sqlstate: str) -> None:
    """An error up to a Sync outside of a transaction block undoes what the batch did before, so the record says so."""
    for work in x.batch_done:
        work.sqlstate = sqlstate
        x.record(work, failure(work))
    x.batch_done.clear()


def transaction_status(x: Exchange, request: Expected, status: int) -> None:
    """A ReadyForQuery told how the transaction stands."""
    x.status = status
    if x.batch_done:
        x.batch_done.clear()
    view = x.view
    if len(x.answers) == 0:
        view.in_block = status != IDLE
    if status == ABORTED and (view.touched or view.ddl):
        view.stale = True
    if status != IDLE:
        return
    if x.portals:
        for portal in [portal for portal in x.portals.values() if portal.batch <= request.batch]:
            del x.portals[portal.name]
            portal_gone(x, portal)
    if x.unnamed_portal is not None and x.unnamed_portal.batch <= request.batch:
        portal_gone(x, x.unnamed_portal)
        x.unnamed_portal = None
    if view.claimed_local:
        view.claimed_local.clear()
    if view.touched:
        view.touched = False
        view.stale = True
    if view.ddl:
        view.ddl = False
        view.refreshing += 1
        x.actions.append(RefreshCatalog())


def link_died(x: Exchange) -> None:
    """What was in flight when the server's connection ended: unknown where it may have been committed."""
    requests = x.answers.all()
    for at, request in enumerate(requests):
        work = request.work
        if work is None or work.ended:
            continue
        commits = any(one.transaction in _COMMITS for one in work.verdict.statements)
        synced = request.kind == QUERY or any(later.kind == SYNC for later in requests[at:])
        autocommit = work.writes and x.status == IDLE and synced and request.kind in (QUERY, EXECUTE)
        unknown = request.step == COMMIT_STEP or ((commits or autocommit) and not work.wrapped)
        x.record(work, Outcome(OutcomeKind.UNKNOWN if unknown else OutcomeKind.FAILED, work.tag, work.rows))
    # Without its Sync a batch is rolled back; with it, nobody knows.
    kind = OutcomeKind.UNKNOWN if any(request.kind == SYNC for request in requests) else OutcomeKind.FAILED
    for work in x.batch_done:
        x.record(work, Outcome(kind, work.tag, work.rows))
    x.batch_done.clear()
    for portal in x.portals.values():
        portal_gone(x, portal)
    x.portals.clear()
