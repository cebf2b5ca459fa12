"""Statement ⏎ expected analysis, in the files of statements/. Run as a script it rewrites them: read the diff."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.analysis.analyse import analyse
from ostiary.analysis.catalog import Catalog, from_json
from ostiary.analysis.parse import parse
from ostiary.model.analysis import Access, CopyRoute, StatementAnalysis, TransactionEffect

HERE = Path(__file__).parent
FILES = sorted((HERE / "statements").glob("*.sql"))
MARK = "--> "


def load_catalog() -> Catalog:
    return from_json((HERE / "catalog.json").read_bytes())


CATALOG = load_catalog()


def cases(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Blocks are separated by empty lines; a block's last lines say what is expected, line for line."""
    for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
        lines = block.split("\n")
        statement = [line for line in lines if not line.startswith(MARK)]
        yield "\n".join(statement), [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]


def rendered(text: str) -> list[str]:
    analysis = analyse(parse(text.encode()), CATALOG, CATALOG.implicit_path)
    return [line for statement in analysis.statements for line in _lines(statement)]


def _lines(one: StatementAnalysis) -> Iterator[str]:
    yield f"{one.tag} ({one.node})" + "".join(f", {fact}" for fact in _facts(one))
    yield from (_access(access) for access in one.accesses)
    if one.functions:
        yield "runs " + " ".join(str(name) for name in sorted(one.functions))
    for place in one.references:
        alias = f" as {place.alias}" if place.alias else ""
        marks = (" only" if place.only else "") + (" sampled" if place.sampled else "")
        yield f"at {place.location} {place.relation}{alias}{marks}"
    for change in one.settings:
        yield f"set{' local' if change.local else ''} {change.name} = {change.value}"
    yield from (f"incomplete: {reason}" for reason in one.incomplete)


def _facts(one: StatementAnalysis) -> Iterator[str]:
    if one.has_predicate is not None:
        yield "with predicate" if one.has_predicate else "no predicate"
    if one.transaction is not TransactionEffect.NONE:
        yield one.transaction.value
    if one.copy is not CopyRoute.NONE:
        yield one.copy.value
    if one.changes_catalog:
        yield "changes catalog"
    if one.changes_session:
        yield "changes session"
    for word, name in (("prepares", one.prepares), ("executes", one.executes), ("deallocates", one.deallocates)):
        if name is not None:
            yield f"{word} {name or 'all'}"


def _access(access: Access) -> str:
    if access.relation is not None:
        columns = "*" if access.columns is None else ", ".join(access.columns)
        return f"{access.action} {access.relation}({columns})"
    if access.function is not None:
        return f"{access.action} {access.function}"
    return f"{access.action} in {access.schema}" if access.schema is not None else str(access.action)


@pytest.mark.parametrize(
    ("text", "expected"),
    [pytest.param(*case, id=f"{path.stem}-{number}") for path in FILES for number, case in enumerate(cases(path))],
)
def test_a_statement_means_what_its_file_says(text: str, expected: list[str]) -> None:
    assert rendered(text) == expected


def rewrite() -> None:
    for path in FILES:
        blocks = ["\n".join([text, *(MARK + line for line in rendered(text))]) for text, _ in cases(path)]
        path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


if __name__ == "__main__":
    rewrite()
