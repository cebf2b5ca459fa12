"""A PostgreSQL session from its startup message on: events in, actions out.

One rule above all: nothing of the client's that runs reaches the server except under a permit for exactly that.
"""

from collections.abc import Callable, Mapping
from typing import Final

from ostiary.model.decision import Denial
from ostiary.model.errors import ProtocolViolation
from ostiary.protocols.postgres import copying, deciding, ending, extended, probes, results, simple
from ostiary.protocols.postgres.admission import Admission
from ostiary.protocols.postgres.exchange import Exchange, Limits, Phase, SessionOver
from ostiary.protocols.postgres.refusals import give_up_waiting
from ostiary.protocols.postgres.startup import opening
from ostiary.session.actions import Action, PauseClient, ResumeClient, ResumeServer
from ostiary.session.events import (
    Authenticated,
    AuthenticationRefused,
    BackendReady,
    BackendUnavailable,
    CatalogRefreshed,
    ClientLeft,
    ClientSent,
    Decided,
    Ended,
    Event,
    OverlayOutdated,
    Recorded,
    ServerLeft,
    ServerSent,
)

_SYNC: Final = 83
_TERMINATE: Final = 88
_WITHOUT_BACKEND: Final = frozenset(b"SH")
"""What a lazy session answers by itself: nothing has been sent that could want an answer."""

_Request = Callable[[Exchange, bytes, int, int], bool]
"""Deals with one message of the client; False: not yet, come back to it."""

_REQUESTS: Final[dict[int, _Request]] = {
    ord("Q"): simple.query,
    ord("F"): simple.function_call,
    ord("P"): extended.parse,
    ord("B"): extended.bind,
    ord("D"): extended.describe,
    ord("E"): extended.execute,
    ord("C"): extended.close,
    ord("H"): extended.flush,
    ord("S"): extended.sync,
    ord("d"): copying.ignore,
    ord("c"): copying.ignore,
    ord("f"): copying.ignore,
}


