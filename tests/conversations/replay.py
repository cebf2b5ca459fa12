"""Replays a transcript through the core, without sockets, and writes down what the core asks for.

A transcript holds the lines below and, indented under each, what the conversation does about it:

    startup: user=ann database=orders minor=0 …      the StartupMessage (first line; optional)
    client: Query "select 1"; Sync                   messages of the client, in one piece
    server: CommandComplete "SELECT 1"; Ready I      messages of the server, in one piece
    permit: #3 max_rows=2 …                          the verdict for ticket 3
    refuse: #3 …                                     the same, a denial
    runner: …                                        everything else that a session is told
"""

import re
import shlex
from dataclasses import fields, replace
from struct import Struct

from puppets import VERSIONS, permitted, refused

from ostiary.model.decision import Denial, Versions
from ostiary.model.identity import Identity, Principal, PrincipalKind
from ostiary.model.names import Oid, Ticket
from ostiary.model.statement import Submission
from ostiary.protocols.postgres import messages
from ostiary.protocols.postgres.conversation import Conversation
from ostiary.protocols.postgres.exchange import Limits
from ostiary.session import actions, events
from ostiary.session.actions import Action

IDENTITY = Identity(Principal(PrincipalKind.AGENT, "robot", "local"), 0, "t1")
PATH = ("pg_catalog", "public")
PARAMETERS = {"client_encoding": "UTF8", "server_version": "15.18"}
_COLUMN = Struct(">IhIhih")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def encode(line: str, *, server: bool) -> bytes:
    """The messages that a line names, separated by `;` outside of quotes."""
    return b"".join(_encode(shlex.split(part), server) for part in _parts(line))


def _parts(line: str) -> list[str]:
    found = re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^;"])+', line)
    return [part.strip() for part in found if part.strip()]


def _encode(words: list[str], server: bool) -> bytes:
    name, *rest = words
    if name == "Raw":
        return bytes.fromhex("".join(rest))
    return (_server if server else _client)(name, rest)


def _client(name: str, rest: list[str]) -> bytes:
    first = rest[0].encode() if rest else b""
    match name:
        case "Query":
            return messages.query(first)
        case "Parse":
            return messages.parse(first, rest[1].encode())
        case "Bind":
            portal, statement, *values = rest
            body = portal.encode() + b"\0" + statement.encode() + b"\0\0\0" + len(values).to_bytes(2, "big")
            for value in values:
                body += len(value).to_bytes(4, "big") + value.encode()
            return messages.frame(b"B", body + b"\0\0")
        case "Describe":
            return messages.describe(first, rest[1].encode())
        case "Execute":
            return messages.execute(first, int(rest[1]) if len(rest) > 1 else 0)
        case "Close":
            return messages.close(first, rest[1].encode())
        case "FunctionCall":
            return messages.frame(b"F", int(first).to_bytes(4, "big") + b"\0\0\0\0\0\0")
        case "CopyData":
            return messages.frame(b"d", first)
        case "CopyFail":
            return messages.copy_fail(first)
        case "Password":
            return messages.password(first)
    return {
        "Sync": messages.SYNC,
        "Flush": messages.FLUSH,
        "Terminate": messages.TERMINATE,
        "CopyDone": messages.frame(b"c", b""),
    }[name]


_EMPTY = {
    "ParseComplete": b"1",
    "BindComplete": b"2",
    "CloseComplete": b"3",
    "NoData": b"n",
    "EmptyQuery": b"I",
    "PortalSuspended": b"s",
    "CopyDone": b"c",
}


