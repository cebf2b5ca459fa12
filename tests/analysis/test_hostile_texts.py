"""Whatever the bytes: an analysis or a refusal, never another error."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.analysis.analyse import analyse
from ostiary.analysis.catalog import from_json
from ostiary.analysis.parse import SqlNotUnderstood, parse
from ostiary.analysis.shape import shape

HERE = Path(__file__).parent
CATALOG = from_json((HERE / "catalog.json").read_bytes())
WORDS = sorted(
    {
        word
        for path in (HERE / "statements").glob("*.sql")
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.startswith("-->")
        for word in line.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()
    }
)


def outcome(text: bytes) -> str:
    try:
        analysis = analyse(parse(text), CATALOG, CATALOG.implicit_path)
    except SqlNotUnderstood as error:
        return error.code
    for one in analysis.statements:
        assert not any("has a form" in reason for reason in one.incomplete), (text, one.incomplete)
    return "analysed"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join))
def test_words_of_sql_in_any_order(text: str) -> None:
    outcome(text.encode())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(text: bytes) -> None:
    outcome(text)


SECRET = "Quimbyzz"
PIECES = [
    f"'{SECRET}'",
    rf"E'\'{SECRET}'",
    f"U&'{SECRET}'",
    f"N'{SECRET}'",
    f"'''{SECRET}'''",
    f"$${SECRET}$$",
    f"$a$ $$ ' {SECRET} $a$",
    f"/* ' {SECRET} /* \" */ */",
    f"-- ' {SECRET}\n",
    f"'a'\n'{SECRET}'",
    '"x\'y"',
    "a",
    "$1",
    "1.5",
    ",",
    "-",
    "(",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_the_shape_never_shows_a_literal_or_a_comment(text: str) -> None:
    assert SECRET.encode() not in shape(text.encode())


def test_words_are_enough_to_make_statements() -> None:
    assert outcome(b"select id from customers") == "analysed"
