"""One socket of a conversation, client's or server's. It says what came and what the far end can take, nothing else.

The rule: reading stands still as long as anybody has a reason to hold it, so that no side ever collects in memory
what the other does not take.
"""

import asyncio
import ssl
from collections.abc import Callable
from enum import IntFlag
from typing import cast

RECEIVE_BYTES = 64 * 1024
"""The most that one read takes, and so the most that one event carries."""

HIGH_WATER = 64 * 1024
"""Bytes waiting to be written above which the far end counts as slow (asyncio's own default)."""


class Hold(IntFlag):
    """Why a connection is not read."""

    NOBODY = 0
    SESSION = 1
    """The session asked: its bounded buffer is full, or what came waits for a record."""
    OTHER_SLOW = 2
    """The other side of the conversation does not take what it is sent."""
    SELF_SLOW = 4
    """This side does not take its answers, so it is not asked for more questions; a server does the same."""
    HANDOVER = 8
    """Between two readers, such as a finished login and the session."""


def receive_buffer() -> memoryview:
    """A buffer for `Connection`s of one event loop.

    One for all: an event loop asks for the buffer, fills it and hands it over within one callback, so no two
    connections ever hold it at once, and what is handed on is a copy. A buffer each would cost an idle session
    more memory than everything else of it (measured: research on 5,000 idle sessions).
    """
    return memoryview(bytearray(RECEIVE_BYTES))


class Connection(asyncio.BufferedProtocol):
    """A socket, as the event loop's callbacks see it.

    `on_data` gets each piece, `on_end` is called once when no more will come, `on_slow` tells whether the far end
    has stopped taking bytes. They are attributes, because a connection changes hands: from the greeting to the
    session, from the login to the session.
    """

    __slots__ = (
        "_buffer",
        "_ended",
        "_holds",
        "_transport",
        "gone",
        "on_data",
        "on_end",
        "on_gone",
        "on_made",
        "on_slow",
    )

    def __init__(self, buffer: memoryview, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self._buffer = buffer
        self._transport: asyncio.Transport | None = None
        self._holds = Hold.NOBODY
        self._ended = False
        self.gone = False
        self.on_data = on_data
        self.on_end = on_end
        self.on_slow: Callable[[bool], None] = _nobody_is_slowed
        self.on_made: Callable[[], None] = _nothing
        self.on_gone: Callable[[], None] = _nothing

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket (and TLS, if there is any) is up."""
        # Only stream transports come here; uvloop's have the methods of asyncio.Transport without being one.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)
        if self._holds:
            self._transport.pause_reading()
        self.on_made()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go. A memoryview: asyncio's TLS slices it and must not get copies."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes came."""
        self.on_data(self._buffer[:nbytes].tobytes())

    def eof_received(self) -> bool:
        """The far end will send nothing more. No client or server half-closes, so it has left: False closes."""
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed, by whomever."""
        self.gone = True
        self._end()
        self.on_gone()

    def pause_writing(self) -> None:
        """The far end does not keep up."""
        self.on_slow(True)

    def resume_writing(self) -> None:
        """The far end keeps up again."""
        self.on_slow(False)

    # What its owner calls.

    def write(self, data: bytes) -> None:
        """Send, unless the far end has left: then its end has been told already, and nobody would read it."""
        if not self._ended and self._transport is not None:
            self._transport.write(data)

    def hold(self, why: Hold) -> None:
        """Do not read, until everybody who holds lets go."""
        held, self._holds = self._holds, self._holds | why
        if not held and self._is_open():
            self._open_transport().pause_reading()

    def release(self, why: Hold) -> None:
        """One reason less not to read."""
        held, self._holds = self._holds, self._holds & ~why
        if held and not self._holds and self._is_open():
            self._open_transport().resume_reading()

    def close(self) -> None:
        """Send what is waiting, then close."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close now; what is waiting is dropped."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def waiting_bytes(self) -> int:
        """Bytes written that the far end has not taken."""
        return 0 if self._transport is None or self.gone else self._transport.get_write_buffer_size()

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS of this connection, when there is any."""
        found = None if self._transport is None else self._transport.get_extra_info("ssl_object")
        return found if isinstance(found, ssl.SSLObject) else None

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            # Who has left holds nobody back: a backend that cannot send cannot be cancelled either.
            self.on_slow(False)
            self.on_end()

    def _is_open(self) -> bool:
        return self._transport is not None and not self.gone and not self._transport.is_closing()

    def _open_transport(self) -> asyncio.Transport:
        if self._transport is None:
            raise RuntimeError("the connection is not made yet")
        return self._transport


def _nothing() -> None:
    """Nobody asked to be told."""


def _nobody_is_slowed(slow: bool) -> None:
    """Before a session there is no other side to hold back."""
