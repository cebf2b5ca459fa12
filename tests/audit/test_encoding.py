"""What a leaf says, what it never says, and that it always fits."""

import hashlib
import hmac
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from ostiary.audit.encoding import Commitments, event, intent, intent_template, outcome, timestamp
from ostiary.audit.tiles import MAX_ENTRY
from ostiary.model.analysis import Access, Action, Analysis, StatementAnalysis
from ostiary.model.decision import Denial, Permit, Permitted, Refused, Verdict, Versions
from ostiary.model.identity import Circumstances, Identity, Principal, PrincipalKind
from ostiary.model.names import FunctionName, PolicyId, RelationName, SessionId
from ostiary.model.record import Outcome, OutcomeKind
from ostiary.model.statement import Stage

SESSION = SessionId("0f" * 16)
TIME = 1_763_800_000_123_456_789
ALICE = Principal(PrincipalKind.HUMAN, "alice", "https://idp", ("support",))
BOT = Principal(PrincipalKind.AGENT, "helper-7", "local", ("agents", "support-agents"))
IDENTITY = Identity(
    BOT, 1_763_800_900, "jti-1", on_behalf_of=ALICE, chain=(BOT,), proved=Circumstances(ticket="T-1", purpose="refund")
)
UPDATE = StatementAnalysis(
    "UpdateStmt", "UPDATE", 0, 60,
    accesses=(
        Access(Action.UPDATE, RelationName("public", "tickets"), ("state",)),
        Access(Action.READ, RelationName("public", "customers")),
        Access(Action.READ, RelationName("public", "tickets")),
        Access(Action.CALL, function=FunctionName("public", "refund")),
        Access(Action.DEFINE, schema="audit"),
    ),
    functions=(FunctionName("pg_catalog", "lower"),),
)  # fmt: skip
ANALYSIS = Analysis((UPDATE,), "update tickets set state = $ where id = $", "ab" * 32)
PERMITTED = Permitted(
    Permit(b"secret rewritten text", Versions("p1", "c1", "k1"), (PolicyId("small-fixes"),), max_rows=10),
    (UPDATE,), masked=True, notices=("secret notice",),
)  # fmt: skip
REFUSED = Refused(
    Denial("policy-denies", "secret message", "secret detail", "secret hint", (PolicyId("no-drops"),)), (UPDATE,)
)


def template(
    verdict: Verdict = PERMITTED,
    analysis: Analysis | None = ANALYSIS,
    identity: Identity = IDENTITY,
    claimed: Circumstances = Circumstances(run="r9"),  # noqa: B008
    masked_columns: tuple[str, ...] = (),
) -> bytes:
    return intent_template(
        identity=identity,
        datasource="orders",
        claimed=claimed,
        verdict=verdict,
        analysis=analysis,
        stage=Stage.BIND,
        masked_columns=masked_columns,
    )


def leaf(made: bytes, parameters: str | None = None) -> dict[str, Any]:
    encoded = intent(made, session=SESSION, number=3, time_ns=TIME, commitment="k:aa", parameters_commitment=parameters)
    assert len(encoded) <= MAX_ENTRY
    assert b"\n" not in encoded
    read: dict[str, Any] = orjson.loads(encoded)
    return read


def test_an_intent_says_who_for_whom_why_what_and_by_which_policy() -> None:
    said = leaf(template(masked_columns=("public.customers.email",)), "k:bb")
    assert said == {
        "v": 1,
        "type": "intent",
        "principal": {
            "kind": "agent", "name": "helper-7", "issuer": "local", "groups": ["agents", "support-agents"],
        },
        "on_behalf_of": {"kind": "human", "name": "alice", "issuer": "https://idp", "groups": ["support"]},
        "chain": [{"kind": "agent", "name": "helper-7", "issuer": "local", "groups": ["agents", "support-agents"]}],
        "token": "jti-1",
        "proved": {"purpose": "refund", "ticket": "T-1"},
        "claimed": {"run": "r9"},
        "datasource": "orders",
        "stage": "bind",
        "verdict": "permit",
        "code": None,
        "policies": ["small-fixes"],
        "versions": {"policies": "p1", "catalog": "c1", "classes": "k1"},
        "max_rows": 10,
        "masked": True,
        "unanalysed": False,
        "masked_columns": ["public.customers.email"],
        "statements": [
            {
                "tag": "UPDATE",
                "actions": ["call", "define", "read", "update"],
                "relations": {"public.customers": ["read"], "public.tickets": ["read", "update"]},
                "functions": ["pg_catalog.lower", "public.refund"],
                "complete": True,
                "schemas": ["audit"],
            }
        ],
        "shape": "update tickets set state = $ where id = $",
        "fingerprint": "ab" * 32,
        "commitment": "k:aa",
        "parameters": "k:bb",
        "session": SESSION,
        "number": 3,
        "time": "2025-11-22T08:26:40.123456789Z",
    }  # fmt: skip


