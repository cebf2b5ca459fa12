"""How figures are made of samples, and what a process costs. Nothing here asserts how fast anything is."""

import os
import subprocess
import sys
from pathlib import Path

from bench.loads import Load, Sample, loads, rows
from bench.processes import TICKS, tree, usage

LOAD = Load("P0", (), "µs CPU/transaction", 1e6, {"gate strict": 2.5})


def test_a_figure_is_the_median_and_its_ratio_to_pgbouncer_in_the_same_run() -> None:
    samples = {
        "direct": [Sample(None, 40, 1000)],
        "pgbouncer": [Sample(10, 40, 900), Sample(30, 40, 700), Sample(11, 40, 800)],
        "gate strict": [Sample(20, 40, 500), Sample(22, 40, 400), Sample(90, 40, 300)],
    }
    direct, bouncer, gate = rows(LOAD, samples)
    assert (direct["value"], direct["ratio"]) == (None, None)
    assert (bouncer["value"], bouncer["ratio"]) == (11, 1.0)
    assert (gate["value"], gate["ratio"], gate["goal"], gate["repeats"]) == (22, 2.0, 2.5, 3)
    assert all({"name", "value", "unit", "versus"} <= row.keys() for row in (direct, bouncer, gate))


def test_without_pgbouncer_there_is_no_ratio() -> None:
    (gate,) = rows(LOAD, {"gate strict": [Sample(20, 40, 500)]})
    assert (gate["value"], gate["versus"], gate["ratio"]) == (20, None, None)


def test_every_load_names_the_row_of_the_figures_it_measures(tmp_path: Path) -> None:
    assert [load.name.partition(" ")[0] for load in loads(tmp_path)] == ["P1", "P2", "P3"]


def test_what_a_process_started_counts_as_its_own() -> None:
    before = usage(os.getpid())
    assert before.resident > 0
    work = "import sys; sum(i * i for i in range(3_000_000)); print('done', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"done\n"
        assert child.pid in tree(os.getpid())
        # The kernel counts in ticks; a sum of floats may miss one by its last digit.
        own = usage(child.pid).cpu
        assert own > 0
        assert usage(os.getpid()).cpu - before.cpu >= own - 0.5 / TICKS
        child.communicate()


def test_a_gate_is_also_held_against_a_pgbouncer_of_the_same_rate() -> None:
    samples = {"gate strict": [Sample(20, 40, 500, 10), Sample(30, 40, 500, 10), Sample(90, 40, 500, 30)]}
    (gate,) = rows(LOAD, samples)
    assert gate["ratio_at_equal_rate"] == 3.0
