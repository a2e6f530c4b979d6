"""``regard serve`` as a process: it tells where it is, and ends when what it has is done."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from test_load import texts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


@pytest.fixture
def server(folders: dict[str, Path | str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "regard", "serve", f"toy={folders['toy']}", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                httpx2.get(f"{address}/ready")
                break
            except httpx2.TransportError:
                time.sleep(0.05)
        yield process, address
        if process.poll() is None:
            process.kill()


def test_it_finishes_what_it_has(server: tuple[subprocess.Popen[str], str]) -> None:
    process, address = server
    assert address.startswith("http://127.0.0.1:")
    url = f"{address}/api/models/toy/translate"
    body = {"text": " ".join(texts(120)), "beam": 10}
    with ThreadPoolExecutor(9) as pool:
        asked = [pool.submit(httpx2.post, url, json=body, timeout=60) for _ in range(8)]
        stream = pool.submit(httpx2.post, f"{url}/stream", json=body, timeout=60)
        # All nine, and the one that asks.
        while "regard_requests_in_progress 10.0" not in httpx2.get(f"{address}/metrics").text:
            assert not stream.done()
        process.send_signal(signal.SIGTERM)
        answers = [one.result() for one in asked]
        lines = stream.result().text.splitlines()
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.text for answer in answers}) == 1
    assert '"end"' in lines[-1]
    assert process.wait(60) == 143
    with pytest.raises(httpx2.TransportError):
        httpx2.get(address)
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()


def test_a_request_that_is_not_http_harms_nobody(server: tuple[subprocess.Popen[str], str]) -> None:
    _, address = server
    where = urlsplit(address)
    for sent in (
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ):
        with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
            connection.sendall(sent)
            connection.recv(1000)
    raw = b"POST /api/models/toy/translate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n{"
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(raw)
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")
    assert httpx2.get(f"{address}/health").status_code == 200


def test_half_requests_leave_room_for_whole_ones(folders: dict[str, Path | str]) -> None:
    """More than there are files for: the server neither runs out of them, nor fills its log."""
    command = f"ulimit -n 256; exec {sys.executable} -m regard serve toy={folders['toy']} --port 0"
    with (
        subprocess.Popen(
            ["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
        ExitStack() as stack,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        where = urlsplit(process.stdout.readline().strip())
        for _ in range(400):
            half = stack.enter_context(socket.create_connection((where.hostname, where.port), timeout=60))
            half.sendall(b"GET / HT")
        assert httpx2.get(f"{where.geturl()}/health", timeout=60).status_code == 200
        process.terminate()
        assert process.stderr.read() == ""


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from regard import server as served
    from regard.errors import UserError

    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(UserError, match=r'pip install "regard\[serve\]"'):
        _ = served.create_app


def test_a_host_that_is_no_name_is_told(folders: dict[str, Path]) -> None:
    command = [sys.executable, "-m", "regard", "serve", f"toy={folders['toy']}", "--host", "127..0.1"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 2
    assert ran.stderr.startswith("regard: cannot listen at 127..0.1, port ")


def test_an_address_in_use_is_told(
    server: tuple[subprocess.Popen[str], str], folders: dict[str, Path]
) -> None:
    port = str(urlsplit(server[1]).port)
    command = [sys.executable, "-m", "regard", "serve", f"toy={folders['toy']}", "--port", port]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"regard: cannot listen at 127.0.0.1, port {port}: ")
