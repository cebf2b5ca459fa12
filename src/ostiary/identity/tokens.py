"""Who a token says is asking. The rule: no claim is looked at for its meaning before the signature is verified.

Two things are read earlier, and only to choose: the length, against a cap, and ``iss``, which picks the key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import Key
from joserfc.jwt import JWTClaimsRegistry
from joserfc.util import urlsafe_b64decode

from ostiary.identity import claims
from ostiary.model.errors import TokenRefused
from ostiary.model.identity import Identity

TOKEN_BYTES = 16 * 1024
"""Longest token. PostgreSQL takes 64 KiB of password (auth.c, PG_MAX_AUTH_TOKEN_LENGTH); real tokens stay below 10."""

LEEWAY = 30
"""Seconds that two clocks may differ (RFC 7519, section 4.1.4: "no more than a few minutes")."""

RENEW = "get a new one: ostiary token --config FILE --as NAME"


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """One issuer whose tokens are believed, and how far.

    `algorithms` is exact: an algorithm is never taken from the token. `type` is the ``typ`` header that its tokens
    must carry (RFC 8725, section 3.11), so that another kind of JWT under the same key is no token for the gate.
    `longest` bounds exp - iat, in seconds.
    """

    name: str
    audience: str
    key: Key
    algorithms: tuple[str, ...]
    type: str
    longest: int


class TokenVerifier:
    """Verifies tokens of the issuers it is given, and of no others."""

    def __init__(self, issuers: Iterable[TrustedIssuer]) -> None:
        self._issuers: Mapping[str, TrustedIssuer] = MappingProxyType({one.name: one for one in issuers})

    def verify(self, token: bytes, now: float) -> Identity:
        """Who the token says is asking at `now` (POSIX seconds).

        Raises:
            TokenRefused: it does not prove anything, or not any more, or not here.
        """
        if not token:
            raise TokenRefused("no token was given as password", hint=RENEW)
        if len(token) > TOKEN_BYTES:
            raise TokenRefused(f"the token is longer than {TOKEN_BYTES} bytes", hint=RENEW)
        issuer = self._issuers.get(_issuer_of(token))
        if issuer is None:
            raise TokenRefused("the token's issuer is not one that this gate trusts", hint=RENEW)
        verified = _verified(token, issuer)
        _validate(verified, issuer, int(now))
        return claims.read(verified, issuer.name)


def _issuer_of(token: bytes) -> str:
    """The unproved ``iss``: it may only choose whose key the signature is tried with."""
    parts = token.split(b".")
    if len(parts) != 3:
        raise TokenRefused("the password is not a token (a JWT in compact form)", hint=RENEW)
    try:
        payload = orjson.loads(urlsafe_b64decode(parts[1]))
    except ValueError:
        raise TokenRefused("the password is not a token (a JWT in compact form)", hint=RENEW) from None
    issuer = payload.get("iss") if isinstance(payload, dict) else None
    if not isinstance(issuer, str):
        raise TokenRefused("the token does not name its issuer", hint=RENEW)
    return issuer


def _verified(token: bytes, issuer: TrustedIssuer) -> dict[str, Any]:
    try:
        decoded = jwt.decode(token, issuer.key, algorithms=issuer.algorithms)
    except (JoseError, ValueError, RecursionError):
        # One message for every way to fail here: which check failed helps only somebody who tries to forge one.
        raise TokenRefused("the token's signature is not by the issuer that it names", hint=RENEW) from None
    if decoded.header.get("typ") != issuer.type:
        raise TokenRefused(f"this is a token of another type than {issuer.type!r}", hint=RENEW)
    return decoded.claims


def _validate(verified: dict[str, Any], issuer: TrustedIssuer, now: int) -> None:
    registry = JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer.name},
        aud={"essential": True, "value": issuer.audience},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        jti={"essential": True},
    )
    try:
        registry.validate(verified)
    except ExpiredTokenError:
        raise TokenRefused("the token has expired", hint=RENEW) from None
    except MissingClaimError as error:
        raise TokenRefused(f"the token lacks a claim: {error.description or error.error}", hint=RENEW) from None
    except InvalidClaimError as error:
        raise _invalid(error, verified, issuer, now) from None
    if verified["exp"] - verified["iat"] > issuer.longest:
        raise TokenRefused(f"the token lives longer than the {issuer.longest // 3600} hours allowed", hint=RENEW)


def _invalid(error: InvalidClaimError, verified: dict[str, Any], issuer: TrustedIssuer, now: int) -> TokenRefused:
    if error.claim == "aud":
        return TokenRefused(
            f"the token is meant for another audience than {issuer.audience!r}",
            hint="get one for this gate: ostiary token --config FILE --as NAME, with this gate's own FILE",
        )
    if error.claim in ("nbf", "iat") and _is_later(verified[error.claim], now):
        return TokenRefused(
            "the token is not valid yet", hint="wait, or set the clocks of its issuer and of this gate right"
        )
    return TokenRefused(f"the token's claim {error.claim} is not what it must be", hint=RENEW)


def _is_later(value: object, now: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > now + LEEWAY
