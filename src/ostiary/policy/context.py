"""What surrounds a question: who is acted for, why, when, and what is known of the statement.

One rule: a fact is proved or claimed, never merged; what nobody said is absent, not empty.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

import orjson

from ostiary.model.identity import Circumstances, Identity, Principal

_LARGEST = 2**63 - 1
"""Cedar's Long is 64 bits; a larger estimate says no more than this one."""

_HOUR = 3600
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class StatementFacts:
    """What is known of one statement. `shape` is the fingerprint of the whole text it stands in."""

    shape: str
    tag: str
    statements: int
    complete: bool
    has_predicate: bool | None = None
    rows_estimated: int | None = None


class Reader(NamedTuple):
    """Reads those parts of a context that a set of policies reads. None: that side is not read at all."""

    situation: Callable[[object], Hashable] | None
    facts: Callable[[object], Hashable] | None


@dataclass(frozen=True, slots=True)
class Context:
    """The context of a question. `time` is POSIX seconds. `statement` is None where no statement is at hand."""

    time: int
    proved: Circumstances = field(default_factory=Circumstances)
    claimed: Circumstances = field(default_factory=Circumstances)
    on_behalf_of: Principal | None = None
    statement: StatementFacts | None = None

    @classmethod
    def of(cls, identity: Identity, claimed: Circumstances, time: int) -> "Context":
        """The context of whatever this identity asks now."""
        return cls(time, identity.proved, claimed, identity.on_behalf_of)

    def about(self, statement: StatementFacts) -> "Context":
        """The same with the facts of a statement."""
        return Context(self.time, self.proved, self.claimed, self.on_behalf_of, statement)

    @property
    def hour(self) -> int:
        """0 to 23, UTC."""
        return self.time % _DAY // _HOUR

    @property
    def weekday(self) -> int:
        """1 Monday to 7 Sunday, UTC; 1970-01-01 was a Thursday."""
        return (self.time // _DAY + 3) % 7 + 1

    def key(self, reader: Reader) -> Hashable:
        """Equal keys get equal answers from policies that read no more than this reader does."""
        situation, facts, statement = reader.situation, reader.facts, self.statement
        return (
            None if situation is None else situation(self),
            None if facts is None or statement is None else facts(statement),
            statement is None,
        )

    def document(self, *, with_statement: bool) -> str:
        """The context record as Cedar reads it, JSON."""
        record: dict[str, object] = {
            "proved": _said(self.proved),
            "claimed": _said(self.claimed),
            "time": self.time,
            "hour": self.hour,
            "weekday": self.weekday,
        }
        if self.on_behalf_of is not None:
            record["on_behalf_of"] = _party(self.on_behalf_of)
        if with_statement and self.statement is not None:
            record |= _facts(self.statement)
        return orjson.dumps(record).decode()


def _said(circumstances: Circumstances) -> dict[str, str]:
    every = {name: getattr(circumstances, name) for name in ("purpose", "ticket", "workflow", "run")}
    return {name: value for name, value in every.items() if value is not None}


def _party(principal: Principal) -> dict[str, object]:
    return {
        "kind": principal.kind.value,
        "name": principal.name,
        "issuer": principal.issuer,
        "groups": list(principal.groups),
    }


def _facts(statement: StatementFacts) -> dict[str, object]:
    facts: dict[str, object] = {
        "statement_shape": statement.shape,
        "statement_tag": statement.tag,
        "statements": statement.statements,
        "complete": statement.complete,
    }
    if statement.has_predicate is not None:
        facts["has_predicate"] = statement.has_predicate
    if statement.rows_estimated is not None:
        facts["rows_estimated"] = min(statement.rows_estimated, _LARGEST)
    return facts


_SITUATION = {
    **{name: name for name in ("proved", "claimed", "on_behalf_of", "time", "hour", "weekday")},
    **{
        path: path
        for source in ("proved", "claimed")
        for path in (f"{source}.{name}" for name in ("purpose", "ticket", "workflow", "run"))
    },
    **{f"on_behalf_of.{name}": "on_behalf_of" for name in ("kind", "name", "issuer", "groups")},
}
_FACTS = {
    "statement_shape": "shape",
    "statement_tag": "tag",
    "statements": "statements",
    "complete": "complete",
    "has_predicate": "has_predicate",
    "rows_estimated": "rows_estimated",
}

ATTRIBUTES = frozenset({*_SITUATION, *_FACTS})
"""Every attribute of the context that a policy may read, by its dotted path."""

STATEMENT_ATTRIBUTES = frozenset(_FACTS)
"""The attributes that a statement alone settles."""

TIMES = frozenset({"time", "hour", "weekday"})
"""The attributes that change by themselves."""


def reader(attributes_read: frozenset[str]) -> Reader | None:
    """What `Context.key` needs for these attributes; None when they include the time to the second."""
    if "time" in attributes_read:
        return None
    situation = {_SITUATION[name] for name in attributes_read - STATEMENT_ATTRIBUTES}
    facts = {_FACTS[name] for name in attributes_read & STATEMENT_ATTRIBUTES}
    return Reader(_getter(situation), _getter(facts))


def _getter(paths: set[str]) -> Callable[[object], Hashable] | None:
    return attrgetter(*sorted(paths)) if paths else None
