"""Ordinary work of a masked session: it runs, and gives what the same statement gives over views that mask."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ostiary.masking.projection import projection

pytestmark = pytest.mark.live

QUERIES = [
    "select * from customers order by id limit 5",
    "select id, email, balance from customers where id = 1",
    "select count(*) from customers",
    "select count(email), count(distinct email) from customers",
    "select sum(balance), avg(balance), min(balance), max(balance) from customers",
    "select id from customers where balance > 100 order by balance desc limit 10",
    "select id, ssn from customers where id in (1, 2, 3) order by id",
    "select c.id, o.amount from customers c join orders o on o.customer_id = c.id order by 1, 2",
    "select c.id, c.email, o.amount from customers c left join orders o on o.customer_id = c.id order by 1, 3 limit 20",
    "select customer_id, sum(amount) as total from orders group by customer_id having sum(amount) > 5 order by total",
    "select o.*, c.balance from orders o join customers c on c.id = o.customer_id order by o.id",
    "select id from customers where exists (select 1 from orders where customer_id = customers.id) order by id",
    "select id from customers where id not in (select customer_id from orders) order by id limit 5",
    "select id, (select count(*) from orders where customer_id = c.id) as orders from customers c order by 1 limit 5",
    "with rich as (select * from customers where balance > 300) select count(*) from rich",
    "with a as (select id from customers), b as (select id from a where id < 20) select sum(id) from b",
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5) select i from n",
    "select id, balance, rank() over (order by balance desc) as place from customers order by place, id limit 5",
    "select id, sum(balance) over (partition by id % 7 order by id) from customers order by id limit 20",
    "select c.id, c.balance, count(*) from customers c join orders o on o.customer_id = c.id group by c.id order by 1",
    (
        "select c.id, c.email, sum(o.amount) from customers c join orders o on o.customer_id = c.id"
        " group by c.id having sum(o.amount) > 1 order by c.balance, c.id"
    ),
    "select id, email from customers group by 1 order by balance, 1 limit 3",
    "select region, count(*) from customers_part group by region order by region",
    "select * from customers_part order by id",
    "select * from customers_part_eu",
    "select date_trunc('day', timestamp '2024-05-06 07:08:09') as day",
    "select id, case when balance > 100 then 'high' else 'low' end as level from customers order by id limit 5",
    "select coalesce(full_name, 'unknown') as name from customers order by id limit 3",
    "select upper(email), length(ssn) from customers order by id limit 3",
    "select id || ':' || balance as label from customers order by id limit 3",
    "select json_agg(json_build_object('id', id, 'email', email) order by id) from customers where id < 4",
    "select row_to_json(c) from customers c where id = 1",
    "select to_jsonb(c) -> 'ssn' from customers c where id = 1",
    "select array_agg(id order by id) from customers where id < 20",
    "select string_agg(email, ', ' order by id) from customers where id < 4",
    "select distinct balance > 100 as rich from customers order by 1",
    "select distinct on (id % 3) id from customers order by id % 3, id",
    "select id from customers union select customer_id from orders order by 1 limit 5",
    "select id from customers except select customer_id from orders order by 1 limit 5",
    "select id from customers intersect select customer_id from orders order by 1",
    "values (1, 'a'), (2, 'b')",
    "table orders",
    "select * from (values (1, 'x')) as v (id, label) join customers using (id)",
    "select * from customers natural join (select 1 as id) one",
    "select g, c.id from generate_series(1, 3) g left join customers c on c.id = g order by 1",
    "select l.id, l.n from (select 1 as i) s, lateral (select id, s.i as n from customers where id = s.i) l",
    "select id from customers order by id offset 3 fetch first 2 rows only",
    "select id from customers where balance between 10 and 20 order by id",
    "select id from customers where email is not null order by id limit 3",
    "select id from customers where notes like 'prefers%'",
    "select id from customers where email = 'alice@corp-secret.example'",
    "select min(id) filter (where balance > 50), grouping(id % 2) from customers group by rollup (id % 2) order by 2",
    "select percentile_cont(0.5) within group (order by balance) from customers",
    "select width_bucket(balance, 0, 500, 5) as bucket, count(*) from customers group by 1 order by 1",
    "select id::text, balance::int from customers where id < 4 order by id",
    "select customers.id, customers.email from customers where customers.id = 1",
    "select public.orders.id from public.orders order by 1",
    "select c.id from customers c where (c.id, c.balance) in ((1, 100.50), (2, 0)) order by 1",
    "select id from only customers where id > 9000",
    "select id from customers where id > 9000",
    "select c.id from customers c for update skip locked limit 1",
    "select email as contact, count(*) from customers group by email order by 2 desc limit 1",
    "select id, notes from customers where id < 4 order by id",
    "select now() > timestamp '2020-01-01', current_user is not null, current_database() is not null",
    "select md5(id::text), round(balance, 1), abs(-id) from customers where id = 1",
    "select extract(year from date '2024-05-06'), age(date '2024-05-06', date '2024-01-01')",
    "select * from customers where false",
    "select customer_v.id, customer_v.balance from customer_v where id = 1",
    "select customers.*, orders.amount from customers, orders where customer_id = customers.id order by orders.id",
    "select count(*) from customers c1 join customers c2 on c1.id = c2.id + 1",
]

OTHERS = [
    "begin",
    "begin read only",
    "start transaction isolation level repeatable read",
    "savepoint a",
    "rollback to savepoint a",
    "rollback",
    "commit",
    "set application_name = 'work'",
    "set statement_timeout = '5s'",
    "set local lock_timeout = 100",
    "set datestyle to iso, dmy",
    "set time zone 'UTC'",
    "set extra_float_digits = 3",
    "set search_path to public",
    "show search_path",
    "show server_version",
    "show transaction isolation level",
    "reset all",
    "discard all",
    "insert into scratch (id, t) values (1, 'x'), (2, 'y') returning id, t",
    "insert into scratch select id, 'copied' from customers where balance > 300",
    "insert into orders (id, customer_id, amount) values (900, 1, 5) returning id, amount",
    "insert into customers (id, balance) values (60000, 5) returning id",
    "insert into customers (id, balance) values (1, 5) on conflict (id) do update set balance = excluded.balance",
    "update customers set balance = balance + 1 where id = 1",
    "update customers c set balance = 0 where c.id = 1 returning c.id, c.balance",
    "update orders set amount = 11 where id = 1 returning id, amount",
    "update orders o set amount = c.balance + 1 from customers c where c.id = o.customer_id",
    "update scratch set t = 'z' where id in (select id from customers where balance > 300)",
    "delete from orders where id = 900",
    "delete from scratch using customers c where c.id = scratch.id",
    "with old as (select id from customers where id > 60000) delete from scratch where id in (select id from old)",
    "prepare p (int) as select id, email from customers where id = $1",
    "execute p (1)",
    "deallocate p",
    "explain select * from scratch where id = 1",
    "copy scratch to stdout",
    "copy customers to stdout with (format csv, header)",
    "copy (select id, email from customers) to stdout",
    "select relname, relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public'",
    "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'customers'::regclass",
    "select table_name from information_schema.tables where table_schema = 'public'",
    "select column_name, data_type, column_default from information_schema.columns where table_name = 'customers'",
    "select i.relname from pg_index x join pg_class i on i.oid = x.indexrelid where x.indrelid = 'customers'::regclass",
    "select version()",
    "select pg_catalog.pg_get_userbyid(relowner) from pg_catalog.pg_class limit 1",
]


@pytest.fixture(scope="module")
def gate(kit: Any) -> Iterator[Any]:
    kit.databases.spoil("usability")
    kit.databases.copy("usability")
    made = kit.gate("usability")
    with psycopg.connect(kit.databases.dsn("usability"), autocommit=True) as connection:
        connection.execute("create schema shown")
        for name, masks in made.plan.relations.items():
            relation = made.catalog.relations[name]
            if name.schema == "public" and masks and relation.kind in "rpv":
                text = projection(relation, made.catalog, made.plan).text
                connection.execute(f'create view shown."{name.name}" as {text}'.encode())
        connection.execute(
            "grant usage on schema shown to agent; grant select, update on all tables in schema shown to agent"
        )
    yield made
    made.close()


def test_a_query_gives_what_it_gives_over_views_that_mask(gate: Any, kit: Any) -> None:
    views = psycopg.connect(kit.databases.dsn("usability", "agent"), autocommit=True)
    views.execute("set search_path to shown, public")
    refused, different = {}, []
    for text in QUERIES:
        outcome = gate.run(text)
        if outcome.refused:
            refused[text] = outcome.refused
            continue
        over_views = _over_views(views, text)
        if over_views is not None and over_views != _values(gate, outcome.sent):
            different.append(text)
    views.close()
    assert different == []
    assert refused == {}


def _values(gate: Any, text: bytes) -> list[Any]:
    result = gate.connection.pgconn.exec_(text)
    return [[result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples)]


def _over_views(views: Any, text: str) -> list[Any] | None:
    """None where a view cannot be asked that way: it has no key, no children, and no name of its table."""
    asked = text.replace("only customers", "customers").replace("public.orders", "orders")
    result = views.pgconn.exec_(asked.encode())
    if result.error_field(67) == b"42803":
        return None
    assert result.status in (1, 2), f"{text}: {result.error_message.decode()}"
    rows = [[result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples)]
    return None if "only" in text or "for update" in text else rows


def test_other_ordinary_statements_run(gate: Any) -> None:
    refused, failed = {}, []
    for text in OTHERS:
        outcome = gate.run(text)
        if outcome.refused:
            refused[text] = outcome.refused
        elif outcome.failed:
            failed.append((text, outcome.said))
    gate.raw("rollback")
    assert refused == {}
    assert failed == []
