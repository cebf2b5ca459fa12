"""Evasions made by rule: every way to use a masked column, in every place of a statement, under every spelling."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.live

# {0} is a masked text column, qualified by c.
EXPRESSIONS = [
    "{0}",
    "{0} || ''",
    "upper({0})",
    "reverse({0})",
    "encode(convert_to({0}, 'UTF8'), 'hex')",
    "encode({0}::bytea, 'base64')",
    "translate({0}, 'abc', 'xyz')",
    "substr({0}, 1, 9)",
    "left({0}, 3) || right({0}, 9)",
    "ascii({0})",
    "length({0})",
    "md5({0})",
    "to_json({0})",
    "jsonb_build_object('a', {0})",
    "row({0}, 1)::text",
    "array[{0}, {0}]",
    "coalesce({0}, 'x')",
    "nullif({0}, 'x')",
    "greatest({0}, 'a')",
    "case when {0} like 'a%' then 'y' else 'n' end",
    "case {0} when 'alice@corp-secret.example' then 1 end",
    "({0} = 'alice@corp-secret.example')",
    "({0} between 'a' and 'b')",
    "({0} in ('alice@corp-secret.example'))",
    "({0} similar to 'a%')",
    "({0} ~ '^a')",
    "format('%s %L %I', {0}, {0}, {0})",
    "quote_literal({0})",
    "string_to_array({0}, '@')",
    "(string_to_array({0}, '@'))[1]",
    "regexp_replace({0}, '.', '\\&-', 'g')",
    "to_tsvector('simple', {0})",
    "xmlelement(name e, {0})",
    "overlay({0} placing '' from 1 for 0)",
    "position('corp' in {0})",
    "{0}::varchar(30)",
    "cast({0} as name)",
    '{0} collate "C"',
    "(select {0})",
    "(select max(x) from (values ({0})) v(x))",
    "exists (select 1 where {0} like 'alice%')",
    "array(select {0} from generate_series(1, 2))",
    "to_jsonb(c)",
    "c::text",
    "row_to_json(c)",
    "(c).email",
    "(row_to_json(c) ->> 'email')",
    "to_jsonb(c) -> 'email'",
    "num_nonnulls({0}, c)",
    "pg_typeof({0})",
    "pg_column_size({0})",
    "{0}::int",
    "{0}::date",
    "{0}::regclass",
    "{0}::jsonb",
    "('{{' || {0})::int[]",
    "chr(ascii({0}) / 0)",
]

# {0} is the expression; the relation is customers as c.
PLACES = [
    "select {0} from customers c where c.id = 1",
    "select * from (select {0} as x from customers c where c.id < 4) s",
    "with s as (select {0} as x from customers c where c.id < 4) select * from s",
    (
        "with recursive r(n, x) as (select 1, null::text union all"
        " select n + 1, ({0})::text from r join customers c on c.id = n where n < 3) select * from r"
    ),
    "select s.x from (select 1 as i) o, lateral (select {0} as x from customers c where c.id = o.i) s",
    "select c.id from customers c where ({0})::text like '%corp%'",
    "select c.id from customers c where c.id < 4 order by ({0})::text",
    "select count(*) from customers c where c.id < 4 group by ({0})::text",
    "select c.id from customers c where c.id < 40 group by c.id having max(({0})::text) like '%corp%'",
    "select max(({0})::text), string_agg(({0})::text, ',') from customers c where c.id < 4",
    "select first_value(({0})::text) over (order by c.id) from customers c where c.id < 4",
    "select 'x' where false union all select ({0})::text from customers c where c.id < 4",
    "select ({0})::text from customers c where c.id < 4 except select 'zzz'",
    "values ((select ({0})::text from customers c where c.id = 1))",
    "select distinct on (({0})::text) c.id from customers c where c.id < 4",
    "select o.id from orders o join customers c on ({0})::text = o.id::text",
    "select {0} from only customers c where c.id = 1 for update",
    "select {0} from vip_customers c",
    "select {0} from customers c tablesample system (100) where c.id = 1",
    "copy (select {0} from customers c where c.id = 1) to stdout",
    "copy (select {0} from customers c where c.id = 1) to stdout (format binary)",
    "declare k cursor for select {0} from customers c where c.id < 4",
    "explain select {0} from customers c",
    "explain (analyze, verbose) select 1 from customers c where ({0})::text = 'x'",
]

# The target of a write cannot be replaced, so a masked column anywhere near it must be refused.
WRITES = [
    "update customers set notes = {0} where id = 1",
    "update customers c set balance = length(({0})::text) where id = 1",
    "update customers c set balance = balance where ({0})::text like 'a%'",
    "update customers c set balance = balance where id = 1 returning {0}",
    "update orders o set amount = length(({0})::text) from customers c where c.id = o.customer_id",
    "update customers c set (balance, id) = (select length(({0})::text), 1) where id = 1",
    "delete from customers c where ({0})::text like 'a%'",
    "delete from customers c where id = 3 returning {0}",
    "delete from orders o using customers c where c.id = o.customer_id and ({0})::text like 'a%'",
    "insert into scratch select 1, ({0})::text from customers c where id = 1",
    (
        "insert into customers as c (id, balance) values (1, 1)"
        " on conflict (id) do update set balance = length(({0})::text)"
    ),
    "insert into customers as c (id, balance) values (9, 1) returning {0}",
    "merge into scratch s using customers c on s.id = c.id when not matched then insert values (c.id, ({0})::text)",
    "with w as (update customers c set balance = balance where id = 1 returning {0} as x) select * from w",
]

SPELLINGS = [
    "select email from customers where id = 1",
    'select "email" from "customers" where id = 1',
    "select EMAIL from CUSTOMERS where id = 1",
    'select U&"em\\0061il" from U&"c!0075stomers" uescape \'!\' where id = 1',
    "select/**/email/**/from/* x /* y */ */customers--c\nwhere id=1",
    "select email from public . customers where id = 1",
    "select public.customers.email from public.customers where id = 1",
    "select customers.* from customers where id = 1",
    "select (customers).* from customers where id = 1",
    "select customers from customers where id = 1",
    "select b from customers as c (a, b) where a = 1",
    "select j.b from (customers c join orders o on o.id = c.id) as j (a, b) where a = 1",
    "select j.email from (customers c cross join orders o) as j limit 1",
    "select email from customers natural join customer_v where id = 1",
    "select * from customers join customer_v using (id, email)",
    "select email from customers * where id = 1",
    "select email from only (customers) where id = 1",
    "table customers",
    "table only customers",
    "with customers as (select 1 as x) select email from public.customers where id = 1",
    "with customers as (select * from customers) select email from customers where id = 1",
    "select c.email from (with customers as (select 1) select 1) x, customers c where c.id = 1",
    "with a as (select * from b), b as (select 'x' as email) select * from a",
    "copy customers to stdout",
    "copy customers (email) to stdout with (format csv, header)",
    "copy public.customers(id, ssn) to stdout (format binary)",
    "copy vip_customers to stdout",
    "select e.email from customers e, orders o where e.id = o.customer_id for share of e",
    "prepare p as select email from customers where id = $1",
    "select ctid, xmin, tableoid, email from customers where id = 1",
    "select email from customer_v where id = 1",
    "select x.email from (customers x left join orders y on true) limit 1",
    "/* comment */ select 'é', email from customers where id = 1",
    "select 1; select email from customers where id = 1; select 2",
]


def combined() -> Iterator[str]:
    for place in PLACES:
        for expression in EXPRESSIONS:
            for column in ("c.email", "c.ssn", "c.full_name", "c.notes"):
                yield place.format(expression.format(column))
                if "{0}" not in expression:
                    break


@pytest.fixture(scope="module")
def gate(kit: Any) -> Iterator[Any]:
    kit.databases.spoil("families")
    kit.databases.copy("families")
    made = kit.gate("families")
    yield made
    made.close()


def run(gate: Any, text: str) -> Any:
    """In a transaction that is undone, so that each statement finds the same data."""
    gate.raw("begin")
    try:
        return gate.run(text)
    finally:
        gate.raw("rollback")


def test_no_use_of_a_masked_column_in_any_place_shows_it(gate: Any, kit: Any) -> None:
    told, ran = {}, 0
    for text in combined():
        outcome = run(gate, text)
        ran += not outcome.refused
        if found := kit.leaks(outcome.said):
            told[text] = found
    assert told == {}
    assert ran > 3000


def test_the_same_statements_past_the_gate_do_show_values(gate: Any, kit: Any) -> None:
    # Without this the tests above could pass by looking in the wrong place.
    shown = 0
    for text in combined():
        if "where c.id < 4" in text and not text.startswith("declare"):
            with gate.connection.transaction(force_rollback=True):
                result = gate.connection.pgconn.exec_(text.encode())
                values = [result.get_value(row, 0) or b"" for row in range(result.ntuples)]
                shown += bool(kit.leaks([repr(value) for value in values] + [result.error_message.decode()]))
    assert shown > 500


def test_no_spelling_of_a_name_escapes_the_mask(gate: Any, kit: Any) -> None:
    told = {}
    for text in SPELLINGS:
        outcome = run(gate, text)
        if found := kit.leaks(outcome.said):
            told[text] = found
    assert told == {}


def test_a_write_that_touches_a_masked_column_is_refused_wherever_it_stands(gate: Any) -> None:
    ran = []
    for place in WRITES:
        for expression in EXPRESSIONS:
            text = place.format(expression.format("c.email"))
            if not run(gate, text).refused:
                ran.append(text)
    assert ran == []


def test_a_right_guess_looks_like_a_wrong_one(gate: Any) -> None:
    told = []
    for place in PLACES:
        for expression in EXPRESSIONS:
            if "'alice@corp-secret.example'" in expression or "like 'a" in expression:
                right = place.format(expression.format("c.email"))
                wrong = right.replace("'alice", "'zlice").replace("like 'a", "like 'z")
                if run(gate, right).said != run(gate, wrong).said:
                    told.append(right)
    assert told == []


TEMPLATES = st.sampled_from([one for one in EXPRESSIONS if "{0}" in one])
LEAVES = st.sampled_from(["c.email", "c.ssn", "c.full_name", "c.notes", "email", "ssn", "c.id::text", "'x'"])
NESTED = st.recursive(
    LEAVES,
    lambda inner: st.builds(lambda template, text: template.format(f"({text})::text"), TEMPLATES, inner),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(expression=NESTED, place=st.sampled_from(PLACES))
def test_nested_expressions_show_nothing(gate: Any, kit: Any, expression: str, place: str) -> None:
    outcome = run(gate, place.format(expression))
    assert kit.leaks(outcome.said) == []
