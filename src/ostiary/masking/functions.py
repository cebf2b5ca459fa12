"""A mask → the SQL expression that stands for the column. Every expression is total: no value can make it raise.

What a mask raises on, an error message repeats. So a mask that does not fit its column's type becomes NULL. Only
`pg_catalog` names are used, all of them immutable: the planner can then fold the mask into the query, and no object
that a user makes can take its place. Nothing secret stands in the expression, because EXPLAIN would show it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import orjson

from ostiary.analysis.catalog import Catalog, Column
from ostiary.masking.quoting import identifier, is_domain, literal, relation_name, type_name
from ostiary.model.mask import Mask, MaskKind
from ostiary.model.names import RelationName

HIDDEN = "[masked]"
"""What a constant mask shows when classes.toml names no value."""

FILLER_LENGTH = 5
"""How many filler characters a partial mask shows: always the same number, so that the length does not leave."""

_TEXTS = frozenset({"text", "varchar", "bpchar", "name"})
_INTEGERS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
_FLOATS = {"float4": "1e37", "float8": "1e300"}
_EMAIL = r"""[^\s@<>()'",;:]+@[^\s@<>()'",;]+"""
# Seven digits or more with at most two separators between any two: telephone, card, account and national numbers.
_NUMBER = r"\+?\(?[0-9]([-\s./()]{0,2}[0-9]){6,}"


@dataclass(frozen=True, slots=True)
class Masked:
    """One masked column: its SQL expression, and what to warn the people who wrote the mask of."""

    expression: str
    kind: MaskKind
    warning: str = ""


def masked(relation: RelationName, column: Column, mask: Mask, catalog: Catalog) -> Masked:
    """The expression for one column under one mask.

    Args:
        relation: where the column stands; needed only for types whose NULL cannot be written down.
        column: the column, exactly as the catalog has it.
        mask: what classes.toml says.
        catalog: tells domains from other types.

    Returns:
        An expression of exactly the column's type that is NULL where the column is NULL.
    """
    if mask.kind in (MaskKind.NULL, MaskKind.DENY):
        return Masked(_null(relation, column, catalog), mask.kind)
    warning = ""
    if mask.kind is MaskKind.PSEUDONYM:
        warning = f"no mask schema is installed: {relation}.{column.name} shows a constant instead of a pseudonym"
        mask = Mask(MaskKind.CONSTANT)
    expression = _EXPRESSIONS[mask.kind](column, mask)
    if expression is None:
        warning = f"mask {mask.kind} does not fit {column.type}: {relation}.{column.name} shows NULL"
        return Masked(_null(relation, column, catalog), MaskKind.NULL, warning)
    return Masked(f"CAST({expression} AS {type_name(column)})", mask.kind, warning)


def _null(relation: RelationName, column: Column, catalog: Catalog) -> str:
    if is_domain(column, catalog):
        # A domain may be NOT NULL, and casting NULL to it raises; an empty subquery is NULL without being checked.
        return f"(SELECT {identifier(column.name)} FROM {relation_name(relation)} WHERE false)"
    return f"CAST(NULL AS {type_name(column)})"


def _is_text(column: Column) -> bool:
    # citext is an extension's type, with binary casts to and from text.
    return (column.type_schema == "pg_catalog" and column.type_name in _TEXTS) or column.type_name == "citext"


def _as_text(column: Column) -> str:
    return f"CAST({identifier(column.name)} AS pg_catalog.text)"


def _where_known(column: Column, expression: str) -> str:
    return f"CASE WHEN {identifier(column.name)} IS NOT NULL THEN {expression} END"


def _constant(column: Column, mask: Mask) -> str | None:
    if _is_text(column):
        return _where_known(column, literal(HIDDEN if mask.value is None else mask.value))
    if mask.value is None or column.type_schema != "pg_catalog" or not _reads(column, mask.value):
        return None
    return _where_known(column, f"CAST({literal(mask.value)} AS {type_name(column)})")


def _reads(column: Column, value: str) -> bool:
    """Whether the server reads this text as a value of the column's type, in every session."""
    if column.type_name in _INTEGERS:
        limit = _INTEGERS[column.type_name]
        return re.fullmatch(r"-?[0-9]{1,19}", value) is not None and -limit <= int(value) < limit
    if column.type_name == "numeric":
        precision = re.search(r"\((\d+),(-?\d+)\)", column.type)
        whole = int(precision[1]) - int(precision[2]) if precision else 100
        return re.fullmatch(r"-?[0-9]{1,100}", value) is not None and len(value.lstrip("-0")) <= whole
    reader = _READERS.get(column.type_name)
    if reader is None:
        return False
    try:
        reader(value)
    except ValueError:
        return False
    return True


def _iso_date(value: str) -> None:
    # Four digits first: read as year-month-day under every DateStyle.
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is None:
        raise ValueError(value)
    date.fromisoformat(value)


def _iso_timestamp(value: str) -> None:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", value) is None:
        raise ValueError(value)
    datetime.fromisoformat(value)


def _boolean(value: str) -> None:
    if value not in ("true", "false"):
        raise ValueError(value)


def _uuid(value: str) -> None:
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is None:
        raise ValueError(value)


def _json(value: str) -> None:
    if "\\u" in value:  # jsonb refuses what its encoding has no character for
        raise ValueError(value)
    orjson.loads(value)


_READERS: dict[str, Callable[[str], None]] = {
    "bool": _boolean,
    "date": _iso_date,
    "timestamp": _iso_timestamp,
    "uuid": _uuid,
    "json": _json,
    "jsonb": _json,
}


def _partial(column: Column, mask: Mask) -> str | None:
    if not _is_text(column) or mask.keep_first + mask.keep_last <= 0:
        return None
    text = _as_text(column)
    filler = literal(mask.character * FILLER_LENGTH)
    shown = filler
    if mask.keep_first:
        shown = f"pg_catalog.left({text}, {mask.keep_first}) OPERATOR(pg_catalog.||) {shown}"
    if mask.keep_last:
        shown = f"{shown} OPERATOR(pg_catalog.||) pg_catalog.right({text}, {mask.keep_last})"
    # Never more than half of a value: a short one would otherwise stand there whole.
    enough = 2 * (mask.keep_first + mask.keep_last)
    long = f"pg_catalog.char_length({text}) OPERATOR(pg_catalog.>=) {enough}"
    return f"CASE WHEN {long} THEN {shown} WHEN {identifier(column.name)} IS NOT NULL THEN {filler} END"


def _redact_text(column: Column, mask: Mask) -> str | None:
    if not _is_text(column):
        return None
    text = _as_text(column)
    for pattern, token in ((_EMAIL, "[email]"), (_NUMBER, "[number]")):
        # A backslash in a replacement would call back what was matched (postgres, functions-posix-regexp).
        shown = (token if mask.value is None else mask.value).replace("\\", "\\\\")
        text = f"pg_catalog.regexp_replace({text}, {literal(pattern)}, {literal(shown)}, 'g')"
    return text


def _bucket(column: Column, mask: Mask) -> str | None:
    width = mask.width
    if width is None or not 0 < width < 10**18 or column.type_schema != "pg_catalog":
        return None
    name = identifier(column.name)
    if column.type_name in _INTEGERS:
        # Integer division cuts towards zero, so the bucket's edge is always in range.
        return f"{name} OPERATOR(pg_catalog./) {width} OPERATOR(pg_catalog.*) {width}"
    if column.type_name == "numeric":
        return f"pg_catalog.div({name}, {width}) OPERATOR(pg_catalog.*) {width}"
    if column.type_name in _FLOATS:
        return _float_bucket(name, width, _FLOATS[column.type_name])
    if width >= 10**6:
        return None
    if column.type_name == "date":
        return _date_bucket(name, name, width)
    if column.type_name == "timestamp":
        cut = _date_bucket(name, f"CAST({name} AS pg_catalog.date)", width)
        return f"CAST({cut} AS pg_catalog.timestamp)"
    if column.type_name == "timestamptz":
        # By UTC: with the session's TimeZone the edges of the buckets could be moved over a value.
        cut = _date_bucket(name, f"CAST(pg_catalog.timezone('UTC', {name}) AS pg_catalog.date)", width)
        return f"pg_catalog.timezone('UTC', CAST({cut} AS pg_catalog.timestamp))"
    return None


def _float_bucket(name: str, width: int, limit: str) -> str:
    # Dividing a tiny value raises underflow, and multiplying a huge one overflow; NaN and infinity end as NULL.
    value = f"CAST({name} AS pg_catalog.float8)"
    size = f"pg_catalog.abs({value})"
    wide = f"CAST({width} AS pg_catalog.float8)"
    bucket = f"pg_catalog.trunc({value} OPERATOR(pg_catalog./) {wide}) OPERATOR(pg_catalog.*) {wide}"
    return (
        f"CASE WHEN {size} OPERATOR(pg_catalog.<) {wide} THEN CAST(0 AS pg_catalog.float8)"
        f" WHEN {size} OPERATOR(pg_catalog.<) CAST({limit} AS pg_catalog.float8) THEN {bucket} END"
    )


def _date_bucket(name: str, day: str, width: int) -> str:
    epoch = "CAST('2000-01-01' AS pg_catalog.date)"
    days = f"({day} OPERATOR(pg_catalog.-) {epoch}) OPERATOR(pg_catalog./) {width} OPERATOR(pg_catalog.*) {width}"
    # Subtracting an infinite date raises; an infinite one is no more than that.
    return (
        f"CASE WHEN pg_catalog.isfinite({name}) THEN {epoch} OPERATOR(pg_catalog.+) ({days})"
        f" WHEN {name} IS NOT NULL THEN {day} END"
    )


_EXPRESSIONS: dict[MaskKind, Callable[[Column, Mask], str | None]] = {
    MaskKind.CONSTANT: _constant,
    MaskKind.PARTIAL: _partial,
    MaskKind.REDACT_TEXT: _redact_text,
    MaskKind.BUCKET: _bucket,
}
