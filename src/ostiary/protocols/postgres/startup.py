"""What the startup message asks for: settings, and what is claimed about why.

`options` is split exactly as the server splits it (pg_split_opts, process_postgres_switches): a setting that the server
would see and we would not is a hole (CVE-2025-12819).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ostiary.model.errors import ProtocolViolation
from ostiary.model.identity import Circumstances

_SPACES = " \t\n\v\f\r"
CLAIMS = "ostiary."
CLAIM_NAMES = frozenset({"purpose", "ticket", "workflow", "run"})
_NOT_SETTINGS = frozenset({"user", "database", "options"})


@dataclass(frozen=True, slots=True)
class Opening:
    """A startup message, understood. Setting names are in lower case, as the server compares them."""

    user: str
    database: str
    settings: dict[str, str]
    claimed: Circumstances = field(default_factory=Circumstances)


def opening(parameters: Mapping[str, str]) -> Opening:
    """Read the parameters of a StartupMessage; what is not understood is a violation."""
    user = parameters.get("user", "")
    if not user:
        raise ProtocolViolation("no PostgreSQL user name specified in startup packet", sqlstate="28000")
    asked = dict(parse_options(parameters.get("options", "")))
    # Both come from the client; the server applies the switches first, so the packet's own pairs win.
    asked |= {name.lower(): value for name, value in parameters.items() if name not in _NOT_SETTINGS}
    if "replication" in asked:
        raise ProtocolViolation("replication does not pass this gate", sqlstate="42501")
    claims = {name: asked.pop(name) for name in list(asked) if name.startswith(CLAIMS)}
    return Opening(user, parameters.get("database") or user, asked, _circumstances(claims))


def _circumstances(claims: Mapping[str, str]) -> Circumstances:
    said: dict[str, str] = {}
    for name, value in claims.items():
        short = name.removeprefix(CLAIMS)
        if short not in CLAIM_NAMES:
            raise ProtocolViolation(
                f"unknown setting {name!r}",
                sqlstate="42704",
                hint="known are " + ", ".join(sorted(CLAIMS + one for one in CLAIM_NAMES)),
            )
        said[short] = value
    return Circumstances(
        purpose=said.get("purpose"),
        ticket=said.get("ticket"),
        workflow=said.get("workflow"),
        run=said.get("run"),
    )


def split_options(options: str) -> list[str]:
    """pg_split_opts: words between white space; a backslash takes the next character as it is."""
    words: list[str] = []
    at = 0
    while True:
        while at < len(options) and options[at] in _SPACES:
            at += 1
        if at == len(options):
            return words
        word: list[str] = []
        escaped = False
        while at < len(options) and (escaped or options[at] not in _SPACES):
            if options[at] == "\\" and not escaped:
                escaped = True
            else:
                word.append(options[at])
                escaped = False
            at += 1
        words.append("".join(word))


def parse_options(options: str) -> list[tuple[str, str]]:
    """The settings in `options`: ``-c name=value``, ``-cname=value``, ``--name=value``; any other switch is refused."""
    settings: list[tuple[str, str]] = []
    words = iter(split_options(options))
    for word in words:
        if word == "-c":
            assignment = next(words, "")
        elif word.startswith(("-c", "--")):
            assignment = word[2:]
        else:
            raise ProtocolViolation(
                "startup options hold a switch that is not a setting",
                sqlstate="42501",
                hint="only -c name=value and --name=value pass",
            )
        name, equals, value = assignment.partition("=")
        if not name or not equals:
            raise ProtocolViolation("a setting in startup options needs a name and a value", sqlstate="42601")
        # ParseLongOption: "-" stands for "_" in the name.
        settings.append((name.replace("-", "_").lower(), value))
    return settings
