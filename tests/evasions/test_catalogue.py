"""The public catalogue of evasions, where it lies beside the repository: every case in a database of its own."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ostiary.model.mask import Unclassified

CATALOGUE = Path(__file__).parents[2].parent / "shared" / "evasions" / "evasions.jsonl"

# Cases whose two runs may differ, each with its reason; none of them shows a masked value.
ACCEPTED = {
    "inf-null": "whether a value is NULL is not hidden",
    "inf-rowcount-null-join": "the runs differ in an order's id, which is not masked",
    "ro-commit-escape": "an effect and not a value: what may be written is policy's to say",
    "ro-set-off": "both runs are refused, for different settings",
    "ro-side-effects": "both runs are refused, for different functions",
}

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not CATALOGUE.exists(), reason="the catalogue does not lie beside the repository"),
]


def cases() -> list[dict[str, Any]]:
    if not CATALOGUE.exists():
        return []
    found = [json.loads(line) for line in CATALOGUE.read_text(encoding="utf-8").splitlines()]
    return [case for case in found if case["engine"] == "postgresql"]


@pytest.mark.parametrize(("user", "mode"), [("as found", Unclassified.DENY), ("postgres", Unclassified.NULL)])
def test_no_case_of_the_catalogue_shows_a_value(kit: Any, user: str, mode: Unclassified) -> None:
    told: dict[str, list[str]] = {}
    counted: Counter[str] = Counter()
    for case in cases():
        chosen = None if user == "as found" else user
        played = kit.play(case, other=False, user=chosen, mode=mode)
        found = kit.leaks(played.said)
        if "steps_other_guess" in case and not found:
            other = kit.play(case, other=True, user=chosen, mode=mode)
            if other.said != played.said and case["id"] not in ACCEPTED:
                found = [f"{played.said} differs from {other.said}"]
        if found:
            told[case["id"]] = found
        counted["refused" if any(one.refused for one in played.outcomes) else "ran"] += 1
    print(user, mode, dict(counted))  # noqa: T201
    assert told == {}
