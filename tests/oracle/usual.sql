-- Queries as people and programs write them, one a line.
select id from customers
select c.id, o.amount from public.customers c join orders as o on o.customer_id = c.id
select email from customers where id = (select customer_id from orders where amount > 3 and ssn is null)
select * from customers natural join orders
select balance from customers join orders using (id)
select j.email, customers.ssn from (customers join orders using (id)) as j
select x.a from customers as x(a, b)
select c from customers c
select count(*) from customers
select customers.*, orders.amount from customers, orders
select c.email from scratch, lateral (select email from customers where customers.id = scratch.id) c
select (select a.id from (select 1 as z) b) from customers a
select s.t from only scratch s tablesample bernoulli (10)
select ctid, xmin, id from orders
with customers as (select 1 as x) select x from customers
with customers as (select id from orders) select id from public.customers
with a as (select id from b), b as (select 1 as id) select * from a
with recursive a as (select id from b), b as (select 1 as id) select * from a
with recursive t as (select 1 as n union all select n + 1 from t where n < 5) select n from t
with orders as (select * from orders) select amount from orders
select 1 from (with scratch as (select 1) select * from scratch) s, scratch
with scratch as (select 1 as id) select 1 from orders where id in (select id from scratch)
with log_t as (select 1) select * from scratch union select * from log_t
select a.b from elsewhere.nowhere a
select id from evasions.public.customers
table customers
values (1, (select ssn from customers))
select id from customers union all (select id from orders order by amount) order by id limit (select max(x) from log_t, generate_series(1,2) x)
select grouping(amount), row_number() over w from orders window w as (partition by customer_id order by id) order by customer_email
select distinct on (email) id from customers order by email, id desc
select nothing_known from customers
select email from (select id, email from customers) s where s.email like 'a%'
select relname from pg_class where pg_table_is_visible(oid)
select table_name from information_schema.tables
select upper(e) from customer_vv
select r.total from (select amount as total from orders) r, customers c
select o.id from orders o for update of o
select * from rows from (generate_series(1, 2), json_to_recordset('[]') as (a int, b text)) as r(x, y, z)
select * from xmltable('/a' passing (select notes::xml from customers) columns b text path 'b')
select upper(email), left(notes, 1) from customers
select get_email(1), public.get_email_sd(2)
select c.cust_email from customers c
select (c).cust_email, (c).ssn from customers c
select cust_email(c) from customers c
select email(c) from customers c
select s.cust_email from (select * from customers) s
select s.upper from (select 'a' as upper) s
select no_such_function(1)
select 1 @@@@ 2
select 1 operator(pg_catalog.+) 2, 1 operator(public.@@@@) 2
select 'a' = 'b', 1 in (2, 3), 'a' like 'b' escape 'c', 1 between 2 and 3, nullif(1, 2), 1 is distinct from 2
select extract(year from now()), overlay('a' placing 'b' from 1), position('a' in 'b'), trim('x'), substring('abc' from 1 for 2)
select current_date, current_timestamp, localtime, current_user, session_user, user, current_catalog, current_schema
select now() at time zone 'UTC', coalesce(null, 1), greatest(1, 2), array[1, 2], row(1, 2)
select row(1)::custid::text
select order_status('open')
select replace('a', 'b', 'c'), max(id) from orders
select agg_leak(id) from orders
select all_customers()
select * from all_customers() a where a.ssn is not null
select * from dyn('select 1') x
select random(), clock_timestamp(), gen_random_uuid(), pg_is_in_recovery(), pg_advisory_unlock_all(), txid_current()
select nextval('s'), setval('s', 1), currval('s'), lastval()
select set_config('search_path', 'x', false), current_setting('search_path')
select pg_sleep(1), pg_notify('a', 'b'), pg_advisory_lock(1), pg_read_file('x'), pg_ls_dir('.'), lo_get(1), lo_import('x'), pg_terminate_backend(1), pg_switch_wal()
select query_to_xml('delete from orders', true, true, ''), table_to_xml('orders', true, true, '')
select * from ts_stat('select 1'), dblink('x', 'y') as d(a int), crosstab('select 1') as c(a int)
select domain_in('1', 1, -1), record_in('()', 1, -1), textin('a')
select string_agg(email, ',' order by id) filter (where balance > 0), percentile_cont(0.5) within group (order by balance) from customers
select json_object('{a,b}'), row_to_json(c) from customers c
select case get_email(1) when 'a' then 1 end, array_agg(t order by get_email(2)) from scratch group by get_email(3) having get_email(4) is null limit 1
select json_value('{}', '$'), json_object('a': 1), '{}' is json
select merge_action()
select * from json_table('[]', '$[*]' columns (a int path '$')) j
select format('%s', get_email(id)) from orders order by id using <
select xmlelement(name a, email), xmlserialize(content '<a/>'::xml as text) from customers
select ((array[get_email(1)])[1]), (select get_email(2)), exists (select 1), array(select get_email(3))
select c.* from customers c where c.id in (select customer_id from orders group by customer_id having count(*) > 2)
select (select max(amount) from orders o where o.customer_id = c.id) from customers c
select email from customers c where exists (select from orders o where o.customer_id = c.id and o.customer_email = email)
select id from customers c where exists (select 1 from scratch where t = ssn)
select a.id, b.id from customers a, customers b where a.id < b.id
select a.id from customers a left join lateral (select o.amount from orders o where o.customer_id = a.id order by o.amount desc limit 1) t on true
select * from (customers c join orders o on o.customer_id = c.id) x where x.amount > 1
select * from (customers c join orders o on o.customer_id = c.id) as x(a1, a2, a3)
select x.email from customers as x(i, e, email)
select j.id from customers join orders using (id) as j
select customers.id from mask.customers
select public.customers.ssn from public.customers
select o.id from orders o join (select id as customer_id from scratch) s using (customer_id)
select (t1).id from (select c as t1 from customers c) q
select row_to_json(c) from (select id from customers) c
select c::text from customers c
select count(c) from customers c
select (c).email from (select c from customers c) s
select total from (select sum(amount) as total from orders) s
select s.total from (select sum(amount) as total from orders) s
select (o.amount).total from orders o
select left(email::varchar, 1), left(email, 1) from customers
select email <<<= 'a', email::varchar <<<= 'a' from customers
select c.c::text from moods c
select m from moods where m = 'good'
select 'good'::mood, '3'::positive, p + 1 from moods
select many[1], many[1:2], array_length(many, 1) from moods
select (c).id, (m.c).id from moods m
select only_here.note from mask.only_here
select note from only_here
with c as (select * from customers), o as (select * from orders where customer_id in (select id from c)) select c.email, o.amount from c join o on o.customer_id = c.id
with recursive r(n) as (values (1) union all select n + 1 from r where n < (select count(*) from scratch)) select * from r
with recursive scratch as (select 1 as id union select id + 1 from scratch where id < 3) select * from scratch
with a as (with b as (select * from orders) select * from b) select * from a, scratch b
with orders as (select 1) select * from orders o, lateral (with orders as (select id from customers) select * from orders) x
with w as (select id from scratch) select (with w as (select id from log_t cross join customers) select count(*) from w), w.id from w
with x(email) as (select ssn from customers) select x.email from x
with t as materialized (select * from customers_part) select region from t
select * from customers_part where region = 'EU'
select tableoid::regclass, * from only customers
select id, rank() over (partition by customer_id order by amount) from orders
select customer_id, sum(amount) filter (where id > 3) from orders group by rollup (customer_id)
select percentile_disc(0.5) within group (order by amount) from orders
select generate_series(1, id) from scratch
select * from unnest(array[1, 2]) with ordinality as u(v, n) join scratch s on s.id = u.v
select * from jsonb_to_recordset('[]') as r(id int, email text) where r.email is null
select * from json_each((select to_json(c) from customers c limit 1))
select jsonb_populate_record(null::customers, '{}')
select case when balance > 0 then email else ssn end from customers
select coalesce(email, ssn), nullif(notes, full_name), greatest(id, 2) from customers
select id from customers order by (select min(amount) from orders where customer_id = customers.id)
select id as email from customers order by email
select upper(email) as e, count(*) from customers group by e order by count
select distinct on (email) email, ssn from customers order by email, id
select 1 from customers where (id, email) in (select id, t from scratch)
select 1 from customers where (id, email) = (1, 'x')
select array(select email from customers), array_agg(distinct ssn order by ssn) from customers
select id from orders union select id from customers intersect select id from scratch except select id from watched
(select id from orders limit 1) union all (select id from scratch order by t)
select * from (values (1, 'a'), (2, 'b')) v(id, email) where v.email = 'a'
select v.email from (values (1, (select ssn from customers limit 1))) v(id, email)
select email from (select 1) s cross join customers
select s.email from customers s, (select 1 as email) t
select a.id from customers a where a.id = any (select b.id from orders b where b.amount > all (select id from scratch where a.notes is null))
select extract(epoch from ts), row_data ->> 'email' from customers_audit
select row_data @> '{}', row_data #>> '{a}' from customers_audit
select count(*) from customers tablesample system (10)
select e from customer_vv
select id from customer_mv natural join scratch
select get_email(id) from orders where total(amount) > 1
select agg_leak(id) over (order by id) from orders
select f.* from orders o, all_customers() f where f.id = o.customer_id
select f.email from all_customers() f
select (all_customers()).ssn
select d from dyn('x') d
select public.opf(1, 2) || 'x'
select 1 operator(public.@@@@) 2
select id @@@@ id from scratch
select current_user, current_date, now() - interval '1 day', 'a' collate "C" < 'b'
select relname, attname from pg_class c join pg_attribute a on a.attrelid = c.oid where relkind = 'r'
select table_name from information_schema.tables t join scratch s on s.t = t.table_name
select n.nspname, c.relname, (select count(*) from customers) from pg_namespace n left join pg_class c on c.relnamespace = n.oid
select email_l from customers_gen g where g.email is not null
select q.a, q.b from (select id, email from customers) q(a, b)
select q.b from lateral (select o.amount as b from orders o) q
select a.x from (select id as x from customers) a join (select id as x from orders) b on a.x = b.x
select c.id from customers c join orders o on o.customer_id = c.id and (select count(*) from scratch s where s.id = o.id and t = c.email) > 0
select (select id from (select email) z limit 1) from customers
select (select id from (select c.email) z limit 1) from customers c
select (select z.id from scratch z where z.t = c.email) from customers c, (select 1 as email) c2
select 1 from orders customers where customers.amount > 1
select customers from customers
select email from customers email
select id from customers where customers is not null
select to_jsonb(customers) - 'email' from customers
select c from customers c order by c
select count(distinct (id, email)) from customers
select (customers).* from customers
select customers.* from customers, lateral (select customers.id) x
