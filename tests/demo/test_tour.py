"""The tour, walked as `make tour` walks it."""

import json
import subprocess
import sys

import pytest

from ostiary.demo.tour import STEPS

pytestmark = pytest.mark.live


def test_every_step_of_the_tour_is_ok_and_nothing_but_json_is_on_standard_output() -> None:
    command = [sys.executable, "-m", "ostiary", "demo", "--tour"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step for step in said if not step["ok"]] == [], done.stderr
    assert [step["step"] for step in said] == ["start", *(name for name, _ in STEPS), "end"]
    assert done.returncode == 0
