from dataclasses import replace

from ostiary.model.analysis import Access, Action, Analysis, StatementAnalysis
from ostiary.model.decision import Denial
from ostiary.model.identity import Circumstances, Identity, Principal, PrincipalKind
from ostiary.model.names import ClassName, FunctionName, RelationName
from ostiary.policy.evaluate import Evaluator
from ostiary.policy.load import load
from ostiary.policy.requirements import Asker, DatasourceFacts, Judgement
from ostiary.policy.resources import LOCAL_ISSUER

TICKETS = RelationName("public", "tickets")
BOT = Principal(PrincipalKind.AGENT, "bot", LOCAL_ISSUER, ("agents", "support-agents"))
ALICE = Principal(PrincipalKind.HUMAN, "alice", LOCAL_ISSUER, ("support",))

POLICIES = """
@id("connect") permit (principal, action == Ostiary::Action::"connect", resource in Ostiary::Database::"orders");
@id("agents-read") permit (principal in Ostiary::Group::"agents", action == Ostiary::Action::"read", resource);
@id("support-reads") permit (principal in Ostiary::Group::"support", action == Ostiary::Action::"read", resource);
@id("updates") permit (principal, action == Ostiary::Action::"update", resource);
@id("agent-fixes") @max_rows("10")
permit (principal is Ostiary::Agent, action == Ostiary::Action::"update_without_approval", resource)
when { context.proved has ticket && context.proved.ticket like "OPS-*" };
@id("support-fixes") @max_rows("7")
permit (principal in Ostiary::Group::"support", action == Ostiary::Action::"update_without_approval", resource);
@id("no-ddl") @hint("write a migration")
forbid (principal, action == Ostiary::Action::"define", resource in Ostiary::Environment::"production");
@id("trusted") permit (principal in Ostiary::Group::"trusted", action, resource);
@id("clear") permit (principal, action == Ostiary::Action::"read_unmasked", resource in Ostiary::Class::"internal");
"""


def asker(
    principal: Principal = BOT,
    on_behalf_of: Principal | None = None,
    proved: Circumstances = Circumstances(),  # noqa: B008
    claimed: Circumstances = Circumstances(),  # noqa: B008
    database: str = "orders",
) -> Asker:
    identity = Identity(principal, 10_000, "token", on_behalf_of, proved=proved)
    facts = DatasourceFacts(database, "production")
    return Asker(Evaluator(), load({"p.cedar": POLICIES}), facts, identity, claimed, 1_000)


def statement(tag: str, *accesses: Access, incomplete: tuple[str, ...] = ()) -> StatementAnalysis:
    return StatementAnalysis("", tag, 0, 0, accesses, incomplete=incomplete, has_predicate=True)


def judged(asking: Asker, *statements: StatementAnalysis) -> Judgement:
    return asking.judge(Analysis(statements, "shape", "f" * 64))


def refused(judgement: Judgement) -> Denial:
    assert judgement.denial is not None
    assert not judgement.allowed
    return judgement.denial


SELECT = statement("SELECT", Access(Action.READ, TICKETS))
UPDATE = statement("UPDATE", Access(Action.UPDATE, TICKETS), Access(Action.READ, TICKETS))


def test_reading_needs_a_permit_and_no_approval() -> None:
    judgement = judged(asker(), SELECT)
    assert judgement.allowed
    assert judgement.policies == ("agents-read",)
    assert judgement.max_rows is None


def test_what_touches_nothing_needs_no_permit() -> None:
    assert judged(asker(), statement("BEGIN")).allowed


def test_an_agent_may_not_do_what_the_one_it_acts_for_may_not() -> None:
    mallory = Principal(PrincipalKind.HUMAN, "mallory", LOCAL_ISSUER)
    denial = refused(judged(asker(on_behalf_of=mallory), SELECT))
    assert denial.code == "no-policy-permits"
    assert denial.message == 'human "mallory", for whom agent "bot" acts, may not read orders.public.tickets'
    assert denial.detail == 'no policy permits read on orders.public.tickets for human "mallory"'
    assert denial.sqlstate == "42501"


def test_every_actor_of_the_chain_is_asked_not_only_its_two_ends() -> None:
    middle = Principal(PrincipalKind.AGENT, "middle", LOCAL_ISSUER)
    identity = Identity(BOT, 10_000, "token", ALICE, chain=(BOT, middle))
    facts = DatasourceFacts("orders", "production")
    asking = Asker(Evaluator(), load({"p.cedar": POLICIES}), facts, identity, Circumstances(), 1_000)
    assert (
        refused(judged(asking, SELECT)).detail == 'no policy permits read on orders.public.tickets for agent "middle"'
    )
    assert judged(asker(on_behalf_of=ALICE), SELECT).allowed


def test_a_person_lends_an_agent_nothing_that_the_agent_has_not() -> None:
    stranger = Principal(PrincipalKind.AGENT, "other", LOCAL_ISSUER)
    denial = refused(judged(asker(stranger, on_behalf_of=ALICE), SELECT))
    assert denial.message == 'agent "other" may not read orders.public.tickets'


def test_a_refusal_says_what_is_permitted_instead() -> None:
    denial = refused(judged(asker(), statement("DELETE", Access(Action.DELETE, TICKETS))))
    assert denial.code == "no-policy-permits"
    assert denial.hint == (
        "permitted on orders.public.tickets: read, update; for the rest, "
        'ask whoever keeps the policies to permit delete on Ostiary::Relation::"orders.public.tickets"'
    )


