"""`ostiary policy explain` against a real database: it says what the gate would, and changes nothing."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner

from ostiary.cli.init import write_configuration
from ostiary.cli.policy import policy
from ostiary.demo.cluster import Cluster

pytestmark = pytest.mark.live

CLASSES = '[columns]\n"public.tickets.*" = "none"\n'


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("explain")
    with Cluster() as cluster:
        asyncio.run(_table(cluster))
        write_configuration(folder, url=f"postgresql://postgres@{cluster.host}:{cluster.port}/postgres", name="orders")
        (folder / "password").write_text(cluster.password)
        (folder / "password").chmod(0o600)
        (folder / "classes.toml").write_text(CLASSES)
        file = folder / "ostiary.toml"
        file.write_text(re.sub(r"(?m)^password_env.*$", 'password_file = "password"', file.read_text()))
        yield file


async def _table(cluster: Cluster) -> None:
    connection = await asyncpg.connect(cluster.url())
    await connection.execute("create table tickets (id int primary key, status text)")
    await connection.close()


def explain(configuration: Path, sql: str, *who: str) -> dict[str, Any]:
    shared = ("--config", str(configuration), "--database", "orders", "--sql", sql, "--json")
    result = CliRunner().invoke(policy, ["explain", *shared, *who], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


SUPPORT = ("--as", "bot", "--kind", "agent", "--group", "support-agents")
FOR_MARIA = ("--on-behalf-of", "maria", "--on-behalf-of-group", "support")


def test_a_read_is_explained_with_what_was_asked(configuration: Path) -> None:
    said = explain(configuration, "select id from tickets", "--as", "ann", "--group", "analysts")
    assert said["allowed"]
    assert said["policies"] == ["analysts-read"]
    assert [(one["action"], one["resource"]) for one in said["asked"]] == [
        ("read", 'Ostiary::Relation::"orders.public.tickets"')
    ]


def test_a_claimed_ticket_is_told_from_a_proved_one(configuration: Path) -> None:
    update = "update tickets set status = 'solved' where id = 1"
    proved = explain(configuration, update, *SUPPORT, *FOR_MARIA, "--ticket", "T-1")
    assert (proved["allowed"], proved["max_rows"]) == (True, 10)
    claimed = explain(configuration, update, *SUPPORT, *FOR_MARIA, "--ticket", "T-1", "--claimed")
    assert (claimed["allowed"], claimed["code"]) == (False, "approval-required")
    assert "proves a ticket" in claimed["hint"]


def test_both_parties_are_asked(configuration: Path) -> None:
    said = explain(configuration, "select 1", *SUPPORT, "--on-behalf-of", "stranger")
    assert said["message"] == 'human "stranger", for whom agent "bot" acts, may not connect to database orders'


def test_looking_keeps_nothing(configuration: Path) -> None:
    explain(configuration, "select id from tickets", "--as", "ann", "--group", "analysts")
    assert {path.name for path in configuration.parent.iterdir()} == {
        "ostiary.toml",
        "classes.toml",
        "password",
        "policy",
    }
