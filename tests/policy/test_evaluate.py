import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.local import ISSUER
from ostiary.model.identity import Circumstances, Principal, PrincipalKind
from ostiary.model.names import ClassName
from ostiary.policy.context import Context, StatementFacts
from ostiary.policy.evaluate import Evaluator, Question, ask
from ostiary.policy.load import load
from ostiary.policy.resources import (
    LOCAL_ISSUER,
    Class,
    Column,
    Database,
    Function,
    Gate,
    Relation,
    Schema,
    dotted,
    parts_of,
    principal_uid,
)

ORDERS = Database("orders", "production")
TICKETS = Relation(Schema(ORDERS, "public"), "tickets")
BOT = Principal(PrincipalKind.AGENT, "bot", LOCAL_ISSUER, ("agents",))
UPDATE = Context(1_000).about(StatementFacts("shape", "UPDATE", 1, complete=True, has_predicate=True))


def test_a_failing_forbid_denies_instead_of_being_skipped() -> None:
    policies = load(
        {
            "a.cedar": '@id("all") permit (principal, action, resource);'
            '@id("overflows") forbid (principal, action == Ostiary::Action::"read", resource)'
            " when { context.time * 9223372036854775807 == 1 };"
        }
    )
    read, update = ask(policies, BOT, [Question("read", TICKETS), Question("update", TICKETS)], UPDATE)
    assert not read.allowed
    assert "overflow" in read.errors[0]
    assert update.allowed


def test_a_question_that_does_not_fit_the_schema_is_denied_with_the_reason() -> None:
    policies = load({"a.cedar": '@id("all") permit (principal, action, resource);'})
    wrong_resource, no_statement, unknown = ask(
        policies, BOT, [Question("connect", TICKETS), Question("read", TICKETS), Question("fly", TICKETS)], Context(1)
    )
    for answer in (wrong_resource, no_statement, unknown):
        assert not answer.allowed
        assert answer.errors


def test_text_that_is_not_unicode_is_denied_and_does_not_fail() -> None:
    policies = load({"a.cedar": '@id("all") permit (principal, action, resource);'})
    (answer,) = ask(
        policies, Principal(PrincipalKind.HUMAN, "\ud800", LOCAL_ISSUER), [Question("connect", ORDERS)], UPDATE
    )
    assert not answer.allowed
    assert answer.errors


def test_the_least_bound_of_all_permits_that_match_counts() -> None:
    waiver = 'permit (principal, action == Ostiary::Action::"update_without_approval", resource)'
    policies = load(
        {"a.cedar": f'@id("a") {waiver}; @id("b") @max_rows("10") {waiver}; @id("c") @max_rows("5") {waiver};'}
    )
    (answer,) = ask(policies, BOT, [Question("update_without_approval", TICKETS)], UPDATE)
    assert answer.allowed
    assert answer.policies == ("a", "b", "c")
    assert answer.max_rows == 5


@pytest.mark.parametrize(
    ("scope", "resource", "action"),
    [
        ('resource in Ostiary::Environment::"production"', TICKETS, "read"),
        ('resource in Ostiary::Database::"orders"', TICKETS, "read"),
        ('resource in Ostiary::Schema::"orders.public"', TICKETS, "read"),
        ('resource == Ostiary::Relation::"orders.public.tickets"', TICKETS, "read"),
        ('resource == Ostiary::Function::"orders.public.f"', Function(Schema(ORDERS, "public"), "f"), "call"),
        ('resource in Ostiary::Schema::"orders.public"', Function(Schema(ORDERS, "public"), "f"), "call"),
        ('resource == Ostiary::Class::"pii.email"', Class(ClassName("pii.email"), ORDERS), "read_unmasked"),
        ('resource in Ostiary::Class::"pii"', Class(ClassName("pii.email"), ORDERS), "read_unmasked"),
        ('resource in Ostiary::Database::"orders"', Class(ClassName("pii.email"), ORDERS), "read_unmasked"),
        ('resource in Ostiary::Environment::"production"', Class(ClassName("pii"), ORDERS), "read_unmasked"),
        ('resource == Ostiary::Gate::"gate"', Gate(), "configure"),
    ],
)
def test_a_resource_is_in_all_that_it_stands_in(scope: str, resource: Relation | Function, action: str) -> None:
    policies = load({"a.cedar": f'@id("a") permit (principal, action == Ostiary::Action::"{action}", {scope});'})
    (answer,) = ask(policies, BOT, [Question(action, resource)], UPDATE)
    assert answer.allowed, answer


