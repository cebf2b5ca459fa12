"""Names of things in a database, and the distinct id types, so that none is taken for another."""

from typing import NamedTuple, NewType

SessionId = NewType("SessionId", str)
"""128 random bits in hex, made when a client is admitted."""

Ticket = NewType("Ticket", int)
"""Counts what one session asked its runner for, so that an answer finds its question."""

Oid = NewType("Oid", int)
PolicyId = NewType("PolicyId", str)
ClassName = NewType("ClassName", str)
"""A data class such as ``pii.email``; the part before the dot is its parent class."""


class RelationName(NamedTuple):
    """A table, view, materialised view, foreign table or sequence, as the catalog spells it (no quotes)."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class FunctionName(NamedTuple):
    """A function, procedure, aggregate or operator's name, all overloads together."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"
