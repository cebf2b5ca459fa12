"""psycopg 3: what a program does with it, written once. Each function returns what the program would have seen."""

import datetime as dt
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from psycopg.types.range import Range
from rig import Target

Connection = psycopg.Connection[tuple[Any, ...]]
Scene = Callable[[Target], Any]


def connect(target: Target, **options: Any) -> Connection:
    return psycopg.connect(**target.libpq(), **options)


UNKNOWN_NAMES = {"42P01", "42883"}
"""The gate knows these before the server does: its hint is another, and it does not know the place or the types."""


def told(error: psycopg.Error) -> dict[str, Any]:
    """Everything that the client was told of an error, except where in the server's source it was raised."""
    names = (
        "severity", "sqlstate", "message_primary", "message_detail", "message_hint", "statement_position",
        "internal_query", "context", "schema_name", "table_name", "column_name", "datatype_name", "constraint_name",
    )  # fmt: skip
    found = {name: getattr(error.diag, name) for name in names}
    if error.sqlstate in UNKNOWN_NAMES:
        found |= {"statement_position": None, "message_hint": None}
        found["message_primary"] = re.sub(r"\(.*\)", "", error.diag.message_primary or "")
    return {"class": type(error).__name__} | {name: value for name, value in found.items() if value is not None}


def failing(connection: Connection, text: str, *parameters: Any) -> dict[str, Any]:
    try:
        connection.execute(text.encode(), parameters or None)
    except psycopg.Error as error:
        return told(error)
    return {"class": "no error"}


def selects(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target) as connection:
        for binary in (False, True):
            cursor = connection.cursor(binary=binary)
            cursor.execute("select %s::int, %s::text, %t, null::date", (7, "schön 'quoted'", "x"))
            seen.append((cursor.fetchall(), cursor.statusmessage, cursor.rowcount))
            seen.append(
                [(one.name, one.type_code, one.internal_size, one.precision) for one in cursor.description or ()]
            )
            cursor.execute("select n, n * %b from generate_series(1, 5) n", (Decimal("1.5"),), binary=binary)
            seen.append(cursor.fetchall())
        seen.append(connection.execute("select 1 where false").fetchall())
        seen.append(connection.info.encoding)
        seen.append(connection.info.server_version)
        seen.append(
            {name: connection.info.parameter_status(name) for name in ("DateStyle", "TimeZone", "is_superuser")}
        )
    return seen


def types(target: Target) -> Any:
    values = [
        None, True, 2**40, -1.5, float("inf"), Decimal("12345678901234567890.12345"), "ä€😀", b"\x00\xff'\\",
        dt.date(2026, 2, 28), dt.time(1, 2, 3, 4), dt.datetime(2026, 1, 1, 12, 30, tzinfo=dt.UTC),
        dt.timedelta(days=3, seconds=5), uuid.UUID(int=5), [1, 2, None], [["a", "b"], ["c", None]], [],
        Jsonb({"a": [1, {"b": None}]}), Range(1, 10), [dt.date(2026, 1, 1)],
    ]  # fmt: skip
    casts = [
        "text", "bool", "bigint", "float8", "float8", "numeric", "text", "bytea", "date", "time", "timestamptz",
        "interval", "uuid", "int[]", "text[]", "int[]", "jsonb", "int4range", "date[]",
    ]  # fmt: skip
    query = "select " + ", ".join(f"%s::{cast}" for cast in casts)
    seen: list[Any] = []
    with connect(target) as connection:
        for binary in (False, True):
            row = connection.cursor(binary=binary).execute(query.encode(), values).fetchone()
            seen.append(repr(row))
        text = "select inet '10.0.0.1/8', '{\"a\":1}'::json, 'NaN'::numeric, 'infinity'::timestamptz::text, point(1,2)"
        seen.append(repr(connection.execute(text.encode()).fetchone()))
    return seen


def prepared(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target, prepare_threshold=0) as connection:
        for number in range(5):
            seen.append(connection.execute("select %s::int + 1", (number,)).fetchone())
            seen.append(connection.execute("select %s::text", (f"t{number}",), prepare=True).fetchone())
        seen.append(connection.execute("select name, statement from pg_prepared_statements order by 1").fetchall())
        connection.prepare_threshold = None
        seen.append(connection.execute("select %s::int", (1,)).fetchone())
        connection.execute("deallocate all")
        seen.append(connection.execute("select count(*) from pg_prepared_statements").fetchone())
    return seen


def transactions(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target, autocommit=True) as connection:
        connection.execute("create table tx (id int primary key, note text)")
        try:
            with connection.transaction():
                connection.execute("insert into tx values (1, 'one')")
                try:
                    with connection.transaction("inner_one"):
                        connection.execute("insert into tx values (2, 'two')")
                        connection.execute("insert into tx values (1, 'again')")
                except psycopg.errors.UniqueViolation as error:
                    seen.append(told(error))
                with connection.transaction():
                    connection.execute("insert into tx values (3, 'three')")
                seen.append(connection.info.transaction_status.name)
            with connection.transaction(force_rollback=True):
                connection.execute("delete from tx where id > 0")
                seen.append(connection.execute("select count(*) from tx").fetchone())
            seen.append(connection.execute("select * from tx order by id").fetchall())
            seen += _aborted(connection)
            connection.execute("begin isolation level serializable read only deferrable")
            seen.append(connection.execute("show transaction_isolation").fetchone())
            seen.append(failing(connection, "insert into tx values (9, 'nine')"))
            connection.execute("rollback")
            seen.append(connection.info.transaction_status.name)
        finally:
            connection.execute("drop table tx")
    return seen


