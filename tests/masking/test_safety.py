"""What a masked session may send, and why the rest is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.analysis.catalog import Catalog
from ostiary.masking.apply import Shaped
from ostiary.model.decision import Denial
from ostiary.model.names import FunctionName

REFUSED = {
    "drop table orders": "DropStmt is not among the statements of masked sessions",
    "create table x as select 1": "CreateTableAsStmt is not among the statements of masked sessions",
    "select 1 into x": "SELECT INTO makes a table",
    "do 'begin end'": "DO block",
    "listen ch": "ListenStmt is not among",
    "notify ch, 'x'": "NotifyStmt is not among",
    "set role postgres": "setting role",
    "set session authorization postgres": "setting session_authorization",
    "set client_min_messages = debug1": "may not have that value",
    "set debug_print_plan = on": "setting debug_print_plan",
    "set default_transaction_read_only = off": "may not have that value",
    "set lc_messages = 'C'": "setting lc_messages",
    "begin read write": "transaction mode read only",
    "set session characteristics as transaction read write": "transaction mode read only",
    "prepare transaction 'x'": "transaction command prepare",
    "show all": "setting all",
    "show data_directory": "setting data_directory",
    "select current_setting('x')": "function current_setting",
    "select set_config('search_path', 'x', false)": "function set_config",
    "select query_to_xml('select 1', true, true, '')": "function query_to_xml",
    "select pg_sleep(1)": "function pg_sleep",
    "select lo_get(1)": "function lo_get",
    "select nextval('s')": "function nextval",
    "select pg_get_viewdef('v')": "function pg_get_viewdef",
    "select * from pg_statistic": "pg_catalog.pg_statistic is not on the list",
    "select 1 operator(public.+) 2": "operator public.+ is not built in",
    "select 'x'::public.thing": "type public.thing",
    "select 'x'::pg_node_tree": "type pg_node_tree",
    "explain select * from customers": "EXPLAIN would show",
    "explain select * from order_totals": "EXPLAIN would show how public.order_totals is defined",
    "explain (settings) select * from orders": "EXPLAIN option settings",
    "copy orders to '/tmp/x'": "file or a program",
    "copy orders from program 'x'": "file or a program",
    "copy (delete from orders returning id) to stdout": "COPY of a statement that changes data",
    "declare k cursor for values (1); lock table orders": "LockStmt",
    "with x as (delete from orders returning id) select * from x": "DeleteStmt",
    "update customers set email = 'x'": "masked column email of public.customers stands in a write",
    "update customers set balance = 1 where ssn = 'x'": "masked column ssn",
    "update customers set balance = 1 returning *": "masked column email",
    "update customers c set balance = 1 returning c": "masked column email",
    "update customers c set balance = 1 where c.email is null": "masked column email",
    "update customers c set balance = length((c).email)": "masked column email",
    "update customers set balance = 1 returning with (old as o) o.email": "masked column email",
    "update customers set balance = 1 returning old.ssn": "masked column ssn",
    "delete from customers where name = 'x'": "masked column name",
    "delete from customers where current of k": "CurrentOfExpr",
    "insert into customers values (1)": "masked column email",
    "insert into customers (id, email) values (1, 'x')": "masked column email",
    "insert into customers (id) values (1) on conflict (email) do nothing": "masked column email",
    "insert into customers (id) values (1) on conflict (id) do update set balance = length(excluded.email)": "email",
    "insert into customers (id) values (1) returning email": "masked column email",
    "copy customers from stdin": "masked column email",
    "merge into customers c using orders o on c.id = o.id when matched then do nothing": "MERGE into public.customers",
    "insert into orders (amount) select length(email) from customers": "a write would depend on masked column email",
    "delete from orders o using customers c where c.email = 'x'": "a write would depend on masked column email",
    "insert into orders select c.* from customers c": "a write would depend on masked column email",
    "update audited set id = 1": "triggers or rules",
    "update customer_names set id = 1": "is not a table",
    "delete from pg_class": "system relation",
    "copy pg_class to stdout": "COPY of a system relation",
    "select s.pg_sleep from (select 1 as x) s": "pg_sleep may be read as a call",
    "select ('x'::text).lo_get": "lo_get may be read as a call",
    "select c.leak from customers c": "leak may be read as a call of function public.leak",
    "select ctid, * from customers": "system columns",
    "select 1 from customers tablesample system_rows (1)": "system_rows",
    "vacuum": "VacuumStmt",
    "select 1 from nowhere": "nowhere",
}

ALLOWED = (
    "select 1",
    "values (1)",
    "table orders",
    "begin",
    "begin isolation level serializable, read only, deferrable",
    "commit",
    "rollback and chain",
    "savepoint a",
    "release a",
    "rollback to a",
    "set constraints all deferred",
    "set application_name = 'x'",
    "set search_path = public, pg_catalog",
    "set time zone interval '1' hour to minute",
    "set time zone default",
    "set ostiary.purpose = 'x'",
    "show ostiary.purpose",
    "show server_version",
    "reset all",
    "discard all",
    "unlisten *",
    "close all",
    "deallocate all",
    "fetch 3 from k",
    "move forward 2 in k",
    "execute p (1, lower('x'))",
    "prepare p (int, text) as select $1, $2",
    "explain analyze select * from orders",
    "explain (verbose, format json) update orders set amount = 1 where id = 1",
    "copy orders from stdin",
    "copy customers (id, balance) from stdin with (format csv)",
    "copy (select id from customers) to stdout (format binary)",
    "merge into orders o using customers c on c.id = o.customer_id when matched then update set amount = c.balance",
    "insert into orders default values",
    "select relname from pg_class",
    "select public.customers.email from public.customers",
    "select e.id::text, e.id::pg_catalog.int8 from events e",
    "select '{1}'::int[], null::numeric(3, 1), date '2020-01-01', interval '1 day'",
    "select s.id from (select id from customers) s",
    "select (select max(balance) from customers)",
    "select * from generate_series(1, 2) as g (n)",
    "select count(*) filter (where balance > 1) over (partition by id) from customers",
    "select status from status",
)


@pytest.fixture
def with_a_leak(make_catalog: Callable[..., Catalog], catalog: Catalog) -> Catalog:
    return make_catalog(*catalog.relations.values(), functions=(FunctionName("public", "leak"),))


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_proven_safe_is_refused_with_its_reason(shape: Any, with_a_leak: Catalog, text: str) -> None:
    refused = shape(text, catalog=with_a_leak)
    assert isinstance(refused, Denial), refused
    assert refused.code in ("masked-not-proven-safe", "masked-column-denied")
    assert REFUSED[text] in refused.detail or REFUSED[text] in refused.message
    assert refused.hint


@pytest.mark.parametrize("text", ALLOWED)
def test_ordinary_statements_pass(shape: Any, text: str) -> None:
    assert isinstance(shape(text), Shaped), shape(text)


def test_one_unsafe_statement_refuses_the_whole_text(shape: Any) -> None:
    assert isinstance(shape("select 1; drop table orders; select 2"), Denial)


def test_operators_that_somebody_defined_are_refused_where_they_could_be_meant(
    shape: Any, make_catalog: Callable[..., Catalog], catalog: Catalog
) -> None:
    own = make_catalog(*catalog.relations.values(), own_operators=frozenset({"@@@"}))
    assert isinstance(shape("select 1 @@@ 2", catalog=own), Denial)
    assert isinstance(shape("select 1 + 2", catalog=own), Shaped)
    comparing = make_catalog(*catalog.relations.values(), own_operators=frozenset({"="}))
    assert isinstance(shape("select 1 in (1, 2)", catalog=comparing), Denial)


def test_types_that_somebody_defined_are_refused_when_becoming_them_runs_code(
    shape: Any, make_catalog: Callable[..., Catalog], catalog: Catalog
) -> None:
    types = {("public", "mood"): "e", ("public", "checked"): "d", ("public", "pair"): "c"}
    own = make_catalog(*catalog.relations.values(), user_types=types)
    assert isinstance(shape("select 'x'::mood", catalog=own), Shaped)
    for name in ("checked", "pair", "pair[]", "public.checked"):
        assert isinstance(shape(f"select null::{name}", catalog=own), Denial), name
    casting = make_catalog(*catalog.relations.values(), user_types=types, own_casts=1)
    assert isinstance(shape("select 'x'::mood", catalog=casting), Denial)


WIDE = {
    "a masked table in 1,000 subqueries": "select " + ", ".join(["(select 1 from customers c)"] * 1_000),
    "a masked table 900 times": "select 1 from " + ", ".join(f"customers c{n}" for n in range(900)),
    "a masked table in 2,000 predicates": "select 1 where "
    + " or ".join(f"exists (select from customers where id = {n})" for n in range(2_000)),
}


@pytest.mark.parametrize("name", WIDE)
def test_a_masked_table_in_too_many_places_is_refused_before_it_costs_much(shape: Any, name: str) -> None:
    shaped = shape(WIDE[name])
    assert isinstance(shaped, Denial)
    assert "too many places" in shaped.detail


def test_a_masked_table_in_a_few_places_is_not_refused(shape: Any) -> None:
    assert isinstance(shape("select " + ", ".join(["(select max(id) from customers c)"] * 20)), Shaped)
    assert isinstance(shape("select " + ", ".join(["public.customers.id"] * 1_000) + " from customers"), Shaped)


@pytest.mark.parametrize("depth", [20, 60, 100, 200, 300])
def test_deep_nesting_is_shaped_or_refused_and_never_a_fault(shape: Any, depth: int) -> None:
    shaped = shape("select " + "array[" * depth + "id" + "]" * depth + " from customers")
    assert isinstance(shaped, Shaped) if depth == 20 else isinstance(shaped, Shaped | Denial)
