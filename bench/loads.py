"""The work that is measured: pgbench through each way to the database in turn, again and again, medians taken."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench.processes import usage
from bench.stage import Stage, Target

CLIENTS = 8
_DONE = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED = re.compile(r"number of failed transactions: (\d+)")
_RATE = re.compile(r"tps = ([0-9.]+) \(without initial connection time\)")


@dataclass(frozen=True, slots=True)
class Load:
    """One row of the figures: pgbench with these arguments. `goals` are bounds of the ratio to PgBouncer."""

    name: str
    arguments: tuple[str, ...]
    unit: str
    per: float
    goals: dict[str, float]
    clients: int = CLIENTS


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: what it cost the process in between (None: nothing is), the server, and how fast it went.

    `matched` is what PgBouncer cost when it was held to the rate of this run: on a machine that is not busy a wake-up
    costs more than the work, and a gate that waits for its disk leaves the machine less busy than PgBouncer does.
    """

    cost: float | None
    server: float
    rate: float
    matched: float | None = None


class LoadFailed(RuntimeError):
    """pgbench ended with an error; the message is its own."""


def loads(folder: Path) -> tuple[Load, ...]:
    """The rows P1, P2, P3 of the figures. Scripts are written into `folder`."""
    wide = folder / "wide.sql"
    wide.write_text("select * from wide_rows;\n")
    return (
        Load(
            "P1 -S prepared",
            ("-S", "-M", "prepared"),
            "µs CPU/transaction",
            1e6,
            {"gate batched": 1.5, "gate strict": 2.5},
        ),
        Load(
            "P2 -S simple", ("-S", "-M", "simple"), "µs CPU/transaction", 1e6, {"gate batched": 2.0, "gate strict": 3.0}
        ),
        Load(
            "P3 50,000 rows",
            ("-f", str(wide)),
            "ms CPU/result",
            1e3,
            {"gate batched": 1.0, "gate strict": 1.0},
            clients=1,
        ),
    )


def run(stage: Stage, target: Target, load: Load, seconds: float, rate: float | None = None) -> Sample:
    """One run of a load through one target, held to `rate` transactions a second when that is given."""
    before = usage(target.process) if target.process is not None else None
    server = usage(stage.server).cpu
    command = [str(stage.pgbench), "-n", "-c", str(load.clients), "-j", "2", "-T", str(round(seconds))]
    held = ("--rate", f"{rate:.1f}") if rate is not None else ()
    done = subprocess.run([*command, *held, *load.arguments, target.url], capture_output=True, text=True, check=False)
    found, reached = _DONE.search(done.stdout), _RATE.search(done.stdout)
    failed = _FAILED.search(done.stdout)
    if done.returncode != 0 or found is None or reached is None or (failed is not None and failed[1] != "0"):
        raise LoadFailed(f"{load.name} through {target.name}: {(done.stderr or done.stdout).strip()[-1500:]}")
    count = int(found[1])
    cost = None
    if before is not None and target.process is not None:
        cost = (usage(target.process).cpu - before.cpu) / count * load.per
    return Sample(cost, (usage(stage.server).cpu - server) / count * load.per, float(reached[1]))


def measure(
    stage: Stage, load: Load, repeats: int, seconds: float, say: Callable[[str], None]
) -> dict[str, list[Sample]]:
    """Each target in turn, `repeats` times over, so that a noisy minute meets all of them."""
    samples: dict[str, list[Sample]] = {target.name: [] for target in stage.targets}
    bouncer = next(target for target in stage.targets if target.name == "pgbouncer")
    for target in stage.targets:
        run(stage, target, load, 1)
    for number in range(repeats):
        say(f"{load.name}: {number + 1} of {repeats}")
        for target in stage.targets:
            taken = run(stage, target, load, seconds)
            if target.name.startswith("gate"):
                taken = replace(taken, matched=run(stage, bouncer, load, seconds, taken.rate).cost)
            samples[target.name].append(taken)
    return samples


def rows(load: Load, samples: dict[str, list[Sample]]) -> list[dict[str, object]]:
    """The figures of a load, as they are printed."""
    costs = {name: [one.cost for one in taken if one.cost is not None] for name, taken in samples.items()}
    bouncer = median(costs["pgbouncer"]) if costs.get("pgbouncer") else None
    made: list[dict[str, object]] = []
    for name, taken in samples.items():
        rate = median(one.rate for one in taken)
        row: dict[str, object] = {"name": f"{load.name}, {name}", "unit": load.unit}
        row["value"] = round(median(costs[name]), 2) if costs[name] else None
        row["versus"] = "pgbouncer, same run" if bouncer else None
        row["ratio"] = round(median(costs[name]) / bouncer, 2) if bouncer and costs[name] else None
        matched = [one.cost / one.matched for one in taken if one.cost is not None and one.matched]
        row["ratio_at_equal_rate"] = round(median(matched), 2) if matched else None
        row["goal"] = load.goals.get(name)
        row["lowest"] = round(min(costs[name]), 2) if costs[name] else None
        row["highest"] = round(max(costs[name]), 2) if costs[name] else None
        row["per_second"] = round(rate, 1)
        row["server_cost"] = round(median(one.server for one in taken), 2)
        row["repeats"] = len(taken)
        made.append(row)
    return made
