"""``ostiary audit``: whether the record is what was signed, and what it says. Reads files only; asks no gate."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import orjson

from ostiary.audit.notes import NoteRefused, VerifierKey
from ostiary.audit.search import Query
from ostiary.audit.tiles import CHECKPOINT
from ostiary.audit.verify import Report
from ostiary.cli.options import CONFIG
from ostiary.model.errors import Invalid
from ostiary.settings import duration, read_settings
from ostiary.store.reader import newest_first, verify_folder
from ostiary.store.segments import FOLDER as SEGMENTS

FOLDER = click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
SHOWN_DAMAGES = 20


@click.group("audit")
def audit() -> None:
    """Verify and search the record."""


@audit.command("verify", short_help="Recompute the whole log, and say where it is damaged.")
@FOLDER
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The log's public key, a copy of keys/log.vkey that was kept elsewhere.",
)
@CONFIG
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object.")
def verify(folder: Path | None, key_file: Path | None, config: Path, as_object: bool) -> None:
    """Recompute the whole log in FOLDER, a gate's state folder (default: the configured one).

    It exits 1 on any damage, and says where it is.
    """
    state = folder or read_settings(config).state
    key = _kept(key_file) if key_file else None
    with _progress(shown=sys.stderr.isatty() and not as_object) as progress:
        report = verify_folder(state, key, progress)
    if as_object:
        click.echo(orjson.dumps(_as_object(state, report)))
    else:
        _tell(state, report)
    sys.exit(0 if report.sound else 1)


def _kept(file: Path) -> VerifierKey:
    try:
        return VerifierKey.parse(file.read_text(encoding="utf-8").strip())
    except (NoteRefused, UnicodeDecodeError) as error:
        raise Invalid(
            f"is no public key of a log: {error}", file=str(file), hint="a copy of keys/log.vkey is one"
        ) from error


def _as_object(state: Path, report: Report) -> dict[str, Any]:
    damages = [
        {"file": one.file, "record": one.entry, "offset": one.offset, "because": one.because} for one in report.damages
    ]
    return {
        "ok": report.sound,
        "folder": str(state),
        "origin": report.origin,
        "signed": report.signed,
        "waiting": report.waiting,
        "root": report.root.hex(),
        "damages": damages,
    }


def _tell(state: Path, report: Report) -> None:
    for one in report.damages[:SHOWN_DAMAGES]:
        click.echo(f"{click.style('damage', fg='red', bold=True)} {one}", err=True)
    if len(report.damages) > SHOWN_DAMAGES:
        click.echo(f"… and {len(report.damages) - SHOWN_DAMAGES} more; --json shows all", err=True)
    if report.sound:
        waiting = f", {report.waiting} more wait in segments for the next checkpoint" if report.waiting else ""
        sound = click.style("sound", fg="green", bold=True)
        click.echo(f"{sound} {state}: {report.signed} records under the checkpoint of {report.origin!r}{waiting}")
        click.echo(f"root {report.root.hex()}")
    elif not _holds_a_log(state):
        click.echo(f"{state}: there is no log here; name a gate's state folder", err=True)
    else:
        click.echo(f"{state}: this is not what was signed; keep it as it is, and compare it with a copy", err=True)


@contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    if not shown:
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("records", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@audit.command("search", short_help="Find records, newest first.")
@FOLDER
@click.option("--principal", metavar="NAME", help="Who acted, or for whom.")
@click.option("--relation", metavar="NAME", help="A relation that a statement touches: NAME or SCHEMA.NAME.")
@click.option("--session", metavar="ID", help="A session's id.")
@click.option("--database", metavar="NAME", help="A database by its configured name.")
@click.option("--since", metavar="WHEN", help="A duration such as 15m or 2h, or a time such as 2026-11-22T10:00:00Z.")
@click.option("--until", metavar="WHEN", help="The same, for the end.")
@click.option("--type", "kind", metavar="TYPE", help="intent, outcome, event, or the name of an event such as login.")
@click.option("--verdict", type=click.Choice(["permit", "deny"]), help="What was decided about a statement.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many, newest first.")
@CONFIG
@click.option("--json", "as_object", is_flag=True, help="Print one JSON object a line.")
def search(
    folder: Path | None,
    principal: str | None,
    relation: str | None,
    session: str | None,
    database: str | None,
    since: str | None,
    until: str | None,
    kind: str | None,
    verdict: str | None,
    limit: int,
    config: Path,
    as_object: bool,
) -> None:
    """Find records in FOLDER, a gate's state folder (default: the configured one).

    Newest first, those of the last moment included. A gate that runs is not disturbed.
    """
    state = folder or read_settings(config).state
    if not _holds_a_log(state):
        raise Invalid("holds no log", file=str(state), hint="name a gate's state folder; `ostiary serve` makes it")
    now = datetime.now(UTC)
    query = Query(
        principal=principal,
        relation=relation,
        session=session,
        since=_moment(since, now, "--since"),
        until=_moment(until, now, "--until"),
        kind=kind,
        verdict=verdict,
        datasource=database,
    )
    found = _found(state, query, limit)
    if as_object:
        for index, record in found:
            click.echo(orjson.dumps({"index": index, **record}))
    elif sys.stdout.isatty():
        _table(list(found))
    else:
        for index, record in found:
            click.echo("\t".join((str(index), *_row(record))))


def _holds_a_log(state: Path) -> bool:
    return any((state / part).exists() for part in (CHECKPOINT, SEGMENTS, "tile"))


def _found(state: Path, query: Query, limit: int) -> Iterator[tuple[int, dict[str, Any]]]:
    count = 0
    for index, leaf in newest_first(state):
        if not query.could_match(leaf):
            continue
        record = orjson.loads(leaf)
        if query.matches(record):
            yield index, record
            count += 1
            if count == limit:
                return


def _moment(text: str | None, now: datetime, option: str) -> str | None:
    """RFC 3339 in UTC with nine digits, which sorts as text."""
    if text is None:
        return None
    try:
        if re.fullmatch(r"[\d.]+[a-z]+", text):
            moment = now - timedelta(seconds=duration(text))
        else:
            moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{text!r} is neither a duration nor a time", param_hint=option) from error
    if moment.tzinfo is None:
        moment = moment.astimezone()
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def _row(record: dict[str, Any]) -> tuple[str, ...]:
    """Time, type, who, verdict or end, what: each on one line, and nothing in it that a terminal would obey."""
    return tuple(_plain(" ".join(text.split())) for text in _told(record))


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _told(record: dict[str, Any]) -> tuple[str, str, str, str, str]:
    match record.get("type"):
        case "intent":
            who, whom = record["principal"]["name"], record.get("on_behalf_of")
            who = f"{who} for {whom['name']}" if whom else who
            verdict = record["verdict"] if record["verdict"] == "permit" else f"deny {record['code']}"
            return record["time"], "intent", who, verdict, record["shape"] or record["stage"]
        case "outcome":
            rows = "" if record["rows"] is None else f" {record['rows']} rows"
            what = f"{record['session'][:8]} {record['number']} {record['tag']}{rows} {record['sqlstate']}"
            return record["time"], "outcome", "", record["kind"], what.strip()
        case "event":
            fields = record.get("fields") or {}
            said = " ".join(f"{key}={value}" for key, value in fields.items() if value is not None)
            return record["time"], record["event"], str(fields.get("principal") or ""), "", said
        case other:
            return record.get("time", ""), str(other), "", "", ""


def _table(found: list[tuple[int, dict[str, Any]]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in ("#", "time", "type", "who", "verdict", "what"):
        table.add_column(name, no_wrap=name in ("#", "time", "type"))
    colours = {"deny": "red", "failed": "yellow", "unknown": "yellow", "permit": "green"}
    for index, record in found:
        time, kind, who, verdict, what = _row(record)
        style = colours.get(verdict.partition(" ")[0], "")
        # Text, not markup: what stands in a record is shown, never obeyed.
        table.add_row(str(index), time[:19] + "Z", Text(kind), Text(who), Text(verdict, style), Text(what[:200]))
    if found:
        Console().print(table)
    else:
        click.echo("no record matches", err=True)
