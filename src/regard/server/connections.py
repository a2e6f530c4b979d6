"""Connections within bounds of time and number."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any, NamedTuple

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from regard.server.errors import Refused
from regard.server.limits import Limits

_OWN_FILES = 64  # that a server has open beside its connections, at most
_AT_ONCE = 128  # connections that are taken before others are seen to
# So often as many may be taken before the first of them is known, and can make room.
_TURNS = 3


class Room(NamedTuple):
    """How many connections a process has room for.

    Attributes:
        most: that are kept.
        at_once: that are taken before others are seen to.
    """

    most: int
    at_once: int

    @classmethod
    def of(cls, limits: Limits) -> Room:
        """Twice as many as there may be requests, or fewer where a process may open few files.

        A server that runs out of files takes nobody any more, and its log grows with each try.
        """
        wanted = 2 * limits.requests
        try:
            import resource
        except ImportError:  # Windows, which does not count them
            return cls(wanted, _AT_ONCE)
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files == resource.RLIM_INFINITY:
            return cls(wanted, _AT_ONCE)
        at_once = max(min(_AT_ONCE, files // 8), 1)
        return cls(max(min(wanted, files - _TURNS * at_once - _OWN_FILES), 1), at_once)


def bounded_connections(limits: Limits, most: int) -> type[H11Protocol]:
    """Connections that end where headers of a request do not come in time, or an answer is not taken.

    A body has bounds of its own (see `regard.server.bodies`). Where there are too many connections, the one
    that has waited longest for a request, or for the rest of an answer to be taken, makes room.

    Args:
        limits: `body_seconds` for headers, and `send_seconds`.
        most: connections that are kept.

    Returns:
        uvicorn's protocol, for its ``http``.
    """
    waiting: dict[H11Protocol, asyncio.TimerHandle] = {}  # for a request or their end; the oldest first

    class BoundedConnection(H11Protocol):
        _taking: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._watch()
            self._watch_taking()
            if len(self.connections) > most:
                oldest = next(iter(waiting))  # this one, if all others are being answered
                waiting.pop(oldest).cancel()
                oldest.transport.abort()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._watch()
            self._watch_taking()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._watch_taking()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._watch_taking()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget()
            if self._taking is not None:
                self._taking.cancel()
            super().connection_lost(exc)

        def _answering(self) -> bool:
            """Not where an answer broke off: its connection is closed, and its cycle never complete."""
            begun = self.cycle is not None and not self.cycle.response_complete
            return begun and not self.transport.is_closing()

        def _watch(self) -> None:
            """Waits for a request, until its headers are whole: a part of them earns no more time."""
            if self._answering():
                self._forget()
            elif self not in waiting:
                waiting[self] = self.loop.call_later(limits.body_seconds, self._close)

        def _forget(self) -> None:
            if self in waiting:
                waiting.pop(self).cancel()

        def _watch_taking(self, before: float = inf) -> None:
            """Closes a connection whose client takes nothing of what is written, and never might.

            It looks for as long as there is a connection: a few bytes that are left pause nothing, and an
            answer that breaks off tells nobody. It starts anew when one may have added to what is left.
            """
            if self._taking is not None:
                self._taking.cancel()
            left = self.transport.get_write_buffer_size()
            adding = self._answering() and not self.flow.write_paused
            if left and left >= before and not adding:
                self.transport.abort()
                return
            self._watch()  # an answer may have broken off
            known = left if left and not adding else inf
            self._taking = self.loop.call_later(limits.send_seconds, self._watch_taking, known)

        def _close(self) -> None:
            """Tells why, where a request has begun: nobody waits for an answer to none."""
            begun, _ = self.conn.trailing_data
            if begun and self.conn.our_state is h11.IDLE:
                self.transport.write(_answer(self.conn, limits))
            self.transport.close()

    return BoundedConnection


def _answer(conn: h11.Connection, limits: Limits) -> bytes:
    message = f"the request did not arrive within {limits.body_seconds:g} seconds"
    response = Refused(408, "slow_headers", message).response()
    response.headers["Connection"] = "close"
    events = (
        h11.Response(status_code=408, headers=response.raw_headers, reason=b"Request Timeout"),
        h11.Data(data=bytes(response.body)),
        h11.EndOfMessage(),
    )
    return b"".join(conn.send(event) or b"" for event in events)
