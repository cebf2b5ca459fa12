"""Every mask on every type, asked of a real server: exactly typed, never raising, NULL where the value is NULL."""

import math
from collections.abc import Callable
from datetime import UTC
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.analysis.catalog import Catalog
from ostiary.masking.functions import masked
from ostiary.masking.quoting import identifier, literal
from ostiary.model.mask import Mask, MaskKind
from ostiary.model.names import RelationName

TYPES = [
    "text", "varchar", "varchar(3)", "char(5)", "bpchar", "name", '"char"', "smallint", "int", "bigint", "oid",
    "numeric", "numeric(5,2)", "numeric(3,-2)", "real", "double precision", "money", "boolean", "date", "time(2)",
    "timetz", "timestamp(0)", "timestamp", "timestamptz(3)", "interval", "interval(3)", "interval year to month",
    "interval day to second(2)", "interval(3)[]", "bytea", "uuid", "json", "jsonb", "xml", "inet", "cidr", "macaddr",
    "point", "box", "bit(3)", "varbit(5)", "int[]", "text[][]", "varchar(4)[]", "numeric(4,1)[]", "int4range",
    "tsvector", "tsquery", "regclass", "xid8", "pg_lsn", "jsonpath", "mood", "positive", "required", "pair", "spaced",
    "citext", "positive[]", '"we(ird)"', "hstore",
]  # fmt: skip

MASKS = [
    Mask(MaskKind.NULL),
    Mask(MaskKind.DENY),
    Mask(MaskKind.CONSTANT),
    Mask(MaskKind.CONSTANT, value="it's \\ a value"),
    Mask(MaskKind.CONSTANT, value="7"),
    Mask(MaskKind.CONSTANT, value="2001-02-03"),
    Mask(MaskKind.CONSTANT, value="true"),
    Mask(MaskKind.PARTIAL, keep_first=1, keep_last=2, character="é"),
    Mask(MaskKind.PARTIAL, keep_last=4),
    Mask(MaskKind.REDACT_TEXT),
    Mask(MaskKind.REDACT_TEXT, value="\\1&"),
    Mask(MaskKind.BUCKET, width=10),
    Mask(MaskKind.BUCKET, width=10**12),
    Mask(MaskKind.BUCKET),
    Mask(MaskKind.PSEUDONYM, domain="email"),
]

MADE = """
drop schema if exists typed cascade; create schema typed; set search_path to typed, public;
create extension if not exists citext with schema public; create extension if not exists hstore with schema public;
create type mood as enum ('good', 'bad'); create domain positive as int check (value > 0);
create domain required as text not null; create type pair as (a int, b text); create domain spaced as varchar(9);
create domain "we(ird)" as text;
"""


@pytest.fixture(scope="module")
def typed(server: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    server.execute(MADE)
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(TYPES))
    server.execute(f"create table typed.t ({columns})".encode())
    server.execute("insert into typed.t (c52) values ('')" if TYPES[52] == "required" else "select 1")
    return server


@pytest.mark.live
@pytest.mark.parametrize("path", ["typed, public", "pg_catalog", "public, typed, pg_catalog"])
def test_a_mask_has_exactly_the_type_of_its_column(
    typed: psycopg.Connection[Any], look: Callable[[], Catalog], path: str
) -> None:
    typed.execute("set search_path to typed, public")
    catalog = look()
    name = RelationName("typed", "t")
    typed.execute(f"set search_path to {path}".encode())
    for column in catalog.relations[name].columns:
        for mask in MASKS:
            made = masked(name, column, mask, catalog)
            query = f"select {identifier(column.name)}, {made.expression} from typed.t"
            result = typed.pgconn.prepare(b"", query.encode())
            described = typed.pgconn.describe_prepared(b"")
            assert not result.error_message, (column.type, mask, result.error_message)
            types = [(described.ftype(at), described.fmod(at)) for at in (0, 1)]
            assert types[0] == types[1], (column.type, mask, made.expression)
    typed.execute("set search_path to typed, public")


