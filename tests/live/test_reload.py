"""A policy that changes while sessions go on: nothing that was made under the old one shows what the new one hides."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from rig import DATABASE, Gate, Server, datasource, gate

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("bounded")]
pytest_plugins = ["rigging"]

CLEAR = """
@id("staff-read") permit (principal in Ostiary::Group::"staff", action, resource);
"""
HIDDEN = """
@id("staff-read")
permit (
  principal in Ostiary::Group::"staff",
  action in [Ostiary::Action::"connect", Ostiary::Action::"read"],
  resource
);
"""
CLASSES = """
[columns]
"public.people.*" = "none"
"public.people.email" = "pii.email"
[masks]
"pii.email" = { mask = "constant", value = "hidden" }
"""
SECRET = "ada@example.net"
Reload = Callable[[str], None]


@pytest.fixture
def made(server_18: Server) -> Iterator[Gate]:
    with server_18.truth() as truth:
        truth.execute(b"create table if not exists people(id int, email text)")
        truth.execute(b"truncate people")
        truth.execute(b"insert into people values (1, 'ada@example.net')")
        truth.execute(b"grant select on people to gate")
    with gate(server_18, datasource(DATABASE, server_18.url(), classes="classes.toml"), policy=CLEAR) as one:
        (one.folder / "classes.toml").write_text(CLASSES)
        one.start()
        yield one


def reload(made: Gate, policy: str) -> None:
    """SIGHUP, and wait until the record says that the policies were read again."""
    before = len(made.records("--type", "event"))
    (made.folder / "policy" / "live.cedar").write_text(policy)
    os.kill(made.running.pid, signal.SIGHUP)
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        if any(one.get("event") == "reload" for one in made.records("--type", "event")[before:]):
            return
    raise AssertionError("the policies were not read again")


def connected(made: Gate) -> "psycopg.Connection[tuple[Any, ...]]":
    target = made.target()
    parameters = target.libpq() | {"password": made.token("mia", "staff")}
    return psycopg.connect(**parameters, autocommit=True)


def test_what_is_asked_after_the_reload_is_masked(made: Gate) -> None:
    with connected(made) as session:
        assert session.execute("select email from people").fetchall() == [(SECRET,)]
        reload(made, HIDDEN)
        assert session.execute("select email from people").fetchall() == [("hidden",)]


def test_a_statement_that_sql_prepared_before_shows_nothing_after(made: Gate) -> None:
    with connected(made) as session:
        session.execute("prepare p as select email from people")
        assert session.execute("execute p").fetchall() == [(SECRET,)]
        reload(made, HIDDEN)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("execute p")


def test_a_cursor_from_before_shows_nothing_after(made: Gate) -> None:
    with connected(made) as session, session.transaction():
        session.execute("declare c cursor with hold for select email from people")
        reload(made, HIDDEN)
        with pytest.raises(psycopg.errors.InsufficientPrivilege), session.transaction():
            session.execute("fetch all from c")


def test_a_statement_that_the_driver_prepared_before_shows_nothing_after(made: Gate) -> None:
    with connected(made) as session:
        session.prepare_threshold = 0
        text = "select email from people where id = %s"
        assert session.execute(text, (1,)).fetchall() == [(SECRET,)]
        assert session.execute(text, (1,)).fetchall() == [(SECRET,)]
        reload(made, HIDDEN)
        try:
            shown = session.execute(text, (1,)).fetchall()
        except psycopg.errors.FeatureNotSupported:
            shown = []
        assert (SECRET,) not in shown
