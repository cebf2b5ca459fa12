select upper(email), left(notes, 1) from customers
--> SELECT (SelectStmt)
--> read public.customers(email, notes)
--> runs pg_catalog.left pg_catalog.upper
--> at 41 public.customers

select get_email(1), public.get_email_sd(2)
--> SELECT (SelectStmt), changes session
--> call public.get_email
--> call public.get_email_sd
--> runs public.get_email public.get_email_sd

select c.cust_email from customers c
--> SELECT (SelectStmt), changes catalog, changes session
--> read public.customers(*)
--> call public.cust_email
--> runs public.cust_email
--> at 25 public.customers as c

select (c).cust_email, (c).ssn from customers c
--> SELECT (SelectStmt), changes catalog, changes session
--> read public.customers(*)
--> call public.cust_email
--> runs public.cust_email
--> at 36 public.customers as c

select cust_email(c) from customers c
--> SELECT (SelectStmt), changes catalog, changes session
--> read public.customers(*)
--> call public.cust_email
--> runs public.cust_email
--> at 26 public.customers as c

select email(c) from customers c
--> SELECT (SelectStmt)
--> read public.customers(*)
--> at 21 public.customers as c

select s.cust_email from (select * from customers) s
--> SELECT (SelectStmt), changes catalog, changes session
--> call public.cust_email
--> read public.customers(*)
--> runs public.cust_email
--> at 40 public.customers

select s.upper from (select 'a' as upper) s
--> SELECT (SelectStmt)

select no_such_function(1)
--> SELECT (SelectStmt)
--> incomplete: unknown function: no_such_function

select 1 @@@@ 2
--> SELECT (SelectStmt), changes session
--> call ?operator.@@@@
--> runs ?operator.@@@@

select 1 operator(pg_catalog.+) 2, 1 operator(public.@@@@) 2
--> SELECT (SelectStmt), changes session
--> call ?operator.@@@@
--> runs ?operator.@@@@

select 'a' = 'b', 1 in (2, 3), 'a' like 'b' escape 'c', 1 between 2 and 3, nullif(1, 2), 1 is distinct from 2
--> SELECT (SelectStmt)
--> runs pg_catalog.like_escape

select extract(year from now()), overlay('a' placing 'b' from 1), position('a' in 'b'), trim('x'), substring('abc' from 1 for 2)
--> SELECT (SelectStmt)
--> runs pg_catalog.btrim pg_catalog.extract pg_catalog.now pg_catalog.overlay pg_catalog.position pg_catalog.substring

select current_date, current_timestamp, localtime, current_user, session_user, user, current_catalog, current_schema
--> SELECT (SelectStmt)
--> runs pg_catalog.current_database pg_catalog.current_schema pg_catalog.current_user pg_catalog.now pg_catalog.session_user

select now() at time zone 'UTC', coalesce(null, 1), greatest(1, 2), array[1, 2], row(1, 2)
--> SELECT (SelectStmt)
--> runs pg_catalog.now pg_catalog.timezone

select row(1)::custid::text
--> SELECT (SelectStmt)
--> call public.cast:custid
--> runs public.cast:custid

select 'x'::citext, 'open'::order_status, null::customers, '1'::lo
--> SELECT (SelectStmt)
--> call public.cast:customers
--> call public.input:lo
--> runs public.cast:customers public.input:citext public.input:lo public.input:order_status

select order_status('open')
--> SELECT (SelectStmt)
--> call public.cast:order_status
--> runs public.cast:order_status

select replace('a', 'b', 'c'), max(id) from orders
--> SELECT (SelectStmt)
--> read public.orders(id)
--> runs pg_catalog.max pg_catalog.replace public.max public.replace
--> at 44 public.orders

select agg_leak(id) from orders
--> SELECT (SelectStmt), changes session
--> read public.orders(id)
--> call public.agg_leak
--> runs public.agg_leak
--> at 25 public.orders

select all_customers()
--> SELECT (SelectStmt), changes catalog, changes session
--> call public.all_customers
--> runs public.all_customers

select * from all_customers() a where a.ssn is not null
--> SELECT (SelectStmt), changes catalog, changes session
--> call public.all_customers
--> runs public.all_customers

select * from dyn('select 1') x
--> SELECT (SelectStmt), changes catalog, changes session
--> call public.dyn
--> runs public.dyn

select random(), clock_timestamp(), gen_random_uuid(), pg_is_in_recovery(), pg_advisory_unlock_all(), txid_current()
--> SELECT (SelectStmt)
--> runs pg_catalog.clock_timestamp pg_catalog.gen_random_uuid pg_catalog.pg_advisory_unlock_all pg_catalog.pg_is_in_recovery pg_catalog.random pg_catalog.txid_current public.gen_random_uuid

