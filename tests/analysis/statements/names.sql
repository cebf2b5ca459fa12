select id from customers
--> SELECT (SelectStmt)
--> read public.customers(id)
--> at 15 public.customers

select c.id, o.amount from public.customers c join orders as o on o.customer_id = c.id
--> SELECT (SelectStmt)
--> read public.customers(id)
--> read public.orders(amount, customer_id)
--> at 27 public.customers as c
--> at 51 public.orders as o

select email from customers where id = (select customer_id from orders where amount > 3 and ssn is null)
--> SELECT (SelectStmt)
--> read public.customers(email, id, ssn)
--> read public.orders(amount, customer_id)
--> at 18 public.customers
--> at 64 public.orders

select * from customers natural join orders
--> SELECT (SelectStmt)
--> read public.customers(*)
--> read public.orders(*)
--> at 14 public.customers
--> at 37 public.orders

select balance from customers join orders using (id)
--> SELECT (SelectStmt)
--> read public.customers(balance, id)
--> read public.orders(id)
--> at 20 public.customers
--> at 35 public.orders

select j.email, customers.ssn from (customers join orders using (id)) as j
--> SELECT (SelectStmt)
--> read public.customers(*)
--> read public.orders(*)
--> at 36 public.customers
--> at 51 public.orders

select x.a from customers as x(a, b)
--> SELECT (SelectStmt)
--> read public.customers(*)
--> at 16 public.customers as x

select c from customers c
--> SELECT (SelectStmt)
--> read public.customers(*)
--> at 14 public.customers as c

select count(*) from customers
--> SELECT (SelectStmt)
--> read public.customers()
--> runs pg_catalog.count
--> at 21 public.customers

select customers.*, orders.amount from customers, orders
--> SELECT (SelectStmt)
--> read public.customers(*)
--> read public.orders(amount)
--> at 39 public.customers
--> at 50 public.orders

select c.email from scratch, lateral (select email from customers where customers.id = scratch.id) c
--> SELECT (SelectStmt)
--> read public.scratch(id)
--> read public.customers(email, id)
--> at 20 public.scratch
--> at 56 public.customers

select (select a.id from (select 1 as z) b) from customers a
--> SELECT (SelectStmt)
--> read public.customers(id)
--> at 49 public.customers as a

select s.t from only scratch s tablesample bernoulli (10)
--> SELECT (SelectStmt)
--> read public.scratch(t)
--> runs pg_catalog.bernoulli
--> at 21 public.scratch as s only sampled

select ctid, xmin, id from orders
--> SELECT (SelectStmt)
--> read public.orders(id)
--> at 27 public.orders

with customers as (select 1 as x) select x from customers
--> SELECT (SelectStmt)

with customers as (select id from orders) select id from public.customers
--> SELECT (SelectStmt)
--> read public.customers(id)
--> read public.orders(id)
--> at 34 public.orders
--> at 57 public.customers

with a as (select id from b), b as (select 1 as id) select * from a
--> SELECT (SelectStmt)
--> incomplete: unknown relation: b does not exist or is not visible

with recursive a as (select id from b), b as (select 1 as id) select * from a
--> SELECT (SelectStmt)

with recursive t as (select 1 as n union all select n + 1 from t where n < 5) select n from t
--> SELECT (SelectStmt)

with orders as (select * from orders) select amount from orders
--> SELECT (SelectStmt)
--> read public.orders(*)
--> at 30 public.orders

select 1 from (with scratch as (select 1) select * from scratch) s, scratch
--> SELECT (SelectStmt)
--> read public.scratch()
--> at 68 public.scratch

with scratch as (select 1 as id) select 1 from orders where id in (select id from scratch)
--> SELECT (SelectStmt)
--> read public.orders(id)
--> at 47 public.orders

with scratch as (select 1 as id, 'x' as t) insert into scratch select * from scratch
--> INSERT (InsertStmt)
--> insert public.scratch(*)

with scratch as (select 1 as id) update orders set amount = 2 from scratch where orders.id = scratch.id
--> UPDATE (UpdateStmt), with predicate
--> update public.orders(amount)
--> read public.orders(id)

with scratch as (select 1 as id) delete from scratch using scratch s where scratch.id = s.id
--> DELETE (DeleteStmt), with predicate
--> delete public.scratch(*)
--> read public.scratch(id)

with log_t as (select 1) select * from scratch union select * from log_t
--> SELECT (SelectStmt)
--> read public.scratch(*)
--> at 39 public.scratch

