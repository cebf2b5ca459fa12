"""No text crashes or stalls the gate: it is parsed, or refused with a reason and a place."""

import pytest

from ostiary.analysis.parse import INLINE_BYTES, MAXIMUM_BYTES, SqlNotUnderstood, parse
from ostiary.analysis.shape import shape


def refusal(text: bytes) -> SqlNotUnderstood:
    with pytest.raises(SqlNotUnderstood) as caught:
        parse(text)
    return caught.value


def test_what_stands_behind_a_nul_byte_is_never_overlooked() -> None:
    assert refusal(b"SELECT 1\0; DROP TABLE x").code == "sql-nul"


def test_only_utf8_is_understood() -> None:
    error = refusal("select 'é', '".encode() + b"\xff'")
    assert (error.code, error.sqlstate, error.position) == ("sql-not-utf8", "22021", 14)


def test_an_error_is_placed_in_characters_not_bytes() -> None:
    error = refusal("select é from where".encode())
    assert (error.code, error.sqlstate, error.position) == ("sql-syntax", "42601", 15)


def test_a_text_past_the_cap_is_refused_before_it_is_looked_at() -> None:
    error = refusal(b"select " + b"1" * (10 << 20))
    assert (error.code, error.sqlstate) == ("sql-too-long", "54000")
    assert refusal(b" " * (MAXIMUM_BYTES + 1)).code == "sql-too-long"


DEEP = {
    "nested parentheses": b"select " + b"(" * 100_000 + b"1" + b")" * 100_000,
    "60 kB of additions": b"select " + b"1+" * 30_000 + b"1",
    "200 kB of additions": b"select " + b"1+" * 100_000 + b"1",
    "additions below the inline limit": b"select " + b"1+" * (INLINE_BYTES // 2 - 10) + b"1",
    "casts": b"select 1" + b"::int" * 50_000,
    "nots": b"select " + b"not " * 60_000 + b"true",
    "arrays": b"select " + b"array[" * 10_000 + b"1" + b"]" * 10_000,
    "joins": b"select * from a" + b" join b on true" * 15_000,
    "set operations": b" union ".join([b"select 1"] * 15_000),
    "cases": b"select " + b"case when a then " * 10_000 + b"1" + b" end" * 10_000,
    "subqueries": b"select " + b"(select " * 20_000 + b"1" + b")" * 20_000,
    "nested comments": b"/*" * 20_000 + b"*/" * 20_000 + b" select 1",
    "a run of operator characters": b"select 1 " + b"+" * 200_000,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_what_is_nested_too_deeply_is_refused_as_that(text: bytes) -> None:
    error = refusal(text)
    assert (error.code, error.sqlstate) == ("sql-too-deep", "54001")


WIDE = {
    "94 unions": b" union ".join([b"select 1"] * 95),
    "a list of 10,000": b"select 1 where 1 in (" + b",".join(b"%d" % number for number in range(10_000)) + b")",
    "250 additions": b"select " + b"1+" * 250 + b"1",
    "40,000 ands": b"select " + b"a and " * 40_000 + b"true",
    "28,000 statements": b"select 1;" * 28_000,
    "comments nested with spaces": b"/* " * 20_000 + b"*/ " * 20_000 + b"select 1",
    "200 assignments to pairs": b"update t set " + b",".join([b"(a,b)=(select 1,2)"] * 200),
}


@pytest.mark.parametrize("text", WIDE.values(), ids=WIDE.keys())
def test_what_is_merely_wide_is_parsed(text: bytes) -> None:
    assert parse(text).tree["stmts"]


def _nested_assignments(depth: int) -> bytes:
    source = b"(select 1)"
    for _ in range(depth):
        source = b"(with x as (update t set (a,b,c,d,e,f,g,h) = /**/ " + source + b" returning 1) select 1)"
    return b"update t set (a, b) = " + source


MULTIPLIED = {
    "a long list": b"update t set (" + b",".join([b"a"] * 2000) + b") = (select " + b",".join([b"1"] * 2000) + b")",
    "behind a comment": b"update t set (" + b",".join([b"a"] * 2000) + b")/**/=(select " + b"1," * 2000 + b"1)",
    "without parentheses": b"update t set (" + b",".join([b"a"] * 1000) + b") = " + b"||".join([b"x"] * 400),
    "nested": _nested_assignments(12),
}


@pytest.mark.parametrize("text", MULTIPLIED.values(), ids=MULTIPLIED.keys())
def test_assignments_that_the_tree_would_repeat_many_times_are_refused(text: bytes) -> None:
    # libpg_query ends the process when its answer passes 1 GB.
    assert refusal(text).code == "sql-too-long"


def test_comparisons_of_rows_are_not_mistaken_for_such_assignments() -> None:
    assert parse(b"update t set a = 1 where " + b" and ".join([b"(a, b) = (1, 2)"] * 50)).tree["stmts"]


def test_the_empty_text_and_comments_alone_hold_no_statement() -> None:
    assert [parse(text).tree.get("stmts", []) for text in (b"", b";;;", b"-- x", b"/* x */")] == [[], [], [], []]


def test_the_shape_holds_no_literal_and_no_comment() -> None:
    text = (
        "/* a secret */ select a.\"X y\", $1, 'ab''c', E'x\\'y', U&'d\\0061t' , N'n', 1.5e3, x'ff', $$doc$$, $t$ ' $t$ "
        "from é -- another\n where x=-1::int4 and y = 0x1F"
    )
    assert shape(text.encode()).decode() == (
        "select a.\"X y\", ?, '?', '?', '?' , N'?', ?, b'?', '?', '?' from é where x=-?::int4 and y = ?"
    )


def test_statements_that_differ_in_values_only_have_one_shape() -> None:
    assert shape(b"select 1, 'a'") == shape(b"select   22,  'b' /* c */")


def test_the_shape_of_what_cannot_be_scanned_is_refused() -> None:
    with pytest.raises(SqlNotUnderstood, match="unterminated"):
        shape(b"select 'a")
