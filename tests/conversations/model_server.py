"""A small model of a PostgreSQL backend: enough of its state machine to tell what a client sees and what is committed.

With `forbidden` it refuses by itself what policy refuses: that is what the gate has to look like from outside.
"""

from collections.abc import Callable

from ostiary.protocols.postgres import messages

IDLE, OPEN, ABORTED = b"I", b"T", b"E"


class Failed(Exception):
    """The message at hand fails with this SQLSTATE."""


class ModelServer:
    """Takes whole messages of a client, gives the bytes a server answers."""

    def __init__(self, forbidden: Callable[[bytes, tuple[bytes, ...]], bool] | None = None) -> None:
        self.forbidden = forbidden or (lambda text, parameters: False)
        self.status = IDLE
        self.statements: dict[bytes, bytes] = {}
        self.portals: dict[bytes, tuple[bytes, tuple[bytes, ...]]] = {}
        self.finished: set[bytes] = set()
        self.committed: list[bytes] = []
        self.uncommitted: list[bytes] = []
        self.block = False
        self.skipping = False
        self.copying: str | None = None
        self.rest: list[bytes] = []
        self.copied: list[bytes] = []
        self.seen: list[bytes] = []
        self.gone = False
        self.out = b""

    def receive(self, data: bytes) -> bytes:
        """Deal with whole messages."""
        self.out = b""
        while data and not self.gone:
            end = 1 + int.from_bytes(data[1:5], "big")
            self._message(data[:1], data[5:end])
            data = data[end:]
        return self.out

    def _say(self, kind: bytes, body: bytes = b"") -> None:
        self.out += messages.frame(kind, body)

    def _error(self, code: str, severity: str = "ERROR") -> None:
        self.out += messages.fields({"S": severity, "V": severity, "C": code, "M": "failed"})

    def _message(self, kind: bytes, body: bytes) -> None:
        if self.copying is not None:
            self._copy_message(kind, body)
        elif kind == b"X":
            self.gone = True
        elif kind == b"S":
            self.skipping = False
            self._end_of_batch()
        elif not self.skipping and kind not in b"dcfH":
            try:
                self._work(kind, body)
            except Failed as failed:
                self._fail(str(failed), extended=kind not in b"QF")

    def _fail(self, code: str, *, extended: bool) -> None:
        self._error(code)
        self.uncommitted = []
        self.rest = []
        if self.block:
            self.status = ABORTED
        self.portals = {} if not self.block else self.portals
        if extended:
            self.skipping = True
        else:
            self._ready()

    def _ready(self) -> None:
        if not self.block:
            self.status = IDLE
            self.committed += self.uncommitted
            self.uncommitted = []
            self.portals = {}
            self.finished = set()
        self._say(b"Z", self.status)

    def _end_of_batch(self) -> None:
        self._ready()

    def _work(self, kind: bytes, body: bytes) -> None:
        match kind:
            case b"Q":
                self._query(body[:-1])
            case b"P":
                self._parse(body)
            case b"B":
                self._bind(body)
            case b"D":
                self._describe(body)
            case b"E":
                self._execute(body[: body.index(b"\0")])
            case b"C":
                names: dict[bytes, object] = self.statements if body[:1] == b"S" else self.portals  # type: ignore[assignment]
                names.pop(body[1:-1], None)
                self._say(b"3")

    def _check(self, text: bytes, parameters: tuple[bytes, ...] = ()) -> None:
        if text.startswith(b"refused by ostiary"):
            raise Failed("42601")
        if self.forbidden(text, parameters):
            raise Failed("42501")

    def _query(self, text: bytes) -> None:
        self.seen.append(text)
        self.statements.pop(b"", None)
        self.portals.pop(b"", None)
        self._check(text)
        self.rest = [part.strip() for part in text.split(b";") if part.strip()]
        if not self.rest:
            self._say(b"I")
        self._go_on()

    def _go_on(self) -> None:
        while self.rest:
            part = self.rest.pop(0)
            if part.startswith(b"copy") and self.status != ABORTED:
                self.copying = "simple"
                self.copied = []
                self._say(b"G", b"\0\0\0")
                return
            self._run(part)
        self._ready()

    def _parse(self, body: bytes) -> None:
        name, text, _ = body.split(b"\0", 2)
        self.seen.append(text)
        if not name:
            self.statements.pop(b"", None)
        self._check(text)
        self._not_aborted(text)
        if name in self.statements:
            raise Failed("42P05")
        self.statements[name] = text
        self._say(b"1")

    def _bind(self, body: bytes) -> None:
        portal, name, _ = body.split(b"\0", 2)
        _, _, parameters = messages.read_bind(body, 0, len(body))
        if name not in self.statements:
            raise Failed("26000")
        given = tuple(one or b"" for one in parameters)
        self._check(self.statements[name], given)
        self._not_aborted(self.statements[name])
        if portal and portal in self.portals:
            raise Failed("42P03")
        self.portals[portal] = (self.statements[name], given)
        self.finished.discard(portal)
        self._say(b"2")

    def _describe(self, body: bytes) -> None:
        known = self.statements if body[:1] == b"S" else self.portals
        name = body[1:-1]
        if name not in known:
            raise Failed("26000" if body[:1] == b"S" else "34000")
        if self.status == ABORTED:
            raise Failed("25P02")
        if body[:1] == b"S":
            self._say(b"t", b"\0\0")
        text = self.statements[name] if body[:1] == b"S" else self.portals[name][0]
        if text.startswith(b"select"):
            self._say(b"T", b"\0\0")
        else:
            self._say(b"n")

    def _execute(self, portal: bytes) -> None:
        if portal not in self.portals:
            raise Failed("34000")
        text = self.portals[portal][0]
        if not text:
            self._say(b"I")
            return
        self._not_aborted(text)
        if portal in self.finished:
            raise Failed("55000")
        self.finished.add(portal)
        if text.startswith(b"copy"):
            self.copying = "extended"
            self.copied = []
            self._say(b"G", b"\0\0\0")
            return
        self._run(text)

    def _not_aborted(self, text: bytes) -> None:
        if self.status == ABORTED and text not in (b"rollback", b"commit"):
            raise Failed("25P02")

    def _run(self, text: bytes) -> None:
        self._not_aborted(text)
        word = text.split()[0]
        match word:
            case b"begin":
                self.block = True
                self.status = OPEN
            case b"commit" | b"rollback":
                if word == b"commit" and self.status != ABORTED:
                    self.committed += self.uncommitted
                self.uncommitted = []
                self.block = False
                self.status = IDLE
            case b"fail":
                raise Failed("22012")
            case b"insert":
                self.uncommitted.append(text)
            case b"select":
                self._say(b"D", b"\0\1\0\0\0\1x")
        self._say(b"C", word.upper() + b" 1\0")

    def _copy_message(self, kind: bytes, body: bytes) -> None:
        mode = self.copying
        if kind == b"d":
            self.copied.append(body)
            if body == b"bad":
                self.copying = None
                self._fail("22P02", extended=mode == "extended")
        elif kind == b"c":
            self.copying = None
            self.uncommitted += self.copied
            self._say(b"C", b"COPY %d\0" % len(self.copied))
            if mode == "simple":
                self._go_on()
        elif kind == b"f":
            self.copying = None
            self._fail("57014", extended=mode == "extended")
        elif kind not in b"SH":
            self._error("08P01", "FATAL")
            self.gone = True
