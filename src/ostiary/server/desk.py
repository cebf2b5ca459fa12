"""What a session asks of the gate: who this is, what may run, and the record of both.

The one place where a decision and its record meet: `Decided` is told once the record is as durable as its mode asks.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field

import structlog

from ostiary.audit.encoding import Commitments, event, intent, intent_template, outcome
from ostiary.authorizer import Authorizer, Judged, Snapshots, Standing, refuse_startup
from ostiary.datasources.datasource import Datasource
from ostiary.model.decision import Denial, Permitted, Refused
from ostiary.model.errors import LogUnavailable, TokenRefused, UpstreamFailed
from ostiary.model.identity import Circumstances, Identity
from ostiary.model.mask import MaskPlan
from ostiary.model.names import SessionId, Ticket
from ostiary.model.statement import Stage
from ostiary.server.reception import Peer
from ostiary.server.upstream import Target
from ostiary.session.actions import Authenticate, Connect, Decide, Record
from ostiary.session.events import (
    Authenticated,
    AuthenticationRefused,
    CatalogRefreshed,
    Decided,
    Ended,
    Event,
    OverlayOutdated,
    Recorded,
)
from ostiary.store.recording import Recording

Reply = Callable[[Event], None]

REMEMBERED_TEMPLATES = 512

UNRECORDED = Denial(
    "log-unavailable",
    "the record of this statement cannot be made durable, so it does not run",
    hint="tell the operator of the gate: the log's volume is full or failing; statements run again when it is not",
    sqlstate="58030",
)

UNKNOWN_NAMES = frozenset({"unknown-relation", "unknown-function"})

OUTDATED = Denial(
    "session-outdated",
    "what you may see has changed since this session prepared its statements and cursors",
    hint="connect again and prepare them anew",
)

BROKEN = Denial("internal", "terminating connection because of a fault in the gate", sqlstate="XX000")

logger = structlog.get_logger()

# A rewriting session has its own lexer mode and encoding, whatever the database's defaults are.
FORCED_SETTINGS = {"client_encoding": "UTF8", "standard_conforming_strings": "on"}


@dataclass(slots=True)
class Desk:
    """What all sessions share."""

    verify: Callable[[bytes, float], Identity]
    authorizer: Authorizer
    log: Recording
    commitments: Commitments
    datasources: Mapping[str, Datasource]
    connections_per_principal: int
    connections: Counter[tuple[str, str]] = field(default_factory=Counter)

    def session(self, session_id: SessionId, peer: Peer) -> "SessionDesk":
        """A desk for one client."""
        return SessionDesk(self, session_id, peer)

    def note_refused(self, peer: Peer, reason: str) -> None:
        """Record a client that never got as far as a session."""
        fields = {"peer": peer.address, "reason": reason}
        self.log.append(event("connection-refused", session=None, time_ns=time.time_ns(), fields=fields))


class SessionDesk:
    """The desk of one session; see `server.runner` for the interface."""

    def __init__(self, desk: Desk, session_id: SessionId, peer: Peer) -> None:
        self._desk = desk
        self._session_id = session_id
        self._peer = peer
        self._identity: Identity | None = None
        self._datasource: Datasource | None = None
        self._intents = 0
        self._newest = Ticket(0)
        self._kept: tuple[Snapshots, Circumstances, Standing] | None = None
        self._made_under: str | None = None
        self._looked_again = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._templates: dict[int, tuple[Judged, Stage, bytes]] = {}
        self.expires_at: float | None = None

    def authenticate(self, action: Authenticate, reply: Reply) -> None:
        """Verify the token, ask policy for `connect`, and record the login before anybody is told of it."""
        admitted = self._admit(action)
        if isinstance(admitted, Denial):
            denial = admitted
            refused = {"database": action.database[:200], "code": denial.code, "peer": self._peer.address}
            self._record_event("login-refused", refused, lambda _: reply(AuthenticationRefused(denial)))
            return
        identity, datasource = admitted
        self._identity, self._datasource = identity, datasource
        self.expires_at = float(identity.expires_at)
        self._desk.connections[identity.principal.issuer, identity.principal.name] += 1
        standing = self._standing()
        # Settings that move the path make the gate ask the backend for the effective one.
        path = None if "search_path" in action.settings else datasource.search_path
        fields: dict[str, object] = {
            "database": datasource.settings.name,
            "principal": identity.principal.name,
            "kind": identity.principal.kind.value,
            "issuer": identity.principal.issuer,
            "on_behalf_of": identity.on_behalf_of.name if identity.on_behalf_of else None,
            "token": identity.token_id,
            "expires": identity.expires_at,
            "peer": self._peer.address,
        }

        def recorded(failure: LogUnavailable | None) -> None:
            if failure is not None:
                reply(AuthenticationRefused(UNRECORDED))
            else:
                reply(Authenticated(identity, path, standing.unanalysed))

        self._record_event("login", fields, recorded)

    def target(self, action: Connect) -> Target:
        """Where this session's backend is, with the gate's own credential and the settings that bound the session."""
        datasource, standing = self._datasource_or_fail(), self._standing()
        database = datasource.settings
        settings = dict(action.settings)
        if not standing.unanalysed:
            settings |= FORCED_SETTINGS
        if not standing.unlimited:
            settings = datasource.snapshots.limits.startup() | settings
        return Target(
            host=database.host,
            port=database.port,
            user=database.user,
            password=datasource.side.password,
            database=database.database,
            sslmode=database.sslmode,
            ca_file=database.ca_file,
            settings=settings,
            minor=action.minor,
        )

    def decide(self, action: Decide, reply: Reply) -> None:
        """Decide, record, and only then say so."""
        judged = self._authorize(action)
        if isinstance(judged.verdict, Refused) and judged.verdict.denial.code in UNKNOWN_NAMES:
            # Somebody may have made it since the last snapshot; look once more before refusing.
            overlay = action.submission.view.overlay
            if not overlay:
                self._keep(self._decide_after_refresh(action, reply), reply)
                return
            if overlay != self._looked_again:
                self._looked_again = overlay
                reply(OverlayOutdated(action.ticket))
                return
        self._conclude(action, judged, reply)

    async def _decide_after_refresh(self, action: Decide, reply: Reply) -> None:
        # When the database does not answer, what was known before decides again, and says no again.
        with contextlib.suppress(UpstreamFailed):
            await self._datasource_or_fail().refresh()
        self._conclude(action, self._authorize(action), reply)

    def _authorize(self, action: Decide) -> Judged:
        datasource, submission = self._datasource_or_fail(), action.submission
        snapshots, identity, now = datasource.snapshots, self._identity_or_fail(), int(time.time())
        authorizer, claimed = self._desk.authorizer, submission.view.claimed
        if action.overlay is not None:
            overlay = datasource.overlay(submission.view.overlay, action.overlay)
            standing = authorizer.standing(snapshots, identity, claimed, now, overlay)
            judged = authorizer.authorize(snapshots, identity, submission, now, overlay, standing)
            return self._still_good(submission.stage, judged, standing.plan)
        kept = self._kept
        if kept is None or kept[0] is not snapshots or kept[1] != claimed or kept[2].asker.reads_time:
            kept = self._kept = (snapshots, claimed, authorizer.standing(snapshots, identity, claimed, now))
        judged = authorizer.authorize(snapshots, identity, submission, now, standing=kept[2])
        return self._still_good(submission.stage, judged, kept[2].plan)

    def _still_good(self, stage: Stage, judged: Judged, plan: MaskPlan) -> Judged:
        """Refuse what would use a prepared statement or cursor that was made under other masks.

        The server keeps their rewritten texts. Bind compares what it runs; EXECUTE and FETCH cannot, and EXECUTE takes
        the names of Parse as well as those of PREPARE.
        """
        verdict = judged.verdict
        if isinstance(verdict, Refused):
            return judged
        for statement in verdict.statements:
            if statement.executes is not None or statement.node == "FetchStmt":
                if self._made_under is not None and self._made_under != plan.digest:
                    return Judged(Refused(OUTDATED, verdict.statements), judged.analysis)
            elif stage is Stage.PARSE or statement.prepares is not None or statement.node == "DeclareCursorStmt":
                # The oldest counts: what was made first may still be there.
                self._made_under = self._made_under if self._made_under is not None else plan.digest
        return judged

    def _conclude(self, action: Decide, judged: Judged, reply: Reply) -> None:
        verdict, submission = judged.verdict, action.submission
        if isinstance(verdict, Permitted) and submission.stage in (Stage.PARSE, Stage.EXECUTE):
            # Nothing runs at Parse, and what an Execute runs was recorded at its Bind.
            reply(Decided(action.ticket, verdict))
            return
        self._intents += 1
        self._newest = action.ticket
        commitments = self._desk.commitments
        leaf = intent(
            self._template(judged, submission.stage, judged.claimed or submission.view.claimed),
            session=self._session_id,
            number=action.ticket,
            time_ns=time.time_ns(),
            commitment=commitments.commit(submission.text),
            parameters_commitment=(
                commitments.commit_parameters(submission.parameters) if submission.parameters else None
            ),
        )

        def recorded(failure: LogUnavailable | None) -> None:
            told = verdict if failure is None else Refused(UNRECORDED, verdict.statements)
            reply(Decided(action.ticket, told))

        self._desk.log.append(leaf, recorded)

    def _template(self, judged: Judged, stage: Stage, claimed: Circumstances) -> bytes:
        """The part of an intent that does not change while the same text is decided the same way."""
        key = id(judged.analysis)
        found = self._templates.get(key)
        # The verdict is kept in the entry: an id means something only while its object lives.
        if found is not None and found[1] is stage and found[0].verdict is judged.verdict:
            return found[2]
        made = intent_template(
            identity=self._identity_or_fail(),
            datasource=self._datasource_or_fail().settings.name,
            claimed=claimed,
            verdict=judged.verdict,
            analysis=judged.analysis,
            stage=stage,
            masked_columns=judged.masked_columns,
        )
        if len(self._templates) >= REMEMBERED_TEMPLATES:
            self._templates.clear()
        self._templates[key] = (judged, stage, made)
        return made

    def record(self, action: Record, reply: Reply) -> None:
        """Record how a statement ended; with `wait`, answer once that is durable.

        A second outcome of one intent is news: what was done in a batch is undone when the batch fails later.
        """
        if action.ticket > self._newest:
            raise LookupError(f"no intent was recorded under ticket {action.ticket}")
        leaf = outcome(session=self._session_id, number=action.ticket, time_ns=time.time_ns(), outcome=action.outcome)

        def recorded(failure: LogUnavailable | None) -> None:
            reply(Recorded(action.ticket) if failure is None else Ended(UNRECORDED))

        self._desk.log.append(leaf, recorded if action.wait else None)

    def refresh_catalog(self, reply: Reply) -> None:
        """Take a new shared catalog, because this session committed DDL."""
        self._keep(self._refresh(reply), reply)

    def _keep(self, work: Coroutine[None, None, None], reply: Reply) -> None:
        """Do something that takes a while. If it breaks, the session that waits for it ends."""

        def over(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and task.exception() is not None:
                logger.error("a decision broke", exc_info=task.exception())
                reply(Ended(BROKEN))

        # The loop itself holds tasks weakly.
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(over)

    async def _refresh(self, reply: Reply) -> None:
        try:
            await self._datasource_or_fail().refresh()
        except UpstreamFailed:
            # The session goes on with its own overlay, which is at least as new.
            return
        reply(CatalogRefreshed())

    def closed(self, reason: str) -> None:
        """Record the end of a session that had begun."""
        if self._identity is None:
            return
        principal = self._identity.principal
        key = (principal.issuer, principal.name)
        self._desk.connections[key] -= 1
        if not self._desk.connections[key]:
            del self._desk.connections[key]
        self._identity = None
        self._record_event("session-closed", {"reason": reason, "statements": self._intents}, lambda _: None)

    def _admit(self, action: Authenticate) -> tuple[Identity, Datasource] | Denial:
        desk = self._desk
        try:
            identity = desk.verify(action.token, time.time())
        except TokenRefused as error:
            return Denial(error.code, error.message, hint=error.hint, sqlstate="28P01")
        datasource = desk.datasources.get(action.database)
        if datasource is None:
            # The same words as the server's, so that clients know them; names are not enumerated for strangers.
            return Denial(
                "unknown-database", f'database "{action.database[:63]}" does not exist',
                hint="connect to a database that the gate is configured for", sqlstate="3D000",
            )  # fmt: skip
        principal = identity.principal
        if desk.connections[principal.issuer, principal.name] >= desk.connections_per_principal:
            return Denial(
                "too-many-connections", f"too many connections of {principal.name}",
                detail=f"the limit is {desk.connections_per_principal}",
                hint="close some, or ask the operator to raise limits.connections_per_principal", sqlstate="53300",
            )  # fmt: skip
        standing = desk.authorizer.standing(datasource.snapshots, identity, action.claimed, int(time.time()))
        denial = standing.asker.refuse_connect()
        if denial is None:
            denial = refuse_startup(standing, datasource.snapshots.limits, action.settings)
        return denial if denial is not None else (identity, datasource)

    def _standing(self) -> Standing:
        return self._desk.authorizer.standing(
            self._datasource_or_fail().snapshots, self._identity_or_fail(), Circumstances(), int(time.time())
        )

    def _record_event(
        self, kind: str, fields: Mapping[str, object], done: Callable[[LogUnavailable | None], None]
    ) -> None:
        self._desk.log.append(event(kind, session=self._session_id, time_ns=time.time_ns(), fields=fields), done)

    def _identity_or_fail(self) -> Identity:
        if self._identity is None:
            raise LookupError("nobody has authenticated")
        return self._identity

    def _datasource_or_fail(self) -> Datasource:
        if self._datasource is None:
            raise LookupError("nobody has authenticated")
        return self._datasource
