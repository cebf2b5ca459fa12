"""What a text claims about itself in comments."""

import pytest

from ostiary.analysis.comments import MAXIMUM_PAIRS, pairs
from ostiary.analysis.shape import tokens


def claimed(text: str) -> dict[str, str]:
    encoded = text.encode()
    return dict(pairs(encoded, tokens(encoded)))


def test_pairs_are_read_and_decoded() -> None:
    assert claimed("select 1 /*action='a%20b',controller='it\\'s', traceparent='00-1-2-01'*/") == {
        "action": "a b",
        "controller": "it's",
        "traceparent": "00-1-2-01",
    }


def test_the_last_comment_counts_before_the_first() -> None:
    assert claimed("/*a='1'*/ select 1 /*a='2'*/") == {"a": "2"}
    assert claimed("/*a='1'*/ select 1 -- end") == {"a": "1"}


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "select '/*a=''1''*/'",
        "select 1 /* just words */",
        "select 1 /*a='1', broken*/",
        "select 1 /*a='1*/",
        "select 1 -- a='1'",
        "select 1 /*" + ",".join(f"k{n}='v'" for n in range(MAXIMUM_PAIRS + 1)) + "*/",
    ],
)
def test_anything_else_claims_nothing(text: str) -> None:
    assert claimed(text) == {}
