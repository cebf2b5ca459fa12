"""Where the gate's own passwords come from, and which places are refused."""

from pathlib import Path

import pytest

from ostiary.credentials.secrets import CredentialUnavailable, password_of, resolve
from ostiary.settings import read_settings


def written(tmp_path: Path, data: bytes, mode: int = 0o600) -> Path:
    path = tmp_path / "password"
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_no_source_means_no_password() -> None:
    assert resolve(None, None) is None


def test_the_environment_is_read_by_name() -> None:
    assert resolve("GATE", None, {"GATE": "s3cret"}) == "s3cret"


@pytest.mark.parametrize("data", [b"s3cret", b"s3cret\n", b"s3cret\r\n"])
def test_the_line_end_of_a_file_is_not_part_of_the_password(tmp_path: Path, data: bytes) -> None:
    assert resolve(None, written(tmp_path, data)) == "s3cret"


def test_spaces_belong_to_the_password(tmp_path: Path) -> None:
    assert resolve(None, written(tmp_path, b" a b \n")) == " a b "


@pytest.mark.parametrize("mode", [0o604, 0o660, 0o644, 0o620])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(CredentialUnavailable, match="others may read") as caught:
        resolve(None, written(tmp_path, b"x", mode))
    assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize("data", [b"", b"\n", b"a\nb\n", b"a\0b", b"\xff", b"x" * 70_000])
def test_what_is_no_password_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CredentialUnavailable):
        resolve(None, written(tmp_path, data))


def test_what_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialUnavailable, match="GATE"):
        resolve("GATE", None, {})
    with pytest.raises(CredentialUnavailable, match="nowhere"):
        resolve(None, tmp_path / "nowhere")
    with pytest.raises(CredentialUnavailable, match="not a file"):
        resolve(None, Path("/dev/null"))


def test_two_sources_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialUnavailable, match="both"):
        resolve("GATE", tmp_path / "x")


def test_an_error_names_where_the_settings_speak_of_it(tmp_path: Path) -> None:
    file = tmp_path / "ostiary.toml"
    file.write_text('[database.o]\nurl = "postgresql://gate@localhost/o"\npassword_env = "OSTIARY_TEST_NOWHERE"\n')
    settings = read_settings(file)
    with pytest.raises(CredentialUnavailable, match="OSTIARY_TEST_NOWHERE") as caught:
        password_of(settings, settings.databases["o"])
    assert (caught.value.file, caught.value.line, caught.value.key) == (str(file), 3, "database.o.password_env")
    assert "password_file" in caught.value.hint
