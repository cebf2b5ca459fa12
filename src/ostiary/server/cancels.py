"""Who may cancel what. A client holds a secret of the gate's own for its session, never the backend's.

The rule: a request that does not bring the exact secret of one session does nothing and learns nothing.
"""

import secrets
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

KEY_BYTES = {0: 4, 2: 32}
"""Length of a secret by the protocol's minor version (PostgreSQL 18, section 54.7, BackendKeyData: 4 up to 3.0)."""

FIRST_SYNTHETIC = 1 << 22
LAST_SYNTHETIC = (1 << 31) - 1
"""Process ids of sessions without a backend: above any that Linux gives out (PID_MAX_LIMIT), within Int32."""


class Cancellable(Hashable, Protocol):
    """A session whose running statement can be cancelled."""

    def cancel_running(self) -> None:
        """Cancel what it runs now, if anything."""
        ...


@dataclass(frozen=True, slots=True)
class CancelKey:
    """What one session's client is given: a secret, and the process id to use as long as it has no backend."""

    process_id: int
    secret: bytes


def new_key(minor: int) -> CancelKey:
    """A key nobody else has."""
    synthetic = FIRST_SYNTHETIC + secrets.randbelow(LAST_SYNTHETIC - FIRST_SYNTHETIC)
    return CancelKey(synthetic, secrets.token_bytes(KEY_BYTES[minor]))


class CancelRegistry:
    """The secrets of the sessions that run now, over all listeners of a gate."""

    def __init__(self) -> None:
        # Several databases may give out the same process id, so an id leads to a few sessions.
        self._by_process: dict[int, dict[Cancellable, bytes]] = {}
        self._processes: dict[Cancellable, list[int]] = {}

    def add(self, process_id: int, secret: bytes, session: Cancellable) -> None:
        """From now on this session is cancelled by this secret and process id, besides those it has already."""
        self._by_process.setdefault(process_id, {})[session] = secret
        self._processes.setdefault(session, []).append(process_id)

    def forget(self, session: Cancellable) -> None:
        """The session is over: its secret opens nothing any more."""
        for process_id in self._processes.pop(session, ()):
            group = self._by_process.get(process_id, {})
            group.pop(session, None)
            if not group:
                self._by_process.pop(process_id, None)

    def request(self, process_id: int, secret: bytes) -> bool:
        """Cancel what the session with this secret runs; whether there is such a session."""
        found = False
        for session, expected in list(self._by_process.get(process_id, {}).items()):
            # In constant time, and to the end of the group: how long it takes says nothing about a guess.
            if secrets.compare_digest(expected, secret):
                found = True
                session.cancel_running()
        return found
