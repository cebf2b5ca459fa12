"""Classes and rights → which columns one principal sees masked. A column of unknown class is never forgotten.

The plan covers whole inheritance and partition trees: a row read through a parent or a child is the same row.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping

import orjson

from ostiary.analysis.catalog import Catalog, Relation
from ostiary.masking.catalogs import hidden_columns, is_system
from ostiary.model.mask import NONE, UNCLASSIFIED, ClassMap, Mask, MaskKind, MaskPlan, Unclassified
from ostiary.model.names import ClassName, Oid, RelationName

_WHERE_UNCLASSIFIED = {
    Unclassified.DENY: Mask(MaskKind.DENY),
    Unclassified.NULL: Mask(MaskKind.NULL),
    Unclassified.ALLOW: None,
}

# When a tree of relations classifies one column in two ways, the mask that shows less wins.
_STRICTNESS = {
    kind: rank
    for rank, kind in enumerate(
        (
            MaskKind.DENY,
            MaskKind.NULL,
            MaskKind.CONSTANT,
            MaskKind.PSEUDONYM,
            MaskKind.PARTIAL,
            MaskKind.BUCKET,
            MaskKind.REDACT_TEXT,
        )
    )
}


def plan_for(classes: ClassMap, catalog: Catalog, may_read: Callable[[ClassName], bool]) -> MaskPlan:
    """What one principal must see masked.

    Args:
        classes: the reviewed classification of the datasource.
        catalog: every relation of it.
        may_read: whether the principal may read a class in clear; asked once a class, and never about ``none``.

    Returns:
        The plan. When it masks anything, it also hides what the readable system relations would tell.
    """
    answers: dict[ClassName, Mask | None] = {NONE: None}

    def mask_of(name: ClassName) -> Mask | None:
        if name not in answers:
            answers[name] = None if may_read(name) else _mask_for(name, classes)
        return answers[name]

    relations: dict[RelationName, Mapping[str, Mask]] = {}
    for tree in _trees(catalog):
        for relation in tree:
            masks: dict[str, Mask] = {}
            for column in relation.columns:
                mask = _strictest(_classes_in(tree, column.name, classes), mask_of)
                if mask is not None:
                    masks[column.name] = mask
            if masks:
                relations[relation.name] = masks
    if relations:
        relations |= dict(hidden_columns(catalog))
    return MaskPlan(relations, _digest(relations))


def _mask_for(name: ClassName, classes: ClassMap) -> Mask | None:
    if name == UNCLASSIFIED and name not in classes.masks:
        return _WHERE_UNCLASSIFIED[classes.unclassified]
    return classes.masks.get(name, Mask(MaskKind.NULL))


def _trees(catalog: Catalog) -> Iterator[tuple[Relation, ...]]:
    """The user relations, each with all that share rows with it by inheritance or partitioning."""
    seen: set[RelationName] = set()
    for name in sorted(catalog.relations):
        if name in seen or is_system(name):
            continue
        tree: list[Relation] = []
        pending = [name]
        while pending:
            current = pending.pop()
            relation = catalog.relations.get(current)
            if current in seen or relation is None:
                continue
            seen.add(current)
            tree.append(relation)
            pending += [*relation.parents, *relation.children]
        yield tuple(tree)


def _classes_in(tree: tuple[Relation, ...], column: str, classes: ClassMap) -> set[ClassName]:
    """The classes that a column's name has in its tree. One that is classified somewhere is so everywhere."""
    found = {classes.class_of(relation.name, column) for relation in tree if relation.column(column) is not None}
    return found - {UNCLASSIFIED} or found


def _strictest(names: set[ClassName], mask_of: Callable[[ClassName], Mask | None]) -> Mask | None:
    masks = [mask for name in sorted(names) if (mask := mask_of(name)) is not None]
    return min(masks, key=lambda mask: _STRICTNESS[mask.kind], default=None)


def _digest(relations: Mapping[RelationName, Mapping[str, Mask]]) -> str:
    content = sorted(
        [*name, sorted([column, repr(mask)] for column, mask in masks.items())] for name, masks in relations.items()
    )
    return hashlib.sha256(orjson.dumps(content)).hexdigest()[:32]


def forbidden_origins(plan: MaskPlan, catalog: Catalog) -> frozenset[tuple[Oid, int]]:
    """The (table OID, attribute number) pairs of a RowDescription that would mean: the rewriting missed something."""
    return frozenset(
        (relation.oid, column.number)
        for name, masks in plan.relations.items()
        if (relation := catalog.relations.get(name)) is not None
        for column in relation.columns
        if column.name in masks
    )
