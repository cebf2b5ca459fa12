"""A door: one address where clients of PostgreSQL's protocol come in. It counts them and can stop taking more.

The rule: closing a door never leaves a session behind it.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

from ostiary.model.decision import Denial
from ostiary.server.acceptor import Acceptor, Address, listening_socket, prepare
from ostiary.server.cancels import CancelRegistry
from ostiary.server.connection import receive_buffer
from ostiary.server.drain import drained
from ostiary.server.entrance import TOO_MANY, Entrance, Hall, MakeSession
from ostiary.server.reception import Peer, ServerLimits, SessionDesk
from ostiary.server.runner import House, Runner
from ostiary.server.tls import keep_sessions_small
from ostiary.server.upstream import Dialer


class Listener:
    """An open door. Made by `listen`."""

    def __init__(self, hall: Hall, listening: socket.socket) -> None:
        self._hall = hall
        self._socket = listening
        self.port: int = listening.getsockname()[1]
        self._acceptor = Acceptor(hall.house.loop, listening, self._enter)

    @property
    def sessions(self) -> int:
        """How many sessions there are."""
        return len(self._hall.sessions)

    def runners(self) -> tuple[Runner, ...]:
        """The sessions there are."""
        return tuple(self._hall.sessions)

    def stop(self) -> None:
        """Take no more clients; those on their way in are sent away, sessions go on."""
        self._acceptor.close()
        for entrance in tuple(self._hall.entrances):
            entrance.abort()

    def end(self, denial: Denial) -> None:
        """Tell every session to end, and why."""
        for runner in tuple(self._hall.sessions):
            runner.end(denial)

    async def drain(self, seconds: float) -> int:
        """Stop, let sessions end by themselves for so long, then end the rest; how many those were."""
        self.stop()
        return await drained(self, seconds)

    async def close(self) -> None:
        """Stop and end everything now."""
        await self.drain(0.0)

    def _enter(self, client: socket.socket, address: Address) -> None:
        if self._hall.is_crowded:
            # Not even read: what it would have said does not matter, and reading costs what there is too little of.
            try:
                client.send(TOO_MANY)
            finally:
                client.close()
            return
        prepare(client)
        Entrance(self._hall, client, address)


async def listen(
    address: str,
    port: int,
    *,
    tls: ssl.SSLContext | None,
    make_desk: Callable[[Peer], SessionDesk],
    make_session: MakeSession,
    limits: ServerLimits,
    cancels: CancelRegistry | None = None,
    on_refused: Callable[[Peer, str], None] | None = None,
) -> Listener:
    """Open a door at `address`; port 0 takes any.

    `make_session` gets the client's startup parameters, the agreed minor version and the session's cancel key.
    `cancels` is shared by the doors of one gate, because a cancel request may come in by another. `on_refused` hears
    of clients that got no session.

    Raises:
        OSError: the address is not ours or not free.
    """
    loop = asyncio.get_running_loop()
    keep_sessions_small()
    buffer = receive_buffer()
    dialer = Dialer(loop, buffer, limits.connect)
    house = House(loop, limits, cancels or CancelRegistry(), dialer.dial)
    hall = Hall(house, tls, make_desk, make_session, on_refused or _unheard, buffer)
    return Listener(hall, listening_socket(address, port))


def _unheard(peer: Peer, reason: str) -> None:
    """Nobody asked to hear of refused clients."""
