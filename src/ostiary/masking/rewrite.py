"""Every reference to a relation with masked columns becomes its masked projection, in place.

The text is spliced where the parser says a name stands, parsed again, and compared with the tree that the splices were
meant to make. Whatever else it became is refused, so that a mistake here never reaches the server.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from ostiary.analysis.abstraction import Splice
from ostiary.analysis.catalog import Catalog, Relation
from ostiary.analysis.parse import Parsed, SqlNotUnderstood, parse
from ostiary.masking.grouping import Dependence, dependences
from ostiary.masking.mention import Watched, mentioned
from ostiary.masking.projection import SYSTEM_COLUMNS, Projection, projection, tree_of
from ostiary.masking.quoting import identifier
from ostiary.masking.refusals import ColumnDenied, NotProvenSafe
from ostiary.masking.resolving import resolved
from ostiary.masking.scope import Reading
from ostiary.masking.splice import Edit, TokenView, spliced
from ostiary.masking.tree import Node, column_path, location_of, same, strings, walk
from ostiary.model.analysis import Analysis, StatementAnalysis
from ostiary.model.mask import MaskKind, MaskPlan
from ostiary.model.names import FunctionName

_SAMPLING = frozenset({"bernoulli", "system"})


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The text to send instead. `masked_columns` are ``schema.table.column (mask)``, those that the text may touch.

    `splices` are what turned the old text into the new one.
    """

    text: bytes
    masked_columns: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    splices: tuple[Splice, ...] = ()


@dataclass(slots=True)
class _Work:
    """One text being rewritten: `tree` is our own copy, changed as the edits will change the text."""

    catalog: Catalog
    plan: MaskPlan
    view: TokenView
    tree: Node
    edits: list[Edit] = field(default_factory=list)
    masked: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)

    def note(self, relation: Relation, shown: Projection, columns: frozenset[str]) -> None:
        """Remember which masked columns the text touches."""
        for name, kind in shown.kinds.items():
            if name in columns:
                self.masked[f"{relation.name}.{name} ({kind})"] = None
        for warning in shown.warnings:
            self.warnings[warning] = None


def rewrite(parsed: Parsed, analysis: Analysis, catalog: Catalog, plan: MaskPlan) -> Rewritten:
    """Mask every reading of a text.

    Raises:
        NotProvenSafe: something cannot be rewritten, or the result is not what was meant.
        ColumnDenied: a column is touched that the plan denies.
    """
    try:
        copy: Node = orjson.loads(orjson.dumps(parsed.tree))
    except orjson.JSONEncodeError as error:  # it reads 1,024 levels and writes 254
        raise NotProvenSafe("it is nested too deeply") from error
    work = _Work(catalog, plan, TokenView(parsed.text), copy)
    for raw, understood in zip(copy["stmts"], analysis.statements, strict=True):
        _statement(work, raw, understood)
    text = spliced(parsed.text, work.edits)
    try:
        became = parse(text)
    except SqlNotUnderstood as error:
        raise NotProvenSafe(f"masking would make the statement invalid: {error.message}") from error
    if not same(became.tree.get("stmts"), copy["stmts"]):
        raise NotProvenSafe("masking would change the meaning of another part of the statement")
    splices = tuple((edit.start, edit.end, edit.text.encode()) for edit in work.edits)
    return Rewritten(text, tuple(work.masked), tuple(work.warnings), splices)


def _statement(work: _Work, raw: Node, understood: StatementAnalysis) -> None:
    statement: Node = raw["stmt"]
    found = resolved(statement, understood, work.catalog)
    read, target, place = found.read, found.target, found.place
    _pin_functions(work, statement)
    # The checks look at the statement as it was sent, so all of them come before the first change of its tree.
    masked = [(reading, relation) for reading, relation in read if relation.name in work.plan.relations]
    system = {one.location: _system_columns(statement, one, relation) for one, relation in masked}
    touched = {one.location: mentioned(statement, _watched(work, one, relation)) for one, relation in masked}
    groupings = [each for one, relation in masked for each in dependences(statement, one, relation)]
    ranges = Counter(_range_names(statement, place))
    for reading, relation in masked:
        _refuse_denied(work, relation, touched[reading.location])
        _shorten_columns(work, statement, ranges, reading, relation)
    for reading, relation in read:
        if relation.name in work.plan.relations:
            at = reading.location
            _mask(work, statement, reading, relation, system[at], touched[at])
        else:
            _qualify(work, reading.body, relation)
    for grouping in groupings:
        _group(work, grouping)
    if target is not None and place is not None:
        _finish_target(work, statement, place, target)


