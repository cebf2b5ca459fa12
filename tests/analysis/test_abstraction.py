"""Which texts share an analysis, and which must not."""

import pytest

from ostiary.analysis.abstraction import abstracted


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
