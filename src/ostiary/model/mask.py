"""Masks, data classes, and what a given principal may not see in clear."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ostiary.model.names import ClassName, RelationName


class MaskKind(StrEnum):
    """The masks, by the words of classes.toml."""

    NULL = "null"
    CONSTANT = "constant"
    PARTIAL = "partial"
    REDACT_TEXT = "redact-text"
    BUCKET = "bucket"
    PSEUDONYM = "pseudonym"
    DENY = "deny"


class Unclassified(StrEnum):
    """What somebody sees of columns that nobody has classified."""

    DENY = "deny"
    NULL = "null"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Mask:
    """One mask with its parameters; those that a kind does not know are refused when the file is read."""

    kind: MaskKind
    value: str | None = None
    keep_first: int = 0
    keep_last: int = 0
    character: str = "*"
    width: int | None = None
    domain: str | None = None


UNCLASSIFIED = ClassName("unclassified")
NONE = ClassName("none")
"""The class of a column that was reviewed and found not sensitive."""


@dataclass(frozen=True, slots=True)
class ClassMap:
    """The reviewed classification of one datasource. `version` is a digest of its content."""

    version: str
    columns: Mapping[RelationName, Mapping[str, ClassName]]
    masks: Mapping[ClassName, Mask]
    unclassified: Unclassified = Unclassified.DENY

    def class_of(self, relation: RelationName, column: str) -> ClassName:
        """The class of a column; `UNCLASSIFIED` when nobody has said."""
        return self.columns.get(relation, {}).get(column, UNCLASSIFIED)


@dataclass(frozen=True, slots=True)
class MaskPlan:
    """Which columns a principal must see masked, in every relation that it may reach.

    `relations` maps a relation to {column: mask}; a relation that is absent has no masked column. `digest` names the
    plan: equal digests mean equal plans. An empty plan means the principal is not masked at all.
    """

    relations: Mapping[RelationName, Mapping[str, Mask]] = field(default_factory=dict)
    digest: str = ""

    def __bool__(self) -> bool:
        return bool(self.relations)
