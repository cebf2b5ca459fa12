"""asyncpg: everything prepared, everything binary, many requests under way. See drive_psycopg."""

import asyncio
import contextlib
import datetime as dt
import hashlib
import io
import json
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import asyncpg
from rig import Target

Connection = Any
Scene = Callable[[Target], Any]


@contextlib.asynccontextmanager
async def connected(target: Target, **options: Any) -> AsyncIterator[Connection]:
    encryption = ssl.create_default_context(cafile=str(target.ca)) if target.ca else False
    connection = await asyncpg.connect(
        host="127.0.0.1", port=target.port, user=target.user, password=target.password, database=target.database,
        ssl=encryption, timeout=20, **options,
    )  # fmt: skip
    try:
        yield connection
    finally:
        await connection.close(timeout=10)


def told(error: asyncpg.PostgresError) -> dict[str, Any]:
    """What the client was told. Of names that nobody knows the gate has its own hint, and no place."""
    found = {"class": type(error).__name__, "sqlstate": error.sqlstate, "message": error.args[0]}
    if error.sqlstate in ("42P01", "42883"):
        return found | {"message": error.args[0].partition("(")[0].partition(" does not")[0]}
    names = ("severity", "detail", "position", "schema_name", "table_name", "column_name", "constraint_name")
    return found | {name: getattr(error, name) for name in names}


async def failing(doing: Awaitable[Any]) -> Any:
    try:
        return await doing
    except asyncpg.PostgresError as error:
        return told(error)


async def selects(target: Target) -> Any:
    seen: list[Any] = []
    async with connected(target) as connection:
        seen.append(await connection.fetch("select 1 as a, 'zwei' as b, null::text as c"))
        seen.append(await connection.fetchrow("select $1::int + $2::int, $3::text", 40, 2, "x"))
        seen.append(await connection.fetchval("select count(*) from generate_series(1, $1) n", 7))
        statement = await connection.prepare("select $1::int as n, $2::text[] as words")
        seen.append([(one.name, one.type.name) for one in statement.get_attributes()])
        seen.append([one.name for one in statement.get_parameters()])
        seen.append([await statement.fetch(number, ["a", None]) for number in range(5)])
        seen.append(statement.get_statusmsg())
        seen.append(await connection.execute("select 1"))
        seen.append(str(connection.get_server_version()))
        seen.append(await connection.fetchval("select 1 where false"))
    async with connected(target, statement_cache_size=0) as connection:
        seen += [await connection.fetchval("select $1::int * 2", number) for number in range(3)]
    return [str(one) for one in seen]


async def types(target: Target) -> Any:
    values = [
        True, 2**40, -1.5, Decimal("12345678901234567890.12345"), "ä€😀", b"\x00\xff", dt.date(2026, 2, 28),
        dt.time(1, 2, 3), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.timedelta(days=3, seconds=5), uuid.UUID(int=5),
        [1, 2, None], json.dumps({"a": [1, None]}), asyncpg.Range(1, 10), None,
    ]  # fmt: skip
    casts = [
        "bool", "bigint", "float8", "numeric", "text", "bytea", "date", "time", "timestamptz", "interval", "uuid",
        "int[]", "jsonb", "int4range", "text",
    ]  # fmt: skip
    query = "select " + ", ".join(f"${number}::{cast} as c{number}" for number, cast in enumerate(casts, 1))
    async with connected(target) as connection:
        row = await connection.fetchrow(query, *values)
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        decoded = await connection.fetchval("select $1::jsonb || '{\"b\": 2}'", {"a": 1})
        await connection.execute("create type pg_temp.mood as enum ('calm', 'cross')")
        mood = await connection.fetchval("select $1::pg_temp.mood", "cross")
        composite = await connection.fetchval("select row(1, 'a', null)")
    return repr((row, decoded, mood, composite))


async def transactions(target: Target) -> Any:
    seen: list[Any] = []
    async with connected(target) as connection:
        await connection.execute("create table atx (id int primary key, note text)")
        try:
            async with connection.transaction(isolation="serializable"):
                await connection.execute("insert into atx values (1, 'one')")
                with contextlib.suppress(asyncpg.UniqueViolationError):
                    async with connection.transaction():
                        await connection.execute("insert into atx values (2, 'two'), (1, 'again')")
                async with connection.transaction():
                    await connection.execute("insert into atx values ($1, $2)", 3, "three")
                seen.append(connection.is_in_transaction())
            with contextlib.suppress(LookupError):
                async with connection.transaction():
                    await connection.execute("delete from atx where id > $1", 0)
                    raise LookupError("changed its mind")
            seen.append([tuple(row) for row in await connection.fetch("select * from atx order by id")])
            seen += await _failed_transaction(connection)
        finally:
            await connection.execute("drop table atx")
    return seen