def _watched(work: _Work, reading: Reading, relation: Relation) -> Watched:
    return Watched(
        names=frozenset({reading.alias}),
        location=reading.location,
        watched=frozenset(work.plan.relations.get(relation.name, ())),
        columns=frozenset(column.name for column in relation.columns),
        renamed="colnames" in reading.body.get("alias", {}),
    )


def _refuse_denied(work: _Work, relation: Relation, touched: frozenset[str]) -> None:
    masks = work.plan.relations.get(relation.name, {})
    for name in sorted(touched):
        if masks[name].kind is MaskKind.DENY:
            raise ColumnDenied(
                f"column {name} of {relation.name} may not be read",
                hint="name the columns that you need, each with its table's alias, and leave this one out",
            )


def _qualify(work: _Work, body: Node, relation: Relation) -> None:
    """Say the schema, so that no later search_path gives the name another meaning."""
    if "schemaname" in body:
        return
    work.edits.append(Edit(location_of(body), location_of(body), identifier(relation.name.schema) + "."))
    body["schemaname"] = relation.name.schema


def _pin_functions(work: _Work, statement: Node) -> None:
    """Where a user's function has the same name as a built-in one, say which is meant."""
    schemas = work.catalog.schemas - {"pg_catalog"}
    for node, body in walk(statement):
        if node == "FuncCall":
            names = strings(body["funcname"]) or []
            if len(names) == 1 and any(FunctionName(schema, names[0]) in work.catalog.functions for schema in schemas):
                place = location_of(body)
                work.edits.append(Edit(place, place, "pg_catalog."))
                body["funcname"] = [{"String": {"sval": "pg_catalog"}}, *body["funcname"]]


def _system_columns(statement: Node, reading: Reading, relation: Relation) -> tuple[str, ...]:
    """The system columns that the statement may want of this reading."""
    if relation.kind == "v":
        return ()
    wanted = set()
    for node, body in walk(statement):
        if node == "ColumnRef":
            path, _ = column_path(body)
            if path and path[-1] in SYSTEM_COLUMNS and (len(path) == 1 or path[-2] == reading.alias):
                wanted.add(path[-1])
    if not wanted:
        return ()
    columns = frozenset(one.name for one in relation.columns)
    probe = Watched(frozenset({reading.alias}), reading.location, frozenset({"*"}), columns | wanted)
    if mentioned(statement, probe):
        raise NotProvenSafe(
            f"system columns of {relation.name} together with all of its columns", hint="name the columns that you need"
        )
    return tuple(name for name in SYSTEM_COLUMNS if name in wanted)


def _mask(
    work: _Work,
    statement: Node,
    reading: Reading,
    relation: Relation,
    system: tuple[str, ...],
    touched: frozenset[str],
) -> None:
    body, view = reading.body, work.view
    only = not body.get("inh", False)
    first = view.at(reading.location)
    last = view.name_end(first, 1 + ("schemaname" in body))
    if view.word(last + 1) == "*":
        last += 1
    if only:
        parenthesized = view.word(first - 1) == "("
        first -= 1 + parenthesized
        last += parenthesized
        if view.word(first) != "only":
            raise NotProvenSafe("ONLY is not where it was expected")
    opening = "("
    if view.word(first - 1) == "table":  # TABLE t is SELECT * FROM t, and takes nothing but a name
        first -= 1
        opening = "SELECT * FROM ("
    sample = _sample(work, statement, reading)
    shown = projection(relation, work.catalog, work.plan, only=only, system=system, sample=sample)
    work.note(relation, shown, touched)
    alias = "" if "alias" in body else f" AS {identifier(body['relname'])}"
    work.edits.append(Edit(view.start(first), view.end(last), f"{opening}{shown.text}){alias}"))
    made = {
        "RangeSubselect": {
            "subquery": tree_of(shown.text),
            "alias": body.get("alias", {"aliasname": body["relname"]}),
        }
    }
    _replace(statement, reading.path[:-3] if sample else reading.path[:-1], made)


def _replace(statement: Node, path: tuple[str | int, ...], made: Node) -> None:
    """Put a node where another stood."""
    holder: Any = statement
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = made


