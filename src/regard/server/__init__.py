"""The server: models behind HTTP, with a web page; requests within bounds, those to one model batched."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from regard.errors import from_extra

if TYPE_CHECKING:
    from regard.server.app import create_app
    from regard.server.limits import Limits
    from regard.server.running import serve

# Loaded when asked for, as the packages of the extra are not always there.
_HOMES = {"Limits": "limits", "create_app": "app", "serve": "running"}

__all__ = ["Limits", "create_app", "serve"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for package in ("fastapi", "uvicorn", "prometheus_client"):
        from_extra(package, "serve")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
