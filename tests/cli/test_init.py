"""What `ostiary init` writes starts a gate, and what is there stays as it is."""

import subprocess
import sys
from pathlib import Path

import pytest

from ostiary.cli.init import AlreadyThere, write_configuration
from ostiary.datasources.classes import read_class_file
from ostiary.model.errors import SettingsInvalid
from ostiary.settings import read_settings


def test_what_is_written_is_a_valid_configuration(tmp_path: Path) -> None:
    write_configuration(tmp_path, url="postgresql://keeper@db.example.com:6000/sales")
    settings = read_settings(tmp_path / "ostiary.toml")
    database = settings.databases["sales"]
    assert (database.host, database.port, database.database, database.user) == (
        "db.example.com",
        6000,
        "sales",
        "keeper",
    )
    assert database.password_env == "SALES_GATE_PASSWORD"
    assert read_class_file(tmp_path / "classes.toml").masks


def test_the_starter_policies_are_among_what_is_written(tmp_path: Path) -> None:
    written = write_configuration(tmp_path)
    assert [path for path in written if path.suffix == ".cedar" and path.is_relative_to(tmp_path / "policy")]


def test_nothing_is_written_when_one_file_is_there_already(tmp_path: Path) -> None:
    (tmp_path / "classes.toml").write_text("# mine\n")
    with pytest.raises(AlreadyThere):
        write_configuration(tmp_path)
    assert (tmp_path / "classes.toml").read_text() == "# mine\n"
    assert not (tmp_path / "ostiary.toml").exists()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://a@b/c",
        "postgresql://a:secret@b/c",
        "postgresql:///c",
        'postgresql://a@b/"]',
        "postgresql://a@b/c?sslmode=prefer",
    ],
)
def test_an_address_that_the_gate_could_not_use_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsInvalid):
        write_configuration(tmp_path, url=url)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_to_do_next_and_exits_2_when_it_refuses(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ostiary", "init", str(tmp_path)]
    first = subprocess.run(command, capture_output=True, text=True, check=False)
    assert first.returncode == 0
    assert "ostiary serve --config" in first.stdout
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert "is there already" in second.stderr
