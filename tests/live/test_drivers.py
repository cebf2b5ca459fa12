"""Five drivers, each the same program run past the gate and through it: they see the same, to the last message."""

from collections.abc import Callable
from typing import Any

import drive_asyncpg
import drive_pg8000
import drive_psql
import drive_psycopg
import drive_psycopg_sessions
import drive_psycopg_streams
import drive_sqlalchemy
import pytest
from rig import Target

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("bounded")]
pytest_plugins = ["rigging"]

Scene = Callable[[Target], Any]

DRIVERS: dict[str, dict[str, Scene]] = {
    "psycopg": drive_psycopg.SCENES | drive_psycopg_sessions.SCENES | drive_psycopg_streams.SCENES,
    "asyncpg": drive_asyncpg.SCENES,
    "pg8000": drive_pg8000.SCENES,
    "SQLAlchemy": drive_sqlalchemy.SCENES,
    "psql": drive_psql.SCENES,
}
SCENES = [
    pytest.param(scene, id=f"{driver}: {name}") for driver, scenes in DRIVERS.items() for name, scene in scenes.items()
]


@pytest.mark.parametrize("scene", SCENES)
def test_a_program_sees_the_same_through_the_gate(scene: Scene, ways: tuple[Target, Target]) -> None:
    direct, through = ways
    assert scene(through) == scene(direct)
