"""Which relations of the catalog a statement reads and writes: only what two independent readings agree on."""

from collections.abc import Mapping

from ostiary.analysis.catalog import Catalog, Relation
from ostiary.masking.refusals import NotProvenSafe
from ostiary.masking.scope import Reading, scope_of
from ostiary.masking.tree import Node, location_of
from ostiary.model.analysis import StatementAnalysis
from ostiary.model.names import RelationName


def relations_read(statement: Node, understood: StatementAnalysis, catalog: Catalog) -> list[tuple[Reading, Relation]]:
    """What a statement reads, when both readings of it agree."""
    known: Mapping[int, RelationName] = {one.location: one.relation for one in understood.references}
    found: list[tuple[Reading, Relation]] = []
    for reading in scope_of(statement).readings:
        name = known.get(reading.location)
        relation = None if name is None else catalog.relations.get(name)
        if relation is None or relation.name.name != reading.body["relname"]:
            raise NotProvenSafe(f"relation {reading.body['relname']} is not known to the gate")
        if "catalogname" in reading.body:
            raise NotProvenSafe("a relation's name with its database's name is not rewritten")
        found.append((reading, relation))
    if set(known) - {reading.location for reading, _ in found} - {_target_location(statement)}:
        raise NotProvenSafe("two readings of the statement differ in what it reads")
    return found


def _target_location(statement: Node) -> int:
    target = scope_of(statement).target
    return -1 if target is None else location_of(target)


def target_relation(statement: Node, understood: StatementAnalysis, catalog: Catalog) -> Relation | None:
    """The relation that a statement writes, or that COPY names; None when there is no such thing."""
    target = scope_of(statement).target
    if target is None:
        return None
    candidates = {
        access.relation
        for access in understood.accesses
        if access.relation is not None
        and access.relation.name == target["relname"]
        and target.get("schemaname", access.relation.schema) == access.relation.schema
    }
    found = [catalog.relations[name] for name in candidates if name in catalog.relations]
    if len(found) != 1 or "catalogname" in target:
        raise NotProvenSafe(f"relation {target['relname']} is not known to the gate")
    return found[0]
