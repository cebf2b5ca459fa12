"""Every statement of the grammar has its place, and what the tables do not know is said to be unknown."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ostiary.analysis.analyse import NODES, analyse
from ostiary.analysis.catalog import Catalog, from_json
from ostiary.analysis.parse import Parsed, SqlNotUnderstood, parse
from ostiary.analysis.versions import NODES_SINCE
from ostiary.model.analysis import StatementAnalysis

CATALOG = from_json((Path(__file__).parent / "catalog.json").read_bytes())

# Nodes that no text can make a statement of: they stand inside functions' bodies or only in analysed trees.
NO_STATEMENTS = {"PLAssignStmt", "RawStmt", "ReturnStmt", "SetOperationStmt"}


def grammar() -> set[str]:
    messages: Any = importlib.import_module("postgast.pg_query_pb2")
    return set(messages.DESCRIPTOR.message_types_by_name)


def first(text: str, catalog: Catalog = CATALOG) -> StatementAnalysis:
    return analyse(parse(text.encode()), catalog, catalog.implicit_path).statements[0]


def test_every_statement_of_the_grammar_is_understood() -> None:
    statements = {name for name in grammar() if name.endswith("Stmt")}
    assert statements - set(NODES) == NO_STATEMENTS


def test_no_table_names_a_node_that_the_grammar_does_not_have() -> None:
    known = grammar()
    assert {name for name in [*NODES, *NODES_SINCE] if name[0].isupper()} <= known


def test_a_node_that_no_table_knows_makes_the_analysis_incomplete() -> None:
    tree = {"stmts": [{"stmt": {"SelectStmt": {"op": "SETOP_NONE", "targetList": [{"FancyNewExpr": {}}]}}}]}
    analysis = analyse(Parsed(b"select fancy", tree), CATALOG, CATALOG.implicit_path)
    assert analysis.statements[0].incomplete == ("FancyNewExpr is not understood",)


def test_a_statement_of_another_form_makes_the_analysis_incomplete() -> None:
    tree: dict[str, Any] = {"stmts": [{"stmt": {"InsertStmt": {"into": {}}}}]}
    analysis = analyse(Parsed(b"insert", tree), CATALOG, CATALOG.implicit_path)
    assert analysis.statements[0].incomplete == ("InsertStmt has a form that is not understood (KeyError)",)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("merge into orders o using scratch s on o.id = s.id when matched then delete", 150000),
        ("select json_array(1)", 160000),
        ("select json_query('{}', '$')", 170000),
        ("insert into scratch values (1) returning with (new as n) n.id", 180000),
        ("create table t (a int, b int generated always as (a) virtual)", 180000),
    ],
)
def test_what_is_newer_than_the_server_is_refused_only_there(text: str, version: int) -> None:
    assert first(text, replace(CATALOG, server_version=version)).complete
    older = first(text, replace(CATALOG, server_version=version - 1))
    assert [reason.split(":")[0] for reason in older.incomplete] == ["newer than the server"]


def test_json_object_is_a_name_like_any_other_before_16() -> None:
    # The grammar of 18 says pg_catalog.json_object; 15 looks along the path.
    assert first("select json_object('{a,b}')").complete
    mine = replace(
        CATALOG, functions={name: own for name, own in CATALOG.functions.items() if name.name != "json_object"}
    )
    assert first("select json_object('{a,b}')", mine).incomplete == ("unknown function: json_object",)


def test_spans_and_places_are_bytes_of_the_text() -> None:
    text = "select 'é' ;  /* ä */ select id from scratch ; ".encode()
    analysis = analyse(parse(text), CATALOG, CATALOG.implicit_path)
    assert [text[one.start : one.end].decode() for one in analysis.statements] == [
        "select 'é'",
        "select id from scratch",
    ]
    place = analysis.statements[1].references[0]
    assert text[place.location :].startswith(b"scratch")


def test_the_path_of_the_session_decides_what_a_name_means() -> None:
    text = parse(b"select id from customers")
    mask = analyse(text, CATALOG, ("mask", "pg_catalog", "public")).statements[0]
    assert [str(access.relation) for access in mask.accesses] == ["mask.customers"]


def test_a_name_in_the_temporary_schema_hides_all_others() -> None:
    relation = next(one for name, one in CATALOG.relations.items() if str(name) == "public.scratch")
    hidden = replace(relation, name=relation.name._replace(schema="pg_temp_3", name="customers"), temporary=True)
    overlay = replace(CATALOG, relations={**CATALOG.relations, hidden.name: hidden}, temporary_schema="pg_temp_3")
    path = ("pg_temp_3", "pg_catalog", "public")
    for text in (b"select id from customers", b"select id from pg_temp.customers"):
        one = analyse(parse(text), overlay, path).statements[0]
        assert [str(access.relation) for access in one.accesses] == ["pg_temp_3.customers"]


QUADRATIC = {
    "tables": b"select 1 from " + b",".join(b"customers c%d" % number for number in range(10_000)),
    "functions": b"select 1 from " + b",".join([b"upper('a')"] * 10_000),
    "common table expressions": b"with "
    + b",".join(b"c%d as (select 1)" % number for number in range(9_000))
    + b" select 1",
}


@pytest.mark.parametrize("text", QUADRATIC.values(), ids=QUADRATIC.keys())
def test_work_that_grows_faster_than_the_text_is_refused(text: bytes) -> None:
    with pytest.raises(SqlNotUnderstood) as caught:
        analyse(parse(text), CATALOG, CATALOG.implicit_path)
    assert (caught.value.code, caught.value.sqlstate) == ("sql-too-deep", "54001")


def test_as_many_tables_as_anybody_joins_are_analysed() -> None:
    text = b"select 1 from " + b",".join(b"customers c%d" % number for number in range(500))
    assert len(analyse(parse(text), CATALOG, CATALOG.implicit_path).statements[0].references) == 500
