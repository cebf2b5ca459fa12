"""pg8000: the protocol in pure Python, with unnamed statements and Flush in places where libpq has none."""

import contextlib
import datetime as dt
import hashlib
import io
import ssl
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pg8000.dbapi
import pg8000.native
from rig import Target

Scene = Callable[[Target], Any]


def _options(target: Target) -> dict[str, Any]:
    return {
        "host": "127.0.0.1", "port": target.port, "user": target.user, "password": target.password,
        "database": target.database, "timeout": 60,
        "ssl_context": ssl.create_default_context(cafile=str(target.ca)) if target.ca else None,
    }  # fmt: skip


@contextlib.contextmanager
def native(target: Target) -> Iterator[Any]:
    connection = pg8000.native.Connection(**_options(target))
    try:
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def dbapi(target: Target) -> Iterator[Any]:
    connection = pg8000.dbapi.connect(**_options(target))
    try:
        yield connection
    finally:
        connection.close()


def told(error: Exception) -> Any:
    """The fields of an ErrorResponse, by their letters. Of unknown names the gate has other hints, and no place."""
    said = error.args[0]
    if not isinstance(said, dict):
        return repr(error)
    found = {key: value for key, value in said.items() if key not in "FLR"}
    if found["C"] in ("42P01", "42883"):
        found = {key: value for key, value in found.items() if key not in "HPM"}
    return found


def failing(doing: Callable[[], Any]) -> Any:
    try:
        return doing()
    except (pg8000.native.DatabaseError, pg8000.dbapi.DatabaseError) as error:
        return told(error)


def selects(target: Target) -> Any:
    seen: list[Any] = []
    with native(target) as connection:
        seen.append(connection.run("select 1 as a, 'zwei' as b, null as c"))
        seen.append([(one["name"], one["type_oid"]) for one in connection.columns])
        seen.append(connection.run("select :n::int + 1, :t::text", n=41, t="ä'"))
        statement = connection.prepare("select :n::int * 2 as doubled")
        seen += [statement.run(n=number) for number in range(5)]
        statement.close()
        seen.append(connection.run("select n from generate_series(1, 2000) n"))
        seen.append(connection.run(""))
        seen.append(connection.run("select 1; select 2"))
        seen.append(connection.row_count)
        status = {key: value for key, value in connection.parameter_statuses.items() if "server" not in str(key)}
        seen.append(sorted(map(repr, status.items())))
    return seen


def types(target: Target) -> Any:
    values = [
        True, 2**40, -1.5, Decimal("1234567890.12345"), "ä€😀", b"\x00\xff", dt.date(2026, 2, 28), dt.time(1, 2, 3),
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.timedelta(days=3, seconds=5), uuid.UUID(int=5), [1, 2, None],
        {"a": [1, None]}, None, [["a"], ["b"]],
    ]  # fmt: skip
    casts = [
        "bool", "bigint", "float8", "numeric", "text", "bytea", "date", "time", "timestamptz", "interval", "uuid",
        "int[]", "jsonb", "text", "text[]",
    ]  # fmt: skip
    with native(target) as connection:
        query = "select " + ", ".join(f":v{number}::{cast}" for number, cast in enumerate(casts))
        first = connection.run(query, **{f"v{number}": value for number, value in enumerate(values)})
        return repr((first, connection.run("select '{\"b\":1}'::json, inet '::1', int4range(1, 5), 'NaN'::float8")))


def transactions(target: Target) -> Any:
    seen: list[Any] = []
    with dbapi(target) as connection:
        cursor = connection.cursor()
        cursor.execute("create temporary table ptx (id int primary key)")
        connection.commit()
        cursor.execute("insert into ptx values (%s)", (1,))
        connection.rollback()
        cursor.execute("insert into ptx values (%s)", (2,))
        cursor.execute("savepoint here")
        seen.append(failing(lambda: cursor.execute("insert into ptx values (%s)", (2,)))["C"])
        seen.append(failing(lambda: cursor.execute("select 1")))
        cursor.execute("rollback to savepoint here")
        cursor.execute("release savepoint here")
        connection.commit()
        cursor.execute("select * from ptx")
        seen.append(cursor.fetchall())
        seen.append(failing(lambda: cursor.execute("select 1/0")))
        connection.rollback()
        connection.autocommit = True
        cursor.execute("insert into ptx values (3) returning id")
        seen.append((cursor.fetchall(), cursor.rowcount))
        cursor.executemany("insert into ptx values (%s)", [(number,) for number in range(10, 60)])
        cursor.execute("select count(*), sum(id) from ptx")
        seen.append(cursor.fetchone())
        connection.tpc_begin((1, "pg8000", "live"))
        cursor.execute("select 1")
        connection.tpc_rollback()
    return [str(one) for one in seen]


