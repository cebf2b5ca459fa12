"""What a text of SQL would do, as far as it is understood.

Safety is never inferred from emptiness: an analysis that did not understand everything says so in `complete`.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

from ostiary.model.names import FunctionName, RelationName


class Action(StrEnum):
    """The actions of the policy vocabulary that a statement can need."""

    CONNECT = "connect"
    READ = "read"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    DEFINE = "define"
    CALL = "call"
    ADMINISTER = "administer"


WRITES = frozenset({Action.INSERT, Action.UPDATE, Action.DELETE})


class TransactionEffect(Enum):
    """What a statement does to the transaction block it stands in."""

    NONE = "none"
    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVEPOINT = "savepoint"
    ROLLBACK_TO = "rollback to savepoint"
    RELEASE = "release savepoint"
    TWO_PHASE = "two-phase commit"


class CopyRoute(Enum):
    """Where the rows of a COPY come from or go to."""

    NONE = "none"
    FROM_CLIENT = "from the client"
    TO_CLIENT = "to the client"
    SERVER_SIDE = "a file or program on the server"


@dataclass(frozen=True, slots=True)
class Access:
    """One action on one thing.

    `relation` is a resolved name; it is None for actions on the database as a whole (ALTER SYSTEM, DO).
    `columns` are the columns that the statement names there; None means all of them, or not known.
    `function` is set for `call`.
    `schema` is set for actions on a schema's contents when no single relation is meant (CREATE TABLE, DROP SCHEMA).
    """

    action: Action
    relation: RelationName | None = None
    columns: tuple[str, ...] | None = None
    function: FunctionName | None = None
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class RelationReference:
    """One place in the text where a relation is read as a FROM item (never a CTE, never the target of a write).

    `location` is the byte offset of the first byte of the (possibly qualified) name. `alias` is None when the
    text gives none. `only` is True for ONLY t. `sampled` is True under TABLESAMPLE.
    """

    location: int
    relation: RelationName
    alias: str | None = None
    only: bool = False
    sampled: bool = False


@dataclass(frozen=True, slots=True)
class SettingChange:
    """SET, SET LOCAL, RESET and their startup-packet forms. `value` None means: back to the default."""

    name: str
    value: str | None
    local: bool = False


@dataclass(frozen=True, slots=True)
class StatementAnalysis:
    """One statement of a text.

    `node` is the grammar's node name (``SelectStmt``), `start`/`end` its byte span in the text (without ``;``).
    `incomplete` holds the reasons why something was not understood; empty means understood.
    `has_predicate` is None where the question makes no sense; False also for ``WHERE true`` and other constants.
    `changes_session` is True when search_path, role, settings, temporary objects or prepared statements may change in
    a way that `settings` does not fully describe; `changes_catalog` when schema objects may.
    `prepares` / `executes` / `deallocates` carry the names of SQL-level PREPARE, EXECUTE, DEALLOCATE ("" = ALL);
    `fetches` is the cursor or portal that FETCH or MOVE runs. `data_changes` counts its INSERTs, UPDATEs, DELETEs and
    MERGEs, those of WITH included.
    """

    node: str
    tag: str
    start: int
    end: int
    accesses: tuple[Access, ...] = ()
    functions: tuple[FunctionName, ...] = ()
    references: tuple[RelationReference, ...] = ()
    incomplete: tuple[str, ...] = ()
    has_predicate: bool | None = None
    transaction: TransactionEffect = TransactionEffect.NONE
    copy: CopyRoute = CopyRoute.NONE
    settings: tuple[SettingChange, ...] = ()
    changes_catalog: bool = False
    changes_session: bool = False
    prepares: str | None = None
    executes: str | None = None
    deallocates: str | None = None
    fetches: str | None = None
    data_changes: int = 0

    @property
    def complete(self) -> bool:
        """Whether everything in the statement was understood."""
        return not self.incomplete

    @property
    def is_write(self) -> bool:
        """Whether it may change anything in the database: then its outcome is recorded before its answer is given."""
        return bool(self.incomplete) or any(
            access.action in WRITES or access.action in (Action.DEFINE, Action.ADMINISTER, Action.CALL)
            for access in self.accesses
        )


@dataclass(frozen=True, slots=True)
class Analysis:
    """A whole text, as one message carried it.

    `shape` is the text without literals and comments (what a record may show in clear); `fingerprint` its SHA-256, hex.
    `comments` are the sqlcommenter pairs of the first or last comment, decoded.
    """

    statements: tuple[StatementAnalysis, ...]
    shape: str
    fingerprint: str
    comments: tuple[tuple[str, str], ...] = ()
