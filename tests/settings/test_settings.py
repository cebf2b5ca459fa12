"""ostiary.toml: what is wrong is named with its place; what is right reads as the contract says."""

from pathlib import Path

import pytest

from ostiary.model.errors import SettingsInvalid
from ostiary.model.mask import Unclassified
from ostiary.settings import Durability, SslMode, duration, read_settings

MINIMAL = """\
[database.orders]
url = "postgresql://gate@127.0.0.1:5432/orders"
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "ostiary.toml"
    file.write_text(text)
    return file


def test_a_minimal_file_gets_the_safe_defaults(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, MINIMAL))
    database = settings.databases["orders"]
    assert settings.durability is Durability.STRICT
    assert database.unclassified is Unclassified.DENY
    assert database.sslmode is SslMode.DISABLE
    assert database.environment == "production"
    assert settings.state == tmp_path / "ostiary-data"


def test_beyond_loopback_the_certificate_is_verified(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, '[database.o]\nurl = "postgresql://gate@10.0.0.5/o"'))
    assert settings.databases["o"].sslmode is SslMode.VERIFY_FULL


WRONG = [
    ('stat = "x"\n' + MINIMAL, "stat", 1, "did you mean 'state'"),
    (MINIMAL + 'enviroment = "production"\n', "database.orders.enviroment", 3, "did you mean 'environment'"),
    (MINIMAL + "row_cap = true\n", "database.orders.row_cap", 3, "whole number"),
    (MINIMAL + '[audit]\ndurability = "strickt"\n', "audit.durability", 4, "did you mean 'strict'"),
    (MINIMAL + 'statement_timeout = "5 parsecs"\n', "database.orders.statement_timeout", 3, "duration"),
    ('[database.o]\nurl = "postgresql://gate:secret@h/o"\n', "database.o.url", 2, "password"),
    ('[[listen]]\naddress = "0.0.0.0:6432"\n' + MINIMAL, "listen.address", 2, "plaintext is refused"),
    ('[[listen]]\naddress = "127.0.0.1:1"\n[[listen]]\naddress = "x"\n' + MINIMAL, "listen.address", 4, "HOST:PORT"),
    ('[database.o]\nurl = "postgresql://a@h/o?sslmode=prefer"\n', "database.o.url", 2, "one of disable, require"),
    ("", "database", None, "no database"),
    ('state_url = "postgresql://x"\n' + MINIMAL, "state_url", 1, "not available"),
]


@pytest.mark.parametrize(("text", "key", "line", "words"), WRONG, ids=[case[1] for case in WRONG])
def test_what_is_wrong_is_named_with_file_line_and_key(
    tmp_path: Path, text: str, key: str, line: int | None, words: str
) -> None:
    file = written(tmp_path, text)
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(file)
    assert (caught.value.file, caught.value.line, caught.value.key) == (str(file), line, key)
    assert words in str(caught.value)


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(written(tmp_path, "a = 1\nb = = 2\n"))
    assert caught.value.line == 2


@pytest.mark.parametrize(("text", "seconds"), [("15m", 900), ("30s", 30), ("500ms", 0.5), ("8h", 28800)])
def test_durations_read_as_people_write_them(text: str, seconds: float) -> None:
    assert duration(text) == seconds
