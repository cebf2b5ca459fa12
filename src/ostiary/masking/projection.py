"""The masked projection of a relation: every column in its order, masked ones through their masks."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ostiary.analysis.catalog import Catalog, Relation
from ostiary.analysis.parse import parse
from ostiary.masking.functions import masked
from ostiary.masking.quoting import identifier, relation_name
from ostiary.model.mask import Mask, MaskKind, MaskPlan

SYSTEM_COLUMNS = ("ctid", "xmin", "cmin", "xmax", "cmax", "tableoid")
"""Of every table (section 5.6 of PostgreSQL's documentation); shown only when the statement asks for them."""


@dataclass(frozen=True, slots=True)
class Projection:
    """A SELECT, up to and without its FROM clause's alias. `kinds` says how each masked column is masked."""

    text: str
    kinds: dict[str, MaskKind]
    warnings: tuple[str, ...]


def projection(
    relation: Relation,
    catalog: Catalog,
    plan: MaskPlan,
    *,
    only: bool = False,
    system: tuple[str, ...] = (),
    columns: tuple[str, ...] | None = None,
    sample: str = "",
) -> Projection:
    """The masked SELECT over one relation.

    Args:
        relation: what is read.
        catalog: its catalog.
        plan: which of its columns are masked, and how.
        only: leave out what inherits from it.
        system: system columns to show after the others.
        columns: only these, in this order (COPY); None: all.
        sample: the text of a TABLESAMPLE clause, which can stand behind a relation only.
    """
    masks = plan.relations.get(relation.name, {})
    kinds: dict[str, MaskKind] = {}
    warnings: list[str] = []
    outputs: list[str] = []
    for column in relation.columns:
        if columns is not None and column.name not in columns:
            continue
        mask: Mask | None = masks.get(column.name)
        if mask is None:
            outputs.append(identifier(column.name))
            continue
        made = masked(relation.name, column, mask, catalog)
        kinds[column.name] = made.kind
        outputs.append(f"{made.expression} AS {identifier(column.name)}")
        if made.warning:
            warnings.append(made.warning)
    if columns is not None:
        shown = dict(zip([one.name for one in relation.columns if one.name in columns], outputs, strict=True))
        outputs = [shown[name] for name in columns]
    outputs += system
    scope = "ONLY " if only else ""
    tail = f" {sample}" if sample else ""
    text = f"SELECT {', '.join(outputs)} FROM {scope}{relation_name(relation.name)}{tail}"
    return Projection(text, kinds, tuple(warnings))


@lru_cache(maxsize=1024)
def tree_of(text: str) -> dict[str, Any]:
    """The tree of one SELECT that we wrote, as ``{"SelectStmt": {...}}``. It is shared: nobody may change it."""
    (statement,) = parse(text.encode()).tree["stmts"]
    tree: dict[str, Any] = statement["stmt"]
    return tree
