"""Cedar text cut into single policies with their places, and what one policy mentions and reads.

One rule: Cedar alone says what a text means. This only finds where each policy stands, because Cedar's errors carry
no place, and walks the syntax tree that Cedar makes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import cedarpy
import orjson

from ostiary.policy.resources import Uid
from ostiary.policy.vocabulary import NAMESPACE

_TOKEN = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|\d+|::|[=!<>]=|&&|\|\||\S|\s+', re.DOTALL)
"""Cedar's lexical grammar as far as finding the end of a policy needs it: comments, strings, words, the rest."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The text of one policy and the place of its first word."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A policy that Cedar cannot read."""

    file: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Scope:
    """One of the three places of a policy's head. `entities` empty with `type` empty: anything."""

    type: str = ""
    entities: tuple[Uid, ...] = ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """One policy as Cedar read it.

    `context_paths` and `entity_paths` are what its conditions read of the context, and of principal and resource;
    `loose_attributes` the names they read from anything else (the result of an ``if``), and `literal_access` whether
    that is ever an entity written out in the policy. `content` is what it means, without comments and layout.
    """

    excerpt: Excerpt
    effect: str
    annotations: Mapping[str, str]
    principal: Scope
    action: Scope
    resource: Scope
    conditional: bool
    mentions: frozenset[Uid]
    context_paths: frozenset[tuple[str, ...]]
    entity_paths: frozenset[tuple[str, ...]]
    loose_attributes: frozenset[str]
    literal_access: bool
    content: bytes = field(repr=False)


def cut(file: str, text: str) -> Iterator[Excerpt]:
    """The policies of a file, each up to its semicolon; what follows the last one counts as a policy too."""
    start: int | None = None
    for token in _TOKEN.finditer(text):
        word = token.group()
        if start is None and not word.isspace() and not word.startswith("//"):
            start = token.start()
        if word == ";" and start is not None:
            yield _excerpt(file, text, start, token.end())
            start = None
    if start is not None:
        yield _excerpt(file, text, start, len(text))


def _excerpt(file: str, text: str, start: int, end: int) -> Excerpt:
    return Excerpt(file, text.count("\n", 0, start) + 1, text[start:end])


def parse(excerpt: Excerpt) -> Parsed | Broken:
    """Read one policy."""
    try:
        document = orjson.loads(cedarpy.policies_to_json_str(excerpt.text))
    except ValueError as error:
        return _broken(excerpt, str(error))
    if document["templates"]:
        return Broken(excerpt.file, excerpt.line, "a template is never evaluated: write the principal or resource out")
    (policy,) = document["staticPolicies"].values()
    return _parsed(excerpt, policy)


def _broken(excerpt: Excerpt, message: str) -> Broken:
    """Find the place of a mistake.

    Cedar's parser reads from left to right, so it is at the end of the shortest prefix that has any other fault than
    being cut off.
    """
    for token in _TOKEN.finditer(excerpt.text):
        try:
            cedarpy.PolicySet.from_str(excerpt.text[: token.end()])
        except ValueError as error:
            if "unexpected end of input" in str(error):
                continue
            line = excerpt.line + excerpt.text.count("\n", 0, token.start())
            return Broken(excerpt.file, line, str(error))
    if "unexpected end of input" in message:
        message = "the policy is cut off: a parenthesis, a brace, a quote or the closing ; is missing"
    return Broken(excerpt.file, excerpt.line, message)


def line_of(excerpt: Excerpt, word: str) -> int:
    """The line where a policy first says `word`; its first line when it does not say it as one word."""
    found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", excerpt.text)
    return excerpt.line + excerpt.text.count("\n", 0, found.start()) if found else excerpt.line


def _parsed(excerpt: Excerpt, policy: dict[str, Any]) -> Parsed:
    walk = _Walk()
    for condition in policy["conditions"]:
        walk.visit(condition["body"])
    scopes = [_scope(policy[part]) for part in ("principal", "action", "resource")]
    for scope in scopes:
        walk.mentions.update(scope.entities)
    content = {key: value for key, value in policy.items() if value}
    return Parsed(
        excerpt=excerpt,
        effect=policy["effect"],
        annotations={name: value or "" for name, value in policy.get("annotations", {}).items()},
        principal=scopes[0],
        action=scopes[1],
        resource=scopes[2],
        conditional=bool(policy["conditions"]),
        mentions=frozenset(walk.mentions),
        context_paths=frozenset(walk.context),
        entity_paths=frozenset(walk.entities),
        loose_attributes=frozenset(walk.loose),
        literal_access=walk.literal_access,
        content=orjson.dumps(content, option=orjson.OPT_SORT_KEYS),
    )


def _scope(part: dict[str, Any]) -> Scope:
    within = part.get("in", part)
    listed = within.get("entities") or ([within["entity"]] if "entity" in within else [])
    return Scope(_bare(part.get("entity_type", "")), tuple(_uid(one) for one in listed))


def _uid(entity: dict[str, str]) -> Uid:
    return Uid(_bare(entity["type"]), entity["id"])


def _bare(entity_type: str) -> str:
    return entity_type.removeprefix(f"{NAMESPACE}::")


class _Walk:
    """Collects what the conditions of one policy read and mention."""

    def __init__(self) -> None:
        self.mentions: set[Uid] = set()
        self.context: set[tuple[str, ...]] = set()
        self.entities: set[tuple[str, ...]] = set()
        self.loose: set[str] = set()
        self.literal_access = False

    def visit(self, node: object) -> None:
        if isinstance(node, list):
            for one in node:
                self.visit(one)
        elif isinstance(node, dict):
            self._visit_expression(node)

    def _visit_expression(self, node: dict[str, Any]) -> None:
        path = _path(node)
        if path is not None:
            self._read(path)
            return
        for key, value in node.items():
            if key == "__entity":
                self.mentions.add(_uid(value))
                continue
            if key in (".", "has"):
                self.loose.add(value["attr"])
                self.literal_access |= "Value" in value["left"]
            self.visit(value)

    def _read(self, path: tuple[str, ...]) -> None:
        if path[0] == "context":
            self.context.add(path[1:])
        elif len(path) > 1:
            self.entities.add(path[1:])


def _path(node: dict[str, Any]) -> tuple[str, ...] | None:
    """``("context", "proved", "ticket")`` for what reads that or asks whether it is there; None for all else."""
    if "Var" in node:
        return (node["Var"],)
    step = node.get(".") or node.get("has")
    if step is None:
        return None
    before = _path(step["left"])
    return None if before is None else (*before, step["attr"])
