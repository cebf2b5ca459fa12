"""Runs one session: tells it what happened, and does what it asks, in order, adding nothing.

The rule: any exception, from the session, from the desk or from a socket, closes both sides; none is logged and passed.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ostiary.model.decision import Denial
from ostiary.server.cancels import CancelRegistry
from ostiary.server.connection import Connection, Hold
from ostiary.server.timers import WallClockTimer
from ostiary.server.upstream import Backend, BackendUnreachable, Target
from ostiary.session import actions, events
from ostiary.session.actions import Action
from ostiary.session.events import Event
from ostiary.session.machine import Session

_log = logging.getLogger(__name__)

EXPIRED = Denial(
    "token-expired",
    "terminating connection because the token that opened it has expired",
    hint="get a new token and connect again",
    sqlstate="28000",
)
LOGIN_TIMED_OUT = Denial(
    "login-timeout", "canceling authentication due to timeout", hint="connect again", sqlstate="57014"
)


@dataclass(frozen=True, slots=True)
class Peer:
    """The far end of a client's socket, as far as the network tells. None of it proves who somebody is."""

    address: str
    port: int
    encrypted: bool
    tls_version: str | None = None


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds of a listener. Times are in seconds.

    `login` is from accept to an authenticated client, `handshake` for TLS, `connect` for a backend to be ready,
    `closing` for a peer to take what it is still owed, `departure` for a statement to end whose client has left.
    """

    connections: int = 1000
    login: float = 30.0
    handshake: float = 10.0
    connect: float = 10.0
    closing: float = 5.0
    departure: float = 30.0
    expiry_grace: float = 0.0


class SessionDesk(Protocol):
    """All that one session asks of the gate.

    `reply` may be called at once or later on the loop, once; what comes after the session's end is ignored.
    """

    expires_at: float | None
    """When the token ends, in POSIX seconds; known once `authenticate` was answered."""

    def authenticate(self, action: actions.Authenticate, reply: Callable[[Event], None]) -> None:
        """Answer `Authenticated` or `AuthenticationRefused`."""
        ...

    def target(self, action: actions.Connect) -> Target:
        """Where the backend of this session is."""
        ...

    def decide(self, action: actions.Decide, reply: Callable[[Event], None]) -> None:
        """Answer `Decided`, once that is recorded."""
        ...

    def record(self, action: actions.Record, reply: Callable[[Event], None]) -> None:
        """Record an outcome; answer `Recorded` when the action waits for it."""
        ...

    def refresh_catalog(self, reply: Callable[[Event], None]) -> None:
        """Answer `CatalogRefreshed`."""
        ...

    def closed(self, reason: str) -> None:
        """The session is over. Called exactly once."""
        ...


@runtime_checkable
class Resting(Protocol):
    """A session that can say whether ending it would cut anything off."""

    @property
    def is_resting(self) -> bool:
        """Whether nothing is under way: no statement, no decision, no transaction."""
        ...


@dataclass(frozen=True, slots=True)
class House:
    """What the sessions of a listener share."""

    loop: asyncio.AbstractEventLoop
    limits: ServerLimits
    cancels: CancelRegistry
    dial: Callable[[Target], Awaitable[Backend]]


class Runner:
    """One client, its session, its desk and, once there is one, its backend."""

    __slots__ = (
        "_backend", "_busy", "_client", "_closed", "_deadline", "_desk", "_dialing", "_events", "_expiry", "_house",
        "_on_finished", "_session", "_to_client", "_to_server",
    )  # fmt: skip

    def __init__(
        self, house: House, session: Session, client: Connection, desk: SessionDesk, on_finished: Callable[[], None]
    ) -> None:
        self._house = house
        self._session = session
        self._client = client
        self._desk = desk
        self._on_finished = on_finished
        self._backend: Backend | None = None
        self._dialing: asyncio.Task[None] | None = None
        self._events: deque[Event] = deque()
        self._busy = False
        self._closed = False
        self._to_client: list[bytes] = []
        self._to_server: list[bytes] = []
        self._expiry: WallClockTimer | None = None
        self._deadline: asyncio.TimerHandle | None = None
        client.on_data = self._client_sent
        client.on_end = self._client_left
        client.on_slow = self._client_is_slow
        client.on_gone = self._side_is_gone

    def begin(self, rest: bytes, login_deadline: float) -> None:
        """Start with what the client sent behind its startup packet; it must have logged in by `login_deadline`."""
        self._deadline = self._house.loop.call_at(login_deadline, self.end, LOGIN_TIMED_OUT)
        self.tell(events.ClientSent(rest))

    def end(self, denial: Denial) -> None:
        """Make the session end, and tell its client why. It has `closing` seconds to do so."""
        self._limit(self._house.limits.closing, "the session did not end when it was told to")
        self.tell(events.Ended(denial))

    @property
    def is_resting(self) -> bool:
        """Whether ending the session now cuts nothing off. One that cannot say counts as busy."""
        return isinstance(self._session, Resting) and self._session.is_resting

    def cancel_running(self) -> None:
        """Ask the backend to cancel what it runs. Without a backend nothing runs."""
        if self._backend is not None and not self._closed:
            self._backend.cancel()

    def tell(self, event: Event) -> None:
        """Tell the session, and do what it asks.

        What happens while the session is at work (a desk that answers at once) waits in a queue, so the session
        never sees two things at the same time and the depth of the stack does not grow.
        """
        if self._closed:
            return
        if self._busy:
            self._events.append(event)
            return
        self._busy = True
        try:
            self._perform(self._session.receive(event))
            while self._events:
                self._perform(self._session.receive(self._events.popleft()))
            self._flush()
        except BaseException as error:
            self._fail(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._busy = False

    def _perform(self, wanted: list[Action]) -> None:
        for action in wanted:
            # Bytes first: all but a few actions of a session are these.
            if type(action) is actions.SendToClient:
                self._to_client.append(action.data)
            elif type(action) is actions.Forward or type(action) is actions.SendToServer:
                self._to_server.append(action.data)
            else:
                self._perform_other(action)
                if self._closed:
                    return

    def _perform_other(self, action: Action) -> None:
        match action:
            case actions.Decide():
                self._desk.decide(action, self.tell)
            case actions.Record():
                self._desk.record(action, self.tell)
            case actions.PauseClient():
                self._client.hold(Hold.SESSION)
            case actions.ResumeClient():
                self._client.release(Hold.SESSION)
            case actions.PauseServer():
                self._server().hold(Hold.SESSION)
            case actions.ResumeServer():
                self._server().release(Hold.SESSION)
            case actions.Authenticate():
                self._desk.authenticate(action, self._authentication_answered)
            case actions.Connect():
                self._connect(action)
            case actions.RefreshCatalog():
                self._desk.refresh_catalog(self.tell)
            case actions.Cancel():
                self.cancel_running()
            case actions.Close():
                self._flush()
                self._close(action.reason)
            case _:
                raise TypeError(f"a session asked for {type(action).__name__}, which the runner does not know")

    def _flush(self) -> None:
        """One write per side for all that was asked since the last: a system call costs more than a join."""
        if self._to_server:
            data = self._to_server
            self._to_server = []
            self._server().write(data[0] if len(data) == 1 else b"".join(data))
        if self._to_client:
            data = self._to_client
            self._to_client = []
            self._client.write(data[0] if len(data) == 1 else b"".join(data))

    def _server(self) -> Connection:
        if self._backend is None:
            raise RuntimeError("the session wants to reach a server before it has one")
        return self._backend.connection

    def _authentication_answered(self, event: Event) -> None:
        if self._closed:
            return
        if isinstance(event, events.Authenticated):
            self._unlimit()
            if self._desk.expires_at is not None:
                at = self._desk.expires_at + self._house.limits.expiry_grace
                self._expiry = WallClockTimer(self._house.loop, at, self._expired)
        self.tell(event)

    def _expired(self) -> None:
        self.end(EXPIRED)

    # The server's side.

    def _connect(self, action: actions.Connect) -> None:
        if self._dialing is not None:
            raise RuntimeError("the session asked for a second backend")
        self._dialing = self._house.loop.create_task(self._dial(action))

    async def _dial(self, action: actions.Connect) -> None:
        try:
            backend = await self._house.dial(self._desk.target(action))
        except BackendUnreachable as error:
            self.tell(events.BackendUnavailable(error.denial))
            return
        except Exception as error:
            self._fail(error)
            return
        if self._closed:
            backend.connection.abort()
            return
        self._adopt(backend, action.minor)

    def _adopt(self, backend: Backend, minor: int) -> None:
        self._backend = backend
        server = backend.connection
        server.on_data = self._server_sent
        server.on_end = self._server_left
        server.on_slow = self._server_is_slow
        server.on_gone = self._side_is_gone
        key = self._house.cancels.register(backend.process_id, minor, self)
        self.tell(events.BackendReady(backend.parameters, backend.process_id, key))
        if backend.rest:
            self.tell(events.ServerSent(backend.rest))
        if server.gone:
            self._server_left()
        server.release(Hold.HANDOVER)

    # What the sockets say.

    def _client_sent(self, data: bytes) -> None:
        self.tell(events.ClientSent(data))

    def _server_sent(self, data: bytes) -> None:
        self.tell(events.ServerSent(data))

    def _client_left(self) -> None:
        self._limit(self._house.limits.departure, "the client left and its statement did not end")
        self.tell(events.ClientLeft())

    def _server_left(self) -> None:
        self._limit(self._house.limits.closing, "the session did not end when its server left")
        self.tell(events.ServerLeft())

    def _client_is_slow(self, slow: bool) -> None:
        change = Connection.hold if slow else Connection.release
        change(self._client, Hold.SELF_SLOW)
        if self._backend is not None:
            change(self._backend.connection, Hold.OTHER_SLOW)

    def _server_is_slow(self, slow: bool) -> None:
        (Connection.hold if slow else Connection.release)(self._client, Hold.OTHER_SLOW)

    # The end.

    def _limit(self, seconds: float, reason: str) -> None:
        """Whatever the session does, it is over in so many seconds. The first limit of an end stands."""
        if not self._closed:
            self._unlimit()
            self._deadline = self._house.loop.call_later(seconds, self._time_is_up, reason)

    def _unlimit(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _time_is_up(self, reason: str) -> None:
        if not self._closed:
            self._close(reason)
        self._abort()

    def _close(self, reason: str) -> None:
        """Both sides get what they are owed, for as long as `closing` allows."""
        self._leave(reason)
        self._deadline = self._house.loop.call_later(self._house.limits.closing, self._time_is_up, reason)
        self._client.close()
        if self._backend is not None:
            self._backend.connection.close()
        self._side_is_gone()

    def _fail(self, error: BaseException) -> None:
        if self._closed:
            return
        # The traceback has no values of variables in it: no SQL and no token reaches this log.
        _log.error("a session is closed because of an error in the gate", exc_info=error)
        self._leave(f"error in the gate: {type(error).__name__}")
        self._abort()
        self._side_is_gone()

    def _leave(self, reason: str) -> None:
        self._closed = True
        self._unlimit()
        self._events.clear()
        self._to_client.clear()
        self._to_server.clear()
        self._house.cancels.forget(self)
        if self._expiry is not None:
            self._expiry.stop()
        if self._dialing is not None and self._backend is None:
            self._dialing.cancel()
        try:
            self._desk.closed(reason)
        except Exception:
            _log.exception("the end of a session could not be told to its desk")

    def _abort(self) -> None:
        self._client.abort()
        if self._backend is not None:
            self._backend.connection.abort()

    def _side_is_gone(self) -> None:
        if self._closed and self._client.gone and (self._backend is None or self._backend.connection.gone):
            self._unlimit()
            finished, self._on_finished = self._on_finished, _already_finished
            finished()


def _already_finished() -> None:
    """A session finishes once."""
