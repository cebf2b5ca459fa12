"""What exists in a database, as one session would see it: schemas, relations, columns, functions.

A snapshot is immutable and named by `version`. The same query feeds the shared snapshot (over a side connection) and
a session's own one (over its own backend, which alone sees uncommitted DDL and temporary objects).
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from ostiary.model.names import FunctionName, Oid, RelationName

# One JSON value, so that the same text works over a driver and over a client's own backend.
# Everything is qualified: the session's search_path must not choose the functions and operators that describe it.
_STATE = """
 'search_path', pg_catalog.current_schemas(true),
 'temporary_schema', (select n.nspname from pg_catalog.pg_namespace n
    where n.oid operator(pg_catalog.=) pg_catalog.pg_my_temp_schema())"""

_OBJECTS = """
 'version_number', pg_catalog.current_setting('server_version_num'),
 'schemas', (select pg_catalog.json_agg(n.nspname) from pg_catalog.pg_namespace n
   where not pg_catalog.pg_is_other_temp_schema(n.oid)),
 'relations', (select pg_catalog.json_agg(pg_catalog.json_build_array(
    c.oid::pg_catalog.int8, n.nspname, c.relname, c.relkind, c.relrowsecurity,
    c.relhasrules, (select pg_catalog.count(*) from pg_catalog.pg_trigger t
       where t.tgrelid operator(pg_catalog.=) c.oid and not t.tgisinternal), c.relpersistence,
    (select pg_catalog.json_agg(pg_catalog.json_build_array(a.attnum, a.attname,
        pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef, a.attgenerated,
        tn.nspname, ty.typname) order by a.attnum)
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_type ty on ty.oid operator(pg_catalog.=) a.atttypid
      join pg_catalog.pg_namespace tn on tn.oid operator(pg_catalog.=) ty.typnamespace
      where a.attrelid operator(pg_catalog.=) c.oid
      and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped)))
   from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
   where c.relkind operator(pg_catalog.=) any ('{r,p,v,m,f,S}'::pg_catalog."char"[])
   and not pg_catalog.pg_is_other_temp_schema(n.oid)
   and n.nspname operator(pg_catalog.<>) all ('<SKIPPED>'::pg_catalog.name[])),
 'inherits', (select pg_catalog.json_agg(pg_catalog.json_build_array(
    i.inhrelid::pg_catalog.int8, i.inhparent::pg_catalog.int8)) from pg_catalog.pg_inherits i),
 'keys', (select pg_catalog.json_agg(pg_catalog.json_build_array(
    i.indrelid::pg_catalog.int8, i.indkey::pg_catalog.int2[]))
    from pg_catalog.pg_index i where i.indisprimary),
 'functions', (select pg_catalog.json_agg(pg_catalog.json_build_array(
    p.oid::pg_catalog.int8, n.nspname, p.proname, p.prokind, p.provolatile, p.prosecdef))
   from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace
   where n.nspname operator(pg_catalog.<>) all ('<SKIPPED>'::pg_catalog.name[])),
 'operators', (select pg_catalog.json_agg(distinct o.oprname)
   from pg_catalog.pg_operator o where o.oprnamespace operator(pg_catalog.<>) 11::pg_catalog.oid),
 'types', (select pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, t.typname, t.typtype))
   from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) t.typnamespace
   where n.nspname operator(pg_catalog.<>) all ('{pg_catalog,pg_toast,information_schema}'::pg_catalog.name[])
   and not pg_catalog.pg_is_other_temp_schema(n.oid) and t.typelem operator(pg_catalog.=) 0::pg_catalog.oid),
 'casts', (select pg_catalog.count(*) from pg_catalog.pg_cast ca
   where ca.oid operator(pg_catalog.>=) 16384::pg_catalog.oid),
 'own_operators', (select pg_catalog.json_agg(distinct o.oprname)
   from pg_catalog.pg_operator o where o.oprnamespace operator(pg_catalog.<>) 11::pg_catalog.oid
   and not exists (select from pg_catalog.pg_depend d
     where d.classid operator(pg_catalog.=) 'pg_catalog.pg_operator'::pg_catalog.regclass
     and d.objid operator(pg_catalog.=) o.oid and d.deptype operator(pg_catalog.=) 'e'::pg_catalog."char")),
 'own_casts', (select pg_catalog.count(*) from pg_catalog.pg_cast ca
   where ca.oid operator(pg_catalog.>=) 16384::pg_catalog.oid
   and not exists (select from pg_catalog.pg_depend d
     where d.classid operator(pg_catalog.=) 'pg_catalog.pg_cast'::pg_catalog.regclass
     and d.objid operator(pg_catalog.=) ca.oid and d.deptype operator(pg_catalog.=) 'e'::pg_catalog."char")),
 'extension_functions', (select pg_catalog.json_agg(pg_catalog.json_build_array(f.nspname, f.proname)) from (
   select n.nspname, p.proname from pg_catalog.pg_proc p
   join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace
   left join pg_catalog.pg_depend d on d.classid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
     and d.objid operator(pg_catalog.=) p.oid and d.deptype operator(pg_catalog.=) 'e'::pg_catalog."char"
   where n.nspname operator(pg_catalog.<>) all ('{pg_catalog,information_schema}'::pg_catalog.name[])
   group by n.nspname, p.proname having pg_catalog.bool_and(d.objid is not null)) f)"""

_SYSTEM_SCHEMAS = "{pg_toast,pg_catalog,information_schema}"


def _document(*members: str) -> str:
    return f"select pg_catalog.json_build_object({','.join(members)}\n)::pg_catalog.text"


CATALOG_QUERY = _document(_STATE, _OBJECTS.replace("<SKIPPED>", "{pg_toast}"))
"""The whole catalog as one JSON text: for the shared snapshot."""

OVERLAY_QUERY = _document(_STATE, _OBJECTS.replace("<SKIPPED>", _SYSTEM_SCHEMAS))
"""The same without what every session sees alike: for a session's own overlay, run on its own backend."""

