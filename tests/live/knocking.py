"""A client that says what it likes: bytes in, messages out. Nothing of the gate's own code is in it."""

import socket
import ssl
import struct
from dataclasses import dataclass, field
from pathlib import Path

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
GSSENC_REQUEST = struct.pack("!ii", 8, 80877104)
PROTOCOL_3 = 3 << 16
SECONDS = 30.0


def startup(**parameters: str) -> bytes:
    """A StartupMessage; underscores stand for themselves."""
    pairs = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"
    return struct.pack("!ii", len(pairs) + 8, PROTOCOL_3) + pairs


def message(kind: str, content: bytes = b"", length: int | None = None) -> bytes:
    """A message, with a length that may be a lie."""
    return kind.encode() + struct.pack("!I", (len(content) + 4 if length is None else length) & 0xFFFFFFFF) + content


def query(text: bytes) -> bytes:
    return message("Q", text + b"\0")


@dataclass
class Client:
    """One connection. `errors` are the ErrorResponses so far, as fields by letter; `closed` is how it ended."""

    port: int
    sock: socket.socket = field(init=False)
    heard: bytes = b""

    def __post_init__(self) -> None:
        self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def encrypt(self, ca: Path) -> None:
        """SSLRequest and the handshake."""
        self.send(SSL_REQUEST)
        if self.raw(1) != b"S":
            raise ConnectionError("no TLS is offered")
        context = ssl.create_default_context(cafile=str(ca))
        self.sock = context.wrap_socket(self.sock, server_hostname="127.0.0.1")

    def send(self, data: bytes) -> None:
        """All of it, or as much as the other side takes before it closes."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            return

    def raw(self, count: int) -> bytes:
        """So many bytes; fewer when the other side has closed."""
        while len(self.heard) < count:
            try:
                piece = self.sock.recv(65536)
            except (ConnectionResetError, ssl.SSLEOFError, ssl.SSLError):
                break
            if not piece:
                break
            self.heard += piece
        found, self.heard = self.heard[:count], self.heard[count:]
        return found

    def receive(self) -> tuple[str, bytes] | None:
        """One message; None at the end of the stream."""
        head = self.raw(5)
        if len(head) < 5:
            return None
        return chr(head[0]), self.raw(struct.unpack("!I", head[1:])[0] - 4)

    def until(self, last: str) -> list[tuple[str, bytes]]:
        """Messages up to one of that type, or to the end of the stream."""
        found: list[tuple[str, bytes]] = []
        while (got := self.receive()) is not None:
            found.append(got)
            if got[0] == last:
                break
        return found

    def log_in(self, token: str, **parameters: str) -> list[tuple[str, bytes]]:
        """Say who is there; everything up to ReadyForQuery, or to the end."""
        self.send(startup(**({"user": "anybody", "database": "live"} | parameters)))
        asked = self.until("R")
        if not asked or asked[-1] != ("R", struct.pack("!i", 3)):
            return asked
        self.send(message("p", token.encode() + b"\0"))
        return self.until("Z")


def errors(said: list[tuple[str, bytes]]) -> list[dict[str, str]]:
    """The fields of the ErrorResponses among these messages."""
    found = []
    for kind, content in said:
        if kind == "E":
            parts = [part.decode() for part in content.split(b"\0") if part]
            found.append({part[0]: part[1:] for part in parts})
    return found
