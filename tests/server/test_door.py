"""What happens between accept and a session, with hostile and with honest clients, on real sockets."""

import asyncio
import contextlib
import resource
import socket
import ssl
import struct
from pathlib import Path

import pytest
from relay import (
    GSSENC_REQUEST,
    SSL_REQUEST,
    Certificate,
    Gate,
    Run,
    Streams,
    closing,
    connected,
    message,
    messages_until,
    open_gate,
    quiet_server,
    server,
    startup,
    until,
)

from ostiary.server.reception import ServerLimits
from ostiary.server.tls import server_context

pytest_plugins = ["loops"]

NOWHERE = server(1)
"""A backend that nothing listens at: these tests end before it matters."""


@pytest.fixture
def tls(certificate: Certificate) -> ssl.SSLContext:
    return server_context(certificate.certificate, certificate.key, None)


def trusting(certificate: Path, *alpn: str) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=certificate)
    if alpn:
        made.set_alpn_protocols(list(alpn))
    return made


async def sent(gate: Gate, data: bytes) -> bytes:
    """Everything that the gate answers to these bytes until it closes."""
    async with closing(await connected(gate.port)) as (reader, writer):
        writer.write(data)
        with contextlib.suppress(ConnectionError):
            return await reader.read()
    return b""


async def asked(gate: Gate, *exchanges: tuple[bytes, bytes]) -> socket.socket:
    """A socket on which these requests got these answers, and nothing more was read."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    await loop.sock_connect(sock, ("127.0.0.1", gate.port))
    for request, answer in exchanges:
        await loop.sock_sendall(sock, request)
        assert await loop.sock_recv(sock, 1) == answer
    return sock


async def encrypted(sock: socket.socket, context: ssl.SSLContext) -> Streams:
    """A client's side of a handshake."""
    try:
        return await asyncio.open_connection(sock=sock, ssl=context, server_hostname="127.0.0.1")
    except OSError:
        sock.close()
        raise


def test_a_plaintext_startup_behind_an_ssl_request_ends_the_connection(run: Run, tls: ssl.SSLContext) -> None:
    """PG-TLS-001."""

    async def test() -> None:
        async with open_gate(NOWHERE, tls=tls) as gate:
            assert await sent(gate, SSL_REQUEST + startup()) == b""
            assert gate.sessions == []
            assert gate.refused == ["bytes-before-tls"]

    run(test())


def test_junk_between_the_consent_and_the_handshake_is_never_read_as_protocol(run: Run, tls: ssl.SSLContext) -> None:
    """PG-TLS-002."""

    async def test() -> None:
        async with open_gate(NOWHERE, tls=tls) as gate, closing(await connected(gate.port)) as (reader, writer):
            writer.write(SSL_REQUEST)
            assert await reader.readexactly(1) == b"S"
            writer.write(startup())
            with contextlib.suppress(ConnectionError):
                await reader.read()
            await until(lambda: gate.refused)
            assert gate.sessions == []

    run(test())


def test_an_injection_is_not_delivered_when_a_real_handshake_follows(
    run: Run, tls: ssl.SSLContext, certificate: Certificate
) -> None:
    """PG-TLS-001, as a man in the middle does it: the client knows nothing of the bytes before its handshake."""

    async def test() -> None:
        async with open_gate(NOWHERE, tls=tls) as gate:
            sock = await asked(gate)
            await asyncio.get_running_loop().sock_sendall(sock, SSL_REQUEST + b"EVIL")
            with pytest.raises(OSError):
                await encrypted(sock, trusting(certificate.certificate))
            assert gate.sessions == []

    run(test())


def test_a_negotiated_handshake_leads_to_a_session(run: Run, tls: ssl.SSLContext, certificate: Certificate) -> None:
    async def test() -> None:
        async with open_gate(NOWHERE, tls=tls) as gate:
            for _ in range(5):
                sock = await asked(gate, (SSL_REQUEST, b"S"))
                async with closing(await encrypted(sock, trusting(certificate.certificate))) as (reader, writer):
                    writer.write(startup())
                    assert (await message(reader))[0] == b"E"
            assert [peer.encrypted for peer in gate.peers] == [True] * 5
            assert gate.peers[0].tls_version == "TLSv1.3"

    run(test())


def test_gss_is_declined_and_tls_follows_on_the_same_socket(
    run: Run, tls: ssl.SSLContext, certificate: Certificate
) -> None:
    """PG-TLS-007."""

    async def test() -> None:
        async with open_gate(NOWHERE, tls=tls) as gate:
            sock = await asked(gate, (GSSENC_REQUEST, b"N"), (SSL_REQUEST, b"S"))
            async with closing(await encrypted(sock, trusting(certificate.certificate))) as (reader, writer):
                writer.write(startup())
                assert (await message(reader))[0] == b"E"
            assert await sent(gate, GSSENC_REQUEST + startup()) == b""
            assert len(gate.sessions) == 1

    run(test())


@pytest.mark.parametrize(("alpn", "let_in"), [(["postgresql"], True), ([], False), (["http/1.1"], False)])
def test_tls_without_asking_needs_the_protocol_by_name(
    run: Run, tls: ssl.SSLContext, certificate: Certificate, alpn: list[str], let_in: bool
) -> None:
    """PG-TLS-009."""

    async def test() -> None:
        async with open_gate(NOWHERE, tls=tls) as gate:
            context = trusting(certificate.certificate, *alpn)
            with contextlib.suppress(OSError):
                async with closing(await encrypted(await asked(gate), context)) as (reader, writer):
                    writer.write(startup())
                    await reader.read()
            await until(lambda: gate.sessions or gate.refused)
            assert bool(gate.sessions) is let_in
            assert gate.refused == ([] if let_in else ["alpn"])

    run(test())


