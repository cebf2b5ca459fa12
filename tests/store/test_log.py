"""What the log promises: told means durable, not durable means told, and it recovers by itself."""

import errno
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from ostiary.model.errors import LogUnavailable
from ostiary.settings import Durability
from ostiary.store.files import Files
from ostiary.store.log import QUEUE, Log
from ostiary.store.reader import newest_first, verify_folder

SMALL = 256 << 10


def calling(call: Callable[[], None]) -> None:
    call()


def opened(state: Path, durability: Durability = Durability.STRICT, files: Files | None = None) -> Log:
    return Log.open(state, durability=durability, call_soon=calling, files=files, segment_bytes=SMALL)


class Answers:
    """Collects what the log says to those who wait."""

    def __init__(self) -> None:
        self.given: list[LogUnavailable | None] = []
        self._changed = threading.Condition()

    def __call__(self, failure: LogUnavailable | None) -> None:
        with self._changed:
            self.given.append(failure)
            self._changed.notify_all()

    def wait(self, count: int) -> list[LogUnavailable | None]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.given) >= count, 20)
        return self.given


def append(log: Log, *records: bytes) -> list[LogUnavailable | None]:
    answers = Answers()
    for record in records:
        log.append(record, answers)
    return answers.wait(len(records))


def kept(state: Path) -> list[bytes]:
    return [leaf for _, leaf in newest_first(state)][::-1]


def events(state: Path) -> list[str]:
    return [orjson.loads(leaf)["event"] for leaf in kept(state) if leaf.startswith(b'{"v":1,"type":"event"')]


@pytest.mark.parametrize("durability", list(Durability))
def test_records_are_kept_in_order_across_openings(tmp_path: Path, durability: Durability) -> None:
    wanted = [b"record %d" % number for number in range(700)]
    for part in (wanted[:300], wanted[300:600], wanted[600:]):
        log = opened(tmp_path, durability)
        assert append(log, *part) == [None] * len(part)
        log.close()
    assert kept(tmp_path) == wanted
    assert verify_folder(tmp_path).sound


def test_what_was_told_can_be_read_by_others_before_any_checkpoint(tmp_path: Path) -> None:
    log = opened(tmp_path)
    assert append(log, b"one", b"two") == [None, None]
    assert kept(tmp_path) == [b"one", b"two"]
    assert log.size == 2
    log.close()


def test_a_group_is_answered_with_one_call(tmp_path: Path) -> None:
    calls: list[Callable[[], None]] = []
    called = threading.Event()

    def call_soon(call: Callable[[], None]) -> None:
        calls.append(call)
        called.set()

    class Slow(Files):
        release = threading.Event()

        def sync(self, fd: int) -> None:
            if self.armed:
                self.syncing.set()
                assert self.release.wait(10)
            super().sync(fd)

        armed = False
        syncing = threading.Event()

    files = Slow()
    log = Log.open(tmp_path, durability=Durability.STRICT, call_soon=call_soon, files=files)
    files.armed = True
    answers = Answers()
    log.append(b"first", answers)
    assert files.syncing.wait(10)
    for _ in range(50):
        log.append(b"meanwhile", answers)
    files.release.set()
    log.close()
    for call in calls:
        call()
    assert len(calls) == 2
    assert answers.given == [None] * 51


def test_segments_give_way_to_tiles(tmp_path: Path) -> None:
    log = opened(tmp_path)
    for _ in range(8):
        assert append(log, *[b"x" * 60_000] * 8) == [None] * 8
    log.close()
    assert list((tmp_path / "segments").iterdir()) == []
    assert verify_folder(tmp_path).signed == 64


def test_the_longest_entry_fits_and_a_longer_one_is_refused(tmp_path: Path) -> None:
    log = opened(tmp_path)
    assert append(log, b"x" * 65_535, b"", b"y" * 65_535) == [None] * 3
    with pytest.raises(ValueError, match="65535"):
        log.append(b"x" * 65_536)
    log.close()
    assert [len(one) for one in kept(tmp_path)] == [65_535, 0, 65_535]


def test_two_gates_cannot_write_one_folder(tmp_path: Path) -> None:
    log = opened(tmp_path)
    with pytest.raises(LogUnavailable, match="another gate"):
        opened(tmp_path)
    log.close()
    opened(tmp_path).close()