def test_a_write_that_nothing_waives_needs_an_approval_and_is_refused() -> None:
    judgement = judged(asker(), UPDATE)
    denial = refused(judgement)
    assert denial.code == "approval-required"
    assert 'update on orders.public.tickets is permitted by policy "updates"' in denial.detail
    assert "update_without_approval on orders.public.tickets is not permitted" in denial.detail


def test_a_waiver_lets_a_write_through_with_its_bound() -> None:
    judgement = judged(asker(proved=Circumstances(ticket="OPS-1")), UPDATE)
    assert judgement.allowed
    assert judgement.max_rows == 10
    assert judgement.policies == ("agent-fixes", "agents-read", "updates")


def test_an_approval_is_waived_only_if_it_is_for_both_and_the_smaller_bound_holds() -> None:
    ticket = Circumstances(ticket="OPS-1")
    assert judged(asker(on_behalf_of=ALICE, proved=ticket), UPDATE).max_rows == 7
    bob = replace(ALICE, name="bob", groups=("trusted",))
    assert judged(asker(on_behalf_of=bob, proved=ticket), UPDATE).max_rows == 10
    denial = refused(judged(asker(on_behalf_of=ALICE), UPDATE))
    assert 'update_without_approval on orders.public.tickets for agent "bot" is not permitted' in denial.detail
    assert "alice" not in denial.detail


def test_a_claimed_ticket_waives_nothing_but_the_refusal_says_that_a_proved_one_would() -> None:
    denial = refused(judged(asker(claimed=Circumstances(ticket="OPS-7")), UPDATE))
    assert denial.code == "approval-required"
    assert denial.hint == 'a token that proves a ticket waives the approval (policy "agent-fixes")'
    other = refused(judged(asker(claimed=Circumstances(ticket="X-7")), UPDATE))
    assert other.hint.startswith("ask whoever keeps the policies to permit update_without_approval on Ostiary::")


def test_a_forbid_is_named_with_its_hint_and_beats_every_permit() -> None:
    drop = statement("DROP TABLE", Access(Action.DEFINE, TICKETS))
    trusted = replace(BOT, groups=("trusted",))
    denial = refused(judged(asker(trusted), drop))
    assert denial.code == "policy-denies"
    assert denial.message == 'agent "bot" may not change the definition of orders.public.tickets'
    assert denial.detail == 'define on orders.public.tickets is forbidden by policy "no-ddl"'
    assert denial.hint == "write a migration"
    assert denial.policies == ("no-ddl",)


def test_what_is_not_understood_runs_only_for_whom_policy_trusts_with_it() -> None:
    unclear = statement("DO", incomplete=("the body of a DO block",))
    denial = refused(judged(asker(), unclear))
    assert denial.code == "not-understood"
    assert denial.detail == "the body of a DO block"
    judgement = judged(asker(replace(BOT, groups=("trusted",))), unclear)
    assert judgement.allowed
    assert judgement.policies == ("trusted",)


def test_what_is_understood_of_an_unclear_statement_must_still_be_permitted() -> None:
    unclear = statement("DO", Access(Action.DEFINE, TICKETS), incomplete=("something",))
    assert refused(judged(asker(replace(BOT, groups=("trusted",))), unclear)).code == "policy-denies"


def test_one_refused_statement_refuses_the_whole_text() -> None:
    delete = statement("DELETE", Access(Action.DELETE, TICKETS))
    assert refused(judged(asker(), SELECT, delete, SELECT)).code == "no-policy-permits"


def test_calls_and_things_without_a_relation_are_asked_about_what_they_are_in() -> None:
    asking = asker(replace(BOT, groups=("trusted",)))
    call = Access(Action.CALL, function=FunctionName("public", "f"))
    everything = statement("X", call, Access(Action.ADMINISTER), Access(Action.READ, schema="public"))
    judgement = judged(asking, everything)
    assert judgement.allowed
    assert [(one.question.action, str(one.question.resource.uid())) for one in judgement.asked] == [
        ("call", 'Ostiary::Function::"orders.public.f"'),
        ("call_without_approval", 'Ostiary::Function::"orders.public.f"'),
        ("administer", 'Ostiary::Database::"orders"'),
        ("administer_without_approval", 'Ostiary::Database::"orders"'),
        ("read", 'Ostiary::Schema::"orders.public"'),
    ]


def test_connecting_is_asked_for_both() -> None:
    assert asker(on_behalf_of=ALICE).refuse_connect() is None
    denial = asker(database="billing").refuse_connect()
    assert denial is not None
    assert denial.message == 'agent "bot" may not connect to database billing'


def test_a_class_is_seen_in_clear_only_if_both_may() -> None:
    assert asker().may_read_class(ClassName("internal.note"))
    assert not asker().may_read_class(ClassName("pii.email"))
    trusted = replace(ALICE, groups=("trusted",))
    assert asker(trusted).may_read_class(ClassName("pii.email"))
    assert not asker(on_behalf_of=trusted).may_read_class(ClassName("pii.email"))


def test_caps_and_analysis_are_waived_by_permits_only() -> None:
    assert not asker().unlimited_rows()
    assert not asker().may_run_unanalysed()
    assert asker().unanalysed_policies() == ()
    trusted = asker(replace(BOT, groups=("trusted",)))
    assert trusted.unlimited_rows()
    assert trusted.may_run_unanalysed()
    assert trusted.unanalysed_policies() == ("trusted",)
