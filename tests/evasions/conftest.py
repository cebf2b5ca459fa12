"""A gate without a wire: analyse, shape, run on a real server, and look at every byte that a client would get."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import pq

from ostiary.analysis.analyse import analyse
from ostiary.analysis.catalog import CATALOG_QUERY, Catalog, from_json
from ostiary.analysis.parse import SqlNotUnderstood, parse
from ostiary.demo.cluster import Cluster
from ostiary.masking.apply import shape_statement
from ostiary.masking.plan import forbidden_origins, plan_for
from ostiary.masking.scrub import scrub_error
from ostiary.model.decision import Denial
from ostiary.model.mask import NONE, ClassMap, Mask, MaskKind, MaskPlan, Unclassified
from ostiary.model.names import ClassName, RelationName

SHARED = Path(__file__).parents[2].parent / "shared" / "evasions"
OWN_SETUP = Path(__file__).with_name("setup.sql")

SECRETS = (
    "corp-secret",
    "912-34-5678",
    "923-45-6789",
    "934-56-7890",
    "Quimbyzz",
    "Vexlerqq",
    "Wombatt",
    "555 0100",
    "bulk-secret",
    "999-88-7777",
)

SENSITIVE = {
    "email": "pii.email",
    "customer_email": "pii.email",
    "email_l": "pii.email",
    "ssn": "pii.ssn",
    "full_name": "pii.name",
    "notes": "pii.text",
}
REVIEWED = frozenset({"id", "balance", "amount", "customer_id", "region", "x", "t", "msg"})

MASKS = {
    ClassName("pii.email"): Mask(MaskKind.PSEUDONYM),
    ClassName("pii.ssn"): Mask(MaskKind.PARTIAL, keep_last=4),
    ClassName("pii.name"): Mask(MaskKind.NULL),
    ClassName("pii.text"): Mask(MaskKind.REDACT_TEXT),
}


def spellings(secret: str) -> frozenset[bytes]:
    """A secret in the encodings in which SQL can write it."""
    raw = secret.encode()
    found = {raw.lower(), raw[::-1].lower(), raw.hex().encode(), raw[::-1].hex().encode()}
    for shift in range(3):
        inside = base64.b64encode(b"\0" * shift + raw)
        # Without the characters that depend on what stands before and behind.
        found.add(inside[2 if shift else 0 : -4].lower())
    return frozenset(one for one in found if len(one) > 5)


LEAKS = frozenset().union(*(spellings(secret) for secret in SECRETS))


def leaks(said: list[str]) -> list[str]:
    """What of it shows a secret."""
    return [one for one in said if any(leak in one.encode().lower() for leak in LEAKS)]


def classes_of(catalog: Catalog, unclassified: Unclassified, reviewed: frozenset[RelationName] | None) -> ClassMap:
    """Sensitive names are classified wherever they stand; others only in the relations that were there at review."""
    columns: dict[RelationName, dict[str, ClassName]] = {}
    for name, relation in catalog.relations.items():
        if name.schema in ("pg_catalog", "information_schema"):
            continue
        for column in relation.columns:
            if column.name in SENSITIVE:
                columns.setdefault(name, {})[column.name] = ClassName(SENSITIVE[column.name])
            elif column.name in REVIEWED and (reviewed is None or name in reviewed):
                columns.setdefault(name, {})[column.name] = NONE
    return ClassMap("tests", columns, MASKS, unclassified)


@dataclass
class Outcome:
    """What one text did: why it was refused, or what the client was sent."""

    refused: str = ""
    said: list[str] = field(default_factory=list)
    failed: bool = False
    sent: bytes = b""


class Gate:
    """One masked session. `text` in, everything that a client would see out."""

    def __init__(
        self,
        dsn: str,
        unclassified: Unclassified,
        reviewed: frozenset[RelationName] | None = None,
        *,
        steady: bool = False,
    ) -> None:
        self.steady = steady  # nothing changes the catalog: look once
        self._unclassified = unclassified
        self._reviewed = reviewed
        self.connection = psycopg.connect(dsn, autocommit=True)
        self._notices: list[str] = []
        self.connection.pgconn.notice_handler = lambda result: self._notices.append(str(scrub_error(_fields(result))))
        self._prepared: set[str] = set()
        self._catalog: Catalog | None = None
        self._planned: tuple[Catalog, MaskPlan] | None = None

    def close(self) -> None:
        self.connection.close()

    @property
    def plan(self) -> MaskPlan:
        """For somebody who may read no class in clear."""
        catalog = self.catalog
        if self._planned is None or self._planned[0] is not catalog:
            classes = classes_of(catalog, self._unclassified, self._reviewed)
            self._planned = (catalog, plan_for(classes, catalog, lambda _: False))
        return self._planned[1]

    @property
    def catalog(self) -> Catalog:
        """As this session sees it now; in a failed transaction, as it saw it before."""
        failed = self.connection.pgconn.transaction_status == pq.TransactionStatus.INERROR
        if self._catalog is None or not (failed or self.steady):
            result = self.connection.pgconn.exec_(CATALOG_QUERY.encode())
            value = result.get_value(0, 0)
            assert value is not None, result.error_message
            self._catalog = from_json(value)
        return self._catalog

    def raw(self, text: str) -> None:
        """Past the gate."""
        _drain(self.connection.pgconn, text.encode())

    def run(self, text: str) -> Outcome:
        """Through the gate."""
        catalog = self.catalog
        plan = self.plan
        try:
            parsed = parse(text.encode())
            analysis = analyse(parsed, catalog, catalog.implicit_path)
        except SqlNotUnderstood as error:
            return Outcome(refused=error.message, said=[error.message])
        except Exception as error:
            # A session whose core raises is closed on both sides (session/machine.py).
            return Outcome(refused=f"closed: {error!r}", said=["closed"])
        for statement in analysis.statements:
            if statement.executes is not None and statement.executes not in self._prepared:
                return Outcome(refused="unknown prepared statement")
        shaped = shape_statement(parsed, analysis, catalog, plan)
        if isinstance(shaped, Denial):
            return Outcome(refused=shaped.detail or shaped.message, said=[shaped.message, shaped.detail, shaped.hint])
        self._prepared |= {one.prepares for one in analysis.statements if one.prepares}
        self._notices.clear()
        origins = forbidden_origins(plan, catalog)
        said, failed = list(shaped.notices), False
        for result in _drain(self.connection.pgconn, shaped.text):
            if isinstance(result, bytes):
                said.append(repr(result))
                continue
            for number in range(result.nfields):
                origin = (result.ftable(number), result.ftablecol(number))
                assert origin not in origins, f"the tripwire would have fired for {text}"
                said.append(repr(result.fname(number)))
            if result.status == pq.ExecStatus.FATAL_ERROR:
                failed = True
                said.append(str(scrub_error(_fields(result))))
            said += [
                repr(result.get_value(row, column)) for row in range(result.ntuples) for column in range(result.nfields)
            ]
            said.append(repr(result.command_status))
        said += self._notices
        while (notification := self.connection.pgconn.notifies()) is not None:
            said.append(repr(notification))
        return Outcome(said=said, failed=failed, sent=shaped.text)


def _fields(result: Any) -> dict[str, str]:
    found = {}
    for letter in pq.DiagnosticField:
        value = result.error_field(letter)
        if value is not None:
            found[chr(letter)] = value.decode("utf-8", "replace")
    return found


def _drain(connection: Any, text: bytes) -> list[Any]:
    """Send a text and take everything that comes back: results, and the data of COPY as bytes."""
    found: list[Any] = []
    connection.send_query(text)
    while (result := connection.get_result()) is not None:
        found.append(result)
        if result.status == pq.ExecStatus.COPY_OUT:
            while True:
                size, data = connection.get_copy_data(0)
                if size < 0:
                    break
                found.append(bytes(data))
        elif result.status == pq.ExecStatus.COPY_IN:
            connection.put_copy_end(b"the test sends nothing")
    return found


class Databases:
    """A throw-away server with the schema of the catalogue in database `base`, and fresh copies of it on demand."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._clean: set[str] = set()

    def dsn(self, database: str, user: str = "postgres") -> str:
        return self.cluster.url(database, user)

    def copy(self, name: str) -> None:
        """A database like `base`; the one that is there, as long as nothing was changed in it."""
        if name in self._clean:
            return
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f'drop database if exists "{name}" with (force)'.encode())
            connection.execute(f'create database "{name}" template base'.encode())
            connection.execute(f'grant create, temporary on database "{name}" to public'.encode())
        self._clean.add(name)

    def spoil(self, name: str) -> None:
        """The database is no longer like `base`."""
        self._clean.discard(name)