def test_tls_without_a_certificate_is_not_taken_for_anything(run: Run) -> None:
    async def test() -> None:
        async with open_gate(NOWHERE) as gate:
            assert await sent(gate, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64)) == b""
            assert gate.refused == ["tls-not-configured"]

    run(test())


@pytest.mark.parametrize("request_", [SSL_REQUEST, GSSENC_REQUEST], ids=["ssl", "gss"])
def test_asking_for_encryption_inside_tls_is_a_violation(
    run: Run, tls: ssl.SSLContext, certificate: Certificate, request_: bytes
) -> None:
    """PG-TLS-010."""

    async def test() -> None:
        async with open_gate(NOWHERE, tls=tls) as gate:
            sock = await asked(gate, (SSL_REQUEST, b"S"))
            async with closing(await encrypted(sock, trusting(certificate.certificate))) as (reader, writer):
                writer.write(request_)
                answer = await reader.read()
            assert answer[:1] in (b"", b"E")
            assert gate.sessions == []
            assert gate.refused == ["encryption-inside-tls"]

    run(test())


def test_half_a_hello_and_silence_ends_at_the_handshake_deadline(run: Run, tls: ssl.SSLContext) -> None:
    """PG-TLS-013."""

    async def test() -> None:
        async with open_gate(NOWHERE, tls=tls, limits=ServerLimits(handshake=0.2)) as gate:
            assert await sent(gate, b"\x16\x03\x01\x02\x00\x01\x00") == b""
            await until(lambda: gate.refused)

    run(test())


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x00\x00\x54\x00\x03", startup()[:-1]])
def test_a_slow_startup_ends_at_the_login_deadline(run: Run, data: bytes) -> None:
    async def test() -> None:
        async with open_gate(NOWHERE, limits=ServerLimits(login=0.2)) as gate:
            assert await sent(gate, data) == b""
            assert gate.refused == ["login-timeout"]
            assert gate.sessions == []

    run(test())


@pytest.mark.parametrize(
    "data",
    [struct.pack(">I", length) + bytes(16) for length in (0, 1, 7, 10_001, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)]
    + [b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n", b"\x00\x00\x00\x85\xffSMBr" + bytes(128), b"SSH-2.0-x\r\n"],
)
def test_what_is_no_startup_packet_is_closed_without_a_session(run: Run, data: bytes) -> None:
    """PG-START-001, PG-START-002."""

    async def test() -> None:
        async with open_gate(NOWHERE) as gate:
            assert len(await sent(gate, data)) < 200
            assert gate.sessions == []
            assert gate.refused

    run(test())


def test_a_startup_packet_cut_anywhere_is_the_same_packet(run: Run) -> None:
    async def test() -> None:
        async with open_gate(NOWHERE) as gate:
            packet = startup(application_name="cut")
            for cut in range(1, len(packet)):
                async with closing(await connected(gate.port)) as (reader, writer):
                    writer.write(packet[:cut])
                    await asyncio.sleep(0)
                    writer.write(packet[cut:])
                    assert (await message(reader))[0] == b"E"
            assert all(one.parameters["application_name"] == "cut" for one in gate.sessions)

    run(test())


async def crowd(gate: Gate, stack: contextlib.AsyncExitStack, size: int) -> list[Streams]:
    return [await stack.enter_async_context(closing(await connected(gate.port))) for _ in range(size)]


def test_one_client_too_many_is_told_so_and_the_next_finds_room(run: Run) -> None:
    async def test() -> None:
        async with (
            quiet_server() as port,
            open_gate(server(port), limits=ServerLimits(connections=2)) as gate,
            contextlib.AsyncExitStack() as stack,
        ):
            streams = await crowd(gate, stack, 2)
            for _, writer in streams:
                writer.write(startup())
            await until(lambda: gate.listener.sessions == 2)
            assert b"C53300\0" in await sent(gate, startup())
            streams[0][1].close()
            await until(lambda: gate.listener.sessions == 1)
            (_, writer), *_ = await crowd(gate, stack, 1)
            writer.write(startup())
            await until(lambda: gate.listener.sessions == 2)

    run(test())


def test_a_flood_past_every_limit_leaves_the_door_open(run: Run) -> None:
    """PG-RES-002."""

    async def test() -> None:
        async with open_gate(NOWHERE, limits=ServerLimits(connections=5)) as gate:
            async with contextlib.AsyncExitStack() as stack:
                flood = await crowd(gate, stack, 120)
                for _, writer in flood[:60]:
                    writer.write(startup())
                async with asyncio.timeout(5):
                    told = [await reader.read() for reader, _ in flood[60:]]
                assert all(b"C53300\0" in answer for answer in told)
            async with closing(await connected(gate.port)) as (reader, writer):
                writer.write(startup())
                answers = await messages_until(reader, b"E")
                assert b"C08001\0" in answers[-1][1]

    run(test())


def test_a_process_without_descriptors_turns_clients_away_and_lets_them_in_later(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """PG-RES-002: EMFILE."""

    async def test() -> None:
        loop = asyncio.get_running_loop()
        async with open_gate(NOWHERE) as gate:
            clients = [socket.socket() for _ in range(20)]
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            highest = max(client.fileno() for client in clients)
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, limits[1]))
            try:
                for client in clients:
                    client.setblocking(False)
                    await loop.sock_connect(client, ("127.0.0.1", gate.port))
                await until(lambda: "turned away" in caplog.text)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
                for client in clients:
                    client.close()
            async with closing(await connected(gate.port)) as (reader, writer):
                writer.write(startup())
                assert (await message(reader))[0] == b"E"

    run(test())
