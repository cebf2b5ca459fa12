"""``ostiary init``: the first configuration, commented, with policies a person would keep. It never overwrites."""

import re
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from urllib.parse import unquote, urlsplit

import click
import orjson

from ostiary.model.errors import Invalid, SettingsInvalid
from ostiary.settings import parse_settings

EXAMPLE_URL = "postgresql://gate@127.0.0.1:5432/orders"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class AlreadyThere(Invalid):
    """A file that would have been written exists."""

    code = "already-there"


def write_configuration(
    folder: Path,
    *,
    url: str = EXAMPLE_URL,
    name: str | None = None,
    environment: str = "production",
    unclassified: str = "deny",
) -> list[Path]:
    """Write ostiary.toml, classes.toml and the starter policies into `folder`; return what was written.

    Raises:
        AlreadyThere: one of them exists; then nothing was written.
        SettingsInvalid: the address is not one that the gate could use.
    """
    name = _database_name(url) if name is None else name
    if _BARE_KEY.fullmatch(name) is None:
        raise SettingsInvalid(
            f"a database may not be called {name!r}",
            key="--database-name",
            hint="give one of letters, digits, - and _ with --database-name; clients will use it",
        )
    values = {
        "name": name,
        # A JSON text is a TOML basic string too (TOML 1.0, "String").
        "url": orjson.dumps(url).decode(),
        "password_env": re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_GATE_PASSWORD",
        "environment": environment,
        "unclassified": unclassified,
    }
    files = {folder / path: text for path, text in _files(values)}
    main = folder / "ostiary.toml"
    for path in files:
        if path.exists():
            raise AlreadyThere("is there already", file=str(path), hint="nothing was written; choose another folder")
    parse_settings(files[main], main)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return list(files)


def _database_name(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or parts.password is not None or not parts.username:
        raise SettingsInvalid(
            "must be postgresql://USER@HOST:PORT/DATABASE, without a password",
            key="--database-url",
            hint="the password comes from the environment or from a file",
        )
    return unquote(parts.path.lstrip("/")) or unquote(parts.username)


def _files(values: Mapping[str, str]) -> list[tuple[str, str]]:
    templates = resources.files("ostiary.cli") / "templates"
    starter = resources.files("ostiary.policy") / "starter"
    policies = sorted(policy.name for policy in starter.iterdir() if policy.name.endswith(".cedar"))
    return [
        ("ostiary.toml", Template(_text(templates / "ostiary.toml")).substitute(values)),
        ("classes.toml", _text(templates / "classes.toml")),
        *((f"policy/{name}", _text(starter / name)) for name in policies),
    ]


def _text(file: Traversable) -> str:
    return file.read_text(encoding="utf-8")


@click.command("init", short_help="Write a commented configuration and the starter policies.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option(
    "--database-url",
    default=EXAMPLE_URL,
    metavar="URL",
    help="postgresql://USER@HOST:PORT/DATABASE, without a password.",
)
@click.option("--database-name", metavar="NAME", help="What clients call it; the database's own name when absent.")
@click.option("--json", "as_json", is_flag=True, help="Print the list of files that were written.")
def init(folder: Path, database_url: str, database_name: str | None, as_json: bool) -> None:
    """Write a commented configuration and the starter policies into FOLDER (default: here)."""
    written = write_configuration(folder, url=database_url, name=database_name)
    if as_json:
        click.echo(orjson.dumps([str(path) for path in written]))
        return
    for path in written:
        click.echo(f"wrote {path}")
    click.echo(f"\nNext: put the database's address into {folder / 'ostiary.toml'}, say what its columns hold in")
    click.echo(f"{folder / 'classes.toml'}, then: ostiary serve --config {folder / 'ostiary.toml'}")
