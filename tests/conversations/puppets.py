"""The two ends of a conversation and the authorizer's pure answer, as scripts: what tests say instead of sockets.

`understood` stands for analysis. It knows a statement by its first word, which is all that the core asks of it.
"""

import re
from dataclasses import replace

from ostiary.model.analysis import Access, Action, CopyRoute, SettingChange, StatementAnalysis, TransactionEffect
from ostiary.model.decision import Denial, Permit, Permitted, Refused, Versions
from ostiary.model.names import Oid, PolicyId, RelationName

VERSIONS = Versions("p1", "c1", "m1")

_SPLIT = re.compile(r"[^;]+")
_WRITES = {
    "insert": ("InsertStmt", Action.INSERT),
    "update": ("UpdateStmt", Action.UPDATE),
    "delete": ("DeleteStmt", Action.DELETE),
    "create": ("CreateStmt", Action.DEFINE),
    "drop": ("DropStmt", Action.DEFINE),
    "call": ("CallStmt", Action.CALL),
}
_TRANSACTIONS = {
    "begin": TransactionEffect.BEGIN,
    "commit": TransactionEffect.COMMIT,
    "rollback": TransactionEffect.ROLLBACK,
    "savepoint": TransactionEffect.SAVEPOINT,
}


def understood(text: bytes) -> tuple[StatementAnalysis, ...]:
    """Every statement of the text, by its first word."""
    found = []
    for match in _SPLIT.finditer(text.decode(errors="replace")):
        words = match[0].split()
        if words:
            start = match.start() + match[0].index(words[0])
            found.append(_statement([word.lower() for word in words], match[0], start, match.end()))
    return tuple(found)


def _statement(words: list[str], text: str, start: int, end: int) -> StatementAnalysis:
    one = StatementAnalysis(node="SelectStmt", tag=words[0].upper(), start=start, end=end)
    table = RelationName("public", "t")
    match words:
        case [word, *_] if word in _WRITES:
            node, action = _WRITES[word]
            temporary = "temp" in words
            one = replace(
                one,
                node=node,
                accesses=(Access(action, table),),
                changes_catalog=action is Action.DEFINE and not temporary,
                changes_session=temporary,
            )
        case [word, *rest] if word in _TRANSACTIONS:
            effect = TransactionEffect.ROLLBACK_TO if rest[:1] == ["to"] else _TRANSACTIONS[word]
            one = replace(one, node="TransactionStmt", transaction=effect)
        case ["copy", _, "from", *_]:
            accesses = (Access(Action.INSERT, table),)
            one = replace(one, node="CopyStmt", copy=CopyRoute.FROM_CLIENT, accesses=accesses)
        case ["copy", *_]:
            one = replace(one, node="CopyStmt", copy=CopyRoute.TO_CLIENT)
        case ["set", "local", name, "=", value]:
            one = replace(one, node="VariableSetStmt", settings=(SettingChange(name, value.strip("'"), local=True),))
        case ["set", name, "=", value]:
            one = replace(one, node="VariableSetStmt", settings=(SettingChange(name, value.strip("'")),))
        case ["prepare", name, *_]:
            one = replace(one, node="PrepareStmt", prepares=name)
        case ["execute", name, *_]:
            one = replace(one, node="ExecuteStmt", executes=name)
        case ["deallocate", name]:
            one = replace(one, node="DeallocateStmt", deallocates="" if name == "all" else name)
        case ["do", *_]:
            one = replace(one, node="DoStmt", incomplete=("DO block",))
    return one


def permitted(
    text: bytes,
    *,
    rewritten: bytes | None = None,
    max_rows: int | None = None,
    masked: bool = False,
    forbidden: frozenset[tuple[Oid, int]] = frozenset(),
    notices: tuple[str, ...] = (),
    versions: Versions = VERSIONS,
) -> Permitted:
    """The authorizer's yes."""
    permit = Permit(text if rewritten is None else rewritten, versions, max_rows=max_rows)
    return Permitted(permit, understood(text), masked=masked, forbidden_origins=forbidden, notices=notices)


def refused(code: str = "policy-denies", sqlstate: str = "42501") -> Refused:
    """The authorizer's no."""
    denial = Denial(
        code,
        "permission denied by policy",
        detail="nothing permits this",
        hint="ask for access",
        policies=(PolicyId("no-drops"),),
        sqlstate=sqlstate,
    )
    return Refused(denial)
