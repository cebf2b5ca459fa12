"""What names mean at a place in a statement: FROM items, their columns, and common table expressions.

A column that could belong to several relations is counted for each of them: too much is safe, too little is a hole.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ostiary.analysis.catalog import Relation
from ostiary.model.names import RelationName

Node = dict[str, Any]

# Every table has them (section 5.6); they hold no data of a column.
SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"})


class Item:
    """One FROM item.

    `alias` is the name that may qualify its columns, None when a join's alias hides it. `relations` are the relations
    whose columns it shows: one for a table, none for a subquery, function or CTE, those of its members for a join.
    `opaque` says that it may have columns beside theirs; `query` is the node that makes such rows, when there is one.
    `joined` marks the alias of a join: its members stand for themselves beside it.
    """

    __slots__ = ("alias", "joined", "opaque", "query", "relations", "schema")

    def __init__(
        self,
        alias: str | None,
        relations: tuple[Relation, ...] = (),
        *,
        opaque: bool = False,
        schema: str | None = None,
        query: Node | None = None,
        joined: bool = False,
    ) -> None:
        self.alias = alias
        self.relations = relations
        self.opaque = opaque or not relations
        self.schema = schema
        self.query = query
        self.joined = joined


class Names:
    """The items of a level by what refers to them."""

    __slots__ = ("aliases", "columns", "count", "opaque")

    def __init__(self, items: list[Item]) -> None:
        self.count = len(items)
        self.opaque = False
        self.aliases: dict[str, list[Item]] = {}
        self.columns: dict[str, list[Relation]] = {}
        seen: set[RelationName] = set()
        for item in items:
            if item.alias is not None:
                self.aliases.setdefault(item.alias, []).append(item)
            if item.joined:
                continue
            self.opaque = self.opaque or item.opaque
            for relation in item.relations:
                if relation.name not in seen:
                    seen.add(relation.name)
                    for column in relation.columns:
                        self.columns.setdefault(column.name, []).append(relation)


Ctes = Mapping[str, Node]
"""Names of visible common table expressions → their nodes."""

NO_CTES: Ctes = {}


class Scope:
    """One query level. `parent` is the next outer level that its expressions may refer to.

    `query` is the SELECT whose level it is: GROUP BY and ORDER BY may use the names of its select list.
    `defining` marks expressions of a definition, whose columns belong to the thing defined.
    """

    __slots__ = ("_names", "ctes", "defining", "items", "parent", "query")

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
        self._names: Names | None = None

    def names(self) -> Names:
        """The index of the items, made when it is first asked for: by then FROM has been read."""
        if self._names is None or self._names.count != len(self.items):
            self._names = Names(self.items)
        return self._names

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
