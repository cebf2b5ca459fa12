"""How the gate reaches a database, and what a hostile one gets out of it."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from relay import SSL_REQUEST, Certificate, Run, quiet_server, server

from ostiary.protocols.postgres import messages
from ostiary.protocols.postgres.login import Strength
from ostiary.server.acceptor import listening_socket
from ostiary.server.connection import receive_buffer
from ostiary.server.tls import client_context, server_context
from ostiary.server.upstream import Backend, BackendUnreachable, Dialer, Target
from ostiary.settings import SslMode

pytest_plugins = ["loops"]

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WELCOME = messages.AUTHENTICATION_OK + messages.backend_key_data(7, b"\0\0\0\1") + messages.ready(ord("I"))


@contextlib.asynccontextmanager
async def upstream(serve: Serve) -> AsyncIterator[int]:
    writers: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()

    made = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield made.sockets[0].getsockname()[1]
    finally:
        made.close()
        for writer in writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def dial(target: Target, seconds: float = 5.0) -> Backend:
    dialer = Dialer(asyncio.get_running_loop(), receive_buffer(), seconds)
    return await dialer.dial(target)


async def refused(target: Target, seconds: float = 5.0) -> tuple[str, str]:
    with pytest.raises(BackendUnreachable) as caught:
        await dial(target, seconds)
    return caught.value.denial.sqlstate, caught.value.denial.detail or caught.value.denial.message


async def packet(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big") - 4)


def answering(answer: bytes, got: list[bytes]) -> Serve:
    """A server that answers the request for TLS like this and keeps what comes after it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(8) == SSL_REQUEST
        writer.write(answer)
        got.append(await reader.read())

    return serve


def test_plaintext_behind_the_consent_to_tls_ends_it(run: Run) -> None:
    """PG-TLS-004."""

    async def test() -> None:
        got: list[bytes] = []
        async with upstream(answering(b"S" + WELCOME, got)) as port:
            sqlstate, detail = await refused(server(port, sslmode=SslMode.REQUIRE))
            assert (sqlstate, "plaintext behind" in detail) == ("08001", True)

    run(test())


def test_plaintext_that_comes_later_is_no_handshake(run: Run) -> None:
    """PG-TLS-004, cut into two segments."""

    async def test() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(8)
            writer.write(b"S")
            await reader.readexactly(1)
            writer.write(WELCOME)
            await reader.read()

        async with upstream(serve) as port:
            assert (await refused(server(port, sslmode=SslMode.REQUIRE)))[0] == "08001"

    run(test())


@pytest.mark.parametrize("answer", [b"N", b"E" + b"\0" * 40, b"H", b""])
@pytest.mark.parametrize("mode", [SslMode.REQUIRE, SslMode.VERIFY_CA, SslMode.VERIFY_FULL])
def test_a_server_without_tls_gets_no_startup_packet(run: Run, answer: bytes, mode: SslMode) -> None:
    """PG-TLS-006."""

    async def test() -> None:
        got: list[bytes] = []
        async with upstream(answering(answer, got)) as port:
            assert (await refused(server(port, sslmode=mode, password="s3cret"), 0.5))[0] == "08001"
        assert all(data == b"" for data in got)

    run(test())


@contextlib.asynccontextmanager
async def tls_upstream(certificate: Certificate, got: list[bytes]) -> AsyncIterator[int]:
    """A server that does TLS as it should, with one client, and then lets it in."""
    loop = asyncio.get_running_loop()
    context = server_context(certificate.certificate, certificate.key, None)
    listening = listening_socket("127.0.0.1", 0)

    async def serve() -> None:
        sock, _ = await loop.sock_accept(listening)
        assert await loop.sock_recv(sock, 8) == SSL_REQUEST
        await loop.sock_sendall(sock, b"S")
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock, ssl=context)
        except OSError:
            sock.close()
            return
        with contextlib.suppress(asyncio.IncompleteReadError):
            got.append(await packet(reader))
            transport.write(WELCOME)
            await reader.read()
        transport.abort()

    serving = asyncio.ensure_future(serve())
    try:
        yield listening.getsockname()[1]
        await serving
    finally:
        serving.cancel()
        listening.close()


