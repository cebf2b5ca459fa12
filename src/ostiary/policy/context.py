"""What surrounds a question: who is acted for, why, when, and what is known of the statement.

One rule: a fact is proved or claimed, never merged; what nobody said is absent, not empty.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

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

    def key(self, readers: "tuple[Reader, ...] | None") -> Hashable:
        """Equal keys get equal answers from policies that read only this; None (as for None): never remember."""
        return None if readers is None else tuple([read(self) for read in readers])

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


def _fact(name: str) -> Callable[[Context], Hashable]:
    def read(context: Context) -> Hashable:
        return None if context.statement is None else getattr(context.statement, name)

    return read


Reader = Callable[[Context], Hashable]

READERS: dict[str, Reader] = {
    "proved": lambda context: context.proved,
    "proved.purpose": lambda context: context.proved.purpose,
    "proved.ticket": lambda context: context.proved.ticket,
    "proved.workflow": lambda context: context.proved.workflow,
    "proved.run": lambda context: context.proved.run,
    "claimed": lambda context: context.claimed,
    "claimed.purpose": lambda context: context.claimed.purpose,
    "claimed.ticket": lambda context: context.claimed.ticket,
    "claimed.workflow": lambda context: context.claimed.workflow,
    "claimed.run": lambda context: context.claimed.run,
    "on_behalf_of": lambda context: context.on_behalf_of,
    "on_behalf_of.kind": lambda context: context.on_behalf_of and context.on_behalf_of.kind,
    "on_behalf_of.name": lambda context: context.on_behalf_of and context.on_behalf_of.name,
    "on_behalf_of.issuer": lambda context: context.on_behalf_of and context.on_behalf_of.issuer,
    "on_behalf_of.groups": lambda context: context.on_behalf_of and context.on_behalf_of.groups,
    "time": lambda context: context.time,
    "hour": lambda context: context.hour,
    "weekday": lambda context: context.weekday,
    "statement_shape": _fact("shape"),
    "statement_tag": _fact("tag"),
    "statements": _fact("statements"),
    "complete": _fact("complete"),
    "has_predicate": _fact("has_predicate"),
    "rows_estimated": _fact("rows_estimated"),
}
"""Every attribute of the context that a policy may read, by its dotted path."""


def readers(attributes_read: Iterable[str]) -> tuple[Reader, ...] | None:
    """What `Context.key` needs for these attributes; None when they include the time to the second."""
    names = sorted(attributes_read)
    return None if "time" in names else tuple(READERS[name] for name in names)


STATEMENT_ATTRIBUTES = frozenset(
    {"statement_shape", "statement_tag", "statements", "complete", "has_predicate", "rows_estimated"}
)
"""The attributes that a statement alone settles."""

TIMES = frozenset({"time", "hour", "weekday"})
"""The attributes that change by themselves."""
