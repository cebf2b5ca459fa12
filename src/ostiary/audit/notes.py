"""Signed notes as C2SP signed-note defines them, with Ed25519 keys.

A note is what its signatures say only as a whole: a known key with a bad signature refuses it, and one with no known
signature is refused too.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ostiary.model.errors import OstiaryError

ED25519 = 0x01
MAX_SIGNATURES = 100
"""What golang.org/x/mod/sumdb/note accepts; the specification asks for at least 16."""

_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NAME = re.compile(r"[^\s+]+")
_KEY_SIZE = 32
_SIGNATURE_SIZE = 64


class NoteRefused(OstiaryError):
    """A note, or a key for notes, that is malformed or not signed by whom it must be."""

    code = "note-refused"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name, written as ``<name>+<key id>+<base64>``."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before a signature of this key."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([ED25519]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([ED25519]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read the written form; anything that would not be written so is refused."""
        parts = text.split("+", 2)
        if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
            raise NoteRefused("a verifier key reads <name>+<key id>+<base64>")
        body = strict_base64(parts[2])
        if body is None or len(body) != 1 + _KEY_SIZE or body[0] != ED25519:
            raise NoteRefused("a verifier key must hold an Ed25519 public key")
        key = cls(parts[0], body[1:])
        if str(key) != text:
            raise NoteRefused("the key id of a verifier key does not belong to its name and key")
        return key

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made the signature."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class SignerKey:
    """A private key under a name. It never shows itself in a repr."""

    __slots__ = ("_key", "name", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        if not _NAME.fullmatch(name):
            raise NoteRefused("a key name has at least one character, no space and no '+'")
        if len(seed) != _KEY_SIZE:
            raise NoteRefused(f"an Ed25519 seed has {_KEY_SIZE} bytes")
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, self._key.public_key().public_bytes_raw())

    def signature_line(self, text: str) -> str:
        """The line of a note that carries this key's signature of `text`."""
        signed = self.verifier.key_id + self._key.sign(text.encode())
        return f"{_DASH}{self.name} {base64.b64encode(signed).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the keys that were found to have signed it."""

    text: str
    signers: tuple[VerifierKey, ...]


def strict_base64(text: str) -> bytes | None:
    """Decode; None unless encoding gives the very same text (stray bits in the last character are not ignored)."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def sign_note(text: str, signers: Sequence[SignerKey]) -> bytes:
    """The note: the text, an empty line, one signature line for each signer."""
    _check_text(text)
    return (text + "\n" + "".join(signer.signature_line(text) for signer in signers)).encode()


def open_note(data: bytes, known: Sequence[VerifierKey]) -> Note:
    """Read a note that at least one of the known keys signed and none of them signed badly."""
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise NoteRefused("a note is UTF-8") from error
    text, separator, block = whole.rpartition("\n\n")
    text += "\n"
    if not separator or not block.endswith("\n"):
        raise NoteRefused("a note is a text, an empty line and signature lines")
    _check_text(text)
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteRefused(f"a note has more than {MAX_SIGNATURES} signatures")
    signers = dict.fromkeys(key for line in lines for key in _signed_by(line, text, known))
    if not signers:
        raise NoteRefused("no known key signed this note")
    return Note(text, tuple(signers))


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _CONTROL.search(text):
        raise NoteRefused("a note's text ends in a newline and has no other control characters")


def _signed_by(line: str, text: str, known: Sequence[VerifierKey]) -> list[VerifierKey]:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    signed = strict_base64(encoded)
    if not line.startswith(_DASH) or not space or not _NAME.fullmatch(name) or signed is None or len(signed) < 5:
        raise NoteRefused("a signature line of the note is malformed")
    # Name and id together choose the key; either alone may belong to a stranger, who is ignored.
    keys = [key for key in known if key.name == name and key.key_id == signed[:4]]
    for key in keys:
        if len(signed) != 4 + _SIGNATURE_SIZE or not key.verifies(text.encode(), signed[4:]):
            raise NoteRefused(f"the signature of {name} is not a signature of this note")
    return keys
