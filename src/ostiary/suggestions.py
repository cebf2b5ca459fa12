"""“Did you mean …?” for names that people type. One rule: say nothing when nothing is close."""

from collections.abc import Sequence
from difflib import get_close_matches


def closest(word: str, known: Sequence[str]) -> str:
    """``; did you mean 'x'?`` for the closest known word, or an empty text."""
    found = get_close_matches(word, known, n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