STATE_QUERY = _document(_STATE)
"""Only the effective search_path and the session's temporary schema, if it has one yet."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `type` is what format_type says: exact, with its modifier."""

    number: int
    name: str
    type: str
    not_null: bool
    has_default: bool
    generated: bool
    type_schema: str
    type_name: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation; `kind` is pg_class.relkind. `parents` and `children` are direct, by inheritance or partitioning."""

    oid: Oid
    name: RelationName
    kind: str
    row_security: bool
    has_rules: bool
    triggers: int
    temporary: bool
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    parents: tuple[RelationName, ...] = ()
    children: tuple[RelationName, ...] = ()

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Function:
    """One overload. `kind` is pg_proc.prokind (f, p, a, w), `volatility` its provolatile (i, s, v)."""

    oid: Oid
    name: FunctionName
    kind: str
    volatility: str
    security_definer: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """One snapshot. Mappings are by exact name; `functions` maps (schema, name) to all its overloads.

    `user_operators` are the names of operators outside pg_catalog; `user_types` maps (schema, name) to typtype;
    `user_casts` counts casts that no installation ships. `own_operators` and `own_casts` are those of them that belong
    to no extension: somebody wrote them here, and they may run anything. `extension_functions` are the names all of
    whose overloads in their schema belong to extensions. `server_version` is server_version_num,
    e.g. 150018.
    `implicit_path` is current_schemas(true) of the connection that took the snapshot.
    """

    version: str
    server_version: int
    schemas: frozenset[str]
    relations: Mapping[RelationName, Relation]
    functions: Mapping[FunctionName, tuple[Function, ...]]
    user_operators: frozenset[str] = frozenset()
    user_types: Mapping[tuple[str, str], str] = field(default_factory=dict)
    user_casts: int = 0
    own_operators: frozenset[str] = frozenset()
    own_casts: int = 0
    extension_functions: frozenset[FunctionName] = frozenset()
    implicit_path: tuple[str, ...] = ()
    temporary_schema: str | None = None

    def relation(self, name: str, schema: str | None, search_path: tuple[str, ...]) -> Relation | None:
        """Resolve a name as PostgreSQL does (section 5.10.3): the first schema of the path that has it.

        `search_path` is current_schemas(true), so pg_temp and pg_catalog stand in it where they are implicit.
        ``pg_temp.x`` is understood.
        """
        if schema == "pg_temp":
            schema = self.temporary_schema or "pg_temp"
        for candidate in (schema,) if schema is not None else search_path:
            found = self.relations.get(RelationName(candidate, name))
            if found is not None:
                return found
        return None

    def overloads(self, name: str, schema: str | None, search_path: tuple[str, ...]) -> tuple[Function, ...]:
        """All overloads that a call by this name could mean: of one schema, or of every schema of the path."""
        if schema is not None:
            return self.functions.get(FunctionName(schema, name), ())
        return tuple(
            function for candidate in search_path for function in self.functions.get(FunctionName(candidate, name), ())
        )

    def function_by_oid(self, oid: int) -> Function | None:
        """The function with this OID, or None. A walk over all: only FunctionCall needs it."""
        return next((one for group in self.functions.values() for one in group if one.oid == oid), None)


@dataclass(frozen=True, slots=True)
class SessionState:
    """What `STATE_QUERY` (or the head of `OVERLAY_QUERY`) says of a session."""

    search_path: tuple[str, ...]
    temporary_schema: str | None


def state_from_json(document: bytes | str) -> SessionState:
    """Read the state members of what any of the queries returned."""
    data = orjson.loads(document)
    return SessionState(tuple(data["search_path"]), data["temporary_schema"])


def from_json(document: bytes | str) -> Catalog:
    """Build the shared snapshot from what `CATALOG_QUERY` returned."""
    data = orjson.loads(document)
    return _build(data, dict(_relations(data)), _functions(data))


def overlaid(base: Catalog, document: bytes | str) -> Catalog:
    """A session's own catalog: the system schemas of `base`, everything else as `OVERLAY_QUERY` on its backend said."""
    data = orjson.loads(document)
    relations = {name: one for name, one in base.relations.items() if name.schema in _SYSTEM}
    functions = {name: group for name, group in base.functions.items() if name.schema in _SYSTEM}
    return _build(data, relations | dict(_relations(data)), functions | _functions(data))


