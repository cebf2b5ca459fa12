"""The one shape of every conversation: events in, actions out."""

from typing import Protocol

from ostiary.session.actions import Action
from ostiary.session.events import Event


class Session(Protocol):
    """One client conversation. Never blocks, never reads a clock, never does I/O.

    Any exception out of `receive` closes both sides: there is no "log and go on".
    """

    def receive(self, event: Event) -> list[Action]:
        """Tell the session what happened; get what to do, to be done in order."""
        ...