def test_names_with_dots_and_quotes_do_not_run_into_each_other() -> None:
    one = Relation(Schema(Database("o"), "a"), "b.c")
    other = Relation(Schema(Database("o"), "a.b"), "c")
    assert one.uid().id == 'o.a."b.c"'
    assert other.uid().id == 'o."a.b".c'
    assert Column(one, 'x"y').uid().id == 'o.a."b.c"."x""y"'


@given(st.lists(st.text(alphabet='ab."', max_size=4), min_size=1, max_size=4))
def test_a_dotted_name_can_be_taken_apart_again(parts: list[str]) -> None:
    assert parts_of(dotted(*parts)) == tuple(parts)


@given(st.tuples(*[st.text(alphabet="ab#%2", max_size=4)] * 4), st.booleans())
def test_two_principals_never_share_a_uid(names: tuple[str, str, str, str], local: bool) -> None:
    one = Principal(PrincipalKind.HUMAN, names[0], LOCAL_ISSUER if local else names[1])
    other = Principal(PrincipalKind.HUMAN, names[2], names[3])
    assert (principal_uid(one) == principal_uid(other)) == (one == other)


def test_a_local_principal_goes_by_its_bare_name() -> None:
    assert LOCAL_ISSUER == ISSUER
    assert str(principal_uid(Principal(PrincipalKind.HUMAN, "alice", LOCAL_ISSUER))) == 'Ostiary::Human::"alice"'
    assert str(principal_uid(Principal(PrincipalKind.HUMAN, "alice", "corp"))) == 'Ostiary::Human::"corp#alice"'


def test_an_answer_is_remembered_over_only_what_the_policies_read() -> None:
    policies = load(
        {
            "a.cedar": '@id("a") permit (principal, action == Ostiary::Action::"read", resource)'
            " when { context.proved has ticket };"
        }
    )
    evaluator = Evaluator()
    wanted = (Question("read", TICKETS),)
    with_ticket = Context(1, proved=Circumstances(ticket="T-1")).about(StatementFacts("s", "SELECT", 1, complete=True))
    later = Context(2, proved=Circumstances(purpose="x", ticket="T-1")).about(
        StatementFacts("t", "SELECT", 2, complete=True)
    )
    first = evaluator.ask(policies, BOT, wanted, with_ticket)
    assert evaluator.ask(policies, BOT, wanted, later) is first
    claimed = Context(1, claimed=Circumstances(ticket="T-1")).about(StatementFacts("s", "SELECT", 1, complete=True))
    assert not evaluator.ask(policies, BOT, wanted, claimed)[0].allowed
    assert first[0].allowed
    other = load({"a.cedar": '@id("a") forbid (principal, action, resource);'})
    assert not evaluator.ask(other, BOT, wanted, with_ticket)[0].allowed


def test_an_answer_that_depends_on_the_second_is_never_remembered() -> None:
    policies = load(
        {
            "a.cedar": '@id("a") permit (principal, action == Ostiary::Action::"connect", resource)'
            " when { context.time < 9 };"
        }
    )
    evaluator = Evaluator()
    wanted = (Question("connect", ORDERS),)
    assert evaluator.ask(policies, BOT, wanted, Context(8))[0].allowed
    assert not evaluator.ask(policies, BOT, wanted, Context(9))[0].allowed
    assert policies.reads_time
    assert policies.moment(8) == (8,)


def test_the_hour_and_the_day_of_the_week_are_those_of_utc() -> None:
    monday = Context(1_700_000_000 - 1_700_000_000 % 86_400 - 86_400)  # 2023-11-13
    assert (monday.hour, monday.weekday) == (0, 1)
    assert (Context(monday.time + 6 * 86_400 + 86_399).hour, Context(monday.time + 6 * 86_400).weekday) == (23, 7)
    assert Context(0).weekday == 4


def test_memory_is_bounded() -> None:
    policies = load({"a.cedar": '@id("all") permit (principal, action, resource);'})
    evaluator = Evaluator(remembered=2)
    first = (Question("connect", Database("0")),)
    answers = evaluator.ask(policies, BOT, first, Context(1))
    for name in ("1", "2"):
        evaluator.ask(policies, BOT, (Question("connect", Database(name)),), Context(1))
    again = evaluator.ask(policies, BOT, first, Context(1))
    assert again == answers
    assert again is not answers