def test_a_closed_log_takes_nothing(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.close()
    with pytest.raises(LogUnavailable, match="closed"):
        log.append(b"late")


def test_one_callback_that_fails_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    calls: list[Callable[[], None]] = []
    log = Log.open(tmp_path, durability=Durability.STRICT, call_soon=calls.append)

    def fails(failure: LogUnavailable | None) -> None:
        raise KeyError("a bug in a session")

    answers = Answers()
    log.append(b"one", fails)
    log.append(b"two", answers)
    log.close()
    for call in calls:
        try:
            call()
        except KeyError:
            continue
    assert answers.given == [None]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    (tmp_path / "keys" / "log.key").chmod(0o644)
    with pytest.raises(LogUnavailable, match="by others"):
        opened(tmp_path)


def test_a_log_whose_key_is_gone_is_not_continued_with_another(tmp_path: Path) -> None:
    opened(tmp_path).close()
    (tmp_path / "keys" / "log.key").unlink()
    with pytest.raises(LogUnavailable, match=r"log\.key is missing"):
        opened(tmp_path)


# Failing disks


class Failing(Files):
    """A disk whose n-th sync from now fails, having dropped or kept what was written."""

    def __init__(self) -> None:
        self.fail_after: int | None = None
        self.failed_fds: list[int] = []
        self.full = False

    def sync(self, fd: int) -> None:
        assert fd not in self.failed_fds, "a descriptor is synced again after it failed"
        if self.fail_after is not None:
            self.fail_after -= 1
            if self.fail_after < 0:
                self.fail_after = None
                self.failed_fds.append(fd)
                raise OSError(errno.EIO, "injected")
        super().sync(fd)

    def open(self, path: Path) -> int:
        fd = super().open(path)
        # The kernel gives numbers again.
        self.failed_fds = [one for one in self.failed_fds if one != fd]
        return fd

    def create(self, path: Path, size: int) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "injected")
        super().create(path, size)


def test_after_a_failed_sync_nothing_is_told_durable_and_the_next_group_is(tmp_path: Path) -> None:
    files, told = Failing(), list[LogUnavailable]()
    log = Log.open(tmp_path, durability=Durability.STRICT, call_soon=calling, files=files, on_failure=told.append)
    assert append(log, b"before") == [None]
    files.fail_after = 0
    (failure,) = append(log, b"lost")
    assert isinstance(failure, LogUnavailable)
    assert "injected" in str(failure)
    later = Answers()
    for attempt in itertools.count(1):
        log.append(b"after", later)
        if later.wait(attempt)[-1] is None:
            break
    log.close()
    assert [leaf for leaf in kept(tmp_path) if not leaf.startswith(b"{")] == [b"before", b"after"]
    assert events(tmp_path) == ["log-recovered"]
    assert len(told) == 1
    assert verify_folder(tmp_path).sound


def test_a_full_volume_refuses_says_so_in_the_record_and_recovers(tmp_path: Path) -> None:
    files = Failing()
    log = opened(tmp_path, files=files)
    assert append(log, b"small") == [None]
    files.full = True
    given = append(log, *[b"x" * 50_000] * 30)
    refused = sum(one is not None for one in given)
    assert refused
    assert given == sorted(given, key=lambda one: one is not None)
    assert log.failure is not None
    files.full = False
    later = Answers()
    for attempt in itertools.count(1):
        log.append(b"after", later)
        if later.wait(attempt)[-1] is None:
            break
    log.close()
    assert events(tmp_path) == ["log-unavailable", "log-recovered"]
    assert len([leaf for leaf in kept(tmp_path) if leaf.startswith(b"x")]) == 30 - refused
    recovered = orjson.loads(next(leaf for leaf in kept(tmp_path) if b"log-recovered" in leaf))
    assert recovered["fields"]["refused"] == refused + len(later.given) - 1
    assert verify_folder(tmp_path).sound


def test_space_that_returns_is_noticed_without_anybody_asking(tmp_path: Path) -> None:
    class Noticing(Failing):
        def __init__(self) -> None:
            super().__init__()
            self.renamed = threading.Event()

        def rename(self, old: Path, new: Path) -> None:
            super().rename(old, new)
            self.renamed.set()

    files = Noticing()
    log = opened(tmp_path, files=files)
    files.full = True
    append(log, *[b"x" * 50_000] * 30)
    files.renamed.clear()
    files.full = False
    assert files.renamed.wait(20)
    log.close()
    assert events(tmp_path) == ["log-unavailable", "log-recovered"]


def test_async_counts_what_it_loses_and_records_the_gap(tmp_path: Path) -> None:
    class Stuck(Files):
        armed = False
        release = threading.Event()

        def sync(self, fd: int) -> None:
            if self.armed:
                assert self.release.wait(20)
            super().sync(fd)

    files = Stuck()
    log = Log.open(tmp_path, durability=Durability.ASYNC, call_soon=calling, files=files)
    files.armed = True
    answers = Answers()
    indexes = [log.append(b"r") for _ in range(2 * QUEUE + 10)]
    lost = indexes.count(-1) + (log.append(b"r", answers) == -1)
    assert answers.wait(1) == [None]
    assert lost
    files.release.set()
    log.close()
    (gap,) = [orjson.loads(leaf) for leaf in kept(tmp_path) if b"log-gap" in leaf]
    assert gap["fields"] == {"lost": lost}
    assert len(kept(tmp_path)) == len(indexes) + 1 - lost + 1


