"""The settings that bound a session go down, never up."""

import pytest

from ostiary.model.analysis import SettingChange
from ostiary.session_limits import SessionLimits, milliseconds, refuse_encodings

LIMITS = SessionLimits(statement_timeout=60_000, lock_timeout=5_000)


@pytest.mark.parametrize("value", ["0", "61s", "2min", "1h", "'1d'", "nonsense", "-1", "999999"])
def test_a_bound_is_not_raised_nor_removed(value: str) -> None:
    denial = LIMITS.refuse_changes([SettingChange("statement_timeout", value)])
    assert denial is not None
    assert denial.code == "setting-bounded"


@pytest.mark.parametrize("value", ["60000", "60s", "1min", "500", "10ms", "1us"])
def test_a_bound_is_lowered_at_will(value: str) -> None:
    assert LIMITS.refuse_changes([SettingChange("statement_timeout", value)]) is None


def test_back_to_the_default_is_back_to_the_bound() -> None:
    assert LIMITS.refuse_changes([SettingChange("statement_timeout", None)]) is None


def test_what_is_not_bounded_is_free() -> None:
    assert LIMITS.refuse_changes([SettingChange("idle_in_transaction_session_timeout", "0")]) is None


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        ("client_encoding", "UTF8", False),
        ("client_encoding", "'utf-8'", False),
        ("client_encoding", "sjis", True),
        ("client_encoding", None, False),
        ("standard_conforming_strings", "off", True),
        ("standard_conforming_strings", "on", False),
    ],
)
def test_bytes_mean_the_same_to_the_gate_and_the_server(name: str, value: str | None, refused: bool) -> None:
    assert (refuse_encodings([SettingChange(name, value)]) is not None) is refused


def test_a_number_without_a_unit_is_milliseconds() -> None:
    assert milliseconds(" 1500 ") == 1500
