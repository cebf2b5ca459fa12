"""The built-in issuer: for development and break-glass, when no identity provider is at hand.

Its key lies in the state folder, readable by its owner only. The rule: whoever can read that file is the operator,
because whoever can read it can be anybody.
"""

import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from ostiary.identity import claims
from ostiary.identity.tokens import TrustedIssuer
from ostiary.model.errors import Invalid, TokenRefused
from ostiary.model.identity import Circumstances, Principal, PrincipalKind

ISSUER = "ostiary-local"
AUDIENCE = "ostiary"
ALGORITHM: Final = "Ed25519"
"""The curve, and since RFC 9864 the name of the algorithm too."""
TYPE = "ostiary+jwt"
LONGEST = 24 * 3600
"""Longest life of a token, in seconds: no standing credential comes out of here."""

KEY_FILE = Path("keys", "issuer.pem")


class IssuerKeyInvalid(Invalid):
    """The issuer's key file cannot be used."""

    code = "issuer-key-invalid"


@dataclass(frozen=True, slots=True)
class Grantee:
    """Whom a token is for, as the operator says it: one issuer's word, so without the issuer's name."""

    name: str
    kind: PrincipalKind
    groups: tuple[str, ...] = ()

    def principal(self) -> Principal:
        """The same as a principal of the built-in issuer."""
        return Principal(self.kind, self.name, ISSUER, tuple(sorted(set(self.groups))))


@dataclass(frozen=True, slots=True)
class LocalIssuer:
    """Signs tokens with the key of one state folder."""

    key: OKPKey
    audience: str = AUDIENCE

    def issue(
        self,
        grantee: Grantee,
        *,
        now: float,
        lifetime: float,
        on_behalf_of: Grantee | None = None,
        proved: Circumstances | None = None,
    ) -> str:
        """A signed token, good for `lifetime` seconds from `now` (POSIX seconds).

        Raises:
            TokenRefused: what is asked for would be refused by the gate, or lives too long.
        """
        if not 1 <= lifetime <= LONGEST:
            raise TokenRefused(f"a token lives between one second and {LONGEST // 3600} hours")
        body = claims.written(
            grantee.principal(),
            on_behalf_of.principal() if on_behalf_of else None,
            proved or Circumstances(),
        )
        body |= {
            "iss": ISSUER,
            "aud": self.audience,
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + lifetime),
            "jti": secrets.token_hex(16),
        }
        return jwt.encode({"alg": ALGORITHM, "typ": TYPE}, body, self.key, algorithms=[ALGORITHM])

    def trusted(self) -> TrustedIssuer:
        """What the gate needs to verify its tokens: the public half only."""
        public = OKPKey.import_key(self.key.as_pem(private=False))
        return TrustedIssuer(ISSUER, self.audience, public, (ALGORITHM,), TYPE, LONGEST)


def open_issuer(state: Path, audience: str = AUDIENCE) -> LocalIssuer:
    """The issuer of a state folder; its key is made when there is none yet.

    Raises:
        IssuerKeyInvalid: the key cannot be read or written, is no Ed25519 key, or others may read it.
    """
    path = state / KEY_FILE
    try:
        if not path.exists():
            _create(path)
        return LocalIssuer(_read(path), audience)
    except OSError as error:
        raise IssuerKeyInvalid(
            f"the issuer's key cannot be used: {error.strerror}",
            file=str(path),
            hint="run this as the user that runs the gate",
        ) from error


def _read(path: Path) -> OKPKey:
    with path.open("rb") as file:
        # The descriptor is asked, not the path: what was checked is what is read.
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise IssuerKeyInvalid(
                f"others may read the issuer's key (mode {mode:04o})", file=str(path), hint=f"chmod 600 {path}"
            )
        text = file.read()
    try:
        key = OKPKey.import_key(text)
    except (JoseError, ValueError) as error:
        raise IssuerKeyInvalid("this is not a private key in PEM form", file=str(path)) from error
    if not key.is_private or key.curve_name != ALGORITHM:
        raise IssuerKeyInvalid(f"this is not a private {ALGORITHM} key", file=str(path))
    return key


def _create(path: Path) -> None:
    """Make the key so that two processes at once end with the same one, and a crash leaves none half written."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".issuer-")  # mkstemp makes it 0600
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(OKPKey.generate_key(ALGORITHM, private=True, auto_kid=False).as_pem(private=True))
            file.flush()
            os.fsync(file.fileno())
        try:
            # link(2) fails when the name exists: whoever comes second takes the first one's key.
            path.hardlink_to(draft)
        except FileExistsError:
            return
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    finally:
        draft.unlink(missing_ok=True)
