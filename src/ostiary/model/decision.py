"""Requests, answers, and the two values a decision can have.

A `Permit` cannot be made out of a `Denial`; only what holds a `Permit` can be forwarded.
"""

from dataclasses import dataclass

from ostiary.model.analysis import StatementAnalysis
from ostiary.model.names import Oid, PolicyId

REFUSED = "42501"
"""insufficient_privilege (PostgreSQL, Appendix A): how a refusal reaches a PostgreSQL client."""


@dataclass(frozen=True, slots=True)
class Denial:
    """Why something does not run. `code` is a documented reason code such as ``policy-denies``.

    `detail` names the policy or what was not understood; `hint` is the next step for the person or agent. `position`
    is the character of the text (from 1) that a syntax error points at.
    """

    code: str
    message: str
    detail: str = ""
    hint: str = ""
    policies: tuple[PolicyId, ...] = ()
    sqlstate: str = REFUSED
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """The snapshots a decision was made from; a decision is good only while all of them stand."""

    policies: str
    catalog: str
    classes: str


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for exactly `text` to reach the server. Made by the authorizer only.

    `max_rows`, when given, bounds the rows a statement may change: past it the transaction is rolled back.
    `row_cap`, when given, bounds the rows that one result may bring: past it the statement is cancelled.
    """

    text: bytes
    versions: Versions
    policies: tuple[PolicyId, ...] = ()
    max_rows: int | None = None
    row_cap: int | None = None


@dataclass(frozen=True, slots=True)
class Permitted:
    """The statements may run, as `permit.text` (which masking may have rewritten).

    `masked` is True when the principal has masked columns anywhere in reach: then errors and notices are scrubbed.
    `forbidden_origins` are the (table OID, attribute number) pairs that must never show up in a RowDescription.
    `notices` are texts to tell the client once per shape (which columns are masked).
    """

    permit: Permit
    statements: tuple[StatementAnalysis, ...]
    masked: bool = False
    forbidden_origins: frozenset[tuple[Oid, int]] = frozenset()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The statements do not run."""

    denial: Denial
    statements: tuple[StatementAnalysis, ...] = ()


Verdict = Permitted | Refused
