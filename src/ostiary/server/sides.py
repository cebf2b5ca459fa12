"""The two sockets of a session: what waits to be written to each, and who holds back whom.

The rule: bytes reach a side in the order they were asked for, and a side that does not take them stops its source.
"""

from collections.abc import Callable

from ostiary.server.connection import Connection, Hold


class Sides:
    """A client and, once there is one, its server. `on_gone` is called when the last of them is closed."""

    __slots__ = ("_on_gone", "client", "server", "to_client", "to_server")

    def __init__(self, client: Connection, on_gone: Callable[[], None]) -> None:
        self.client = client
        self.server: Connection | None = None
        self.to_client: list[bytes] = []
        self.to_server: list[bytes] = []
        self._on_gone = on_gone
        client.on_slow = self._client_is_slow
        client.on_gone = self._one_is_gone

    def adopt(self, server: Connection) -> None:
        """The client has a server now."""
        self.server = server
        server.on_slow = self._server_is_slow
        server.on_gone = self._one_is_gone

    def the_server(self) -> Connection:
        """The server's connection.

        Raises:
            RuntimeError: there is none yet: the session went ahead of itself.
        """
        if self.server is None:
            raise RuntimeError("the session wants to reach a server before it has one")
        return self.server

    @property
    def waiting_bytes(self) -> int:
        """Bytes written that the two ends have not taken."""
        return self.client.waiting_bytes + (self.server.waiting_bytes if self.server is not None else 0)

    def flush(self) -> None:
        """One write per side for all that was asked since the last: a system call costs more than a join."""
        waiting = self.to_server
        if waiting:
            data = waiting[0] if len(waiting) == 1 else b"".join(waiting)
            waiting.clear()
            self.the_server().write(data)
        waiting = self.to_client
        if waiting:
            data = waiting[0] if len(waiting) == 1 else b"".join(waiting)
            waiting.clear()
            self.client.write(data)

    def close(self) -> None:
        """Both get what has been written, then are closed."""
        self.client.close()
        if self.server is not None:
            self.server.close()
        self._one_is_gone()

    def abort(self) -> None:
        """Both are closed at once."""
        self.client.abort()
        if self.server is not None:
            self.server.abort()
        self._one_is_gone()

    def _one_is_gone(self) -> None:
        if self.client.gone and (self.server is None or self.server.gone):
            self._on_gone()

    def _client_is_slow(self, slow: bool) -> None:
        change = Connection.hold if slow else Connection.release
        change(self.client, Hold.SELF_SLOW)
        if self.server is not None:
            change(self.server, Hold.OTHER_SLOW)

    def _server_is_slow(self, slow: bool) -> None:
        (Connection.hold if slow else Connection.release)(self.client, Hold.OTHER_SLOW)
