"""The suite runs the hot path twice, compiled and plain; here it makes sure that it runs what it says."""

import importlib
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def hot_path() -> list[str]:
    source = (ROOT / "setup.py").read_text(encoding="utf-8")
    listed = source.partition("HOT_PATH = (")[2].partition(")")[0]
    names = [line.strip().strip('",') for line in listed.splitlines() if line.strip()]
    return [name.removeprefix("src/").removesuffix(".py").replace("/", ".") for name in names]


@pytest.mark.parametrize("name", hot_path())
def test_the_hot_path_is_of_the_flavour_that_was_asked_for(name: str) -> None:
    flavour = os.environ.get("OSTIARY_FLAVOUR")
    if flavour is None:
        pytest.skip("no flavour was asked for")
    file = importlib.import_module(name).__file__
    assert file is not None
    assert file.endswith(".so") == (flavour == "compiled"), f"{name} came from {file}"
