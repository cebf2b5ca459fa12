"""Signed notes and checkpoints, by the vectors of golang.org/x/mod and C2SP, good and bad."""

import base64

import pytest

from ostiary.audit.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from ostiary.audit.notes import NoteRefused, SignerKey, VerifierKey, open_note, sign_note

PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETER = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
ENOCH = VerifierKey.parse("EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop")
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETERS_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCHS_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
NOTE = (TEXT + "\n" + PETERS_LINE).encode()
BOTH = NOTE + ENOCHS_LINE.encode()


def test_the_signature_of_go_is_ours() -> None:
    signer = SignerKey("PeterNeumann", PETER_SEED)
    assert signer.verifier == PETER
    assert sign_note(TEXT, [signer]) == NOTE


def test_notes_of_go_open() -> None:
    assert open_note(NOTE, [PETER]).signers == (PETER,)
    assert open_note(BOTH, [PETER, ENOCH]).signers == (PETER, ENOCH)
    assert open_note(BOTH, [ENOCH]).text == TEXT


def test_the_note_of_c2sp_opens() -> None:
    key = VerifierKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    line = (
        "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    )
    assert open_note(f"This is an example message.\n\n{line}\n".encode(), [key]).signers == (key,)


def test_a_stranger_with_the_same_name_is_ignored() -> None:
    stranger = SignerKey("PeterNeumann", bytes(32)).signature_line(TEXT)
    assert open_note(NOTE + stranger.encode(), [PETER]).signers == (PETER,)


@pytest.mark.parametrize(
    "note",
    [
        TEXT.encode(),
        (TEXT + "\n").encode(),
        (TEXT + "\n" + PETERS_LINE).encode()[:-1],
        b"\x01" + NOTE,
        b"\xff" + NOTE,
        (TEXT + "\n— Bad Name x08go/ZJ" + PETERS_LINE[2:]).encode(),
        NOTE + b"Unexpected line.\n",
        NOTE + b"\n",
        (TEXT + "\n" + PETERS_LINE * 101).encode(),
        (TEXT + "\n" + PETERS_LINE.replace("x08go/ZJ", "x08go/ZK")).encode(),
        (TEXT + "\n" + PETERS_LINE.replace("nAM=", "nAN=")).encode(),
        (TEXT + "\n" + PETERS_LINE.replace("— ", "- ")).encode(),
        (TEXT.replace("answer", "Answer") + "\n" + PETERS_LINE).encode(),
        (TEXT + "\n— PeterNeumann x08go/ZJ\n").encode(),
        BOTH.replace(b"rwz+eBzm", b"rwz+eBzn"),
    ],
)
def test_malformed_and_forged_notes_are_refused(note: bytes) -> None:
    with pytest.raises(NoteRefused):
        open_note(note, [PETER, ENOCH])


def test_a_note_that_only_strangers_signed_is_refused() -> None:
    with pytest.raises(NoteRefused, match="no known key"):
        open_note(NOTE, [ENOCH])


@pytest.mark.parametrize(
    "key",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3",
        "",
    ],
)
def test_bad_verifier_keys_are_refused(key: str) -> None:
    with pytest.raises(NoteRefused):
        VerifierKey.parse(key)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n"])
def test_bad_key_names_are_refused(name: str) -> None:
    with pytest.raises(NoteRefused):
        SignerKey(name, bytes(32))


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(NoteRefused, match="32 bytes"):
        SignerKey("a", bytes(31))


def test_the_worked_example_of_a_checkpoint() -> None:
    signer = SignerKey("audit.example/proxy1", bytes(range(32)))
    assert str(signer.verifier) == "audit.example/proxy1+c755ddef+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    root = bytes.fromhex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
    note = Checkpoint("audit.example/proxy1", 8, root).signed([signer])
    assert note.decode() == (
        "audit.example/proxy1\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n— audit.example/proxy1 "
        "x1Xd7xRUGUbgLl7vHqev7r4MhAUGvN4RrTGQxWq4qChWh5PYFgWTbjqYm19BZKrjNQ9Y7Ztpgm8xlFlvjAluxiwwjgk=\n"
    )
    # The witness's cosignature is a signature of another kind: a stranger's line to us.
    witnessed = (
        note
        + (
            "— witness.example/w1 IDJKvgAAAABpIXPAGoswlSLnx+k5NWfkn7GeYi14Rv8U0wJAYCRxJ6GwcdjvODlf"
            "HI31odxW8TW5A40iXhraBLEU64shXMrQFsfRAA==\n"
        ).encode()
    )
    for one in (note, witnessed):
        assert open_checkpoint(one, [signer.verifier], signer.name) == Checkpoint(signer.name, 8, root)
    with pytest.raises(NoteRefused, match="not of 'other'"):
        open_checkpoint(note, [signer.verifier], "other")


GOOD_ROOT = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="


@pytest.mark.parametrize(
    "text",
    [
        "", "o\n", f"o\n01\n{GOOD_ROOT}\n", f"o\n-1\n{GOOD_ROOT}\n", f"o\n1\n{GOOD_ROOT}", f"\n1\n{GOOD_ROOT}\n",
        f"o\n1\n{GOOD_ROOT[:-1]}\n", "o\n1\nAAAA\n", f"o\n1\n{GOOD_ROOT}\nextension\n", f"o\n١\n{GOOD_ROOT}\n",
        f"o\n1\n{GOOD_ROOT[:-2]}h=\n",
    ],
)  # fmt: skip
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        parse_checkpoint(text)
