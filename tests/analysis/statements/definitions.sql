create table t (id int primary key, e text default get_email(1), c int references customers, check (length(e) > 3))
--> CREATE TABLE (CreateStmt), changes catalog, changes session
--> define in public
--> call public.get_email
--> read public.customers(id)
--> runs pg_catalog.length public.get_email

create temp table t as select * from customers
--> CREATE TABLE AS (CreateTableAsStmt), changes catalog, changes session
--> define in pg_temp
--> read public.customers(*)
--> at 37 public.customers

create table other.t (like customers including all) inherits (customers)
--> CREATE TABLE (CreateStmt), changes catalog
--> define in other
--> define public.customers(*)
--> read public.customers(*)

create table part partition of customers_part for values in ('DE')
--> CREATE TABLE (CreateStmt), changes catalog
--> define in public
--> define public.customers_part(*)

create table if not exists t as execute p (1)
--> CREATE TABLE AS (CreateTableAsStmt), changes catalog, executes p
--> define in public

create view v as select email from customers
--> CREATE VIEW (ViewStmt), changes catalog
--> define in public
--> read public.customers(email)
--> at 35 public.customers

create or replace temp view v as select 1
--> CREATE VIEW (ViewStmt), changes catalog, changes session
--> define in pg_temp

create materialized view mv as select get_email(1)
--> CREATE MATERIALIZED VIEW (CreateTableAsStmt), changes catalog, changes session
--> define in public
--> call public.get_email
--> runs public.get_email

refresh materialized view customer_mv
--> REFRESH MATERIALIZED VIEW (RefreshMatViewStmt), changes catalog
--> define public.customer_mv(*)

create index on customers (upper(email)) where balance > 0
--> CREATE INDEX (IndexStmt), changes catalog
--> define public.customers(*)
--> runs pg_catalog.upper

create index concurrently i on nowhere (id)
--> CREATE INDEX (IndexStmt), changes catalog
--> define in public
--> incomplete: unknown relation: nowhere does not exist or is not visible

drop table customers, public.orders cascade
--> DROP TABLE (DropStmt), changes catalog
--> define public.customers(*)
--> define public.orders(*)

drop table if exists nowhere
--> DROP TABLE (DropStmt), changes catalog
--> define in public

drop table nowhere
--> DROP TABLE (DropStmt), changes catalog
--> define in public
--> incomplete: unknown relation: nowhere does not exist or is not visible

drop index customers_expr
--> DROP INDEX (DropStmt), changes catalog
--> define in public

drop view customer_v
--> DROP VIEW (DropStmt), changes catalog
--> define public.customer_v(*)

drop schema mask cascade
--> DROP SCHEMA (DropStmt), changes catalog
--> define in mask

drop function get_email(int), elsewhere.f
--> DROP FUNCTION (DropStmt), changes catalog
--> define in public
--> define in elsewhere

drop type custid
--> DROP TYPE (DropStmt), changes catalog
--> define in public

drop trigger w on watched
--> DROP TRIGGER (DropStmt), changes catalog
--> define public.watched(*)

drop operator public.@@@@ (int, int)
--> DROP OPERATOR (DropStmt), changes catalog
--> define in public

drop extension citext
--> DROP EXTENSION (DropStmt), changes catalog
--> administer
--> define

drop policy p on customers
--> DROP POLICY (DropStmt), changes catalog
--> define public.customers(*)
--> administer

alter table customers add column age int default 3, drop column notes, alter column email type varchar using left(email, 10)
--> ALTER TABLE (AlterTableStmt), changes catalog
--> define public.customers(*)
--> runs pg_catalog.left

alter table customers owner to agent, enable row level security
--> ALTER TABLE (AlterTableStmt), changes catalog
--> define public.customers(*)
--> administer public.customers(*)

alter table customers_part attach partition scratch for values in ('X')
--> ALTER TABLE (AlterTableStmt), changes catalog
--> define public.customers_part(*)
--> define public.scratch(*)

alter table customers inherit scratch
--> ALTER TABLE (AlterTableStmt), changes catalog
--> define public.customers(*)
--> define public.scratch(*)

alter table if exists nowhere add column a int
--> ALTER TABLE (AlterTableStmt), changes catalog
--> define in public

alter table customers add constraint c foreign key (id) references orders (id)
--> ALTER TABLE (AlterTableStmt), changes catalog
--> define public.customers(*)
--> read public.orders(id)

alter table customers rename column email to mail
--> ALTER TABLE (RenameStmt), changes catalog
--> define public.customers(*)

alter table customers rename to clients
--> ALTER TABLE (RenameStmt), changes catalog
--> define public.customers(*)

alter table customers set schema mask
--> ALTER TABLE (AlterObjectSchemaStmt), changes catalog
--> define public.customers(*)
--> define in mask

alter index customers_expr rename to x
--> ALTER INDEX (RenameStmt), changes catalog
--> define in public

