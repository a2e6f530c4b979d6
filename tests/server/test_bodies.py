"""Bodies that are refused: what they held is free while the rest of them is still on its way."""

from __future__ import annotations

import asyncio
from threading import Event

from starlette.types import Message, Receive, Scope, Send

from regard.server import Limits
from regard.server.bodies import Bounded

LIMITS = Limits(body=1000, held=1500, body_seconds=0.5)
POST: Scope = {"type": "http", "headers": [], "method": "POST", "path": "/"}


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Client:
    """Sends parts of a body, and then nothing for as long as it is waited for."""

    def __init__(self, *sizes: int, whole: bool) -> None:
        self.parts: list[Message] = [
            {"type": "http.request", "body": bytes(size), "more_body": not whole or number < len(sizes)}
            for number, size in enumerate(sizes, 1)
        ]
        self.told: list[Message] = []
        self.answered = asyncio.Event()

    async def receive(self) -> Message:
        if not self.parts:
            await asyncio.sleep(60)
        return self.parts.pop(0)

    async def send(self, message: Message) -> None:
        self.told.append(message)
        self.answered.set()

    async def asks(self, app: Bounded) -> int:
        await app(POST, self.receive, self.send)
        status: int = self.told[0]["status"]
        return status


def test_a_refused_body_is_let_go_before_the_rest_of_it_has_come() -> None:
    async def asked() -> tuple[int, int, list[Message]]:
        app = Bounded(answer, LIMITS, Event())
        large, other = Client(900, 900, whole=False), Client(900, whole=True)
        refusal = asyncio.ensure_future(large.asks(app))
        await large.answered.wait()
        status = await other.asks(app)
        assert not refusal.done()
        return await refusal, status, large.told

    refusal, status, told = asyncio.run(asked())
    assert (refusal, status) == (413, 200)
    assert [one.get("more_body", False) for one in told[1:]] == [True, False]  # it ends when all has come


def test_every_body_is_counted_once() -> None:
    async def asked() -> list[int]:
        app = Bounded(answer, LIMITS, Event())
        return [await Client(*sizes, whole=True).asks(app) for sizes in [(900, 900)] * 3 + [(1000,)] * 3]

    assert asyncio.run(asked()) == [413] * 3 + [200] * 3
