-- Queries that people have tried to get around masks with, one a line.
SELECT pg_get_expr(adbin,adrelid) FROM pg_attrdef WHERE adrelid='dd'::regclass
SELECT rolname, rolpassword FROM pg_authid
SELECT obj_description('scratch'::regclass)
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid='chk_email'::regclass
SELECT setconfig FROM pg_db_role_setting
SELECT customer_email FROM orders
SELECT enumlabel FROM pg_enum
SELECT enum_range(NULL::persons)
SELECT email_l FROM customers_gen
SELECT attname, histogram_bounds FROM pg_stats
SELECT indexdef FROM pg_indexes WHERE indexname='ip'
SELECT check_clause FROM information_schema.check_constraints WHERE check_clause ILIKE '%alice%'
SELECT statement FROM pg_cursors
SELECT query FROM pg_stat_activity WHERE pid=pg_backend_pid() UNION ALL SELECT email FROM customers WHERE false
SELECT stavalues1, stavalues2 FROM pg_statistic WHERE starelid='customers'::regclass
SELECT m.* FROM pg_statistic_ext_data d, pg_mcv_list_items(stxdmcv) m
SELECT statement FROM pg_prepared_statements
SELECT prosrc FROM pg_proc WHERE proname='lit'
SELECT definition FROM pg_rules WHERE rulename='rz'
SELECT umoptions FROM pg_user_mappings
SELECT definition FROM pg_views WHERE viewname='vz'
SELECT rc('x')
SELECT 1
SELECT email FROM snap LIMIT 1
SELECT x FROM public.customers WHERE id=1
SELECT 1 #### 2
SELECT histogram_bounds FROM pg_stats WHERE tablename='ix9'
SELECT * FROM s7.v
SELECT * FROM t9
SELECT email::d FROM customers WHERE id=1
SELECT * FROM t1
SELECT f2()
SELECT * FROM m1
SELECT e2 FROM customers WHERE id=1
SELECT email FROM c2 WHERE id=1
SELECT email INTO t1 FROM customers
SELECT pg_temp.f1()
SELECT * FROM v1
SELECT * FROM customer_v WHERE id=1
SELECT row_data FROM audit2
SELECT id,notes FROM customers WHERE id=1
SELECT amount FROM orders WHERE id=1
SELECT email FROM customers WHERE id=100001
SELECT ('{'||email)::int[] FROM customers WHERE id=1
SELECT ssn::date FROM customers WHERE id=1
SELECT email::regclass FROM customers WHERE id=1
SELECT email::uuid, email::inet FROM customers WHERE id=1
SELECT ('<'||email||'')::xml FROM customers WHERE id=1
SELECT note_raise('x')
SELECT cast((SELECT email FROM customer_v WHERE id=1) AS numeric)
SELECT nextval(email) FROM customers WHERE id=1
SELECT email::persons FROM customers WHERE id=1
SELECT (balance*1e200000)::int FROM customers
SELECT 'x' ~ ('('||email) FROM customers WHERE id=1
SELECT set_config('work_mem',email,true) FROM customers WHERE id=1
SELECT now() AT TIME ZONE email FROM customers WHERE id=1
SELECT pg_get_viewdef('mask.customers')
SELECT ARRAY(SELECT email FROM customers WHERE id<4)
SELECT ARRAY[email,ssn] FROM customers WHERE id=1
SELECT encode(email::bytea,'base64') FROM customers WHERE id=1
SELECT email FROM customers WHERE email BETWEEN SYMMETRIC 'z' AND 'a' AND id=1
SELECT CASE WHEN email='alice@corp-secret.example' THEN 'hit' ELSE 'miss' END FROM customers WHERE id=1
SELECT to_tsvector('simple',email), email::tsvector FROM customers WHERE id=1
SELECT xmlelement(name e, email), xmlforest(email as e), xmlcomment(ssn) FROM customers WHERE id=1
SELECT b FROM customers AS c(a,b) WHERE a=1
SELECT 'x'||email||'y' FROM customers WHERE id=1
SELECT format('%s',email), format('%1$L',ssn), quote_literal(email), quote_nullable(ssn), quote_ident(email) FROM customers WHERE id=1
SELECT email AS id FROM customers GROUP BY 1 LIMIT 1
SELECT email, grouping(email) FROM customers WHERE id=1 GROUP BY ROLLUP(email)
SELECT encode(convert_to(email,'UTF8'),'hex') FROM customers WHERE id=1
SELECT json_object_agg(email, ssn) FROM customers WHERE id<3
SELECT k,v FROM customers c, jsonb_each_text(to_jsonb(c)) AS j(k,v) WHERE id=1
SELECT l.e FROM (SELECT 1 AS i) s, LATERAL (SELECT email AS e FROM customers WHERE id=s.i) l
SELECT min(email), max(ssn), mode() WITHIN GROUP (ORDER BY email), percentile_disc(0.5) WITHIN GROUP (ORDER BY email) FROM customers
SELECT email FROM customers NATURAL JOIN customer_v WHERE id=1
SELECT email FROM customers WHERE id=1
SELECT reverse(email) FROM customers WHERE id=1
SELECT ROW(email,ssn) FROM customers WHERE id=1
SELECT string_to_table(email,NULL) FROM customers WHERE id=1
SELECT string_agg(email,',' ORDER BY ssn), array_agg(email), json_agg(email), jsonb_object_agg(id,email), xmlagg(xmlelement(name e,email)) FROM customers WHERE id<4
SELECT * FROM crosstab(format('select 1, id, %L', (SELECT email FROM customers WHERE id=1))) AS t(a int,b text)
VALUES ((SELECT email FROM customers WHERE id=1)),((SELECT ssn FROM customers WHERE id=2))
SELECT lag(email) OVER (ORDER BY id), first_value(ssn) OVER w, nth_value(email,2) OVER w FROM customers WINDOW w AS (ORDER BY id)
SELECT rank('b') WITHIN GROUP (ORDER BY email) FROM customers
SELECT x.e FROM customers c, XMLTABLE('/r' PASSING xmlelement(name r, xmlelement(name e, c.email)) COLUMNS e text PATH 'e') x WHERE c.id=1
SELECT num_nulls(VARIADIC ARRAY[email]), pg_typeof(email), pg_column_size(email) FROM customers WHERE id=1
SELECT data FROM bt_page_items('customers_email_key',1) LIMIT 3
SELECT * FROM connectby('(select email k, ''r''::text p from public.customers) q','k','p','r',1) AS t(k text, p text, level int)
SELECT * FROM crosstab('select 1, id, email from customers where id<4 order by 1,2') AS t(a int, b text, c text)
SELECT cursor_to_xml('c',5,true,false,'')
SELECT database_to_xml(true,false,'')
SELECT (ssn)::int FROM customers WHERE id=1
SELECT convert_from(lo_get(424242),'UTF8')
SELECT t_data FROM heap_page_items(get_raw_page('customers',0)) LIMIT 1
SELECT pg_get_viewdef('v7')
SELECT encode(pg_read_binary_file(pg_relation_filepath('customers')),'escape') ~ 'corp-secret'
SELECT set_config('my.v', email, false) FROM customers WHERE id=1
SELECT current_setting('my.v')
SELECT table_to_xml('customers',true,false,'')
SELECT pg_terminate_backend(0)
SELECT ts_rewrite('a'::tsquery, 'select ''a''::tsquery, plainto_tsquery(''simple'',email) from customers where id=1')
SELECT dyn('select email from customers')
SELECT 1 @@@@ 2
SELECT * FROM all_customers() LIMIT 3
SELECT e FROM vf
SELECT * FROM xpath_table('id','(''<e>''||email||''</e>'')','customers','/e','id=1') AS t(id int, x text)
SELECT id FROM customers WHERE ARRAY[email] && ARRAY['alice@corp-secret.example']
SELECT id FROM customers WHERE ARRAY[email] && ARRAY['zlice@corp-secret.example']
SELECT pg_column_size(email)=26 FROM customers WHERE id=1
SELECT pg_column_size(email)=27 FROM customers WHERE id=1
SELECT count(*) FROM customers WHERE email='alice@corp-secret.example'
SELECT count(*) FROM customers WHERE email='zlice@corp-secret.example'
SELECT count(*) FROM (SELECT 1 FROM customers WHERE id<4 GROUP BY left(email,1)) x
SELECT count(*) FROM (SELECT 1 FROM customers WHERE id BETWEEN 10 AND 12 GROUP BY left(email,1)) x
SELECT rank('alicf'::text) WITHIN GROUP (ORDER BY email) FROM customers
SELECT length(email)=25 FROM customers WHERE id=1
SELECT length(email)=26 FROM customers WHERE id=1
SELECT id FROM customers WHERE email LIKE 'alice%'
SELECT id FROM customers WHERE email LIKE 'zlice%'
SELECT ssn IS NULL FROM customers WHERE id=1
SELECT ssn IS NOT NULL FROM customers WHERE id=1
SELECT string_agg(id::text,',' ORDER BY email) FROM customers WHERE id BETWEEN 10 AND 30
SELECT count(*) FROM customers WHERE id=1 AND ssn < '95'
SELECT count(*) FROM customers WHERE id=1 AND ssn < '90'
SELECT id FROM (SELECT id,balance FROM customers WHERE slow_ok(id) OFFSET 0) c WHERE 1/(balance-100.50) IS NOT NULL
SELECT count(*) FROM orders o JOIN customers c ON c.email=o.customer_email WHERE o.id=1
SELECT count(*) FROM orders o JOIN customers c ON c.email=o.customer_email WHERE o.id=99
SELECT setseed(ascii(email)/200.0) FROM customers WHERE id=1
SELECT setseed(ascii(email)/100.0) FROM customers WHERE id=1
SELECT id FROM customers WHERE ssn ~ '^9' AND id=1
SELECT id FROM customers WHERE ssn ~ '^8' AND id=1
SELECT count(*) FROM customers TABLESAMPLE BERNOULLI(100) WHERE email LIKE 'alice%'
SELECT count(*) FROM customers TABLESAMPLE BERNOULLI(100) WHERE email LIKE 'zlice%'
SELECT/**/email/**/FROM/* x /* nested */ */customers--c WHERE id=1
SELECT "email" "еmail" FROM customers WHERE id=1
SELECT dyn(E'select \x65mail from customers')
SELECT id /*! , email */ FROM customers WHERE id=1
SELECT query_to_xml('select em' 'ail from customers',true,false,'')
SELECT "email" FROM "public"."customers" WHERE id=1
SELECT eMaIl FROM CUSTOMERS WHERE id=1
SELECT m FROM (SELECT pg_catalog.left(email,1) OPERATOR(pg_catalog.||) '***' AS m FROM vtab) v
SELECT m FROM (SELECT left(email,1)||'***' AS m FROM vtab) v
SELECT * FROM customers WHERE id=1
SELECT m FROM (SELECT substr(email,1,99)::varchar || '***' AS m FROM vtab) v
SELECT set_config('search_path','app2,public',false)
SELECT email FROM customers * WHERE id=1
SELECT email FROM customers_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
SELECT U&"!0065mail" UESCAPE '!' FROM U&"c!0075stomers" UESCAPE '!' WHERE id=1
SELECT email FROM vip_customers
SELECT email FROM customers_ft LIMIT 1
SELECT email FROM ft2 LIMIT 1
SELECT email FROM customers_part_eu
SELECT setval('sq', ascii(email)) FROM customers WHERE id=1
SELECT last_value FROM sq
SELECT encode(chunk_data,'escape') FROM pg_toast.pg_toast_<oid>
select 1+1+1... (24,320 terms, 48 KB)
select (select (select ... 2,500 deep
select 1 union all select 1 ... (15,768 arms, 300 KB)
SELECT query FROM pg_stat_activity WHERE pid<>pg_backend_pid()
SELECT rolpassword, rolname FROM pg_authid
SELECT histogram_bounds FROM pg_stats WHERE tablename='customers' AND attname='email'
SELECT get_email(1)
WITH x AS (SELECT email AS e FROM customers) SELECT e FROM x
SELECT c.email FROM (WITH customers AS (SELECT 1) SELECT 1) x, customers c WHERE c.id=1
WITH RECURSIVE r(n,e) AS (SELECT 1,(SELECT email FROM customers WHERE id=1) UNION ALL SELECT n+1,(SELECT email FROM customers c WHERE c.id=n+1) FROM r WHERE n<3) SELECT * FROM r
WITH customers AS (SELECT * FROM customers) SELECT email FROM customers
WITH customers AS (SELECT 'x'::text AS email) SELECT public.customers.email FROM public.customers
SELECT email FROM customers EXCEPT SELECT 'zzz'
SELECT 'alice@corp-secret.example' INTERSECT SELECT email FROM customers
SELECT 'x' WHERE false UNION ALL SELECT email FROM customers
SELECT count(*) FROM scratch
SELECT wr()
SELECT t FROM scratch
SELECT setval('sq2',1)
SELECT pg_notify('a','b'), pg_advisory_lock(1), lo_get(424242), set_config('a.b','c',false)
SELECT lo_export(424242,'/nonexistent/x')
SELECT jt.* FROM customers c, JSON_TABLE(to_jsonb(c),'$' COLUMNS (e text PATH '$.email')) jt
SELECT avals(hstore(c)), hstore_to_json(hstore(c)) FROM customers c WHERE id=1
SELECT (r).email FROM (SELECT c::customers AS r FROM customers c WHERE id=1) x
SELECT c FROM public.customers c
SELECT coalesce(c, NULL) FROM customers c WHERE id=1
SELECT count(*) FROM customers c WHERE c IS NOT DISTINCT FROM ROW(1,'alice@corp-secret.example','912-34-5678','Alice Quimbyzz','call alice on +1 555 0100 now',100.50)::customers
SELECT count(*) FROM customers c WHERE c IS NOT DISTINCT FROM ROW(1,'aliceX@corp-secret.example','912-34-5678','Alice Quimbyzz','call alice on +1 555 0100 now',100.50)::customers
SELECT (c).* FROM customers c WHERE id=1
SELECT (each(hstore(c))).* FROM customers c WHERE id=1
SELECT c FROM customers c WHERE c IN (SELECT d FROM customers d) AND id=1
SELECT (c).email FROM (SELECT customers AS c FROM customers) x LIMIT 1
SELECT hstore(c) FROM customers c WHERE id=1
SELECT customers FROM customers WHERE id=1
SELECT ARRAY(SELECT c FROM customers c WHERE id<3)
SELECT ctid, xmin, tableoid::regclass, email FROM customers WHERE id=1
SELECT xmlforest(c) FROM customers c WHERE id=1