def errors(target: Target) -> Any:
    seen: list[Any] = []
    texts = (
        "select 1/0", "selec", "select * from no_such", "select no_such(1)", "select 'x'::int", "select",
        "create table", "insert into pamiss values (1, -1)", "insert into pamiss values (1)", "drop table no_such",
        "fetch from nothing",
    )  # fmt: skip
    with native(target) as connection:
        connection.run("create table pamiss (id int primary key, amount int not null check (amount > 0))")
        try:
            for text in texts:
                seen.append(failing(lambda text=text: connection.run(text)))  # type: ignore[misc]  # bound at once
                seen.append(failing(lambda text=text: connection.run(f"{text} --:n", n=1)))  # type: ignore[misc]
            seen.append(failing(lambda: connection.run("insert into pamiss values (:a, :b)", a=1, b=-1)))
            seen.append(failing(lambda: connection.run("select :n::int", n="x")))
            seen.append(failing(lambda: connection.prepare("select :n from no_such")))
            seen.append(connection.run("select count(*) from pamiss"))
        finally:
            connection.run("drop table pamiss")
    return seen


def copies(target: Target) -> Any:
    seen: list[Any] = []
    with native(target) as connection:
        connection.run("create temporary table pcopied (id int, note text)")
        rows = "".join(f"{number}\tnote {number}\n" for number in range(3000))
        connection.run("copy pcopied from stdin", stream=io.StringIO(rows))
        seen.append(connection.row_count)
        out = io.BytesIO()
        connection.run("copy (select * from pcopied order by id) to stdout with (format csv)", stream=out)
        seen.append(hashlib.sha256(out.getvalue()).hexdigest())
        binary = io.BytesIO()
        connection.run("copy pcopied to stdout with (format binary)", stream=binary)
        seen.append(hashlib.sha256(binary.getvalue()).hexdigest())
        connection.run("copy pcopied from stdin with (format binary)", stream=io.BytesIO(binary.getvalue()))
        seen.append(connection.run("select count(*) from pcopied"))
        seen.append(failing(lambda: connection.run("copy pcopied from stdin", stream=io.StringIO("x\ty\tz\n"))))
        seen.append(connection.run("select 1"))
    return seen


def large(target: Target) -> Any:
    seen: list[Any] = []
    with native(target) as connection:
        rows = connection.run("select n, repeat('x', n % 50) from generate_series(1, 20000) n")
        seen.append(hashlib.sha256(repr(rows).encode()).hexdigest())
        seen.append(connection.run("select length(:t::text)", t="y" * 3_000_000))
        connection.run("begin")
        connection.run("declare pointing cursor for select n from generate_series(1, 100) n")
        seen.append(connection.run("fetch 10 from pointing"))
        seen.append(connection.run("move 50 in pointing"))
        seen.append(connection.run("fetch 2 from pointing"))
        connection.run("commit")
    return seen


def notifications(target: Target) -> Any:
    with native(target) as connection:
        connection.run("listen pnews")
        connection.run("notify pnews, 'hello'")
        connection.run("select pg_notify('pnews', :said)", said="more")
        connection.run("drop table if exists nothing_like_it")
        heard = [(channel, said) for _, channel, said in connection.notifications]
        return heard, [one[b"M"] for one in connection.notices]


def session_state(target: Target) -> Any:
    seen: list[Any] = []
    with native(target) as connection, native(target) as other:
        other.run("create table pshift (a int)")
        try:
            statement = connection.prepare("select * from pshift where a = :n")
            seen.append(statement.run(n=1))
            other.run("alter table pshift add column b int")
            seen.append(failing(lambda: statement.run(n=1)))
            seen.append(connection.run("select * from pshift"))
            connection.run("begin")
            connection.run("create table punseen (id int)")
            connection.run("insert into punseen values (:n)", n=1)
            seen.append(connection.run("select * from punseen"))
            seen.append(failing(lambda: other.run("select * from punseen")))
            connection.run("rollback")
            seen.append(failing(lambda: connection.run("select * from punseen")))
            connection.run("set search_path to pg_catalog")
            seen.append(failing(lambda: connection.run("select * from pshift")))
            connection.run("set search_path to default")
            connection.run("prepare px as select 5 as five")
            seen.append(connection.run("execute px"))
        finally:
            connection.run("rollback")
            other.run("drop table pshift")
    return seen


SCENES: dict[str, Scene] = {
    scene.__name__.replace("_", " "): scene
    for scene in (selects, types, transactions, errors, copies, large, notifications, session_state)
}
