"""Five drivers, each the same program run past the gate and through it: they see the same, to the last message."""

import drive_psycopg
import pytest
from rig import Target

pytestmark = pytest.mark.live
pytest_plugins = ["rigging"]

DRIVERS = {"psycopg": drive_psycopg.SCENES}
SCENES = [
    pytest.param(scene, id=f"{driver}: {name}") for driver, scenes in DRIVERS.items() for name, scene in scenes.items()
]


@pytest.mark.parametrize("scene", SCENES)
def test_a_program_sees_the_same_through_the_gate(scene: drive_psycopg.Scene, ways: tuple[Target, Target]) -> None:
    direct, through = ways
    assert scene(through) == scene(direct)
