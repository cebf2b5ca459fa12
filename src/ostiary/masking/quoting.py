"""Names and texts as SQL, so that they mean the same whatever the session's settings are."""

import re

from ostiary.analysis.catalog import Catalog, Column
from ostiary.model.names import RelationName

# With pg_catalog in front, or made of grammar words only, a type's name cannot be taken over by search_path.
_MODIFIER = re.compile(r"\([^()\"']*\)")
# The modifiers of interval cannot be written behind a qualified name; its name is the grammar's own word.
_INTERVAL = re.compile(r"interval( [a-z ]+)?(\(\d+\))?(\[\])?")


def identifier(name: str) -> str:
    """A name, always quoted."""
    return '"' + name.replace('"', '""') + '"'


def relation_name(name: RelationName) -> str:
    """A relation, always qualified."""
    return f"{identifier(name.schema)}.{identifier(name.name)}"


def literal(text: str) -> str:
    """A text constant that reads the same under either value of standard_conforming_strings."""
    quoted = text.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in quoted else f"'{quoted}'"


def type_name(column: Column) -> str:
    """The exact type of a column, modifier included, qualified whatever the session's search_path is."""
    if column.type_schema == "pg_catalog" and _INTERVAL.fullmatch(column.type):
        return column.type
    written = column.type
    # A user type's own name may hold parentheses, but then format_type quotes it and the text ends with the quote.
    modifiers = [] if written.rstrip("[]").endswith('"') else _MODIFIER.findall(written)
    modifier = modifiers[-1] if modifiers else ""
    return f"{identifier(column.type_schema)}.{identifier(column.type_name)}{modifier}"


def is_domain(column: Column, catalog: Catalog) -> bool:
    """Whether casting to the column's type could run a domain's checks."""
    return catalog.user_types.get((column.type_schema, column.type_name)) == "d"
