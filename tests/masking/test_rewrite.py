"""Statement by statement: what is sent instead. <customers> stands for the masked projection of public.customers."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.analysis.analyse import analyse
from ostiary.analysis.catalog import Catalog
from ostiary.analysis.parse import parse
from ostiary.masking.apply import Shaped
from ostiary.masking.plan import plan_for
from ostiary.masking.projection import projection
from ostiary.masking.refusals import NotProvenSafe
from ostiary.masking.rewrite import rewrite
from ostiary.masking.splice import Edit, spliced
from ostiary.masking.tree import same
from ostiary.model.analysis import Analysis
from ostiary.model.decision import Denial
from ostiary.model.mask import MaskPlan
from ostiary.model.names import FunctionName, RelationName

PAIRS = [
    ("select email from customers", 'select email from (<customers>) AS "customers"'),
    ("select c.email from customers c", "select c.email from (<customers>) c"),
    ("select c.email from customers as c (a, b)", "select c.email from (<customers>) as c (a, b)"),
    ("select * from public.customers", 'select * from (<customers>) AS "customers"'),
    ("select 1 from only customers", 'select 1 from (<only customers>) AS "customers"'),
    ("select 1 from only (customers) c", "select 1 from (<only customers>) c"),
    ("select 1 from customers *", 'select 1 from (<customers>) AS "customers"'),
    ('select 1 from "public" /* x */ . "customers"', 'select 1 from (<customers>) AS "customers"'),
    ("select 1 from U&\"c!0075stomers\" uescape '!' limit 1", 'select 1 from (<customers>) AS "customers" limit 1'),
    ("table customers", 'SELECT * FROM (<customers>) AS "customers"'),
    ("table only customers order by 1", 'SELECT * FROM (<only customers>) AS "customers" order by 1'),
    ("select 'é€😀' as \"ü\" from customers", "select 'é€😀' as \"ü\" from (<customers>) AS \"customers\""),
    ("select 1 -- customers\n from customers -- x", 'select 1 -- customers\n from (<customers>) AS "customers" -- x'),
    (
        "select 1 from customers c tablesample bernoulli (10) repeatable (1) where c.id = 1",
        "select 1 from (<customers> TABLESAMPLE pg_catalog.bernoulli (10) repeatable (1)) c  where c.id = 1",
    ),
    (
        "with customers as (select * from customers) select * from customers",
        'with customers as (select * from (<customers>) AS "customers") select * from customers',
    ),
    (
        "with recursive customers as (select 1 as id union all select id from customers) select * from customers",
        "with recursive customers as (select 1 as id union all select id from customers) select * from customers",
    ),
    (
        "with a as (select 1), b as (select * from a, customers) select * from b",
        'with a as (select 1), b as (select * from a, (<customers>) AS "customers") select * from b',
    ),
    ("select 1 from orders where id = 1", 'select 1 from "public".orders where id = 1'),
    ("select 1 from public.orders", "select 1 from public.orders"),
    ("select public.customers.email from public.customers", 'select customers.email from (<customers>) AS "customers"'),
    ("select public.customers.* from customers", 'select customers.* from (<customers>) AS "customers"'),
    ("select c.id from customers c for update of c", "select c.id from (<customers>) c for update of c"),
    ("select (select max(id) from customers)", 'select (select max(id) from (<customers>) AS "customers")'),
    ("select id, ctid from customers", 'select id, ctid from (<customers +ctid>) AS "customers"'),
    ("copy customers to stdout", "copy (<only customers>) to stdout"),
    ("copy customers (id) to stdout csv", 'copy (SELECT "id" FROM ONLY "public"."customers") to stdout csv'),
    ("copy orders to stdout", 'copy "public".orders to stdout'),
    ("declare k cursor for table customers", 'declare k cursor for SELECT * FROM (<customers>) AS "customers"'),
    ("prepare p as select email from customers", 'prepare p as select email from (<customers>) AS "customers"'),
    (
        "select c.id, c.email, count(*) from customers c group by c.id",
        'select c.id, c.email, count(*) from (<customers>) c group by "c"."email", c.id',
    ),
    (
        "select id, email from customers group by 1 order by balance",
        ('select id, email from (<customers>) AS "customers"'
        ' group by "customers"."email", "customers"."balance", 1 order by balance'),
    ),
    ("update orders set amount = 1 where id = 2", 'update "public".orders set amount = 1 where id = 2'),
    ("insert into customers (id) values (1)", 'insert into "public".customers (id) values (1)'),
    (
        "delete from orders using customers c where c.id = customer_id",
        'delete from "public".orders using (<customers>) c where c.id = customer_id',
    ),
    (
        "select 1 from customers; select 2; select 3 from customers x",
        'select 1 from (<customers>) AS "customers"; select 2; select 3 from (<customers>) x',
    ),
]  # fmt: skip


def expanded(text: str, catalog: Catalog, plan: MaskPlan) -> str:
    relation = catalog.relations[RelationName("public", "customers")]
    shapes: dict[str, dict[str, Any]] = {
        "<customers>": {},
        "<only customers>": {"only": True},
        "<customers +ctid>": {"system": ("ctid",)},
    }
    sample = "TABLESAMPLE pg_catalog.bernoulli (10) repeatable (1)"
    text = text.replace(f"<customers> {sample}", projection(relation, catalog, plan, sample=sample).text)
    for name, how in shapes.items():
        text = text.replace(name, projection(relation, catalog, plan, **how).text)
    return text


@pytest.mark.parametrize(("text", "sent"), PAIRS, ids=[text for text, _ in PAIRS])
def test_a_statement_becomes(shape: Any, catalog: Catalog, plan: MaskPlan, text: str, sent: str) -> None:
    shaped = shape(text)
    assert isinstance(shaped, Shaped), shaped
    assert shaped.text.decode() == expanded(sent, catalog, plan)


def test_only_masked_columns_that_are_touched_are_told(shape: Any) -> None:
    assert shape("select id, ssn from customers where name is null").masked_columns == (
        "public.customers.ssn (partial)",
        "public.customers.name (null)",
    )
    assert shape("select count(*) from customers").masked_columns == ()
    assert shape("select id from customers").notices == ()
    assert shape("select ssn from customers").notices == (
        "column public.customers.ssn is masked (partial); predicates compare masked values",
    )


def test_a_built_in_function_is_pinned_where_somebody_made_one_of_its_name(
    shape: Any, make_catalog: Callable[..., Catalog], catalog: Catalog, plan: MaskPlan
) -> None:
    shadowed = make_catalog(*catalog.relations.values(), functions=(FunctionName("public", "left"),))
    shaped = shape("select left(email, 1), lower(ssn) from customers", catalog=shadowed)
    assert shaped.text.decode() == expanded(
        'select pg_catalog.left(email, 1), lower(ssn) from (<customers>) AS "customers"', catalog, plan
    )


def test_a_denied_column_is_refused_by_name_star_and_row_and_the_rest_runs(shape: Any) -> None:
    for text in (
        "select payload from events",
        "select * from events",
        "select e from events e",
        "select e.* from events e",
        "select to_jsonb(e) from events e",
        "select e.b from events e (a, b)",
        "select 1 from events natural join orders",
        "table events",
        "copy events to stdout",
    ):
        refused = shape(text)
        assert isinstance(refused, Denial), text
        assert refused.code == "masked-column-denied"
        assert "payload" in refused.message
    for text in (
        "select id from events",
        "select count(*) from events",
        "select o.* from events e, orders o",
        "select 1 where exists (select * from events)",
        "copy events (id) to stdout",
    ):
        assert isinstance(shape(text), Shaped), text


def test_a_text_that_would_mean_something_else_is_refused(catalog: Catalog, plan: MaskPlan) -> None:
    # An analysis that points at the wrong place must not make a wrong splice.
    parsed = parse(b"select 1 from customers, orders")
    analysis = analyse(parsed, catalog, ("pg_catalog", "public"))
    (statement,) = analysis.statements
    for change in (1, -3, 9):
        moved = tuple(
            type(one)(one.location + change, one.relation, one.alias, one.only, one.sampled)
            for one in statement.references
        )
        wrong = Analysis((_with(statement, moved),), analysis.shape, analysis.fingerprint)
        with pytest.raises(NotProvenSafe):
            rewrite(parsed, wrong, catalog, plan)


def _with(statement: Any, references: Any) -> Any:
    import dataclasses

    return dataclasses.replace(statement, references=references)


def test_edits_that_overlap_are_refused() -> None:
    assert spliced(b"abcdef", [Edit(4, 5, "X"), Edit(0, 0, "<"), Edit(1, 3, "")]) == b"<adXf"
    with pytest.raises(NotProvenSafe):
        spliced(b"abcdef", [Edit(0, 3, "x"), Edit(2, 4, "y")])


def test_trees_are_the_same_but_for_places() -> None:
    one = parse(b"select a, 1 from t where x in (1, 2)").tree["stmts"]
    assert same(one, parse(b"select  a,  1 from t\nwhere x in ( 1,2 )").tree["stmts"])
    for other in (b"select a, 2 from t where x in (1, 2)", b"select a, 1 from t where x in (1)", b"select a, 1 from t"):
        assert not same(one, parse(other).tree["stmts"])
    assert not same(parse(b"select 1.0").tree, parse(b"select 1").tree)


def test_nothing_is_rewritten_without_a_plan(shape: Any, catalog: Catalog, make_classes: Callable[..., Any]) -> None:
    empty = plan_for(make_classes(), catalog, lambda _: True)
    assert not empty
    assert shape("drop table customers", plan=empty) == Shaped(b"drop table customers")