@pytest.mark.parametrize("mode", [SslMode.REQUIRE, SslMode.VERIFY_CA, SslMode.VERIFY_FULL])
def test_a_server_with_the_right_certificate_is_reached_over_tls(
    run: Run, certificate: Certificate, mode: SslMode
) -> None:
    async def test() -> None:
        async with tls_upstream(certificate, []) as port:
            backend = await dial(server(port, sslmode=mode, ca_file=certificate.certificate))
            assert backend.connection.tls is not None
            assert backend.process_id == 7
            backend.connection.abort()

    run(test())


@pytest.mark.parametrize(
    ("mode", "host", "authority"),
    [
        (SslMode.VERIFY_FULL, "127.0.0.1", None),
        (SslMode.VERIFY_CA, "127.0.0.1", None),
        (SslMode.VERIFY_FULL, "localhost", "own"),
        (SslMode.REQUIRE, "127.0.0.1", "other"),
    ],
)
def test_a_server_that_cannot_prove_its_name_gets_no_startup_packet(
    run: Run,
    certificate: Certificate,
    other_certificate: Certificate,
    mode: SslMode,
    host: str,
    authority: str | None,
) -> None:
    files: dict[str | None, Path | None] = {
        None: None, "own": certificate.certificate, "other": other_certificate.certificate
    }  # fmt: skip

    async def test() -> None:
        got: list[bytes] = []
        async with tls_upstream(certificate, got) as port:
            assert (await refused(server(port, host=host, sslmode=mode, ca_file=files[authority])))[0] == "08001"
        assert got == []

    run(test())


@pytest.mark.parametrize(
    "weak", [messages.AUTHENTICATION_OK, messages.AUTHENTICATION_CLEARTEXT, b"R\0\0\0\x0c\0\0\0\5salt"]
)
def test_a_login_weaker_than_required_is_left(run: Run, weak: bytes) -> None:
    """PG-AUTH-003."""

    async def test() -> None:
        got: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await packet(reader)
            writer.write(weak)
            got.append(await reader.read())

        async with upstream(serve) as port:
            _, message = await refused(server(port, password="s3cret", required=Strength.SCRAM))
            assert "scram is required" in message
        assert got == [b""]

    run(test())


def test_a_silent_server_is_given_up_in_time(run: Run) -> None:
    async def test() -> None:
        async with quiet_server() as port:
            for mode in (SslMode.DISABLE, SslMode.REQUIRE):
                assert "0.2 seconds" in (await refused(server(port, sslmode=mode), 0.2))[1]

    run(test())


def test_what_a_server_says_behind_its_welcome_is_not_lost(run: Run) -> None:
    async def test() -> None:
        notice = messages.fields({"S": "NOTICE", "C": "00000", "M": "hello"}, b"N")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await packet(reader)
            writer.write(WELCOME + notice)
            await reader.read()

        async with upstream(serve) as port:
            backend = await dial(server(port))
            assert backend.rest == notice
            backend.connection.abort()

    run(test())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "/nowhere", "no-such-host.invalid"])
def test_nobody_there_is_said_without_telling_where(run: Run, host: str, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        with caplog.at_level(logging.WARNING):
            sqlstate, told = await refused(server(1, host=host))
        assert sqlstate == "08001"
        assert host not in told
        assert host in caplog.text

    run(test())


def test_junk_before_the_first_answer_is_no_login(run: Run) -> None:
    """PG-UP-004."""

    async def test() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while not writer.is_closing():
                writer.write(b"Eendless plain text" * 1000)
                await writer.drain()
                await asyncio.sleep(0)

        async with upstream(serve) as port:
            assert (await refused(server(port)))[0] == "08001"

    run(test())


def test_tls_below_1_2_is_not_spoken(certificate: Certificate) -> None:
    context = client_context(SslMode.VERIFY_FULL, certificate.certificate)
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
