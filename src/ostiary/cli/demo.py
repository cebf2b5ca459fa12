"""``ostiary demo``: a shop to try the gate on; with --tour, the same unattended. Needs the package's `demo` extra."""

import asyncio
import sys

import click


@click.command("demo", short_help="Try the gate in front of a shop's PostgreSQL.")
@click.option(
    "--tour", "unattended", is_flag=True, help="Try every promise; one JSON object a line; exit 1 if one does not hold."
)
def demo(unattended: bool) -> None:
    """Start a PostgreSQL with a shop's data and the gate in front of it, until Ctrl-C."""
    if unattended:
        from ostiary.demo import tour

        say, complain = (lambda said: click.echo(tour.as_line(said))), (lambda text: click.echo(text, err=True))
        kept = asyncio.run(tour.tour(say, complain))
        sys.exit(0 if kept else 1)
    from rich.console import Console

    from ostiary.demo.demo import demo as run

    asyncio.run(run(Console()))