class Conversation:
    """One client's session. `parameters` are those of its StartupMessage, `minor` the negotiated minor version.

    With `lazy` the backend is connected at the first message that needs it; until then the client has
    `known_parameters` and `key_data` (a process id that is not a backend's, and the cancel key that goes with it).
    """

    def __init__(
        self,
        parameters: Mapping[str, str],
        minor: int,
        *,
        limits: Limits | None = None,
        lazy: bool = False,
        known_parameters: Mapping[str, str] | None = None,
        key_data: tuple[int, bytes] | None = None,
    ) -> None:
        self._refused: ProtocolViolation | None = None
        try:
            opened = opening(parameters)
        except ProtocolViolation as error:
            # The client is told at the first event: only then is there somebody to give actions to.
            self._refused = error
            opened = opening({"user": "-"})
        self._admission = Admission(opened, lazy=lazy, known_parameters=dict(known_parameters or {}), key_data=key_data)
        self._x = Exchange(limits or Limits(), opened.claimed, minor)

    @property
    def is_resting(self) -> bool:
        """Whether ending it now cuts nothing off: no statement, no decision, no transaction is under way."""
        x = self._x
        return x.phase is Phase.OPEN and x.idle and x.pending is None and x.client.held == 0

    def receive(self, event: Event) -> list[Action]:
        """Tell what happened; get what to do, in order."""
        x = self._x
        try:
            self._take(event)
            self._turn()
        except SessionOver as over:
            ending.end(x, over.denial, over.denial.code)
        except ProtocolViolation as error:
            source = "upstream-protocol" if isinstance(event, ServerSent | Recorded) else "protocol-violation"
            denial = Denial(source, error.message, hint=error.hint, sqlstate=error.sqlstate)
            ending.end(x, denial, f"{source}: {error.message}")
        made = x.actions
        x.actions = []
        return made

    def _take(self, event: Event) -> None:
        x = self._x
        match event:
            case ClientSent():
                if x.phase is not Phase.CLOSED and x.phase is not Phase.LEAVING:
                    x.client.feed(event.data)
            case ServerSent():
                if x.phase is not Phase.CLOSED:
                    results.server_sent(x, event.data)
            case Decided():
                deciding.decided(x, event)
            case Recorded():
                self._recorded(event)
            case _:
                self._take_rare(event)

    def _take_rare(self, event: Event) -> None:
        x = self._x
        match event:
            case ClientLeft():
                ending.client_left(x)
            case ServerLeft():
                if x.phase is not Phase.CLOSED:
                    ending.server_left(x)
            case Ended(denial) | AuthenticationRefused(denial) | BackendUnavailable(denial):
                ending.end(x, denial, denial.code)
            case CatalogRefreshed():
                probes.refreshed(x)
            case OverlayOutdated():
                deciding.outdated(x, event)
            case Authenticated() if x.phase is not Phase.CLOSED:
                self._admission.authenticated(x, event)
            case BackendReady() if x.phase is not Phase.CLOSED:
                self._admission.backend_ready(x, event)
            case _:
                # Authenticated or BackendReady for a session that is over: nobody is waiting for it.
                return

    def _recorded(self, event: Recorded) -> None:
        x = self._x
        if x.holding == 0 or x.holding != event.ticket:
            return
        x.holding = 0
        if x.phase is Phase.CLOSED:
            return
        if x.server_paused:
            x.server_paused = False
            x.actions.append(ResumeServer())
        x.release()
        results.pump(x)
        if x.server_gone and x.holding == 0:
            ending.lost(x)

    def _turn(self) -> None:
        """After every event: whatever can go on now goes on."""
        x = self._x
        if x.phase is Phase.ASKED:
            if self._refused is not None:
                raise self._refused
            self._admission.ask(x)
            self._admission.password(x)
        elif x.phase is Phase.OPEN:
            if x.probe_over:
                x.probe_over = False
                deciding.probed(x)
            if x.pending is not None:
                self._waiting()
            if x.pending is None:
                self._requests()
        if x.phase is Phase.LEAVING:
            x.probe_over = False
            ending.leave(x)
        if x.paused or x.client.at < len(x.client.data):
            self._flow()

    def _requests(self) -> None:
        """Deal with the client's messages in order, one after the other, as far as they can go."""
        x = self._x
        inbox = x.client
        while inbox.at < len(inbox.data) and x.phase is Phase.OPEN and self._may_read() and inbox.next():
            kind, data, end = inbox.kind, inbox.data, inbox.end
            if kind == _TERMINATE:
                ending.terminate(x)
            elif x.copying is not None:
                copying.take(x, kind, data, end)
            elif x.discarding and kind != _SYNC:
                inbox.at = end
            elif not x.connected and kind not in _WITHOUT_BACKEND:
                self._admission.connect(x)
                return
            elif _REQUESTS[kind](x, data, inbox.body, end):
                inbox.at = end
        if x.quiet_wanted and x.copying is None:
            give_up_waiting(x)

    def _waiting(self) -> None:
        x = self._x
        pending = x.pending
        if pending is not None and pending.permitted is not None:
            deciding.go_on(x)
        else:
            deciding.advance(x)

    def _may_read(self) -> bool:
        x = self._x
        if x.pending is not None:
            return False
        if x.copying is not None:
            return True
        if x.quiet_wanted:
            if not x.quiet:
                return False
            x.quiet_wanted = False
        if len(x.answers) >= x.limits.owed_answers:
            # A server answers nothing before a Sync or Flush; without one this could wait for ever.
            give_up_waiting(x)
            return False
        return True

    def _flow(self) -> None:
        """A client that has to wait fills a small buffer, and is paused when that is full."""
        x = self._x
        held = x.client.held
        if x.phase is Phase.CLOSED:
            return
        # A long message that is still coming is not a queue: it is bounded by its own length.
        if not x.paused and held > x.limits.waiting_bytes and x.client.underway() == 0:
            x.paused = True
            x.actions.append(PauseClient())
        elif x.paused and held <= x.limits.waiting_bytes // 2:
            x.paused = False
            x.actions.append(ResumeClient())