@pytest.mark.live
def test_a_mask_is_immutable(typed: psycopg.Connection[Any], look: Callable[[], Catalog]) -> None:
    catalog = look()
    name = RelationName("typed", "t")
    for column in catalog.relations[name].columns:
        for mask in MASKS:
            made = masked(name, column, mask, catalog)
            if made.expression.startswith("(SELECT"):
                continue
            # Only an immutable expression may be generated.
            kind = TYPES[column.number - 1]
            with typed.transaction(force_rollback=True):
                typed.execute(
                    f"alter table typed.t add g {kind} generated always as ({made.expression}) stored".encode()
                )


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
SPECIAL = st.sampled_from(
    ["", "a", "é" * 9, "alice@example.org", "+49 170 1234567", "𝒜@𝒷", "\\1 \\& $1", "1" * 300, "@", "((("]
)
VALUES: dict[str, st.SearchStrategy[object]] = {
    "text": TEXTS | SPECIAL,
    "varchar(7)": TEXTS.map(lambda text: text[:7]),
    "char(5)": TEXTS.map(lambda text: text[:5]),
    "name": TEXTS.map(lambda text: text.encode()[:60].decode(errors="ignore")),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "int": st.integers(-(2**31), 2**31 - 1) | st.sampled_from([-(2**31), 2**31 - 1]),
    "bigint": st.integers(-(2**63), 2**63 - 1) | st.sampled_from([-(2**63), 2**63 - 1]),
    "numeric": st.decimals(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["NaN", "Infinity", "-Infinity", "9" * 900, "1e-900"]),
    "numeric(5,2)": st.decimals("-999.99", "999.99", places=2) | st.just("NaN"),
    "real": st.floats(width=32) | st.sampled_from([3.4028234e38, -3.4028234e38, 1e-45]),
    "double precision": st.floats() | st.sampled_from([1.7976931348623157e308, 5e-324, math.inf, math.nan]),
    "date": st.dates() | st.sampled_from(["infinity", "-infinity", "5874897-12-31", "4714-11-24 BC"]),
    "timestamp": st.datetimes() | st.sampled_from(["infinity", "-infinity", "294276-12-31 23:59:59", "4714-11-24 BC"]),
    "timestamptz": st.datetimes(timezones=st.just(UTC))
    | st.sampled_from(["infinity", "-infinity", "294276-12-31 23:59:59+00", "4714-11-24 00:00:00+00 BC"]),
}  # fmt: skip


@pytest.mark.live
@pytest.mark.parametrize("kind", sorted(VALUES))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_value_makes_a_mask_raise(
    typed: psycopg.Connection[Any], look: Callable[[], Catalog], kind: str, data: st.DataObject
) -> None:
    values = [None, *data.draw(st.lists(VALUES[kind], min_size=1, max_size=12))]
    typed.execute("drop table if exists typed.v")
    typed.execute(f"create table typed.v (x {kind})".encode())
    typed.pgconn.exec_(b"begin")
    for value in values:
        typed.execute("insert into typed.v values (%s)", (str(value) if value is not None else None,))
    typed.pgconn.exec_(b"commit")
    catalog = _only(look, kind)
    name = RelationName("typed", "v")
    (column,) = catalog.relations[name].columns
    for mask in MASKS:
        made = masked(name, column, mask, catalog)
        rows = typed.execute(f"select x is null, ({made.expression}) is null from typed.v".encode()).fetchall()
        assert all(hidden for missing, hidden in rows if missing)
        typed.execute(f"select ({made.expression})::text from typed.v".encode()).fetchall()


_CATALOGS: dict[str, Catalog] = {}


def _only(look: Callable[[], Catalog], kind: str) -> Catalog:
    """The catalog says nothing that changes between two examples of one type."""
    if kind not in _CATALOGS:
        _CATALOGS[kind] = look()
    return _CATALOGS[kind]


