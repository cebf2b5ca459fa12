"""psql's meta-commands ask the system catalogs everything there is: whoever sees everything gets the same answers."""

from collections.abc import Iterator

import pytest
from drive_psql import run
from rig import ROLE, Gate

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("bounded")]
pytest_plugins = ["rigging"]

SCHEMA = """
create table meta_people (id serial primary key, name varchar(40) not null default 'nobody', born date,
  constraint grown check (born < '2026-01-01'));
create table meta_orders (id bigint generated always as identity primary key, amount numeric(8,2),
  person int references meta_people (id) on delete cascade);
create index meta_by_name on meta_people (lower(name)) where born is not null;
create view meta_names as select id, upper(name) as name from meta_people;
create materialized view meta_sums as select person, sum(amount) from meta_orders group by 1;
create table meta_parted (at date, what text) partition by range (at);
create table meta_parted_2026 partition of meta_parted for values from ('2026-01-01') to ('2027-01-01');
create function meta_adding(a int, b int default 1) returns int language sql immutable as 'select a + b';
create procedure meta_doing() language plpgsql as 'begin null; end';
create type meta_mood as enum ('calm', 'cross');
create domain meta_positive as int check (value > 0);
create sequence meta_counter;
create schema meta_more;
comment on table meta_people is 'who there is';
create trigger meta_trigger before update on meta_people
  for each row execute function suppress_redundant_updates_trigger();
alter table meta_people enable row level security;
create policy meta_all on meta_people using (true);
create statistics meta_statistics on id, name from meta_people;
grant select on meta_people to public;
"""

COMMANDS = (
    r"\d", r"\d+", r"\dt", r"\dt+", r"\d+ meta_people", r"\d meta_orders", r"\d meta_names", r"\d+ meta_names",
    r"\d meta_parted", r"\d+ meta_sums", r"\d meta_by_name", r"\d meta_counter", r"\l", r"\du", r"\du+", r"\df",
    r"\df+ meta_*", r"\df pg_catalog.lower", r"\dn", r"\dn+", r"\dv", r"\dv+", r"\dm", r"\di", r"\di+", r"\ds", r"\dT",
    r"\dT+ meta_*", r"\dD", r"\dp", r"\ddp", r"\dx", r"\dC", r"\do pg_catalog.@>", r"\dc", r"\db", r"\dO", r"\dL",
    r"\dy", r"\dP", r"\dRp", r"\dRs", r"\drds", r"\des", r"\dF", r"\dX", r"\dconfig work_mem", r"\sf meta_adding",
    r"\sv meta_names", r"\z", r"\da pg_catalog.sum", r"\dA", r"\dg", r"\d no_such_table", r"\encoding", r"\dE", r"\dd",
)  # fmt: skip


@pytest.fixture(scope="module", params=["gate_18", "gate_15"])
def furnished(request: pytest.FixtureRequest) -> Iterator[Gate]:
    gate: Gate = request.getfixturevalue(request.param)
    with gate.server.truth() as connection:
        connection.execute(f"set role {ROLE}".encode())
        connection.execute(SCHEMA.encode())
        # Sizes that \d+ shows change with statistics and vacuum: nothing of that happens between two looks.
        connection.execute("alter table meta_people set (autovacuum_enabled = off)")
        yield gate
        connection.execute("drop schema meta_more; drop table meta_people, meta_orders, meta_parted cascade")
        connection.execute("drop function meta_adding; drop procedure meta_doing; drop type meta_mood")
        connection.execute("drop domain meta_positive; drop sequence meta_counter")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_meta_command_shows_the_same_through_the_gate(command: str, furnished: Gate) -> None:
    listener = 1 if furnished.server.ca else 0
    direct, through = furnished.server.direct(), furnished.target(listener=listener)
    seen = run(through, command)
    assert seen == run(direct, command)
    assert seen["out"] or seen["errors"]
