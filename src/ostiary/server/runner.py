"""Runs one session: tells it what happened, and does what it asks, in order, adding nothing.

The rule: any exception, from the session, from the desk or from a socket, closes both sides; none is logged and passed.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ostiary.model.decision import Denial
from ostiary.server.cancels import CancelKey, CancelRegistry
from ostiary.server.connection import Connection, Hold
from ostiary.server.reception import Peer as Peer
from ostiary.server.reception import Resting, ServerLimits, SessionDesk
from ostiary.server.sides import Sides
from ostiary.server.timers import Deadline, WallClockTimer
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
class House:
    """What the sessions of a listener share."""

    loop: asyncio.AbstractEventLoop
    limits: ServerLimits
    cancels: CancelRegistry
    dial: Callable[[Target], Awaitable[Backend]]


class Runner:
    """One client, its session, its desk and its backend. `on_finished` is called at the very end."""

    __slots__ = (
        "_backend", "_busy", "_cancel_key", "_closed", "_deadline", "_desk", "_dialing", "_events", "_expiry", "_house",
        "_login_deadline", "_on_finished", "_session", "_to_client", "_to_server", "sides",
    )  # fmt: skip

    def __init__(
        self,
        house: House,
        session: Session,
        client: Connection,
        desk: SessionDesk,
        cancel_key: CancelKey,
        on_finished: Callable[[], None],
    ) -> None:
        self._house = house
        self._session = session
        self._desk = desk
        self._cancel_key = cancel_key
        self._on_finished = on_finished
        self.sides = Sides(client, self._sides_are_gone)
        self._to_client = self.sides.to_client
        self._to_server = self.sides.to_server
        self._backend: Backend | None = None
        self._dialing: asyncio.Task[None] | None = None
        self._events: deque[Event] = deque()
        self._busy = False
        self._closed = False
        self._expiry: WallClockTimer | None = None
        self._login_deadline = Deadline(house.loop)
        self._deadline = Deadline(house.loop)
        house.cancels.add(cancel_key.process_id, cancel_key.secret, self)
        client.on_data = self._client_sent
        client.on_end = self._client_left

    def begin(self, rest: bytes, login_deadline: float) -> None:
        """Start with what the client sent behind its startup packet; it must have logged in by `login_deadline`."""
        self._login_deadline.at(login_deadline, lambda: self.end(LOGIN_TIMED_OUT))
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
            self.sides.flush()
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
                self.sides.client.hold(Hold.SESSION)
            case actions.ResumeClient():
                self.sides.client.release(Hold.SESSION)
            case actions.PauseServer():
                self.sides.the_server().hold(Hold.SESSION)
            case actions.ResumeServer():
                self.sides.the_server().release(Hold.SESSION)
            case actions.Authenticate():
                self._desk.authenticate(action, self._authentication_answered)
            case actions.Connect() if self._dialing is None:
                self._dialing = self._house.loop.create_task(self._dial(action))
            case actions.RefreshCatalog():
                self._desk.refresh_catalog(self.tell)
            case actions.Cancel():
                self.cancel_running()
            case actions.Close():
                self.sides.flush()
                self._close(action.reason)
            case _:
                raise RuntimeError(f"a session asked for {type(action).__name__}, which cannot be done now or at all")

    def _authentication_answered(self, event: Event) -> None:
        if self._closed:
            return
        if isinstance(event, events.Authenticated):
            self._login_deadline.stop()
            if self._desk.expires_at is not None:
                at = self._desk.expires_at + self._house.limits.expiry_grace
                self._expiry = WallClockTimer(self._house.loop, at, lambda: self.end(EXPIRED))
        self.tell(event)

    # The server's side.

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
        self._backend = backend
        server = backend.connection
        server.on_data = self._server_sent
        server.on_end = self._server_left
        self.sides.adopt(server)
        secret = self._cancel_key.secret
        self._house.cancels.add(backend.process_id, secret, self)
        self.tell(events.BackendReady(backend.parameters, backend.process_id, secret))
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

    # The end.

    def _limit(self, seconds: float, reason: str) -> None:
        """Whatever the session does, it is over in so many seconds."""
        if not self._closed:
            self._deadline.after(seconds, lambda: self._time_is_up(reason))

    def _time_is_up(self, reason: str) -> None:
        # A backend whose socket closes does not notice until it writes: what runs would run on.
        self.cancel_running()
        self._leave(reason)
        self.sides.abort()

    def _close(self, reason: str) -> None:
        """Both sides get what they are owed, for as long as `closing` allows."""
        self._leave(reason)
        self._deadline.after(self._house.limits.closing, self.sides.abort)
        self.sides.close()

    def _fail(self, error: BaseException) -> None:
        # The traceback has no values of variables in it: no SQL and no token reaches this log.
        _log.error("a session is closed because of an error in the gate", exc_info=error)
        self._leave(f"error in the gate: {type(error).__name__}")
        self.sides.abort()

    def _leave(self, reason: str) -> None:
        """Nothing is told to the session, or done for it, any more."""
        if self._closed:
            return
        self._closed = True
        self._login_deadline.stop()
        self._deadline.stop()
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

    def _sides_are_gone(self) -> None:
        if self._closed:
            self._deadline.stop()
            self._on_finished()
