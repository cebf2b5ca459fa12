"""What a client submitted, and how its session stands: all that a decision may look at besides policy and catalog."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ostiary.model.identity import Circumstances


class Stage(Enum):
    """Where in the conversation a decision is asked for."""

    SIMPLE = "simple"
    """A Query message: decided and recorded as a whole before any of it is forwarded."""
    PARSE = "parse"
    """A Parse message: analysed and rewritten; nothing is recorded when it is permitted, because nothing runs yet."""
    BIND = "bind"
    """A Bind message: decided with its parameters and recorded."""
    EXECUTE = "execute"
    """An Execute of a portal bound under older versions: asked again, not recorded again when it is still permitted."""
    FUNCTION = "function"
    """A FunctionCall message: `function_oid` is set and `text` is empty."""


@dataclass(frozen=True, slots=True)
class SessionView:
    """The state of a session that gives a text its meaning.

    `search_path` is what ``current_schemas(true)`` says: implicit schemas included, in order.
    `overlay` is a digest of the session's own catalog document ("" = the datasource's shared one).
    `prepared` maps the names of prepared statements to their client texts (for SQL-level EXECUTE).
    """

    search_path: tuple[str, ...]
    overlay: str = ""
    claimed: Circumstances = field(default_factory=Circumstances)
    prepared: Mapping[str, bytes] = field(default_factory=dict)
    in_transaction: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """One thing to decide. `text` is exactly what the client sent, without the terminating NUL."""

    stage: Stage
    text: bytes
    view: SessionView
    parameters: tuple[bytes | None, ...] = ()
    function_oid: int | None = None
