"""Fixtures of this folder. Each worker has its own servers and gates, made when a test first wants them."""

import signal
from collections.abc import Iterator
from types import FrameType

import pytest
from rig import DATABASE, Gate, Server, Target, datasource, debian_programs, embedded_programs, gate, role_of, server

TEST_SECONDS = 120.0


@pytest.fixture(scope="session")
def server_18() -> Iterator[Server]:
    """PostgreSQL 18 of the embedded wheel, in plaintext on loopback."""
    with server(embedded_programs(), tls=False) as made:
        yield made


@pytest.fixture(scope="session")
def server_15() -> Iterator[Server]:
    """PostgreSQL 15 of Debian, which lets the gate's role in over TLS only."""
    with server(debian_programs(), tls=True) as made:
        yield made


@pytest.fixture(scope="session")
def gate_18(server_18: Server) -> Iterator[Gate]:
    """uvloop, a backend at login; every way of logging in upstream; plaintext and TLS for clients."""
    databases = datasource(DATABASE, server_18.url()) + datasource("lazy", server_18.url(), upstream="lazy")
    for way in ("md5", "password", "trust"):
        databases += datasource(way, server_18.url(role_of(way)))
    with gate(server_18, databases, tls=True) as made:
        made.start()
        yield made


@pytest.fixture(scope="session")
def gate_15(server_15: Server) -> Iterator[Gate]:
    """asyncio, a backend at the first statement; verify-full and SCRAM upstream; plaintext and TLS for clients."""
    databases = datasource(DATABASE, server_15.url(), upstream="lazy") + datasource("login", server_15.url())
    for way in ("md5", "password", "trust"):
        databases += datasource(way, server_15.url(role_of(way)))
    with gate(server_15, databases, head='event_loop = "asyncio"', tls=True) as made:
        made.start()
        yield made


ROUTES = {
    "plaintext, login, uvloop, PostgreSQL 18": ("gate_18", 0),
    "TLS, lazy, asyncio, verify-full, PostgreSQL 15": ("gate_15", 1),
}


@pytest.fixture(params=tuple(ROUTES.values()), ids=tuple(ROUTES), scope="session")
def ways(request: pytest.FixtureRequest) -> tuple[Target, Target]:
    """The direct way and the way through the gate, to the same database."""
    name, listener = request.param
    through: Gate = request.getfixturevalue(name)
    return through.server.direct(), through.target(listener=listener)


@pytest.fixture
def bounded() -> Iterator[None]:
    """A test that hangs has failed, and says where."""

    def too_long(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the test took longer than {TEST_SECONDS:.0f} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, TEST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
