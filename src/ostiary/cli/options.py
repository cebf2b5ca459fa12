"""Options that several commands take, so that they read the same everywhere."""

from pathlib import Path

import click

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("ostiary.toml"),
    show_default=True,
    metavar="FILE",
    help="The gate's configuration.",
)