def _binaries() -> Path | None:
    """An installed PostgreSQL with all contrib modules; None: the embedded one, which lacks a few."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def _setup(dsn: str, port: int) -> str:
    script = (SHARED / "setup.sql" if (SHARED / "setup.sql").exists() else OWN_SETUP).read_text(encoding="utf-8")
    with psycopg.connect(dsn, autocommit=True) as connection:
        there = {row[0] for row in connection.execute("select name from pg_available_extensions")}
    wanted = re.findall(r"create extension (\w+);", script)
    for name in set(wanted) - there:
        script = script.replace(f"create extension {name};", "")
    return script.replace("DBNAME", "base").replace("55999", str(port))


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    with Cluster(binaries=_binaries()) as cluster:
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            connection.execute("create database base")
        script = _setup(cluster.url(), cluster.port)
        with psycopg.connect(cluster.url("base"), autocommit=True) as connection:
            connection.execute(script.encode())
            for role in ("app_owner", "agent", "agent_h", "other_user"):
                connection.execute(f"alter role {role} password '{cluster.password}'".encode())
        yield Databases(cluster)


@pytest.fixture(scope="session")
def reviewed(databases: Databases) -> frozenset[RelationName]:
    """The relations that were there when the classes were reviewed."""
    with psycopg.connect(databases.dsn("base"), autocommit=True) as connection:
        row = connection.execute(CATALOG_QUERY.encode()).fetchone()
    assert row is not None
    return frozenset(from_json(row[0]).relations)


@dataclass
class Played:
    """One case of the catalogue, played: what the client saw of each step, in order."""

    outcomes: list[Outcome]

    @property
    def said(self) -> list[str]:
        return [one for outcome in self.outcomes for one in outcome.said]


def play(
    databases: Databases,
    case: dict[str, Any],
    steps: list[Any],
    user: str,
    reviewed: frozenset[RelationName],
    mode: Unclassified,
) -> Played:
    """Set up and play the steps of a case in a database of its own."""
    databases.copy("played")
    if case.get("setup"):
        databases.spoil("played")
        with psycopg.connect(databases.dsn("played"), autocommit=True) as connection:
            for text in case["setup"]:
                # Some cases name the database of the machine that they were found on.
                _drain(connection.pgconn, text.replace("database cx", "database played").encode())
    gate = Gate(databases.dsn("played", user), mode, reviewed)
    others: dict[str, psycopg.Connection[Any]] = {}
    outcomes = []
    try:
        for step in steps:
            if isinstance(step, str):
                outcomes.append(gate.run(step))
                if re.match(rb"(?i)\s*(select|show|set|with|values|table)\b", outcomes[-1].sent or b"select") is None:
                    databases.spoil("played")
            elif "raw" in step:
                databases.spoil("played")
                gate.raw(step["raw"])
            else:
                if step["as"] not in others:
                    others[step["as"]] = psycopg.connect(databases.dsn("played", step["as"]), autocommit=True)
                _drain(others[step["as"]].pgconn, step["sql"].encode())
    finally:
        gate.close()
        for other in others.values():
            other.close()
    return Played(outcomes)


def role_of(case: dict[str, Any]) -> str:
    """The role that the case needs, as the catalogue says."""
    needed = str(case.get("min_role", ""))
    if "superuser" in needed:
        return "postgres"
    return "app_owner" if "owner" in needed else "agent"


@dataclass
class Kit:
    """What the tests of this folder use, so that they need not import each other."""

    databases: Databases
    reviewed: frozenset[RelationName]

    def gate(self, database: str, user: str = "agent", unclassified: Unclassified = Unclassified.DENY) -> Gate:
        """A session on a database where nothing changes the catalog."""
        return Gate(self.databases.dsn(database, user), unclassified, self.reviewed, steady=True)

    def play(
        self, case: dict[str, Any], other: bool, user: str | None = None, mode: Unclassified = Unclassified.DENY
    ) -> Played:
        steps = case["steps_other_guess"] if other else case.get("steps") or [case["sql"]]
        return play(self.databases, case, steps, user or role_of(case), self.reviewed, mode)

    @staticmethod
    def leaks(said: list[str]) -> list[str]:
        return leaks(said)


@pytest.fixture(scope="session")
def kit(databases: Databases, reviewed: frozenset[RelationName]) -> Kit:
    return Kit(databases, reviewed)
