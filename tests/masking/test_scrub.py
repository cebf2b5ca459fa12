"""Errors and notices are rebuilt: nothing that the server wrote goes on."""

from hypothesis import given
from hypothesis import strategies as st

from ostiary.masking.scrub import known_code, scrub_error
from ostiary.masking.sqlstates import MESSAGES


def test_an_error_keeps_its_severity_and_code_and_nothing_else() -> None:
    fields = {
        "S": "FEHLER",
        "V": "ERROR",
        "C": "23505",
        "M": 'duplicate key value violates unique constraint "customers_email_key"',
        "D": "Key (email)=(alice@example.org) already exists.",
        "H": "alice@example.org",
        "P": "12",
        "p": "3",
        "q": "select 'alice@example.org'",
        "W": "PL/pgSQL function f(alice@example.org)",
        "s": "public",
        "t": "customers",
        "c": "email",
        "d": "text",
        "n": "customers_email_key",
        "F": "nbtinsert.c",
        "L": "1",
        "R": "_bt_check_unique",
    }
    assert scrub_error(fields) == {
        "S": "ERROR",
        "V": "ERROR",
        "C": "23505",
        "M": "a value that must be unique stands there already (text withheld)",
    }


def test_a_notice_keeps_its_severity() -> None:
    said = scrub_error({"S": "NOTICE", "V": "NOTICE", "C": "00000", "M": "processing alice"})
    assert said["S"] == "NOTICE"
    assert "alice" not in said["M"]


def test_a_code_that_somebody_made_up_is_not_passed_on() -> None:
    assert known_code("ALICE") == "XX000"
    assert known_code("22ABC") == "22000"
    assert known_code("22012") == "22012"


def test_every_class_that_is_listed_has_a_text_for_the_rest_of_it() -> None:
    assert {code for code in MESSAGES if len(code) != 5} == set()
    assert {code[:2] + "000" for code in MESSAGES} - set(MESSAGES) <= {"26000", "2B000", "3B000", "3F000", "55000"} | {
        code[:2] + "000" for code in MESSAGES
    }


@given(st.dictionaries(st.sampled_from("SVCMDHPpqWstcdnFLRxyz"), st.text(min_size=6)))
def test_no_text_of_the_server_goes_on(fields: dict[str, str]) -> None:
    said = scrub_error(fields)
    assert set(said) == {"S", "V", "C", "M"}
    ours = {*MESSAGES, *(f"{text} (text withheld)" for text in MESSAGES.values()), "ERROR"}
    assert set(said.values()) <= ours | {"FATAL", "PANIC", "WARNING", "NOTICE", "DEBUG", "INFO", "LOG"}
