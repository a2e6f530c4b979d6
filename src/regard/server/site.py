"""The page: its files, and those that it shares with the one-file page of attention maps."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from string import Template

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from regard.server.errors import Refused
from regard.server.security import SITE_POLICY

_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
# Of the one-file page: its style, and the modules that stand on nothing but each other.
SHARED = (
    "canvas.js", "choice.js", "colours.js", "dom.js", "faithful.js", "readout.js", "strings.js", "style.css",
    "theme.js",
)  # fmt: skip
# An address holds the hash of all files, so what it gives never changes.
_FOREVER = "public, max-age=31536000, immutable"


def page_files() -> dict[str, bytes]:
    """Every file that the page asks for, by its address below `/page/HASH/`.

    Example:
        >>> sorted(name for name in page_files() if name.startswith("shared/c"))
        ['shared/canvas.js', 'shared/choice.js', 'shared/colours.js']
    """
    own = files("regard.server") / "page"
    found = {
        entry.name: entry.read_bytes() for entry in own.iterdir() if entry.name.rpartition(".")[2] in _TYPES
    }
    lens = files("regard.lens.html") / "page"
    shared = {f"shared/{name}": (lens / name).read_bytes() for name in SHARED}
    return found | shared


def routes() -> APIRouter:
    """Of the page. Its files are read once, when the server starts."""
    router = APIRouter(include_in_schema=False)
    held = page_files()
    digest = _digest(held)
    index = (files("regard.server") / "page" / "index.html").read_text("utf-8")
    markup = Template(index).substitute(base=f"/page/{digest}")

    @router.get("/")
    async def page() -> Response:
        """The page itself."""
        headers = {"Content-Security-Policy": SITE_POLICY}
        return Response(markup, media_type="text/html; charset=utf-8", headers=headers)

    @router.get("/favicon.ico")
    async def icon() -> Response:
        """What browsers ask for unasked."""
        return RedirectResponse(f"/page/{digest}/icon.svg")

    @router.get("/page/{asked}/{name:path}")
    async def file(asked: str, name: str) -> Response:
        """A file of the page."""
        if asked != digest or name not in held:
            raise Refused(404, "not_found", "no such file; load the page again")
        media_type = _TYPES[name.rpartition(".")[2]]
        return Response(held[name], media_type=media_type, headers={"Cache-Control": _FOREVER})

    return router


def _digest(held: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, content in sorted(held.items()):
        whole.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return whole.hexdigest()[:16]
