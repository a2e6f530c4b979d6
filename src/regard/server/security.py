"""Who may ask, and what a browser may do with the answer."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regard.server.errors import Refused

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
# The page of the server: its own files and answers, nothing written into it and nothing from elsewhere.
SITE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
# A saved page of maps brings its own policy, which names its script by its hash. In a sandbox it is nobody's
# page: it cannot ask this server for anything.
PAGE_POLICY = "sandbox allow-scripts allow-downloads; frame-ancestors 'none'"


def host_of(header: str) -> str:
    """The host in a Host header, without its port.

    Example:
        >>> host_of("localhost:8000"), host_of("[::1]:8000"), host_of("Evil.example")
        ('localhost', '::1', 'evil.example')
    """
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]/@\s]+))(?::\d{1,5})?", header)
    return (found[1] or found[2]).lower() if found else ""


def is_ours(host: str, allowed: Collection[str]) -> bool:
    """Whether a host is this server: an address in numbers, localhost, or a name that was allowed.

    A page of a stranger can make its own name point here (DNS rebinding), and then ask in that name; it
    cannot do so with an address in numbers.

    Example:
        >>> is_ours("127.0.0.1", ()), is_ours("evil.example", ()), is_ours("lab.example", ["lab.example"])
        (True, False, True)
    """
    if host == "localhost" or host in allowed:
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class Guarded:
    """Middleware: refuses requests in the name of another host or from another site's page.

    Args:
        app: what is guarded.
        names: host names that this server goes by.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] = ()) -> None:
        self.app = app
        self.names = {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] == "http":
            fault = self._fault(Headers(scope=scope))
            if fault is not None:
                await fault.response()(scope, receive, send)
                return
        elif scope["type"] != "lifespan":
            return  # nothing else is spoken here
        await self.app(scope, receive, send)

    def _fault(self, headers: Headers) -> Refused | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not is_ours(host_of(hosts[0]), self.names):
            return Refused(
                421, "host", "this server does not go by that name; start it with --allow-host NAME"
            )
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != hosts[0].lower():
            return Refused(403, "origin", "pages of other sites may not ask this server")
        return None


class Sealed:
    """Middleware: the headers that tell a browser to trust an answer as little as it can."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, sealed)
