"""SCRAM-SHA-256 as a client (RFC 5802, RFC 7677), over scramp. The server must prove that it knows the password too."""

from collections.abc import Set

from scramp import ScramClient, ScramException

from ostiary.model.errors import ProtocolViolation
from ostiary.protocols.postgres.messages import frame

PLAIN = "SCRAM-SHA-256"
PLUS = "SCRAM-SHA-256-PLUS"
SASL_CONTINUE = 11
MOST_ITERATIONS = 100_000
"""The cap pgjdbc took after CVE-2026-42198: about 40 ms of CPU, against 4,096 that servers choose by default."""


def choose(offered: Set[str], can_bind: bool) -> str | None:
    """The strongest mechanism that both sides have."""
    if can_bind and PLUS in offered:
        return PLUS
    return PLAIN if PLAIN in offered else None


class Scram:
    """One exchange: `initial`, `proceed`, `verify`, in this order."""

    def __init__(self, mechanism: str, password: str, nonce: str, binding: bytes | None) -> None:
        self._mechanism = mechanism
        # A client that could bind but was not offered it says so ("y"), so that a stripped offer is found out.
        channel = ("tls-server-end-point", binding) if binding is not None else None
        # PostgreSQL takes the name from the startup message and ignores this one (auth-scram.c).
        try:
            self._client = ScramClient([mechanism], "*", password, channel_binding=channel, c_nonce=nonce)
        except ScramException as error:
            raise ProtocolViolation(f"SCRAM cannot use the configured password: {error}") from error
        self.verified = False

    def initial(self) -> bytes:
        """SASLInitialResponse."""
        first: bytes = self._client.get_client_first().encode()
        return frame(b"p", self._mechanism.encode() + b"\x00" + len(first).to_bytes(4, "big") + first)

    def proceed(self, answer: bytes) -> bytes:
        """SASLResponse to AuthenticationSASLContinue."""
        first = _ascii(answer)
        iterations = next((part[2:] for part in first.split(",") if part.startswith("i=")), "")
        if not iterations.isdigit() or len(iterations) > len(str(MOST_ITERATIONS)) or int(iterations) > MOST_ITERATIONS:
            raise ProtocolViolation(f"the database asks for more than {MOST_ITERATIONS} SCRAM iterations")
        try:
            self._client.set_server_first(first)
            return frame(b"p", self._client.get_client_final().encode())
        except ScramException as error:
            raise ProtocolViolation(f"SCRAM with the database failed: {error}") from error

    def verify(self, answer: bytes) -> None:
        """Check AuthenticationSASLFinal: the server knew the password as well."""
        try:
            self._client.set_server_final(_ascii(answer))
        except ScramException as error:
            raise ProtocolViolation(f"SCRAM with the database failed: {error}") from error
        self.verified = True


def _ascii(answer: bytes) -> str:
    try:
        return answer.decode("ascii")
    except UnicodeDecodeError as error:
        raise ProtocolViolation("SCRAM messages are ASCII") from error
