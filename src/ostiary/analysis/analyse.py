"""A parsed text → what each of its statements would do. Pure: catalog and search_path come in as arguments."""

import hashlib
from collections.abc import Mapping
from typing import Any

from ostiary.analysis import administration, definitions, expressions, queries, routines, sessions, writes
from ostiary.analysis.catalog import Catalog
from ostiary.analysis.comments import pairs
from ostiary.analysis.parse import Parsed, too_deep
from ostiary.analysis.scope import NO_CTES, Scope
from ostiary.analysis.shape import shape_of, tokens
from ostiary.analysis.tags import tag_of
from ostiary.analysis.walk import NodeReader, Walk
from ostiary.model.analysis import Analysis, StatementAnalysis

NODES: Mapping[str, NodeReader] = {
    **expressions.NODES,
    **queries.NODES,
    **writes.NODES,
    **definitions.NODES,
    **administration.NODES,
    **sessions.NODES,
    **routines.NODES,
}
"""Every node of the grammar that is understood, with what reads it."""


def analyse(parsed: Parsed, catalog: Catalog, search_path: tuple[str, ...]) -> Analysis:
    """Say what a text would do in a session with this catalog and effective search_path (current_schemas(true))."""
    scanned = tokens(parsed.text)
    shape = shape_of(parsed.text, scanned)
    try:
        statements = tuple(
            _statement(parsed.text, raw, catalog, search_path) for raw in parsed.tree.get("stmts", ()) if "stmt" in raw
        )
    except RecursionError:
        raise too_deep() from None
    return Analysis(
        statements=statements,
        shape=shape.decode(),
        fingerprint=hashlib.sha256(shape).hexdigest(),
        comments=pairs(parsed.text, scanned),
    )


def _statement(text: bytes, raw: dict[str, Any], catalog: Catalog, search_path: tuple[str, ...]) -> StatementAnalysis:
    start, end = _span(text, raw)
    ((node, body),) = raw["stmt"].items()
    walk = Walk(text, catalog, search_path, NODES)
    walk.push(raw["stmt"], Scope(None, NO_CTES))
    try:
        walk.run()
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # A tree of another form than the grammar of this release has: whatever it does, it is not understood.
        walk.incomplete(f"{node} has a form that is not understood ({type(error).__name__})")
    walk.own_casts()
    return StatementAnalysis(
        node=node,
        tag=tag_of(node, body),
        start=start,
        end=end,
        accesses=walk.result(),
        functions=tuple(walk.functions),
        references=tuple(walk.references[key] for key in sorted(walk.references)),
        incomplete=tuple(walk.reasons),
        has_predicate=all(walk.predicates) if walk.predicates else None,
        transaction=walk.transaction,
        copy=walk.copy,
        settings=tuple(walk.settings),
        changes_catalog=walk.changes_catalog,
        changes_session=walk.changes_session,
        prepares=walk.prepares,
        executes=walk.executes,
        deallocates=walk.deallocates,
        fetches=walk.fetches,
        data_changes=walk.data_changes,
    )


def _span(text: bytes, raw: dict[str, Any]) -> tuple[int, int]:
    start: int = raw.get("stmt_location", 0)
    length: int = raw.get("stmt_len", 0)
    stop = start + length if length else len(text)
    lead = len(text[start:stop]) - len(text[start:stop].lstrip())
    return start + lead, start + len(text[start:stop].rstrip())
