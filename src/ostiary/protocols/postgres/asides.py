"""What the server says without being asked, at any place between two messages: notices, notifications, parameters."""

from ostiary.masking.scrub import scrub_error
from ostiary.model.decision import Denial
from ostiary.protocols.postgres import messages
from ostiary.protocols.postgres.exchange import Exchange, SessionOver
from ostiary.protocols.postgres.expected import Expected
from ostiary.session.answers import Recipient

ENCODING = Denial(
    "encoding-refused",
    "the session's client_encoding must be UTF8, and standard_conforming_strings on",
    hint="set PGCLIENTENCODING=UTF8, or client_encoding=UTF8 in the connection string",
    sqlstate="22023",
)


def scrubbed(x: Exchange, found: dict[str, str], kind: bytes) -> bytes | None:
    """None to pass it on as it came; a masked principal gets it rebuilt, without anything from the data."""
    return messages.fields(scrub_error(found), kind) if x.masked else None


def notice(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    """NoticeResponse: what our own probes cause is not for the client."""
    if head is not None and head.recipient is not Recipient.CLIENT and not head.step:
        return b""
    if not x.masked:
        return None
    return scrubbed(x, messages.read_fields(data, at, end), b"N")


def notification(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    """NotificationResponse."""
    # Its payload may be anything that a trigger saw.
    return b"" if x.masked else None


def parameter_status(x: Exchange, head: Expected | None, data: bytes, at: int, end: int) -> bytes | None:
    """ParameterStatus."""
    name, value = messages.read_parameter_status(data, at, end)
    check_parameter(x, name, value)
    if name == "search_path":
        x.view.stale = True
    return None


def check_parameter(x: Exchange, name: str, value: str) -> None:
    """An encoding or lexer mode in which we and the server would read the same bytes differently ends the session."""
    if x.unanalysed:
        return
    if (name == "client_encoding" and value != "UTF8") or (name == "standard_conforming_strings" and value != "on"):
        raise SessionOver(ENCODING)
