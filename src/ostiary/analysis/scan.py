"""The tokens of a text, from PostgreSQL's own scanner: nothing else decides where a literal or a comment ends."""

from enum import Enum
from typing import NamedTuple

from ostiary.analysis import libpg
from ostiary.analysis.parse import refusal_of, refuse_hostile


class TokenKind(Enum):
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


_KINDS: dict[int, TokenKind] = {
    libpg.token_number(name): kind
    for kind, names in {
        TokenKind.WORD: ("IDENT", "UIDENT"),
        TokenKind.STRING: ("SCONST", "USCONST"),
        TokenKind.BITS: ("BCONST", "XCONST"),
        TokenKind.NUMBER: ("ICONST", "FCONST"),
        TokenKind.PARAMETER: ("PARAM",),
        TokenKind.COMMENT: ("SQL_COMMENT", "C_COMMENT"),
    }.items()
    for name in names
}


def tokens(text: bytes) -> list[Token]:
    """All tokens in order, comments included. Raises `SqlNotUnderstood` where the scanner does."""
    refuse_hostile(text)
    try:
        scanned = libpg.scan(text)
    except libpg.LibraryRefused as error:
        raise refusal_of(error) from None
    kinds, word, other = _KINDS, TokenKind.WORD, TokenKind.OTHER
    return [
        Token(start, end, kinds.get(number) or (word if keyword else other)) for start, end, number, keyword in scanned
    ]
