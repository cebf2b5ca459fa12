"""What the runner does with a session, whatever session, client and server do: order, backpressure, and the end."""

import asyncio
import contextlib
import logging
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise

import pytest
from relay import (
    Gate,
    Relay,
    Run,
    Streams,
    closing,
    connected,
    message,
    messages_until,
    open_gate,
    server,
    startup,
    until,
)

from ostiary.model.decision import Denial, Permit, Permitted, Versions
from ostiary.model.names import Ticket
from ostiary.model.record import Outcome, OutcomeKind
from ostiary.model.statement import SessionView, Stage, Submission
from ostiary.protocols.postgres import messages
from ostiary.server.connection import HIGH_WATER
from ostiary.server.reception import ServerLimits
from ostiary.session import actions, events
from ostiary.session.actions import Action
from ostiary.session.events import Event

pytest_plugins = ["loops"]

VERSIONS = Versions("1", "1", "1")
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def database(serve: Serve) -> AsyncIterator[int]:
    """A server that lets everybody in as process 77 with secret 4242, and then does what the test says.

    A second connection with a cancel request is answered by closing it; what it brought is kept in `cancelled`.
    """
    writers: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            packet = await reader.readexactly(struct.unpack(">i", await reader.readexactly(4))[0] - 4)
            if packet.startswith(struct.pack(">i", 80877102)):
                CANCELLED.append(packet[4:])
            else:
                key = messages.backend_key_data(77, struct.pack(">i", 4242))
                writer.write(messages.AUTHENTICATION_OK + key + messages.ready(ord("I")))
                await serve(reader, writer)
        writer.close()

    CANCELLED.clear()
    made = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1 << 20)
    try:
        yield made.sockets[0].getsockname()[1]
    finally:
        made.close()
        for writer in writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


CANCELLED: list[bytes] = []


async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@contextlib.asynccontextmanager
async def logged_in(gate: Gate) -> AsyncIterator[Streams]:
    async with closing(await connected(gate.port)) as (reader, writer):
        writer.write(startup())
        await messages_until(reader, b"Z")
        yield reader, writer


def test_bytes_pass_in_order_both_ways(run: Run) -> None:
    async def test() -> None:
        data = bytes(range(256)) * 4096
        async with database(echo) as port, open_gate(server(port)) as gate, logged_in(gate) as (reader, writer):
            writer.write(data)
            assert await reader.readexactly(len(data)) == data

    run(test())


def test_a_client_that_reads_nothing_stops_the_server_and_not_the_gate(run: Run) -> None:
    """PG-RES-001: what waits in the gate is bounded, however long the result."""

    async def test() -> None:
        sent = 0

        async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            while True:
                writer.write(bytes(65536))
                await writer.drain()
                sent += 65536

        async with (
            database(flood) as port,
            open_gate(server(port)) as gate,
            closing(await connected(gate.port)) as (reader, writer),
        ):
            # The stream reader takes no more than its limit and then stops the socket.
            writer.write(startup())
            before = -1
            while sent != before or not sent:
                before = sent
                await asyncio.sleep(0.1)
            (runner,) = gate.listener.runners()
            waiting = runner.sides.waiting_bytes
            assert 0 < waiting <= HIGH_WATER + 2 * 65536
            # And it goes on as soon as the client reads.
            await reader.readexactly(8 << 20)
            assert sent > before

    run(test())


def test_a_server_that_reads_nothing_stops_the_client(run: Run) -> None:
    async def test() -> None:
        stop = asyncio.Event()

        async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await stop.wait()

        async with database(deaf) as port, open_gate(server(port)) as gate, logged_in(gate) as (_, writer):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    while True:
                        writer.write(bytes(1 << 20))
                        await writer.drain()
            (runner,) = gate.listener.runners()
            assert runner.sides.waiting_bytes <= HIGH_WATER + 3 * 65536
            stop.set()

    run(test())


class Waiting(Relay):
    """Asks for a decision at the first byte after login and forwards nothing until there is one."""

    def _client_sent(self, data: bytes) -> list[Action]:
        if not self._connected:
            return super()._client_sent(data)
        submission = Submission(Stage.SIMPLE, data, SessionView(()))
        return [actions.Decide(Ticket(1), submission)]

    def _told(self, event: Event) -> list[Action]:
        if isinstance(event, events.Decided) and isinstance(event.verdict, Permitted):
            permit = event.verdict.permit
            return [actions.Forward(permit, permit.text)]
        return super()._told(event)


def permitted(text: bytes) -> Permitted:
    return Permitted(Permit(text, VERSIONS), ())