alter sequence s restart
--> ALTER SEQUENCE (AlterSeqStmt), changes catalog
--> define in public

create sequence s owned by customers.id
--> CREATE SEQUENCE (CreateSeqStmt), changes catalog
--> define in public

create schema s create table t (id int) create view v as select 1
--> CREATE SCHEMA (CreateSchemaStmt), changes catalog
--> define in s

create schema authorization agent
--> CREATE SCHEMA (CreateSchemaStmt), changes catalog
--> define

alter schema mask rename to unmask
--> ALTER SCHEMA (RenameStmt), changes catalog
--> define in mask
--> define in unmask

create function f(a int) returns int language sql as 'select 1'
--> CREATE FUNCTION (CreateFunctionStmt), changes catalog
--> define in public

create or replace function mask.get_email(int) returns text language sql begin atomic select 'a'; end
--> CREATE FUNCTION (CreateFunctionStmt), changes catalog
--> define in mask

create procedure p() language sql as 'delete from orders'
--> CREATE PROCEDURE (CreateFunctionStmt), changes catalog
--> define in public

alter function get_email(int) security definer
--> ALTER FUNCTION (AlterFunctionStmt), changes catalog
--> define in public

create trigger t before update on customers for each row execute function trg_notify()
--> CREATE TRIGGER (CreateTrigStmt), changes catalog
--> define public.customers(*)

create rule r as on insert to customers do also delete from orders
--> CREATE RULE (RuleStmt), changes catalog
--> define public.customers(*)

create policy p on customers using (get_email(id) is null)
--> CREATE POLICY (CreatePolicyStmt), changes catalog
--> define public.customers(*)
--> administer public.customers(*)

create type mood as enum ('a')
--> CREATE TYPE (CreateEnumStmt), changes catalog
--> define in public

create type pair as (a int, b customers)
--> CREATE TYPE (CompositeTypeStmt), changes catalog
--> define in public

create domain posint as int check (value > 0)
--> CREATE DOMAIN (CreateDomainStmt), changes catalog
--> define in public

alter domain lo add check (value > 3)
--> ALTER DOMAIN (AlterDomainStmt), changes catalog
--> define in public

alter type mood add value 'b'
--> ALTER TYPE (AlterEnumStmt), changes catalog
--> define in public

create aggregate public.agg (int) (sfunc = int4pl, stype = int)
--> CREATE AGGREGATE (DefineStmt), changes catalog
--> define in public

create operator public.=== (leftarg = int, rightarg = int, function = opf)
--> CREATE OPERATOR (DefineStmt), changes catalog
--> define in public

create cast (custid as int) with function f(custid)
--> CREATE CAST (CreateCastStmt), changes catalog
--> define

create collation c from "C"
--> CREATE COLLATION (DefineStmt), changes catalog
--> define in public

create statistics st on id, balance from customers
--> CREATE STATISTICS (CreateStatsStmt), changes catalog
--> define public.customers(*)

create text search configuration c (copy = simple)
--> CREATE TEXT SEARCH CONFIGURATION (DefineStmt), changes catalog
--> define in public

comment on table customers is 'x'
--> COMMENT (CommentStmt), changes catalog
--> define public.customers(*)

comment on column customers.email is 'x'
--> COMMENT (CommentStmt), changes catalog
--> define public.customers(*)

comment on function get_email(int) is 'x'
--> COMMENT (CommentStmt), changes catalog
--> define in public

comment on database d is 'x'
--> COMMENT (CommentStmt), changes catalog
--> administer
--> define

create table g (a int, b int generated always as (a + 1) virtual)
--> CREATE TABLE (CreateStmt), changes catalog
--> define in public
--> incomplete: newer than the server: a VIRTUAL generated column needs PostgreSQL 18

create foreign table f (id int) server loop
--> CREATE FOREIGN TABLE (CreateForeignTableStmt), changes catalog
--> define in public
--> administer

import foreign schema public from server loop into mask
--> IMPORT FOREIGN SCHEMA (ImportForeignSchemaStmt), changes catalog
--> administer
--> define in mask

create extension dblink
--> CREATE EXTENSION (CreateExtensionStmt), changes catalog
--> administer
--> define

create operator class oc for type int using btree as operator 1 <
--> CREATE OPERATOR CLASS (CreateOpClassStmt), changes catalog
--> define in public

alter operator @@@@ (int, int) owner to agent
--> ALTER OPERATOR (AlterOwnerStmt), changes catalog
--> define in public
--> administer

create conversion c for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1
--> CREATE CONVERSION (CreateConversionStmt), changes catalog
--> define in public

alter table customers replica identity full, cluster on i, set (fillfactor = 70), validate constraint x
--> ALTER TABLE (AlterTableStmt), changes catalog
--> define public.customers(*)
--> administer public.customers(*)

truncate customers_part_eu
--> TRUNCATE TABLE (TruncateStmt), no predicate
--> delete public.customers_part_eu(*)
