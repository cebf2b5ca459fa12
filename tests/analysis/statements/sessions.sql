begin
--> BEGIN (TransactionStmt), begin

begin isolation level serializable read write
--> BEGIN (TransactionStmt), begin
--> set local transaction_isolation = serializable
--> set local transaction_read_only = off

start transaction read only deferrable
--> START TRANSACTION (TransactionStmt), begin
--> set local transaction_read_only = on
--> set local transaction_deferrable = on

commit and chain
--> COMMIT (TransactionStmt), commit

rollback
--> ROLLBACK (TransactionStmt), rollback

savepoint a
--> SAVEPOINT (TransactionStmt), savepoint

release a
--> RELEASE (TransactionStmt), release savepoint

rollback to a
--> ROLLBACK (TransactionStmt), rollback to savepoint

prepare transaction 'x'
--> PREPARE TRANSACTION (TransactionStmt), two-phase commit
--> administer

commit prepared 'x'
--> COMMIT PREPARED (TransactionStmt), two-phase commit
--> administer

set search_path = mask, "B c", public
--> SET (VariableSetStmt), changes session
--> set search_path = mask, "B c", public

set local statement_timeout = '5s'
--> SET (VariableSetStmt)
--> set local statement_timeout = 5s

set session "Statement_Timeout" to 0
--> SET (VariableSetStmt)
--> set statement_timeout = 0

set time zone 'UTC'
--> SET (VariableSetStmt)
--> set timezone = UTC

set time zone interval '1' hour to minute
--> SET (VariableSetStmt)
--> set timezone = 1

set names 'latin1'
--> SET (VariableSetStmt)
--> set client_encoding = latin1

set role agent
--> SET (VariableSetStmt), changes session
--> administer
--> set role = agent

set "ROLE" = none
--> SET (VariableSetStmt), changes session
--> administer
--> set role = none

reset role
--> RESET (VariableSetStmt), changes session
--> administer
--> set role = None

set session authorization agent
--> SET (VariableSetStmt), changes session
--> administer
--> set session_authorization = agent

reset session authorization
--> RESET (VariableSetStmt), changes session
--> administer
--> set session_authorization = None

set transaction read write
--> SET (VariableSetStmt)
--> set local transaction_read_only = off

set transaction snapshot 'x'
--> SET (VariableSetStmt)
--> call pg_catalog.pg_export_snapshot

set session characteristics as transaction read only, isolation level serializable
--> SET (VariableSetStmt)
--> set default_transaction_read_only = on
--> set default_transaction_isolation = serializable

set default_transaction_read_only = off
--> SET (VariableSetStmt)
--> set default_transaction_read_only = off

set ostiary.ticket = 'T-1'
--> SET (VariableSetStmt)
--> set ostiary.ticket = T-1

set x to default
--> SET (VariableSetStmt)
--> set x = None

reset all
--> RESET (VariableSetStmt), changes session
--> set all = None

reset work_mem
--> RESET (VariableSetStmt)
--> set work_mem = None

show all
--> SHOW (VariableShowStmt)

discard all
--> DISCARD ALL (DiscardStmt), changes catalog, changes session, deallocates all
--> set all = None

discard plans
--> DISCARD PLANS (DiscardStmt)

discard temp
--> DISCARD TEMP (DiscardStmt), changes catalog, changes session

prepare p (int) as select email from customers where id = $1
--> PREPARE (PrepareStmt), prepares p
--> read public.customers(email, id)
--> at 37 public.customers

prepare d as delete from orders
--> PREPARE (PrepareStmt), no predicate, prepares d
--> delete public.orders(*)

execute p (get_email(1)::int)
--> EXECUTE (ExecuteStmt), changes session, executes p
--> call public.get_email
--> runs public.get_email

explain execute p
--> EXPLAIN (ExplainStmt), executes p

deallocate p
--> DEALLOCATE (DeallocateStmt), deallocates p

deallocate all
--> DEALLOCATE ALL (DeallocateStmt), deallocates all

declare c cursor for select email from customers
--> DECLARE CURSOR (DeclareCursorStmt)
--> read public.customers(email)
--> at 39 public.customers

fetch all from c
--> FETCH (FetchStmt)

move c
--> MOVE (FetchStmt)

close c
--> CLOSE CURSOR (ClosePortalStmt)

close all
--> CLOSE CURSOR ALL (ClosePortalStmt)

explain select email from customers
--> EXPLAIN (ExplainStmt)
--> read public.customers(email)
--> at 26 public.customers

explain analyze delete from orders where id = 1
--> EXPLAIN (ExplainStmt), with predicate
--> delete public.orders(*)
--> read public.orders(id)

explain (analyze false, verbose) update orders set amount = 1
--> EXPLAIN (ExplainStmt), no predicate
--> update public.orders(amount)

listen a
--> LISTEN (ListenStmt)
--> call pg_catalog.pg_notify
--> runs pg_catalog.pg_notify

notify a, 'x'
--> NOTIFY (NotifyStmt)
--> call pg_catalog.pg_notify
--> runs pg_catalog.pg_notify

unlisten *
--> UNLISTEN (UnlistenStmt)

set constraints all deferred
--> SET CONSTRAINTS (ConstraintsSetStmt)

do $$ begin delete from orders; end $$
--> DO (DoStmt), changes catalog, changes session
--> call
--> incomplete: the body of a DO block is not analysed

call proc_p('x')
--> CALL (CallStmt), changes catalog, changes session
--> call public.proc_p
--> runs public.proc_p

call no_such_procedure()
--> CALL (CallStmt), changes catalog, changes session
--> incomplete: unknown function: no_such_procedure
