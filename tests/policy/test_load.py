from pathlib import Path

import cedarpy
import pytest

from ostiary.model.errors import PolicyInvalid
from ostiary.policy.context import ATTRIBUTES, STATEMENT_ATTRIBUTES
from ostiary.policy.lint import Severity
from ostiary.policy.load import examine, load, read_folder, schema, starter
from ostiary.policy.vocabulary import ACTION_GROUPS, ACTIONS, STATEMENT_QUESTIONS

CONTRACT = """
@id("agents-read-orders")
permit (principal in Ostiary::Group::"agents", action == Ostiary::Action::"read", resource in Ostiary::Database::"orders");

@id("small-fixes-need-no-approval") @max_rows("10")
permit (principal in Ostiary::Group::"support-agents", action == Ostiary::Action::"update_without_approval", resource == Ostiary::Relation::"orders.public.tickets")
when { context.proved has ticket };

@id("no-drops-in-production")
forbid (principal, action == Ostiary::Action::"define", resource in Ostiary::Environment::"production")
unless { principal in Ostiary::Group::"migrations" };
"""  # noqa: E501

READ = 'permit (principal, action == Ostiary::Action::"read", resource)'


def test_the_examples_of_the_contract_load() -> None:
    policies = load({"contract.cedar": CONTRACT})
    assert [policy.id for policy in policies.policies] == [
        "agents-read-orders",
        "no-drops-in-production",
        "small-fixes-need-no-approval",
    ]
    assert policies.attributes_read == {"proved.ticket"}
    small = policies.policies[2]
    assert (small.file, small.line, small.max_rows) == ("contract.cedar", 5, 10)


REFUSED = [
    (f'@id("a")\n\n{READ.replace("read", "raed")};', 3, "unknown action 'raed'; did you mean 'read'?"),
    ('@id("a") permit (principal in Group::"x", action, resource);', 1, "did you mean 'Ostiary::Group'?"),
    ('@id("a") permit (principal in Ostiary::Grup::"x", action, resource);', 1, "did you mean 'Ostiary::Group'?"),
    (f'@id("a")\n{READ}\nwhen {{ context.proved.ticket == "x" }};', 3, "ask with `has` first"),
    (f'@id("a") {READ.replace("permit", "forbid")} when {{ context.claimed.run == "x" }};', 1, "ask with `has` first"),
    (f'@id("a")\n{READ}\nwhen {{ context.proved has tiket }};', 3, "did you mean 'proved.ticket'?"),
    (f'@id("a") {READ} when {{ context.tiem > 3 }};', 1, "unknown context attribute 'tiem'; did you mean 'time'?"),
    (f'@id("a") {READ} when {{ principal has nmae }};', 1, "unknown attribute 'nmae'; did you mean 'name'?"),
    (
        f'@id("a") {READ} when {{ (if true then context.proved else context.claimed) has tciket }};',
        1,
        "unknown attribute 'tciket'; did you mean 'ticket'?",
    ),
    (f'@id("a") {READ} when {{ Ostiary::Human::"alice".name == "x" }};', 1, "reads an attribute of an entity"),
    (f'@id("a") {READ.replace("resource)", "resource == ?resource)")};', 1, "template"),
    (f"// nothing\n{READ};", 2, 'put @id("…") before it'),
    (f'@id("") {READ};', 1, 'put @id("…") before it'),
    (f'@id("a") {READ};\n@id("a") {READ};', 2, "is taken by the policy in x.cedar:1"),
    (f'@id("a") @maxrows("3") {READ};', 1, "unknown annotation '@maxrows'; did you mean 'max_rows'?"),
    (f'@id("a") @max_rows("3") {READ};', 1, "here it would bound nothing"),
    ('@id("a") @max_rows("3") permit (principal, action, resource);', 1, "here it would bound nothing"),
    (
        '@id("a") @max_rows("0") permit (principal, action == Ostiary::Action::"update_without_approval", resource);',
        1,
        "not a positive whole number",
    ),
    (f'@id("a")\n{READ}\nwhen {{\n context.time >> 3 }};', 4, "unexpected token `>`"),
    (f'@id("a")\n{READ}\nwhen {{ true && && false }};', 3, "unexpected token `&&`"),
    (f'@id("a") {READ}', 1, "cut off"),
    (f'@id("a")\n{READ}\nwhen {{ context.statement_tag == "x }};', 3, "invalid token"),
    (f'@id("a") {READ} when {{ context.time == "x" }};', 1, "not compatible"),
    ('@id("a") permit (principal, action == Ostiary::Action::"write", resource);', 1, "write `action in`"),
    (f'@id("a") {READ.replace("resource)", "resource in Ostiary::Class::")}"pii");', 1, "can never apply"),
    (f'@id("a") {READ.replace("resource)", "resource == Ostiary::Relation::")}"public.t");', 1, "can name nothing"),
    (
        f'@id("a") {READ.replace("resource)", "resource == Ostiary::Relation::")}"o.public.\\"T\\"");',
        1,
        'did you mean Ostiary::Relation::"o.public.T"?',
    ),
    ('@id("a") permit (principal, action, resource) when { context.statements > 1 };', 1, "known of statements only"),
]


