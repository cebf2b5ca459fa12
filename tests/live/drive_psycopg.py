"""psycopg 3: what a program does with it, written once. Each function returns what the program would have seen."""

import datetime as dt
import hashlib
import re
import select
import threading
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import pq
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


def two_phase(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target) as connection:
        connection.execute("create table phased (id int)")
        connection.commit()
        transaction = connection.xid(1, "live", "branch")
        connection.tpc_begin(transaction)
        connection.execute("insert into phased values (1)")
        connection.tpc_prepare()
        with connect(target) as other:
            seen.append([str(one) for one in other.tpc_recover()])
        connection.tpc_commit()
        seen.append(connection.execute("select * from phased").fetchall())
        connection.execute("drop table phased")
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


def copies(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target) as connection:
        connection.execute("create table copied (id int, note text, amount numeric)")
        with connection.cursor() as cursor:
            with cursor.copy("copy copied from stdin") as copy:
                for number in range(3000):
                    copy.write_row((number, None if number % 7 == 0 else f"note\t{number}\n", Decimal(number) / 4))
            seen.append((cursor.statusmessage, cursor.rowcount))
            with cursor.copy("copy copied (id, note) from stdin (format binary)") as copy:
                copy.set_types(["int4", "text"])
                copy.write_row((-1, "binary"))
            with cursor.copy("copy (select * from copied order by id, note) to stdout") as copy:
                seen.append(hashlib.sha256(b"".join(bytes(piece) for piece in copy)).hexdigest())
            with cursor.copy("copy copied to stdout (format csv, header)") as copy:
                seen.append(hashlib.sha256(b"".join(bytes(piece) for piece in copy)).hexdigest())
            with cursor.copy("copy (select id from copied where id < 3 order by 1) to stdout (format binary)") as copy:
                copy.set_types(["int4"])
                seen.append(list(copy.rows()))
        connection.commit()
        seen += _bad_copies(connection)
        connection.execute("drop table copied")
    return seen


def _bad_copies(connection: Connection) -> list[Any]:
    seen: list[Any] = []
    for data in (b"x\ty\tz\n", b"1\n"):
        try:
            with connection.cursor() as cursor, cursor.copy("copy copied from stdin") as copy:
                copy.write(data)
        except psycopg.Error as error:
            seen.append(told(error))
        connection.rollback()
    try:
        with connection.cursor() as cursor, cursor.copy("copy copied from stdin") as copy:
            copy.write(b"1\t2\t3\n")
            raise LookupError("the program changed its mind")
    except LookupError:
        seen.append(connection.info.transaction_status.name)
    connection.rollback()
    seen.append(connection.execute("select count(*) from copied").fetchone())
    return seen


def cursors(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target) as connection:
        with connection.cursor("by_server") as cursor:
            cursor.itersize = 100
            cursor.execute("select n, 'r' || n from generate_series(1, 1000) n where n > %s", (500,))
            seen.append([row[0] for row in cursor])
        with connection.cursor("scrolling", scrollable=True) as cursor:
            cursor.execute("select n from generate_series(1, 20) n")
            seen.append(cursor.fetchmany(5))
            cursor.scroll(-3)
            seen.append(cursor.fetchone())
            cursor.scroll(18, mode="absolute")
            seen.append(cursor.fetchall())
        held = connection.cursor("held", withhold=True)
        held.execute("select n from generate_series(1, 9) n")
        connection.commit()
        seen.append(held.fetchmany(4))
        connection.commit()
        seen.append(held.fetchall())
        held.close()
        seen.append(connection.execute("select name from pg_cursors").fetchall())
        connection.execute("create table pointed (id int)")
        connection.execute("insert into pointed select generate_series(1, 5)")
        connection.execute("declare here cursor for select id from pointed for update")
        connection.execute("move 3 in here")
        seen.append(connection.execute("update pointed set id = 30 where current of here returning id").fetchall())
        seen.append(failing(connection, "fetch 1 from nowhere"))
    return seen


def pipelines(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target, autocommit=True) as connection:
        connection.execute("create table piped (id int primary key)")
        try:
            with connection.pipeline() as pipeline:
                cursors = [connection.execute("insert into piped values (%s) returning id", (n,)) for n in range(50)]
                pipeline.sync()
                counting = connection.execute("select count(*), sum(id) from piped")
            seen += [cursor.fetchone() for cursor in cursors]
            seen.append(counting.fetchone())
            try:
                with connection.pipeline():
                    connection.execute("insert into piped values (100)")
                    connection.execute("insert into piped values (1)")
                    connection.execute("insert into piped values (101)")
            except psycopg.Error as error:
                seen.append(told(error))
            seen.append(connection.execute("select count(*) from piped where id >= 100").fetchone())
            with connection.pipeline(), connection.transaction():
                connection.execute("insert into piped values (200)")
                with connection.transaction():
                    connection.execute("insert into piped values (201)")
            with connection.pipeline(), connection.cursor() as many:
                many.executemany("insert into piped values (%s)", [(n,) for n in range(300, 400)])
                seen.append(many.rowcount)
            seen.append(connection.execute("select count(*), max(id) from piped").fetchone())
        finally:
            connection.execute("drop table piped")
    return seen


