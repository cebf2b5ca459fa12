"""From policy files to a set of policies, or to the reason why not.

One rule: all or nothing. A folder with one bad policy loads nothing, and the gate keeps the set it has.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

import cedarpy

from ostiary.model.errors import PolicyInvalid
from ostiary.model.names import PolicyId
from ostiary.policy import lint
from ostiary.policy.context import ATTRIBUTES, reader
from ostiary.policy.document import Policy, PolicySet
from ostiary.policy.lint import Finding
from ostiary.policy.syntax import Broken, Parsed, cut, parse

SUFFIX = ".cedar"

LARGEST_FILE = 1 << 20
"""Bytes. A policy file is written by people; one that is larger is something else."""


def read_folder(path: Path) -> dict[str, str]:
    """The policy files of a folder and its subfolders, by their names relative to it.

    Hidden files and folders are not read: editors leave theirs there, and a mounted Kubernetes ConfigMap keeps a
    second copy of everything in ``..data``.
    """
    if not path.is_dir():
        raise PolicyInvalid("there is no such folder", file=str(path), hint="write one with `ostiary init`")
    texts: dict[str, str] = {}
    for file in sorted(path.rglob(f"*{SUFFIX}")):
        name = file.relative_to(path)
        if any(part.startswith(".") for part in name.parts):
            continue
        try:
            if file.stat().st_size > LARGEST_FILE:
                raise PolicyInvalid(f"is larger than {LARGEST_FILE} bytes", file=str(file))
            texts[name.as_posix()] = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyInvalid(f"cannot be read: {error}", file=str(file)) from error
    return texts


def starter() -> dict[str, str]:
    """The policies that a new gate begins with, by file name."""
    folder = files("ostiary.policy") / "starter"
    return {one.name: one.read_text("utf-8") for one in folder.iterdir() if one.name.endswith(SUFFIX)}


@cache
def schema_text() -> str:
    """The schema of the policy language."""
    return (files("ostiary.policy") / "ostiary.cedarschema").read_text("utf-8")


@cache
def schema() -> cedarpy.Schema:
    """The schema, parsed once."""
    return cedarpy.Schema.from_str(schema_text())


def examine(texts: Mapping[str, str]) -> tuple[Finding, ...]:
    """Everything wrong with these files: errors first, then warnings."""
    policies = _read(texts)
    found = _errors(policies)
    sound = [policy for policy in policies if isinstance(policy, Parsed)]
    return (*found, *lint.warnings(sound)) if policies or not found else found


def load(texts: Mapping[str, str]) -> PolicySet:
    """The policies of these files (name to text). Raises `PolicyInvalid` for the first thing that is wrong."""
    policies = _read(texts)
    found = _errors(policies)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise PolicyInvalid(
            found[0].message + more, file=found[0].file, line=found[0].line, hint="`ostiary policy check` lists all"
        )
    return _assemble([policy for policy in policies if isinstance(policy, Parsed)])


def _read(texts: Mapping[str, str]) -> list[Parsed | Broken]:
    return [parse(excerpt) for file, text in sorted(texts.items()) for excerpt in cut(file, text)]


def _errors(policies: list[Parsed | Broken]) -> tuple[Finding, ...]:
    readable = [policy for policy in policies if isinstance(policy, Parsed)]
    return (*lint.errors(policies), *lint.validator_errors(readable, schema()))


def _assemble(policies: list[Parsed]) -> PolicySet:
    # By @id, so that moving a policy to another file changes neither the version nor the order of answers.
    policies = sorted(policies, key=lambda policy: policy.annotations["id"])
    digest = hashlib.sha256(schema_text().encode())
    for policy in policies:
        digest.update(b"\n" + policy.content)
    made = tuple(_policy(policy) for policy in policies)
    read = _attributes_read(policies)
    return PolicySet(
        version=digest.hexdigest()[:32],
        policies=made,
        attributes_read=read,
        mentions=frozenset(uid for policy in policies for uid in policy.mentions),
        parsed=cedarpy.PolicySet.from_str("\n".join(policy.excerpt.text for policy in policies)),
        reader=reader(read),
        schema=schema(),
        by_reason={f"policy{number}": policy for number, policy in enumerate(made)},
    )


def _attributes_read(policies: list[Parsed]) -> frozenset[str]:
    paths = {path for policy in policies for path in policy.context_paths}
    # A policy that takes the context as a whole reads all of it.
    return ATTRIBUTES if () in paths else frozenset(".".join(path) for path in paths)


def _policy(policy: Parsed) -> Policy:
    bound = policy.annotations.get("max_rows")
    return Policy(
        id=PolicyId(policy.annotations["id"]),
        effect=policy.effect,
        file=policy.excerpt.file,
        line=policy.excerpt.line,
        text=policy.excerpt.text,
        max_rows=None if bound is None else int(bound),
        hint=policy.annotations.get("hint", ""),
    )
