grant select on customers, orders to public
--> GRANT (GrantStmt)
--> administer
--> administer public.customers(*)
--> administer public.orders(*)

grant select on all tables in schema public to agent
--> GRANT (GrantStmt)
--> administer

revoke all on schema public from agent
--> REVOKE (GrantStmt)
--> administer

grant agent to other_user
--> GRANT ROLE (GrantRoleStmt)
--> administer

alter default privileges in schema public grant select on tables to agent
--> ALTER DEFAULT PRIVILEGES (AlterDefaultPrivilegesStmt)
--> administer

create role r login
--> CREATE ROLE (CreateRoleStmt)
--> administer

alter role agent superuser
--> ALTER ROLE (AlterRoleStmt)
--> administer

alter role agent set search_path = x
--> ALTER ROLE (AlterRoleSetStmt)
--> administer

drop role agent
--> DROP ROLE (DropRoleStmt)
--> administer

reassign owned by agent to other_user
--> REASSIGN OWNED (ReassignOwnedStmt), changes catalog
--> administer
--> define

drop owned by agent
--> DROP OWNED (DropOwnedStmt), changes catalog
--> administer
--> define

security label on table customers is 'x'
--> SECURITY LABEL (SecLabelStmt)
--> administer

alter system set work_mem = '1GB'
--> ALTER SYSTEM (AlterSystemStmt)
--> administer

create database d
--> CREATE DATABASE (CreatedbStmt)
--> administer

drop database d
--> DROP DATABASE (DropdbStmt)
--> administer

alter database d set work_mem = '1GB'
--> ALTER DATABASE (AlterDatabaseSetStmt)
--> administer

create tablespace t location '/x'
--> CREATE TABLESPACE (CreateTableSpaceStmt)
--> administer

vacuum
--> VACUUM (VacuumStmt)
--> administer

vacuum (full) customers, orders
--> VACUUM (VacuumStmt)
--> administer public.customers(*)
--> administer public.orders(*)

analyze customers (email)
--> ANALYZE (VacuumStmt)
--> administer public.customers(*)

cluster customers
--> CLUSTER (ClusterStmt)
--> administer public.customers(*)

cluster
--> CLUSTER (ClusterStmt)
--> administer

reindex table customers
--> REINDEX (ReindexStmt)
--> administer public.customers(*)

reindex index customers_pkey
--> REINDEX (ReindexStmt)
--> administer

reindex database d
--> REINDEX (ReindexStmt)
--> administer

checkpoint
--> CHECKPOINT (CheckPointStmt)
--> administer

load 'x'
--> LOAD (LoadStmt)
--> administer

create server s foreign data wrapper postgres_fdw
--> CREATE SERVER (CreateForeignServerStmt)
--> administer

create user mapping for public server s
--> CREATE USER MAPPING (CreateUserMappingStmt)
--> administer

drop user mapping for public server s
--> DROP USER MAPPING (DropUserMappingStmt)
--> administer

create publication p for table customers
--> CREATE PUBLICATION (CreatePublicationStmt)
--> administer

alter publication p add table orders
--> ALTER PUBLICATION (AlterPublicationStmt)
--> administer

create subscription s connection 'x' publication p
--> CREATE SUBSCRIPTION (CreateSubscriptionStmt)
--> administer

drop subscription s
--> DROP SUBSCRIPTION (DropSubscriptionStmt)
--> administer

create event trigger e on ddl_command_start execute function trg_notify()
--> CREATE EVENT TRIGGER (CreateEventTrigStmt), changes catalog, changes session
--> administer
--> call public.trg_notify
--> runs public.trg_notify

create access method am type index handler h
--> CREATE ACCESS METHOD (CreateAmStmt)
--> administer

create language plx
--> CREATE EXTENSION (CreateExtensionStmt), changes catalog
--> administer
--> define

alter table all in tablespace a set tablespace b
--> ALTER TABLE (AlterTableMoveAllStmt)
--> administer

alter extension citext update
--> ALTER EXTENSION (AlterExtensionStmt), changes catalog
--> administer
--> define