def _server(name: str, rest: list[str]) -> bytes:
    first = rest[0] if rest else ""
    match name:
        case "RowDescription":
            columns = [column.split(":") for column in rest]
            body = b"".join(
                label.encode() + b"\0" + _COLUMN.pack(int(oid), int(number), 25, -1, -1, 0)
                for label, oid, number in columns
            )
            return messages.frame(b"T", len(columns).to_bytes(2, "big") + body)
        case "DataRow":
            values = b"".join(len(value.encode()).to_bytes(4, "big") + value.encode() for value in rest)
            return messages.frame(b"D", len(rest).to_bytes(2, "big") + values)
        case "CommandComplete":
            return messages.frame(b"C", first.encode() + b"\0")
        case "Ready":
            return messages.ready(ord(first))
        case "Error" | "Fatal" | "Notice":
            severity = name.upper()
            kind = b"N" if name == "Notice" else b"E"
            return messages.fields({"S": severity, "V": severity, "C": first, "M": " ".join(rest[1:])}, kind)
        case "ParameterStatus":
            return messages.parameter_status(first, rest[1])
        case "Notification":
            return messages.frame(b"A", b"\0\0\0\x07" + first.encode() + b"\0" + rest[1].encode() + b"\0")
        case "ParameterDescription":
            return messages.frame(b"t", b"\0\0")
        case "CopyIn" | "CopyOut":
            return messages.frame(b"G" if name == "CopyIn" else b"H", b"\0\0\0")
        case "CopyBoth":
            return messages.frame(b"W", b"\0\0\0")
        case "CopyData":
            return messages.frame(b"d", first.encode())
        case "FunctionResult":
            return messages.frame(b"V", b"\xff\xff\xff\xff")
    return messages.frame(_EMPTY[name], b"")


def _show(value: bytes) -> str:
    text = value.decode(errors="backslashreplace").replace("\n", " ")
    if "current_schemas" in text:
        text = "<overlay query>" if "pg_inherits" in text else "<state query>"
    return '"' + text + '"'


def _split(data: bytes) -> list[tuple[str, bytes]]:
    found = []
    while data:
        end = 1 + int.from_bytes(data[1:5], "big")
        found.append((chr(data[0]), data[5:end]))
        data = data[end:]
    return found


def to_server(data: bytes) -> str:
    """The messages of a client, readable."""
    return "; ".join(_read_client(kind, body) for kind, body in _split(data))


def _read_client(kind: str, body: bytes) -> str:
    parts = body.split(b"\0")
    match kind:
        case "Q":
            return f"Query {_show(parts[0])}"
        case "P":
            return f"Parse {_show(parts[0])} {_show(parts[1])}"
        case "B":
            return f"Bind {_show(parts[0])} {_show(parts[1])}"
        case "E":
            return f"Execute {_show(parts[0])}"
        case "D" | "C":
            return f"{'Describe' if kind == 'D' else 'Close'} {chr(body[0])} {_show(parts[0][1:])}"
        case "d" | "f":
            return f"{'CopyData' if kind == 'd' else 'CopyFail'} {_show(parts[0])}"
    return {"S": "Sync", "H": "Flush", "X": "Terminate", "c": "CopyDone", "F": "FunctionCall"}[kind]


_NAMES = {
    "1": "ParseComplete", "2": "BindComplete", "3": "CloseComplete", "n": "NoData", "I": "EmptyQuery",
    "s": "PortalSuspended", "c": "CopyDone", "G": "CopyIn", "H": "CopyOut", "T": "RowDescription",
    "t": "ParameterDescription", "V": "FunctionResult", "A": "Notification", "v": "NegotiateProtocolVersion",
}  # fmt: skip


def to_client(data: bytes) -> str:
    """The messages of a server, readable."""
    return "; ".join(_read_server(kind, body) for kind, body in _split(data))


