"""The words of the policy language as Python knows them; `ostiary.cedarschema` is where they are defined.

One rule: nothing here invents a word. A test holds every table against the schema.
"""

from ostiary.model.analysis import Action
from ostiary.model.identity import PrincipalKind

NAMESPACE = "Ostiary"

PRINCIPALS = {PrincipalKind.HUMAN: "Human", PrincipalKind.AGENT: "Agent", PrincipalKind.WORKLOAD: "Workload"}
"""The entity type of each kind of principal."""

ENTITY_TYPES = frozenset(
    {*PRINCIPALS.values(), "Group", "Gate", "Environment", "Database", "Schema", "Relation", "Column", "Function"}
    | {"Class", "Action"}
)

STATEMENT_ACTIONS = frozenset(
    {Action.READ, Action.INSERT, Action.UPDATE, Action.DELETE, Action.DEFINE, Action.CALL, Action.ADMINISTER}
)

WAIVERS = {
    action: f"{action}_without_approval"
    for action in (Action.INSERT, Action.UPDATE, Action.DELETE, Action.DEFINE, Action.ADMINISTER, Action.CALL)
}
"""What each action that needs an approval is waived by."""

ROW_WAIVERS = frozenset({WAIVERS[Action.INSERT], WAIVERS[Action.UPDATE], WAIVERS[Action.DELETE]})
"""The waivers that @max_rows can bound: the database counts what these change, and the gate can roll it back."""

READ_UNMASKED = "read_unmasked"
UNLIMITED_ROWS = "unlimited_rows"
RUN_UNANALYSED = "run_unanalysed"
GATE_ACTIONS = frozenset({"approve", "grant", "kill", "audit", "configure"})

STATEMENT_QUESTIONS = frozenset({*STATEMENT_ACTIONS, *WAIVERS.values()})
"""Asked with the facts of a statement; every other action is asked without."""

ACTIONS = frozenset(
    {Action.CONNECT, READ_UNMASKED, UNLIMITED_ROWS, RUN_UNANALYSED, *STATEMENT_QUESTIONS, *GATE_ACTIONS}
)

ACTION_GROUPS: dict[str, frozenset[str]] = {
    "statement": frozenset(STATEMENT_ACTIONS),
    "write": frozenset({Action.INSERT, Action.UPDATE, Action.DELETE}),
    "without_approval": frozenset(WAIVERS.values()),
    "write_without_approval": ROW_WAIVERS,
}

ANNOTATIONS = frozenset({"id", "max_rows", "hint"})
"""@id names a policy, @max_rows bounds a waiver, @hint is the next step told to whoever a forbid refuses."""

ENTITY_ATTRIBUTES = frozenset({"name", "issuer", "relation", "schema", "database"})
"""Every attribute that a principal or a resource of some kind has."""


def typed(entity_type: str) -> str:
    """The full name of an entity type."""
    return f"{NAMESPACE}::{entity_type}"