select id from nowhere
--> SELECT (SelectStmt)
--> incomplete: unknown relation: nowhere does not exist or is not visible

select a.b from elsewhere.nowhere a
--> SELECT (SelectStmt)
--> incomplete: unknown relation: elsewhere.nowhere does not exist or is not visible

select id from evasions.public.customers
--> SELECT (SelectStmt)
--> read public.customers(id)
--> at 15 public.customers

table customers
--> SELECT (SelectStmt)
--> read public.customers(*)
--> at 6 public.customers

values (1, (select ssn from customers))
--> SELECT (SelectStmt)
--> read public.customers(ssn)
--> at 28 public.customers

select id from customers union all (select id from orders order by amount) order by id limit (select max(x) from log_t, generate_series(1,2) x)
--> SELECT (SelectStmt)
--> read public.orders(amount, id)
--> read public.customers(id)
--> read public.log_t()
--> runs pg_catalog.generate_series pg_catalog.max public.max
--> at 15 public.customers
--> at 51 public.orders
--> at 113 public.log_t

select grouping(amount), row_number() over w from orders window w as (partition by customer_id order by id) order by customer_email
--> SELECT (SelectStmt)
--> read public.orders(amount, customer_email, customer_id, id)
--> runs pg_catalog.row_number
--> at 50 public.orders

select distinct on (email) id from customers order by email, id desc
--> SELECT (SelectStmt)
--> read public.customers(email, id)
--> at 35 public.customers

select nothing_known from customers
--> SELECT (SelectStmt)
--> read public.customers(*)
--> at 26 public.customers

select email from (select id, email from customers) s where s.email like 'a%'
--> SELECT (SelectStmt)
--> read public.customers(email, id)
--> at 41 public.customers

select relname from pg_class where pg_table_is_visible(oid)
--> SELECT (SelectStmt)
--> read pg_catalog.pg_class(oid, relname)
--> runs pg_catalog.pg_table_is_visible
--> at 20 pg_catalog.pg_class

select table_name from information_schema.tables
--> SELECT (SelectStmt)
--> read information_schema.tables(table_name)
--> at 23 information_schema.tables

select upper(e) from customer_vv
--> SELECT (SelectStmt)
--> read public.customer_vv(e)
--> runs pg_catalog.upper
--> at 21 public.customer_vv

select r.total from (select amount as total from orders) r, customers c
--> SELECT (SelectStmt)
--> read public.customers()
--> read public.orders(amount)
--> at 49 public.orders
--> at 60 public.customers as c

select o.id from orders o for update of o
--> SELECT (SelectStmt)
--> read public.orders(id)
--> at 17 public.orders as o

select * from rows from (generate_series(1, 2), json_to_recordset('[]') as (a int, b text)) as r(x, y, z)
--> SELECT (SelectStmt)
--> runs pg_catalog.generate_series pg_catalog.json_to_recordset

select * from xmltable('/a' passing (select notes::xml from customers) columns b text path 'b')
--> SELECT (SelectStmt)
--> read public.customers(notes)
--> at 60 public.customers

select j.total, j.email from (customers c join (select sum(amount) as total, customer_id from orders group by 2) o on o.customer_id = c.id) as j
--> SELECT (SelectStmt)
--> read public.customers(email, id)
--> read public.orders(amount, customer_id)
--> runs pg_catalog.sum
--> at 30 public.customers as c
--> at 94 public.orders

select c.no_such_column from customers c
--> SELECT (SelectStmt)
--> read public.customers(*)
--> at 29 public.customers as c
--> incomplete: unknown column: c.no_such_column

select x.id from ((customers as x join orders as y on x.id = y.id) as j join lateral (select j.email) q on true) as x
--> SELECT (SelectStmt)
--> read public.customers(email, id)
--> read public.orders(id)
--> at 19 public.customers as x
--> at 39 public.orders as y

select (select x.notes from (scratch as x join log_t as y on x.t = y.msg) as j) from customers x
--> SELECT (SelectStmt)
--> read public.customers(notes)
--> read public.scratch(t)
--> read public.log_t(msg)
--> at 29 public.scratch as x
--> at 47 public.log_t as y
--> at 85 public.customers as x

select ju.id, c.email from customers c join orders o using (id) as ju
--> SELECT (SelectStmt)
--> read public.customers(email, id)
--> read public.orders(id)
--> at 27 public.customers as c
--> at 44 public.orders as o
