"""What a listener and its sessions need from the rest of the gate: a desk to ask, and bounds to keep.

The rule: a session reaches the rest of the gate through its desk only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ostiary.server.upstream import Target
from ostiary.session import actions
from ostiary.session.events import Event


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
