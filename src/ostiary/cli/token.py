"""``ostiary token``: a short-lived token from the built-in issuer. Standard output holds the token and nothing else.

It signs with the key in the state folder, so it is for whoever may read that file: the operator.
"""

import time
from pathlib import Path
from typing import IO, Any

import click
import orjson

from ostiary.cli.complaints import complain
from ostiary.cli.options import CONFIG
from ostiary.identity.local import Grantee, open_issuer
from ostiary.model.errors import OstiaryError
from ostiary.model.identity import Circumstances, PrincipalKind
from ostiary.settings import duration, read_settings


class Duration(click.ParamType[float]):
    """A duration such as 15m, as the settings write it."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        try:
            return duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("token", short_help="Issue a short-lived token, the password of a connection.")
@CONFIG
@click.option("--as", "name", required=True, metavar="NAME", help="Who the token is for.")
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
@click.option("--ttl", type=Duration(), default="15m", show_default=True, help="How long it is good for; at most 24h.")
@click.option("--json", "as_json", is_flag=True, help="Print an object with the token and when it expires.")
def token(
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
    ttl: float,
    as_json: bool,
) -> None:
    """Issue a short-lived token; use it as the password of a connection.

    This signs with the key in the state folder: run it as the user that runs the gate.
    """
    if delegator_groups and on_behalf_of is None:
        raise click.UsageError("--on-behalf-of-group needs --on-behalf-of")
    now = time.time()
    try:
        settings = read_settings(config)
        if settings.local_issuer is None:
            raise click.UsageError(f"{config} has no [identity.local]: this gate does not trust its own tokens")
        made = open_issuer(settings.state, settings.local_issuer.audience).issue(
            Grantee(name, PrincipalKind(kind), groups),
            now=now,
            lifetime=ttl,
            on_behalf_of=Grantee(on_behalf_of, PrincipalKind.HUMAN, delegator_groups) if on_behalf_of else None,
            proved=Circumstances(purpose, ticket, workflow, run),
        )
    except OstiaryError as error:
        raise Refused(error) from error
    click.echo(orjson.dumps({"token": made, "expires_at": int(now + ttl)}) if as_json else made)


class Refused(click.ClickException):
    """An error of ours, told on standard error; exit code 2, as for any bad input."""

    exit_code = 2

    def __init__(self, error: OstiaryError) -> None:
        super().__init__(str(error))
        self.error = error

    def show(self, file: IO[Any] | None = None) -> None:
        """As any other command tells it."""
        complain(self.error)
