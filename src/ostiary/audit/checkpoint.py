"""Checkpoints as C2SP tlog-checkpoint defines them: who keeps the log, how long it is, and its root, signed.

A checkpoint has exactly one spelling; no extension lines are written or accepted.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ostiary.audit.merkle import HASH_SIZE
from ostiary.audit.notes import NoteRefused, SignerKey, VerifierKey, open_note, sign_note, strict_base64

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: the root over its first `size` entries."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def signed(self, signers: Sequence[SignerKey]) -> bytes:
        """The note that is published."""
        return sign_note(self.text, signers)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint, or refuse it."""
    lines = text.split("\n")
    if len(lines) != 4 or not lines[0] or lines[3] or not _SIZE.fullmatch(lines[1]):
        raise NoteRefused("a checkpoint is an origin, a size and a root, each on its line")
    root = strict_base64(lines[2])
    if root is None or len(root) != HASH_SIZE:
        raise NoteRefused("the root of a checkpoint is 32 bytes in base64")
    return Checkpoint(lines[0], int(lines[1]), root)


def open_checkpoint(data: bytes, known: Sequence[VerifierKey], origin: str) -> Checkpoint:
    """The checkpoint in a note that a known key signed, when it is of this origin."""
    checkpoint = parse_checkpoint(open_note(data, known).text)
    if checkpoint.origin != origin:
        raise NoteRefused(f"this is a checkpoint of {checkpoint.origin!r}, not of {origin!r}")
    return checkpoint
