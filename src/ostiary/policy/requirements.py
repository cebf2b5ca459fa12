"""From what a statement would do to what policy must say, and from policy's answers to a judgement. Pure.

One rule: whoever asks and whoever it asks for are both asked, and the stricter answer counts: a statement is denied if
either is denied, an approval waived only if it is waived for both, and the smaller bound holds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ostiary.model.analysis import Access, Action, Analysis, StatementAnalysis
from ostiary.model.decision import Denial
from ostiary.model.identity import Circumstances, Identity
from ostiary.model.names import ClassName, PolicyId
from ostiary.policy import refusals
from ostiary.policy.context import Context, StatementFacts
from ostiary.policy.document import PolicySet
from ostiary.policy.evaluate import Answer, Evaluator, Question
from ostiary.policy.refusals import Asked, Refusal
from ostiary.policy.resources import Class, Database, Function, Relation, Resource, Schema
from ostiary.policy.vocabulary import READ_UNMASKED, RUN_UNANALYSED, UNLIMITED_ROWS, WAIVERS


class DatasourceFacts(NamedTuple):
    """What policy knows of a datasource. `environment` "" means that it belongs to none."""

    name: str
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What policy says of a text. `denial` is None when it may run.

    `policies` are those that permitted, `max_rows` the rows that the waivers let each statement change; `asked` is
    everything that was asked, in order, for whoever wants to know why.
    """

    denial: Denial | None
    policies: tuple[PolicyId, ...] = ()
    max_rows: int | None = None
    asked: tuple[Asked, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether it may run."""
        return self.denial is None


def database(datasource: DatasourceFacts) -> Database:
    """The datasource as policy names it."""
    return Database(datasource.name, datasource.environment or None)


def resource_of(access: Access, within: Database) -> Resource:
    """The most exact thing that an access is about."""
    function = access.function
    if function is not None and access.action in (Action.CALL, Action.DEFINE, Action.ADMINISTER):
        return Function(Schema(within, function.schema), function.name)
    if access.relation is not None and access.action is not Action.CALL:
        return Relation(Schema(within, access.relation.schema), access.relation.name)
    return within if access.schema is None else Schema(within, access.schema)


def questions(statement: StatementAnalysis, within: Database) -> tuple[Question, ...]:
    """Everything to ask about one statement.

    Its actions, the waivers of those that need an approval, and whether it may run without being understood.
    """
    wanted: dict[Question, None] = {}
    for access in statement.accesses:
        resource = resource_of(access, within)
        # The plain text: an enum's hash is computed in Python, each time.
        wanted[Question(access.action.value, resource)] = None
        if access.action in WAIVERS:
            wanted[Question(WAIVERS[access.action], resource)] = None
    if not statement.complete:
        wanted[Question(RUN_UNANALYSED, within)] = None
    return tuple(wanted)


class Asker:
    """One identity at one datasource, for the reasons it gives. `now` is POSIX seconds, and may be moved on."""

    def __init__(
        self,
        evaluator: Evaluator,
        policies: PolicySet,
        datasource: DatasourceFacts,
        identity: Identity,
        claimed: Circumstances,
        now: int,
    ) -> None:
        self.policies = policies
        self.now = now
        self._evaluator = evaluator
        self._database = database(datasource)
        self._identity = identity
        self._claimed = claimed
        # The one who asks, the one it acts for, and every actor that passed the request on: each may only narrow.
        named = (identity.principal, identity.on_behalf_of, *identity.chain)
        self._parties = tuple(dict.fromkeys(one for one in named if one is not None))

    @property
    def reads_time(self) -> bool:
        """Whether a judgement may change with nothing but the time."""
        return self.policies.reads_time

    def judge(self, analysis: Analysis) -> Judgement:
        """Whether a whole text may run: all of its statements, or none."""
        made: list[Asked] = []
        for statement in analysis.statements:
            context = self._context().about(_facts(statement, analysis))
            asked = self._ask(questions(statement, self._database), context)
            made.extend(asked)
            refusal = Refusal(self.policies, self._parties, statement, asked)
            denial = refusals.of_statement(refusal, lambda wanted, other: self._ask(wanted, other), context)
            if denial is not None:
                return Judgement(denial, asked=tuple(made))
        bounds = [one.answer.max_rows for one in made if one.answer.max_rows is not None]
        return Judgement(None, _permits(made), min(bounds) if bounds else None, tuple(made))

    def refuse_connect(self) -> Denial | None:
        """Why this identity may not connect; None when it may."""
        asked = self._ask((Question(Action.CONNECT, self._database),), self._context())
        return refusals.of_connect(Refusal(self.policies, self._parties, None, asked))

    def may_read_class(self, name: ClassName) -> bool:
        """Whether columns of this class are shown in clear."""
        return self._permitted(Question(READ_UNMASKED, Class(name, self._database)))

    def unlimited_rows(self) -> bool:
        """Whether the datasource's cap on the rows of a result is waived."""
        return self._permitted(Question(UNLIMITED_ROWS, self._database))

    def may_run_unanalysed(self) -> bool:
        """Whether what is not understood may run, recorded as such."""
        return self._permitted(Question(RUN_UNANALYSED, self._database))

    def unanalysed_policies(self) -> tuple[PolicyId, ...]:
        """The permits of `run_unanalysed`; empty when it is not permitted."""
        asked = self._ask((Question(RUN_UNANALYSED, self._database),), self._context())
        return _permits(asked) if all(one.answer.allowed for one in asked) else ()

    def _context(self) -> Context:
        return Context.of(self._identity, self._claimed, self.now)

    def _permitted(self, question: Question) -> bool:
        return all(one.answer.allowed for one in self._ask((question,), self._context()))

    def _ask(self, wanted: tuple[Question, ...], context: Context) -> tuple[Asked, ...]:
        return tuple(self._asked(wanted, context))

    def _asked(self, wanted: tuple[Question, ...], context: Context) -> Iterator[Asked]:
        for party in self._parties:
            answers: tuple[Answer, ...] = self._evaluator.ask(self.policies, party, wanted, context)
            for question, answer in zip(wanted, answers, strict=True):
                yield Asked(party, question, answer)


def _facts(statement: StatementAnalysis, analysis: Analysis) -> StatementFacts:
    return StatementFacts(
        shape=analysis.fingerprint,
        tag=statement.tag,
        statements=len(analysis.statements),
        complete=statement.complete,
        has_predicate=statement.has_predicate,
    )


def _permits(asked: Iterable[Asked]) -> tuple[PolicyId, ...]:
    return tuple(sorted({policy for one in asked if one.answer.allowed for policy in one.answer.policies}))
