"""Figures of a running server, as Prometheus reads them."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
# What is refused for its size, its content or the server's load; a wrong address is no refusal.
_REFUSALS = (403, 408, 413, 415, 421, 422, 429, 503)


class Metrics:
    """The figures of one app, which shares none with another.

    Example:
        >>> metrics = Metrics()
        >>> metrics.batch("en-fr")(3)
        >>> b'regard_batch_size_sum{model="en-fr"} 3.0' in metrics.text()
        True
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "regard_requests", "Requests that were answered.", ["route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "regard_request_seconds",
            "From a request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.rejected = Counter(
            "regard_rejected", "Requests that were refused.", ["status"], registry=self._registry
        )
        self.present = Gauge(
            "regard_requests_in_progress", "Requests that are read or answered now.", registry=self._registry
        )
        self._queue = Gauge(
            "regard_queue_length", "Requests that wait for a model.", ["model"], registry=self._registry
        )
        self._sizes = Histogram(
            "regard_batch_size",
            "Requests that a model answered together.",
            ["model"],
            buckets=_SIZES,
            registry=self._registry,
        )

    def queue(self, model: str, length: Callable[[], int]) -> None:
        """Asks for the length of a model's queue whenever it is read."""
        self._queue.labels(model).set_function(length)

    def batch(self, model: str) -> Callable[[int], None]:
        """What is told the size of each batch of a model."""
        return self._sizes.labels(model).observe

    def text(self) -> bytes:
        """All figures, in Prometheus' text format."""
        return generate_latest(self._registry)


class Measured:
    """Middleware: counts requests, by the route's pattern and never by the address that was asked for."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, began = 499, time.perf_counter()  # 499: the client was gone before there was an answer

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.metrics.present.inc()
        try:
            await self.app(scope, receive, watched)
        finally:
            self.metrics.present.dec()
            route = getattr(scope.get("route"), "path", "none")
            self.metrics.requests.labels(route, status).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - began)
            if status in _REFUSALS:
                self.metrics.rejected.labels(status).inc()
