"""What a startup message asks for, split exactly as the server splits it."""

import pytest

from ostiary.model.errors import ProtocolViolation
from ostiary.model.identity import Circumstances
from ostiary.protocols.postgres.startup import opening, parse_options, split_options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("", []),
        ("  \t\n ", []),
        ("-c a=b", ["-c", "a=b"]),
        (r"-c a=b\ c", ["-c", "a=b c"]),
        (r"-c a=\\x", ["-c", r"a=\x"]),
        (r"a\\ b", ["a\\", "b"]),
        ("a\\", ["a"]),
        (r"\ ", [" "]),
        ("'a b'", ["'a", "b'"]),
        ("a\v b\fc", ["a", "b", "c"]),
        ("a\u00a0b", ["a\u00a0b"]),
    ],
)
def test_words_are_split_as_the_server_splits_them(options: str, words: list[str]) -> None:
    assert split_options(options) == words


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ("-c search_path=a", [("search_path", "a")]),
        ("-csearch_path=a", [("search_path", "a")]),
        ("--search-path=a", [("search_path", "a")]),
        ("-c Search_Path=A", [("search_path", "A")]),
        ("-c a=b=c", [("a", "b=c")]),
        ("-c a=", [("a", "")]),
        ("-c a=1 --b=2 -cc=3", [("a", "1"), ("b", "2"), ("c", "3")]),
    ],
)
def test_settings_are_read_as_the_server_reads_them(options: str, settings: list[tuple[str, str]]) -> None:
    assert parse_options(options) == settings


@pytest.mark.parametrize(
    "options", ["-e", "-d 5", "a=b", "-c", "-c a", "--", "--a", "-B 1", "-c =b", "-W 10", "- c a=b"]
)
def test_any_other_switch_is_refused(options: str) -> None:
    with pytest.raises(ProtocolViolation):
        parse_options(options)


def test_the_packet_wins_over_its_options_as_on_the_server() -> None:
    opened = opening({"user": "ann", "DateStyle": "German", "options": "-c datestyle=ISO -c role=x"})
    assert opened.settings == {"datestyle": "German", "role": "x"}


def test_claims_are_no_settings() -> None:
    opened = opening({"user": "ann", "options": "-c ostiary.purpose=support", "ostiary.Run": "r1"})
    assert opened.settings == {}
    assert opened.claimed == Circumstances(purpose="support", run="r1")


def test_the_database_is_the_users_when_none_is_given() -> None:
    assert opening({"user": "ann"}).database == "ann"
    assert opening({"user": "ann", "database": ""}).database == "ann"