@pytest.mark.parametrize(("text", "line", "message"), REFUSED)
def test_a_mistake_refuses_the_whole_set_and_names_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        load({"a.cedar": CONTRACT, "x.cedar": text})
    assert message in str(refused.value)
    assert (refused.value.file, refused.value.line) == ("x.cedar", line)


def test_the_version_names_the_meaning_and_not_the_layout() -> None:
    one = load({"a.cedar": f'@id("a") {READ}; @id("b") {READ} when {{ context.complete }};'})
    same = load({"b.cedar": f'// why\n@id("b")\n{READ}\nwhen {{ context.complete\n}};', "a.cedar": f'@id("a") {READ};'})
    other = load({"a.cedar": f'@id("a") {READ}; @id("b") {READ} when {{ !context.complete }};'})
    assert one.version == same.version != other.version
    assert len(one.version) == 32


def test_a_semicolon_in_a_text_or_comment_ends_no_policy() -> None:
    text = f'// a; b\n@id("a;b")\n{READ} when {{ context.statement_tag == "\\"; // x" }}; // c;'
    assert [policy.id for policy in load({"a.cedar": text}).policies] == ["a;b"]


def test_a_condition_on_the_whole_of_a_record_reads_all_of_it() -> None:
    text = f'@id("a") {READ} when {{ (if context.complete then context.proved else context.claimed) has ticket }};'
    assert load({"a.cedar": text}).attributes_read == {"complete", "proved", "claimed"}


def test_a_permit_to_change_for_everybody_is_warned_of() -> None:
    (found,) = examine({"a.cedar": '@id("a") permit (principal, action in Ostiary::Action::"write", resource);'})
    assert found.severity is Severity.WARNING
    assert found.message.startswith("lets everybody delete, insert, update")


def test_no_policy_at_all_is_warned_of() -> None:
    (found,) = examine({})
    assert "nobody may do anything" in found.message


def test_examine_finds_every_mistake_at_once() -> None:
    found = examine({"a.cedar": f"{READ.replace('read', 'raed')};\n{READ}"})
    assert [one.line for one in found] == [1, 2, 1]


def test_the_starter_policies_load_without_a_warning() -> None:
    assert examine(starter()) == ()


def test_hidden_files_and_other_files_are_not_policies(tmp_path: Path) -> None:
    for name in ("a.cedar", "more/b.cedar", ".c.cedar", "..data/a.cedar", "d.cedar~", "readme.md"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name)
    assert read_folder(tmp_path) == {"a.cedar": "a.cedar", "more/b.cedar": "more/b.cedar"}


def test_a_folder_or_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid, match="no such folder"):
        read_folder(tmp_path / "none")
    (tmp_path / "a.cedar").write_bytes(b"\xff")
    with pytest.raises(PolicyInvalid, match="cannot be read"):
        read_folder(tmp_path)


def _valid(text: str) -> bool:
    return cedarpy.validate_policies(text, schema()).validation_passed


def test_every_action_of_the_tables_is_in_the_schema() -> None:
    for action in ACTIONS:
        assert _valid(f'permit (principal, action == Ostiary::Action::"{action}", resource);'), action
    assert not _valid('permit (principal, action == Ostiary::Action::"other", resource);')


def test_every_group_of_actions_has_the_members_that_the_schema_gives_it() -> None:
    for group, members in ACTION_GROUPS.items():
        for action in ACTIONS:
            # A policy whose scope no action fits does not validate, so this asks whether `action` is in `group`.
            text = f'permit (principal, action == Ostiary::Action::"{action}", resource) when {{ !(action in {{}}) }};'
            assert _valid(text.replace("{}", f'Ostiary::Action::"{group}"')), action
        assert _valid(f'permit (principal, action in Ostiary::Action::"{group}", resource);')
        assert members <= ACTIONS


def test_every_attribute_of_the_context_is_in_the_schema() -> None:
    optional = {"proved.", "claimed.", "on_behalf_of", "has_predicate", "rows_estimated"}
    for path in ATTRIBUTES:
        guarded = any(path.startswith(one) for one in optional)
        guard = f"context has {path} && " if guarded else ""
        text = f'permit (principal, action in Ostiary::Action::"statement", resource) when {{ {guard}context.{path} == context.{path} }};'  # noqa: E501
        assert _valid(text), path


def test_only_questions_about_statements_carry_the_facts_of_one() -> None:
    for action in ACTIONS:
        for attribute in STATEMENT_ATTRIBUTES - {"has_predicate", "rows_estimated"}:
            text = (
                f'permit (principal, action == Ostiary::Action::"{action}", resource) '
                f"when {{ context.{attribute} == context.{attribute} }};"
            )
            assert _valid(text) == (action in STATEMENT_QUESTIONS), (action, attribute)
