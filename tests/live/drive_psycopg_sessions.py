"""psycopg 3, what a session is: its names, its transactions, its plans, and what others change. See drive_psycopg."""

from typing import Any

import psycopg
from drive_psycopg import Scene, connect, failing, told
from rig import Target


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


SCENES: dict[str, Scene] = {
    "two phase": two_phase, "unanalysed": unanalysed, "changed plans": changed_plans, "session state": session_state,
    "search paths": search_paths, "prepares": prepares,
}  # fmt: skip
