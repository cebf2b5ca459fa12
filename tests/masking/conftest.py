"""A catalog written by hand, and a live one for the tests that ask a real server."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
import pytest

from ostiary.analysis.analyse import analyse
from ostiary.analysis.catalog import CATALOG_QUERY, Catalog, Column, Function, Relation, from_json
from ostiary.analysis.parse import parse
from ostiary.demo.cluster import Cluster
from ostiary.masking.apply import Shaped, shape_statement
from ostiary.masking.plan import plan_for
from ostiary.model.decision import Denial
from ostiary.model.mask import ClassMap, Mask, MaskKind, MaskPlan, Unclassified
from ostiary.model.names import ClassName, FunctionName, Oid, RelationName

TYPES = {
    "int": ("integer", "int4"),
    "text": ("text", "text"),
    "varchar": ("character varying(20)", "varchar"),
    "numeric": ("numeric(10,2)", "numeric"),
    "json": ("json", "json"),
    "oid": ("oid", "oid"),
    "name": ("name", "name"),
    "pg_node_tree": ("pg_node_tree", "pg_node_tree"),
}


def relation(oid: int, name: str, columns: str, *, kind: str = "r", key: str = "id", **more: Any) -> Relation:
    """``relation(1, "shop.orders", "id int, note text")``."""
    schema, _, bare = name.rpartition(".")
    made = []
    for number, column in enumerate(columns.split(", "), start=1):
        word, _, kind_of = column.partition(" ")
        written, type_name = TYPES[kind_of]
        made.append(Column(number, word, written, False, False, False, "pg_catalog", type_name))
    facts: dict[str, Any] = {"row_security": False, "has_rules": False, "triggers": 0, "temporary": False} | more
    return Relation(
        oid=Oid(oid),
        name=RelationName(schema or "public", bare),
        kind=kind,
        columns=tuple(made),
        primary_key=(key,) if key else (),
        **facts,
    )


RELATIONS = (
    relation(1, "customers", "id int, email text, ssn varchar, name text, notes text, balance numeric"),
    relation(2, "orders", "id int, customer_id int, amount numeric"),
    relation(3, "events", "id int, payload json", key=""),
    relation(4, "audited", "id int, email text", triggers=1),
    relation(5, "status", "id int, status text", key=""),
    relation(6, "shop.customers", "id int, email text"),
    relation(7, "customer_names", "id int, name text", kind="v", key=""),
    relation(10, "order_totals", "id int, amount numeric", kind="v", key=""),
    relation(8, "pg_catalog.pg_class", "oid oid, relname name, relpartbound pg_node_tree", key=""),
    relation(9, "pg_catalog.pg_statistic", "starelid oid", key=""),
)

FUNCTIONS = (
    "lower count max left now to_jsonb format generate_series coalesce sum length bernoulli system "
    "current_setting set_config query_to_xml pg_get_viewdef pg_sleep lo_get nextval"
)

CLASSES: Mapping[str, str] = {
    "public.customers.email": "pii.email",
    "public.customers.ssn": "pii.ssn",
    "public.customers.name": "pii.name",
    "public.customers.notes": "pii.text",
    "public.customers.id": "none",
    "public.customers.balance": "none",
    "public.orders.id": "none",
    "public.orders.customer_id": "none",
    "public.orders.amount": "none",
    "public.audited.id": "none",
    "public.audited.email": "pii.email",
    "public.status.id": "none",
    "public.status.status": "none",
    "shop.customers.id": "none",
    "shop.customers.email": "pii.email",
    "public.customer_names.id": "none",
    "public.customer_names.name": "pii.name",
    "public.events.id": "none",
    "public.order_totals.id": "none",
    "public.order_totals.amount": "none",
}

MASKS = {
    ClassName("pii.email"): Mask(MaskKind.CONSTANT, value="hidden"),
    ClassName("pii.ssn"): Mask(MaskKind.PARTIAL, keep_last=4),
    ClassName("pii.name"): Mask(MaskKind.NULL),
    ClassName("pii.text"): Mask(MaskKind.REDACT_TEXT),
}


def class_map(
    classes: Mapping[str, str] = CLASSES,
    masks: Mapping[ClassName, Mask] = MASKS,
    unclassified: Unclassified = Unclassified.DENY,
) -> ClassMap:
    """Classes by ``schema.table.column``."""
    columns: dict[RelationName, dict[str, ClassName]] = {}
    for key, name in classes.items():
        schema, table, column = key.split(".")
        columns.setdefault(RelationName(schema, table), {})[column] = ClassName(name)
    return ClassMap("1", columns, masks, unclassified)


def a_catalog(*relations: Relation, functions: tuple[FunctionName, ...] = (), **more: Any) -> Catalog:
    """A catalog of these relations and the built-in functions that the tests use."""
    names = [FunctionName("pg_catalog", name) for name in FUNCTIONS.split()] + list(functions)
    return Catalog(
        version="1",
        server_version=180006,
        schemas=frozenset({"pg_catalog", "public", "shop", "information_schema"}),
        relations={one.name: one for one in relations},
        functions={name: (Function(Oid(1), name, "f", "i"),) for name in names},
        implicit_path=("pg_catalog", "public"),
        **more,
    )


Shape = Callable[..., Shaped | Denial]


@pytest.fixture
def catalog() -> Catalog:
    return a_catalog(*RELATIONS)


@pytest.fixture
def plan(catalog: Catalog) -> MaskPlan:
    return plan_for(class_map(), catalog, lambda _: False)


@pytest.fixture
def shape(catalog: Catalog, plan: MaskPlan) -> Shape:
    """Text → what masking makes of it."""

    def shaping(text: str, catalog: Catalog = catalog, plan: MaskPlan = plan) -> Shaped | Denial:
        parsed = parse(text.encode())
        return shape_statement(parsed, analyse(parsed, catalog, ("pg_catalog", "public")), catalog, plan)

    return shaping


@pytest.fixture(scope="session")
def server() -> Iterator[psycopg.Connection[Any]]:
    """A connection to a throw-away server, where every statement stands for itself."""
    with Cluster() as cluster, psycopg.connect(cluster.url(), autocommit=True) as connection:
        # Tables change their types under the same statements.
        connection.prepare_threshold = None
        yield connection


@pytest.fixture
def look(server: psycopg.Connection[Any]) -> Callable[[], Catalog]:
    """The catalog as it is now."""

    def looking() -> Catalog:
        row = server.execute(CATALOG_QUERY.encode()).fetchone()
        assert row is not None
        return from_json(row[0])

    return looking


@pytest.fixture
def make_catalog() -> Callable[..., Catalog]:
    return a_catalog


@pytest.fixture
def make_relation() -> Callable[..., Relation]:
    return relation


@pytest.fixture
def make_classes() -> Callable[..., ClassMap]:
    return class_map
