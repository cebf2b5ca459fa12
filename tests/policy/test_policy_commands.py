"""`ostiary policy` over real folders; `explain` over a real database."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ostiary.cli.init import write_configuration
from ostiary.cli.policy import policy
from ostiary.model.decision import Denial, Permit, Permitted, Refused, Versions
from ostiary.model.identity import Principal, PrincipalKind
from ostiary.policy.evaluate import Answer, Question
from ostiary.policy.explain import Explanation, as_json, lines
from ostiary.policy.refusals import Asked
from ostiary.policy.resources import LOCAL_ISSUER, Database


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    write_configuration(tmp_path)
    return tmp_path / "ostiary.toml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(policy, arguments)


def test_check_says_what_is_loaded(configuration: Path) -> None:
    result = run("check", "--config", str(configuration), "--json")
    said = json.loads(result.stdout)
    assert result.exit_code == 0
    assert said["ok"]
    assert said["policies"] >= 15
    assert len(said["version"]) == 32
    assert "proved.ticket" in said["context"]
    assert "policies in" in run("check", "--config", str(configuration)).stdout


def test_check_names_file_and_line_and_exits_1(configuration: Path) -> None:
    (configuration.parent / "policy" / "mine.cedar").write_text(
        '@id("mine")\npermit (principal, action == Ostiary::Action::"raed", resource);\n'
    )
    result = run("check", "--config", str(configuration))
    assert result.exit_code == 1
    assert "mine.cedar:2: unknown action 'raed'; did you mean 'read'?" in result.stderr
    found = json.loads(run("check", "--config", str(configuration), "--json").stdout)["findings"]
    assert ("error", "mine.cedar", 2) in [(one["severity"], one["file"], one["line"]) for one in found]


def test_check_warns_of_databases_that_are_not_configured(configuration: Path) -> None:
    (configuration.parent / "policy" / "mine.cedar").write_text(
        '@id("mine") permit (principal, action == Ostiary::Action::"read",'
        ' resource == Ostiary::Relation::"order.public.t");\n'
        '@id("also") forbid (principal, action, resource in Ostiary::Environment::"prod");\n'
    )
    result = run("check", "--config", str(configuration))
    assert result.exit_code == 0
    assert "no database 'order' is configured; did you mean 'orders'?" in result.stderr
    assert "no environment 'prod' is configured; there is production" in result.stderr


def test_check_warns_that_a_pseudonym_is_not_one_yet(configuration: Path) -> None:
    (configuration.parent / "classes.toml").write_text('[masks]\n"pii.email" = { mask = "pseudonym" }\n')
    configuration.write_text(configuration.read_text() + '\n[database.second]\nurl = "postgresql://a@localhost/b"\n')
    assert "pii.email: pseudonyms need the installed mask schema" in run("check", "--config", str(configuration)).stderr


def test_check_warns_that_a_class_has_no_mask(configuration: Path) -> None:
    (configuration.parent / "classes.toml").write_text(
        '[columns]\n"public.people.mail" = "pii.emial"\n"public.people.id" = "none"\n'
        '[masks]\n"pii.email" = { mask = "null" }\n'
    )
    said = run("check", "--config", str(configuration)).stderr
    assert "class 'pii.emial' has no mask in [masks], so NULL is shown; did you mean 'pii.email'?" in said
    assert "'none'" not in said


BOT = Principal(PrincipalKind.AGENT, "bot", LOCAL_ISSUER)
YES = Asked(BOT, Question("connect", Database("orders")), Answer(allowed=True, policies=(), max_rows=3))
NO = Asked(BOT, Question("read", Database("orders")), Answer(allowed=False))


def test_an_explanation_of_a_permit_says_what_really_runs() -> None:
    permit = Permit(b"select 2", Versions("p", "c", "m"), max_rows=10)
    explanation = Explanation(b"select 1", Permitted(permit, (), masked=True, notices=("email is masked",)), (YES,))
    said = as_json(explanation)
    assert said["allowed"]
    assert said["rewritten"]
    assert said["runs"] == "select 2"
    text = "\n".join(lines(explanation))
    assert "more than 10 is rolled back" in text
    assert "as      select 2" in text
    assert 'yes  agent bot: connect on Ostiary::Database::"orders"' in text


def test_an_explanation_of_a_refusal_says_the_same_as_the_client_is_told() -> None:
    denial = Denial("no-policy-permits", "agent may not", detail="first\nsecond", hint="ask")
    explanation = Explanation(b"select 1", Refused(denial), (NO,))
    assert list(lines(explanation)) == [
        "refused: agent may not",
        "  code    no-policy-permits",
        "  detail  first",
        "  detail  second",
        "  hint    ask",
        "asked:",
        '  no   agent bot: read on Ostiary::Database::"orders": no policy permits it',
    ]
    assert as_json(explanation)["code"] == "no-policy-permits"
