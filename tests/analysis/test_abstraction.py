"""Which texts share an analysis, and which must not."""

import pytest

from ostiary.analysis.abstraction import abstracted, template


def test_statements_that_differ_in_small_numbers_share_a_key() -> None:
    assert abstracted(b"SELECT a FROM t WHERE id = 1") == abstracted(b"SELECT a FROM t WHERE id = 987654321;\n")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"SELECT a FROM t WHERE id = 1", b"SELECT a FROM t WHERE id = 9999999999"),
        (b"SELECT a FROM t1", b"SELECT a FROM t2"),
        (b"SELECT 1.5", b"SELECT 2.5"),
        (b"SELECT 1e5", b"SELECT 2e5"),
        (b"SELECT 0x1F", b"SELECT 0x2F"),
        (b"SELECT a FROM t WHERE x = 1", b"SELECT a FROM t WHERE y = 1"),
    ],
)
def test_statements_that_differ_otherwise_do_not(one: bytes, other: bytes) -> None:
    assert abstracted(one) != abstracted(other)


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 'x1'",
        b"SELECT 1 -- 2",
        b"SELECT 1 /* 2 */",
        b"SELECT $1",
        b"SELECT 1; SELECT 2",
        b'SELECT "1"',
        b"SET statement_timeout = 5000",
        b"FETCH 5 FROM c",
        b"SELECT 1 AS \xc3\xa4",
        b"SELECT E\\1",
    ],
)
def test_doubtful_texts_stand_for_themselves(text: bytes) -> None:
    assert abstracted(text) is None


def test_a_rewriting_is_carried_over_to_other_numbers() -> None:
    made = template(b"SELECT 7, a FROM t WHERE id = 1 AND b = 22", [(17, 17, b"public."), (10, 11, b"mask(a, 4)")])
    assert made is not None
    assert (
        made.filled(b"SELECT 8888, a FROM t WHERE id = 333 AND b = 4")
        == b"SELECT 8888, mask(a, 4) FROM public.t WHERE id = 333 AND b = 4"
    )


def test_no_rewriting_is_carried_over_where_a_number_takes_part_in_it() -> None:
    assert template(b"SELECT a FROM t WHERE id = 123", [(20, 29, b"x")]) is None
    assert template(b"SELECT a FROM t GROUP BY 1", [(14, 14, b"public.")]) is None
