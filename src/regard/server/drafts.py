"""A translation as far as it is, on its way from the model's thread to the one that answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any


class Drafts:
    """The newest draft of one sentence; older ones are forgotten, so a slow client holds up nothing.

    Args:
        loop: of the thread that answers.

    Example:
        >>> async def newest() -> list[str]:
        ...     drafts, future = Drafts(asyncio.get_running_loop()), Future()
        ...     drafts.tell("Un")
        ...     drafts.tell("Un chat")
        ...     asyncio.get_running_loop().call_later(0.01, future.set_result, "Un chat.")
        ...     return [draft async for draft in drafts.until(future, 1.0)]
        >>> asyncio.run(newest())
        ['Un chat']
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._changed = asyncio.Event()
        self._newest = ""

    def tell(self, draft: str) -> None:
        """Takes a draft, in the model's thread."""
        self._newest = draft
        self._wake()

    async def until(self, future: Future[Any], seconds: float) -> AsyncIterator[str]:
        """Drafts as they come, until the sentence is done or so many seconds are over."""
        future.add_done_callback(lambda _: self._wake())
        told, end = "", self._loop.time() + seconds
        while not future.done():
            try:
                await asyncio.wait_for(self._changed.wait(), end - self._loop.time())
            except TimeoutError:
                return
            self._changed.clear()
            if self._newest != told and not future.done():
                told = self._newest
                yield told

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the server has ended meanwhile
            self._loop.call_soon_threadsafe(self._changed.set)