def _read_server(kind: str, body: bytes) -> str:
    match kind:
        case "E" | "N":
            found = messages.read_fields(body, 0, len(body))
            extra = "".join(f" {code}={found[code]!r}" for code in "DHR" if code in found)
            return f"{found['S'].title()} {found['C']} {found['M']!r}{extra}"
        case "Z":
            return f"Ready {chr(body[0])}"
        case "C":
            return f"CommandComplete {_show(body[:-1])}"
        case "D":
            return f"DataRow {_show(body[6:])}"
        case "d":
            return f"CopyData {_show(body)}"
        case "S":
            name, value = messages.read_parameter_status(body, 0, len(body))
            return f"ParameterStatus {name}={value}"
        case "K":
            process_id, key = messages.read_backend_key_data(body, 0, len(body))
            return f"BackendKeyData {process_id} {key.hex()}"
        case "R":
            return {0: "AuthenticationOk", 3: "AuthenticationCleartextPassword"}[int.from_bytes(body[:4], "big")]
    return _NAMES[kind]


def show(action: Action) -> str:
    """One line for one action."""
    match action:
        case actions.Forward(permit, data):
            return f"forward {to_server(data)}" + (f" (permit {_show(permit.text)})" if b"Q" in data[:1] else "")
        case actions.SendToServer(data):
            return f"to server: {to_server(data)}"
        case actions.SendToClient(data):
            return f"to client: {to_client(data)}"
        case actions.Decide(ticket, submission, overlay):
            return f"decide #{ticket} {_submission(submission)}" + (" with overlay" if overlay is not None else "")
        case actions.Record(ticket, outcome, wait):
            rows = "" if outcome.rows is None else f" {outcome.rows} rows"
            state = f" {outcome.sqlstate}" if outcome.sqlstate else ""
            said = f" {outcome.tag!r}" if outcome.tag else ""
            return f"record #{ticket} {outcome.kind}{said}{rows}{state}" + (" and wait" if wait else "")
        case actions.Authenticate(token, database, settings, claimed):
            claims = [f"{name}={getattr(claimed, name)}" for name in ("purpose", "ticket", "workflow", "run")]
            claims = [one for one in claims if not one.endswith("None")]
            return f"authenticate {token.decode()!r} for {database}, settings {dict(settings)}, claimed {claims}"
        case actions.Connect(settings, minor):
            return f"connect, settings {dict(settings)}, minor {minor}"
        case actions.Close(reason):
            return f"close: {reason}"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(action).__name__).lower()


def _submission(submission: Submission) -> str:
    view = submission.view
    shown = f"{submission.stage.value} {_show(submission.text)}"
    if submission.parameters:
        shown += f" parameters {[None if one is None else one.decode() for one in submission.parameters]}"
    if submission.function_oid is not None:
        shown += f" function {submission.function_oid}"
    if view.prepared:
        shown += f" knowing {sorted(view.prepared)}"
    if view.search_path != PATH:
        shown += f" path {','.join(view.search_path)}"
    if view.in_transaction:
        shown += " in transaction"
    if view.claimed.ticket is not None:
        shown += f" claiming ticket {view.claimed.ticket}"
    return shown


