insert into scratch values (1, 'a')
--> INSERT (InsertStmt)
--> insert public.scratch(*)

insert into scratch (id, t) select id, email from customers returning id
--> INSERT (InsertStmt)
--> insert public.scratch(id, t)
--> read public.scratch(id)
--> read public.customers(email, id)
--> at 50 public.customers

insert into scratch default values
--> INSERT (InsertStmt)
--> insert public.scratch(*)

insert into customers as c (id, email) values (1, 'a') on conflict (id) do update set email = excluded.email || c.notes where c.balance > 0 returning *
--> INSERT (InsertStmt)
--> insert public.customers(email, id)
--> read public.customers(*)
--> update public.customers(email)

insert into customers (id) values (1) on conflict do nothing
--> INSERT (InsertStmt)
--> insert public.customers(id)

insert into orders (id) values ((select max(id) from customers))
--> INSERT (InsertStmt)
--> insert public.orders(id)
--> read public.customers(id)
--> runs pg_catalog.max public.max
--> at 53 public.customers

update orders set amount = 1
--> UPDATE (UpdateStmt), no predicate
--> update public.orders(amount)

update orders set amount = 1 where true
--> UPDATE (UpdateStmt), no predicate
--> update public.orders(amount)

update orders set amount = 1 where 1 = 1
--> UPDATE (UpdateStmt), no predicate
--> update public.orders(amount)

update orders set amount = 1 where id = id
--> UPDATE (UpdateStmt), no predicate
--> update public.orders(amount)
--> read public.orders(id)

update orders set amount = 1 where id = 1 or true
--> UPDATE (UpdateStmt), no predicate
--> update public.orders(amount)
--> read public.orders(id)

update orders set amount = 1 where id = $1 and true
--> UPDATE (UpdateStmt), with predicate
--> update public.orders(amount)
--> read public.orders(id)

update orders set amount = 1 where not (id = 3)
--> UPDATE (UpdateStmt), with predicate
--> update public.orders(amount)
--> read public.orders(id)

update orders set amount = 1 where $1
--> UPDATE (UpdateStmt), no predicate
--> update public.orders(amount)

update customers set email = ssn, notes = 'x' where id in (select customer_id from orders)
--> UPDATE (UpdateStmt), with predicate
--> update public.customers(email, notes)
--> read public.orders(customer_id)
--> read public.customers(id, ssn)
--> at 83 public.orders

update customers c set (email, notes) = (select o.customer_email, 'x' from orders o where o.customer_id = c.id) from scratch s where s.id = c.id returning s.t
--> UPDATE (UpdateStmt), with predicate
--> update public.customers(email, notes)
--> read public.scratch(id, t)
--> read public.customers(id)
--> read public.orders(customer_email, customer_id)
--> at 75 public.orders as o
--> at 117 public.scratch as s

update orders set amount = default where current of c
--> UPDATE (UpdateStmt), with predicate
--> update public.orders(amount)

delete from orders
--> DELETE (DeleteStmt), no predicate
--> delete public.orders(*)

delete from orders where id = 1
--> DELETE (DeleteStmt), with predicate
--> delete public.orders(*)
--> read public.orders(id)

delete from orders o using customers c where o.customer_id = c.id and c.ssn = 'x' returning o.*
--> DELETE (DeleteStmt), with predicate
--> delete public.orders(*)
--> read public.customers(id, ssn)
--> read public.orders(*)
--> at 27 public.customers as c

delete from orders where exists (select 1)
--> DELETE (DeleteStmt), no predicate
--> delete public.orders(*)

merge into orders o using customers c on o.customer_id = c.id when matched and c.balance > 3 then update set amount = c.balance when matched then delete when not matched then insert (id, customer_email) values (c.id, c.email)
--> MERGE (MergeStmt)
--> read public.customers(balance, email, id)
--> update public.orders(amount)
--> delete public.orders(*)
--> insert public.orders(customer_email, id)
--> read public.orders(customer_id)
--> at 26 public.customers as c

