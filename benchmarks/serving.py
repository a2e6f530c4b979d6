"""The server under load: latency and sentences a second at 1, 8 and 64 clients; then a minute of 64.

    python -m benchmarks.serving [MODEL] [--clients 1 8 64] [--seconds 10] [--long 60]

A real `regard serve` process is asked over sockets that stay open, by clients that each wait for their
answer before they ask again. Every answer is compared with what the same request had alone: nothing may be
lost, mixed up or changed by the batch that it rode in. Memory is the server's resident set.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import httpx2

from benchmarks.machine import describe

SENTENCES = (
    "The cat sat on the mat.",
    "I do not know where he lives.",
    "She gave him the book that she had been reading.",
    "Where is the nearest station?",
    "It was raining, so we stayed at home all day.",
    "Nobody told me that you were coming.",
    "He plays the guitar.",
    "They have known each other since they were children.",
)


@dataclass
class Load:
    """What a number of clients saw.

    Attributes:
        clients: that asked at the same time.
        seconds: from each request to its answer.
        took: seconds from the first request to the last answer.
        wrong: answers that were another than alone, or none.
        memory: bytes of the server's resident set, at the beginning and the end of each tenth.
    """

    clients: int
    seconds: list[float]
    took: float
    wrong: int
    memory: list[int]

    def row(self) -> str:
        """As a line of a table."""
        ranked = sorted(self.seconds)
        p95 = quantiles(ranked, n=20)[-1] if len(ranked) > 1 else ranked[0]
        return (
            f"| {self.clients} | {1e3 * median(ranked):,.0f} | {1e3 * p95:,.0f} | "
            f"{len(ranked) / self.took:,.1f} | {len(ranked):,} | {self.wrong} | "
            f"{self.memory[0] >> 20} → {self.memory[-1] >> 20} |"
        )


def resident(process: int) -> int:
    """Bytes that a process holds; 0 where the system does not tell."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) << 10


async def load(
    address: str, process: int, clients: int, seconds: float, sentences: Sequence[str] = SENTENCES
) -> Load:
    """Asks for so many seconds, from so many clients.

    Args:
        address: of the route that translates.
        process: the server's number.
        clients: that ask at the same time.
        seconds: after which nobody asks again.
        sentences: what they ask for, each client from another on.
    """
    seen: list[float] = []
    wrong = 0
    limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx2.AsyncClient(timeout=120, limits=limits) as client:

        async def answer(text: str) -> bytes:
            told = await client.post(address, json={"text": text})
            while told.status_code == 429:  # a full queue is told, and asked again
                await asyncio.sleep(float(told.headers["retry-after"]))
                told = await client.post(address, json={"text": text})
            return told.content if told.status_code == 200 else b""

        alone = {text: await answer(text) for text in sentences}
        assert all(alone.values()), "the server does not translate"
        memory = [resident(process)]
        began = time.perf_counter()
        until = began + seconds

        async def ask(number: int) -> None:
            nonlocal wrong
            turn = number
            while time.perf_counter() < until:
                text = sentences[turn % len(sentences)]
                sent = time.perf_counter()
                try:
                    right = await answer(text) == alone[text]
                except httpx2.HTTPError:
                    right = False
                seen.append(time.perf_counter() - sent)
                wrong += not right
                turn += 1

        async def watch() -> None:
            for _ in range(10):
                await asyncio.sleep(seconds / 10)
                memory.append(resident(process))

        await asyncio.gather(watch(), *(ask(number) for number in range(clients)))
        return Load(clients, seen, time.perf_counter() - began, wrong, memory)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table; the status is 1 where an answer was lost or wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", nargs="?", default="en-fr")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each number of clients")
    parser.add_argument("--long", type=float, default=60.0, help="seconds of the last run; 0 leaves it out")
    given = parser.parse_args(arguments)
    command = [sys.executable, "-m", "regard", "serve", f"model={given.model}", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            address = server.stdout.readline().strip()
            wait_until_ready(address)
            print(f"{describe()}\n\n{given.model}, over HTTP, one sentence a request\n")
            print("| clients | p50, ms | p95, ms | sentences/s | answers | lost or wrong | memory, MiB |")
            print("|---|---|---|---|---|---|---|")
            url, wrong = f"{address}/api/models/model/translate", 0
            runs = [(clients, given.seconds) for clients in given.clients]
            runs += [(max(given.clients), given.long)] if given.long else []
            for clients, seconds in runs:
                found = asyncio.run(load(url, server.pid, clients, seconds))
                print(found.row(), flush=True)
                wrong += found.wrong
            print(f"\nMemory of the last run: {json.dumps([size >> 20 for size in found.memory])} MiB")
        finally:
            server.terminate()
    return int(wrong > 0)


def wait_until_ready(address: str, seconds: float = 120.0) -> None:
    """Returns when a server answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if httpx2.get(f"{address}/ready").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise TimeoutError(f"{address} does not answer")


if __name__ == "__main__":
    sys.exit(main())
