"""Who may cancel what. A client holds a secret of the gate's own for its session, never the backend's.

The rule: a request that does not bring the exact secret of one session does nothing and learns nothing.
"""

import secrets
from collections.abc import Hashable
from typing import Protocol

KEY_BYTES = {0: 4, 2: 32}
"""Length of a secret by the protocol's minor version (PostgreSQL 18, section 54.7, BackendKeyData: 4 up to 3.0)."""


class Cancellable(Hashable, Protocol):
    """A session whose running statement can be cancelled."""

    def cancel_running(self) -> None:
        """Cancel what it runs now, if anything."""
        ...


class CancelRegistry:
    """The secrets of the sessions that run now, over all listeners of a gate."""

    def __init__(self) -> None:
        # Several databases may give out the same process id, so an id leads to a few sessions.
        self._by_process: dict[int, dict[Cancellable, bytes]] = {}
        self._process_of: dict[Cancellable, int] = {}

    def register(self, process_id: int, minor: int, session: Cancellable) -> bytes:
        """A fresh secret for a session's backend; one that it had before is void."""
        self.forget(session)
        key = secrets.token_bytes(KEY_BYTES[minor])
        self._by_process.setdefault(process_id, {})[session] = key
        self._process_of[session] = process_id
        return key

    def forget(self, session: Cancellable) -> None:
        """The session is over: its secret opens nothing any more."""
        process_id = self._process_of.pop(session, None)
        if process_id is not None:
            group = self._by_process[process_id]
            del group[session]
            if not group:
                del self._by_process[process_id]

    def request(self, process_id: int, key: bytes) -> bool:
        """Cancel what the session with this secret runs; whether there is such a session."""
        found = False
        for session, expected in list(self._by_process.get(process_id, {}).items()):
            # In constant time, and to the end of the group: how long it takes says nothing about a guess.
            if secrets.compare_digest(expected, key):
                found = True
                session.cancel_running()
        return found
