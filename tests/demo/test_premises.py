"""The demo's own server and data, live."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from ostiary.analysis.catalog import CATALOG_QUERY, from_json
from ostiary.datasources.classes import class_map, read_class_file
from ostiary.demo.cluster import Cluster, ClusterFailed
from ostiary.demo.premises import write_configuration
from ostiary.demo.shop import build
from ostiary.model.mask import UNCLASSIFIED, Unclassified
from ostiary.model.names import RelationName
from ostiary.settings import read_settings

pytestmark = pytest.mark.live

TABLES = ("customers", "products", "orders", "order_items", "tickets")


def test_a_server_lets_in_its_password_only_and_leaves_nothing_behind() -> None:
    with Cluster() as cluster:
        folder = cluster.data.parent
        asyncio.run(_knock(cluster))
    assert not folder.exists()
    with pytest.raises(ClusterFailed):
        _ = cluster.process_id


async def _knock(cluster: Cluster) -> None:
    connection = await asyncpg.connect(cluster.url())
    assert await connection.fetchval("show server_encoding") == "UTF8"
    await connection.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(cluster.url(password="not-the-password"))


def test_a_server_that_cannot_start_says_why_and_leaves_nothing_behind(tmp_path: Path) -> None:
    cluster = Cluster(settings={"no_such_setting_of_postgresql": "1"})
    with pytest.raises(ClusterFailed, match="no_such_setting_of_postgresql"):
        cluster.start()
    with pytest.raises(ClusterFailed, match="not been started"):
        _ = cluster.data


def test_the_shop_is_the_same_every_time_and_every_column_of_it_is_classified(tmp_path: Path) -> None:
    with Cluster() as cluster:
        asyncio.run(_look(cluster, tmp_path))


async def _look(cluster: Cluster, folder: Path) -> None:
    shop = await build(cluster)
    write_configuration(folder, shop, 0)
    settings = read_settings(folder / "ostiary.toml")
    truth = await asyncpg.connect(shop.truth_url)
    counts = [await truth.fetchval(f"select count(*) from {table}") for table in TABLES]
    assert counts == [20_000, 400, 60_000, 120_206, 8_000]
    assert await truth.fetchval("select email from customers where id = 3") == "yara.brandt3@example.net"
    assert await truth.fetchval("select rolsuper from pg_roles where rolname = 'gate'") is False
    catalog = from_json(await truth.fetchval(CATALOG_QUERY))
    await truth.close()
    classes = class_map(read_class_file(folder / "classes.toml"), catalog, Unclassified.DENY, {})
    for table in TABLES:
        relation = catalog.relations[RelationName("public", table)]
        unclassified = [
            one.name for one in relation.columns if classes.class_of(relation.name, one.name) == UNCLASSIFIED
        ]
        assert unclassified == []
    gate = await asyncpg.connect(shop.gate_url, password=shop.gate_password)
    assert await gate.fetchval("select count(*) from customers") == 20_000
    await gate.close()
    assert settings.databases["shop"].port == cluster.port