select nextval('s'), setval('s', 1), currval('s'), lastval()
--> SELECT (SelectStmt)
--> call pg_catalog.nextval
--> call pg_catalog.setval
--> runs pg_catalog.currval pg_catalog.lastval pg_catalog.nextval pg_catalog.setval

select set_config('search_path', 'x', false), current_setting('search_path')
--> SELECT (SelectStmt), changes session
--> call pg_catalog.set_config
--> runs pg_catalog.current_setting pg_catalog.set_config

select pg_sleep(1), pg_notify('a', 'b'), pg_advisory_lock(1), pg_read_file('x'), pg_ls_dir('.'), lo_get(1), lo_import('x'), pg_terminate_backend(1), pg_switch_wal()
--> SELECT (SelectStmt)
--> call pg_catalog.pg_sleep
--> call pg_catalog.pg_notify
--> call pg_catalog.pg_advisory_lock
--> call pg_catalog.pg_read_file
--> call pg_catalog.pg_ls_dir
--> call pg_catalog.lo_get
--> call pg_catalog.lo_import
--> call pg_catalog.pg_terminate_backend
--> call pg_catalog.pg_switch_wal
--> runs pg_catalog.lo_get pg_catalog.lo_import pg_catalog.pg_advisory_lock pg_catalog.pg_ls_dir pg_catalog.pg_notify pg_catalog.pg_read_file pg_catalog.pg_sleep pg_catalog.pg_switch_wal pg_catalog.pg_terminate_backend

select query_to_xml('delete from orders', true, true, ''), table_to_xml('orders', true, true, '')
--> SELECT (SelectStmt), changes session
--> call pg_catalog.query_to_xml
--> call pg_catalog.table_to_xml
--> runs pg_catalog.query_to_xml pg_catalog.table_to_xml

select * from ts_stat('select 1'), dblink('x', 'y') as d(a int), crosstab('select 1') as c(a int)
--> SELECT (SelectStmt), changes catalog, changes session
--> call public.crosstab
--> call public.dblink
--> call pg_catalog.ts_stat
--> runs pg_catalog.ts_stat public.crosstab public.dblink

select domain_in('1', 1, -1), record_in('()', 1, -1), textin('a')
--> SELECT (SelectStmt)
--> call pg_catalog.domain_in
--> call pg_catalog.record_in
--> runs pg_catalog.domain_in pg_catalog.record_in pg_catalog.textin

select string_agg(email, ',' order by id) filter (where balance > 0), percentile_cont(0.5) within group (order by balance) from customers
--> SELECT (SelectStmt)
--> read public.customers(balance, email, id)
--> runs pg_catalog.percentile_cont pg_catalog.string_agg
--> at 128 public.customers

select json_object('{a,b}'), row_to_json(c) from customers c
--> SELECT (SelectStmt)
--> read public.customers(*)
--> runs pg_catalog.json_object pg_catalog.row_to_json
--> at 49 public.customers as c

select case get_email(1) when 'a' then 1 end, array_agg(t order by get_email(2)) from scratch group by get_email(3) having get_email(4) is null limit 1
--> SELECT (SelectStmt), changes session
--> read public.scratch(t)
--> call public.get_email
--> runs pg_catalog.array_agg public.get_email
--> at 86 public.scratch

select json_value('{}', '$'), json_object('a': 1), '{}' is json
--> SELECT (SelectStmt)
--> incomplete: newer than the server: JsonFuncExpr needs PostgreSQL 17
--> incomplete: newer than the server: JsonObjectConstructor needs PostgreSQL 16
--> incomplete: newer than the server: JsonIsPredicate needs PostgreSQL 16

select merge_action()
--> SELECT (SelectStmt)
--> incomplete: newer than the server: MergeSupportFunc needs PostgreSQL 17

select * from json_table('[]', '$[*]' columns (a int path '$')) j
--> SELECT (SelectStmt)
--> incomplete: newer than the server: JsonTable needs PostgreSQL 17

select format('%s', get_email(id)) from orders order by id using <
--> SELECT (SelectStmt), changes session
--> read public.orders(id)
--> call public.get_email
--> runs pg_catalog.format public.get_email
--> at 40 public.orders

select xmlelement(name a, email), xmlserialize(content '<a/>'::xml as text) from customers
--> SELECT (SelectStmt)
--> read public.customers(email)
--> at 81 public.customers

select ((array[get_email(1)])[1]), (select get_email(2)), exists (select 1), array(select get_email(3))
--> SELECT (SelectStmt), changes session
--> call public.get_email
--> runs public.get_email
