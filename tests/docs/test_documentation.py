"""The documentation names everything that people meet: commands, settings, reason codes, decisions; its links lead."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ostiary.cli.main import ostiary as command_line

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "changelog.d").glob("*.md")])
REFERENCE = DOCS / "reference"


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / "src" / "ostiary").rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def reason_codes() -> dict[str, str]:
    """Every code that a denial or an error of ours carries, with where it is made."""
    found: dict[str, str] = {}
    for path, tree in sources():
        takers = dict(_code_takers(tree))
        constants = dict(_constants(tree))
        for node in ast.walk(tree):
            for value in _codes(node, takers):
                match value:
                    case ast.Constant(value=str(code)):
                        found.setdefault(code, f"{named(path)}:{value.lineno}")
                    case ast.Name(id=name) if name in constants:
                        found.setdefault(constants[name], f"{named(path)}:{value.lineno}")
                    case _:
                        pass
    return found


def _code_takers(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """What in this module takes a code as a positional argument, and as which one."""
    yield "Denial", 0
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [argument.arg for argument in node.args.args if argument.arg != "self"]
            if "code" in names:
                yield node.name, names.index("code")


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                yield name, text
            case _:
                pass


def _codes(node: ast.AST, takers: dict[str, int]) -> Iterator[ast.expr]:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments, keywords=keywords):
            if name in takers and len(arguments) > takers[name]:
                yield arguments[takers[name]]
            for keyword in keywords:
                if keyword.arg == "code":
                    yield keyword.value
        case ast.ClassDef(body=body):
            for statement in body:
                match statement:
                    case ast.Assign(targets=[ast.Name(id="code")], value=value):
                        yield value
                    case _:
                        pass
        case _:
            pass


def setting_keys() -> set[str]:
    """Every key that settings.py asks a section for."""
    tree = ast.parse((ROOT / "src" / "ostiary" / "settings.py").read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="get" | "require" | "word" | "path" | "seconds" | "section"),
                args=[ast.Constant(value=str(key)), *_],
            ):
                found.add(key)
            case ast.Call(func=ast.Name(id="_address"), args=[_, ast.Constant(value=str(key)), *_]):
                found.add(key)
            case _:
                pass
    # Parts of an address's query, not keys of the file.
    return found - {"host"}


def commands(command: click.Command, name: str) -> Iterator[str]:
    yield name
    if isinstance(command, click.Group):
        context = click.Context(command)
        for sub in command.list_commands(context):
            found = command.get_command(context, sub)
            assert found is not None, f"{name} lists {sub}, which is not there"
            yield from commands(found, f"{name} {sub}")


def test_every_reason_code_is_documented() -> None:
    documented = set(re.findall(r"(?m)^\| `([a-z0-9-]+)` \|", page("reason-codes.md")))
    made = reason_codes()
    assert {code: place for code, place in made.items() if code not in documented} == {}
    assert documented - set(made) == set(), "documented, and made nowhere"


def test_every_setting_is_documented() -> None:
    text = page("settings.md")
    words = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`]+`|(?m:^## .*$)", text))))
    assert setting_keys() - words == set()


def test_every_command_is_documented() -> None:
    text = page("commands.md")
    assert [name for name in commands(command_line, "ostiary") if name not in text] == []


def test_every_option_that_a_page_shows_exists() -> None:
    known = {"--help", "--version"}
    for path in sorted((ROOT / "src" / "ostiary" / "cli").glob("*.py")):
        known |= set(re.findall(r'"(--[a-z-]+)"', path.read_text(encoding="utf-8")))
    for path in PAGES:
        for line in re.findall(r"(?m)^.*\bostiary [a-z]+.*$", path.read_text(encoding="utf-8")):
            shown = set(re.findall(r"(?<![\w-])--[a-z-]+", line))
            assert shown <= known, f"{named(path)}: {sorted(shown - known)} in {line!r}"


def test_every_decision_is_listed_and_has_its_four_parts() -> None:
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    records = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    for record in records:
        assert record.name in index, f"{record.name} is not in the list"
        parts = re.findall(r"(?m)^## (.+)$", record.read_text(encoding="utf-8"))
        assert parts == ["Status", "Context", "Decision", "Consequences"], f"{record.name}: {parts}"


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{named(path)} leads to {target}, which is not there"


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_make_target_that_a_page_names_exists(path: Path) -> None:
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    shown = set(re.findall(r"(?m)(?:`|^)make ([a-z]+)", path.read_text(encoding="utf-8")))
    assert shown <= targets, f"{named(path)} names {sorted(shown - targets)}"


def test_every_page_of_the_documentation_can_be_reached_from_its_index() -> None:
    seen, waiting = set(), [DOCS / "README.md"]
    while waiting:
        current = waiting.pop()
        if current in seen or not current.is_file():
            continue
        seen.add(current)
        targets = re.findall(r"\]\(([^)#:]+\.md)", current.read_text(encoding="utf-8"))
        waiting.extend((current.parent / target).resolve() for target in targets)
    assert [named(path) for path in DOCS.rglob("*.md") if path not in seen] == []
