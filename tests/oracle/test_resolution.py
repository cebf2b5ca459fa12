"""Our reading of names against the server's own: equal, or said to be incomplete; never different with confidence.

The server is asked through a view: pg_depend lists every relation, column, function and operator that its own analysis
found in the view's query, except those of pg_catalog, which are pinned (section 5.15).
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from ostiary.analysis.analyse import analyse
from ostiary.analysis.catalog import CATALOG_QUERY, Catalog, from_json
from ostiary.analysis.parse import parse
from ostiary.demo.cluster import Cluster
from ostiary.model.analysis import Action, StatementAnalysis
from ostiary.model.names import FunctionName, RelationName

pytestmark = pytest.mark.live

HERE = Path(__file__).parent
SYSTEM = ("pg_catalog", "information_schema")
GENERATED = 1500

DEPENDENCIES = b"""
select 'column', n.nspname, c.relname, coalesce(a.attname, '') from pg_rewrite r
 join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
 join pg_class c on c.oid = d.refobjid and c.relkind <> 'c' join pg_namespace n on n.oid = c.relnamespace
 left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid and d.refobjsubid <> 0
 where r.ev_class = 'asked'::regclass and d.refobjid <> r.ev_class
union all
select case when exists (select from pg_cast where castfunc = p.oid) then 'cast' else 'function' end,
  n.nspname, p.proname, '' from pg_rewrite r
 join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_proc'::regclass
 join pg_proc p on p.oid = d.refobjid join pg_namespace n on n.oid = p.pronamespace
 where r.ev_class = 'asked'::regclass
union all
select 'operator', n.nspname, o.oprname, '' from pg_rewrite r
 join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_operator'::regclass
 join pg_operator o on o.oid = d.refobjid join pg_namespace n on n.oid = o.oprnamespace
 where r.ev_class = 'asked'::regclass
"""


class Resolved(NamedTuple):
    """What the server found in a query, as far as it is not part of every installation."""

    relations: set[RelationName]
    columns: set[tuple[RelationName, str]]
    functions: set[FunctionName]
    casts: set[FunctionName]
    operators: set[str]


class Oracle:
    """A server with the schema, and what our catalog query says of it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        connection.execute((HERE / "schema.sql").read_bytes())
        row = connection.execute(CATALOG_QUERY.encode()).fetchone()
        assert row is not None
        self.catalog: Catalog = from_json(row[0])
        self.path = self.catalog.implicit_path

    def resolve(self, query: str) -> Resolved | None:
        """What the server makes of it; None when the server refuses it."""
        try:
            with self.connection.transaction(force_rollback=True):
                self.connection.execute(f"create temp view asked as select 1 as one from (\n{query}\n) as q".encode())
                rows = self.connection.execute(DEPENDENCIES).fetchall()
        except psycopg.Error:
            return None
        found = Resolved(set(), set(), set(), set(), set())
        for kind, schema, name, column in rows:
            if schema in SYSTEM:
                continue
            if kind == "column":
                found.relations.add(RelationName(schema, name))
                if column and column not in ("ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"):
                    found.columns.add((RelationName(schema, name), column))
            elif kind == "operator":
                found.operators.add(name)
            else:
                (found.casts if kind == "cast" else found.functions).add(FunctionName(schema, name))
        return found

    def walk_through(self, *schemas: str) -> None:
        """Set the session's path."""
        self.connection.execute(f"set search_path = {', '.join(schemas)}".encode())
        self.path = ("pg_catalog", *schemas)

    def analyse(self, query: str) -> StatementAnalysis:
        return analyse(parse(query.encode()), self.catalog, self.path).statements[0]


