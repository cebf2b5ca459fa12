"""Records → the bytes of leaves. No literal of a statement is ever in one: texts are there as shapes and commitments.

A leaf is one JSON object on one line, UTF-8, without duplicate keys; its hash is over exactly these bytes, so nothing
needs to be canonicalised when it is verified. What does not change between two executions of a text is encoded once.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from ostiary.audit.tiles import MAX_ENTRY
from ostiary.model.analysis import Analysis, StatementAnalysis
from ostiary.model.decision import Permitted, Refused, Verdict
from ostiary.model.identity import Circumstances, Identity, Principal
from ostiary.model.names import SessionId
from ostiary.model.record import Outcome
from ostiary.model.statement import Stage

VERSION = 1
MAX_TEXT = 512
"""Characters of any one name or circumstance; the claimed ones are as long as a client likes."""

MAX_SHAPE = 8192
MAX_NAMES = 1024
"""Groups, policies, functions, statements, masked columns: more are counted, not listed."""

_ROOM = MAX_ENTRY - 1024
"""What a template may take: an execution adds well under 1,024 bytes to it."""

_SHORTER = ((MAX_TEXT, 24), (256, 12), (64, 4))
"""Characters and items to try, one after the other, for what does not fit; the last always does."""

_PARAMETERS = b"\x00parameters\x00"
_BLOCK = 64
_NULL = b"\xff\xff\xff\xff"


class Commitments:
    """Keyed digests of what must not be in a leaf. Without the key nobody can try likely values against one.

    A commitment reads ``<key id>:<HMAC-SHA256, hex>``, so that keys can be replaced, and destroyed.
    """

    __slots__ = ("_inner", "_outer", "_prefix", "key_id")

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("a record key has at least 32 bytes")
        padded = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
        self._inner = bytes(byte ^ 0x36 for byte in padded)
        self._outer = bytes(byte ^ 0x5C for byte in padded)
        self.key_id = sha256(b"ostiary record key\n" + key).hexdigest()[:8]
        self._prefix = self.key_id + ":"

    def commit(self, data: bytes) -> str:
        """The commitment to a statement's text, exactly as the client sent it."""
        # RFC 2104, section 2, written out: less than half of what the hmac module takes for a text of this size.
        return self._prefix + sha256(self._outer + sha256(self._inner + data).digest()).hexdigest()

    def commit_parameters(self, parameters: tuple[bytes | None, ...]) -> str:
        """The commitment to bound values in their wire format: their count, then each with its length (NULL: -1)."""
        # No SQL text holds a NUL, so these bytes are no statement's.
        parts = [_PARAMETERS, len(parameters).to_bytes(4, "big")]
        for value in parameters:
            parts += (_NULL,) if value is None else (len(value).to_bytes(4, "big"), value)
        return self.commit(b"".join(parts))


def intent_template(
    *,
    identity: Identity,
    datasource: str,
    claimed: Circumstances,
    verdict: Verdict,
    analysis: Analysis | None,
    stage: Stage,
    masked_columns: tuple[str, ...] = (),
) -> bytes:
    """Everything about an intent that does not change between executions. `analysis` None: it could not be parsed."""
    statements = _statements(verdict, analysis)
    described = {
        "v": VERSION,
        "type": "intent",
        "principal": _principal(identity.principal),
        "on_behalf_of": _principal(identity.on_behalf_of) if identity.on_behalf_of else None,
        "chain": [_principal(one) for one in identity.chain],
        "token": _cut(identity.token_id),
        "proved": _circumstances(identity.proved),
        "claimed": _circumstances(claimed),
        "datasource": _cut(datasource),
        "stage": stage.value,
        **_verdict(verdict, analysis),
        "masked_columns": _listed(masked_columns),
        "statements": [_statement(one) for one in statements[:MAX_NAMES]],
        "shape": _cut(analysis.shape, MAX_SHAPE) if analysis else "",
        "fingerprint": analysis.fingerprint if analysis else "",
    }
    encoded = orjson.dumps(described)
    if len(encoded) > _ROOM:
        encoded = _abridged(described, encoded, len(statements))
    return encoded[:-1]


def intent(
    template: bytes,
    *,
    session: SessionId,
    number: int,
    time_ns: int,
    commitment: str,
    parameters_commitment: str | None = None,
) -> bytes:
    """The leaf of one execution."""
    parameters = f'"{parameters_commitment}"' if parameters_commitment is not None else "null"
    return template + (
        f',"commitment":"{commitment}","parameters":{parameters}'
        f',"session":"{session}","number":{number},"time":"{timestamp(time_ns)}"}}'
    ).encode("ascii")


def outcome(*, session: SessionId, number: int, time_ns: int, outcome: Outcome) -> bytes:
    """The leaf of how intent `number` of `session` ended."""
    return orjson.dumps(
        {
            "v": VERSION,
            "type": "outcome",
            "kind": outcome.kind.value,
            "tag": _cut(outcome.tag),
            "rows": outcome.rows,
            "sqlstate": _cut(outcome.sqlstate),
            "session": session,
            "number": number,
            "time": timestamp(time_ns),
        }
    )