merge into orders o using (select 1 as id) s on o.id = s.id when not matched by source then delete
--> MERGE (MergeStmt)
--> delete public.orders(*)
--> read public.orders(id)
--> incomplete: newer than the server: WHEN NOT MATCHED BY SOURCE needs PostgreSQL 17

merge into orders o using scratch s on o.id = s.id when matched then do nothing returning o.id
--> MERGE (MergeStmt)
--> read public.scratch(id)
--> read public.orders(id)
--> at 26 public.scratch as s
--> incomplete: newer than the server: MERGE … RETURNING needs PostgreSQL 17

with x as (delete from orders where id = 1 returning *) select * from x
--> SELECT (SelectStmt), with predicate
--> delete public.orders(*)
--> read public.orders(*)

with x as (insert into log_t values ('a')), y as (update scratch set t = 'b') select 1
--> SELECT (SelectStmt), no predicate
--> update public.scratch(t)
--> insert public.log_t(*)

with x as (merge into orders o using scratch s on o.id = s.id when matched then delete) select 1
--> SELECT (SelectStmt)
--> read public.scratch(id)
--> delete public.orders(*)
--> read public.orders(id)
--> at 37 public.scratch as s

truncate orders
--> TRUNCATE TABLE (TruncateStmt), no predicate
--> delete public.orders(*)

truncate table only customers, orders restart identity cascade
--> TRUNCATE TABLE (TruncateStmt), no predicate
--> delete public.customers(*)
--> delete public.orders(*)
--> incomplete: TRUNCATE … CASCADE reaches tables that it does not name

update nowhere set a = 1 where b = 2
--> UPDATE (UpdateStmt), with predicate
--> incomplete: unknown relation: nowhere does not exist or is not visible

insert into orders select * from orders where amount > 1
--> INSERT (InsertStmt)
--> insert public.orders(*)
--> read public.orders(*)
--> at 33 public.orders

update customer_v set email = 'x' where id = 1
--> UPDATE (UpdateStmt), with predicate
--> update public.customer_v(email)
--> read public.customer_v(id)

insert into scratch (id) values (1) returning old.id, new.t
--> INSERT (InsertStmt)
--> insert public.scratch(id)
--> read public.scratch(id, t)

insert into scratch (id) values (1) returning with (old as o) o.id
--> INSERT (InsertStmt)
--> insert public.scratch(id)
--> read public.scratch(id)
--> incomplete: newer than the server: ReturningOption needs PostgreSQL 18

select * into public.copy_of from customers
--> SELECT INTO (SelectStmt), changes catalog
--> define in public
--> read public.customers(*)
--> at 34 public.customers

copy customers to stdout
--> COPY (CopyStmt), to the client
--> read public.customers(*)
--> at 5 public.customers

copy customers (id, email) to stdout with (format csv)
--> COPY (CopyStmt), to the client
--> read public.customers(email, id)
--> at 5 public.customers

copy (select id from customers) to stdout
--> COPY (CopyStmt), to the client
--> read public.customers(id)
--> at 21 public.customers

copy (delete from orders returning id) to stdout
--> COPY (CopyStmt), no predicate, to the client
--> delete public.orders(*)
--> read public.orders(id)

copy scratch from stdin
--> COPY (CopyStmt), from the client
--> insert public.scratch(*)

copy scratch (id) from stdin where id > 3
--> COPY (CopyStmt), from the client
--> insert public.scratch(id)

copy customers to '/tmp/x'
--> COPY (CopyStmt), a file or program on the server
--> administer
--> read public.customers(*)
--> at 5 public.customers

copy scratch from program 'curl x'
--> COPY (CopyStmt), a file or program on the server
--> administer
--> insert public.scratch(*)

lock table orders in share mode
--> LOCK TABLE (LockStmt)
--> administer public.orders(*)

select id from orders; delete from orders where id = 1; drop table orders
--> SELECT (SelectStmt)
--> read public.orders(id)
--> at 15 public.orders
--> DELETE (DeleteStmt), with predicate
--> delete public.orders(*)
--> read public.orders(id)
--> DROP TABLE (DropStmt), changes catalog
--> define public.orders(*)
