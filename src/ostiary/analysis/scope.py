"""What names mean at a place in a statement: FROM items, their columns, and common table expressions.

A column that could belong to several relations is counted for each of them: too much is safe, too little is a hole.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ostiary.analysis.catalog import Relation

Node = dict[str, Any]

# Every table has them (section 5.6); they hold no data of a column.
SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"})


class Item:
    """One FROM item: a relation, or something opaque (subquery, function, CTE), or a join that has its own alias.

    `alias` is the name that may qualify its columns, None when a join's alias hides it. `renamed` is True when an
    alias list gives the columns other names. `query` is the node that makes an opaque item's rows, when there is one.
    """

    __slots__ = ("alias", "members", "query", "relation", "renamed", "schema")

    def __init__(
        self,
        alias: str | None,
        *,
        relation: Relation | None = None,
        schema: str | None = None,
        renamed: bool = False,
        members: "tuple[Item, ...]" = (),
        query: Node | None = None,
    ) -> None:
        self.alias = alias
        self.relation = relation
        self.schema = schema
        self.renamed = renamed
        self.members = members
        self.query = query

    def relations(self) -> "Iterator[Item]":
        """The relation items in it: itself or its members'."""
        if self.relation is not None:
            yield self
        for member in self.members:
            yield from member.relations()


Ctes = Mapping[str, Node]
"""Names of visible common table expressions → their nodes."""

NO_CTES: Ctes = {}


class Scope:
    """One query level. `parent` is the next outer level that its expressions may refer to.

    `query` is the SELECT whose level it is: GROUP BY and ORDER BY may use the names of its select list.
    `defining` marks expressions of a definition, whose columns belong to the thing defined.
    """

    __slots__ = ("ctes", "defining", "items", "parent", "query")

    def __init__(
        self,
        parent: "Scope | None",
        ctes: Ctes,
        items: list[Item] | None = None,
        *,
        defining: bool = False,
    ) -> None:
        self.parent = parent
        self.ctes = ctes
        self.items: list[Item] = [] if items is None else items
        self.query: Node | None = None
        self.defining = defining

    def so_far(self) -> "Scope":
        """What LATERAL and the arguments of functions in FROM see: the items to the left (section 7.2.1.5).

        A copy, because the alias of a join hides later what is visible now.
        """
        return Scope(self.parent, self.ctes, list(self.items), defining=self.defining)

    def beside(self) -> "Scope":
        """What a subquery in FROM sees without LATERAL: the outer levels and the CTEs, none of the items."""
        return Scope(self.parent, self.ctes)

    def levels(self) -> "Iterator[Scope]":
        """The level itself and the outer ones."""
        level: Scope | None = self
        while level is not None:
            yield level
            level = level.parent


def text_of(node: Node) -> str | None:
    """The text of a String node, None for anything else (``*``, a subscript)."""
    string = node.get("String")
    return None if string is None else string.get("sval", "")


def names_of(nodes: list[Node]) -> tuple[str, ...]:
    """The parts of a possibly qualified name."""
    return tuple(node["String"].get("sval", "") for node in nodes)
