"""The commands by name. A command's module is imported when it is called, so that the others start fast."""

import sys
from importlib import import_module

import click

from ostiary import __version__
from ostiary.cli.complaints import complain
from ostiary.model.errors import Invalid, OstiaryError
from ostiary.suggestions import closest

COMMANDS = {
    "audit": "ostiary.cli.audit:audit",
    "demo": "ostiary.cli.demo:demo",
    "init": "ostiary.cli.init:init",
    "policy": "ostiary.cli.policy:policy",
    "serve": "ostiary.cli.serve:serve",
    "token": "ostiary.cli.token:token",
}


class Commands(click.Group):
    """A group that imports what is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, for --help."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found = getattr(import_module(module), name)
        if not isinstance(found, click.Command):
            raise TypeError(f"{place} is not a command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named; what comes close to a name that is none."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no such command {args[0]!r}{closest(args[0], sorted(COMMANDS))}")
        return super().resolve_command(ctx, args)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ostiary")
def ostiary() -> None:
    """Keep the door of databases: an identity-aware gate for AI agents and people."""


def main() -> None:
    """Run the command line; errors name the next step. Exit 2 for what a person wrote wrongly, 1 for the rest."""
    try:
        ostiary()
    except OstiaryError as error:
        complain(error)
        sys.exit(2 if isinstance(error, Invalid) else 1)
    except OSError as error:
        # A file or folder that the system does not let us use. Anything without a path is a fault of ours.
        if error.filename is None:
            raise
        click.echo(f"{click.style('error', fg='red', bold=True)} {error.filename}: {error.strerror}", err=True)
        sys.exit(1)
