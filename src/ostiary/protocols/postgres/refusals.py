"""How a refusal reaches the client. It is answered here only when the server is idle and owes nothing.

Otherwise the server is made to fail, and its error becomes ours: a refusal that the gate answered by itself in the
middle of a pipeline or transaction would leave the work before it to be committed (docs/decisions, "deny by failing").
"""

import re

from ostiary.model.decision import Denial
from ostiary.protocols.postgres import messages
from ostiary.protocols.postgres.exchange import ABORTED, IDLE, RESERVED, Exchange
from ostiary.protocols.postgres.expected import PARSE, QUERY, Expected
from ostiary.session.answers import Recipient

_FAILING_NAME = (RESERVED + "refusal").encode()
_NOT_IN_CODE = re.compile(r"[^a-z0-9-]+")

IN_ABORTED = Denial(
    "transaction-aborted",
    "current transaction is aborted, commands ignored until end of transaction block",
    sqlstate="25P02",
)
_NOT_LOOKED_AT = frozenset({"unknown-relation", "unknown-function", "unknown-prepared-statement"})
"""What a server does not come to say in an aborted transaction; what it made itself is not to be seen any more."""

PLAN_CHANGED = Denial(
    "plan-changed",
    "cached plan must not change result type",
    detail="what this statement means under policy has changed since it was prepared",
    hint="prepare it again",
    sqlstate="0A000",
)
NO_STATEMENT = Denial("unknown-statement", "prepared statement does not exist", sqlstate="26000")
NO_PORTAL = Denial(
    "unknown-portal",
    "portal does not exist",
    hint="fetch from a cursor with FETCH, not with Execute",
    sqlstate="34000",
)
NOT_FOR_BIND = Denial(
    "sql-prepared",
    "a statement made by PREPARE is run by EXECUTE, not by Bind",
    hint="prepare it with a Parse message",
    sqlstate="0A000",
)
RESERVED_NAME = Denial(
    "reserved-name", f"names that begin with {RESERVED} are reserved", hint="choose another name", sqlstate="42939"
)
LONG_NAME = Denial(
    "long-name",
    "names of statements and portals have at most 63 bytes",
    detail="the database tells them apart by their first 63 bytes only",
    hint="choose a shorter name",
    sqlstate="42622",
)
PARAMETER_TYPE = Denial(
    "parameter-type",
    "parameters of types made in this database are not available while columns are masked",
    detail="reading a value of such a type can run a function",
    hint="leave the parameter's type open, or cast it in the text",
)
PORTAL_FETCHED = Denial(
    "portal-fetched",
    "FETCH and MOVE are for cursors; a portal is run by Execute",
    hint="send an Execute message, or DECLARE a cursor",
    sqlstate="0A000",
)
TOO_MANY_STATEMENTS = Denial(
    "too-many-statements",
    "too many prepared statements in this session",
    hint="close those that are no longer needed (DEALLOCATE, Close)",
    sqlstate="53400",
)
TOO_MANY_PORTALS = Denial(
    "too-many-portals", "too many portals in this session", hint="close portals, or send Sync", sqlstate="53400"
)


def fields(denial: Denial, severity: str = "ERROR") -> dict[str, str]:
    """A denial as the fields of an ErrorResponse. The reason code stands in the routine field."""
    detail = denial.detail
    named = [policy for policy in denial.policies if policy not in detail]
    if named:
        detail = f"{detail}{'; ' if detail else ''}policy: {', '.join(named)}"
    content = {"S": severity, "V": severity, "C": denial.sqlstate, "M": denial.message}
    position = "" if denial.position is None else str(denial.position)
    more = (("D", detail), ("H", denial.hint), ("P", position), ("R", denial.code))
    content |= {code: value for code, value in more if value}
    return content


def error(denial: Denial, severity: str = "ERROR") -> bytes:
    """The ErrorResponse that tells of a denial."""
    return messages.fields(fields(denial, severity))


def failing_text(denial: Denial) -> bytes:
    """A text that no server accepts. Nothing of the client's is in it."""
    return b"refused by ostiary: " + _NOT_IN_CODE.sub("-", denial.code.lower()).encode()


def deny(x: Exchange, denial: Denial, *, extended: bool) -> None:
    """Refuse the message at hand."""
    if x.status == ABORTED and x.quiet and denial.code in _NOT_LOOKED_AT:
        denial = IN_ABORTED
    if x.idle:
        x.say(error(denial))
        if extended:
            x.discarding = True
            x.discarding_alone = True
        else:
            # A Query drops the unnamed statement, also one that fails.
            x.forget("")
            x.unnamed = None
            x.say(messages.ready(IDLE))
    else:
        fail(x, denial, extended=extended)


def deny_unnamed(x: Exchange, denial: Denial) -> None:
    """Refuse the Parse of an unnamed statement: a server drops the one before, whatever it thinks of the new one."""
    if x.idle:
        x.forget("")
        x.unnamed = None
        deny(x, denial, extended=True)
        return
    x.supersede_unnamed(fail(x, denial, extended=True, name=b""))


def fail(x: Exchange, denial: Denial, *, extended: bool, name: bytes = _FAILING_NAME) -> Expected:
    """Make the server fail, in the client's name, with this denial."""
    text = failing_text(denial)
    if extended:
        x.ask(messages.parse(name, text))
        request = x.owe(PARSE, Recipient.REFUSAL)
        x.unsynced = True
        # The server would skip the rest up to the Sync anyway; it need not see it.
        x.discarding = True
    else:
        x.ask(messages.query(text))
        request = x.owe(QUERY, Recipient.REFUSAL)
        x.supersede_unnamed(request)
        x.unsynced = False
        x.batch += 1
    request.denial = denial
    return request


def give_up_waiting(x: Exchange) -> None:
    """Flush once, so that what was sent without a Sync gets answered."""
    if x.unsynced and not x.flushed and len(x.answers):
        x.ask(messages.FLUSH)
        x.flushed = True
