"""``ostiary serve``: a gate in the foreground. A bad configuration names file, line and key and exits 2."""

from pathlib import Path

import click


@click.command("serve")
@click.option("--config", type=click.Path(path_type=Path), default=Path("ostiary.toml"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Say that it is ready as one JSON object on standard output.")
def serve(config: Path, as_json: bool) -> None:
    """Run a gate until SIGTERM or Ctrl-C; both drain it."""
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
