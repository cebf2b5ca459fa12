"""The starter policies, question by question: who, what, where, why → may run, or the reason code why not."""

from typing import NamedTuple

import pytest

from ostiary.model.analysis import Access, Action, Analysis, StatementAnalysis
from ostiary.model.identity import Circumstances, Identity, Principal, PrincipalKind
from ostiary.model.names import ClassName, FunctionName, RelationName
from ostiary.policy.evaluate import Evaluator
from ostiary.policy.load import load, starter
from ostiary.policy.requirements import Asker, DatasourceFacts
from ostiary.policy.resources import LOCAL_ISSUER

POLICIES = load(starter())
EVALUATOR = Evaluator()

CUSTOMERS = RelationName("public", "customers")
TICKETS = RelationName("public", "tickets")


def agent(*groups: str) -> Principal:
    return Principal(PrincipalKind.AGENT, "bot", LOCAL_ISSUER, groups)


def human(*groups: str) -> Principal:
    return Principal(PrincipalKind.HUMAN, "alice", LOCAL_ISSUER, groups)


def workload(*groups: str) -> Principal:
    return Principal(PrincipalKind.WORKLOAD, "ci", LOCAL_ISSUER, groups)


def one(tag: str, action: Action | None, relation: RelationName | None = CUSTOMERS) -> StatementAnalysis:
    accesses = () if action is None else (Access(action, relation),)
    return StatementAnalysis("", tag, 0, 0, accesses, has_predicate=True)


SELECT = one("SELECT", Action.READ)
INSERT = one("INSERT", Action.INSERT)
UPDATE = one("UPDATE", Action.UPDATE)
UPDATE_TICKETS = one("UPDATE", Action.UPDATE, TICKETS)
CREATE = one("CREATE TABLE", Action.DEFINE)
DROP = one("DROP TABLE", Action.DEFINE)
TRUNCATE = one("TRUNCATE TABLE", Action.DELETE)
GRANT = one("GRANT", Action.ADMINISTER, None)
CALL = StatementAnalysis("", "CALL", 0, 0, (Access(Action.CALL, function=FunctionName("public", "f")),))
DO = StatementAnalysis("", "DO", 0, 0, incomplete=("a DO block",))
EVERY_ROW = StatementAnalysis("", "UPDATE", 0, 0, (Access(Action.UPDATE, CUSTOMERS),), has_predicate=False)
UPSERT = StatementAnalysis(
    "", "INSERT", 0, 0, (Access(Action.INSERT, CUSTOMERS), Access(Action.UPDATE, CUSTOMERS)), has_predicate=None
)


class Case(NamedTuple):
    name: str
    principal: Principal
    statements: tuple[StatementAnalysis, ...]
    expected: str
    on_behalf_of: Principal | None = None
    ticket: str | None = None
    claimed: str | None = None
    environment: str = "production"
    max_rows: int | None = None