def test_a_client_that_leaves_while_a_decision_is_pending_ends_the_session_at_once(run: Run) -> None:
    async def test() -> None:
        async with database(nothing) as port, open_gate(server(port), make_session=Waiting) as gate:
            async with logged_in(gate) as (_, writer):
                writer.write(b"drop table t")
                await until(lambda: gate.desks[0].held)
            await until(lambda: gate.desks[0].ended)
            assert gate.desks[0].ended == ["client left"]
            # The answer comes too late and does nothing.
            decide, reply = gate.desks[0].held[0]
            reply(events.Decided(decide.ticket, permitted(b"drop table t")))
            assert not any(isinstance(event, events.Decided) for event in gate.sessions[0].seen)
            await until(lambda: not gate.listener.sessions)

    run(test())


def test_a_decision_that_comes_later_is_performed_when_it_comes(run: Run) -> None:
    async def test() -> None:
        async with (
            database(echo) as port,
            open_gate(server(port), make_session=Waiting) as gate,
            logged_in(gate) as (reader, writer),
        ):
            writer.write(b"one")
            await until(lambda: gate.desks[0].held)
            decide, reply = gate.desks[0].held[0]
            reply(events.Decided(decide.ticket, permitted(b"two")))
            assert await reader.readexactly(3) == b"two"

    run(test())


class Chain(Relay):
    """Asks again with every answer: ten thousand decisions, each answered at once."""

    LENGTH = 10_000

    def _client_sent(self, data: bytes) -> list[Action]:
        if not self._connected:
            return super()._client_sent(data)
        return [self._ask(0)]

    def _ask(self, number: int) -> Action:
        return actions.Record(Ticket(number), OUTCOME, wait=True)

    def _told(self, event: Event) -> list[Action]:
        if isinstance(event, events.Recorded):
            if event.ticket < self.LENGTH:
                return [self._ask(event.ticket + 1)]
            return [actions.SendToClient(b"done")]
        return super()._told(event)


OUTCOME = Outcome(OutcomeKind.DONE)


def test_a_desk_that_answers_at_once_does_not_deepen_the_stack(run: Run) -> None:
    async def test() -> None:
        async with database(nothing) as port, open_gate(server(port), make_session=Chain) as gate:
            async with logged_in(gate) as (reader, writer):
                writer.write(b"go")
                assert await reader.readexactly(4) == b"done"
            order = [event.ticket for event in gate.sessions[0].seen if isinstance(event, events.Recorded)]
            assert all(after == before + 1 for before, after in pairwise(order))

    run(test())


class Broken(Relay):
    """Fails at the first byte after login, having asked for something."""

    def _client_sent(self, data: bytes) -> list[Action]:
        if self._connected:
            raise ZeroDivisionError
        return super()._client_sent(data)


class Impossible(Relay):
    """Asks for what is no action."""

    def _client_sent(self, data: bytes) -> list[Action]:
        if self._connected:
            return [actions.SendToServer(data), "nonsense"]  # type: ignore[list-item]  # that is the point
        return super()._client_sent(data)


