"""Connections whose answers are not taken to the end: the last bytes are watched as the first are."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from regard.server import Limits
from regard.server.connections import bounded_connections

LIMITS = Limits(body_seconds=0.4, send_seconds=0.2)
SLOWER = Limits(body_seconds=60, send_seconds=0.5)
PATIENT = Limits(body_seconds=60, send_seconds=60)
KEPT = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSED = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
SMALL = 50_000  # bytes: more than the socket holds, and too few for a transport to pause its protocol


def answering(*parts: int, each: float = 0.0, broken: bool = False) -> ASGIApp:
    """Answers with so many bytes in parts, a time before each; one that is broken is never whole."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for size in parts:
            await asyncio.sleep(each)
            await send({"type": "http.response.body", "body": bytes(size), "more_body": True})
        if broken:
            raise OSError
        await send({"type": "http.response.body", "body": b""})

    return app


class Server:
    """Connections as uvicorn makes them, over sockets that hold little."""

    def __init__(self, app: ASGIApp, limits: Limits, most: int = 9) -> None:
        self._config = Config(app, lifespan="off", log_level="critical", timeout_keep_alive=1)
        self._state = ServerState()
        self._protocol = bounded_connections(limits, most)

    @asynccontextmanager
    async def asked(self, request: bytes, made: Callable[[Any], object] = id) -> AsyncIterator[socket.socket]:
        """A client that has sent a request; ``made`` is done to the transport before it is used."""
        loop = asyncio.get_running_loop()
        here, client = socket.socketpair()
        here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        client.setblocking(False)

        class Made(self._protocol):  # type: ignore[name-defined, misc]
            def connection_made(self, transport: Any) -> None:
                made(transport)
                super().connection_made(transport)

        with client:
            await loop.connect_accepted_socket(lambda: Made(self._config, self._state, {}), here)
            if request:
                await loop.sock_sendall(client, request)
            yield client

    @property
    def left(self) -> list[int]:
        """Bytes of each connection that its client has still to take."""
        return [one.transport.get_write_buffer_size() for one in self._state.connections]

    async def ends(self, within: float) -> bool:
        """Whether all connections do, in time."""
        for _ in range(round(within / 0.05)):
            await asyncio.sleep(0.05)
            if not self.left:
                return True
        return False


async def taken(client: socket.socket, most: int = 1 << 20, *, every: float = 0.0) -> int:
    """How many bytes come until the connection ends."""
    loop = asyncio.get_running_loop()
    count = 0
    while part := await loop.sock_recv(client, most):
        count += len(part)
        await asyncio.sleep(every)
    return count


@pytest.mark.parametrize("request_", [KEPT, CLOSED], ids=["kept", "closed"])
@pytest.mark.parametrize(
    "app",
    [
        answering(SMALL // 5),
        answering(SMALL),
        answering(500_000, each=0.01),
        answering(SMALL, broken=True),
        answering(SMALL, each=0.5, broken=True),
    ],
    ids=["few", "small", "large", "broken", "broken later"],
)
def test_what_is_left_of_an_answer_is_watched(app: ASGIApp, request_: bytes) -> None:
    async def run() -> None:
        server = Server(app, LIMITS)
        async with server.asked(request_):
            assert await server.ends(within=3)

    asyncio.run(run())


def test_small_remainders_after_large_answers_are_watched() -> None:
    """A client reads until little is left, which resumes writing, and then no more."""

    async def run() -> None:
        server = Server(answering(500_000), LIMITS)
        async with server.asked(CLOSED) as client:
            while not (left := server.left) or left[0] == 0 or left[0] > 10_000:
                await asyncio.get_running_loop().sock_recv(client, 2000)
                await asyncio.sleep(0)
            assert await server.ends(within=3)

    asyncio.run(run())


@pytest.mark.parametrize("request_", [KEPT, CLOSED], ids=["kept", "closed"])
@pytest.mark.parametrize("parts", [(SMALL,), (150_000,), (SMALL // 2,) * 5], ids=["small", "large", "many"])
def test_who_takes_an_answer_slowly_gets_all_of_it(parts: tuple[int, ...], request_: bytes) -> None:
    async def run() -> None:
        server = Server(answering(*parts, each=0.1), SLOWER)
        async with server.asked(request_) as client:
            assert await taken(client, most=sum(parts) // 15, every=0.12) > sum(parts)

    asyncio.run(run())


@pytest.mark.parametrize("broken", [False, True])
def test_one_that_is_closing_makes_room(broken: bool) -> None:
    async def run() -> None:
        server = Server(answering(SMALL, broken=broken), SLOWER if broken else PATIENT, most=1)
        async with server.asked(CLOSED) as slow:
            await asyncio.sleep(0.05)
            if broken:  # it takes something each time, and so is not given up
                for _ in range(9):
                    await asyncio.get_running_loop().sock_recv(slow, 3000)
                    await asyncio.sleep(0.1)
            assert server.left[0] > 0
            async with server.asked(CLOSED) as honest:
                assert await asyncio.wait_for(taken(honest), 5) > SMALL
            assert not server.left

    asyncio.run(run())


def test_one_that_is_closed_before_it_is_made_harms_nobody() -> None:
    async def run() -> None:
        failures: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        server = Server(answering(SMALL, each=0.3), PATIENT, most=1)
        async with server.asked(CLOSED) as honest:
            await asyncio.sleep(0.05)
            async with server.asked(b"", made=lambda transport: transport.close()):
                assert await taken(honest) > SMALL
        assert not failures

    asyncio.run(run())