@pytest.mark.live
@pytest.mark.parametrize(
    ("kind", "mask", "value", "shown"),
    [
        ("text", Mask(MaskKind.CONSTANT, value="gone"), "x", "gone"),
        ("text", Mask(MaskKind.CONSTANT), "x", "[masked]"),
        ("text", Mask(MaskKind.PSEUDONYM), "x", "[masked]"),
        ("text", Mask(MaskKind.PARTIAL, keep_last=4), "912-34-5678", "*****5678"),
        ("text", Mask(MaskKind.PARTIAL, keep_first=1), "Alice", "A*****"),
        ("text", Mask(MaskKind.PARTIAL, keep_first=2, keep_last=2), "abcd", "*****"),
        ("varchar(6)", Mask(MaskKind.PARTIAL, keep_first=2), "éàüößî", "éà****"),
        ("text", Mask(MaskKind.PARTIAL, keep_last=4), "5678", "*****"),
        ("text", Mask(MaskKind.REDACT_TEXT), "to bob@example.org, or +1 555 0100", "to [email], or [number]"),
        ("text", Mask(MaskKind.REDACT_TEXT), "card 4111 1111 1111 1111.", "card [number]."),
        ("text", Mask(MaskKind.REDACT_TEXT), "ssn 912-34-5678 table 42", "ssn [number] table 42"),
        ("text", Mask(MaskKind.REDACT_TEXT, value="\\0"), "a@b.c", "\\0"),
        ("int", Mask(MaskKind.BUCKET, width=10), "-17", "-10"),
        ("int", Mask(MaskKind.BUCKET, width=10), "-2147483648", "-2147483640"),
        ("numeric(6,2)", Mask(MaskKind.BUCKET, width=100), "1234.56", "1200.00"),
        ("numeric", Mask(MaskKind.BUCKET, width=100), "Infinity", "Infinity"),
        ("double precision", Mask(MaskKind.BUCKET, width=100), "1234.5", "1200"),
        ("double precision", Mask(MaskKind.BUCKET, width=100), "1e305", None),
        ("date", Mask(MaskKind.BUCKET, width=365), "2001-06-01", "2000-12-31"),
        ("date", Mask(MaskKind.BUCKET, width=365), "infinity", "infinity"),
        ("timestamp", Mask(MaskKind.BUCKET, width=1), "2024-05-06 07:08:09", "2024-05-06 00:00:00"),
        ("boolean", Mask(MaskKind.CONSTANT, value="true"), "f", "true"),
        ("int", Mask(MaskKind.CONSTANT, value="0"), "9", "0"),
        ("int", Mask(MaskKind.PARTIAL, keep_last=2), "1234", None),
        ("uuid", Mask(MaskKind.REDACT_TEXT), "00000000-0000-0000-0000-000000000001", None),
    ],
)  # fmt: skip
def test_a_mask_shows(
    typed: psycopg.Connection[Any], look: Callable[[], Catalog], kind: str, mask: Mask, value: str, shown: str | None
) -> None:
    typed.execute("drop table if exists typed.v")
    typed.execute(f"create table typed.v as select {literal(value)}::{kind} as x".encode())
    catalog = look()
    name = RelationName("typed", "v")
    made = masked(name, catalog.relations[name].columns[0], mask, catalog)
    row = typed.execute(f"select ({made.expression})::text from typed.v".encode()).fetchone()
    assert row == (shown,)


@pytest.mark.live
def test_the_edges_of_a_bucket_do_not_move_with_the_session(
    typed: psycopg.Connection[Any], look: Callable[[], Catalog]
) -> None:
    typed.execute("drop table if exists typed.v")
    typed.execute("create table typed.v (x timestamptz)")
    typed.execute("insert into typed.v values ('2024-05-06 23:30:00+00')")
    catalog = look()
    name = RelationName("typed", "v")
    made = masked(name, catalog.relations[name].columns[0], Mask(MaskKind.BUCKET, width=1), catalog)
    shown = set()
    for zone in ("UTC", "Asia/Tokyo", "America/Lima"):
        typed.execute(f"set timezone to '{zone}'".encode())
        shown.add(typed.execute(f"select extract(epoch from {made.expression}) from typed.v".encode()).fetchone())
    typed.execute("reset timezone")
    assert len(shown) == 1


def test_a_mask_that_does_not_fit_is_null_and_says_so(catalog: Catalog) -> None:
    name = RelationName("public", "customers")
    column = catalog.relations[name].columns[0]
    made = masked(name, column, Mask(MaskKind.PARTIAL, keep_last=4), catalog)
    assert made.kind is MaskKind.NULL
    assert made.expression == 'CAST(NULL AS "pg_catalog"."int4")'
    assert made.warning == "mask partial does not fit integer: public.customers.id shows NULL"


def test_a_pseudonym_without_its_schema_is_a_constant_and_says_so(catalog: Catalog) -> None:
    name = RelationName("public", "customers")
    column = catalog.relations[name].columns[1]
    made = masked(name, column, Mask(MaskKind.PSEUDONYM, domain="email"), catalog)
    assert made.kind is MaskKind.CONSTANT
    assert "no mask schema" in made.warning
