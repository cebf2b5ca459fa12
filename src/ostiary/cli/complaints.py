"""How an error of ours is told to a person: what is wrong, then what to do next."""

import click

from ostiary.model.errors import OstiaryError


def complain(error: OstiaryError) -> None:
    """Tell it on standard error."""
    click.echo(f"{click.style('error', fg='red', bold=True)} {error}", err=True)
    if error.hint:
        click.echo(f"{click.style('next', fg='cyan')}  {error.hint}", err=True)
