"""Where the built-in issuer keeps its key, and how the command hands out tokens."""

import base64
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from ostiary.cli.token import token as command
from ostiary.identity.local import KEY_FILE, IssuerKeyInvalid, open_issuer
from ostiary.identity.tokens import TokenVerifier
from ostiary.model.identity import PrincipalKind


def thumbprint(state: Path) -> str:
    return open_issuer(state).key.thumbprint()


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert thumbprint(state) == thumbprint(state)
    assert (state / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [one.name for one in (state / "keys").iterdir()] == ["issuer.pem"]


def test_processes_that_make_the_key_at_once_end_with_the_same(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        assert len(set(pool.map(thumbprint, [tmp_path] * 8))) == 1


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    open_issuer(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(IssuerKeyInvalid, match="0640") as caught:
        open_issuer(tmp_path)
    assert "chmod 600" in caught.value.hint


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    open_issuer(tmp_path)
    (tmp_path / KEY_FILE).write_text("not a key")
    with pytest.raises(IssuerKeyInvalid, match="PEM"):
        open_issuer(tmp_path)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ostiary.toml"
    path.write_text(
        'state = "data"\n[identity.local]\naudience = "shop"\n[database.shop]\nurl = "postgresql://gate@127.0.0.1/shop"\n'
    )
    return path


def test_the_command_prints_the_token_and_nothing_else(config: Path) -> None:
    result = CliRunner().invoke(
        command,
        f"--config {config} --as shop-agent --kind agent --group agents --on-behalf-of alice "
        "--on-behalf-of-group support --purpose refund --run 7",
    )
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    issuer = open_issuer(config.parent / "data", "shop")
    now = 0.0 + json.loads(_payload(result.stdout))["iat"]
    identity = TokenVerifier([issuer.trusted()]).verify(result.stdout.strip().encode(), now)
    assert identity.principal.kind is PrincipalKind.AGENT
    assert identity.principal.groups == ("agents",)
    assert identity.on_behalf_of is not None
    assert identity.on_behalf_of.groups == ("support",)
    assert identity.expires_at == now + 900
    assert (identity.proved.purpose, identity.proved.run) == ("refund", "7")


def _payload(token: str) -> bytes:
    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_json_says_when_the_token_expires(config: Path) -> None:
    result = CliRunner().invoke(command, ["--config", str(config), "--as", "bob", "--ttl", "5m", "--json"])
    answer = json.loads(result.stdout)
    assert answer["expires_at"] == json.loads(_payload(answer["token"]))["exp"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--as", "bob", "--ttl", "2d"], "24 hours"),
        (["--as", "bob\n"], "control characters"),
        (["--as", "bob", "--on-behalf-of-group", "x"], "needs --on-behalf-of"),
        (["--as", "bob", "--ttl", "soon"], "duration"),
    ],
)
def test_bad_input_is_told_on_standard_error_with_exit_code_two(config: Path, arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(command, ["--config", str(config), *arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert says in result.stderr


def test_a_bad_configuration_names_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "ostiary.toml"
    path.write_text("colour = 1\n")
    result = CliRunner().invoke(command, ["--config", str(path), "--as", "bob"])
    assert result.exit_code == 2
    assert str(path) in result.stderr
