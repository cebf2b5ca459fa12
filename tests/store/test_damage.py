"""Every change of a byte is found, wherever it is, in a log that was closed and in one whose gate was killed."""

import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.model.errors import LogUnavailable
from ostiary.settings import Durability
from ostiary.store.log import Log
from ostiary.store.reader import newest_first, verify_folder


def calling(call: Callable[[], None]) -> None:
    call()


def leaves(start: int, end: int) -> list[bytes]:
    return [b'{"n":%d,"text":"%b"}' % (number, b"z" * (number * 7 % 211)) for number in range(start, end)]


def filled(state: Path, *counts: int) -> Path:
    """A log that was opened, filled and closed once for each count."""
    start = 0
    for count in counts:
        log = Log.open(state, durability=Durability.STRICT, call_soon=calling)
        for leaf in leaves(start, start + count):
            log.append(leaf)
        start += count
        log.close()
    return state


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("closed") / "state", 300, 400, 90)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a running gate's folder: what a kill leaves behind."""
    folder = tmp_path_factory.mktemp("killed")
    filled(folder / "running", 300)
    log = Log.open(folder / "running", durability=Durability.STRICT, call_soon=calling, segment_bytes=256 << 10)
    durable = threading.Event()
    for leaf in leaves(300, 349):
        log.append(leaf)
    log.append(leaves(349, 350)[0], lambda failure: durable.set())
    assert durable.wait(10)
    shutil.copytree(folder / "running", folder / "state")
    log.close()
    return folder / "state"


def log_files(state: Path) -> list[Path]:
    paths = [state / "checkpoint", state / "keys" / "log.mark", state / "keys" / "log.vkey"]
    paths += [path for path in (state / "tile").rglob("*") if path.is_file()]
    return sorted(paths + list((state / "segments").glob("*.log")))


def names(state: Path, path: Path) -> str:
    return path.relative_to(state).as_posix()


def test_a_closed_log_and_one_whose_gate_was_killed_are_sound(closed: Path, killed: Path) -> None:
    report = verify_folder(closed)
    assert (report.damages, report.signed, report.waiting) == ([], 790, 0)
    report = verify_folder(killed)
    assert (report.damages, report.signed + report.waiting) == ([], 350)
    assert report.waiting


@pytest.mark.parametrize("which", ["closed", "killed"])
def test_every_flipped_byte_is_found_in_its_file(which: str, request: pytest.FixtureRequest) -> None:
    state: Path = request.getfixturevalue(which)
    chance = random.Random(which)
    for path in log_files(state):
        whole = path.read_bytes()
        used = len(whole.rstrip(b"\0")) if path.suffix == ".log" else len(whole)
        spots = {chance.randrange(used) for _ in range(10)} | {0, used - 1, chance.randrange(len(whole))}
        for spot in spots:
            changed = bytearray(whole)
            changed[spot] ^= chance.randrange(1, 256)
            path.write_bytes(changed)
            report = verify_folder(state)
            assert not report.sound, f"{names(state, path)} at {spot}"
            assert names(state, path) in {damage.file for damage in report.damages}, (spot, report.damages)
        path.write_bytes(whole)
    assert verify_folder(state).sound


def test_a_changed_record_is_named_by_its_number(closed: Path, tmp_path: Path) -> None:
    state = shutil.copytree(closed, tmp_path / "state")
    path = state / "tile" / "entries" / "001"
    path.write_bytes(path.read_bytes().replace(b'"n":300,', b'"n":301,', 1))
    (damage,) = verify_folder(state).damages
    assert (damage.file, damage.entry) == ("tile/entries/001", 300)


def test_a_changed_hash_does_not_accuse_the_record(closed: Path, tmp_path: Path) -> None:
    state = shutil.copytree(closed, tmp_path / "state")
    path = state / "tile" / "0" / "002"
    whole = bytearray(path.read_bytes())
    whole[32 * 9] ^= 1
    path.write_bytes(whole)
    (damage,) = verify_folder(state).damages
    assert (damage.file, damage.entry) == ("tile/0/002", 2 * 256 + 9)


@pytest.mark.parametrize("missing", ["checkpoint", "keys/log.mark", "tile/entries/001", "tile/0/001", "tile/1/000.p/3"])
def test_a_missing_file_is_found(closed: Path, tmp_path: Path, missing: str) -> None:
    state = shutil.copytree(closed, tmp_path / "state")
    (state / missing).unlink()
    assert missing in {damage.file for damage in verify_folder(state).damages}


@pytest.mark.parametrize("extra", ["tile/entries/009", "tile/0/001.p/300", "tile/0/x001", "tile/notes", "tile/9/000"])
def test_a_file_that_does_not_belong_is_found(closed: Path, tmp_path: Path, extra: str) -> None:
    state = shutil.copytree(closed, tmp_path / "state")
    (state / extra).parent.mkdir(exist_ok=True, parents=True)
    (state / extra).write_bytes(b"\0\0")
    assert extra in {damage.file for damage in verify_folder(state).damages}


def test_a_log_put_back_to_an_earlier_state_is_found_and_not_continued(tmp_path: Path) -> None:
    state = filled(tmp_path / "state", 300)
    shutil.copytree(state, tmp_path / "before")
    filled_again = filled(state, 20)
    mark = (filled_again / "keys" / "log.mark").read_bytes()
    shutil.rmtree(state)
    shutil.move(tmp_path / "before", state)
    (state / "keys" / "log.mark").write_bytes(mark)
    assert [damage.file for damage in verify_folder(state).damages] == ["keys/log.mark"]
    with pytest.raises(LogUnavailable, match="only 300 are left"):
        Log.open(state, durability=Durability.STRICT, call_soon=calling)


def test_another_key_verifies_nothing(closed: Path, tmp_path: Path) -> None:
    state = shutil.copytree(closed, tmp_path / "state")
    other = filled(tmp_path / "other", 1)
    shutil.copy(other / "keys" / "log.vkey", state / "keys" / "log.vkey")
    assert "checkpoint" in {damage.file for damage in verify_folder(state).damages}


def test_a_folder_without_a_log_is_not_sound(tmp_path: Path) -> None:
    assert not verify_folder(tmp_path).sound


def test_reading_backwards_gives_every_record_once(closed: Path, killed: Path) -> None:
    for state, count in ((closed, 790), (killed, 350)):
        assert [index for index, _ in newest_first(state)] == list(range(count - 1, -1, -1))
    assert [leaf for _, leaf in newest_first(killed)] == leaves(0, 350)[::-1]
