"""Ends that come by the wall clock, however it is set."""

import asyncio

import pytest
from relay import Run

from ostiary.server import timers
from ostiary.server.timers import Deadline, WallClockTimer

pytest_plugins = ["loops"]


def test_a_clock_that_is_set_forward_ends_what_is_due(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "RECHECK", 0.01)
    clock = [1000.0]

    async def test() -> None:
        fired = asyncio.Event()
        WallClockTimer(asyncio.get_running_loop(), 90_000.0, fired.set, lambda: clock[0])
        clock[0] = 90_001.0
        await fired.wait()

    run(test())


def test_a_clock_that_is_set_back_ends_nothing_early(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "RECHECK", 0.01)
    clock = [1000.0]
    looks = 0

    def now() -> float:
        nonlocal looks
        looks += 1
        return clock[0]

    async def test() -> None:
        fired: list[int] = []
        timer = WallClockTimer(asyncio.get_running_loop(), 1000.02, lambda: fired.append(1), now)
        clock[0] = 0.0
        while looks < 10:
            await asyncio.sleep(0)
        timer.stop()
        assert fired == []

    run(test())


def test_a_new_deadline_takes_the_place_of_the_old(run: Run) -> None:
    async def test() -> None:
        told: list[str] = []
        done = asyncio.Event()
        deadline = Deadline(asyncio.get_running_loop())
        deadline.after(0.0, lambda: told.append("old"))
        deadline.after(0.01, done.set)
        await done.wait()
        assert told == []

    run(test())
