"""psql as a program: scripts in, everything that it writes out. See drive_psycopg."""

import os
import re
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

from rig import Target

Scene = Callable[[Target], Any]

SCRIPTS = {
    "statements": r"""
        select 1 as a, 'zwei' as b, null as c;
        select n, n * 1.5 from generate_series(1, 3) n \gx
        select 1; select 2; select 3 where false;
        \pset null (nothing)
        select null::int, array[1,null], '{"a": 1}'::jsonb, timestamptz '2026-01-01Z', 1e100::numeric;
        ;
        select 'set' as name \gset
        \echo :name
        select format('select %s as made', n) from generate_series(1, 3) n \gexec
        select $1::int + $2 \bind 1 2 \g
        """,
    "errors": r"""
        select 1/0;
        selec 1;
        select 'x'::int;
        select
          1,
          2 +;
        \echo :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE
        insert into no_such_table values (1);
        \echo :SQLSTATE
        begin;
        select 1/0;
        select 2;
        commit;
        \set ON_ERROR_STOP 1
        select 5;
        drop table no_such_table_at_all;
        select 'never reached';
        """,
    "savepoints": r"""
        create temporary table spots (id int primary key);
        \set ON_ERROR_ROLLBACK on
        begin;
        insert into spots values (1);
        insert into spots values (1);
        insert into spots values (2);
        commit;
        select * from spots;
        \set AUTOCOMMIT off
        insert into spots values (3);
        rollback;
        select * from spots;
        """,
    "copies": r"""
        create temporary table copied (id int, note text);
        copy copied from stdin;
1	one
2	\N
\.
        \copy copied from program 'printf "3,three\n4,four\n"' csv
        copy copied to stdout csv header;
        \copy (select * from copied where id > 2) to stdout
        copy copied from stdin;
x	y
\.
        select count(*) from copied;
        """,
    "cursors": r"""
        begin;
        declare c scroll cursor with hold for select n from generate_series(1, 10) n;
        fetch 3 from c; fetch backward 1 from c; move 2 in c;
        commit;
        fetch all from c;
        close c;
        \set FETCH_COUNT 7
        select n, repeat('x', n) from generate_series(1, 30) n;
        """,
    "names": r"""
        create schema here; set search_path = here, public;
        create table things (id serial primary key, name text unique);
        insert into things (name) values ('a'), ('b') returning *;
        prepare finding as select name from things where id = $1;
        execute finding(2);
        begin; set local search_path = public; select * from things; rollback;
        begin; create table later (x int); insert into later values (1); table later; rollback;
        table later;
        listen news; notify news, 'from psql'; select 1;
        drop schema here cascade;
        \echo :ROW_COUNT
        """,
}


def run(target: Target, script: str, *options: str) -> dict[str, Any]:
    """What psql wrote and how it ended. The password travels in its environment, never on its command line."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "PGPASSWORD": target.password, "HOME": "/",
        "PGSSLMODE": "verify-full" if target.ca else "disable", "PGSSLROOTCERT": str(target.ca or "none"),
        "PGHOST": "127.0.0.1", "PGPORT": str(target.port), "PGUSER": target.user, "PGDATABASE": target.database,
    }  # fmt: skip
    command = [str(target.programs / "psql"), "--no-psqlrc", *options]
    done = subprocess.run(
        command, input=script.encode(), capture_output=True, timeout=60, check=False, env=environment, cwd="/"
    )
    said = {"exit": done.returncode, "out": done.stdout.decode(), "errors": done.stderr.decode()}
    # Process ids differ, of whichever way.
    return {key: re.sub(r"PID \d+", "PID", value) if isinstance(value, str) else value for key, value in said.items()}


def told(said: dict[str, Any]) -> dict[str, Any]:
    """Of names that nobody knows the gate does not know the place, and has its own hint."""
    lines = str(said["errors"]).splitlines()
    unknown = [at for at, line in enumerate(lines) if 'relation "' in line and line.endswith("does not exist")]
    unknown += [at for at, line in enumerate(lines) if 'table "' in line and line.endswith("does not exist")]
    dropped: set[int] = set()
    for at in unknown:
        after = at + 1
        while after < len(lines) and lines[after].startswith(("LINE", "HINT", " ")):
            dropped.add(after)
            after += 1
    return said | {"errors": [line for at, line in enumerate(lines) if at not in dropped]}


def scene(script: str, target: Target) -> Any:
    lines = "\n".join(line.removeprefix("        ") for line in script.splitlines())
    return told(run(target, lines))


SCENES: dict[str, Scene] = {name: partial(scene, script) for name, script in SCRIPTS.items()}
