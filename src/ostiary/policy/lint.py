"""What is wrong with a set of policies: everything that Cedar's own validator lets pass and a gate must not.

One rule: an error keeps the whole set from loading, because a policy left out could be the forbid that mattered.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import cedarpy

from ostiary.policy.context import ATTRIBUTES, STATEMENT_ATTRIBUTES
from ostiary.policy.resources import Uid, dotted, parts_of
from ostiary.policy.syntax import Broken, Excerpt, Parsed, line_of
from ostiary.policy.vocabulary import (
    ACTION_GROUPS,
    ACTIONS,
    ANNOTATIONS,
    ENTITY_ATTRIBUTES,
    ENTITY_TYPES,
    NAMESPACE,
    ROW_WAIVERS,
    typed,
)

_PARTS = {
    "Schema": ("database", "schema"),
    "Relation": ("database", "schema", "relation"),
    "Function": ("database", "schema", "function"),
    "Column": ("database", "schema", "relation", "column"),
}
"""How the uid of each kind of resource is put together."""

_CHANGES = frozenset({"insert", "update", "delete", "define", "administer"})

_ATTRIBUTE_NAMES = ENTITY_ATTRIBUTES | {name for path in ATTRIBUTES for name in path.split(".")}

_PREFIX = re.compile(r"^(?:Policy parse error: )?(?:for policy `policy\d+`, )?")
_QUOTED_UID = re.compile(r'([\w:]+)::\\?"([^"\\]*)')


class Severity(StrEnum):
    """ERROR: the set does not load. WARNING: it does, and somebody should look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, and where."""

    severity: Severity
    file: str
    line: int
    message: str


def errors(policies: Sequence[Parsed | Broken]) -> Iterator[Finding]:
    """Everything that keeps these policies from loading, without what Cedar's validator finds."""
    first: dict[str, Parsed] = {}
    for policy in policies:
        if isinstance(policy, Broken):
            yield Finding(Severity.ERROR, policy.file, policy.line, policy.message)
            continue
        yield from _annotation_errors(policy)
        yield from _word_errors(policy)
        yield from _uid_errors(policy)
        name = policy.annotations.get("id", "")
        if name and name in first:
            place = first[name].excerpt
            yield _error(policy, f"@id({name!r}) is taken by the policy in {place.file}:{place.line}", name)
        first.setdefault(name, policy)


def warnings(policies: Sequence[Parsed]) -> Iterator[Finding]:
    """What loads and deserves a second look."""
    if not policies:
        yield Finding(Severity.WARNING, "", 0, "there is no policy at all: nobody may do anything")
    for policy in policies:
        changes = sorted(_actions(policy) & _CHANGES)
        anybody = not policy.principal.entities
        if policy.effect == "permit" and anybody and not policy.conditional and changes:
            message = f"lets everybody {', '.join(changes)}; name a group, or say when"
            yield Finding(Severity.WARNING, policy.excerpt.file, policy.excerpt.line, message)


def validator_errors(policies: Sequence[Parsed], schema: cedarpy.Schema) -> Iterator[Finding]:
    """What Cedar's validator says, at the place it means, with the word that was probably meant."""
    for policy in policies:
        result = cedarpy.validate_policies(policy.excerpt.text, schema)
        told: set[str] = set()
        for error in result.errors:
            message, word = _explained(error.error, policy)
            if message not in told and not (told and "unable to find an applicable action" in error.error):
                told.add(message)
                yield _error(policy, message, word)
        if not result.validation_passed and not told:
            yield _error(policy, "does not fit the schema")


def _annotation_errors(policy: Parsed) -> Iterator[Finding]:
    for name in policy.annotations:
        if name not in ANNOTATIONS:
            yield _error(policy, f"unknown annotation '@{name}'{_meant(name, ANNOTATIONS)}", name)
    if not policy.annotations.get("id"):
        yield _error(policy, 'the policy has no name: put @id("…") before it')
    bound = policy.annotations.get("max_rows")
    if bound is None:
        return
    if not re.fullmatch(r"[1-9][0-9]{0,17}", bound):
        yield _error(policy, f"@max_rows({bound!r}) is not a positive whole number", "max_rows")
    if policy.effect != "permit" or not _actions(policy) <= ROW_WAIVERS:
        allowed = ", ".join(sorted(ROW_WAIVERS))
        yield _error(policy, f"@max_rows bounds only permits of {allowed}; here it would bound nothing", "max_rows")


