"""A loaded set of policies: an immutable value named by its content.

One rule: a set exists only if every policy in it is valid, so whoever holds one need not ask again.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import cedarpy

from ostiary.model.names import PolicyId
from ostiary.policy.context import TIMES, Context, Reader
from ostiary.policy.resources import Uid


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. `text` is what its author wrote; `max_rows` and `hint` are its annotations."""

    id: PolicyId
    effect: str
    file: str
    line: int
    text: str
    max_rows: int | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class PolicySet:
    """All policies of a gate. `version` is a digest of what they mean: comments and layout do not change it.

    `attributes_read` holds the dotted paths of the context that any policy reads; an answer depends on no other part
    of the context. `mentions` holds every entity that a policy names.
    """

    version: str
    policies: tuple[Policy, ...]
    attributes_read: frozenset[str]
    mentions: frozenset[Uid]
    parsed: cedarpy.PolicySet = field(repr=False, compare=False)
    reader: Reader | None = field(repr=False, compare=False)
    schema: cedarpy.Schema = field(repr=False, compare=False)
    by_reason: Mapping[str, Policy] = field(repr=False, compare=False)
    """From the names that Cedar gives the policies of a text, in order (``policy0``), to the policies."""

    @property
    def reads_time(self) -> bool:
        """Whether an answer may change with nothing but the time."""
        return not self.attributes_read.isdisjoint(TIMES)

    def moment(self, now: int) -> Hashable:
        """As much of the time as the policies read: while this stays the same, so do all answers."""
        context = Context(now)
        return tuple(getattr(context, name) for name in sorted(self.attributes_read & TIMES))

    def policy(self, id: PolicyId) -> Policy | None:  # noqa: A002
        """The policy with that @id, or None."""
        return next((policy for policy in self.policies if policy.id == id), None)
