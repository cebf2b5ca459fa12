"""What a process costs, read from /proc: the CPU time of it and of everything it started that still runs."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since start, and resident bytes now, of a whole tree of processes."""

    cpu: float
    resident: int


def usage(root: int) -> Usage:
    """Ask for a process and all its descendants."""
    cpu, resident = 0.0, 0
    for number in tree(root):
        fields = _stat(number)
        if fields is not None:
            # proc(5): utime is field 14, stime 15, then those of children that have ended and been waited for; rss is
            # 24; counted from 1, and the first two are cut off below.
            cpu += sum(int(one) for one in fields[11:15]) / TICKS
            resident += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return Usage(cpu, resident)


def tree(root: int) -> list[int]:
    """The process and its descendants, as far as they still run."""
    found, waiting = [], [root]
    while waiting:
        number = waiting.pop()
        found.append(number)
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            for children in Path(f"/proc/{number}/task").glob("*/children"):
                waiting += [int(one) for one in children.read_text().split()]
    return found


def _stat(number: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return None
    # The name stands in parentheses and may hold anything, so what follows is counted from the last one.
    return text.rpartition(")")[2].split()
