"""The shape of a text: what it does without what it says. No byte of a literal or of a comment is ever in it."""

from collections.abc import Iterable

from ostiary.analysis.scan import Token, TokenKind, tokens

__all__ = ["Token", "TokenKind", "shape", "shape_of", "tokens"]

_PLACEHOLDERS = {
    TokenKind.STRING: b"'?'",
    TokenKind.BITS: b"b'?'",
    TokenKind.NUMBER: b"?",
    TokenKind.PARAMETER: b"?",
}


def shape(text: bytes) -> bytes:
    """The text with a placeholder for each literal, without comments, gaps made one space."""
    return shape_of(text, tokens(text))


def shape_of(text: bytes, scanned: Iterable[Token]) -> bytes:
    """The same from tokens that are already at hand."""
    parts: list[bytes] = []
    end = 0
    gap = False
    word, other, comment = TokenKind.WORD, TokenKind.OTHER, TokenKind.COMMENT
    for start, stop, kind in scanned:
        if start > end:
            gap = True
        end = stop
        if kind is comment:
            # A comment separates like white space (section 4.1.5).
            gap = True
            continue
        if gap and parts:
            parts.append(b" ")
        gap = False
        parts.append(text[start:stop] if kind is word or kind is other else _PLACEHOLDERS[kind])
    return b"".join(parts)
