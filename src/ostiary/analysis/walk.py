"""One statement on its way to a StatementAnalysis: the walk over its tree and everything found so far.

Nothing is passed over in silence: a node that no table knows makes the analysis incomplete.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ostiary.analysis.catalog import Catalog, Relation
from ostiary.analysis.functions import changes_session, is_plain
from ostiary.analysis.parse import too_many
from ostiary.analysis.scope import Item, Node, Scope
from ostiary.analysis.versions import newer_than
from ostiary.model.analysis import (
    Access,
    Action,
    CopyRoute,
    RelationReference,
    SettingChange,
    TransactionEffect,
)
from ostiary.model.names import FunctionName, RelationName

UNKNOWN_RELATION = "unknown relation: "
UNKNOWN_FUNCTION = "unknown function: "

MAXIMUM_STEPS = 1_000_000
"""Names looked up times levels looked through: about half a second. A statement of 1 kB needs some tens."""

_Key = tuple[Action, RelationName | None, FunctionName | None, str | None]


class Walk:
    """The findings of one statement and the work still to do. Every method only ever adds."""

    def __init__(
        self, text: bytes, catalog: Catalog, search_path: tuple[str, ...], nodes: "Mapping[str, NodeReader]"
    ) -> None:
        self.text = text
        self.catalog = catalog
        self.search_path = search_path if "pg_catalog" in search_path else ("pg_catalog", *search_path)
        self.nodes = nodes
        self.too_new = newer_than(catalog.server_version)
        self.steps = 0
        self.todo: list[tuple[object, Scope]] = []
        self.accesses: dict[_Key, set[str] | None] = {}
        self.functions: dict[FunctionName, None] = {}
        self.references: dict[tuple[int, RelationName], RelationReference] = {}
        self.reasons: dict[str, None] = {}
        self.settings: list[SettingChange] = []
        self.predicates: list[bool] = []
        self.transaction = TransactionEffect.NONE
        self.copy = CopyRoute.NONE
        self.changes_catalog = False
        self.changes_session = False
        self.prepares: str | None = None
        self.executes: str | None = None
        self.deallocates: str | None = None
        self.fetches: str | None = None
        self.data_changes = 0

    # The walk.

    def push(self, node: object, scope: Scope) -> None:
        """Look at a node, or a list of them, later, in this scope."""
        if node:
            self.todo.append((node, scope))

    def run(self) -> None:
        """Read until nothing is left. A list of work instead of recursion: depth of input is not depth of stack."""
        todo, nodes, too_new = self.todo, self.nodes, self.too_new
        while todo:
            node, scope = todo.pop()
            if type(node) is list:
                todo.extend([(one, scope) for one in reversed(node)])
                continue
            if type(node) is not dict:
                continue
            for key, value in node.items():
                # Only nodes and lists of them; numbers, words and flags are for the readers that ask for them.
                if type(value) is not dict and type(value) is not list:
                    continue
                reader = nodes.get(key)
                if reader is transparent:
                    todo.append((value, scope))
                elif reader is not None:
                    reader(self, value, scope)
                elif key[0].isupper():
                    self.incomplete(f"{key} is not understood")
                else:
                    todo.append((value, scope))
                if key in too_new:
                    self.newer(too_new[key])

    # What is found.

    def incomplete(self, reason: str) -> None:
        """Something was not understood."""
        self.reasons[reason] = None

    def newer(self, feature: str) -> None:
        """Something that the server's grammar does not have, so that the server may understand it otherwise."""
        self.incomplete(f"newer than the server: {feature}")

    def access(
        self,
        action: Action,
        relation: RelationName | None = None,
        *,
        columns: Iterable[str] | None = None,
        function: FunctionName | None = None,
        schema: str | None = None,
    ) -> None:
        """An action is needed, on these columns; None: on all of them."""
        key = (action, relation, function, schema)
        if columns is None:
            self.accesses[key] = None
            return
        known = self.accesses.setdefault(key, set())
        if known is not None:
            known.update(columns)

    def reads_all(self, item: Item) -> None:
        """The whole row is read."""
        for relation in item.relations:
            self.access(Action.READ, relation.name)

    def spend(self, steps: int = 1) -> None:
        """Take note of work that can grow faster than the text does."""
        self.steps += steps
        if self.steps > MAXIMUM_STEPS:
            raise too_many()

    def calls(self, names: tuple[str, ...], *, known: bool = False) -> bool:
        """A function is called by this name: every function that the name can mean counts.

        With `known`, a name without any function is not a reason to be incomplete.
        """
        schema = names[-2] if len(names) > 1 else None
        if schema == "pg_temp":
            schema = self.catalog.temporary_schema or schema
        found = {function.name for function in self.catalog.overloads(names[-1], schema, self.search_path)}
        for name in sorted(found):
            self.calls_exactly(name)
        if not found and not known:
            self.incomplete(UNKNOWN_FUNCTION + ".".join(names))
        return bool(found)

    def is_function(self, name: str) -> bool:
        """Whether an unqualified name is a function at all."""
        functions = self.catalog.functions
        return any((schema, name) in functions for schema in self.search_path)

    def calls_exactly(self, name: FunctionName) -> None:
        """Exactly one function, operator or cast is run."""
        if name in self.functions:
            return
        self.functions[name] = None
        if is_plain(name, self.catalog):
            return
        self.access(Action.CALL, function=name)
        if changes_session(name):
            self.changes_session = True
        if any(one.volatility == "v" for one in self.catalog.functions.get(name, ())) and name.schema != "pg_catalog":
            # Code we do not read can hold DDL, unless its volatility forbids it (section 36.7).
            self.changes_catalog = True

    def operates(self, names: tuple[str, ...]) -> None:
        """An operator is used by this name. Only those matter that somebody wrote here, see `Catalog.own_operators`."""
        if names[-1] in self.catalog.own_operators and (len(names) == 1 or names[-2] != "pg_catalog"):
            self.calls_exactly(FunctionName("?operator", names[-1]))

    def casts(self, names: tuple[str, ...], kind: str = "cast") -> None:
        """A value becomes this type: input functions, casts and domain checks of types outside pg_catalog may run.

        A literal (`kind` is "input") goes through the type's input function and no cast (section 4.1.2.7).
        """
        types = self.catalog.user_types
        if not types:
            return
        for schema in (names[-2],) if len(names) > 1 else self.search_path:
            if schema == "pg_temp":
                schema = self.catalog.temporary_schema or schema
            if (schema, names[-1]) in types:
                self.calls_exactly(FunctionName(schema, f"{kind}:{names[-1]}"))

    def own_casts(self) -> None:
        """Where somebody made casts, a value of a type from outside pg_catalog may go through one unseen."""
        types = self.catalog.user_types
        if not self.catalog.own_casts or not types:
            return
        for _, name, _, _ in list(self.accesses):
            relation = None if name is None else self.catalog.relations.get(name)
            for column in () if relation is None else relation.columns:
                # The type of an array is named after its element's (pg_type.h, makeArrayTypeName).
                for type_name in (column.type_name, column.type_name.removeprefix("_")):
                    if (column.type_schema, type_name) in types:
                        self.calls_exactly(FunctionName(column.type_schema, f"cast:{type_name}"))

    # Names of relations.

    def find(self, node: Node) -> Relation | None:
        """The relation that a RangeVar names. The database part of a three-part name can only be the current one."""
        return self.catalog.relation(node.get("relname", ""), node.get("schemaname"), self.search_path)

    def known(self, node: Node) -> Relation | None:
        """The same; not finding it makes the analysis incomplete."""
        relation = self.find(node)
        if relation is None:
            parts = [node[part] for part in ("schemaname", "relname") if part in node]
            self.incomplete(f"{UNKNOWN_RELATION}{'.'.join(parts)} does not exist or is not visible")
        return relation

    def refers(self, node: Node, relation: Relation, *, sampled: bool = False) -> None:
        """A relation is read as a FROM item at this place."""
        location = node.get("location", 0)
        self.access(Action.READ, relation.name, columns=())
        self.references[location, relation.name] = RelationReference(
            location=location,
            relation=relation.name,
            alias=node.get("alias", {}).get("aliasname"),
            only=not node.get("inh", False),
            sampled=sampled,
        )

    def result(self) -> tuple[Access, ...]:
        """The accesses, each thing once, in the order in which they were found."""
        return tuple(
            Access(action, relation, None if columns is None else tuple(sorted(columns)), function, schema)
            for (action, relation, function, schema), columns in self.accesses.items()
        )


NodeReader = Callable[[Walk, Any, Scope], None]
"""Reads the body of one kind of node."""


def transparent(walk: Walk, body: object, scope: Scope) -> None:
    """A node that does nothing itself: look at what is in it."""
    walk.push(body, scope)


def inert(walk: Walk, body: object, scope: Scope) -> None:
    """A node with nothing in it that could do anything."""
