"""What a client is told when something cannot be done: one shape of JSON for every error."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regard.errors import UserError

_log = logging.getLogger("regard.server")


class Fault(BaseModel):
    """What went wrong."""

    code: str = Field(description="For programs: one word, such as `queue_full`.")
    message: str = Field(description="For people: what, and what to do.")


class ErrorAnswer(BaseModel):
    """Every answer with a status of 400 and above."""

    error: Fault


class Refused(Exception):  # noqa: N818 - it is what happened to the request
    """A request that is not carried out.

    Attributes:
        status: of HTTP.
        code: one word, for programs.
        message: for people.
        retry: seconds after which the same request may do better.

    Example:
        >>> Refused(429, "queue_full", "too many requests wait; try again", retry=1).content
        {'error': {'code': 'queue_full', 'message': 'too many requests wait; try again'}}
    """

    def __init__(self, status: int, code: str, message: str, *, retry: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry = retry

    @property
    def content(self) -> dict[str, object]:
        """The body, as JSON values."""
        return ErrorAnswer(error=Fault(code=self.code, message=_clean(self.message))).model_dump()

    def response(self) -> Response:
        """The whole answer."""
        headers = None if self.retry is None else {"Retry-After": str(self.retry)}
        return JSONResponse(self.content, self.status, headers)


def refused(error: Exception) -> Refused:
    """An error in the words that a client is told; what it should not know of is logged instead.

    Example:
        >>> refused(UserError("no such beam")).status
        422
        >>> str(refused(KeyError("/secret/path")))
        'the server failed at this request; its log says why'
    """
    if isinstance(error, Refused):
        return error
    if isinstance(error, UserError):
        return Refused(422, "unfit", str(error))
    _log.error("a request failed", exc_info=error)
    return Refused(500, "failed", "the server failed at this request; its log says why")


def add_handlers(app: FastAPI) -> None:
    """Gives every error of an app the one shape."""

    async def told(_: Request, error: Exception) -> Response:
        return refused(error).response()

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if "body" in {fault["loc"][0] for fault in error.errors()} and kind != "application/json":
            return Refused(
                415, "content_type", "send JSON, with the header Content-Type: application/json"
            ).response()
        return Refused(422, "invalid", _in_words(error)).response()

    async def of_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == HTTPStatus.BAD_REQUEST:  # a body that is not even letters
            return Refused(422, "invalid", "not valid JSON").response()
        phrase = HTTPStatus(error.status_code).phrase
        response = Refused(error.status_code, phrase.lower().replace(" ", "_"), str(error.detail)).response()
        response.headers.update(error.headers or {})
        return response

    app.add_exception_handler(Refused, told)
    app.add_exception_handler(UserError, told)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, of_http)


class Caught:
    """Middleware: what nobody foresaw is answered as an error too, while nothing has been sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http" or started:
                raise
            await refused(error).response()(scope, receive, send)


def _in_words(error: RequestValidationError) -> str:
    """Which field is wrong, and why; not what was sent, which may be anything."""
    faults = error.errors()
    told = []
    for fault in faults[:5]:
        place = ".".join(str(part)[:40] for part in fault["loc"] if part != "body")
        message = "not valid JSON" if fault["type"] == "json_invalid" else fault["msg"]
        told.append(message if fault["type"] == "json_invalid" or not place else f"{place}: {message}")
    more = f" (and {len(faults) - 5} more)" if len(faults) > 5 else ""
    return "; ".join(told) + more


def _clean(message: str) -> str:
    """Text that can be sent: what a client wrote may hold halves of characters."""
    return message.encode("utf-8", "replace").decode("utf-8")
