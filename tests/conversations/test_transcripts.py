"""Every transcript, replayed: what the conversation asks for is what the transcript says."""

import os
from pathlib import Path

import pytest
from replay import replayed

TRANSCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))
REWRITE = os.environ.get("OSTIARY_REWRITE_TRANSCRIPTS") == "1"
"""Write down what happens now, to be read and judged before it is committed."""


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_conversation_goes_as_the_transcript_says(path: Path) -> None:
    written = path.read_text()
    for story in _stories(written):
        happens = replayed(story)
        if not REWRITE:
            assert happens == story
    if REWRITE:
        path.write_text("\n".join(replayed(story) for story in _stories(written)))


def _stories(text: str) -> list[str]:
    """Stories are separated by an empty line, and each begins a new session."""
    return [story.strip("\n") + "\n" for story in text.split("\n\n") if story.strip()]


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) > 5
