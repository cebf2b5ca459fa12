"""A gate's side of its log: told means durable in another process, and a lost process means that nothing is durable."""

import asyncio
import itertools
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.model.errors import LogUnavailable
from ostiary.settings import Durability
from ostiary.store.pipe import DURABLE, FAILED, Answer, Answers, Records, framed
from ostiary.store.reader import newest_first, verify_folder
from ostiary.store.recording import Recording

Fate = LogUnavailable | None


def leaf(number: int) -> bytes:
    return orjson.dumps({"number": number})


def run(
    state: Path, work: Callable[[Recording], Awaitable[object]], durability: Durability = Durability.STRICT
) -> None:
    async def whole() -> None:
        loop = asyncio.get_running_loop()
        recording = Recording.open(state, durability=durability, loop=loop, on_failure=lambda _: None)
        try:
            await work(recording)
        finally:
            recording.close()

    asyncio.run(whole())


def appended(recording: Recording, number: int) -> "asyncio.Future[Fate]":
    future: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
    recording.append(leaf(number), future.set_result)
    return future


@pytest.mark.parametrize("durability", Durability)
def test_what_was_told_durable_is_in_the_log_in_order(tmp_path: Path, durability: Durability) -> None:
    async def work(recording: Recording) -> None:
        fates = [appended(recording, number) for number in range(500)]
        assert await asyncio.gather(*fates) == [None] * 500

    run(tmp_path, work, durability)
    kept = [orjson.loads(record)["number"] for _, record in newest_first(tmp_path)]
    assert kept == list(range(499, -1, -1))
    assert verify_folder(tmp_path).damages == []


def test_nobody_waits_for_a_process_that_is_gone(tmp_path: Path) -> None:
    lost: list[LogUnavailable] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        recording = Recording.open(tmp_path, durability=Durability.STRICT, loop=loop, on_failure=lost.append)
        assert await appended(recording, 1) is None
        os.kill(recording.process_id, signal.SIGKILL)
        fates = await asyncio.gather(*(appended(recording, number) for number in range(2, 10)))
        assert all(isinstance(fate, LogUnavailable) for fate in fates)
        assert isinstance(await appended(recording, 10), LogUnavailable)
        with pytest.raises(LogUnavailable):
            recording.close()

    asyncio.run(work())
    assert len(lost) == 1
    # What was told durable is there, and the folder can be opened again.
    run(tmp_path, lambda recording: appended(recording, 11))
    kept = {orjson.loads(record).get("number") for _, record in newest_first(tmp_path)}
    assert {1, 11} <= kept
    assert verify_folder(tmp_path).damages == []


def test_a_folder_has_one_gate(tmp_path: Path) -> None:
    async def work(recording: Recording) -> None:
        with pytest.raises(LogUnavailable, match="another gate"):
            Recording.open(
                tmp_path,
                durability=Durability.STRICT,
                loop=asyncio.get_running_loop(),
                on_failure=lambda _: None,
            )

    run(tmp_path, work)


def test_a_leaf_that_is_too_long_is_refused_at_once(tmp_path: Path) -> None:
    async def work(recording: Recording) -> None:
        with pytest.raises(ValueError, match="at most"):
            recording.append(b"x" * 65_536)

    run(tmp_path, work)


@given(records=st.lists(st.binary(max_size=300), max_size=20), cuts=st.lists(st.integers(0, 6000), max_size=10))
def test_records_come_out_as_they_went_in_however_the_bytes_are_cut(records: list[bytes], cuts: list[int]) -> None:
    data, reader, found = framed(records), Records(), []
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in itertools.pairwise(edges):
        found += reader.taken(data[start:end])
    assert found == records


@given(
    answers=st.lists(
        st.builds(Answer, st.sampled_from([DURABLE, FAILED]), st.integers(0, 2**32 - 1), st.text(max_size=50)),
        max_size=10,
    ),
    size=st.integers(1, 50),
)
def test_answers_come_out_as_they_went_in_however_the_bytes_are_cut(answers: list[Answer], size: int) -> None:
    data, reader = b"".join(answer.encoded() for answer in answers), Answers()
    found = [one for at in range(0, len(data), size) for one in reader.taken(data[at : at + size])]
    assert found == answers
