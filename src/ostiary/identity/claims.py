"""The claims of a token, both ways: what an issuer writes and what the gate reads back.

A delegated token follows RFC 8693, section 4.1: ``sub`` is the one acted for, ``act`` the chain of actors, the current
one outermost. The rule: a claim of the wrong shape refuses the whole token; nothing is skipped, trimmed or guessed.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from ostiary.model.errors import TokenRefused
from ostiary.model.identity import Circumstances, Identity, Principal, PrincipalKind

NAME_LENGTH = 256
"""Longest name of a principal or group, in characters: the longest local-part@domain is 254 (RFC 5321, 4.5.3.1)."""

TEXT_LENGTH = 1024
"""Longest purpose, ticket, workflow or run, in characters."""

GROUPS = 200
"""Most groups of one principal: directories that have more send a link instead (Entra ID: 200 in a JWT)."""

CHAIN = 8
"""Deepest `act` chain. RFC 8693 sets no bound; each member is asked for in policy, so there has to be one."""

CIRCUMSTANCES = ("purpose", "ticket", "workflow", "run")
REGISTERED = frozenset({"iss", "aud", "sub", "iat", "nbf", "exp", "jti"})
_KINDS = {kind.value: kind for kind in PrincipalKind}
_PARTY = frozenset({"sub", "kind", "groups", "act"})
KNOWN = REGISTERED | _PARTY | frozenset(CIRCUMSTANCES)

# Cc Cf: control and format characters (terminal escapes, bidirectional overrides, zero-width); Cs: lone surrogates;
# Zl Zp: line ends. A name with one of these looks like another name in a log, a policy file or a terminal.
_DECEPTIVE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def written(principal: Principal, on_behalf_of: Principal | None, proved: Circumstances) -> dict[str, Any]:
    """The claims that say who, for whom and why.

    Raises:
        TokenRefused: a name or a text that `read` would refuse.
    """
    for party in (principal, on_behalf_of):
        if party is not None:
            _name(party.name, "sub")
            _groups(list(party.groups))
    subject = principal if on_behalf_of is None else on_behalf_of
    claims = _party(subject)
    if on_behalf_of is not None:
        claims["act"] = _party(principal)
    for word in CIRCUMSTANCES:
        value = getattr(proved, word)
        if value is not None:
            claims[word] = _text(value, word)
    return claims


def read(claims: Mapping[str, Any], issuer: str) -> Identity:
    """What validated claims say.

    Raises:
        TokenRefused: a claim that is not known, missing, or not of its shape.
    """
    # An unknown claim may narrow what the token is good for (cnf, authorization_details): never skipped.
    _only(claims, KNOWN)
    subject = _principal(claims, issuer)
    chain = _chain(claims.get("act"), issuer)
    return Identity(
        principal=chain[0] if chain else subject,
        expires_at=int(claims["exp"]),
        token_id=_name(claims.get("jti"), "jti"),
        on_behalf_of=subject if chain else None,
        chain=chain,
        proved=Circumstances(**{word: _optional_text(claims.get(word), word) for word in CIRCUMSTANCES}),
    )


def _party(principal: Principal) -> dict[str, Any]:
    return {"sub": principal.name, "kind": principal.kind.value, "groups": list(principal.groups)}


def _principal(claims: Mapping[str, Any], issuer: str) -> Principal:
    kind = claims.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _malformed("kind", f"must be one of {', '.join(_KINDS)}")
    return Principal(_KINDS[kind], _name(claims.get("sub"), "sub"), issuer, _groups(claims.get("groups")))


def _chain(act: object, issuer: str) -> tuple[Principal, ...]:
    chain: list[Principal] = []
    while act is not None:
        if not isinstance(act, dict):
            raise _malformed("act", "must be an object")
        if len(chain) == CHAIN:
            raise _malformed("act", f"is deeper than {CHAIN}")
        _only(act, _PARTY)
        chain.append(_principal(act, issuer))
        act = act.get("act")
    return tuple(chain)


def _groups(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > GROUPS:
        raise _malformed("groups", f"must be a list of at most {GROUPS} names")
    return tuple(sorted({_name(one, "groups") for one in value}))


def _name(value: object, claim: str) -> str:
    text = _text(value, claim, NAME_LENGTH)
    if text != text.strip():
        raise _malformed(claim, "must not begin or end with a space")
    return text


def _optional_text(value: object, claim: str) -> str | None:
    return None if value is None else _text(value, claim)


def _text(value: object, claim: str, longest: int = TEXT_LENGTH) -> str:
    if not isinstance(value, str) or not value or len(value) > longest:
        raise _malformed(claim, f"must be text of 1 to {longest} characters")
    if any(unicodedata.category(character) in _DECEPTIVE for character in value):
        raise _malformed(claim, "must not hold control characters")
    return value


def _only(claims: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(set(claims) - known)
    if unknown:
        raise _malformed(repr(unknown[0])[:NAME_LENGTH], "is not a claim that this gate knows")


def _malformed(claim: str, what: str) -> TokenRefused:
    return TokenRefused(f"the token's claim {claim} {what}")
