"""How the gate logs in to a database: the client's side of authentication, as bytes in and steps out.

The password is sent, or used, only in a way at least as strong as the caller required (CVE-2025-49146).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from ostiary.model.decision import Denial
from ostiary.model.errors import ProtocolViolation
from ostiary.protocols.postgres import messages
from ostiary.protocols.postgres.messages import Body
from ostiary.protocols.postgres.scram import PLUS, SASL_CONTINUE, Scram, choose
from ostiary.protocols.postgres.wire import Inbox, caps

LONGEST_ANSWER = 65_536
"""No message before the first ReadyForQuery needs more; a server that sends more is not one (GO-2026-6173)."""
MOST_ANSWERS = 500
"""How many ParameterStatus and notices before the first ReadyForQuery are believed (a server sends about 15)."""

_ANSWERS = caps({bytes((kind,)): LONGEST_ANSWER for kind in b"REKNSZv"})


class Strength(IntEnum):
    """Ways to log in, weakest first; a server that asks for less than required is left without the password."""

    TRUST = 0
    CLEARTEXT = 1
    MD5 = 2
    SCRAM = 3
    SCRAM_PLUS = 4


@dataclass(frozen=True, slots=True)
class SendToUpstream:
    """Send these bytes to the database."""

    data: bytes


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The database said its first ReadyForQuery. `rest` came after it and belongs to the conversation."""

    parameters: dict[str, str]
    process_id: int
    secret_key: bytes
    minor: int
    rest: bytes


@dataclass(frozen=True, slots=True)
class LoginFailed:
    """It did not let the gate in, or it is not what it should be. Close the connection."""

    denial: Denial


LoginStep = SendToUpstream | LoggedIn | LoginFailed