def _word_errors(policy: Parsed) -> Iterator[Finding]:
    # Cedar's validator takes `context.proved has tiket` for a test that is simply false: a forbid that never fires.
    for path in sorted(policy.context_paths):
        name = ".".join(path)
        if name and name not in ATTRIBUTES:
            message = f"unknown context attribute '{name}'{_meant(name, ATTRIBUTES)}"
            yield _error(policy, message, path[-1])
    for path in sorted(policy.entity_paths):
        if len(path) > 1 or path[0] not in ENTITY_ATTRIBUTES:
            message = f"unknown attribute '{'.'.join(path)}'{_meant(path[0], ENTITY_ATTRIBUTES)}"
            yield _error(policy, message, path[-1])
    for name in sorted(policy.loose_attributes - _ATTRIBUTE_NAMES):
        yield _error(policy, f"unknown attribute '{name}'{_meant(name, _ATTRIBUTE_NAMES)}", name)
    if policy.literal_access:
        # Only what is asked about is shown to Cedar: reading from another entity is an error at every evaluation.
        yield _error(
            policy,
            "reads an attribute of an entity that it names; only those of principal and resource can be read",
        )


def _uid_errors(policy: Parsed) -> Iterator[Finding]:
    for uid in sorted(policy.mentions):
        names = _PARTS.get(uid.type)
        if names is not None and len(parts_of(uid.id) or ()) != len(names):
            form = f'{typed(uid.type)}::"{".".join(names)}"'
            message = f"{uid} can name nothing: it is written {form}{_respelled(uid, len(names))}"
            yield _error(policy, message, uid.id)
        elif uid.type == "Column":
            yield _error(policy, f"{uid}: columns are governed by their class, not one by one", uid.id)
        elif not uid.id:
            yield _error(policy, f"{uid} can name nothing: the name is empty")


def _respelled(uid: Uid, count: int) -> str:
    """The name as it must be spelled, where only the quoting is wrong."""
    parts = [part.strip('"') for part in uid.id.split(".")]
    return f"; did you mean {Uid(uid.type, dotted(*parts))}?" if len(parts) == count else ""


def _actions(policy: Parsed) -> frozenset[str]:
    """The actions that a policy is about; none named means all."""
    if not policy.action.entities:
        return ACTIONS
    named = (uid.id for uid in policy.action.entities)
    return frozenset().union(*(ACTION_GROUPS.get(name, frozenset({name})) for name in named))


def _error(policy: Parsed, message: str, word: str = "") -> Finding:
    excerpt: Excerpt = policy.excerpt
    return Finding(Severity.ERROR, excerpt.file, line_of(excerpt, word) if word else excerpt.line, message)


def _meant(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(sorted(known))}"


def _explained(message: str, policy: Parsed) -> tuple[str, str]:
    """Cedar's message in our words where we know better, and the word of the policy that it is about."""
    message = _PREFIX.sub("", message)
    action = _QUOTED_UID.search(message) if message.startswith("unrecognized action") else None
    if action is not None:
        name = action.group(2)
        return f"unknown action '{name}'{_meant(name, {*ACTIONS, *ACTION_GROUPS})}", name
    word = re.search(r"`([^`]+)`", message)
    name = word.group(1) if word else ""
    if message.startswith("unrecognized entity type"):
        bare = name.removeprefix(f"{NAMESPACE}::")
        close = difflib.get_close_matches(bare, sorted(ENTITY_TYPES), n=1)
        meant = f"; did you mean '{typed(close[0])}'?" if close else ""
        return f"unknown entity type '{name}'{meant}", bare
    if message.startswith("unable to guarantee safety of access to optional attribute"):
        return f"reads '{name}', which may be absent: ask with `has` first ({message})", name.rpartition(".")[2]
    if message.startswith("unable to find an applicable action"):
        group = next((uid.id for uid in policy.action.entities if uid.id in ACTION_GROUPS), None)
        if group is not None:
            return (
                f"can never apply: '{group}' is a group of actions, so write `action in`, and a fitting resource",
                group,
            )
        return "can never apply: this action is not asked about this kind of principal and resource", ""
    if name in STATEMENT_ATTRIBUTES and message.startswith("attribute"):
        group = f'{typed("Action")}::"statement"'
        return f"'{name}' is known of statements only: write `action in {group}` or the actions it is about", name
    return message, name.rpartition(".")[2]
