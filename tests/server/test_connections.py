"""Connections whose clients dawdle: each ends in time, and none keeps others away."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import FastAPI
from live_server import listening
from starlette.responses import Response

from regard.server import Limits
from regard.server.bodies import Bounded
from regard.server.connections import bounded_connections

LIMITS = Limits(body_seconds=0.5, send_seconds=0.5, body=1000)
LARGE = 30_000_000  # bytes, more than sockets hold


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    app = FastAPI()

    @app.get("/large")
    async def large() -> Response:
        return Response(bytes(LARGE))

    app.add_middleware(Bounded, limits=LIMITS, closing=threading.Event())
    with listening(app, http=bounded_connections(LIMITS, most=4)) as found:
        yield found


def connect(address: str, sent: bytes) -> socket.socket:
    where = urlsplit(address)
    made = socket.create_connection((where.hostname, where.port), timeout=20)
    made.sendall(sent)
    return made


def told(client: socket.socket) -> bytes:
    """What comes until the connection ends; it may be reset."""
    parts = []
    with suppress(ConnectionResetError):
        while part := client.recv(1 << 20):
            parts.append(part)
    return b"".join(parts)


def test_headers_that_do_not_come_are_told_and_closed(address: str) -> None:
    with connect(address, b"GET /large HTTP/1.1\r\nHost: loc") as half, connect(address, b"") as silent:
        head, _, body = told(half).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert body.startswith(b'{"error":{"code":"slow_headers"')
        assert told(silent) == b""  # a browser that opened it ahead has asked nothing


@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_letter_by_letter_is_no_faster(address: str, before: bytes) -> None:
    with connect(address, before) as slow:
        if before:
            assert slow.recv(1000).startswith(b"HTTP/1.1 404")
        sent = 0
        with suppress(OSError):  # closed
            while sent < 100:
                sent += slow.send(b"G")
                time.sleep(0.05)
        assert sent < 100


def test_the_one_that_waits_longest_makes_room(address: str) -> None:
    with ExitStack() as stack:
        first, *others = [stack.enter_context(connect(address, b"GET / HT")) for _ in range(4)]
        assert httpx2.get(address).status_code == 404
        assert told(first) == b""
        assert all(told(one).startswith(b"HTTP/1.1 408") for one in others)  # they had all their time


def test_an_answer_that_is_not_taken_is_given_up(address: str) -> None:
    with connect(address, b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n") as idle:
        time.sleep(4 * LIMITS.send_seconds)
        assert len(told(idle)) < LARGE
    assert len(httpx2.get(f"{address}/large").content) == LARGE  # others take theirs


def test_a_refusal_reaches_a_client_that_sends_on(address: str) -> None:
    where = urlsplit(address)
    for _ in range(3):
        client = http.client.HTTPConnection(str(where.hostname), where.port, timeout=20)
        client.request("POST", "/", body=bytes(LARGE))
        answer = client.getresponse()
        assert answer.status == 413
        assert b"too_large" in answer.read()
        client.close()
