"""Edits of a text at byte offsets, found through PostgreSQL's own scanner. What is not replaced stays as it is."""

from bisect import bisect_left
from dataclasses import dataclass

from ostiary.analysis.scan import Token, TokenKind, tokens
from ostiary.masking.refusals import NotProvenSafe


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Bytes `start` to `end` (exclusive) become `text`."""

    start: int
    end: int
    text: str


def spliced(text: bytes, edits: list[Edit]) -> bytes:
    """The text with all edits made. Edits that overlap would mean that two places were mistaken for one."""
    parts: list[bytes] = []
    position = 0
    for edit in sorted(edits):
        if edit.start < position:
            raise NotProvenSafe("two changes of the statement overlap")
        parts += (text[position : edit.start], edit.text.encode())
        position = edit.end
    parts.append(text[position:])
    return b"".join(parts)


class TokenView:
    """The tokens of one text without its comments, to find where the parts of a name begin and end."""

    __slots__ = ("_starts", "text", "tokens")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.tokens: list[Token] = [token for token in tokens(text) if token.kind is not TokenKind.COMMENT]
        self._starts = [token.start for token in self.tokens]

    def at(self, location: int) -> int:
        """The index of the token that starts at a location that the parser gave."""
        index = bisect_left(self._starts, location)
        if index == len(self._starts) or self._starts[index] != location:
            raise NotProvenSafe("the parser and the scanner disagree on where a name stands")
        return index

    def word(self, index: int) -> str:
        """The token in lower case; empty beyond either end."""
        if not 0 <= index < len(self.tokens):
            return ""
        token = self.tokens[index]
        return self.text[token.start : token.end].decode().lower()

    def start(self, index: int) -> int:
        """Where a token begins."""
        return self.tokens[index].start

    def end(self, index: int) -> int:
        """Where a token ends."""
        return self.tokens[index].end

    def name_end(self, index: int, parts: int) -> int:
        """The index of the last token of a name of so many parts that begins at `index`."""
        for part in range(parts):
            if part:
                if self.word(index + 1) != ".":
                    raise NotProvenSafe("a name in the statement does not have the parts that the parser saw")
                index += 2
            if self.word(index + 1) == "uescape" and self.word(index).startswith("u&"):
                index += 2
        return index

    def closing(self, index: int) -> int:
        """The index of the parenthesis that closes the one at `index`."""
        depth = 0
        for position in range(index, len(self.tokens)):
            word = self.word(position)
            depth += (word == "(") - (word == ")")
            if depth == 0:
                return position
        raise NotProvenSafe("a parenthesis is never closed")