def _servers() -> list[Path | None]:
    """The embedded server, and those that the machine has installed."""
    return [None, *(path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")))]


@pytest.fixture(scope="module", params=_servers(), ids=str)
def oracle(request: pytest.FixtureRequest) -> Iterator[Oracle]:
    with Cluster(binaries=request.param) as cluster, psycopg.connect(cluster.url(), autocommit=True) as connection:
        yield Oracle(connection)


CUSTOMERS = RelationName("public", "customers")
ROWS_OF_CUSTOMERS = FunctionName("public", "all_customers")


def differences(query: str, ours: StatementAnalysis, theirs: Resolved, catalog: Catalog) -> list[str]:
    read = {
        access.relation: access.columns
        for access in ours.accesses
        if access.action is Action.READ and access.relation is not None and access.relation.schema not in SYSTEM
    }
    named = {name for name in ours.functions if name.schema not in SYSTEM and ":" not in name.name}
    functions = {name for name in named if name.schema != "?operator"}
    operators = {name.name for name in named if name.schema == "?operator"}
    # The server also lists the relation of a constant such as 'customers'::regclass, and the row type of a function.
    if ROWS_OF_CUSTOMERS in functions:
        read.setdefault(CUSTOMERS, None)
    relations = {name for name in theirs.relations if name in read or f"'{name.name}'" not in query}
    found = []
    if set(read) != relations and not (ROWS_OF_CUSTOMERS in functions and set(read) - {CUSTOMERS} == relations):
        found.append(f"relations {sorted(read)} but {sorted(relations)}")
    for relation, column in sorted(theirs.columns):
        columns = read.get(relation, ())
        if columns is not None and column not in columns:
            found.append(f"column {relation}.{column} overlooked")
    found += [f"function {name} overlooked" for name in sorted(theirs.functions - functions)]
    # A name that is also a built-in's, or also a column's, may turn out to be that.
    columns_too = {column.name for one in catalog.relations.values() for column in one.columns}
    found += [
        f"function {name} invented"
        for name in sorted(functions - theirs.functions - theirs.casts)
        if FunctionName("pg_catalog", name.name) not in catalog.functions and name.name not in columns_too
    ]
    found += [f"operator {name} overlooked" for name in sorted(theirs.operators - operators)]
    if theirs.casts - functions and not any(name.name.startswith("cast:") for name in ours.functions):
        found.append(f"cast {sorted(theirs.casts)} overlooked")
    return found


def corpus(name: str) -> list[str]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("--")]


def compare(oracle: Oracle, queries: list[str]) -> tuple[int, list[str], list[str]]:
    """How many were compared, what differs, and which of those that the server takes are incomplete to us."""
    compared, different, incomplete = 0, [], []
    for query in queries:
        theirs = oracle.resolve(query)
        if theirs is None:
            continue
        compared += 1
        ours = oracle.analyse(query)
        if ours.incomplete:
            incomplete.append(f"{query}\n    {ours.incomplete}")
            continue
        different += [f"{query}\n    {difference}" for difference in differences(query, ours, theirs, oracle.catalog)]
    return compared, different, incomplete


def test_usual_queries_mean_what_the_server_says(oracle: Oracle) -> None:
    queries = corpus("usual.sql")
    compared, different, incomplete = compare(oracle, queries)
    assert not different, "\n".join(different)
    assert not incomplete, "\n".join(incomplete)
    assert compared > len(queries) * 2 // 3


def test_hostile_queries_mean_what_the_server_says_or_are_incomplete(oracle: Oracle) -> None:
    queries = corpus("hostile.sql")
    compared, different, _ = compare(oracle, queries)
    assert not different, "\n".join(different)
    assert compared > len(queries) // 2


def test_queries_with_names_put_together_by_chance(oracle: Oracle) -> None:
    queries = [Composer(seed).query(3) for seed in range(GENERATED)]
    oracle.walk_through("maze", "public")
    compared, different, incomplete = compare(oracle, queries)
    assert not different, "\n".join(different)
    assert not incomplete, "\n".join(incomplete)
    assert compared > GENERATED // 4


class Composer:
    """Makes queries in which the same few names stand for tables, CTEs, aliases and columns alike.

    `visible` are the names that may qualify columns, outer levels first; every tenth qualifier is any name.
    """

    NAMES = ("a", "b", "c", "email")
    SHARED = ("id", "email", "a", "b")
    OWN = ("only_a", "only_b", "only_c", "only_e")

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.visible: list[list[str]] = []

    def query(self, depth: int, *, beside: bool = False) -> str:
        head = self._with(depth) if depth > 1 and self.chance.random() < 0.5 else ""
        hidden = self.visible.pop() if beside and self.visible else None
        self.visible.append([])
        items = ", ".join(self._item(depth) for _ in range(self.chance.randint(1, 2)))
        names = self.chance.sample(self.SHARED, len(self.SHARED))
        targets = ", ".join(f"{self._expression(depth)} as {name}" for name in names)
        where = f" where {self._expression(depth)} is not null" if self.chance.random() < 0.5 else ""
        self.visible.pop()
        if hidden is not None:
            self.visible.append(hidden)
        text = f"{head}select {targets} from {items}{where}"
        if depth > 1 and self.chance.random() < 0.15:
            text = f"({text}) union all (select null, null, null, null from {self.chance.choice(self.NAMES)})"
        return text

    def _with(self, depth: int) -> str:
        names = self.chance.sample(self.NAMES, self.chance.randint(1, 2))
        terms = ", ".join(f"{name} as ({self.query(depth - 1)})" for name in names)
        return f"with {'recursive ' if self.chance.random() < 0.1 else ''}{terms} "

    def _alias(self) -> str:
        taken = self.visible[-1]
        free = [name for name in (*self.NAMES, "x", "y", "z", "u", "v") if name not in taken]
        alias = self.chance.choice(free[:4])
        taken.append(alias)
        return alias

    def _item(self, depth: int) -> str:
        kind = self.chance.random()
        if depth > 1 and kind < 0.3:
            if self.chance.random() < 0.5:
                return f"lateral ({self.query(depth - 1)}) as {self._alias()}"
            return f"({self.query(depth - 1, beside=True)}) as {self._alias()}"
        if depth > 1 and kind < 0.5:
            before = list(self.visible[-1])
            joined = f"{self._item(depth - 1)} join {self._item(depth - 1)} on {self._expression(depth - 1)} is null"
            if self.chance.random() < 0.4:
                self.visible[-1] = before
                return f"({joined}) as {self._alias()}"
            return joined
        table = self.chance.choice((*self.NAMES, f"maze.{self.chance.choice(self.NAMES)}"))
        return f"{table} as {self._alias()}"

    def _expression(self, depth: int) -> str:
        kind = self.chance.random()
        if depth > 1 and kind < 0.15:
            return f"(select {self._expression(1)} from ({self.query(depth - 1)}) as q limit 1)"
        if depth > 1 and kind < 0.3:
            return f"exists ({self.query(1)})::text"
        if kind < 0.4 and len(self.visible[-1]) == 1:
            return self._column()
        level = self.visible[-1] if self.chance.random() < 0.6 else self.chance.choice(self.visible)
        if level and self.chance.random() < 0.97:
            return f"{self.chance.choice(level)}.{self._column()}"
        return f"{self.chance.choice(self.NAMES)}.{self._column()}" if self.chance.random() < 0.1 else "'x'"

    def _column(self) -> str:
        return self.chance.choice(self.SHARED if self.chance.random() < 0.98 else self.OWN)