RUNS = "runs"
NOBODY = human()
CASES = [
    Case("somebody without a group may do nothing", NOBODY, (SELECT,), "no-policy-permits"),
    Case("an agent reads", agent("agents"), (SELECT,), RUNS),
    Case("an agent reads for an analyst", agent("agents"), (SELECT,), RUNS, human("analysts")),
    Case("an agent reads nothing for a stranger", agent("agents"), (SELECT,), "no-policy-permits", NOBODY),
    Case("an agent does not write", agent("agents"), (INSERT,), "no-policy-permits"),
    Case("an agent sends one statement at a time", agent("agents"), (SELECT, SELECT), "policy-denies"),
    Case("even for an owner", agent("agents"), (SELECT, SELECT), "policy-denies", human("owners")),
    Case("an agent does not administer", agent("agents", "dba"), (GRANT,), "policy-denies"),
    Case("an agent runs nothing unclear", agent("agents", "dba"), (DO,), "not-understood", environment="test"),
    Case("an agent gains nothing by being called a dba", agent("dba"), (SELECT,), "no-policy-permits"),
    Case("an agent drops nothing", agent("agents"), (DROP,), "policy-denies"),
    Case("an analyst reads", human("analysts"), (SELECT, SELECT), RUNS),
    Case("an analyst does not write", human("analysts"), (UPDATE,), "no-policy-permits"),
    Case("a dba writes", human("dba"), (UPDATE, INSERT), RUNS),
    Case("an owner upserts", human("owners"), (UPSERT,), RUNS),
    Case("an owner calls", human("owners"), (CALL,), RUNS),
    Case("an owner says which rows", human("owners"), (EVERY_ROW,), "policy-denies"),
    Case("a dba administers", human("dba"), (GRANT,), RUNS),
    Case("a dba defines nothing in production", human("dba"), (CREATE,), "policy-denies"),
    Case("but elsewhere", human("dba"), (CREATE, DROP, TRUNCATE), RUNS, environment="staging"),
    Case("a dba truncates nothing in production", human("dba"), (TRUNCATE,), "policy-denies"),
    Case("nothing unclear in production", human("dba"), (DO,), "not-understood"),
    Case("a dba runs it elsewhere", human("dba"), (DO,), RUNS, environment="staging"),
    Case("a migration defines and fills", workload("migrations"), (CREATE, INSERT, EVERY_ROW), RUNS),
    Case("a migration that drops says why", workload("migrations"), (DROP,), "policy-denies"),
    Case("in its token", workload("migrations"), (DROP,), "policy-denies", claimed="OPS-1"),
    Case("and then may", workload("migrations"), (DROP,), RUNS, ticket="OPS-1"),
    Case("a migration does not administer", workload("migrations"), (GRANT,), "no-policy-permits"),
    Case("support updates tickets", human("support"), (UPDATE_TICKETS,), RUNS, ticket="T-1", max_rows=10),
    Case("with a ticket", human("support"), (UPDATE_TICKETS,), "approval-required"),
    Case("that is proved", human("support"), (UPDATE_TICKETS,), "approval-required", claimed="T-1"),
    Case("support updates nothing else", human("support"), (UPDATE,), "no-policy-permits", ticket="T-1"),
    Case(
        "its agent does the same",
        agent("support-agents"),
        (UPDATE_TICKETS,),
        RUNS,
        human("support"),
        ticket="T-1",
        max_rows=10,
    ),
    Case(
        "not for an analyst", agent("support-agents"), (UPDATE_TICKETS,), "no-policy-permits", human("analysts"), "T-1"
    ),
]


def asker(case: Case) -> Asker:
    identity = Identity(case.principal, 9, "token", case.on_behalf_of, proved=Circumstances(ticket=case.ticket))
    facts = DatasourceFacts("shop", case.environment)
    return Asker(EVALUATOR, POLICIES, facts, identity, Circumstances(ticket=case.claimed), 1)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_starter_policies_decide_as_their_comments_say(case: Case) -> None:
    judgement = asker(case).judge(Analysis(case.statements, "", "f" * 64))
    assert (judgement.denial.code if judgement.denial else RUNS) == case.expected, judgement.denial
    assert judgement.max_rows == case.max_rows


@pytest.mark.parametrize(
    ("principal", "on_behalf_of", "clear"),
    [
        (agent("agents"), None, False),
        (agent("agents"), human("dba"), False),
        (agent("agents", "dba"), human("dba"), False),
        (human("analysts"), None, False),
        (workload("migrations"), None, False),
        (human("dba"), None, True),
        (human("owners"), None, True),
    ],
)
def test_only_owners_and_dbas_see_data_in_clear(
    principal: Principal, on_behalf_of: Principal | None, clear: bool
) -> None:
    asking = asker(Case("", principal, (), "", on_behalf_of))
    assert asking.may_read_class(ClassName("pii.email")) is clear
    assert asking.may_read_class(ClassName("unclassified")) is clear
    assert asking.unlimited_rows() is clear


@pytest.mark.parametrize(
    ("principal", "may"),
    [
        (agent("agents"), True),
        (human("analysts"), True),
        (human("support"), True),
        (agent("support-agents"), True),
        (workload("migrations"), True),
        (human("dba"), True),
        (NOBODY, False),
        (agent("owners"), False),
    ],
)
def test_those_who_may_do_something_may_connect(principal: Principal, may: bool) -> None:
    assert (asker(Case("", principal, (), "")).refuse_connect() is None) is may
