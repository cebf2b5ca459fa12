"""A submission → a verdict. Pure: given the same snapshots it says the same, wherever it is called from.

The wire, `policy explain` and everything that comes later ask this one; there is no second way to a permit.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ostiary.analysis.abstraction import Template, abstracted, template
from ostiary.analysis.analyse import analyse
from ostiary.analysis.catalog import Catalog
from ostiary.analysis.parse import Parsed, SqlNotUnderstood, parse
from ostiary.analysis.walk import UNKNOWN_FUNCTION, UNKNOWN_RELATION
from ostiary.masking.apply import Shaped, shape_statement
from ostiary.masking.plan import forbidden_origins, plan_for
from ostiary.masking.session_settings import unsafe_at_startup
from ostiary.model.analysis import Access, Action, Analysis, SettingChange, StatementAnalysis
from ostiary.model.decision import REFUSED, Denial, Permit, Permitted, Refused, Verdict, Versions
from ostiary.model.identity import Circumstances, Identity
from ostiary.model.mask import ClassMap, MaskPlan
from ostiary.model.names import Oid
from ostiary.model.statement import SessionView, Stage, Submission
from ostiary.policy.document import PolicySet
from ostiary.policy.evaluate import Evaluator
from ostiary.policy.requirements import Asker, DatasourceFacts
from ostiary.session_limits import SessionLimits, refuse_encodings

CLAIMS = ("purpose", "ticket", "workflow", "run")

DROPPED_RELATIONS = frozenset({"table", "view", "materialized view", "sequence", "foreign table"})

REMEMBERED_STANDINGS = 1024
REMEMBERED_TEXTS = 2048
REMEMBERED_BYTES = 16 * 1024
"""Longer texts are analysed again each time: they are rare, and keeping them is a way to fill the memory."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Everything besides the session that a decision depends on, each part immutable and named by a version."""

    datasource: DatasourceFacts
    catalog: Catalog
    policies: PolicySet
    classes: ClassMap
    limits: SessionLimits
    row_cap: int | None = None

    @property
    def versions(self) -> Versions:
        """The names of the parts."""
        return Versions(self.policies.version, self.catalog.version, self.classes.version)


@dataclass(frozen=True, slots=True)
class Understood:
    """A text with its tree and what it would do."""

    parsed: Parsed
    analysis: Analysis


