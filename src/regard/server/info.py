"""What the server says of itself and of its models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from regard.lens import attention_places, position_encoding
from regard.lens.patch_positions import position_likeness
from regard.server.errors import Refused
from regard.server.limits import Limits
from regard.server.metrics import MEDIA_TYPE, Metrics
from regard.server.schema import ERRORS
from regard.server.served import Models, Served
from regard.tasks.text.predictor import TextPredictor
from regard.tasks.text.translator import Translator


class State(BaseModel):
    """How the server is."""

    status: str


class Brief(BaseModel):
    """A model in a list."""

    name: str
    task: str
    title: str
    parameters: int
    classes: list[str] | None = None
    beam: Annotated[
        int | None, Field(description="Of a translator: hypotheses kept alive unless asked otherwise.")
    ] = None
    address: Annotated[str, Field(description="Where it says more of itself.")]


class Full(Brief):
    """All that is known of a model."""

    card: Annotated[str, Field(description="The model card, in Markdown.")]
    figures: Annotated[dict[str, Any], Field(description="What is in its metrics.json.")]
    places: Annotated[list[str], Field(description="Where attention happens in it.")]
    shows: Annotated[
        list[Literal["curves", "neighbours", "positions"]],
        Field(description="What else it can be asked for."),
    ]


def routes(models: Models, metrics: Metrics, limits: Limits) -> APIRouter:
    """Health, readiness, figures, limits, and the list of models."""
    router = APIRouter()
    shows = {served.name: _shows(served) for served in models}

    @router.get("/health", tags=["server"])
    async def health() -> State:
        """Whether the server runs."""
        return State(status="ok")

    @router.get("/ready", tags=["server"], responses={503: ERRORS[503]})
    async def ready() -> State:
        """Whether it takes requests."""
        if not models.ready:
            raise Refused(503, "not_ready", "a model does not answer; start the server again")
        return State(status="ready")

    @router.get("/metrics", tags=["server"], response_class=Response)
    async def figures() -> Response:
        """Figures for Prometheus."""
        return Response(metrics.text(), media_type=MEDIA_TYPE)

    @router.get("/api/limits", tags=["server"])
    async def limits_() -> Limits:
        """What one request, and all of them together, may take; what goes beyond is refused (413)."""
        return limits

    @router.get("/api/models", tags=["models"], response_model_exclude_none=True)
    async def models_() -> list[Brief]:
        """The models that are served."""
        return [Brief(**_brief(served)) for served in models]

    @router.get(
        "/api/models/{model}", tags=["models"], response_model_exclude_none=True, responses={404: ERRORS[404]}
    )
    async def model_(model: str) -> Full:
        """A model's card and figures."""
        served = models[model]
        return Full(
            **_brief(served),
            card=served.card,
            figures=served.figures,
            places=list(attention_places(served.predictor.model)),
            shows=shows[served.name],
        )

    return router


def _shows(served: Served) -> list[Literal["curves", "neighbours", "positions"]]:
    found: list[Literal["curves", "neighbours", "positions"]] = []
    if served.curves:
        found.append("curves")
    if isinstance(served.predictor, TextPredictor):
        found.append("neighbours")
    model = served.predictor.model
    if position_likeness(model) is not None or position_encoding(model, 2) is not None:
        found.append("positions")
    return found


def _brief(served: Served) -> dict[str, Any]:
    classes = getattr(served.predictor, "classes", None)
    predictor = served.predictor
    return {
        "name": served.name,
        "task": served.task,
        "title": served.predictor.recipe.about.title,
        "parameters": served.parameters,
        "classes": None if classes is None else list(classes),
        "beam": predictor.recipe.decoding.beam if isinstance(predictor, Translator) else None,
        "address": f"/api/models/{served.name}",
    }