async def _failed_transaction(connection: Connection) -> list[Any]:
    seen: list[Any] = []
    transaction = connection.transaction(readonly=True)
    await transaction.start()
    seen.append(await failing(connection.execute("insert into atx values (9, 'nine')")))
    seen.append(await failing(connection.fetch("select * from atx")))
    seen.append(await failing(connection.fetch("select $1::int", 1)))
    await transaction.rollback()
    seen.append(await connection.fetchval("select 1"))
    return seen


async def errors(target: Target) -> Any:
    seen: list[Any] = []
    async with connected(target) as connection:
        await connection.execute("create table amiss (id int primary key, amount int check (amount > 0))")
        try:
            for text in ("select 1/0", "selec", "select * from no_such", "select no_such(1)", "select 'x'::int"):
                seen.append(await failing(connection.fetch(text)))
                seen.append(await failing(connection.execute(text)))
            seen.append(await failing(connection.execute("insert into amiss values ($1, $2)", 1, -1)))
            seen.append(await failing(connection.execute("insert into amiss values (1, 1); select 1/0")))
            seen.append(await failing(connection.fetch("select $1::int / $2::int", 1, 0)))
            seen.append(await failing(connection.prepare("select amount from amiss where no_such = $1")))
            seen.append(await connection.fetchval("select count(*) from amiss"))
        finally:
            await connection.execute("drop table amiss")
    return seen


async def copies(target: Target) -> Any:
    seen: list[Any] = []
    async with connected(target) as connection:
        await connection.execute("create table acopied (id int, note text, at timestamptz)")
        try:
            at = dt.datetime(2026, 5, 5, tzinfo=dt.UTC)
            records = [(number, None if number % 5 == 0 else f"n\t{number}", at) for number in range(5000)]
            seen.append(await connection.copy_records_to_table("acopied", records=records))
            seen.append(await connection.copy_to_table("acopied", source=io.BytesIO(b"-1\tmore\t2026-01-01Z\n")))
            out = io.BytesIO()
            seen.append(await connection.copy_from_query("select * from acopied order by id", output=out, format="csv"))
            seen.append(hashlib.sha256(out.getvalue()).hexdigest())
            out = io.BytesIO()
            query = "select id, note from acopied where id > $1 order by id"
            seen.append(await connection.copy_from_query(query, 4900, output=out, format="binary"))
            seen.append(hashlib.sha256(out.getvalue()).hexdigest())
            bad = connection.copy_to_table("acopied", source=io.BytesIO(b"x\n"))
            seen.append(await failing(bad))
            seen.append(await connection.fetchval("select count(*) from acopied"))
        finally:
            await connection.execute("drop table acopied")
    return seen


async def cursors(target: Target) -> Any:
    seen: list[Any] = []
    async with connected(target) as connection, connection.transaction():
        query = "select n, 'r' || n from generate_series(1, $1) n"
        seen.append([row[0] async for row in connection.cursor(query, 500, prefetch=37)])
        cursor = await connection.cursor(query, 100)
        seen.append([tuple(row) for row in await cursor.fetch(3)])
        seen.append(await cursor.forward(90))
        seen.append(tuple(await cursor.fetchrow()))
        seen.append(len(await cursor.fetch(100)))
        statement = await connection.prepare("select n from generate_series(1, 10) n")
        one, other = statement.cursor(prefetch=2), statement.cursor(prefetch=3)
        seen.append([(row[0], (await anext(aiter_of))[0]) async for row, aiter_of in _pairs(one, other)])
    return seen


async def _pairs(one: Any, other: Any) -> AsyncIterator[tuple[Any, Any]]:
    """Two portals of one statement, fetched in turns."""
    second = aiter(other)
    async for row in one:
        yield row, second


async def many(target: Target) -> Any:
    seen: list[Any] = []
    async with connected(target) as connection:
        await connection.execute("create table alots (id serial, a int unique, b text)")
        await connection.executemany("insert into alots (a, b) values ($1, $2)", [(n, f"b{n}") for n in range(300)])
        seen.append(await connection.fetchval("select sum(a) from alots"))
        doubled = connection.executemany("insert into alots (a) values ($1)", [(5000,), (5001,), (5000,), (5002,)])
        seen.append(await failing(doubled))
        seen.append(await connection.fetchval("select count(*) from alots where a >= 5000"))
        rows = await connection.fetchmany("insert into alots (a) values ($1) returning a", [(n,) for n in range(-5, 0)])
        seen.append([tuple(row) for row in rows])
        seen.append(await connection.execute("update alots set b = 'x' where a < 0"))
        seen.append([tuple(row) for row in await connection.fetch("delete from alots where a < 0 returning a, b")])
        await connection.execute("drop table alots")
    return seen