def event(kind: str, *, session: SessionId | None, time_ns: int, fields: Mapping[str, object]) -> bytes:
    """The leaf of anything else: a login, a reload, a gap in the record itself. `fields` are public values."""
    shown = {key: _cut(value, 4 * MAX_TEXT) if isinstance(value, str) else value for key, value in fields.items()}
    described = {"v": VERSION, "type": "event", "event": kind, "fields": shown, "session": session}
    encoded = orjson.dumps({**described, "time": timestamp(time_ns)}, option=orjson.OPT_NON_STR_KEYS)
    if len(encoded) > MAX_ENTRY:
        digest = {"abridged": True, "sha256": sha256(encoded).hexdigest()}
        encoded = orjson.dumps({**described, "fields": digest, "time": timestamp(time_ns)})
    return encoded


def timestamp(time_ns: int) -> str:
    """POSIX nanoseconds as RFC 3339 in UTC, nine digits."""
    seconds, nanoseconds = divmod(time_ns, 1_000_000_000)
    return f"{_second(seconds)}.{nanoseconds:09}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _principal(principal: Principal) -> dict[str, Any]:
    return {
        "kind": principal.kind.value,
        "name": _cut(principal.name),
        "issuer": _cut(principal.issuer),
        "groups": _listed(principal.groups),
    }


def _circumstances(one: Circumstances) -> dict[str, str]:
    named = {"purpose": one.purpose, "ticket": one.ticket, "workflow": one.workflow, "run": one.run}
    return {key: _cut(value) for key, value in named.items() if value is not None}


def _verdict(verdict: Verdict, analysis: Analysis | None) -> dict[str, Any]:
    match verdict:
        case Permitted(permit=permit):
            versions = permit.versions
            return {
                "verdict": "permit",
                "code": None,
                "policies": _listed(permit.policies),
                "versions": {
                    "policies": versions.policies,
                    "catalog": versions.catalog,
                    "classes": versions.classes,
                },
                "max_rows": permit.max_rows,
                "masked": verdict.masked,
                "unanalysed": analysis is None or not all(one.complete for one in verdict.statements),
            }
        case Refused(denial=denial):
            # The message and its detail may quote the statement; the code and the policies never do.
            return {
                "verdict": "deny",
                "code": denial.code,
                "policies": _listed(denial.policies),
                "versions": None,
                "max_rows": None,
                "masked": False,
                "unanalysed": False,
            }


def _statements(verdict: Verdict, analysis: Analysis | None) -> tuple[StatementAnalysis, ...]:
    return verdict.statements or (analysis.statements if analysis else ())


def _statement(one: StatementAnalysis) -> dict[str, Any]:
    """`relations` maps each relation to the actions on it; `actions` also holds those on no single relation."""
    relations: dict[str, set[str]] = {}
    for access in one.accesses:
        if access.relation is not None:
            relations.setdefault(str(access.relation), set()).add(access.action.value)
    functions = {str(name) for name in one.functions} | {str(one.function) for one in one.accesses if one.function}
    described: dict[str, Any] = {
        "tag": _cut(one.tag),
        "actions": sorted({access.action.value for access in one.accesses}),
        "relations": {_cut(name): sorted(relations[name]) for name in sorted(relations)},
        "functions": _listed(sorted(functions)),
        "complete": one.complete,
    }
    if schemas := {access.schema for access in one.accesses if access.schema is not None}:
        described["schemas"] = _listed(sorted(schemas))
    return described


def _abridged(described: dict[str, Any], whole: bytes, statements: int) -> bytes:
    """A description that fits into an entry, says that it is shortened, and fixes the whole one by its digest."""
    encoded = whole
    for text, items in _SHORTER:
        short = {key: _shortened(value, text, items) for key, value in described.items()}
        short["abridged"] = {"statements": statements, "sha256": sha256(whole).hexdigest()}
        encoded = orjson.dumps(short)
        if len(encoded) <= _ROOM:
            break
    return encoded


def _shortened(value: Any, text: int, items: int) -> Any:
    match value:
        case str():
            return _cut(value, text)
        case list():
            return [_shortened(one, text, items) for one in value[:items]]
        case dict():
            # The named parts of a description are fewer than eight; only what maps names is ever longer.
            kept = list(value.items())[: max(items, 8)]
            return {_cut(key, text): _shortened(one, text, items) for key, one in kept}
        case _:
            return value


def _listed(names: Iterable[str]) -> list[str]:
    listed = [_cut(name) for name in names]
    return listed if len(listed) <= MAX_NAMES else [*listed[:MAX_NAMES], f"…(+{len(listed) - MAX_NAMES})"]


def _cut(text: str, length: int = MAX_TEXT) -> str:
    """At most `length` characters, and UTF-8 whatever came in (a lone surrogate is no character)."""
    if len(text) > length:
        text = f"{text[:length]}…(+{len(text) - length})"
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text
