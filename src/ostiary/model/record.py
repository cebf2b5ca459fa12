"""What the log keeps. An intent is durable before its statement is forwarded; an outcome follows it."""

from dataclasses import dataclass, field
from enum import StrEnum


class OutcomeKind(StrEnum):
    """How a statement ended. UNKNOWN: the link died while a COMMIT was in flight."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NOT_RUN = "not-run"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one recorded intent. `rows` is what CommandComplete said; None where it says nothing."""

    kind: OutcomeKind
    tag: str = ""
    rows: int | None = None
    sqlstate: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Anything else worth a record: a login, a refused login, a session's end, a reload. `fields` are public values."""

    kind: str
    fields: dict[str, object] = field(default_factory=dict)
