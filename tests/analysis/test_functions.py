"""Which functions need no more than the right to read, and which do."""

from dataclasses import replace
from pathlib import Path

import pytest

from ostiary.analysis.catalog import Catalog, Function, from_json
from ostiary.analysis.functions import is_plain
from ostiary.model.names import FunctionName, Oid

CATALOG = from_json((Path(__file__).parent / "catalog.json").read_bytes())


def builtin(name: str) -> FunctionName:
    return FunctionName("pg_catalog", name)


def having(name: FunctionName, volatility: str, *, definer: bool = False) -> Catalog:
    made = Function(Oid(1), name, "f", volatility, definer)
    return replace(CATALOG, functions={**CATALOG.functions, name: (made,)})


@pytest.mark.parametrize("name", ["upper", "count", "now", "random", "pg_get_expr", "txid_current", "currval"])
def test_built_ins_that_only_tell_are_plain(name: str) -> None:
    assert is_plain(builtin(name), CATALOG)


@pytest.mark.parametrize(
    "name",
    [
        "nextval",
        "set_config",
        "pg_sleep",
        "pg_notify",
        "lo_get",
        "query_to_xml",
        "table_to_xml",
        "ts_stat",
        "ts_rewrite",
        "pg_read_file",
    ],
)
def test_built_ins_that_do_more_are_not(name: str) -> None:
    assert not is_plain(builtin(name), CATALOG)


def test_a_volatile_built_in_that_no_list_names_is_not_plain() -> None:
    assert not is_plain(builtin("brand_new"), having(builtin("brand_new"), "v"))
    assert is_plain(builtin("brand_new"), having(builtin("brand_new"), "i"))


def test_a_name_that_the_catalog_does_not_have_is_not_plain() -> None:
    assert not is_plain(builtin("nobody_knows"), CATALOG)


def test_functions_of_users_are_never_plain() -> None:
    assert not is_plain(FunctionName("public", "get_email"), CATALOG)
    hijacker = FunctionName("public", "left")
    assert not is_plain(hijacker, having(hijacker, "i"))


def test_an_extension_may_vary_a_plain_built_in_for_its_types() -> None:
    variant = FunctionName("public", "left")
    extended = having(variant, "i")
    assert is_plain(variant, replace(extended, extension_functions=frozenset({variant})))
    volatile = replace(having(variant, "v"), extension_functions=frozenset({variant}))
    assert not is_plain(variant, volatile)
    definer = replace(having(variant, "i", definer=True), extension_functions=frozenset({variant}))
    assert not is_plain(variant, definer)


def test_other_functions_of_extensions_are_not_plain() -> None:
    assert not is_plain(FunctionName("public", "dblink"), CATALOG)


def test_casts_to_enums_are_plain_until_somebody_makes_casts() -> None:
    cast = FunctionName("public", "cast:order_status")
    assert is_plain(cast, replace(CATALOG, own_casts=0))
    assert not is_plain(cast, replace(CATALOG, own_casts=1))


def test_a_literal_of_a_domain_or_composite_runs_its_checks() -> None:
    assert not is_plain(FunctionName("public", "input:lo"), CATALOG)
    assert not is_plain(FunctionName("public", "input:custid"), CATALOG)
    assert is_plain(FunctionName("public", "input:order_status"), CATALOG)
