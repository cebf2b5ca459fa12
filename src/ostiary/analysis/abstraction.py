"""A cheap key under which statements that differ only in small whole numbers share one analysis.

The rule: only what cannot change the analysis is abstracted, and only in texts whose tokens are beyond doubt.
Everything else is its own key.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# One statement of plain data work. SET, FETCH and the like carry numbers that mean something to the gate.
_HEAD = re.compile(rb"\s*(?:select|insert|update|delete)\b", re.IGNORECASE)

# Quotes, comments, dollar signs, backslashes, semicolons and bytes beyond ASCII can make a digit part of something.
_DOUBTFUL = re.compile(rb"[^\t\n\r -!%&(-:<-\[\]^_`a-z{|}]|--|/\*")

# Up to nine digits are an int4 to PostgreSQL's scanner (section 4.1.2.6), more may be int8 or numeric, which can
# resolve to another operator. Not a part of a name, a decimal, an exponent or a bit string.
_NUMBER = re.compile(rb"(?<![\w.])\d{1,9}(?![\w.])")


def abstracted(text: bytes) -> bytes | None:
    """The text with its small whole numbers replaced, or None when it must stand for itself.

    Two texts with the same key have the same tree but for the values of integer constants.
    """
    if _HEAD.match(text) is None:
        return None
    # One semicolon at the very end separates nothing; pgbench and people write it.
    text = text.rstrip(b" \t\n\r")
    if text.endswith(b";"):
        text = text[:-1]
    if _DOUBTFUL.search(text) is not None:
        return None
    # A quote cannot stand in such a text, so no other text has this key.
    return _NUMBER.sub(b"'", text)


Splice = tuple[int, int, bytes]
"""Bytes from one offset to another (exclusive) and what stands there instead."""


@dataclass(frozen=True, slots=True)
class Template:
    """A rewritten text with its small numbers left open: `parts` stand around them."""

    parts: tuple[bytes, ...]

    def filled(self, text: bytes) -> bytes:
        """The rewritten form of another text with the same key."""
        numbers = _NUMBER.findall(text)
        if len(numbers) != len(self.parts) - 1:
            raise ValueError("this text has another key")
        pieces = [self.parts[0]]
        for number, part in zip(numbers, self.parts[1:], strict=True):
            pieces += (number, part)
        return b"".join(pieces)


# An ordinal in GROUP BY or ORDER BY decides what a rewriting has to mend, so such texts are rewritten one by one.
_ORDINAL = re.compile(rb"\b(?:group|order|distinct|tablesample)\b", re.IGNORECASE)


def template(text: bytes, splices: Iterable[Splice]) -> Template | None:
    """What the splices make of every text with the key of this one; None when a number takes part in them."""
    pending = sorted(splices, reverse=True)
    if abstracted(text) is None or (pending and _ORDINAL.search(text) is not None):
        return None
    parts: list[bytes] = []
    current: list[bytes] = []
    position = 0
    for match in _NUMBER.finditer(text):
        while pending and pending[-1][0] <= match.start():
            start, end, instead = pending.pop()
            if end > match.start():
                return None
            current += (text[position:start], instead)
            position = end
        if pending and pending[-1][0] < match.end():
            return None
        parts.append(b"".join([*current, text[position : match.start()]]))
        current, position = [], match.end()
    while pending:
        start, end, instead = pending.pop()
        current += (text[position:start], instead)
        position = end
    parts.append(b"".join([*current, text[position:]]))
    return Template(tuple(parts))
