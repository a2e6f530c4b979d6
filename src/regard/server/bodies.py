"""Reading requests within bounds of size, number and time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from threading import Event

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regard.server.errors import Refused
from regard.server.limits import Limits


class Bounded:
    """Middleware: a request reaches the app when its body is there, whole, in time and not too large.

    How large a body is, is counted while it arrives: what its headers say may be wrong or missing. All bodies
    together have a bound too, so memory does not grow with the number of clients. Answers that a client does
    not take are given up, and so is the work on an answer when its client goes. What is still sent of a body
    that was refused is thrown away for as long as a body may take: a connection that is closed on unread
    bytes is reset, and the answer may be lost with it.

    Args:
        app: what is protected.
        limits: `body`, `held`, `requests`, `body_seconds` and `send_seconds`.
        closing: set when nothing new is taken any more.
    """

    def __init__(self, app: ASGIApp, limits: Limits, closing: Event) -> None:
        self.app = app
        self.limits = limits
        self.closing = closing
        self._held = 0
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        parts: list[bytes] = []
        self._requests += 1
        try:
            await self._handle(scope, receive, send, parts)
        finally:
            self._requests -= 1
            self._let_go(parts)

    async def _handle(self, scope: Scope, receive: Receive, send: Send, parts: list[bytes]) -> None:
        until = asyncio.get_running_loop().time() + self.limits.body_seconds
        arriving = _Arriving(receive)
        try:
            if self.closing.is_set():
                raise Refused(503, "closing", "the server is shutting down")
            if self._requests > self.limits.requests:
                raise Refused(503, "busy", "too many requests at once; try again", retry=1)
            self._check_length(Headers(scope=scope).get("content-length", ""))
            async with asyncio.timeout_at(until):
                if not await self._read(arriving, parts):
                    return
        except TimeoutError:
            seconds = self.limits.body_seconds
            fault = Refused(408, "slow_body", f"the request did not arrive within {seconds:g} seconds")
        except Refused as refusal:
            fault = refusal
        else:
            await self._answer(scope, receive, send, parts)
            return
        self._let_go(parts)  # others need not wait for what of a refused body is still to come
        await self._refuse(fault, arriving, until, self._hurried(send))

    async def _refuse(self, fault: Refused, arriving: _Arriving, until: float, send: Send) -> None:
        """Answers, throws the rest of the body away, and only then ends the answer: the end closes."""
        response = fault.response()
        response.headers["Connection"] = "close"  # what is left of the body is no request
        await send(
            {
                "type": "http.response.start",
                "status": response.status_code,
                "headers": response.raw_headers,
            }
        )
        await send({"type": "http.response.body", "body": response.body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await arriving.thrown_away(self.limits.held)
        await send({"type": "http.response.body", "body": b""})

    async def _answer(self, scope: Scope, receive: Receive, send: Send, parts: list[bytes]) -> None:
        """Runs the app for as long as the client is there."""
        gone = asyncio.ensure_future(_gone(receive))
        work = asyncio.ensure_future(self.app(scope, _replayed(parts, gone), self._hurried(send)))
        try:
            await asyncio.wait((gone, work), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            gone.cancel()
            work.cancel()
            await asyncio.gather(gone, work, return_exceptions=True)

    def _let_go(self, parts: list[bytes]) -> None:
        self._held -= sum(map(len, parts))
        parts.clear()

    def _check_length(self, said: str) -> None:
        if said.isdecimal() and int(said[:20]) > self.limits.body:
            raise self._too_large()

    async def _read(self, receive: Receive, parts: list[bytes]) -> bool:
        """Whether the whole body came; if not, the client is gone."""
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            part = message.get("body", b"")
            size += len(part)
            if size > self.limits.body:
                raise self._too_large()
            if self._held + len(part) > self.limits.held:
                raise Refused(503, "busy", "the server holds too much already; try again", retry=1)
            self._held += len(part)
            parts.append(part)
            if not message.get("more_body", False):
                return True

    def _too_large(self) -> Refused:
        return Refused(413, "too_large", f"the request has more than {self.limits.body:,} bytes; send less")

    def _hurried(self, send: Send) -> Send:
        async def hurried(message: Message) -> None:
            async with asyncio.timeout(self.limits.send_seconds):
                await send(message)

        return hurried


class _Arriving:
    """A body that is received in parts."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._whole = False

    async def __call__(self) -> Message:
        message = await self._receive()
        self._whole = not message.get("more_body", False)  # nor does a client that is gone send more
        return message

    async def thrown_away(self, most: int) -> None:
        """Reads the rest of it, or bytes enough."""
        while not self._whole and most > 0:
            most -= len((await self()).get("body", b""))


async def _gone(receive: Receive) -> None:
    """Returns when the client goes, or has its whole answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _replayed(parts: list[bytes], gone: asyncio.Future[None]) -> Receive:
    """The body that was read, once, and then that the client is gone, when it is."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            await asyncio.shield(gone)
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": b"".join(parts), "more_body": False}

    return replayed