class Replay:
    """One conversation, told the lines of a transcript."""

    def __init__(self) -> None:
        self.conversation: Conversation | None = None
        self.submissions: dict[int, bytes] = {}
        self.versions = VERSIONS
        self.said: list[str] = []

    def line(self, line: str) -> list[str]:
        """Tell one line; get what the conversation does about it, a line each."""
        who, _, what = line.partition(":")
        what = what.strip()
        made: list[Action] = []
        if who == "startup":
            self._start(what)
            made = self._tell(events.ClientSent(b""))
        elif who == "open":
            made = self._open(what)
        else:
            for event in self._events(who, what):
                made += self._tell(event)
        return [show(action) for action in made]

    def _tell(self, event: events.Event) -> list[Action]:
        if self.conversation is None:
            raise AssertionError("a transcript begins with startup or open")
        made = self.conversation.receive(event)
        for action in made:
            if isinstance(action, actions.Decide):
                self.submissions[action.ticket] = action.submission.text
        return made

    def _start(self, what: str) -> None:
        given = dict(word.split("=", 1) for word in shlex.split(what))
        minor = int(given.pop("minor", "0"))
        lazy = given.pop("lazy", None) is not None
        limits = Limits(
            **{name: int(given.pop(name)) for name in [one.name for one in fields(Limits)] if name in given}
        )
        self.conversation = Conversation(
            given,
            minor,
            limits=limits,
            lazy=lazy,
            known_parameters={"server_version": "15.18"} if lazy else None,
            key_data=(99, b"lazy") if lazy else None,
        )

    def _open(self, what: str) -> list[Action]:
        """Startup, password and backend in one line, for transcripts that are about something else."""
        unanalysed = "unanalysed" in what
        self._start("user=ann " + what.replace("unanalysed", ""))
        self._tell(events.ClientSent(b""))
        self._tell(events.ClientSent(messages.password(b"token")))
        self._tell(events.Authenticated(IDENTITY, PATH, unanalysed))
        self._tell(events.BackendReady(PARAMETERS, 4711, b"\x01\x02\x03\x04"))
        return []

    def _events(self, who: str, what: str) -> list[events.Event]:
        match who:
            case "client":
                return [events.ClientSent(encode(what, server=False))]
            case "server":
                return [events.ServerSent(encode(what, server=True))]
            case "permit":
                return [self._permit(what)]
            case "refuse":
                number, *rest = what.split()
                return [events.Decided(Ticket(int(number[1:])), refused(*rest))]
            case "policy":
                self.versions = Versions(what.strip(), "c1", "m1")
                return []
        return [self._runner(what)]

    def _permit(self, what: str) -> events.Event:
        number, *words = shlex.split(what)
        ticket = int(number[1:])
        options = dict(word.partition("=")[::2] for word in words)
        text = self.submissions.get(ticket, b"")
        verdict = permitted(
            text,
            rewritten=options["as"].encode() if "as" in options else None,
            max_rows=int(options["max_rows"]) if "max_rows" in options else None,
            masked="masked" in options,
            forbidden=frozenset((Oid(int(one)), 2) for one in options.get("forbidden", "").split(",") if one),
            notices=(options["notice"],) if "notice" in options else (),
            versions=self.versions,
        )
        if "row_cap" in options:
            verdict = replace(verdict, permit=replace(verdict.permit, row_cap=int(options["row_cap"])))
        return events.Decided(Ticket(ticket), verdict)

    def _runner(self, what: str) -> events.Event:
        words = shlex.split(what)
        match words:
            case ["client", "left"]:
                return events.ClientLeft()
            case ["server", "left"]:
                return events.ServerLeft()
            case ["recorded", number]:
                return events.Recorded(Ticket(int(number[1:])))
            case ["catalog", "refreshed"]:
                return events.CatalogRefreshed()
            case ["authenticated", *rest]:
                path = None if "path=?" in rest else PATH
                return events.Authenticated(IDENTITY, path, "unanalysed" in rest)
            case ["refused", code, sqlstate]:
                return events.AuthenticationRefused(Denial(code, "not with this token", sqlstate=sqlstate))
            case ["unavailable"]:
                return events.BackendUnavailable(Denial("upstream-down", "no database", sqlstate="08001"))
            case ["ended"]:
                return events.Ended(Denial("killed", "terminated by an administrator", sqlstate="57P01"))
            case ["backend", *pairs]:
                parameters = PARAMETERS | dict(pair.split("=", 1) for pair in pairs)
                return events.BackendReady(parameters, 4711, b"\x01\x02\x03\x04")
        raise AssertionError(f"unknown line: {what}")


def replayed(transcript: str) -> str:
    """The transcript as the conversation now makes it."""
    replay = Replay()
    lines: list[str] = []
    for line in transcript.splitlines():
        if line.startswith(" "):
            continue
        lines.append(line)
        if line.strip() and not line.startswith("#"):
            lines += [f"    {one}" for one in replay.line(line)]
    return "\n".join(lines) + "\n"