async def large(target: Target) -> Any:
    seen: list[Any] = []
    async with connected(target) as connection:
        rows = await connection.fetch("select n, repeat('x', n % 50), n::numeric / 7 from generate_series(1, 40000) n")
        seen.append(hashlib.sha256(repr([tuple(row) for row in rows]).encode()).hexdigest())
        seen.append(len(await connection.fetchval("select $1::bytea || $1::bytea", bytes(4_000_000))))
        text = "select " + ", ".join(f"${n}::int" for n in range(1, 1001))
        seen.append(sum(await connection.fetchrow(text, *range(1000))))
    return seen


async def notifications(target: Target) -> Any:
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    async with connected(target) as one, connected(target) as other:
        await one.add_listener("anews", lambda _connection, _pid, channel, said: heard.put_nowait((channel, said)))
        await other.execute("notify anews, 'simple'")
        await other.fetch("select pg_notify('anews', $1)", "extended")
        await one.execute("notify anews, 'own'")
        async with asyncio.timeout(20):
            seen = [await heard.get() for _ in range(3)]
        await one.reset()
    return sorted(seen)


async def cancelling(target: Target) -> Any:
    """A timeout and a cancelled task both send a cancel request, and the connection is good afterwards."""
    seen: list[Any] = []
    async with connected(target) as connection:
        try:
            await connection.fetch("select pg_sleep(30)", timeout=0.2)
        except TimeoutError:
            seen.append("timeout")
        seen.append(await connection.fetchval("select 1"))
        task = asyncio.ensure_future(connection.execute("select count(*) from generate_series(1, 2000000000)"))
        _, waiting = await asyncio.wait({task}, timeout=0.2)
        seen.append(len(waiting))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        seen.append(await connection.fetchval("select 2"))
    return seen


async def changed_plans(target: Target) -> Any:
    """asyncpg prepares again by itself outside of a transaction; inside it cannot."""
    seen: list[Any] = []
    async with connected(target) as connection, connected(target) as other:
        await other.execute("create table ashift (a int); ")
        try:
            await other.execute("insert into ashift values (1)")
            seen.append([tuple(row) for row in await connection.fetch("select * from ashift")])
            await other.execute("alter table ashift add column b text default 'new'")
            seen.append([tuple(row) for row in await connection.fetch("select * from ashift")])
            await other.execute("alter table ashift alter column a type bigint")
            async with connection.transaction():
                seen.append(await failing(connection.fetch("select * from ashift")))
        except asyncpg.InFailedSQLTransactionError as error:
            seen.append(told(error))
        finally:
            await other.execute("drop table ashift")
        seen.append(await failing(connection.fetch("select * from ashift")))
    return seen


async def session_state(target: Target) -> Any:
    seen: list[Any] = []
    messages: list[str] = []
    async with connected(target, server_settings={"application_name": "alive", "timezone": "Asia/Tokyo"}) as connection:
        connection.add_log_listener(lambda _connection, message: messages.append(message.message))
        seen.append(await connection.fetchval("select current_setting('application_name')"))
        seen.append(await connection.fetchval("select timestamptz '2026-01-01Z'::text"))
        await connection.execute("drop table if exists nothing_here")
        await connection.execute("create temporary table amine (id int)")
        await connection.execute("insert into amine values ($1)", 3)
        seen.append(await connection.fetchval("select id from amine where id = $1", 3))
        async with connection.transaction():
            await connection.execute("create schema aspace; ")
            await connection.execute("set local search_path = aspace")
            await connection.execute("create table t (x int)")
            await connection.execute("insert into t values ($1)", 4)
            seen.append(await connection.fetchval("select x from t"))
        seen.append(await connection.fetchval("select x from aspace.t"))
        seen.append(await failing(connection.fetchval("select x from t")))
        await connection.execute("drop schema aspace cascade")
        await connection.reset()
        seen.append(await connection.fetchval("show application_name"))
    return seen, messages


async def pools(target: Target) -> Any:
    """A pool under load: many sessions at once, each reset when it is given back."""
    encryption = ssl.create_default_context(cafile=str(target.ca)) if target.ca else False
    pool = asyncpg.create_pool(
        host="127.0.0.1", port=target.port, user=target.user, password=target.password, database=target.database,
        ssl=encryption, min_size=2, max_size=6,
    )  # fmt: skip
    async with pool:

        async def work(number: int) -> Any:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("set local work_mem = '5MB'")
                return await connection.fetchval("select $1::int * 2 where current_setting('work_mem') = '5MB'", number)

        found = await asyncio.gather(*(work(number) for number in range(60)))
    return sorted(found)


def _synchronous(scene: Callable[[Target], Awaitable[Any]]) -> Scene:
    async def bounded(target: Target) -> Any:
        async with asyncio.timeout(60):
            return await scene(target)

    return lambda target: asyncio.run(bounded(target))


SCENES: dict[str, Scene] = {
    scene.__name__.replace("_", " "): _synchronous(scene)
    for scene in (
        selects, types, transactions, errors, copies, cursors, many, large, notifications, cancelling, changed_plans,
        session_state, pools,
    )
}  # fmt: skip
