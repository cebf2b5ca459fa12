"""The build: plain setuptools, with the hot path compiled by mypyc where a compiler is at hand.

The one rule: the compiled and the plain flavour behave alike, so a machine without a compiler loses only speed.
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

from setuptools import setup

# Every module of the hot path, and no others. mypyc wants them in one call: modules of one group call each other
# natively, and two groups in one build clash.
HOT_PATH = (
    "src/ostiary/model/names.py",
    "src/ostiary/model/identity.py",
    "src/ostiary/model/analysis.py",
    "src/ostiary/model/decision.py",
    "src/ostiary/model/statement.py",
    "src/ostiary/model/record.py",
    "src/ostiary/analysis/abstraction.py",
    "src/ostiary/audit/encoding.py",
    "src/ostiary/audit/merkle.py",
    "src/ostiary/session/answers.py",
    "src/ostiary/session/events.py",
    "src/ostiary/session/actions.py",
    "src/ostiary/protocols/postgres/wire.py",
    "src/ostiary/protocols/postgres/messages.py",
    "src/ostiary/protocols/postgres/exchange.py",
    "src/ostiary/protocols/postgres/expected.py",
    "src/ostiary/protocols/postgres/names.py",
    "src/ostiary/protocols/postgres/deciding.py",
    "src/ostiary/protocols/postgres/simple.py",
    "src/ostiary/protocols/postgres/extended.py",
    "src/ostiary/protocols/postgres/copying.py",
    "src/ostiary/protocols/postgres/bounds.py",
    "src/ostiary/protocols/postgres/probes.py",
    "src/ostiary/protocols/postgres/results.py",
    "src/ostiary/protocols/postgres/outcomes.py",
    "src/ostiary/protocols/postgres/refusals.py",
    "src/ostiary/protocols/postgres/ending.py",
    "src/ostiary/protocols/postgres/failures.py",
    "src/ostiary/protocols/postgres/asides.py",
    "src/ostiary/protocols/postgres/admission.py",
    "src/ostiary/protocols/postgres/conversation.py",
    "src/ostiary/authorizer.py",
    "src/ostiary/store/pipe.py",
    "src/ostiary/store/recording.py",
    "src/ostiary/store/tree.py",
    "src/ostiary/server/connection.py",
    "src/ostiary/server/sides.py",
    "src/ostiary/server/runner.py",
    "src/ostiary/server/desk.py",
)


def compiler_present() -> bool:
    """Whether the C compiler that this Python was configured with, or CC, is on the path, and Python.h beside it."""
    command = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    return shutil.which(command) is not None and Path(sysconfig.get_path("include"), "Python.h").is_file()


def hot_path() -> list[Any]:
    """The compiled modules; none when plain Python is asked for, or is all that can be had."""
    if os.environ.get("OSTIARY_PURE") == "1":
        return []
    present = [name for name in HOT_PATH if Path(name).is_file()]
    try:
        from mypyc.build import mypycify
    except ImportError:
        present = []
    if not present or not compiler_present():
        print("ostiary: the hot path stays plain Python", file=sys.stderr)  # noqa: T201
        return []
    return mypycify(present, opt_level="3", strip_asserts=False)


setup(ext_modules=hot_path())
