"""``python -m bench``: a JSON object for each figure, then a table. Progress goes to standard error."""

import argparse
import asyncio
import importlib
import platform
import sys
import tempfile
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.loads import LoadFailed, loads, measure, rows
from bench.stage import stage


def main() -> int:
    """Measure and print; 1 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help="measure the rows whose name holds this text")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each run")
    parser.add_argument("--durability", action="append", choices=["strict", "batched", "async"])
    chosen = parser.parse_args()
    return asyncio.run(_measured(chosen))


async def _measured(chosen: argparse.Namespace) -> int:
    said: list[dict[str, object]] = []
    failed = False
    durabilities = tuple(chosen.durability or ("batched", "strict"))
    _line(_context(chosen))
    with tempfile.TemporaryDirectory() as folder:
        async with stage(durabilities) as ready:
            for load in loads(Path(folder)):
                if chosen.only not in load.name:
                    continue
                try:
                    samples = measure(ready, load, chosen.repeats, chosen.seconds, _progress)
                except LoadFailed as error:
                    failed = True
                    _line({"name": load.name, "value": None, "unit": load.unit, "versus": None, "error": str(error)})
                    continue
                for row in rows(load, samples):
                    said.append(row)
                    _line(row)
    _table(said)
    return 1 if failed else 0


def _context(chosen: argparse.Namespace) -> dict[str, object]:
    wire = importlib.import_module("ostiary.protocols.postgres.wire").__file__ or ""
    flavour = "compiled" if wire.endswith(".so") else "plain Python"
    return {
        "name": "context", "value": flavour, "unit": "flavour of the hot path", "versus": None,
        "python": platform.python_version(), "repeats": chosen.repeats, "seconds": chosen.seconds,
    }  # fmt: skip


def _line(row: dict[str, object]) -> None:
    print(orjson.dumps(row).decode(), flush=True)


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _table(said: list[dict[str, object]]) -> None:
    table = Table(title="CPU of what stands in between; medians of interleaved repeats")
    for title in ("figure", "value", "unit", "× PgBouncer", "× at equal rate", "goal ≤", "per second"):
        table.add_column(title, justify="left" if title in ("figure", "unit") else "right")
    for row in said:
        cells = (row[key] for key in ("name", "value", "unit", "ratio", "ratio_at_equal_rate", "goal", "per_second"))
        table.add_row(*("" if cell is None else str(cell) for cell in cells))
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