class UpstreamLogin:
    """One login. `nonce` is fresh randomness for SCRAM (at least 18 bytes as base64, RFC 5802).

    `required` is the weakest way that is acceptable. `confidential` says that nobody can read along (TLS or loopback):
    without it a cleartext password is never sent. `channel_binding` is the tls-server-end-point data when there is TLS.
    """

    def __init__(
        self,
        *,
        user: str,
        password: str | None,
        database: str,
        settings: Mapping[str, str],
        nonce: str,
        minor: int = 0,
        required: Strength = Strength.TRUST,
        confidential: bool = False,
        channel_binding: bytes | None = None,
    ) -> None:
        self._user = user
        self._password = password
        self._database = database
        self._settings = dict(settings)
        self._nonce = nonce
        self._minor = minor
        self._required = required
        self._confidential = confidential
        self._binding = channel_binding
        self._inbox = Inbox(_ANSWERS)
        self._scram: Scram | None = None
        self._proved = Strength.TRUST
        self._authenticated = False
        self._over = False
        self._seen = 0
        self._parameters: dict[str, str] = {}
        self._key: tuple[int, bytes] | None = None

    def start(self) -> bytes:
        """The StartupMessage, to be sent first (after TLS, if there is TLS)."""
        reserved = {"user", "database", "replication", "options"} & {name.lower() for name in self._settings}
        if reserved:
            raise ProtocolViolation(f"not a setting: {', '.join(sorted(reserved))}")
        return messages.startup({"user": self._user, "database": self._database} | self._settings, self._minor)

    def receive(self, data: bytes) -> list[LoginStep]:
        """Take what the database sent; after `LoggedIn` or `LoginFailed` nothing more is taken."""
        if self._over:
            raise ProtocolViolation("the login is over")
        inbox = self._inbox
        steps: list[LoginStep] = []
        try:
            inbox.feed(data)
            while not self._over and inbox.next():
                body = Body(inbox.data, inbox.body, inbox.end)
                inbox.at = inbox.end
                steps.extend(self._message(inbox.kind, body))
        except ProtocolViolation as error:
            steps.append(self._fail("upstream-protocol", error.message))
        return steps

    def _fail(self, code: str, message: str, sqlstate: str = "08001") -> LoginFailed:
        self._over = True
        return LoginFailed(Denial(code, message, sqlstate=sqlstate))

    def _message(self, kind: int, body: Body) -> list[LoginStep]:
        answer = self._STEPS[kind]
        self._seen += 1
        if self._seen > MOST_ANSWERS:
            raise ProtocolViolation("the database talks without end before its first ReadyForQuery")
        return answer(self, body)

    def _error(self, body: Body) -> list[LoginStep]:
        found = messages.read_fields(body.data, body.at, body.end)
        if found["C"].startswith("28"):
            # The server names the gate's own role here, which is nothing for a client to know.
            message = "the database does not accept the gate's own login; its log says why"
            return [self._fail("upstream-refused", message, "08004")]
        return [self._fail("upstream-refused", found["M"], found["C"])]

    def _ignored(self, _body: Body) -> list[LoginStep]:
        return []

    def _parameter(self, body: Body) -> list[LoginStep]:
        self._after_authentication()
        name, value = messages.read_parameter_status(body.data, body.at, body.end)
        self._parameters[name] = value
        return []

    def _key_data(self, body: Body) -> list[LoginStep]:
        self._after_authentication()
        self._key = messages.read_backend_key_data(body.data, body.at, body.end)
        return []

    def _negotiation(self, body: Body) -> list[LoginStep]:
        minor, unknown = messages.read_negotiation(body.data, body.at, body.end)
        if unknown or minor > self._minor:
            raise ProtocolViolation("the database negotiates what was not asked for")
        self._minor = minor
        return []

    def _ready(self, body: Body) -> list[LoginStep]:
        self._after_authentication()
        if messages.read_ready(body.data, body.at, body.end) != ord("I") or self._key is None:
            raise ProtocolViolation("the database is not idle at its first ReadyForQuery, or gave no cancel key")
        self._over = True
        inbox = self._inbox
        return [LoggedIn(self._parameters, self._key[0], self._key[1], self._minor, inbox.data[inbox.at :])]

    def _after_authentication(self) -> None:
        if not self._authenticated:
            raise ProtocolViolation("the database goes on before it said AuthenticationOk")

    def _authentication(self, body: Body) -> list[LoginStep]:
        code = body.word()
        if self._authenticated:
            raise ProtocolViolation("the database asks for authentication twice")
        match code:
            case 0:
                return self._accepted(body)
            case 3:
                return self._cleartext(body)
            case 5:
                return self._md5(body)
            case 10:
                return self._sasl(body)
            case 11 | 12:
                return self._sasl_more(code, body)
            case _:
                return [self._fail("upstream-authentication", f"the database asks for authentication method {code}")]

    def _accepted(self, body: Body) -> list[LoginStep]:
        body.finish()
        if self._scram is not None and not self._scram.verified:
            raise ProtocolViolation("the database ended SCRAM without proving that it knows the password")
        if self._proved < self._required:
            return [self._too_weak(self._proved)]
        self._authenticated = True
        return []

    def _too_weak(self, offered: Strength) -> LoginFailed:
        return self._fail(
            "upstream-authentication",
            f"the database offers {offered.name.lower()} where {self._required.name.lower()} is required",
        )

    def _secret(self, offered: Strength) -> str | LoginFailed:
        if offered < self._required:
            return self._too_weak(offered)
        if self._proved is not Strength.TRUST:
            raise ProtocolViolation("the database asks for the password twice")
        if not self._password:
            return self._fail("upstream-authentication", "the database wants a password and none is configured")
        self._proved = offered
        return self._password

    def _cleartext(self, body: Body) -> list[LoginStep]:
        body.finish()
        if not self._confidential:
            message = "the database asks for the password in clear over a link that others can read"
            return [self._fail("upstream-authentication", message)]
        secret = self._secret(Strength.CLEARTEXT)
        return [secret] if isinstance(secret, LoginFailed) else [_password_message(secret)]

    def _md5(self, body: Body) -> list[LoginStep]:
        salt = body.raw(4)
        body.finish()
        secret = self._secret(Strength.MD5)
        if isinstance(secret, LoginFailed):
            return [secret]
        inner = hashlib.md5((secret + self._user).encode(), usedforsecurity=False).hexdigest()
        outer = hashlib.md5(inner.encode() + salt, usedforsecurity=False).hexdigest()
        return [_password_message("md5" + outer)]

    def _sasl(self, body: Body) -> list[LoginStep]:
        offered: set[str] = set()
        while name := body.name():
            offered.add(name)
        body.finish()
        mechanism = choose(offered, self._binding is not None)
        if mechanism is None:
            return [self._fail("upstream-authentication", "the database offers no SCRAM mechanism that is known")]
        secret = self._secret(Strength.SCRAM_PLUS if mechanism == PLUS else Strength.SCRAM)
        if isinstance(secret, LoginFailed):
            return [secret]
        self._scram = Scram(mechanism, secret, self._nonce, self._binding)
        return [SendToUpstream(self._scram.initial())]

    def _sasl_more(self, code: int, body: Body) -> list[LoginStep]:
        if self._scram is None:
            raise ProtocolViolation("SCRAM out of order")
        if code == SASL_CONTINUE:
            return [SendToUpstream(self._scram.proceed(body.rest()))]
        self._scram.verify(body.rest())
        return []

    _STEPS: Mapping[int, Callable[["UpstreamLogin", Body], list[LoginStep]]] = {
        ord("R"): _authentication,
        ord("E"): _error,
        ord("N"): _ignored,
        ord("S"): _parameter,
        ord("K"): _key_data,
        ord("v"): _negotiation,
        ord("Z"): _ready,
    }


def _password_message(secret: str) -> SendToUpstream:
    return SendToUpstream(messages.password(secret.encode()))