def large(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target) as connection:
        for binary in (False, True):
            digest = hashlib.sha256()
            cursor = connection.cursor(binary=binary)
            cursor.execute("select n, repeat('x', n % 50), n / 7.0 from generate_series(1, 40000) n")
            for row in cursor:
                digest.update(repr(row).encode())
            seen.append((cursor.rowcount, digest.hexdigest()))
        long = connection.execute("select repeat('ä', 3000000), %s::text", ("y" * 2_000_000,)).fetchone()
        seen.append([hashlib.sha256(one.encode()).hexdigest() for one in long or ()])
        wide = ", ".join(f"{n} as c{n}" for n in range(1000))
        seen.append(connection.execute(f"select {wide}".encode()).fetchone())
        streamed = connection.cursor().stream("select n from generate_series(1, 3000) n")
        seen.append(sum(row[0] for row in streamed))
    return seen


def notifications(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target, autocommit=True) as one, connect(target, autocommit=True) as other:
        one.execute("listen live_news")
        other.execute("notify live_news, 'first'")
        other.execute("select pg_notify('live_news', %s)", ("second",))
        one.execute("notify live_news, 'own'")
        got = one.notifies(timeout=20, stop_after=3)
        seen.append([(note.channel, note.payload) for note in got])
        one.execute("unlisten *")
        other.execute("notify live_news, 'unheard'")
        seen.append(one.execute("select 1").fetchone())
        seen.append(list(one.notifies(timeout=0)))
    return seen


def cancelling(target: Target) -> Any:
    """Cancelled for as long as it takes: a request that comes before its statement hits nothing."""
    seen: list[Any] = []
    with connect(target, autocommit=True) as connection:
        for text in ("select pg_sleep(30)", "select count(*) from generate_series(1, 2000000000)"):
            ended = threading.Event()

            def run(text: str = text, ended: threading.Event = ended) -> None:
                seen.append(failing(connection, text))
                ended.set()

            thread = threading.Thread(target=run)
            thread.start()
            while not ended.wait(0.05):
                connection.cancel_safe(timeout=10)
            thread.join()
        seen.append(connection.execute("select 1").fetchone())
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


def unanalysed(target: Target) -> Any:
    """DO and CALL are opaque: only somebody whom policy trusts runs them."""
    seen: list[Any] = []
    with connect(target.as_trusted(), autocommit=True) as connection:
        connection.add_notice_handler(lambda one: seen.append((one.severity, one.message_primary)))
        connection.execute("do $$ begin raise notice 'hello from %', 'a block'; end $$")
        connection.execute("do $$ begin create temporary table from_a_block (id int); end $$")
        seen.append(connection.execute("select count(*) from from_a_block").fetchone())
        seen.append(failing(connection, "do $$ begin raise exception 'no' using errcode = 'XX123', hint = 'h'; end $$"))
        connection.execute("create procedure doing(inout a int) language plpgsql as 'begin a := a + 1; end'")
        seen.append(connection.execute("call doing(4)").fetchone())
        connection.execute("drop procedure doing")
    return seen


def changed_plans(target: Target) -> Any:
    """A prepared statement whose table another session changes: what the server says, the client hears."""
    seen: list[Any] = []
    with connect(target, autocommit=True) as connection, connect(target, autocommit=True) as other:
        other.execute("create table shifting (a int)")
        try:
            other.execute("insert into shifting values (1)")
            star, plain = "select * from shifting", "select a + %s as b from shifting"
            for _ in range(2):
                seen.append(connection.execute(star, prepare=True).fetchall())
                seen.append(connection.execute(plain.encode(), (1,), prepare=True).fetchall())
            other.execute("alter table shifting add column b text default 'new'")
            seen.append(connection.execute(plain.encode(), (2,), prepare=True).fetchall())
            try:
                seen.append(connection.execute(star, prepare=True).fetchall())
            except psycopg.Error as error:
                seen.append(told(error))
            connection.execute("deallocate all")
            seen.append(connection.execute(star + " where true").fetchall())
            other.execute("alter table shifting rename column a to z")
            seen.append(failing(connection, "select a from shifting"))
            seen.append(connection.execute("select z from shifting").fetchall())
        finally:
            other.execute("drop table shifting")
        seen.append(failing(connection, "select z from shifting"))
    return seen