@dataclass(slots=True)
class Standing:
    """What one identity, for the reasons it gives, may do under one set of snapshots; with the verdicts so far."""

    asker: Asker
    plan: MaskPlan
    origins: frozenset[tuple[Oid, int]]
    versions: Versions
    unlimited: bool
    unanalysed: bool
    verdicts: "OrderedDict[tuple[bytes, tuple[str, ...]], Judged]" = field(default_factory=OrderedDict)


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with what the record says of the text. `analysis` is None for what could not be parsed.

    `template` makes the permitted text of another one that differs from this in small numbers only. `claimed` is what
    was claimed when the text's comments claimed something; None: what the session claims.
    """

    verdict: Verdict
    analysis: Analysis | None
    masked_columns: tuple[str, ...] = ()
    template: Template | None = None
    claimed: Circumstances | None = None


class Authorizer:
    """Answers submissions and remembers the answers for as long as nothing they depend on has changed."""

    def __init__(self) -> None:
        self._evaluator = Evaluator()
        self._standings: OrderedDict[object, Standing] = OrderedDict()

    def standing(
        self, snapshots: Snapshots, identity: Identity, claimed: Circumstances, now: int, overlay: Catalog | None = None
    ) -> Standing:
        """What this identity may do, from memory when nothing changed."""
        catalog = snapshots.catalog if overlay is None else overlay
        versions = Versions(snapshots.policies.version, catalog.version, snapshots.classes.version)
        key = (
            snapshots.datasource,
            versions,
            identity.principal,
            identity.on_behalf_of,
            identity.chain,
            identity.proved,
            claimed,
            snapshots.limits,
            snapshots.row_cap,
        )
        found = self._standings.get(key)
        if found is not None and not found.asker.reads_time:
            self._standings.move_to_end(key)
            return found
        asker = Asker(self._evaluator, snapshots.policies, snapshots.datasource, identity, claimed, now)
        plan = plan_for(snapshots.classes, catalog, asker.may_read_class)
        made = Standing(
            asker=asker,
            plan=plan,
            origins=forbidden_origins(plan, catalog),
            versions=versions,
            unlimited=asker.unlimited_rows(),
            unanalysed=asker.may_run_unanalysed(),
        )
        self._standings[key] = made
        if len(self._standings) > REMEMBERED_STANDINGS:
            self._standings.popitem(last=False)
        return made

    def authorize(
        self,
        snapshots: Snapshots,
        identity: Identity,
        submission: Submission,
        now: int,
        overlay: Catalog | None = None,
        standing: Standing | None = None,
    ) -> Judged:
        """Decide one submission.

        Args:
            snapshots: what to decide from.
            identity: who is asking, as the verified token said.
            submission: what the client sent, and the state of its session.
            now: POSIX seconds.
            overlay: the session's own catalog, when `submission.view.overlay` names one.
            standing: what `standing` returned for just these arguments, when the caller has kept it.

        Returns:
            The verdict and what it stands on. A text that is not understood is an ordinary refusal, not an error.
        """
        view, text = submission.view, submission.text
        if standing is None:
            standing = self.standing(snapshots, identity, view.claimed, now, overlay)
        remembers = len(text) <= REMEMBERED_BYTES and submission.stage is not Stage.FUNCTION
        remembers = remembers and not standing.asker.reads_time
        key, common = (text, view.search_path), None
        if remembers:
            found = standing.verdicts.get(key)
            if found is not None:
                standing.verdicts.move_to_end(key)
                return found
            common = abstracted(text)
            if common is not None:
                found = standing.verdicts.get((common, view.search_path))
                if found is not None:
                    return _with_text(found, text)
        catalog = snapshots.catalog if overlay is None else overlay
        case = Case(standing, snapshots, identity, catalog, view, now, overlay)
        if submission.stage is Stage.FUNCTION:
            return _function(case, submission.function_oid or 0)
        made = self._judge(case, text)
        if remembers:
            _remember(standing, key, common, made)
        return made

    def _judge(self, case: "Case", text: bytes) -> Judged:
        standing, snapshots = case.standing, case.snapshots
        try:
            parsed = parse(text)
            analysis = analyse(parsed, case.catalog, case.view.search_path)
        except SqlNotUnderstood as error:
            return _not_parsed(standing, text, error)
        claimed = _claimed_in_comments(case.view.claimed, analysis)
        if claimed is None:
            return self._decided(case, parsed, analysis, standing.asker)
        asker = self.standing(snapshots, case.identity, claimed, case.now, case.overlay).asker
        return replace(self._decided(case, parsed, analysis, asker), claimed=claimed)

    def _decided(self, case: "Case", parsed: Parsed, analysis: Analysis, asker: Asker) -> Judged:
        standing, snapshots, text = case.standing, case.snapshots, parsed.text
        statements: list[StatementAnalysis] = []
        for one in analysis.statements:
            resolved = _resolve_execute(one, case.view, case.catalog)
            if isinstance(resolved, Denial):
                return Judged(Refused(resolved, analysis.statements), analysis)
            statements.append(resolved)
        analysis = replace(analysis, statements=tuple(statements))
        denial = _refuse_settings(standing, snapshots.limits, analysis)
        if denial is not None:
            return Judged(Refused(denial, analysis.statements), analysis)
        judgement = asker.judge(analysis)
        if judgement.denial is not None:
            denial = _unknown_name(analysis, judgement.denial) or judgement.denial
            return Judged(Refused(denial, analysis.statements), analysis)
        shaped = Shaped(text) if not standing.plan else shape_statement(parsed, analysis, case.catalog, standing.plan)
        if isinstance(shaped, Denial):
            return Judged(Refused(shaped, analysis.statements), analysis)
        permit = Permit(
            text=shaped.text,
            versions=standing.versions,
            policies=judgement.policies,
            max_rows=judgement.max_rows,
            row_cap=None if standing.unlimited else snapshots.row_cap,
        )
        verdict = Permitted(permit, analysis.statements, bool(standing.plan), standing.origins, shaped.notices)
        return Judged(verdict, analysis, shaped.masked_columns, template(text, shaped.splices))


@dataclass(frozen=True, slots=True)
class Case:
    """One submission with everything that it is decided from."""

    standing: Standing
    snapshots: Snapshots
    identity: Identity
    catalog: Catalog
    view: SessionView
    now: int
    overlay: Catalog | None


def refuse_startup(standing: Standing, limits: SessionLimits, settings: Mapping[str, str]) -> Denial | None:
    """Why a session may not start with these settings; None when it may. They are judged as SET would be."""
    changes = [
        SettingChange(name.lower(), value)
        for name, value in settings.items()
        # What a program asks for in the C locale, psql for one: no conversion. The gate gives it UTF8.
        if not (name.lower() == "client_encoding" and value.strip("'\" ").upper() == "SQL_ASCII")
    ]
    denial = None if standing.unlimited else limits.refuse_changes(changes)
    if denial is None and not standing.unanalysed:
        denial = refuse_encodings(changes)
    if denial is not None:
        return denial
    for change in changes:
        reason = unsafe_at_startup(change.name, change.value or "") if standing.plan else None
        if change.name in ("role", "session_authorization"):
            # The backend's role is the gate's to choose (CVE-2025-12819 is what happens otherwise).
            reason = f"setting {change.name} is not for a client to choose"
        if reason is not None:
            return Denial("setting-refused", reason, hint="connect without it", sqlstate=REFUSED)
    return None


def _unknown_name(analysis: Analysis, denial: Denial) -> Denial | None:
    """What the server would say of a name that nobody knows, when nothing else is wrong with the text."""
    reasons = [(one, reason) for one in analysis.statements for reason in one.incomplete]
    if denial.code != "not-understood" or not reasons:
        return None
    hint = "check the name, its schema and search_path; what is made elsewhere appears within seconds"
    if len(analysis.statements) > 1:
        hint = "what one statement of a text makes, the next one does not know yet: send them one at a time"
    if not all(reason.startswith((UNKNOWN_RELATION, UNKNOWN_FUNCTION)) for _, reason in reasons):
        return None
    statement, reason = reasons[0]
    if reason.startswith(UNKNOWN_FUNCTION):
        name = reason.removeprefix(UNKNOWN_FUNCTION)
        return Denial("unknown-function", f"function {name} does not exist", hint=hint, sqlstate="42883")
    name = reason.removeprefix(UNKNOWN_RELATION).partition(" does not exist")[0]
    kind = statement.tag.removeprefix("DROP ").lower()
    if kind in DROPPED_RELATIONS:
        # DropErrorMsgNonExistent (dropcmds.c) names the kind, and no schema.
        message = f'{kind} "{name.rpartition(".")[2]}" does not exist'
    else:
        message = f'relation "{name}" does not exist'
    return Denial("unknown-relation", message, hint=hint, sqlstate="42P01")


def _claimed_in_comments(session: Circumstances, analysis: Analysis) -> Circumstances | None:
    """What is claimed when the text's comments (sqlcommenter) say something; it goes before what the session says."""
    said = dict(analysis.comments)
    named = {name: said.get(f"ostiary.{name}", said.get(name)) for name in CLAIMS}
    found = {name: value for name, value in named.items() if value is not None}
    return replace(session, **found) if found else None


