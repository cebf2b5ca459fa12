"""``ostiary policy``: whether the policies are sound, and what a statement would get.

`explain` asks the same authorizer as the gate; nothing here decides.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from ostiary.cli.options import CONFIG
from ostiary.model.identity import Circumstances, Identity, Principal, PrincipalKind
from ostiary.policy.explain import Explanation, as_json, lines
from ostiary.policy.lint import Finding, Severity
from ostiary.settings import Settings, read_settings

JSON = click.option("--json", "as_object", is_flag=True, help="Print one JSON object.")


@click.group("policy")
def policy() -> None:
    """Check the policies, and find out what they would say."""


@policy.command("check", short_help="Say what is wrong with the policies and classes.")
@CONFIG
@JSON
def check(config: Path, as_object: bool) -> None:
    """Load the configured policies and classes and say what is wrong; exit 1 if they would not load."""
    from ostiary.policy.load import examine, load, read_folder

    settings = read_settings(config)
    texts = read_folder(settings.policies)
    found = [*examine(texts), *_class_findings(settings)]
    sound = all(one.severity is not Severity.ERROR for one in found)
    summary: dict[str, object] = {"ok": sound, "folder": str(settings.policies), "files": len(texts)}
    if sound:
        policies = load(texts)
        found += _strangers(settings, {(one.type, one.id) for one in policies.mentions})
        summary |= {
            "version": policies.version,
            "policies": len(policies.policies),
            "context": sorted(policies.attributes_read),
        }
    _tell(summary, found, as_object=as_object)
    sys.exit(0 if sound else 1)


def _tell(summary: Mapping[str, object], found: list[Finding], *, as_object: bool) -> None:
    if as_object:
        import orjson

        click.echo(orjson.dumps({**summary, "findings": [_plain(one) for one in found]}))
        return
    for one in found:
        place = ":".join(str(part) for part in (one.file, one.line) if part)
        colour = "red" if one.severity is Severity.ERROR else "yellow"
        where = f"{place}: " if place else ""
        click.echo(f"{click.style(one.severity.value, fg=colour)} {where}{one.message}", err=True)
    if summary["ok"]:
        click.echo(
            f"{summary['policies']} policies in {summary['files']} files of {summary['folder']}, "
            f"version {summary['version']}"
        )


def _plain(one: Finding) -> dict[str, object]:
    return {"severity": one.severity.value, "file": one.file, "line": one.line, "message": one.message}


def _strangers(settings: Settings, mentioned: set[tuple[str, str]]) -> Iterator[Finding]:
    """Databases and environments that policies speak of and nothing is configured as: most often a typing error."""
    from ostiary.policy.resources import parts_of
    from ostiary.suggestions import closest

    known = {
        "Database": sorted(settings.databases),
        "Environment": sorted({one.environment for one in settings.databases.values()}),
    }
    named = {(kind, name) for kind, name in mentioned if kind in known}
    named |= {
        ("Database", (parts_of(name) or (name,))[0])
        for kind, name in mentioned
        if kind in ("Schema", "Relation", "Function")
    }
    for kind, name in sorted(named):
        if name not in known[kind]:
            meant = closest(name, known[kind]) or f"; there is {', '.join(known[kind])}"
            message = f"no {kind.lower()} {name!r} is configured{meant}"
            yield Finding(Severity.WARNING, str(settings.policies), 0, message)


def _class_findings(settings: Settings) -> Iterator[Finding]:
    """What a class map promises and this version cannot keep, or leaves open. A file with an error in it raises."""
    from ostiary.datasources.classes import read_class_file
    from ostiary.model.mask import NONE, MaskKind
    from ostiary.suggestions import closest

    for file in sorted({one.classes for one in settings.databases.values() if one.classes is not None}):
        read = read_class_file(file)
        used = {*read.columns.values(), *read.stars.values()}
        for name in sorted(used - set(read.masks) - {NONE}):
            message = f"class {name!r} has no mask in [masks], so NULL is shown{closest(name, sorted(read.masks))}"
            yield Finding(Severity.WARNING, str(file), 0, message)
        for name, mask in read.masks.items():
            if mask.kind is MaskKind.PSEUDONYM:
                message = f"{name}: pseudonyms need the installed mask schema; until then a constant is shown"
                yield Finding(Severity.WARNING, str(file), 0, message)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What `explain` is asked about."""

    identity: Identity
    claimed: Circumstances
    database: str
    text: bytes


