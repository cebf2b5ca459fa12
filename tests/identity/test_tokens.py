"""What a token must say to be believed, and what each refusal tells its bearer."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey, RSAKey

from ostiary.identity.local import ALGORITHM, ISSUER, LONGEST, TYPE, Grantee, LocalIssuer
from ostiary.identity.tokens import LEEWAY, TOKEN_BYTES, TokenVerifier
from ostiary.model.errors import TokenRefused
from ostiary.model.identity import Circumstances, Principal, PrincipalKind

NOW = 1_800_000_000
KEY = OKPKey.generate_key("Ed25519")
LOCAL = LocalIssuer(KEY)
VERIFIER = TokenVerifier([LOCAL.trusted()])
ALICE = Grantee("alice", PrincipalKind.HUMAN, ("support", "staff"))
AGENT = Grantee("shop-agent", PrincipalKind.AGENT, ("agents",))


def claims(**changes: Any) -> dict[str, Any]:
    made = {
        "iss": ISSUER,
        "aud": "ostiary",
        "sub": "alice",
        "kind": "human",
        "groups": ["staff"],
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 900,
        "jti": "f" * 32,
    } | changes
    return {key: value for key, value in made.items() if value is not None}


def signed(body: dict[str, Any], key: Any = KEY, algorithm: str = ALGORITHM, typ: str = TYPE) -> bytes:
    return jwt.encode({"alg": algorithm, "typ": typ}, body, key, algorithms=[algorithm]).encode()


def unsigned(header: dict[str, Any], body: bytes, signature: bytes = b"") -> bytes:
    parts = (json.dumps(header).encode(), body, signature)
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)


def refusal(token: bytes, now: float = NOW) -> TokenRefused:
    with pytest.raises(TokenRefused) as caught:
        VERIFIER.verify(token, now)
    return caught.value


def test_a_token_of_the_built_in_issuer_says_who_asks() -> None:
    token = LOCAL.issue(ALICE, now=NOW, lifetime=900, proved=Circumstances(purpose="refund", ticket="T-1"))
    identity = VERIFIER.verify(token.encode(), NOW)
    assert identity.principal == Principal(PrincipalKind.HUMAN, "alice", ISSUER, ("staff", "support"))
    assert identity.on_behalf_of is None
    assert identity.chain == ()
    assert identity.expires_at == NOW + 900
    assert identity.proved == Circumstances(purpose="refund", ticket="T-1")
    assert len(identity.token_id) == 32


def test_an_agent_that_acts_for_somebody_is_the_principal_and_the_subject_is_whom_it_acts_for() -> None:
    token = LOCAL.issue(AGENT, now=NOW, lifetime=900, on_behalf_of=ALICE)
    identity = VERIFIER.verify(token.encode(), NOW)
    assert identity.principal == Principal(PrincipalKind.AGENT, "shop-agent", ISSUER, ("agents",))
    assert identity.on_behalf_of == Principal(PrincipalKind.HUMAN, "alice", ISSUER, ("staff", "support"))
    assert identity.chain == (identity.principal,)


def test_a_chain_of_actors_keeps_its_order_outermost_first() -> None:
    inner = {"sub": "planner", "kind": "agent", "groups": []}
    body = claims(act={"sub": "tool", "kind": "workload", "groups": ["tools"], "act": inner})
    identity = VERIFIER.verify(signed(body), NOW)
    assert [one.name for one in identity.chain] == ["tool", "planner"]
    assert identity.principal.name == "tool"
    assert identity.on_behalf_of is not None
    assert identity.on_behalf_of.name == "alice"


def test_two_tokens_never_share_an_id() -> None:
    tokens = [LOCAL.issue(ALICE, now=NOW, lifetime=900).encode() for _ in range(2)]
    assert len({VERIFIER.verify(token, NOW).token_id for token in tokens}) == 2


@pytest.mark.parametrize(
    ("token", "now", "says", "advises"),
    [
        (b"", NOW, "no token", "ostiary token"),
        (b"hunter2", NOW, "not a token", "ostiary token"),
        (b"a.b.c", NOW, "not a token", "ostiary token"),
        (b"\xff.\xff.\xff", NOW, "not a token", "ostiary token"),
        (b"x" * (TOKEN_BYTES + 1), NOW, "longer than", "ostiary token"),
        (signed(claims()), NOW + 900 + LEEWAY, "expired", "ostiary token"),
        (signed(claims(aud="billing")), NOW, "another audience", "this gate's own FILE"),
        (signed(claims(nbf=NOW + 60)), NOW, "not valid yet", "clocks"),
        (signed(claims(iat=NOW + 60, exp=NOW + 120)), NOW, "not valid yet", "clocks"),
        (signed(claims(iss="elsewhere")), NOW, "not one that this gate trusts", "ostiary token"),
        (signed(claims(iss=None)), NOW, "does not name its issuer", "ostiary token"),
        (signed(claims(), typ="at+jwt"), NOW, "another type", "ostiary token"),
        (signed(claims(), key=OKPKey.generate_key("Ed25519")), NOW, "signature", "ostiary token"),
        (signed(claims(exp=NOW + LONGEST + 1)), NOW, "longer than the 24 hours", "ostiary token"),
    ],
)
def test_each_refusal_says_what_is_wrong_and_what_to_do(token: bytes, now: float, says: str, advises: str) -> None:
    error = refusal(token, now)
    assert says in error.message
    assert advises in error.hint


@pytest.mark.parametrize("claim", ["aud", "exp", "iat", "sub", "jti"])
def test_a_token_that_lacks_an_essential_claim_is_refused(claim: str) -> None:
    assert claim in refusal(signed(claims(**{claim: None}))).message


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": "soon"},
        {"exp": True},
        {"iat": "1"},
        {"nbf": [1]},
        {"kind": "root"},
        {"kind": None},
        {"kind": ["human"]},
        {"groups": "admins"},
        {"groups": [1]},
        {"groups": {"a": 1}},
        {"groups": [""]},
        {"groups": ["x"] * 201},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a" * 257},
        {"sub": "alice\n"},
        {"sub": "alice\x1b[2J"},
        {"sub": "alice\u202e"},
        {"sub": "alice\u200b"},
        {"sub": " alice"},
        {"groups": ["a\0b"]},
        {"purpose": 5},
        {"purpose": ""},
        {"ticket": "T-1\r\n"},
        {"jti": 5},
        {"act": "bob"},
        {"act": []},
        {"act": {"sub": "bob"}},
        {"act": {"sub": "bob", "kind": "agent", "admin": True}},
        {"act": {"sub": "bob", "kind": "agent", "act": {"sub": 1}}},
        {"cnf": {"jkt": "x"}},
        {"scope": "all"},
    ],
)
def test_a_claim_that_is_unknown_or_not_of_its_shape_refuses_the_token(changes: dict[str, Any]) -> None:
    assert "claim" in refusal(signed(claims(**changes))).message


def test_a_chain_deeper_than_the_bound_is_refused() -> None:
    act: dict[str, Any] | None = None
    for number in range(9):
        act = {"sub": f"a{number}", "kind": "agent"} | ({"act": act} if act else {})
    assert "deeper" in refusal(signed(claims(act=act))).message


def none_algorithm() -> bytes:
    return unsigned({"alg": "none", "typ": TYPE}, json.dumps(claims()).encode())


def public_key_as_secret() -> bytes:
    secret = OctKey.import_key(KEY.as_pem(private=False).decode().replace("-----", ""))
    return signed(claims(), key=secret, algorithm="HS256")


def own_key_in_header() -> bytes:
    other = OKPKey.generate_key("Ed25519")
    header = {"alg": ALGORITHM, "typ": TYPE, "jwk": other.as_dict(private=False)}
    return jwt.encode(header, claims(), other, algorithms=[ALGORITHM]).encode()


def another_algorithm() -> bytes:
    return signed(claims(), key=RSAKey.generate_key(2048), algorithm="RS256")


def unknown_critical_header() -> bytes:
    rest = signed(claims()).split(b".", 1)[1]
    made = json.dumps({"alg": ALGORITHM, "typ": TYPE, "crit": ["x"], "x": 1}).encode()
    return base64.urlsafe_b64encode(made).rstrip(b"=") + b"." + rest


def changed_body() -> bytes:
    header, _, signature = signed(claims()).split(b".")
    body = base64.urlsafe_b64encode(json.dumps(claims(sub="root")).encode()).rstrip(b"=")
    return b".".join((header, body, signature))


@pytest.mark.parametrize(
    "forge",
    [none_algorithm, public_key_as_secret, own_key_in_header, another_algorithm, unknown_critical_header, changed_body],
)
def test_a_forged_token_is_refused_for_its_signature(forge: Callable[[], bytes]) -> None:
    assert "signature" in refusal(forge()).message


def test_json_nested_past_any_use_is_garbage_and_no_crash() -> None:
    assert "not a token" in refusal(unsigned({"alg": ALGORITHM}, b"[" * 8000)).message


def test_a_token_within_the_leeway_of_its_end_is_still_good() -> None:
    assert VERIFIER.verify(signed(claims()), NOW + 900 + LEEWAY - 1).principal.name == "alice"


def test_the_issuer_does_not_sign_what_the_gate_would_refuse() -> None:
    with pytest.raises(TokenRefused, match="control"):
        LOCAL.issue(Grantee("a\nb", PrincipalKind.HUMAN), now=NOW, lifetime=900)
    with pytest.raises(TokenRefused, match="hours"):
        LOCAL.issue(ALICE, now=NOW, lifetime=LONGEST + 1)
    with pytest.raises(TokenRefused, match="hours"):
        LOCAL.issue(ALICE, now=NOW, lifetime=0)
