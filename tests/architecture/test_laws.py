"""The size and name law, and what may be imported where. Read from the sources, without importing them."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "ostiary"
MODULES = sorted(path for folder in ("src", "tests", "bench") for path in (ROOT / folder).rglob("*.py"))
ROOMS = sorted({path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in SOURCE.rglob("*.py")} - {"__init__"})

FILE_LINES = 600
FUNCTION_LINES = 80
CLASS_METHODS = 20
FORBIDDEN_MODULES = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "base"})
FORBIDDEN_CLASSES = ("Manager", "Helper", "Handler", "Processor", "Service")

PURE_ROOMS = ("authorizer", "protocols", "session", "analysis", "policy", "masking", "approvals", "audit", "model")
IMPURE = frozenset(
    {
        "asyncio",
        "logging",
        "multiprocessing",
        "os",
        "random",
        "secrets",
        "select",
        "selectors",
        "socket",
        "sqlite3",
        "ssl",
    }
    | {"subprocess", "threading", "time", "uvloop", "apsw", "asyncpg", "httpx", "structlog"}
)
# Each with its reason; an entry that is no longer needed fails `test_no_exception_outlives_its_need`.
ALLOWED: dict[tuple[str, str], str] = {
    ("analysis/stack.py", "threading"): "C code that recurses needs a large stack, which only a thread can be given",
}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def pure_modules() -> list[Path]:
    return [path for path in MODULES if path.is_relative_to(SOURCE) and _room(path) in PURE_ROOMS]


def _room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(module: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield alias.name.partition(".")[0], node.lineno
            case ast.ImportFrom(module=str(name), level=0):
                yield name.partition(".")[0], node.lineno
            case _:
                pass


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_files_functions_and_classes_stay_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= FILE_LINES, f"{named(path)} has {lines} lines; the law allows {FILE_LINES}, 400 are wanted"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{named(path)}:{node.lineno} {node.name} has {length} lines"
        if isinstance(node, ast.ClassDef):
            methods = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
            assert len(methods) <= CLASS_METHODS, f"{named(path)}:{node.lineno} {node.name} has {len(methods)} methods"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_names_say_what_a_thing_is(path: Path) -> None:
    assert path.stem not in FORBIDDEN_MODULES, f"{named(path)}: name what is in it"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef):
            assert not node.name.endswith(FORBIDDEN_CLASSES), f"{named(path)}:{node.lineno} {node.name}"


@pytest.mark.parametrize("path", [path for path in MODULES if path.is_relative_to(SOURCE)], ids=named)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree(path)), f"{named(path)} has no docstring"


@pytest.mark.parametrize("path", pure_modules(), ids=named)
def test_the_core_knows_no_clock_no_chance_and_no_network(path: Path) -> None:
    for name, line in imported(tree(path)):
        if name in IMPURE:
            key = (str(path.relative_to(SOURCE)), name)
            assert key in ALLOWED, (
                f"{named(path)}:{line} imports {name}; from authorizer and protocols down it comes in"
            )


def test_no_exception_outlives_its_need() -> None:
    for name, module in ALLOWED:
        path = SOURCE / name
        assert path.is_file(), f"{name} is gone"
        assert module in {found for found, _ in imported(tree(path))}, f"{name} no longer imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_annotations_need_no_special_case(path: Path) -> None:
    names = {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)}
    assert "TYPE_CHECKING" not in names, f"{named(path)}: an import that only types need shows a cycle; mend the cycle"


@pytest.mark.parametrize("path", [path for path in MODULES if path.is_relative_to(SOURCE)], ids=named)
def test_no_assert_validates(path: Path) -> None:
    found = [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.Assert)]
    assert not found, f"{named(path)}:{found}: python -O drops asserts; raise an error that says what is wrong"


def test_the_layers_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_stands_in_the_layers() -> None:
    contract = (ROOT / ".importlinter").read_text(encoding="utf-8")
    listed = set(re.findall(r"[a-z_]+", contract.partition("layers =\n")[2]))
    assert [room for room in ROOMS if room not in listed] == []


def test_what_installs_names_no_package_index() -> None:
    # The clients know their index; a file that names one breaks where another is used.
    folders = [*(ROOT / "requirements").iterdir(), *(ROOT / ".ci").iterdir()]
    for path in (*folders, ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / "packages.debian"):
        text = path.read_text(encoding="utf-8").replace("--no-emit-index-url", "")
        found = re.search(r"://|index-url|find-links|trusted-host|index-servers", text)
        assert found is None, f"{named(path)} says {found[0]!r}" if found else ""


def test_requirement_files_pin_every_version_and_hash() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in text.splitlines():
            if line and not line.lstrip().startswith("#"):
                assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+", line), f"{named(path)}: {line[:80]}"
                assert "--hash=sha256:" in line, f"{named(path)}: {line[:80]}"


def test_what_is_shipped_has_no_copyleft_parser_or_driver() -> None:
    shipped = (ROOT / "requirements" / "run.txt").read_text() + (ROOT / "requirements" / "demo.txt").read_text()
    for name in ("psycopg", "pglast", "pymerkle", "python-stdnum"):
        assert not re.search(rf"(?m)^{name}\b", shipped), f"{name} may be tested against, not shipped"
