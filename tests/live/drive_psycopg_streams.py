"""psycopg 3, what flows: COPY, cursors, pipelines, large results, notifications, cancelling. See drive_psycopg."""

import hashlib
import select
import threading
from decimal import Decimal
from typing import Any

import psycopg
from drive_psycopg import Connection, Scene, connect, failing, told
from psycopg import pq
from rig import Target


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
    "copies": copies, "cursors": cursors, "pipelines": pipelines, "large": large, "notifications": notifications,
    "cancelling": cancelling, "single rows": single_rows,
}  # fmt: skip
