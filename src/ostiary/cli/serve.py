"""``ostiary serve``: a gate in the foreground. A bad configuration names file, line and key and exits 2."""

from pathlib import Path

import click

from ostiary.cli.options import CONFIG


@click.command("serve", short_help="Run a gate until SIGTERM or Ctrl-C.")
@CONFIG
@click.option("--json", "as_json", is_flag=True, help="Say that it is ready as one JSON object on standard output.")
def serve(config: Path, as_json: bool) -> None:
    """Run a gate in the foreground until SIGTERM or Ctrl-C; both drain it. SIGHUP reads the policies again."""
    import orjson

    from ostiary import gateway
    from ostiary.settings import read_settings

    def ready(addresses: list[gateway.Address]) -> None:
        places = [f"{one.host}:{one.port}" for one in addresses]
        if as_json:
            click.echo(orjson.dumps({"ready": True, "listen": places}))
        else:
            click.echo(f"ostiary listens on {', '.join(places)}")

    gateway.serve(read_settings(config), ready)
