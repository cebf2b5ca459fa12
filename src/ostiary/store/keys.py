"""The keys of the log, made at first use: one signs checkpoints, one makes commitments. Neither leaves its file.

A key that others on the machine can read is refused: it proves nothing any more.
"""

import base64
import os
import secrets
import stat
from pathlib import Path

from ostiary.audit.notes import NoteRefused, SignerKey, VerifierKey, strict_base64
from ostiary.model.errors import LogUnavailable
from ostiary.store.files import Files

FOLDER = "keys"
LOG_KEY = f"{FOLDER}/log.key"
LOG_VERIFIER = f"{FOLDER}/log.vkey"
MARK = f"{FOLDER}/log.mark"
"""The newest checkpoint that was ever signed: nothing that does not continue it is signed after it."""

RECORD_KEY = f"{FOLDER}/record.key"
_SIZE = 32


def open_log_key(state: Path, origin: str, *, fresh: bool, files: Files) -> SignerKey:
    """The key that signs checkpoints. It is made only for a `fresh` log: another key cannot go on with one."""
    path = state / LOG_KEY
    if not path.exists():
        if not fresh:
            raise LogUnavailable(
                f"{path} is missing, so the log in {state} cannot be continued",
                hint="restore the key, or start a new log in an empty folder",
            )
        _make(path, files)
    try:
        signer = SignerKey(origin, _read(path))
    except NoteRefused as error:
        raise LogUnavailable(f"{path}: {error.message}") from error
    written = f"{signer.verifier}\n".encode()
    public = state / LOG_VERIFIER
    if not public.exists():
        files.put({public: written})
    elif public.read_bytes() != written:
        raise LogUnavailable(
            f"{public} does not belong to {path.name} under the origin {origin!r}",
            hint="the origin of a log cannot change; restore both files from the same time",
        )
    return signer


def read_verifier(state: Path) -> VerifierKey:
    """The public half, which is all that verification needs."""
    path = state / LOG_VERIFIER
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise NoteRefused(f"the public key of the log cannot be read: {error}") from error
    if not text.endswith("\n"):
        raise NoteRefused("the public key of the log does not end in a newline")
    return VerifierKey.parse(text[:-1])


def open_record_key(state: Path, files: Files | None = None) -> bytes:
    """The key of commitments. When it was destroyed (that is what erasure is), a new one is made."""
    path = state / RECORD_KEY
    if not path.exists():
        _make(path, files or Files())
    return _read(path)


def _make(path: Path, files: Files) -> None:
    files.make_folder(path.parent)
    files.put({path: base64.b64encode(secrets.token_bytes(_SIZE)) + b"\n"})


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise LogUnavailable(f"{path} cannot be read: {error}") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise LogUnavailable(f"{path} can be read by others than its owner", hint=f"chmod 600 {path}")
    key = strict_base64(text.removesuffix("\n"))
    if key is None or len(key) != _SIZE:
        raise LogUnavailable(f"{path} does not hold a key of {_SIZE} bytes")
    return key
