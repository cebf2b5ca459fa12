"""What a question can be about, and who can ask it, as Cedar entities.

One rule: two different things never share a uid. Parts of a name that could be mistaken for the separator are quoted
as in SQL, so that table ``"b.c"`` of schema ``a`` is not table ``c`` of schema ``"a.b"``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ostiary.model.identity import Principal
from ostiary.model.names import ClassName
from ostiary.policy.vocabulary import PRINCIPALS, typed

LOCAL_ISSUER = "ostiary-local"
"""The issuer whose principals go by their bare names in policies: the built-in one."""


class Uid(NamedTuple):
    """The Cedar name of one entity."""

    type: str
    id: str

    def __str__(self) -> str:
        escaped = self.id.replace("\\", "\\\\").replace('"', '\\"')
        return f'{typed(self.type)}::"{escaped}"'


class Entity(NamedTuple):
    """One entity with its direct parents and its attributes, ready to be shown to Cedar."""

    uid: Uid
    parents: tuple[Uid, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


def quoted(part: str) -> str:
    """One part of a dotted name: quoted when it holds a dot or a quote, or is empty; else as the catalog spells it."""
    if part and "." not in part and '"' not in part:
        return part
    return '"' + part.replace('"', '""') + '"'


def dotted(*parts: str) -> str:
    """A dotted name whose parts can be told apart again."""
    return ".".join(map(quoted, parts))


def parts_of(name: str) -> tuple[str, ...] | None:
    """The parts of a dotted name; None when it is not spelled as `dotted` spells it."""
    parts: list[str] = []
    position = 0
    while True:
        if name.startswith('"', position):
            part, position = _quoted_part(name, position + 1)
        else:
            end = name.find(".", position)
            end = len(name) if end < 0 else end
            part, position = name[position:end], end
        parts.append(part)
        if not name.startswith(".", position):
            break
        position += 1
    return tuple(parts) if dotted(*parts) == name else None


def _quoted_part(name: str, position: int) -> tuple[str, int]:
    part = ""
    while True:
        end = name.find('"', position)
        if end < 0:
            return part + name[position:], len(name)
        part += name[position:end]
        if not name.startswith('""', end):
            return part, end + 1
        part += '"'
        position = end + 2


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate itself: what `configure` and the like are asked about."""

    def uid(self) -> Uid:
        """The one gate."""
        return Uid("Gate", "gate")

    def entities(self) -> Iterator[Entity]:
        """Itself; it stands in nothing."""
        yield Entity(self.uid())


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a database belongs: production, staging."""

    name: str

    def uid(self) -> Uid:
        """Its name as it is."""
        return Uid("Environment", self.name)

    def entities(self) -> Iterator[Entity]:
        """Itself; it stands in nothing."""
        yield Entity(self.uid(), (), (("name", self.name),))


@dataclass(frozen=True, slots=True)
class Database:
    """A datasource, by the name that the configuration gives it."""

    name: str
    environment: str | None = None

    def uid(self) -> Uid:
        """Its name as it is."""
        return Uid("Database", self.name)

    def entities(self) -> Iterator[Entity]:
        """Itself and its environment."""
        within = () if self.environment is None else (Environment(self.environment),)
        yield Entity(self.uid(), tuple(one.uid() for one in within), (("name", self.name),))
        for one in within:
            yield from one.entities()


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema of a database."""

    database: Database
    name: str

    def uid(self) -> Uid:
        """``orders.public``."""
        return Uid("Schema", dotted(self.database.name, self.name))

    def entities(self) -> Iterator[Entity]:
        """Itself and all that it stands in."""
        attributes = (("name", self.name), ("database", self.database.name))
        yield Entity(self.uid(), (self.database.uid(),), attributes)
        yield from self.database.entities()


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view, sequence and the like."""

    schema: Schema
    name: str

    def uid(self) -> Uid:
        """``orders.public.tickets``."""
        return Uid("Relation", dotted(self.schema.database.name, self.schema.name, self.name))

    def entities(self) -> Iterator[Entity]:
        """Itself and all that it stands in."""
        yield _within_schema(self.uid(), self.schema, self.name)
        yield from self.schema.entities()


@dataclass(frozen=True, slots=True)
class Function:
    """A function, procedure or operator, all overloads together."""

    schema: Schema
    name: str

    def uid(self) -> Uid:
        """``orders.public.f``."""
        return Uid("Function", dotted(self.schema.database.name, self.schema.name, self.name))

    def entities(self) -> Iterator[Entity]:
        """Itself and all that it stands in."""
        yield _within_schema(self.uid(), self.schema, self.name)
        yield from self.schema.entities()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation."""

    relation: Relation
    name: str

    def uid(self) -> Uid:
        """``orders.public.customers.email``."""
        schema = self.relation.schema
        return Uid("Column", dotted(schema.database.name, schema.name, self.relation.name, self.name))

    def entities(self) -> Iterator[Entity]:
        """Itself and all that it stands in."""
        schema = self.relation.schema
        place = (("relation", self.relation.name), ("schema", schema.name), ("database", schema.database.name))
        yield Entity(self.uid(), (self.relation.uid(),), (("name", self.name), *place))
        yield from self.relation.entities()


@dataclass(frozen=True, slots=True)
class Class:
    """A class of data as it occurs in one database: ``pii.email`` is in ``pii`` and in that database."""

    name: ClassName
    database: Database

    def uid(self) -> Uid:
        """Its name as it is."""
        return Uid("Class", self.name)

    def entities(self) -> Iterator[Entity]:
        """Itself, the classes that it is part of, and the database."""
        name = str(self.name)
        while True:
            wider = name.rpartition(".")[0]
            parents = (Uid("Class", wider),) if wider else ()
            yield Entity(Uid("Class", name), (*parents, self.database.uid()), (("name", name),))
            if not wider:
                break
            name = wider
        yield from self.database.entities()


Resource = Gate | Environment | Database | Schema | Relation | Function | Column | Class


def _within_schema(uid: Uid, schema: Schema, name: str) -> Entity:
    return Entity(uid, (schema.uid(),), (("name", name), ("schema", schema.name), ("database", schema.database.name)))


def principal_uid(principal: Principal) -> Uid:
    """``alice`` for the local issuer, ``corp#alice`` for another.

    The first # separates, so it is escaped in an issuer, and a local name that holds one is written in full: whatever
    name an issuer hands out, it is never taken for somebody of another issuer.
    """
    if principal.issuer == LOCAL_ISSUER and "#" not in principal.name:
        return Uid(PRINCIPALS[principal.kind], principal.name)
    issuer = principal.issuer.replace("%", "%25").replace("#", "%23")
    return Uid(PRINCIPALS[principal.kind], f"{issuer}#{principal.name}")


def principal_entities(principal: Principal) -> Iterator[Entity]:
    """The principal and its groups."""
    groups = tuple(Uid("Group", group) for group in principal.groups)
    yield Entity(principal_uid(principal), groups, (("name", principal.name), ("issuer", principal.issuer)))
    for group in groups:
        yield Entity(group)
