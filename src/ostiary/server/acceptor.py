"""Accepts clients. The rule: whatever the process runs out of, the door stays open for when it has it again."""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable

_log = logging.getLogger(__name__)

BACKLOG = 1024
ACCEPTS_AT_ONCE = 64
"""Clients accepted before the loop turns to the sessions that there are already."""

RETRY = 0.2
"""Seconds until the next try when the machine is out of something."""

# accept(2): the process or system is out of descriptors or memory. The client waits in the backlog, or is turned away.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Address = tuple[str, int]


class Acceptor:
    """One listening socket. Each client's socket goes to `on_client`, non-blocking."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listening: socket.socket,
        on_client: Callable[[socket.socket, Address], None],
    ) -> None:
        self._loop = loop
        self._listening = listening
        self._on_client = on_client
        self._retry: asyncio.TimerHandle | None = None
        # Held for the day when there is no descriptor left: giving it up makes room to turn a client away.
        self._spare = os.open(os.devnull, os.O_RDONLY)
        loop.add_reader(listening.fileno(), self._accept)

    def close(self) -> None:
        """Take no more clients."""
        if self._listening.fileno() < 0:
            return
        self._loop.remove_reader(self._listening.fileno())
        if self._retry is not None:
            self._retry.cancel()
        self._listening.close()
        if self._spare >= 0:
            os.close(self._spare)

    def _accept(self) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                client, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    # A network error of the connection that was pending is accept's to report (accept(2), "Error
                    # handling"); it says nothing about the next one.
                    _log.warning("a client could not be accepted: %s", error.strerror)
                    return
                self._turn_away(error)
                return
            try:
                client.setblocking(False)
                self._on_client(client, (str(address[0]), int(address[1])))
            except Exception:
                _log.exception("a client could not be let in")
                client.close()

    def _turn_away(self, error: OSError) -> None:
        """Out of descriptors: close one client instead of leaving it, and us, to spin on a socket that stays ready."""
        _log.error("a client is turned away: %s", error.strerror)
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1
        try:
            self._listening.accept()[0].close()
        except OSError as second:
            _log.debug("nor could it be told: %s", second.strerror)
        try:
            self._spare = os.open(os.devnull, os.O_RDONLY)
        except OSError:
            _log.debug("the spare descriptor is gone until the next try")
        self._loop.remove_reader(self._listening.fileno())
        self._retry = self._loop.call_later(RETRY, self._again)

    def _again(self) -> None:
        self._retry = None
        if self._spare < 0:
            try:
                self._spare = os.open(os.devnull, os.O_RDONLY)
            except OSError as error:
                _log.debug("still no descriptor to spare: %s", error.strerror)
        self._loop.add_reader(self._listening.fileno(), self._accept)


def listening_socket(address: str, port: int) -> socket.socket:
    """A TCP socket that listens.

    Raises:
        OSError: the address is not ours or not free.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setblocking(False)
        made.bind((address, port))
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""Seconds, seconds, count: a peer that vanished without a word is noticed after two minutes."""

USER_TIMEOUT = 120_000
"""Milliseconds that sent bytes may stay unacknowledged (RFC 5482): a full socket gets no keepalives."""


def prepare(sock: socket.socket) -> None:
    """No waiting for more to send, and a peer that is gone without a word is noticed."""
    if sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Not every system has all of these; where one is missing the system's own default stands.
    for name, value in {**KEEPALIVE, "TCP_USER_TIMEOUT": USER_TIMEOUT}.items():
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