def _refuse_settings(standing: Standing, limits: SessionLimits, analysis: Analysis) -> Denial | None:
    denial = None if standing.unlimited else limits.refuse(analysis.statements)
    if denial is None and not standing.unanalysed:
        denial = refuse_encodings(change for one in analysis.statements for change in one.settings)
    return denial


def _function(case: Case, oid: int) -> Judged:
    """FunctionCall (protocol-flow, "Function Call"): decided as `call` on what the OID names."""
    standing = case.standing
    function = case.catalog.function_by_oid(oid)
    if function is None:
        denial = Denial("unknown-function", f"no function has OID {oid}", hint="call it by name in a SELECT")
        return Judged(Refused(denial), None)
    statement = StatementAnalysis(
        node="FunctionCall",
        tag="FUNCTION CALL",
        start=0,
        end=0,
        accesses=(Access(Action.CALL, function=function.name),),
        functions=(function.name,),
        changes_session=True,
    )
    if standing.plan:
        denial = Denial(
            "masked-not-proven-safe",
            "function calls over the protocol are not available while columns are masked",
            detail=f"function {function.name}",
            hint="call it by name in a SELECT",
        )
        return Judged(Refused(denial, (statement,)), None)
    analysis = Analysis((statement,), f"function call {function.name}", "")
    judgement = standing.asker.judge(analysis)
    if judgement.denial is not None:
        return Judged(Refused(judgement.denial, (statement,)), analysis)
    permit = Permit(b"", standing.versions, judgement.policies)
    return Judged(Permitted(permit, (statement,)), analysis)


