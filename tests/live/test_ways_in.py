"""Every way for a client to come in, and every way for the gate to log in: the same programs see the same."""

from itertools import product

import drive_asyncpg
import drive_psycopg
import psycopg
import pytest
from rig import DATABASE, LISTENERS, PASSWORD, Gate, Server, datasource, gate, role_of

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("bounded")]
pytest_plugins = ["rigging"]

GATES = ("gate_18", "gate_15")
DATASOURCES = {
    "gate_18": (DATABASE, "lazy", "md5", "password", "trust"),
    "gate_15": (DATABASE, "login", "md5", "trust"),
}
WAYS = [
    pytest.param(name, database, listener, id=f"{name}, {database}, {LISTENERS[listener]}")
    for name in GATES
    for database, listener in product(DATASOURCES[name], range(len(LISTENERS)))
]


@pytest.mark.parametrize(("name", "database", "listener"), WAYS)
def test_programs_work_whatever_the_way(
    name: str, database: str, listener: int, request: pytest.FixtureRequest
) -> None:
    through: Gate = request.getfixturevalue(name)
    direct, target = through.server.direct(), through.target(database, listener=listener)
    assert drive_psycopg.selects(target) == drive_psycopg.selects(direct)
    assert drive_psycopg.transactions(target) == drive_psycopg.transactions(direct)
    assert drive_asyncpg.SCENES["selects"](target) == drive_asyncpg.SCENES["selects"](direct)


@pytest.mark.parametrize("way", ["md5", "password", "trust"])
def test_the_gate_logs_in_as_the_role_that_it_is_configured_with(way: str, gate_18: Gate) -> None:
    with drive_psycopg.connect(gate_18.target(way)) as connection:
        assert connection.execute("select current_user, session_user").fetchone() == (role_of(way), role_of(way))


def test_tls_upstream_is_tls(gate_15: Gate) -> None:
    with drive_psycopg.connect(gate_15.target()) as connection:
        row = connection.execute("select ssl, version from pg_stat_ssl where pid = pg_backend_pid()").fetchone()
    assert row == (True, "TLSv1.3")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((PASSWORD, "not-the-password"), "password authentication failed"),
        (("sslmode=verify-full", "sslmode=disable"), "pg_hba.conf"),
        (("/gate.crt", "/hba"), "certificate"),
    ],
)
def test_a_gate_that_cannot_log_in_says_why_and_does_not_start(
    change: tuple[str, str], said: str, server_15: Server
) -> None:
    with gate(server_15, datasource(DATABASE, server_15.url())) as made:
        for file in (made.folder / "ostiary.toml", made.folder / "password"):
            file.write_text(file.read_text().replace(*change))
        with pytest.raises(RuntimeError, match="did not start"):
            made.start()
        assert said in made.complaints()
        assert DATABASE in made.complaints()


def test_a_plaintext_server_is_refused_where_tls_is_asked_for(server_18: Server) -> None:
    with gate(server_18, datasource(DATABASE, f"{server_18.url()}?sslmode=require")) as made:
        with pytest.raises(RuntimeError, match="did not start"):
            made.start()
        assert "SSL" in made.complaints()


def test_a_client_that_insists_on_tls_gets_it_or_nothing(gate_18: Gate) -> None:
    plain = gate_18.target()
    with pytest.raises(psycopg.OperationalError, match="does not support SSL"):
        psycopg.connect(**plain.libpq() | {"sslmode": "require"})
