"""What the two ends of a conversation are owed, in order. Answers come in request order, so ours wait their turn."""

from collections import deque
from enum import Enum
from typing import Generic, TypeVar


class Recipient(Enum):
    """For whom the server's answer to one request is."""

    CLIENT = "the client asked"
    NOBODY = "the gate asked; the client did not and sees nothing of it"
    REFUSAL = "the gate made the server fail; its error becomes a refusal"


Owed = TypeVar("Owed")


class Answers(Generic[Owed]):
    """A queue of requests that the server has not finished answering. What is not owed is a violation."""

    __slots__ = ("_queue",)

    def __init__(self) -> None:
        self._queue: deque[Owed] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    def owe(self, request: Owed) -> None:
        """A request went to the server."""
        self._queue.append(request)

    def head(self) -> Owed | None:
        """The request that the server is answering now."""
        return self._queue[0] if self._queue else None

    def settle(self) -> Owed:
        """The server has finished with the head."""
        return self._queue.popleft()

    def all(self) -> list[Owed]:
        """Everything owed, in order."""
        return list(self._queue)
