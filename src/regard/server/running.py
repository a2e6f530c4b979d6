"""Running the server: until it is told to stop, and then until what it has is done."""

from __future__ import annotations

import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from regard.errors import UserError
from regard.server.connections import Room, bounded_connections
from regard.server.limits import Limits


class _Server(uvicorn.Server):
    """Refuses new requests from the moment that it is told to stop, on connections that are open too."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._app.state.closing.set()
        super().handle_exit(sig, frame)


def serve(app: FastAPI, host: str = "127.0.0.1", port: int = 8000, *, limits: Limits | None = None) -> None:
    """Serves an app until SIGINT or SIGTERM; what was asked by then is answered.

    Args:
        app: see `regard.server.create_app`.
        host: address to listen at; 127.0.0.1 is this machine alone.
        port: 0 takes one that is free.
        limits: `seconds` is how long the end waits for what is being done; of connections see
            `regard.server.connections`.

    Raises:
        UserError: the address cannot be listened at.
    """
    limits = limits or Limits()
    room = Room.of(limits)
    listening = _listening(host, port, room.at_once)
    address, number = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    print(f"http://{shown}:{number}", flush=True)
    config = uvicorn.Config(
        app,
        http=bounded_connections(limits, room.most),
        backlog=room.at_once,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=int(limits.seconds) + 5,
    )
    with listening:
        _Server(config, app).run(sockets=[listening])


def _listening(host: str, port: int, at_once: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.create_server((address[0], port), family=family, backlog=at_once)
    except (OSError, OverflowError, UnicodeError) as error:
        raise UserError(
            f"cannot listen at {host}, port {port}: {getattr(error, 'strerror', error)}"
        ) from None
    return found
