"""``ostiary audit``: exit codes, places of damage, and what searches find."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from ostiary.audit.encoding import event, intent, intent_template, outcome
from ostiary.cli.audit import audit
from ostiary.model.analysis import Access, Action, Analysis, StatementAnalysis
from ostiary.model.decision import Denial, Permit, Permitted, Refused, Verdict, Versions
from ostiary.model.errors import Invalid
from ostiary.model.identity import Circumstances, Identity, Principal, PrincipalKind
from ostiary.model.names import RelationName, SessionId
from ostiary.model.record import Outcome, OutcomeKind
from ostiary.model.statement import Stage
from ostiary.settings import Durability
from ostiary.store.log import Log

SESSION = SessionId("ab" * 16)
START = 1_763_800_000_000_000_000
MINUTE = 60_000_000_000


def _intent(number: int, name: str, relation: str, verdict: Verdict) -> bytes:
    statement = StatementAnalysis(
        "SelectStmt", "SELECT", 0, 1, accesses=(Access(Action.READ, RelationName("public", relation)),)
    )
    boss = Principal(PrincipalKind.HUMAN, "alice", "local")
    made = intent_template(
        identity=Identity(Principal(PrincipalKind.AGENT, name, "local"), 0, "t", on_behalf_of=boss),
        datasource="shop",
        claimed=Circumstances(),
        verdict=verdict,
        analysis=Analysis((statement,), f"select * from {relation}", "f"),
        stage=Stage.SIMPLE,
    )
    return intent(made, session=SESSION, number=number, time_ns=START + number * MINUTE, commitment="k:0")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    log = Log.open(tmp_path, durability=Durability.STRICT, call_soon=lambda call: call())
    permitted = Permitted(Permit(b"", Versions("p", "c", "k")), ())
    log.append(event("login", session=SESSION, time_ns=START, fields={"principal": "bot", "database": "shop"}))
    log.append(_intent(1, "bot", "orders", permitted))
    log.append(
        outcome(session=SESSION, number=1, time_ns=START + MINUTE, outcome=Outcome(OutcomeKind.DONE, "SELECT", 4))
    )
    log.append(_intent(2, "bot", "customers", Refused(Denial("policy-denies", "no"))))
    log.append(_intent(3, "other", "orders", permitted))
    log.close()
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(audit, [str(one) for one in arguments])


def indexes(state: Path, *arguments: str) -> list[int]:
    result = run("search", state, "--json", *arguments)
    assert result.exit_code == 0, result.output
    return [orjson.loads(line)["index"] for line in result.output.splitlines()]


def test_a_sound_log_exits_0_and_says_how_much_it_covers(state: Path) -> None:
    result = run("verify", state)
    assert result.exit_code == 0
    assert re.search(r"sound .*: 5 records under the checkpoint of 'ostiary'", result.output)
    said: dict[str, Any] = orjson.loads(run("verify", state, "--json").output)
    assert (said["ok"], said["signed"], said["waiting"], said["damages"]) == (True, 5, 0, [])


def test_damage_exits_1_and_names_the_place(state: Path) -> None:
    path = state / "tile" / "entries" / "000.p" / "5"
    path.write_bytes(path.read_bytes().replace(b"customers", b"Customers"))
    result = run("verify", state)
    assert result.exit_code == 1
    assert "tile/entries/000.p/5, record 3: it is not the record that was signed" in result.output
    said: dict[str, Any] = orjson.loads(run("verify", state, "--json").output)
    assert said["ok"] is False
    assert said["damages"][0]["record"] == 3


def test_a_key_kept_elsewhere_is_the_one_that_counts(state: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "log.vkey"
    elsewhere.write_text((state / "keys" / "log.vkey").read_text())
    assert run("verify", state, "--key", elsewhere).exit_code == 0
    (state / "keys" / "log.vkey").unlink()
    assert run("verify", state).exit_code == 1
    assert run("verify", state, "--key", elsewhere).exit_code == 0


def test_a_folder_without_a_log_exits_1(tmp_path: Path) -> None:
    assert run("verify", tmp_path).exit_code == 1


def test_searches_find_what_they_ask_for_newest_first(state: Path) -> None:
    assert indexes(state) == [4, 3, 2, 1, 0]
    assert indexes(state, "--limit", "2") == [4, 3]
    assert indexes(state, "--principal", "bot") == [3, 1, 0]
    assert indexes(state, "--principal", "alice") == [4, 3, 1]
    assert indexes(state, "--relation", "orders") == [4, 1]
    assert indexes(state, "--relation", "public.customers") == [3]
    assert indexes(state, "--relation", "private.customers") == []
    assert indexes(state, "--type", "outcome") == [2]
    assert indexes(state, "--type", "login") == [0]
    assert indexes(state, "--verdict", "deny") == [3]
    assert indexes(state, "--session", SESSION, "--type", "intent") == [4, 3, 1]
    assert indexes(state, "--database", "shop") == [4, 3, 1, 0]
    assert indexes(state, "--since", "2025-11-22T08:28:40Z") == [4, 3]
    assert indexes(state, "--until", "2025-11-22T08:27:00+00:00") == [0]
    assert indexes(state, "--since", "15m") == []


def test_a_time_that_is_none_is_refused(state: Path) -> None:
    result = run("search", state, "--since", "yesterday")
    assert result.exit_code == 2
    assert "neither a duration nor a time" in result.output


def test_lines_for_people_hold_time_who_verdict_and_shape(state: Path) -> None:
    result = run("search", state, "--type", "intent", "--limit", "2")
    lines = result.output.splitlines()
    assert "other for alice\tpermit\tselect * from orders" in lines[0]
    assert "bot for alice\tdeny policy-denies\tselect * from customers" in lines[1]
    assert "SELECT 4 rows" in run("search", state, "--type", "outcome").output


def test_a_search_where_no_log_is_does_not_look_like_one_that_finds_nothing(tmp_path: Path) -> None:
    error = run("search", tmp_path).exception
    assert isinstance(error, Invalid)
    assert "holds no log" in str(error)


def test_what_is_no_key_is_refused_by_its_file(state: Path, tmp_path: Path) -> None:
    key = tmp_path / "notes.txt"
    key.write_text("nothing\n")
    error = run("verify", state, "--key", key).exception
    assert isinstance(error, Invalid)
    assert str(error).startswith(f"{key}: is no public key of a log")


def test_a_record_stays_on_its_line_and_says_nothing_to_a_terminal(tmp_path: Path) -> None:
    log = Log.open(tmp_path, durability=Durability.STRICT, call_soon=lambda call: call())
    log.append(event("login", session=SESSION, time_ns=START, fields={"principal": "a\nb", "peer": "\x1b[2Jx\u202ey"}))
    log.close()
    (line,) = run("search", tmp_path).output.splitlines()
    assert "a b" in line
    assert r"\x1b[2Jx\u202ey" in line
