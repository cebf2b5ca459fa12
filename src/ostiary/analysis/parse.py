"""SQL text to PostgreSQL's own parse tree, or a clear refusal.

No input may crash, hang or exhaust the gate: what libpg_query was measured not to survive is refused before it sees it.
"""

import itertools
import re
from dataclasses import dataclass
from typing import Any

import orjson

from ostiary.analysis import libpg
from ostiary.analysis.stack import BigStack
from ostiary.model.errors import OstiaryError

INLINE_BYTES = 16 << 10
"""Parsed on the caller's stack. On 8 MiB, libpg_query's JSON entry first crashed at 140 kB of ``1+1+…``; a thread may
have a quarter of that stack."""

MAXIMUM_BYTES = 256 << 10
"""Past this nothing is parsed. Precedent: MySQL's max_digest_length and pg_stat_statements cut far earlier, and a bulk
load belongs into COPY; 500,000 nested levels (1 MB) still parsed but took a second."""

MAXIMUM_OPERATOR_RUN = 256
"""The scanner of PostgreSQL takes a whole run of operator characters and gives most of it back (scan.l, ``operator``
and ``xcstart``), which is quadratic in the run: 80 kB of ``/*/*`` took seconds."""

_OPERATOR_RUN = re.compile(rb"[~!@#^&|`?+\-*/%<>=]{" + str(MAXIMUM_OPERATOR_RUN + 1).encode() + rb"}")

MAXIMUM_REPETITION = MAXIMUM_BYTES
"""Bytes of copies that assignments to lists of columns make in the tree: 4 kB of text took 8 seconds without this."""

# Where a list of columns may be assigned to: after SET, a closing parenthesis, then ``=`` or a comment before it.
_SET = re.compile(rb"\bset\b", re.IGNORECASE)
_LIST_TARGET = re.compile(rb"\)\s*(?:=|--|/\*)")

SYNTAX_ERROR = "42601"
TOO_COMPLEX = "54001"
PROGRAM_LIMIT = "54000"
NOT_IN_REPERTOIRE = "22021"

_COMMENTS = frozenset({libpg.TOKEN_NUMBERS["SQL_COMMENT"], libpg.TOKEN_NUMBERS["C_COMMENT"]})
_SET_WORD = libpg.TOKEN_NUMBERS["SET"]
_OPEN, _CLOSE, _COMMA, _EQUALS, _SEMICOLON = (libpg.TOKEN_NUMBERS[f"ASCII_{ord(one)}"] for one in "(),=;")

_STACK = BigStack()