_SYSTEM = frozenset({"pg_catalog", "information_schema"})


def _build(
    data: dict[str, Any],
    relations: dict[RelationName, Relation],
    functions: dict[FunctionName, tuple[Function, ...]],
) -> Catalog:
    # The path belongs to a session, not to what exists: two sessions over the same objects share a version.
    shared = {key: value for key, value in data.items() if key != "search_path"}
    return Catalog(
        version=hashlib.sha256(orjson.dumps(shared, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32],
        server_version=int(data["version_number"]),
        schemas=frozenset(data["schemas"]),
        relations=relations,
        functions=functions,
        user_operators=frozenset(data["operators"] or ()),
        user_types={(schema, name): kind for schema, name, kind in data["types"] or ()},
        user_casts=data["casts"],
        own_operators=frozenset(data["own_operators"] or ()),
        own_casts=data["own_casts"],
        extension_functions=frozenset(
            FunctionName(schema, name) for schema, name in data.get("extension_functions") or ()
        ),
        implicit_path=tuple(data["search_path"]),
        temporary_schema=data["temporary_schema"],
    )


def _relations(data: dict[str, Any]) -> Iterator[tuple[RelationName, Relation]]:
    names = {row[0]: RelationName(row[1], row[2]) for row in data["relations"] or ()}
    parents: dict[int, list[RelationName]] = {}
    children: dict[int, list[RelationName]] = {}
    for child, parent in data["inherits"] or ():
        if child in names and parent in names:
            parents.setdefault(child, []).append(names[parent])
            children.setdefault(parent, []).append(names[child])
    keys: dict[int, list[int]] = dict(data["keys"] or ())
    for oid, _, _, kind, row_security, has_rules, triggers, persistence, columns in data["relations"] or ():
        made = tuple(
            Column(row[0], row[1], row[2], row[3], row[4], bool(row[5]), row[6], row[7]) for row in columns or ()
        )
        by_number = {column.number: column.name for column in made}
        relation = Relation(
            oid=Oid(oid),
            name=names[oid],
            kind=kind,
            row_security=row_security,
            has_rules=has_rules,
            triggers=triggers,
            temporary=persistence == "t",
            columns=made,
            primary_key=tuple(by_number[number] for number in keys.get(oid, ()) if number in by_number),
            parents=tuple(parents.get(oid, ())),
            children=tuple(children.get(oid, ())),
        )
        yield names[oid], relation


def _functions(data: dict[str, Any]) -> dict[FunctionName, tuple[Function, ...]]:
    grouped: dict[FunctionName, list[Function]] = {}
    for oid, schema, name, kind, volatility, definer in data["functions"] or ():
        key = FunctionName(schema, name)
        grouped.setdefault(key, []).append(Function(Oid(oid), key, kind, volatility, definer))
    return {key: tuple(group) for key, group in grouped.items()}
