"""The pages on policy show only policies that load, and name every word of the language."""

import re
from pathlib import Path

from ostiary.policy.context import ATTRIBUTES
from ostiary.policy.load import load
from ostiary.policy.vocabulary import ACTION_GROUPS, ACTIONS, ANNOTATIONS, ENTITY_TYPES

DOCS = Path(__file__).parents[2] / "docs"


def test_every_policy_of_the_how_to_loads() -> None:
    text = (DOCS / "how-to" / "write-a-policy.md").read_text("utf-8")
    shown = re.findall(r"```cedar\n(.*?)```", text, re.DOTALL)
    assert len(load({f"{number}.cedar": one for number, one in enumerate(shown)}).policies) == len(shown) >= 4


def test_every_word_of_the_language_is_in_the_reference() -> None:
    text = (DOCS / "reference" / "policy.md").read_text("utf-8")
    quoted = set(re.findall(r"[\w.]+", " ".join(re.findall(r"`[^`]+`", text))))
    words = {*ACTIONS, *ACTION_GROUPS, *ANNOTATIONS, *(ENTITY_TYPES - {"Action"})}
    words |= {part for path in ATTRIBUTES for part in path.split(".")}
    assert {str(word) for word in words} - quoted == set()
