"""The command line as a whole: what it says to a word that it does not know, and how an error reads."""

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from ostiary.cli.main import COMMANDS, ostiary


def test_a_word_that_is_no_command_gets_the_closest_one() -> None:
    result = CliRunner().invoke(ostiary, ["polcy"])
    assert result.exit_code == 2
    assert "no such command 'polcy'; did you mean 'policy'?" in result.stderr


def test_every_command_is_told_in_one_whole_line() -> None:
    shown = CliRunner().invoke(ostiary, ["--help"]).output.split("Commands:")[1]
    assert [line.split()[0] for line in shown.strip().splitlines()] == sorted(COMMANDS)
    assert "..." not in shown


def test_an_error_says_what_is_wrong_and_what_is_next(tmp_path: Path) -> None:
    for command in (["serve"], ["token", "--as", "x"], ["policy", "check"], ["audit", "search"]):
        ran = subprocess.run(
            [sys.executable, "-m", "ostiary", *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 2
        assert ran.stdout == ""
        assert ran.stderr == (
            "error ostiary.toml: cannot be read: No such file or directory\n"
            "next  name it with --config, or make one with: ostiary init\n"
        )


def test_what_the_system_does_not_let_us_use_is_named_without_a_traceback(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    command = [sys.executable, "-m", "ostiary", "init", str(blocked / "gate")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == f"error {blocked / 'gate'}: Not a directory\n"
