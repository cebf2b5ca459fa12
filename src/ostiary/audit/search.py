"""Which records somebody is looking for. A record that does not say what is asked for does not match."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Query:
    """What must hold, all together; None asks nothing. `since` and `until` are RFC 3339 in UTC."""

    principal: str | None = None
    relation: str | None = None
    session: str | None = None
    since: str | None = None
    until: str | None = None
    kind: str | None = None
    verdict: str | None = None
    datasource: str | None = None

    def could_match(self, leaf: bytes) -> bool:
        """A cheap look that never misses a match, before the leaf is parsed."""
        words = (self.principal, self.session, self.kind, self.verdict)
        return all(word is None or orjson.dumps(word)[1:-1] in leaf for word in words)

    def matches(self, record: dict[str, Any]) -> bool:
        """Whether a parsed leaf is looked for."""
        time = record.get("time", "")
        return (
            (self.since is None or time >= self.since)
            and (self.until is None or time < self.until)
            and (self.session is None or record.get("session") == self.session)
            and (self.kind is None or self.kind in (record.get("type"), record.get("event")))
            and (self.verdict is None or record.get("verdict") == self.verdict)
            and (self.datasource is None or self.datasource in (record.get("datasource"), _field(record, "database")))
            and (self.principal is None or self.principal in _principals(record))
            and (self.relation is None or any(_is_relation(self.relation, name) for name in _relations(record)))
        )


def _field(record: dict[str, Any], name: str) -> object:
    fields = record.get("fields")
    return fields.get(name) if isinstance(fields, dict) else None


def _principals(record: dict[str, Any]) -> Iterator[object]:
    """Who acted and for whom: looking for a person finds what agents did in their name."""
    for one in (record.get("principal"), record.get("on_behalf_of"), *record.get("chain", ())):
        if isinstance(one, dict):
            yield one.get("name")
    yield _field(record, "principal")
    yield _field(record, "on_behalf_of")


def _relations(record: dict[str, Any]) -> Iterator[str]:
    for statement in record.get("statements", ()):
        yield from statement.get("relations", ())


def _is_relation(wanted: str, name: str) -> bool:
    return name == wanted or ("." not in wanted and name.rpartition(".")[2] == wanted)