def test_a_real_file_size_limit_is_survived(tmp_path: Path) -> None:
    script = """
import resource, sys, threading
from pathlib import Path
from ostiary.settings import Durability
from ostiary.store.log import Log
log = Log.open(Path(sys.argv[1]), durability=Durability.STRICT, call_soon=lambda call: call(), segment_bytes=256 << 10)
def append(record):
    said = []
    done = threading.Event()
    log.append(record, lambda failure: (said.append(failure), done.set()))
    assert done.wait(20)
    return said[0] is None
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
assert append(b"first")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
said = [append(b"x" * 50_000) for _ in range(12)]
assert not said[-1], said
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
while not append(b"last"):
    pass
log.close()
print(sum(said))
"""
    result = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert verify_folder(tmp_path).sound
    assert len([leaf for leaf in kept(tmp_path) if leaf.startswith(b"xx")]) == int(result.stdout)
    assert "log-recovered" in events(tmp_path)


# Crashes

WRITER = """
import sys, threading
from pathlib import Path
from ostiary.settings import Durability
from ostiary.store.log import Log
mode = Durability(sys.argv[2])
log = Log.open(Path(sys.argv[1]), durability=mode, call_soon=lambda call: call(), segment_bytes=256 << 10)
start = log.size
def writer(name):
    number = 0
    while True:
        done = threading.Event()
        record = f"{start}-{name}-{number}".encode() + b" " * (number * 37 % 3000)
        log.append(record, lambda failure: done.set())
        done.wait()
        sys.stdout.write(f"{start}-{name}-{number}\\n")
        sys.stdout.flush()
        number += 1
for name in range(8):
    threading.Thread(target=writer, args=(name,), daemon=True).start()
threading.Event().wait()
"""


@pytest.mark.parametrize("durability", [Durability.STRICT, Durability.BATCHED])
def test_what_a_killed_gate_had_told_is_there_afterwards(tmp_path: Path, durability: Durability) -> None:
    told: set[str] = set()
    for lines in (1, 60, 700):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), durability.value], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in itertools.islice(process.stdout, lines):
                told.add(line.strip())
            os.kill(process.pid, signal.SIGKILL)
            told |= {line.strip() for line in process.stdout if line.endswith("\n")}
        log = opened(tmp_path)
        there = {leaf.decode().strip() for leaf in kept(tmp_path)}
        assert told <= there
        log.close()
        assert verify_folder(tmp_path).sound


def _killed_tail(tmp_path: Path) -> tuple[Path, bytes, int]:
    """A segment as a kill leaves it, with five frames, and where the last one begins."""
    log = opened(tmp_path / "running")
    for number in range(4):
        assert append(log, b"record %d " % number + b"r" * 2000) == [None]
    (end,) = log._segments.ends().values()
    assert append(log, b"record 4 " + b"r" * 2000) == [None]
    (path,) = (tmp_path / "running" / "segments").glob("*.log")
    data = path.read_bytes()
    state = shutil.copytree(tmp_path / "running", tmp_path / "state")
    log.close()
    return state / "segments" / path.name, data, end


@pytest.mark.parametrize("kept_bytes", [1, 8, 31, 32, 33, 600, 2040])
def test_a_torn_last_write_is_cut_off(tmp_path: Path, kept_bytes: int) -> None:
    path, data, last = _killed_tail(tmp_path)
    path.write_bytes(data[: last + kept_bytes])
    assert not verify_folder(path.parents[1]).sound
    opened(path.parents[1]).close()
    assert len(kept(path.parents[1])) == 4
    assert verify_folder(path.parents[1]).sound


def test_a_last_write_with_a_sector_missing_is_cut_off(tmp_path: Path) -> None:
    path, data, last = _killed_tail(tmp_path)
    sector = (last // 512 + 2) * 512
    path.write_bytes(data[:sector] + bytes(512) + data[sector + 512 :])
    opened(path.parents[1]).close()
    assert len(kept(path.parents[1])) == 4


def test_a_changed_last_write_is_not_taken_for_a_torn_one(tmp_path: Path) -> None:
    path, data, last = _killed_tail(tmp_path)
    for spot in (last, last + 9, last + 13, last + 20, last + 28, last + 31, last + 32, last + 900, last + 2054):
        changed = bytearray(data)
        changed[spot] ^= 0x41
        path.write_bytes(changed)
        with pytest.raises(LogUnavailable, match=rf"{path.name}, offset {last}"):
            opened(path.parents[1])


def test_damage_in_the_middle_is_refused_with_its_place(tmp_path: Path) -> None:
    path, data, _ = _killed_tail(tmp_path)
    path.write_bytes(data[:2500] + bytes(512) + data[3012:])
    with pytest.raises(LogUnavailable, match=rf"{path.name}, offset \d+: "):
        opened(path.parents[1])
    assert not verify_folder(path.parents[1]).sound
