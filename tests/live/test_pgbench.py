"""pgbench's TPC-B through the gate: no error, and the record holds its statements, each of them, once.

OSTIARY_PGBENCH_SECONDS=60 runs it for as long as the figures of the product ask.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import orjson
import psycopg
import pytest
from rig import DATABASE, Gate, Server, Target, datasource, gate

from ostiary.store.reader import newest_first

SECONDS = float(os.environ.get("OSTIARY_PGBENCH_SECONDS", "4"))
SHORT = SECONDS <= 10

pytestmark = [pytest.mark.live, *([pytest.mark.usefixtures("bounded")] if SHORT else [])]
pytest_plugins = ["rigging"]

CLIENTS = 8
SCRIPT = ("BEGIN", "UPDATE", "SELECT", "UPDATE", "UPDATE", "INSERT", "COMMIT")
PREPARATION = ("SELECT", "SELECT", "VACUUM", "VACUUM", "TRUNCATE TABLE")
"""What pgbench asks before it begins: how many branches, which partitions; then it tidies up (pgbench.c, main)."""


def pgbench(target: Target, *options: str) -> str:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PGPASSWORD": target.password, "LC_ALL": "C"}
    command = [str(target.programs / "pgbench"), "-h", "127.0.0.1", "-p", str(target.port), "-U", target.user, *options]
    done = subprocess.run(
        [*command, target.database], capture_output=True, text=True, env=environment, check=False, timeout=SECONDS + 60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def bench(server_18: Server) -> Iterator[Server]:
    pgbench(server_18.direct(), "-i", "-s", "10", "-q")
    yield server_18
    with psycopg.connect(**server_18.direct().libpq()) as connection:
        connection.execute("drop table pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers")


def _counted(made: Gate) -> tuple[Counter[str], Counter[str]]:
    """Intents by tag, outcomes by kind. Everything else is an event."""
    tags: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for _, leaf in newest_first(made.state):
        record = orjson.loads(leaf)
        if record["type"] == "intent":
            assert record["verdict"] == "permit"
            tags.update(one["tag"] for one in record["statements"])
        elif record["type"] == "outcome":
            kinds[record["kind"]] += 1
    return tags, kinds


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_the_record_holds_every_statement_of_a_benchmark_once(mode: str, bench: Server) -> None:
    seconds = SECONDS if mode == "simple" else min(SECONDS, 2.0)
    with gate(bench, datasource(DATABASE, bench.url())) as made:
        made.start()
        said = pgbench(made.target(), "-M", mode, "-c", str(CLIENTS), "-j", "2", "-T", str(int(seconds)))
        sys.stdout.write(said)
        done = re.search(r"transactions actually processed: (\d+)", said)
        assert done is not None
        assert "number of failed transactions: 0 " in said
        assert made.stop() == 0
        transactions = int(done[1])
        assert transactions > 0
        tags, kinds = _counted(made)
        expected = Counter({tag: count * transactions for tag, count in Counter(SCRIPT).items()}) + Counter(PREPARATION)
        assert tags == expected
        assert kinds == Counter({"done": expected.total()})
        verified = made.verified()
        assert verified["ok"], verified["damages"]
