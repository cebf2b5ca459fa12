"""The tokens of a text, from PostgreSQL's own scanner: nothing else decides where a literal or a comment ends."""

from enum import StrEnum
from typing import NamedTuple

from ostiary.analysis import libpg
from ostiary.analysis.parse import refusal_of, refuse_hostile


class TokenKind(StrEnum):
    """What a token is, as far as shaping and splicing care."""

    WORD = "word"
    """An identifier, quoted or not, or a keyword."""
    STRING = "string"
    """Any string constant: plain, E'', U&'', N'', dollar-quoted."""
    BITS = "bits"
    NUMBER = "number"
    PARAMETER = "parameter"
    COMMENT = "comment"
    OTHER = "other"
    """Operators and punctuation."""


class Token(NamedTuple):
    """One token: bytes `start` to `end` (exclusive) of the text."""

    start: int
    end: int
    kind: TokenKind


_NAMES = {
    "SCONST": TokenKind.STRING,
    "USCONST": TokenKind.STRING,
    "BCONST": TokenKind.BITS,
    "XCONST": TokenKind.BITS,
    "ICONST": TokenKind.NUMBER,
    "FCONST": TokenKind.NUMBER,
    "PARAM": TokenKind.PARAMETER,
    "SQL_COMMENT": TokenKind.COMMENT,
    "C_COMMENT": TokenKind.COMMENT,
    "Op": TokenKind.OTHER,
    "TYPECAST": TokenKind.OTHER,
    "DOT_DOT": TokenKind.OTHER,
    "COLON_EQUALS": TokenKind.OTHER,
    "EQUALS_GREATER": TokenKind.OTHER,
    "LESS_EQUALS": TokenKind.OTHER,
    "GREATER_EQUALS": TokenKind.OTHER,
    "NOT_EQUALS": TokenKind.OTHER,
}

# All that is left are IDENT, UIDENT and the keywords.
_KINDS = {
    number: _NAMES.get(name, TokenKind.OTHER if name.startswith("ASCII_") else TokenKind.WORD)
    for name, number in libpg.TOKEN_NUMBERS.items()
}


def tokens(text: bytes) -> list[Token]:
    """All tokens in order, comments included. Raises `SqlNotUnderstood` where the scanner does."""
    refuse_hostile(text)
    try:
        scanned = libpg.scan(text)
    except libpg.LibraryRefused as error:
        raise refusal_of(error) from None
    make, kinds = Token._make, _KINDS
    return [make((one.start, one.end, kinds[one.token])) for one in scanned]
