"""Which relations of the catalog a statement reads and writes: only what two independent readings agree on."""

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.analysis.catalog import Catalog, Relation
from ostiary.masking.refusals import NotProvenSafe
from ostiary.masking.scope import Reading, scope_of
from ostiary.masking.tree import Node, location_of
from ostiary.model.analysis import StatementAnalysis
from ostiary.model.names import RelationName

Read = list[tuple[Reading, Relation]]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a statement reads, and the relation it writes or copies (as the catalog has it, and as a node), if any."""

    read: Read
    target: Relation | None
    place: Node | None


def resolved(statement: Node, understood: StatementAnalysis, catalog: Catalog) -> Resolved:
    """Find a statement's relations in the catalog.

    Raises:
        NotProvenSafe: a relation is not known, or the analysis and our own reading of the tree disagree.
    """
    scope = scope_of(statement)
    known: Mapping[int, RelationName] = {one.location: one.relation for one in understood.references}
    found: Read = []
    for reading in scope.readings:
        name = known.get(reading.location)
        relation = None if name is None else catalog.relations.get(name)
        if relation is None or relation.name.name != reading.body["relname"]:
            raise NotProvenSafe(f"relation {reading.body['relname']} is not known to the gate")
        if "catalogname" in reading.body:
            raise NotProvenSafe("a relation's name with its database's name is not rewritten")
        found.append((reading, relation))
    unexplained = set(known) - {reading.location for reading in scope.readings}
    if scope.target is None:
        if unexplained:
            raise NotProvenSafe("two readings of the statement differ in what it reads")
        return Resolved(found, None, None)
    if unexplained - {location_of(scope.target)}:
        raise NotProvenSafe("two readings of the statement differ in what it reads")
    return Resolved(found, _target(scope.target, understood, catalog), scope.target)


def _target(place: Node, understood: StatementAnalysis, catalog: Catalog) -> Relation:
    candidates = {
        access.relation
        for access in understood.accesses
        if access.relation is not None
        and access.relation.name == place["relname"]
        and place.get("schemaname", access.relation.schema) == access.relation.schema
    }
    found = [catalog.relations[name] for name in candidates if name in catalog.relations]
    if len(found) != 1 or "catalogname" in place:
        raise NotProvenSafe(f"relation {place['relname']} is not known to the gate")
    return found[0]