def _aborted(connection: Connection) -> list[Any]:
    seen: list[Any] = []
    connection.execute("begin")
    seen.append(failing(connection, "select 1/0"))
    seen.append(connection.info.transaction_status.name)
    seen.append(failing(connection, "select 1"))
    texts = ("insert into tx values (7, 'seven')", "select * from no_such_table_here", "selec 1")
    seen += [failing(connection, text) for text in texts]
    seen.append(connection.execute("commit").statusmessage)
    connection.execute("begin; savepoint a")
    seen.append(failing(connection, "select 'x'::int"))
    connection.execute("rollback to a")
    seen.append(connection.execute("select 5").fetchone())
    connection.execute("release a; commit")
    return seen


MISTAKES = (
    "select 1/0",
    "select * from no_such_table",
    "select no_such_column from pg_class",
    "select no_such_function(1)",
    "selec 1",
    "select 'abc",
    "select 1 +",
    "select 'x'::int",
    "insert into mistakes values (1, 5), (1, 5)",
    "insert into mistakes values (2, -1)",
    "insert into mistakes values (null, 1)",
    "insert into mistakes (id, nothing) values (1, 1)",
    "insert into mistakes values (1)  returning nothing",
    "update mistakes set id = 'x'",
    "create table mistakes (id int)",
    "drop table no_such_table",
    "select * from no_such_schema.t",
    "select id from mistakes group by amount",
    "select count(*) from mistakes where sum(amount) > 1",
    "execute no_such_statement",
    "deallocate no_such_statement",
    "fetch from no_such_cursor",
    "release savepoint no_such_savepoint",
    "set no_such_setting = 1",
    "set datestyle = nonsense",
    "commit prepared 'none'",
    "select 1 as a, 2 as a order by a",
    "copy no_such_table to stdout",
    "alter table no_such_table add column x int",
    "create index on mistakes (no_such_column)",
    "listen",
    "",
    ";",
    "-- nothing but a comment",
)


def errors(target: Target) -> Any:
    seen: dict[str, Any] = {}
    with connect(target, autocommit=True) as connection:
        connection.execute("create table mistakes (id int primary key, amount int not null check (amount > 0))")
        try:
            for text in MISTAKES:
                seen[text] = failing(connection, text)
            seen["parameters"] = failing(connection, "select %s::int / 0", 1)
            seen["value"] = failing(connection, "select %s::int", "x")
            seen["prepared"] = failing(connection, "insert into mistakes values (%s, %s)", 1, -1)
            seen["still there"] = connection.execute("select 1").fetchone()
        finally:
            connection.execute("drop table mistakes")
    return seen


def many(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target) as connection, connection.cursor() as cursor:
        cursor.execute("create temporary table lots (id serial, a int, b text)")
        cursor.executemany("insert into lots (a, b) values (%s, %s)", [(n, f"b{n}") for n in range(200)])
        seen.append(cursor.rowcount)
        values = [(n,) for n in range(20)]
        cursor.executemany("insert into lots (a) values (%s) returning id, a", values, returning=True)
        while True:
            seen.append(cursor.fetchone())
            if not cursor.nextset():
                break
        cursor.execute("update lots set b = b || '!' where a < 5 returning id, b")
        seen.append((cursor.statusmessage, sorted(cursor.fetchall())))
        cursor.execute("delete from lots where a >= 100 returning *")
        seen.append((cursor.statusmessage, len(cursor.fetchall())))
    return seen


def several(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target, autocommit=True) as connection:
        connection.execute("create temporary table s (x int)")
        cursor = connection.execute("select 1; select 'two' as b; insert into s values (3); create table s2 (y int)")
        while True:
            seen.append((cursor.statusmessage, cursor.fetchall() if cursor.description else None))
            if not cursor.nextset():
                break
        seen.append(failing(connection, "insert into s values (4); select 1/0; insert into s values (5)"))
        seen.append(connection.execute("select * from s order by 1").fetchall())
        seen.append(failing(connection, "insert into s values (6); begin; insert into s values (7)"))
        seen.append(connection.info.transaction_status.name)
        connection.execute("rollback")
        seen.append(connection.execute("select * from s order by 1").fetchall())
        connection.execute("begin; insert into s values (8); commit; insert into s values (9)")
        seen.append(connection.execute("select * from s order by 1").fetchall())
        connection.execute("drop table s2; select 1")
        for text in ("", ";", " ; ; ", "-- c", "/* c */;"):
            empty = connection.execute(text.encode())
            seen.append((empty.statusmessage, empty.pgresult.status if empty.pgresult else None))
    return seen


def notices(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target, autocommit=True) as connection:
        connection.add_notice_handler(lambda one: seen.append((one.severity, one.sqlstate, one.message_primary)))
        connection.execute("drop table if exists nothing_like_that")
        connection.execute("create temporary table noticed (id int)")
        connection.execute("create temporary table if not exists noticed (id int)")
        connection.execute("commit")
        connection.execute("set client_min_messages = error")
        connection.execute("drop table if exists nothing_like_that")
    return seen


SCENES: dict[str, Scene] = {
    "selects": selects, "types": types, "prepared": prepared, "transactions": transactions, "errors": errors,
    "many": many, "several": several, "notices": notices,
}  # fmt: skip
