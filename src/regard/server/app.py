"""The app: routes by task, and what stands before them."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event

from fastapi import FastAPI

from regard import __version__
from regard.server import (
    classify_picture,
    classify_text,
    curves,
    denoise,
    detect,
    generate,
    info,
    neighbours,
    positions,
    segment,
    site,
    stream,
    translate,
)
from regard.server.bodies import Bounded
from regard.server.errors import Caught, add_handlers
from regard.server.limits import Limits
from regard.server.metrics import Measured, Metrics
from regard.server.security import Guarded, Sealed
from regard.server.served import Models

# Tasks whose models are not served bring no routes.
_ROUTES = {
    "translation": (translate.routes, stream.routes),
    "language-modelling": (generate.routes,),
    "text-classification": (classify_text.routes,),
    "image-classification": (classify_picture.routes,),
    "segmentation": (segment.routes,),
    "denoising": (denoise.routes,),
    "anomaly-detection": (detect.routes,),
}


def create_app(
    models: Mapping[str, str | Path],
    limits: Limits | None = None,
    *,
    names: Collection[str] = (),
    device: str | None = None,
) -> FastAPI:
    """An ASGI application that answers for models.

    `app.state.closing` is an event: once it is set, what is there is finished and nothing new is taken.

    Args:
        models: names, and folders or the names of models that ship.
        limits: of requests; see `Limits`.
        names: host names that it may be asked by, beside localhost and addresses in numbers.
        device: where models compute; None is the CPU.

    Raises:
        regard.errors.UserError: a model that cannot be served.
    """
    limits, metrics, closing = limits or Limits(), Metrics(), Event()
    served = Models(models, limits, metrics, device)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Python remembers every warning of another text, and clients can cause as many as they like.
        warnings.simplefilter("ignore")
        served.start()
        yield
        closing.set()
        await asyncio.to_thread(served.close, limits.seconds)

    app = FastAPI(
        title="Regard",
        version=__version__,
        summary="Attention models: what they make of texts and pictures, and what they look at.",
        docs_url=None,  # these pages would load their scripts from another host
        redoc_url=None,
        openapi_url="/openapi.json",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.closing = closing
    app.include_router(site.routes())
    app.include_router(info.routes(served, metrics, limits))
    for of_models in (curves.routes, neighbours.routes, positions.routes):
        app.include_router(of_models(served))
    for task, makers in _ROUTES.items():
        if task in {model.task for model in served}:
            for make in makers:
                app.include_router(make(served, limits))
    add_handlers(app)
    # The last one is the first that a request meets.
    app.add_middleware(Caught)
    app.add_middleware(Bounded, limits=limits, closing=closing)
    app.add_middleware(Guarded, names=names)
    app.add_middleware(Sealed)
    app.add_middleware(Measured, metrics=metrics)
    return app
