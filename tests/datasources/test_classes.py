"""classes.toml: names as in SQL, masks with their own parameters only, and stars that do not grow."""

from pathlib import Path

import orjson
import pytest

from ostiary.analysis.catalog import Catalog, from_json
from ostiary.datasources.classes import Pins, class_map, read_class_file, strangers
from ostiary.model.errors import SettingsInvalid
from ostiary.model.mask import MaskKind, Unclassified
from ostiary.model.names import RelationName


def catalog(columns: list[str]) -> Catalog:
    made = [[number, name, "text", False, False, "", "pg_catalog", "text"] for number, name in enumerate(columns, 1)]
    document = {
        "search_path": ["pg_catalog", "public"], "temporary_schema": None, "version_number": "180000",
        "schemas": ["public"], "relations": [[1, "public", "orders", "r", False, False, 0, "p", made]],
        "inherits": None, "keys": None, "functions": None, "builtin_functions": None, "operators": None,
        "own_operators": None, "types": None, "casts": 0, "own_casts": 0,
    }  # fmt: skip
    return from_json(orjson.dumps(document))


def written(folder: Path, text: str) -> Path:
    file = folder / "classes.toml"
    file.write_text(text)
    return file


def test_keys_are_sql_identifiers_quoted_as_in_sql(tmp_path: Path) -> None:
    file = read_class_file(written(tmp_path, """[columns]\n'Public."Or.ders"."E""Mail"' = "pii.email"\n"""))
    assert dict(file.columns) == {("public", "Or.ders", 'E"Mail'): "pii.email"}


def test_a_star_covers_what_was_there_at_review_and_nothing_newer(tmp_path: Path) -> None:
    file = read_class_file(written(tmp_path, '[columns]\n"public.orders.*" = "none"\n'))
    pins: Pins = {}
    class_map(file, catalog(["id", "amount"]), Unclassified.DENY, pins)
    later = class_map(file, catalog(["id", "amount", "iban"]), Unclassified.DENY, pins)
    orders = RelationName("public", "orders")
    assert later.class_of(orders, "amount") == "none"
    assert later.class_of(orders, "iban") == "unclassified"


def test_a_named_column_wins_over_a_star(tmp_path: Path) -> None:
    text = '[columns]\n"public.orders.*" = "none"\n"public.orders.iban" = "pii.iban"\n'
    made = class_map(read_class_file(written(tmp_path, text)), catalog(["id", "iban"]), Unclassified.DENY, {})
    assert made.class_of(RelationName("public", "orders"), "iban") == "pii.iban"


def test_what_the_database_does_not_have_is_named(tmp_path: Path) -> None:
    text = (
        '[columns]\n"public.orders.ibna" = "pii.account"\n"public.orders.id" = "none"\n'
        '"public.orders.*" = "none"\n"public.payment.*" = "none"\n'
    )
    file = read_class_file(written(tmp_path, text))
    assert strangers(file, catalog(["id", "iban"])) == ["public.orders.ibna", "public.payment.*"]


def test_masks_read_with_their_parameters(tmp_path: Path) -> None:
    file = read_class_file(written(tmp_path, '[masks]\n"pii.ssn" = { mask = "partial", keep_last = 4 }\n'))
    (mask,) = file.masks.values()
    assert (mask.kind, mask.keep_last) == (MaskKind.PARTIAL, 4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[masks]\n"a.b" = { mask = "partal" }\n', "did you mean 'partial'"),
        ('[masks]\n"a.b" = { mask = "partial", keep_lst = 4 }\n', "did you mean 'keep_last'"),
        ('[masks]\n"a.b" = { mask = "partial", keep_last = -1 }\n', "negative"),
        ('[masks]\n"a.b" = { mask = "partial", character = "**" }\n', "one character"),
        ('[columns]\n"orders.email" = "pii.email"\n', "schema.table.column"),
        ('[columns]\n"public.orders.email" = "PII EMAIL"\n', "a class such as"),
        ('[colums]\n"public.orders.email" = "x"\n', "did you mean 'columns'"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read_class_file(written(tmp_path, text))
    assert words in str(caught.value)
    assert caught.value.line is not None
