"""libpg_query, PostgreSQL's own scanner and parser as a C library: the only place that calls it.

Callers hand in only what `parse.refuse_hostile` let through; results are freed on every way out.
"""

import ctypes
import importlib
from collections.abc import Iterable, Mapping
from typing import Any

# Not by import statements: a stub that comes with the package does not parse under mypy. Of the package only the raw
# entry points are used; its own parse() and deparse() do not survive deep input.
_LIBRARY: Any = importlib.import_module("postgast.native").lib
_MESSAGES: Any = importlib.import_module("postgast.pg_query_pb2")


class LibraryRefused(Exception):
    """What the library says of a text that it does not take. `position` is a 1-based character, 0 when not known."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


def parse_json(text: bytes) -> bytes:
    """The raw parse tree as JSON. ctypes releases the GIL for the call, so one long text does not stop all others."""
    result = _LIBRARY.pg_query_parse(text)
    try:
        if result.error:
            raise _refused(result.error.contents)
        document: bytes = result.parse_tree
        return document
    finally:
        _LIBRARY.pg_query_free_parse_result(result)


def scan(text: bytes) -> Iterable[Any]:
    """All tokens, comments included: objects with `start`, `end` (byte offsets) and `token` (a number)."""
    result = _LIBRARY.pg_query_scan(text)
    try:
        if result.error:
            raise _refused(result.error.contents)
        data = ctypes.string_at(result.pbuf.data, result.pbuf.len)
    finally:
        _LIBRARY.pg_query_free_scan_result(result)
    tokens: Iterable[Any] = _MESSAGES.ScanResult.FromString(data).tokens
    return tokens


TOKEN_NUMBERS: Mapping[str, int] = dict(_MESSAGES.Token.items())
"""The scanner's numbers by name; a single character's name has its code (ASCII_40 is a parenthesis)."""


def _refused(error: Any) -> LibraryRefused:
    return LibraryRefused(error.message.decode("utf-8", "replace"), error.cursorpos)