@pytest.mark.parametrize("broken", [Broken, Impossible])
def test_an_error_in_the_session_closes_both_sides_and_forwards_nothing(
    run: Run, broken: type[Relay], caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        got: list[bytes] = []

        async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.append(await reader.read())

        async with (
            database(listens) as port,
            open_gate(server(port), make_session=broken) as gate,
            logged_in(gate) as (reader, writer),
        ):
            with caplog.at_level(logging.CRITICAL):
                writer.write(b"x")
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
            await until(lambda: got)
            assert got == [b""]
            assert gate.desks[0].ended[0].startswith("error in the gate")
            await until(lambda: not gate.listener.sessions)

    run(test())


def test_an_error_of_the_desk_closes_both_sides(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with (
            database(nothing) as port,
            open_gate(server(port), make_session=Chain) as gate,
            logged_in(gate) as (reader, writer),
        ):
            gate.desks[0].broken = True
            with caplog.at_level(logging.CRITICAL):
                writer.write(b"x")
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
            assert gate.desks[0].ended == ["error in the gate: LookupError"]

    run(test())


def test_a_cancel_request_reaches_the_backend_with_the_backends_own_secret(run: Run) -> None:
    async def test() -> None:
        async with (
            database(nothing) as port,
            open_gate(server(port)) as gate,
            closing(await connected(gate.port)) as (reader, writer),
        ):
            writer.write(startup())
            told = dict(await messages_until(reader, b"Z"))
            process_id, key = struct.unpack(">i", told[b"K"][:4])[0], told[b"K"][4:]
            assert process_id == 77
            assert key != struct.pack(">i", 4242)
            wrong = bytes(byte ^ 1 for byte in key)
            for each in (wrong, key):
                async with closing(await connected(gate.port)) as (cancel_reader, cancel_writer):
                    cancel_writer.write(struct.pack(">iii", 16, 80877102, process_id) + each)
                    assert await cancel_reader.read() == b""
            await until(lambda: CANCELLED)
            assert [struct.pack(">ii", 77, 4242)] == CANCELLED
            assert gate.refused == ["cancel-key"]

    run(test())


def test_a_flood_of_cancels_is_bounded(run: Run) -> None:
    """PG-CANCEL-005."""

    async def test() -> None:
        async with database(nothing) as port, open_gate(server(port)) as gate, logged_in(gate):
            (runner,) = gate.listener.runners()
            for _ in range(10_000):
                runner.cancel_running()
            await until(lambda: len(CANCELLED) >= 72)
            assert len(CANCELLED) == 72

    run(test())


def test_a_secret_opens_nothing_after_its_session(run: Run) -> None:
    async def test() -> None:
        async with database(nothing) as port, open_gate(server(port)) as gate:
            async with logged_in(gate):
                key = gate.sessions[0].cancel_key
            await until(lambda: not gate.listener.sessions)
            CANCELLED.clear()
            for process_id in (77, key.process_id):
                async with closing(await connected(gate.port)) as (reader, writer):
                    writer.write(struct.pack(">iii", 16, 80877102, process_id) + key.secret)
                    assert await reader.read() == b""
            assert gate.refused == ["cancel-key"] * 2

    run(test())


def test_a_session_ends_when_its_token_does(run: Run) -> None:
    async def test() -> None:
        async with database(nothing) as port, open_gate(server(port)) as gate:
            gate.expires_at = 1.0
            async with closing(await connected(gate.port)) as (reader, writer):
                writer.write(startup())
                assert b"C28000\0" in (await messages_until(reader, b"E"))[-1][1]
                assert await reader.read() == b""
            assert gate.desks[0].ended == ["token-expired"]

    run(test())


class Stubborn(Relay):
    """Does not end when it is told to."""

    def _told(self, event: Event) -> list[Action]:
        if isinstance(event, events.Ended | events.ClientLeft):
            return []
        return super()._told(event)


def test_a_session_that_does_not_end_is_ended(run: Run) -> None:
    async def test() -> None:
        limits = ServerLimits(closing=0.1, departure=0.1)
        async with database(nothing) as port, open_gate(server(port), limits=limits, make_session=Stubborn) as gate:
            async with logged_in(gate) as (reader, _):
                gate.listener.end(Denial("killed", "killed", sqlstate="57P01"))
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
            assert gate.desks[0].ended == ["the session did not end when it was told to"]
            async with logged_in(gate):
                pass
            await until(lambda: gate.desks[1].ended)
            assert gate.desks[1].ended == ["the client left and its statement did not end"]

    run(test())


def test_draining_ends_those_who_rest_at_once_and_waits_for_those_who_work(run: Run) -> None:
    async def test() -> None:
        async with (
            database(nothing) as port,
            open_gate(server(port)) as gate,
            logged_in(gate) as (resting, _),
            logged_in(gate) as (_, working_writer),
        ):
            gate.sessions[1].is_resting = False
            draining = asyncio.ensure_future(gate.listener.drain(10))
            assert b"C57P01\0" in (await message(resting))[1]
            await until(lambda: gate.listener.sessions == 1)
            with pytest.raises(ConnectionError):
                await connected(gate.port)
            working_writer.close()
            assert await draining == 0
            assert gate.desks[1].ended == ["client left"]

    run(test())


def test_draining_ends_the_rest_at_the_deadline(run: Run) -> None:
    async def test() -> None:
        async with database(nothing) as port, open_gate(server(port)) as gate, logged_in(gate) as (reader, _):
            gate.sessions[0].is_resting = False
            assert await gate.listener.drain(0.1) == 1
            assert b"C57P01\0" in (await message(reader))[1]

    run(test())


def test_a_server_that_dies_ends_the_session(run: Run) -> None:
    async def test() -> None:
        async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(1)
            writer.transport.abort()

        async with database(dies) as port, open_gate(server(port)) as gate, logged_in(gate) as (reader, writer):
            writer.write(b"x")
            assert await reader.read() == b""
            assert gate.desks[0].ended == ["ServerLeft"]

    run(test())