def session_state(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target) as connection:
        connection.execute("create temporary table mine (id int) on commit drop")
        connection.execute("insert into mine values (1)")
        seen.append(connection.execute("select * from mine").fetchall())
        connection.commit()
        seen.append(failing(connection, "select * from mine"))
        connection.rollback()
        connection.execute("create table fresh (id int primary key, name text)")
        connection.execute("create view fresh_view as select name from fresh")
        connection.execute("insert into fresh values (1, 'uncommitted')")
        seen.append(connection.execute("select * from fresh_view").fetchall())
        connection.execute("alter table fresh add column extra int default 4")
        seen.append(connection.execute("select * from fresh where id = %s", (1,)).fetchall())
        connection.rollback()
        seen.append(failing(connection, "select * from fresh"))
        connection.rollback()
    return seen


def search_paths(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target, autocommit=True) as connection:
        connection.execute("create schema a1; create schema b1")
        try:
            connection.execute("create table a1.t (x text); create table b1.t (x text)")
            connection.execute("insert into a1.t values ('a'); insert into b1.t values ('b')")
            connection.execute("set search_path = a1, public")
            seen.append(connection.execute("select x from t").fetchall())
            connection.execute("set search_path to b1")
            seen.append(connection.execute("select x from t").fetchall())
            with connection.transaction():
                connection.execute("set local search_path = a1")
                seen.append(connection.execute("select x, current_schemas(false) from t").fetchall())
            seen.append(connection.execute("select x from t").fetchall())
            with connection.transaction(force_rollback=True):
                connection.execute("set search_path = a1")
                seen.append(connection.execute("select x from t").fetchall())
            seen.append(connection.execute("select x from t").fetchall())
            connection.execute("select set_config('search_path', 'a1', false)")
            seen.append(connection.execute("select x from t").fetchall())
            connection.execute("create table made_here (id int)")
            connection.execute("reset search_path")
            seen.append(failing(connection, "select x from t"))
            seen.append(connection.execute("select count(*) from a1.made_here").fetchall())
            connection.execute("discard all")
            seen.append(connection.execute("show search_path").fetchone())
        finally:
            connection.execute("drop schema a1 cascade; drop schema b1 cascade")
    return seen


def prepares(target: Target) -> Any:
    seen: list[Any] = []
    with connect(target, autocommit=True) as connection:
        connection.execute("prepare adding (int, int) as select $1 + $2 as sum")
        seen.append(connection.execute("execute adding (1, 2)").fetchall())
        seen.append(connection.execute("execute adding (40, 2)").fetchall())
        seen.append(failing(connection, "prepare adding as select 1"))
        seen.append(failing(connection, "execute adding (1)"))
        connection.execute("create temporary table kept as execute adding (5, 6)")
        seen.append(connection.execute("select * from kept").fetchall())
        seen.append(len(connection.execute("explain (costs off) execute adding (1, 1)").fetchall()))
        connection.execute("deallocate adding")
        seen.append(failing(connection, "execute adding (1, 2)"))
        seen.append(connection.execute("explain (costs off) select 1").fetchall())
        seen.append(connection.execute("show server_version_num").fetchone())
        connection.execute("set application_name = 'live'; set timezone = 'Europe/Berlin'")
        seen.append(connection.info.parameter_status("TimeZone"))
        seen.append(connection.execute("select timestamptz '2026-07-01 12:00Z'").fetchone())
    return repr(seen)


def single_rows(target: Target) -> Any:
    """libpq itself: Describe without running, single rows, Close of a name, Flush."""
    seen: list[Any] = []
    with connect(target, autocommit=True) as connection:
        pg = connection.pgconn
        seen.append(pg.prepare(b"named", b"select $1::int as a, $2::text as b").status)
        described = pg.describe_prepared(b"named")
        seen.append([described.param_type(n) for n in range(described.nparams)])
        seen.append([(described.fname(n), described.ftype(n)) for n in range(described.nfields)])
        result = pg.exec_prepared(b"named", [b"5", b"x"], param_formats=[0, 0], result_format=1)
        seen.append((result.get_value(0, 0), result.get_value(0, 1), result.fformat(0)))
        pg.send_query_params(b"select n from generate_series(1, 4) n", None)
        pg.set_single_row_mode()
        pg.flush()
        while (one := _next(pg)) is not None:
            seen.append((one.status, [one.get_value(row, 0) for row in range(one.ntuples)]))
        seen.append(pg.describe_prepared(b"unknown").status)
        seen.append(pg.exec_(b"select 1; select 2").get_value(0, 0))
    return seen


def _next(pg: pq.abc.PGconn) -> Any:
    while pg.is_busy():
        select.select([pg.socket], [], [], 20)
        pg.consume_input()
    return pg.get_result()


SCENES: dict[str, Scene] = {
    "selects": selects, "types": types, "prepared": prepared, "transactions": transactions, "two-phase": two_phase,
    "errors": errors, "copies": copies, "cursors": cursors, "pipelines": pipelines, "large": large,
    "notifications": notifications, "cancelling": cancelling, "many": many, "several": several, "notices": notices,
    "unanalysed": unanalysed, "changed plans": changed_plans, "session state": session_state,
    "search paths": search_paths, "prepares": prepares, "single rows": single_rows,
}  # fmt: skip
