"""Classes and rights → what is masked."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.analysis.catalog import Catalog, Relation
from ostiary.masking.plan import forbidden_origins, plan_for
from ostiary.model.mask import ClassMap, Mask, MaskKind, MaskPlan, Unclassified
from ostiary.model.names import ClassName, RelationName

CUSTOMERS = RelationName("public", "customers")
EVENTS = RelationName("public", "events")


def kinds(plan: MaskPlan, name: RelationName) -> dict[str, MaskKind]:
    return {column: mask.kind for column, mask in plan.relations.get(name, {}).items()}


def test_classified_columns_are_masked_as_their_class_says(plan: MaskPlan) -> None:
    assert kinds(plan, CUSTOMERS) == {
        "email": MaskKind.CONSTANT,
        "ssn": MaskKind.PARTIAL,
        "name": MaskKind.NULL,
        "notes": MaskKind.REDACT_TEXT,
    }


def test_a_class_that_may_be_read_is_not_masked(catalog: Catalog, make_classes: Callable[..., ClassMap]) -> None:
    plan = plan_for(make_classes(), catalog, lambda name: name in ("pii.email", "pii.ssn"))
    assert sorted(kinds(plan, CUSTOMERS)) == ["name", "notes"]


def test_a_class_without_a_mask_is_null(catalog: Catalog, make_classes: Callable[..., ClassMap]) -> None:
    plan = plan_for(make_classes(masks={}), catalog, lambda _: False)
    assert set(kinds(plan, CUSTOMERS).values()) == {MaskKind.NULL}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Unclassified.DENY, {"payload": MaskKind.DENY}),
        (Unclassified.NULL, {"payload": MaskKind.NULL}),
        (Unclassified.ALLOW, {}),
    ],
)
def test_an_unclassified_column_is_as_configured(
    catalog: Catalog, make_classes: Callable[..., ClassMap], mode: Unclassified, expected: dict[str, MaskKind]
) -> None:
    plan = plan_for(make_classes(unclassified=mode), catalog, lambda _: False)
    assert kinds(plan, EVENTS) == expected


def test_who_may_read_unclassified_columns_sees_them(catalog: Catalog, make_classes: Callable[..., ClassMap]) -> None:
    plan = plan_for(make_classes(), catalog, lambda name: name == "unclassified")
    assert kinds(plan, EVENTS) == {}


def test_the_class_none_is_never_asked_for(catalog: Catalog, make_classes: Callable[..., ClassMap]) -> None:
    asked: list[ClassName] = []

    def may_read(name: ClassName) -> bool:
        asked.append(name)
        return False

    plan_for(make_classes(), catalog, may_read)
    assert "none" not in asked
    assert len(asked) == len(set(asked))


def test_a_tree_is_masked_as_a_whole(
    make_catalog: Callable[..., Catalog], make_relation: Callable[..., Relation], make_classes: Callable[..., ClassMap]
) -> None:
    parent, left, right = (RelationName("public", name) for name in ("parent", "left", "right"))
    catalog = make_catalog(
        make_relation(1, "parent", "id int, email text", children=(left, right)),
        make_relation(2, "left", "id int, email text", parents=(parent,)),
        make_relation(3, "right", "id int, email text, more text", parents=(parent,)),
    )
    classes: dict[str, Any] = {
        "public.left.email": "pii.email",
        "public.parent.id": "none",
        "public.right.email": "none",
    }
    plan = plan_for(make_classes(classes), catalog, lambda _: False)
    assert kinds(plan, parent) == kinds(plan, left) == {"email": MaskKind.CONSTANT}
    assert kinds(plan, right) == {"email": MaskKind.CONSTANT, "more": MaskKind.DENY}


def test_the_stricter_of_two_masks_wins_in_a_tree(
    make_catalog: Callable[..., Catalog], make_relation: Callable[..., Relation], make_classes: Callable[..., ClassMap]
) -> None:
    parent, child = RelationName("public", "parent"), RelationName("public", "child")
    catalog = make_catalog(
        make_relation(1, "parent", "id int, x text", children=(child,)),
        make_relation(2, "child", "id int, x text", parents=(parent,)),
    )
    classes = {"public.parent.x": "pii.text", "public.child.x": "pii.name", "public.parent.id": "none"}
    plan = plan_for(make_classes(classes), catalog, lambda _: False)
    assert kinds(plan, parent) == {"x": MaskKind.NULL}


def test_a_plan_that_masks_something_hides_what_system_relations_would_tell(
    catalog: Catalog, make_classes: Callable[..., ClassMap], plan: MaskPlan
) -> None:
    name = RelationName("pg_catalog", "pg_class")
    assert kinds(plan, name) == {"relpartbound": MaskKind.NULL}
    assert not plan_for(make_classes(), catalog, lambda _: True)


def test_equal_plans_have_equal_names(catalog: Catalog, make_classes: Callable[..., ClassMap]) -> None:
    def of(masks: dict[ClassName, Mask]) -> str:
        return plan_for(make_classes(masks=masks), catalog, lambda _: False).digest

    one = {ClassName("pii.email"): Mask(MaskKind.PARTIAL, keep_last=1)}
    other = {ClassName("pii.email"): Mask(MaskKind.PARTIAL, keep_last=2)}
    assert of(one) == of(dict(one))
    assert of(one) != of(other)


def test_the_tripwire_watches_every_masked_column(catalog: Catalog, plan: MaskPlan) -> None:
    origins = forbidden_origins(plan, catalog)
    assert {(oid, number) for oid, number in origins if oid == 1} == {(1, 2), (1, 3), (1, 4), (1, 5)}
    assert (3, 2) in origins
    assert (2, 1) not in origins