@policy.command("explain", short_help="Say what a statement would get, and by which policies.")
@CONFIG
@click.option("--as", "name", required=True, metavar="NAME", help="Who would ask.")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in PrincipalKind]),
    default=PrincipalKind.HUMAN.value,
    show_default=True,
    help="What kind of principal that is.",
)
@click.option("--group", "groups", multiple=True, metavar="GROUP", help="A group of NAME; may be repeated.")
@click.option("--on-behalf-of", metavar="NAME", help="The human whom NAME acts for. Policy asks both.")
@click.option(
    "--on-behalf-of-group", "delegator_groups", multiple=True, metavar="GROUP", help="A group of that human's."
)
@click.option("--purpose", help="Why, in a few words.")
@click.option("--ticket", help="The ticket that this is for.")
@click.option("--workflow", help="The workflow that this is part of.")
@click.option("--run", help="The run of that workflow.")
@click.option(
    "--proved/--claimed", "proved", default=True, show_default=True, help="Whether the token says these, or the client."
)
@click.option("--database", required=True, metavar="NAME", help="A configured database.")
@click.option("--sql", required=True, metavar="TEXT", help="What would be sent.")
@JSON
def explain(
    config: Path,
    name: str,
    kind: str,
    groups: tuple[str, ...],
    on_behalf_of: str | None,
    delegator_groups: tuple[str, ...],
    purpose: str | None,
    ticket: str | None,
    workflow: str | None,
    run: str | None,
    proved: bool,
    database: str,
    sql: str,
    as_object: bool,
) -> None:
    """Say what a statement would get, by which policies, and how it would be rewritten.

    It reads the database's catalog and runs nothing. It exits 0 for a refusal too: that is an answer.
    """
    if delegator_groups and on_behalf_of is None:
        raise click.UsageError("--on-behalf-of-group needs --on-behalf-of")
    said, silent = Circumstances(purpose, ticket, workflow, run), Circumstances()
    identity = Identity(
        principal=_principal(PrincipalKind(kind), name, groups),
        expires_at=0,
        token_id="",
        on_behalf_of=_principal(PrincipalKind.HUMAN, on_behalf_of, delegator_groups) if on_behalf_of else None,
        proved=said if proved else silent,
    )
    submitted = Submitted(identity, silent if proved else said, database, sql.encode())
    explanation = explained(read_settings(config), submitted)
    if as_object:
        import orjson

        click.echo(orjson.dumps(as_json(explanation)))
        return
    for line in lines(explanation):
        click.echo(line)


def _principal(kind: PrincipalKind, name: str, groups: tuple[str, ...]) -> Principal:
    from ostiary.policy.resources import LOCAL_ISSUER

    return Principal(kind, name, LOCAL_ISSUER, tuple(sorted(set(groups))))


def explained(settings: Settings, submitted: Submitted) -> Explanation:
    """Ask the gate's own authorizer, over a catalog read now.

    Raises:
        OstiaryError: the policies do not load, or the database is not configured or cannot be reached.
    """
    import asyncio

    return asyncio.run(_explained(settings, submitted))


async def _explained(settings: Settings, submitted: Submitted) -> Explanation:
    import time

    from ostiary.authorizer import Authorizer
    from ostiary.credentials.secrets import password_of
    from ostiary.datasources.catalogs import Side
    from ostiary.datasources.datasource import Datasource, PinStore
    from ostiary.gateway import load_policies, pin_store
    from ostiary.model.decision import Refused
    from ostiary.model.errors import SettingsInvalid
    from ostiary.model.statement import SessionView, Stage, Submission
    from ostiary.suggestions import closest

    database = settings.databases.get(submitted.database)
    if database is None:
        known = sorted(settings.databases)
        meant = closest(submitted.database, known) or f"; there is {', '.join(known)}"
        raise SettingsInvalid(f"no database {submitted.database!r} is configured{meant}", file=str(settings.file))
    side = Side(database, password_of(settings, database))
    # Looking must not change anything: the pins that the gate keeps are read and never written.
    pins = PinStore(load=pin_store(settings.state, database.name).load, save=lambda pins: None)
    datasource = await Datasource.open(side, load_policies(settings), pins)
    try:
        authorizer, now = Authorizer(), int(time.time())
        snapshots = datasource.snapshots
        standing = authorizer.standing(snapshots, submitted.identity, submitted.claimed, now)
        refused = standing.asker.refuse_connect()
        if refused is not None:
            return Explanation(submitted.text, Refused(refused), ())
        view = SessionView(datasource.search_path, claimed=submitted.claimed)
        asked = Submission(Stage.SIMPLE, submitted.text, view)
        judged = authorizer.authorize(snapshots, submitted.identity, asked, now)
        why = standing.asker.judge(judged.analysis).asked if judged.analysis is not None else ()
        return Explanation(submitted.text, judged.verdict, why)
    finally:
        await datasource.close()
