"""The built-in functions and types that a masked session may name: reviewed, and nothing else.

Reviewed against pg_proc and pg_type of PostgreSQL 15 and 18. A function is here when all it does is compute from its
arguments, or tell what every session may know. Not here, although harmless elsewhere, is whatever reads relations,
files, settings, statements, definitions or comments by a name it is given (research: catalogue groups functions,
catalog), and what tells an enum's labels.
"""

_FUNCTIONS = (
    # Texts.
    "ascii bit_length btrim casefold char_length character_length chr concat concat_ws convert convert_from convert_to "
    "decode encode format initcap is_normalized left length like like_escape lower lpad ltrim md5 normalize notlike "
    "octet_length overlay parse_ident position quote_ident quote_literal quote_nullable regexp_count regexp_instr "
    "regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_substr "
    "repeat replace reverse right rpad rtrim similar_escape similar_to_escape split_part starts_with string_agg "
    "string_to_array string_to_table strpos substr substring to_ascii to_bin to_hex to_oct translate unistr upper "
    "unicode_assigned bytea crc32 crc32c get_bit get_byte set_bit set_byte bit_count sha224 sha256 sha384 sha512 "
    # Numbers.
    "abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot cotd "
    "degrees div erf erfc exp factorial floor gamma gcd lcm lgamma ln log log10 min_scale mod numeric_inc pi pow power "
    "radians random random_normal round scale setseed sign sin sind sinh sqrt tan tand tanh trim_scale trunc "
    "width_bucket generate_series generate_subscripts "
    # Dates and times.
    "age clock_timestamp date_add date_bin date_part date_subtract date_trunc extract isfinite justify_days "
    "justify_hours justify_interval make_date make_interval make_time make_timestamp make_timestamptz now overlaps "
    "statement_timestamp timeofday timezone to_char to_date to_number to_timestamp transaction_timestamp "
    # Aggregates and windows.
    "any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp cume_dist "
    "dense_rank every first_value json_agg json_agg_strict json_object_agg json_object_agg_strict "
    "json_object_agg_unique json_object_agg_unique_strict jsonb_agg jsonb_agg_strict jsonb_object_agg "
    "jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict lag last_value lead max min mode "
    "nth_value ntile percent_rank percentile_cont percentile_disc range_agg range_intersect_agg rank regr_avgx "
    "regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy row_number stddev stddev_pop "
    "stddev_samp sum var_pop var_samp variance xmlagg "
    # Arrays, ranges, rows.
    "array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions "
    "array_prepend array_remove array_replace array_reverse array_sample array_shuffle array_sort array_to_json "
    "array_to_string array_upper cardinality trim_array unnest daterange datemultirange int4range int4multirange "
    "int8range int8multirange isempty lower_inc lower_inf multirange numrange nummultirange range_merge tsrange "
    "tsmultirange tstzrange tstzmultirange upper_inc upper_inf num_nonnulls num_nulls pg_column_size pg_typeof "
    "row_to_json pg_collation_for "
    # JSON and XML.
    "json_array_elements json_array_elements_text json_array_length json_build_array json_build_object json_each "
    "json_each_text json_extract_path json_extract_path_text json_object json_object_keys json_populate_record "
    "json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_typeof jsonb_array_elements "
    "jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_concat jsonb_contains "
    "jsonb_delete jsonb_delete_path jsonb_each jsonb_each_text jsonb_exists jsonb_exists_all jsonb_exists_any "
    "jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys jsonb_path_exists "
    "jsonb_path_exists_tz jsonb_path_match jsonb_path_match_tz jsonb_path_query jsonb_path_query_array "
    "jsonb_path_query_array_tz jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz "
    "jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls "
    "jsonb_to_record jsonb_to_recordset jsonb_typeof to_json to_jsonb xml_is_well_formed xml_is_well_formed_content "
    "xml_is_well_formed_document xmlcomment xmlexists xmltext xpath xpath_exists "
    # Text search.
    "array_to_tsvector get_current_ts_config json_to_tsvector jsonb_to_tsvector numnode phraseto_tsquery "
    "plainto_tsquery querytree setweight strip to_tsquery to_tsvector ts_delete ts_filter ts_headline ts_rank "
    "ts_rank_cd tsquery_phrase tsvector_to_array websearch_to_tsquery "
    # Network, geometry, identifiers.
    "abbrev broadcast family host hostmask inet_merge inet_same_family macaddr8_set7bit masklen netmask network "
    "set_masklen area bound_box center diagonal diameter height isclosed isopen npoints path pclose point polygon "
    "popen radius slope width box circle line lseg gen_random_uuid uuid_extract_timestamp uuid_extract_version uuidv4 "
    "uuidv7 "
    # Types by the name of their conversion.
    "bit bool bpchar char cidr date float4 float8 inet int2 int4 int8 interval json jsonb money name numeric oid text "
    "time timestamp timestamptz timetz uuid varbit varchar xml "
    # What a session may know of itself and of the schema's names.
    "current_database current_schema current_schemas current_user inet_client_addr "
    "inet_client_port inet_server_addr inet_server_port pg_backend_pid pg_client_encoding pg_conf_load_time "
    "pg_is_in_recovery pg_is_other_temp_schema pg_my_temp_schema pg_postmaster_start_time session_user system_user "
    "unicode_version icu_unicode_version version format_type pg_basetype pg_char_to_encoding pg_encoding_to_char "
    "pg_get_userbyid pg_size_bytes pg_size_pretty pg_table_is_visible pg_type_is_visible pg_function_is_visible "
    "pg_operator_is_visible pg_collation_is_visible pg_opclass_is_visible pg_relation_size pg_table_size "
    "pg_indexes_size pg_total_relation_size pg_database_size to_regclass to_regnamespace to_regrole to_regtype "
    "has_any_column_privilege has_column_privilege has_database_privilege has_schema_privilege "
    "has_sequence_privilege has_table_privilege pg_has_role pg_relation_is_updatable pg_column_is_updatable "
    "pg_advisory_unlock_all"
)

FUNCTIONS = frozenset(_FUNCTIONS.split())

_TYPES = (
    "aclitem bit bool bpchar bytea char cid cidr circle date datemultirange daterange float4 float8 inet int2 "
    "int2vector int4 int4multirange int4range int8 int8multirange int8range interval json jsonb jsonpath line lseg box "
    "point macaddr macaddr8 money name numeric nummultirange numrange oid oidvector path pg_lsn pg_snapshot polygon "
    "record regclass regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure "
    "regrole regtype text tid time timestamp timestamptz timetz tsmultirange tsquery tsrange tstzmultirange tstzrange "
    "tsvector txid_snapshot unknown uuid varbit varchar void xid xid8 xml"
)

TYPES = frozenset(_TYPES.split())

COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">="})
"""Operators that constructs use without being named in the text (IN, BETWEEN, USING, CASE, ORDER BY …)."""

CAST_SAFE_KINDS = frozenset({"b", "e", "r", "m"})
"""typtype of user types whose input runs the server's or an extension's C code only: base, enum, range, multirange."""
