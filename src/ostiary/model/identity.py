"""Who is asking, for whom, and what was said about why."""

from dataclasses import dataclass, field
from enum import StrEnum


class PrincipalKind(StrEnum):
    """The three kinds of principal; the values are the words of the token claim and of the CLI."""

    HUMAN = "human"
    AGENT = "agent"
    WORKLOAD = "workload"


@dataclass(frozen=True, slots=True)
class Principal:
    """One proved party. The same name from two issuers is two principals."""

    kind: PrincipalKind
    name: str
    issuer: str
    groups: tuple[str, ...] = ()
    """Sorted, without duplicates."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Why something is done, as one source tells it. `None` means: that source said nothing."""

    purpose: str | None = None
    ticket: str | None = None
    workflow: str | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified token says: the principal, whom it acts for, and the proved circumstances.

    `chain` is the `act` chain of RFC 8693, section 4.1, outermost actor first; `principal` is its first member
    when there is one. `expires_at` is POSIX seconds.
    """

    principal: Principal
    expires_at: int
    token_id: str
    on_behalf_of: Principal | None = None
    chain: tuple[Principal, ...] = ()
    proved: Circumstances = field(default_factory=Circumstances)