def _remember(standing: Standing, key: tuple[bytes, tuple[str, ...]], common: bytes | None, made: Judged) -> None:
    # SQL-level EXECUTE means what its session prepared, so it is not a fact about the text.
    if any(statement.executes is not None for statement in made.verdict.statements):
        return
    if common is not None and (made.template is not None or isinstance(made.verdict, Refused)):
        key = (common, key[1])
    standing.verdicts[key] = made
    if len(standing.verdicts) > REMEMBERED_TEXTS:
        standing.verdicts.popitem(last=False)


def _with_text(found: Judged, text: bytes) -> Judged:
    """The same verdict for a text that differs in numbers only."""
    verdict = found.verdict
    if isinstance(verdict, Refused) or found.template is None:
        return found
    permit = verdict.permit
    own = Permit(found.template.filled(text), permit.versions, permit.policies, permit.max_rows, permit.row_cap)
    return Judged(
        Permitted(own, verdict.statements, verdict.masked, verdict.forbidden_origins, verdict.notices),
        found.analysis,
        found.masked_columns,
        found.template,
    )


# What PREPARE takes. Parse takes everything, and EXECUTE of that would be an EXECUTE, a COMMIT or a SET unseen.
_EXECUTABLE = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})


def _resolve_execute(statement: StatementAnalysis, view: SessionView, catalog: Catalog) -> StatementAnalysis | Denial:
    """SQL-level EXECUTE does what the statement of that name does."""
    name = statement.executes
    if name is None:
        return statement
    text = view.prepared.get(name)
    if text is None:
        return Denial("unknown-prepared-statement", f'prepared statement "{name}" does not exist', sqlstate="26000")
    try:
        inner = analyse(parse(text), catalog, view.search_path).statements
    except SqlNotUnderstood as error:
        return Denial("not-understood", error.message, hint=error.hint)
    chosen = [one for one in inner if one.prepares == name] or list(inner[:1])
    if not chosen:
        return Denial("not-understood", f'prepared statement "{name}" is empty')
    meant = chosen[0]
    if meant.prepares is None and meant.node not in _EXECUTABLE:
        return Denial(
            "not-for-execute", f'prepared statement "{name}" is {meant.tag}, which EXECUTE does not run',
            hint="run it with a Bind message", sqlstate="0A000",
        )  # fmt: skip
    return replace(
        statement,
        accesses=meant.accesses + statement.accesses,
        functions=meant.functions + statement.functions,
        incomplete=meant.incomplete + statement.incomplete,
        has_predicate=meant.has_predicate,
        changes_catalog=meant.changes_catalog or statement.changes_catalog,
        changes_session=meant.changes_session or statement.changes_session,
        data_changes=meant.data_changes,
    )


def _not_parsed(standing: Standing, text: bytes, error: SqlNotUnderstood) -> Judged:
    """What cannot be parsed runs only for a principal that policy trusts with it, and is recorded as such."""
    unknown = StatementAnalysis(
        node="",
        tag="",
        start=0,
        end=len(text),
        incomplete=(error.message,),
        changes_catalog=True,
        changes_session=True,
    )
    if standing.unanalysed and not standing.plan and b"\0" not in text:
        permit = Permit(text, standing.versions, standing.asker.unanalysed_policies())
        return Judged(Permitted(permit, (unknown,)), None)
    denial = Denial(error.code, error.message, hint=error.hint, sqlstate=error.sqlstate, position=error.position)
    return Judged(Refused(denial, (unknown,)), None)
