"""classes.toml → `ClassMap`. A column that nobody has classified stays unclassified; a star never grows by itself."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from ostiary.analysis.catalog import Catalog
from ostiary.model.errors import SettingsInvalid
from ostiary.model.mask import ClassMap, Mask, MaskKind, Unclassified
from ostiary.model.names import ClassName, RelationName
from ostiary.settings import line_of
from ostiary.suggestions import closest

_CLASS = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)?")
_IDENTIFIER = re.compile(r'"((?:[^"]|"")+)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(\*)')

PARAMETERS: Mapping[MaskKind, Mapping[str, type]] = {
    MaskKind.NULL: {},
    MaskKind.DENY: {},
    MaskKind.CONSTANT: {"value": str},
    MaskKind.PARTIAL: {"keep_first": int, "keep_last": int, "character": str},
    MaskKind.REDACT_TEXT: {"value": str},
    MaskKind.BUCKET: {"width": int},
    MaskKind.PSEUDONYM: {"domain": str},
}
"""What each mask may be given in classes.toml."""


@dataclass(frozen=True, slots=True)
class ClassFile:
    """A classes.toml, read but not yet held against a catalog. `stars` are the ``schema.table.*`` entries."""

    columns: Mapping[tuple[str, str, str], ClassName] = field(default_factory=dict)
    stars: Mapping[tuple[str, str], ClassName] = field(default_factory=dict)
    masks: Mapping[ClassName, Mask] = field(default_factory=dict)


Pins = dict[str, list[str]]
"""For each star, by ``schema.table``, the columns that were there when it was first read."""


def read_class_file(path: Path) -> ClassFile:
    """Read and check classes.toml.

    Raises:
        SettingsInvalid: names file, line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        line = re.search(r"line (\d+)", str(error)) if isinstance(error, tomllib.TOMLDecodeError) else None
        raise SettingsInvalid(
            f"cannot be read: {reason}",
            file=str(path),
            line=int(line[1]) if line else None,
            hint="`classes` in the database's table of ostiary.toml names this file; `ostiary init` writes one",
        ) from error
    for key in data:
        if key not in ("columns", "masks"):
            raise SettingsInvalid(
                f"unknown table {key!r}{closest(key, ['columns', 'masks'])}",
                file=str(path), line=line_of(text, key, ""), key=key,
            )  # fmt: skip
    columns: dict[tuple[str, str, str], ClassName] = {}
    stars: dict[tuple[str, str], ClassName] = {}
    for key, value in data.get("columns", {}).items():
        place = {"file": str(path), "line": line_of(text, "columns", key), "key": key}
        schema, table, column = _column_key(key, place)
        if not isinstance(value, str) or _CLASS.fullmatch(value) is None:
            raise SettingsInvalid(f"must be a class such as pii.email, or none; not {value!r}", **place)
        if column is None:
            stars[schema, table] = ClassName(value)
        else:
            columns[schema, table, column] = ClassName(value)
    masks = {
        ClassName(key): _mask(value, {"file": str(path), "line": line_of(text, "masks", key), "key": key})
        for key, value in data.get("masks", {}).items()
    }
    return ClassFile(columns, stars, masks)


def _column_key(key: str, place: dict[str, Any]) -> tuple[str, str, str | None]:
    parts: list[str | None] = []
    position = 0
    while match := _IDENTIFIER.match(key, position):
        quoted, plain, _star = match.groups()
        parts.append(quoted.replace('""', '"') if quoted else plain.lower() if plain else None)
        position = match.end()
        if position == len(key):
            break
        if key[position] != ".":
            break
        position += 1
    if position != len(key) or len(parts) != 3 or parts[0] is None or parts[1] is None:
        raise SettingsInvalid("must be schema.table.column, quoted as in SQL, or schema.table.*", **place)
    return parts[0], parts[1], parts[2]


def _mask(value: object, place: dict[str, Any]) -> Mask:
    if not isinstance(value, dict) or "mask" not in value:
        raise SettingsInvalid('must be a table such as { mask = "partial", keep_last = 4 }', **place)
    kinds = [kind.value for kind in MaskKind]
    if value["mask"] not in kinds:
        raise SettingsInvalid(f"unknown mask {value['mask']!r}{closest(str(value['mask']), kinds)}", **place)
    kind = MaskKind(value["mask"])
    allowed = PARAMETERS[kind]
    for name, given in value.items():
        if name == "mask":
            continue
        if name not in allowed:
            raise SettingsInvalid(f"mask {kind} has no parameter {name!r}{closest(name, sorted(allowed))}", **place)
        if not isinstance(given, allowed[name]) or isinstance(given, bool):
            raise SettingsInvalid(f"{name} has the wrong type", **place)
        if isinstance(given, int) and given < 0:
            raise SettingsInvalid(f"{name} must not be negative", **place)
    parameters = {name: given for name, given in value.items() if name != "mask"}
    if len(parameters.get("character", "*")) != 1:
        raise SettingsInvalid("character must be one character", **place)
    return Mask(kind, **parameters)


def strangers(file: ClassFile, catalog: Catalog) -> list[str]:
    """What the file speaks of and the database does not have: a typing error, or something that is not there yet."""
    there = {tuple(name): {column.name for column in relation.columns} for name, relation in catalog.relations.items()}
    absent = [key for key in file.columns if key[2] not in there.get(key[:2], ())]
    return sorted(
        [*(".".join(key) for key in absent), *(f"{'.'.join(key)}.*" for key in file.stars if key not in there)]
    )


def class_map(file: ClassFile, catalog: Catalog, unclassified: Unclassified, pins: Pins) -> ClassMap:
    """Hold a class file against a catalog.

    A star covers the columns that `pins` lists for it; one that is not pinned yet is pinned to the columns there now
    (`pins` is changed in place, and the caller keeps it).
    """
    columns: dict[RelationName, dict[str, ClassName]] = {}
    for (schema, table), name in file.stars.items():
        relation = catalog.relations.get(RelationName(schema, table))
        key = f"{schema}.{table}"
        if key not in pins and relation is not None:
            pins[key] = [column.name for column in relation.columns]
        for column in pins.get(key, ()):
            columns.setdefault(RelationName(schema, table), {})[column] = name
    for (schema, table, column), name in file.columns.items():
        columns.setdefault(RelationName(schema, table), {})[column] = name
    content = orjson.dumps(
        [
            sorted([*relation, sorted(named.items())] for relation, named in columns.items()),
            sorted([name, repr(mask)] for name, mask in file.masks.items()),
            unclassified,
        ]
    )
    return ClassMap(hashlib.sha256(content).hexdigest()[:32], columns, file.masks, unclassified)