class SqlNotUnderstood(OstiaryError):
    """A text that does not get as far as a parse tree. `position` is the 1-based character that the error points at."""

    def __init__(
        self, message: str, *, code: str, sqlstate: str = SYNTAX_ERROR, position: int | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.sqlstate = sqlstate
        self.position = position


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text and its raw parse tree (libpg_query's JSON). Every `location` in it is a byte offset into `text`."""

    text: bytes
    tree: dict[str, Any]


def parse(text: bytes) -> Parsed:
    """Parse a text of any number of statements, or say why not."""
    refuse_hostile(text)
    document = _call(text) if len(text) <= INLINE_BYTES else _on_large_stack(text)
    try:
        return Parsed(text, orjson.loads(document))
    except orjson.JSONDecodeError:
        # libpg_query writes valid JSON; what orjson does not take is nesting past its limit of 1,024 levels.
        raise too_deep() from None


def refuse_hostile(text: bytes) -> None:
    """Refuse what must not reach libpg_query at all: neither its parser nor its scanner."""
    if b"\0" in text:
        # Every binding of libpg_query would stop at the NUL and understand only what stands before it.
        raise SqlNotUnderstood("The statement contains a NUL byte.", code="sql-nul", sqlstate=NOT_IN_REPERTOIRE)
    if len(text) > MAXIMUM_BYTES:
        raise SqlNotUnderstood(
            f"The statement is {len(text):,} bytes long; at most {MAXIMUM_BYTES:,} are analysed.",
            code="sql-too-long",
            sqlstate=PROGRAM_LIMIT,
            hint="Send large amounts of data with COPY or as parameters.",
        )
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise SqlNotUnderstood(
            "The statement is not valid UTF-8.",
            code="sql-not-utf8",
            sqlstate=NOT_IN_REPERTOIRE,
            position=len(text[: error.start].decode()) + 1,
        ) from None
    if _OPERATOR_RUN.search(text):
        raise SqlNotUnderstood(
            f"The statement has a run of more than {MAXIMUM_OPERATOR_RUN:,} operator characters.",
            code="sql-too-deep",
            sqlstate=TOO_COMPLEX,
        )
    if _SET.search(text):
        targets = len(_LIST_TARGET.findall(text))
        # One inside another multiplies, so that a few hundred bytes are enough to end the process.
        if targets > 1 or (targets and text.count(b",") * len(text) > MAXIMUM_REPETITION):
            _refuse_repetition(text)


def _refuse_repetition(text: bytes) -> None:
    """Refuse long lists of columns as assignment targets: n columns make n copies of their source in the tree."""
    try:
        scanned = [token for token in libpg.scan(text) if token.token not in _COMMENTS]
    except libpg.LibraryRefused as error:
        raise refusal_of(error) from None
    groups = [_Group(follows=0)]
    previous = 0
    for token, following in itertools.zip_longest(scanned, scanned[1:]):
        if token.token == _OPEN:
            groups.append(_Group(follows=previous))
        elif token.token == _COMMA:
            groups[-1].settle(token.start)
            groups[-1].commas += 1
        elif token.token == _SEMICOLON or following is None:
            groups[-1].settle(token.end)
        if token.token == _CLOSE and len(groups) > 1:
            closed = groups.pop()
            closed.settle(token.start)
            groups[-1].repeated += closed.repeated
            if following is not None and following.token == _EQUALS and closed.follows in (_SET_WORD, _COMMA):
                groups[-1].repeats(closed.commas, token.end)
            elif following is None:
                groups[-1].settle(token.end)
        previous = token.token
        if groups[-1].repeated > MAXIMUM_REPETITION:
            raise SqlNotUnderstood(
                "The statement assigns a long expression to a long list of columns.",
                code="sql-too-long",
                sqlstate=PROGRAM_LIMIT,
                hint="Assign to each column by itself.",
            )


class _Group:
    """What stands inside one parenthesis, as far as it is read; `repeated` counts the bytes that are copies.

    `follows` is the token before it: a list of columns to assign to comes after SET or a comma, a row to compare
    after other things.
    """

    __slots__ = ("before", "commas", "copies", "follows", "repeated", "since")

    def __init__(self, *, follows: int) -> None:
        self.follows = follows
        self.commas = 0
        self.copies = 0
        self.since = 0
        self.before = 0
        self.repeated = 0

    def repeats(self, copies: int, since: int) -> None:
        """An expression begins that the tree will hold so many times more."""
        if self.copies:
            # One that begins inside another, as in (a, b) = (c, d) = …: counted as if all of it were in both.
            self.copies = (self.copies + 1) * (copies + 1) - 1
            return
        self.copies, self.since, self.before = copies, since, self.repeated

    def settle(self, end: int) -> None:
        """The expression ends."""
        self.repeated += self.copies * (end - self.since + self.repeated - self.before)
        self.copies = 0


def too_deep() -> SqlNotUnderstood:
    """The refusal for everything that is nested deeper than the gate follows."""
    return SqlNotUnderstood(
        "The statement is nested too deeply to be analysed.",
        code="sql-too-deep",
        sqlstate=TOO_COMPLEX,
        hint="Write long chains of operators or set operations as lists, arrays or VALUES.",
    )


def too_many() -> SqlNotUnderstood:
    """The refusal for statements whose names would take too long to look up."""
    return SqlNotUnderstood(
        "The statement has more tables or names than are analysed.", code="sql-too-deep", sqlstate=TOO_COMPLEX
    )


def _on_large_stack(text: bytes) -> bytes:
    try:
        document: bytes = _STACK.run(lambda: _call(text))
    except RuntimeError as error:
        raise SqlNotUnderstood(
            "There is no memory for the stack that a statement of this size needs.",
            code="sql-too-long",
            sqlstate=PROGRAM_LIMIT,
        ) from error
    return document


def _call(text: bytes) -> bytes:
    try:
        return libpg.parse_json(text)
    except libpg.LibraryRefused as error:
        raise refusal_of(error) from None


def refusal_of(error: libpg.LibraryRefused) -> SqlNotUnderstood:
    """The library's complaint as ours."""
    if error.message.startswith(("memory exhausted", "stack depth limit exceeded")):
        return too_deep()
    return SqlNotUnderstood(error.message, code="sql-syntax", position=error.position or None)