def test_a_refusal_says_its_code_and_policy_and_quotes_nothing() -> None:
    made = template(REFUSED)
    said = leaf(made)
    assert (said["verdict"], said["code"], said["policies"]) == ("deny", "policy-denies", ["no-drops"])
    assert b"secret" not in made
    assert b"secret" not in template(PERMITTED)


def test_what_was_not_understood_is_marked() -> None:
    partly = StatementAnalysis("DoStmt", "DO", 0, 9, incomplete=("DO block",))
    ran = Permitted(Permit(b"", Versions("p", "c", "k")), (partly,))
    assert leaf(template(ran, Analysis((partly,), "", "")))["unanalysed"]
    assert leaf(template(Permitted(ran.permit, ()), None))["unanalysed"]
    assert leaf(template(REFUSED, None))["shape"] == ""


TEXTS = some.text(some.characters(), max_size=20).map(lambda text: text * 40)
RELATIONS = some.builds(RelationName, TEXTS, TEXTS)
STATEMENTS = some.builds(
    lambda relations, functions: StatementAnalysis(
        "SelectStmt", "SELECT", 0, 1,
        accesses=tuple(Access(Action.READ, one) for one in relations),
        functions=tuple(FunctionName("x", one) for one in functions),
    ),
    some.lists(RELATIONS, max_size=40), some.lists(TEXTS, max_size=40),
)  # fmt: skip


@given(TEXTS, some.lists(STATEMENTS, max_size=8), some.lists(TEXTS, max_size=60), some.integers(1, 12))
def test_every_intent_fits_and_reads_back(
    text: str, statements: list[StatementAnalysis], groups: list[str], times: int
) -> None:
    who = Principal(PrincipalKind.AGENT, text, text, tuple(groups))
    made = template(
        PERMITTED if len(text) % 2 else Refused(REFUSED.denial, tuple(statements) * times),
        Analysis(tuple(statements) * times, text * times, "f"),
        identity=Identity(who, 0, text, who, (who,) * 5, Circumstances(text, text, text, text)),
        claimed=Circumstances(text, text, text, text),
        masked_columns=tuple(groups) * times,
    )
    leaf(made, "k:" + "a" * 64)


def test_what_does_not_fit_is_shortened_and_fixed_by_a_digest() -> None:
    many = tuple(Access(Action.READ, RelationName("public", f"table_{number}")) for number in range(3000))
    wide = StatementAnalysis("SelectStmt", "SELECT", 0, 1, accesses=many)
    said = leaf(template(analysis=Analysis((wide,) * 3, "select", "f"), verdict=Refused(REFUSED.denial, (wide,) * 3)))
    assert said["abridged"]["statements"] == 3
    assert len(said["abridged"]["sha256"]) == 64
    assert said["principal"]["name"] == "helper-7"
    assert said["statements"][0]["relations"]


def test_an_outcome_names_its_intent() -> None:
    made = outcome(session=SESSION, number=3, time_ns=TIME, outcome=Outcome(OutcomeKind.DONE, 'UPDATE 1, "x"', 1, ""))
    assert orjson.loads(made) == {
        "v": 1, "type": "outcome", "kind": "done", "tag": 'UPDATE 1, "x"', "rows": 1, "sqlstate": "",
        "session": SESSION, "number": 3, "time": timestamp(TIME),
    }  # fmt: skip


def test_an_event_fits_whatever_its_fields_are() -> None:
    made = event("login", session=SESSION, time_ns=TIME, fields={"principal": "alice", "expires": 5, "odd": "\ud800"})
    assert orjson.loads(made)["fields"] == {"principal": "alice", "expires": 5, "odd": "?"}
    large = event("reload", session=None, time_ns=TIME, fields={str(number): "x" * 500 for number in range(400)})
    assert len(large) <= MAX_ENTRY
    assert orjson.loads(large)["fields"]["abridged"] is True


def test_times_are_rfc_3339_with_nanoseconds() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00.000000000Z"
    assert timestamp(TIME) == "2025-11-22T08:26:40.123456789Z"
    assert timestamp(TIME) < timestamp(TIME + 1) < timestamp(TIME + 10**9)


def test_a_commitment_is_an_hmac_under_a_named_key() -> None:
    for key in (bytes(range(32)), bytes(range(64)), bytes(range(200))):
        commitments = Commitments(key)
        key_id, _, digest = commitments.commit(b"select 1").partition(":")
        assert digest == hmac.new(key, b"select 1", hashlib.sha256).hexdigest()
        assert key_id == commitments.key_id
    assert Commitments(bytes(32)).key_id != key_id
    with pytest.raises(ValueError, match="32 bytes"):
        Commitments(b"short")


PARAMETERS = some.lists(some.none() | some.binary(max_size=6), max_size=4).map(tuple)


@given(PARAMETERS, PARAMETERS)
def test_parameters_that_differ_commit_differently(
    one: tuple[bytes | None, ...], other: tuple[bytes | None, ...]
) -> None:
    commitments = Commitments(bytes(32))
    same = commitments.commit_parameters(one) == commitments.commit_parameters(other)
    assert same == (one == other)
