"""The shop's database: its roles and its data.

The one rule: what the gate logs in with is no superuser; it may do what the shop's owner may, and nothing else.
"""

import secrets
from dataclasses import dataclass
from importlib import resources

import asyncpg

from ostiary.demo.cluster import Cluster

DATABASE = "shop"
OWNER = "shop_owner"
GATE = "gate"


@dataclass(frozen=True, slots=True)
class Shop:
    """How to reach the shop without the gate (`truth_url`, for checking), and what the gate itself uses."""

    truth_url: str
    gate_url: str
    gate_password: str


async def build(cluster: Cluster) -> Shop:
    """Make roles, database and data in a fresh cluster."""
    password = secrets.token_urlsafe(24)
    connection = await asyncpg.connect(cluster.url())
    try:
        await connection.execute(f"create role {OWNER} nologin")
        # A quoted literal: CREATE ROLE takes no parameters, and the URL-safe alphabet has no quote.
        await connection.execute(f"create role {GATE} login password '{password}' in role {OWNER}")
        await connection.execute(f"create database {DATABASE} owner {OWNER}")
    finally:
        await connection.close()
    connection = await asyncpg.connect(cluster.url(DATABASE))
    try:
        await connection.execute(f"grant set on parameter session_replication_role to {OWNER}")
        await connection.execute(f"set role {OWNER}")
        await connection.execute(resources.files("ostiary.demo").joinpath("shop.sql").read_text(encoding="utf-8"))
        await connection.execute(f"reset role; revoke set on parameter session_replication_role from {OWNER}")
    finally:
        await connection.close()
    return Shop(
        truth_url=cluster.url(DATABASE),
        gate_url=f"postgresql://{GATE}@{cluster.host}:{cluster.port}/{DATABASE}",
        gate_password=password,
    )
