"""What a text says about itself in sqlcommenter comments. All of it is claimed, nothing proved."""

import re
from collections.abc import Sequence
from urllib.parse import unquote

from ostiary.analysis.scan import Token, TokenKind

MAXIMUM_PAIRS = 32
"""A comment with more is not context but data; sqlcommenter itself knows about a dozen keys."""

# google.github.io/sqlcommenter/spec: key='value' pairs, comma separated, both URL-encoded, ' written as \'.
_PAIR = re.compile(rb"\s*([^=,'\s]{1,128})\s*=\s*'((?:[^'\\]|\\.)*)'\s*(?:,|\Z)", re.DOTALL)


def pairs(text: bytes, scanned: Sequence[Token]) -> tuple[tuple[str, str], ...]:
    """The pairs of the last comment if it has any, else of the first."""
    found = [token for token in scanned if token.kind is TokenKind.COMMENT]
    for token in (found[-1], found[0]) if found else ():
        written = _read(text[token.start : token.end])
        if written:
            return written
    return ()


def _read(comment: bytes) -> tuple[tuple[str, str], ...]:
    if not comment.startswith(b"/*"):
        return ()
    body = comment[2:-2].strip()
    read: list[tuple[str, str]] = []
    position = 0
    while position < len(body):
        match = _PAIR.match(body, position)
        if match is None or len(read) == MAXIMUM_PAIRS:
            return ()
        key, value = (part.decode() for part in match.groups())
        read.append((unquote(key), unquote(value.replace("\\'", "'"))))
        position = match.end()
    return tuple(read)
