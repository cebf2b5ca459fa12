"""The words between a gate and the process that keeps its log, over a socket pair that only the two of them have.

The gate sends batches of records; answers come in the order of the records and say of how many each is.
"""

from dataclasses import dataclass
from struct import Struct

_LENGTH = Struct(">I")
_ANSWER = Struct(">BIH")

READY = 0
DURABLE = 1
FAILED = 2
REFUSED = 3
"""The log cannot be opened: the only answer, and the last."""

MOST_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the next `records` records. `text` says why not."""

    kind: int
    records: int = 0
    text: str = ""

    def encoded(self) -> bytes:
        """The answer as bytes."""
        text = self.text.encode()[:MOST_TEXT]
        return _ANSWER.pack(self.kind, self.records, len(text)) + text


class Answers:
    """Answers out of bytes that come cut anywhere."""

    def __init__(self) -> None:
        self._data = b""

    def taken(self, data: bytes) -> list[Answer]:
        """The answers that are complete now."""
        self._data += data
        found: list[Answer] = []
        at = 0
        while len(self._data) - at >= _ANSWER.size:
            kind, records, length = _ANSWER.unpack_from(self._data, at)
            end = at + _ANSWER.size + length
            if end > len(self._data):
                break
            found.append(Answer(kind, records, self._data[at + _ANSWER.size : end].decode("utf-8", "replace")))
            at = end
        self._data = self._data[at:]
        return found


def framed(records: list[bytes]) -> bytes:
    """Records one after the other, each with its length before it."""
    parts: list[bytes] = []
    for record in records:
        parts += (_LENGTH.pack(len(record)), record)
    return b"".join(parts)


class Records:
    """Records out of bytes that come cut anywhere."""

    def __init__(self) -> None:
        self._data = bytearray()

    def taken(self, data: bytes) -> list[bytes]:
        """The records that are complete now."""
        self._data += data
        found: list[bytes] = []
        at = 0
        while len(self._data) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._data, at)
            end = at + _LENGTH.size + length
            if end > len(self._data):
                break
            found.append(bytes(self._data[at + _LENGTH.size : end]))
            at = end
        del self._data[:at]
        return found
