"""From the startup message to the first ReadyForQuery: who is asking, and a backend of the session's own."""

from ostiary.model.errors import ProtocolViolation
from ostiary.model.identity import Circumstances
from ostiary.protocols.postgres import messages
from ostiary.protocols.postgres.asides import check_parameter
from ostiary.protocols.postgres.exchange import IDLE, Exchange, Phase
from ostiary.protocols.postgres.startup import Opening
from ostiary.protocols.postgres.wire import caps, client_caps
from ostiary.session.actions import Authenticate, Connect
from ostiary.session.events import Authenticated, BackendReady

LONGEST_TOKEN = 65_535
"""PG_MAX_AUTH_TOKEN_LENGTH (auth.c)."""

PASSWORD_CAPS = caps({b"p": LONGEST_TOKEN, b"X": 4})
_PASSWORD = 112


class Admission:
    """One client on its way in. `lazy` opens the session before it has a backend, with what is known of the server."""

    def __init__(
        self,
        opening: Opening,
        *,
        lazy: bool,
        known_parameters: dict[str, str],
        key_data: tuple[int, bytes] | None,
    ) -> None:
        if lazy and key_data is None:
            raise ValueError("a lazy session needs a process id and a cancel key to begin with")
        self._opening = opening
        self._lazy = lazy
        self._known = known_parameters
        self._key_data = key_data
        self._asked = False

    @property
    def claimed(self) -> Circumstances:
        """What the startup message claims."""
        return self._opening.claimed

    def ask(self, x: Exchange) -> None:
        """Ask for the token, once."""
        if not self._asked:
            self._asked = True
            x.client.allow(PASSWORD_CAPS)
            x.say(messages.AUTHENTICATION_CLEARTEXT)

    def password(self, x: Exchange) -> None:
        """The client may have answered."""
        inbox = x.client
        if not inbox.next():
            return
        if inbox.kind != _PASSWORD:
            raise ProtocolViolation("expected password response", sqlstate="08P01")
        token = messages.read_password(inbox.data, inbox.body, inbox.end)
        inbox.at = inbox.end
        if not token:
            raise ProtocolViolation("empty password returned by client", sqlstate="28P01")
        x.phase = Phase.IDENTITY
        inbox.allow(client_caps(x.limits.large_message))
        opening = self._opening
        x.actions.append(Authenticate(token, opening.database, opening.settings, opening.claimed))

    def authenticated(self, x: Exchange, event: Authenticated) -> None:
        """The token proved who is asking."""
        if x.phase is not Phase.IDENTITY:
            raise RuntimeError("an authentication that nobody asked for")
        x.unanalysed = event.unanalysed
        for name in ("client_encoding", "standard_conforming_strings"):
            if name in self._opening.settings:
                check_setting(x, name, self._opening.settings[name])
        if event.search_path is None:
            x.view.stale = True
        else:
            x.view.search_path = event.search_path
        if self._lazy and self._key_data is not None:
            self._open(x, self._known, *self._key_data)
        else:
            x.phase = Phase.BACKEND
            self.connect(x)

    def connect(self, x: Exchange) -> None:
        """Ask for a backend, once."""
        if not x.connecting:
            x.connecting = True
            x.actions.append(Connect(self._opening.settings, x.minor))

    def backend_ready(self, x: Exchange, event: BackendReady) -> None:
        """The session has a backend."""
        x.connected = True
        parameters = dict(event.parameters)
        for name, value in parameters.items():
            check_parameter(x, name, value)
        if x.phase is Phase.BACKEND:
            self._open(x, parameters, event.process_id, event.cancel_key)
            return
        # Opened before: only what turned out differently is news.
        for name, value in parameters.items():
            if self._known.get(name) != value:
                x.say(messages.parameter_status(name, value))

    def _open(self, x: Exchange, parameters: dict[str, str], process_id: int, key: bytes) -> None:
        if x.minor < 2 and len(key) != 4:
            raise RuntimeError("a cancel key has four bytes before protocol 3.2")
        x.phase = Phase.OPEN
        x.say(
            b"".join(
                (
                    messages.AUTHENTICATION_OK,
                    *(messages.parameter_status(name, value) for name, value in parameters.items()),
                    messages.backend_key_data(process_id, key),
                    messages.ready(IDLE),
                )
            )
        )


def check_setting(x: Exchange, name: str, value: str) -> None:
    """The same rule for a setting asked for at startup, in any of the spellings that the server takes."""
    plain = value.strip().strip("'\"").lower().replace("-", "").replace("_", "")
    # A program in the C locale asks for SQL_ASCII: do not convert. It gets UTF8, whose bytes it leaves alone.
    utf8 = ("utf8", "unicode", "sqlascii")
    good = utf8 if name == "client_encoding" else ("on", "true", "yes", "1", "t", "y", "tr", "tru", "ye")
    check_parameter(x, name, {"client_encoding": "UTF8"}.get(name, "on") if plain in good else value or "?")
