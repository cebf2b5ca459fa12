"""What changes past the gate is seen through it at once: nobody waits for the catalog's timer."""

from collections.abc import Iterator
from typing import Any

import drive_psycopg
import psycopg
import pytest
from rig import DATABASE, ROLE, Server, Target, datasource, gate

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("bounded")]
pytest_plugins = ["rigging"]


@pytest.fixture(scope="module")
def forgetful(server_18: Server) -> Iterator[Target]:
    """A gate that looks at the catalog again in an hour, if nobody makes it."""
    with gate(server_18, datasource(DATABASE, server_18.url(), catalog_refresh="1h")) as made:
        made.start()
        yield made.target()


@pytest.fixture
def truth(server_18: Server) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    with server_18.truth() as connection:
        connection.execute(f"set role {ROLE}".encode())
        yield connection
        connection.execute("drop schema if exists elsewhere cascade")


def test_tables_columns_and_functions(forgetful: Target, truth: "psycopg.Connection[tuple[Any, ...]]") -> None:
    with drive_psycopg.connect(forgetful, autocommit=True) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        truth.execute("create schema elsewhere; create table elsewhere.t (a int); insert into elsewhere.t values (1)")
        assert connection.execute("select a from elsewhere.t").fetchone() == (1,)
        truth.execute("alter table elsewhere.t add column b int default 2")
        assert connection.execute("select b from elsewhere.t").fetchone() == (2,)
        assert connection.execute("select * from elsewhere.t where b = 2").fetchone() == (1, 2)
        connection.execute("update elsewhere.t set b = b + 1 where a = 1")
        truth.execute("create view elsewhere.v as select b from elsewhere.t")
        assert connection.execute("select b from elsewhere.v").fetchone() == (3,)
        truth.execute("drop view elsewhere.v; drop table elsewhere.t; create table elsewhere.t (c text)")
        assert connection.execute("select count(c) from elsewhere.t").fetchone() == (0,)
        truth.execute("alter table elsewhere.t rename to u")
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("select c from elsewhere.t")
        assert connection.execute("select count(*) from elsewhere.u").fetchone() == (0,)
        truth.execute("create function elsewhere.f() returns int language sql as 'select 5'")
        assert connection.execute("select elsewhere.f()").fetchone() == (5,)


def test_tables_for_a_session_that_has_temporary_ones(
    forgetful: Target, truth: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    with drive_psycopg.connect(forgetful, autocommit=True) as connection:
        connection.execute("create temporary table own (id int)")
        connection.execute("select * from own")
        truth.execute("create schema elsewhere; create table elsewhere.later (a int)")
        assert connection.execute("select a from elsewhere.later").fetchall() == []
        for _ in range(2):
            with pytest.raises(psycopg.errors.UndefinedTable):
                connection.execute("select a from elsewhere.never")


def test_a_statement_that_was_prepared_before(forgetful: Target, truth: "psycopg.Connection[tuple[Any, ...]]") -> None:
    truth.execute("create schema elsewhere; create table elsewhere.p (a int)")
    with drive_psycopg.connect(forgetful, autocommit=True) as connection:
        for _ in range(2):
            assert connection.execute("select * from elsewhere.p", prepare=True).fetchall() == []
        truth.execute("alter table elsewhere.p add column b int")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="cached plan must not change result type"):
            connection.execute("select * from elsewhere.p", prepare=True)
        connection.execute("deallocate all")
        assert connection.execute("select * from elsewhere.p", prepare=True).description is not None