def _sample(work: _Work, statement: Node, reading: Reading) -> str:
    """The TABLESAMPLE clause of a reading, taken out of its place; empty when there is none."""
    if len(reading.path) < 3 or reading.path[-3:-1] != ("RangeTableSample", "relation"):
        return ""
    holder: Any = statement
    for step in reading.path[:-2]:
        holder = holder[step]
    if any(node in ("RangeVar", "ColumnRef", "SubLink", "FuncCall") for node, _ in walk(holder.get("args", []))):
        raise NotProvenSafe("TABLESAMPLE of a masked relation takes constants only")
    method = strings(holder["method"]) or [""]
    if method[-1] not in _SAMPLING or len(method) > 1:
        raise NotProvenSafe("TABLESAMPLE of a masked relation knows bernoulli and system only")
    view = work.view
    first = view.at(location_of(holder))
    last = view.closing(first + 1)
    if view.word(last + 1) == "repeatable":
        last = view.closing(last + 2)
    rest = work.view.text[view.end(first) : view.end(last)].decode()
    work.edits.append(Edit(view.start(first - 1), view.end(last), ""))
    return f"TABLESAMPLE pg_catalog.{method[-1]}{rest}"


def _shorten_columns(work: _Work, statement: Node, ranges: Counter[str], reading: Reading, relation: Relation) -> None:
    """``schema.table.column`` names a relation, which a projection no longer is: leave out the schema."""
    for node, body in walk(statement):
        if node != "ColumnRef":
            continue
        path, starred = column_path(body)
        qualifiers = path if starred else path[:-1]
        if len(qualifiers) < 2 or qualifiers[-1] != reading.alias:
            continue
        if len(qualifiers) > 2 or qualifiers[0] != relation.name.schema or "alias" in reading.body:
            raise NotProvenSafe(f"column {'.'.join(path)} cannot be told from others", hint="use the table's alias")
        if ranges[reading.alias] != 1:
            raise NotProvenSafe(
                f"{'.'.join(qualifiers)} has to be told from another {reading.alias}", hint="use aliases"
            )
        view = work.view
        first = view.at(location_of(body))
        second = view.name_end(first, 1) + 2
        work.edits.append(Edit(view.start(first), view.start(second), ""))
        body["fields"] = body["fields"][1:]


def _range_names(statement: Node, target: Node | None) -> list[str]:
    """Every word that may qualify a column somewhere in the statement."""
    found = []
    for node, body in walk(statement):
        alias = body.get("alias")
        if isinstance(alias, dict) and "aliasname" in alias:
            found.append(str(alias["aliasname"]))
        elif node == "RangeVar":
            found.append(str(body["relname"]))
    if target is not None:
        found.append(str(target.get("alias", {}).get("aliasname", target["relname"])))
    return found


def _group(work: _Work, grouping: Dependence) -> None:
    alias = grouping.alias
    added = "".join(f"{identifier(alias)}.{identifier(name)}, " for name in grouping.names)
    work.edits.append(Edit(grouping.location, grouping.location, added))
    grouping.clause[grouping.place : grouping.place] = [
        {"ColumnRef": {"fields": [{"String": {"sval": alias}}, {"String": {"sval": name}}]}} for name in grouping.names
    ]


def _finish_target(work: _Work, statement: Node, body: Node, target: Relation) -> None:
    copy = statement.get("CopyStmt")
    if copy is None or copy.get("is_from") or target.name not in work.plan.relations:
        _qualify(work, body, target)
        return
    masks = work.plan.relations[target.name]
    listed = strings(copy["attlist"]) if "attlist" in copy else None
    names = tuple(listed or (column.name for column in target.columns if not column.generated))
    if any(target.column(name) is None for name in names):
        raise NotProvenSafe(f"COPY names a column that {target.name} does not have")
    _refuse_denied(work, target, frozenset(name for name in names if name in masks))
    view = work.view
    first = view.at(location_of(body))
    last = view.name_end(first, 1 + ("schemaname" in body))
    if view.word(last + 1) == "*":
        last += 1
    if listed is not None:
        last = view.closing(last + 1)
    # COPY of a table leaves out its children, COPY of a partitioned table is refused by the server.
    shown = projection(target, work.catalog, work.plan, only=target.kind == "r", columns=names)
    work.note(target, shown, frozenset(masks))
    work.edits.append(Edit(view.start(first), view.end(last), f"({shown.text})"))
    del copy["relation"]
    copy.pop("attlist", None)
    copy["query"] = tree_of(shown.text)
