"""Requests to one model, answered together by one thread."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any, Generic, TypeVar

from regard.counted import counted
from regard.server.errors import Refused
from regard.server.limits import Limits
from regard.server.turns import Turns

Given = TypeVar("Given")
Answer = TypeVar("Answer")

Check = Callable[[], None]
"""Called now and then by what takes long; raises `Abandoned` when nobody waits for it any more."""


class Abandoned(Exception):  # noqa: N818 - it is what happened to the batch
    """All who asked for what is being done are gone."""


class Work(ABC, Generic[Given, Answer]):
    """What is asked of a model, apart from what it is asked about; works that are equal are done together."""

    @abstractmethod
    def answers(self, predictor: Any, given: Sequence[Given], check: Check) -> list[Answer]:
        """One answer for each, which does not depend on the others.

        Args:
            predictor: what answers.
            given: what is asked about.
            check: for what takes long: what it raises is to be passed on.

        Raises:
            Refused, regard.errors.UserError: one of them cannot be answered.
        """

    def size(self, given: Given) -> float:
        """What share of a batch one takes; 1 or more is answered by itself."""
        return 0.0


@dataclass
class _Job:
    work: Work[Any, Any]
    given: Any
    until: float
    # It can be cancelled until there is an answer, while it is worked on too: then nobody waits any more.
    future: Future[Any] = field(default_factory=Future)

    def answer(self, answer: Any) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(answer)

    def fail(self, error: Exception) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


class Worker:
    """A thread with a queue of bounded length.

    It takes the request that waits the longest, waits a moment for others to join it, and answers them
    together. A batch that fails is done again one by one, so that nobody fails with another's request. One
    that nobody waits for any more, because clients went or their time is over, is not begun, or not finished.

    Args:
        predictor: what answers.
        limits: `places`, `batch` and `gather`.
        turns: models that share them run one after the other: they would only fight for the same cores.
        observe: is told the size of each batch.

    Example:
        >>> class Double(Work[int, int]):
        ...     def answers(self, predictor, given, check):
        ...         return [predictor * one for one in given]
        >>> worker = Worker(2, Limits())
        >>> future = worker.submit(Double(), 21)
        >>> worker.start()
        >>> future.result()
        42
        >>> worker.close()
    """

    def __init__(
        self,
        predictor: Any,
        limits: Limits,
        *,
        turns: Turns | None = None,
        observe: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._predictor = predictor
        self._limits = limits
        self._turns = turns or Turns()
        self._observe = observe
        self._jobs: deque[_Job] = deque()
        self._changed = Condition()
        self._closing = False
        self._thread = Thread(target=self._run, daemon=True, name="regard-worker")

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def alive(self) -> bool:
        """Whether it answers."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def submit(self, work: Work[Given, Answer], given: Given) -> Future[Answer]:
        """Puts a request into the queue.

        Args:
            work: what is asked.
            given: about what.

        Raises:
            Refused: the queue is full, or closed.
        """
        job = _Job(work, given, time.monotonic() + self._limits.seconds)
        job.future.add_done_callback(self._leave)
        with self._changed:
            if self._closing:
                raise Refused(503, "closing", "the server is shutting down")
            if len(self._jobs) >= self._limits.places:
                waiting = counted(len(self._jobs), "request waits", "requests wait")
                raise Refused(429, "queue_full", f"{waiting} for this model; try again", retry=1)
            self._jobs.append(job)
            self._changed.notify_all()
        return job.future

    async def ask(self, work: Work[Given, Answer], given: Given) -> Answer:
        """The answer to a request, from another thread than the worker's.

        Raises:
            Refused: see `submit` and `answered`.
        """
        return await self.answered(self.submit(work, given))

    async def answered(self, future: Future[Answer]) -> Answer:
        """What a request that was submitted comes to.

        Raises:
            Refused: there was no answer in time.
        """
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._limits.seconds)
        except TimeoutError:
            raise too_late(self._limits) from None

    def close(self, seconds: float | None = None) -> None:
        """Takes no more requests, and returns when those that wait are answered, or after so many seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _leave(self, future: Future[Any]) -> None:
        """Gives the place of a request that nobody waits for to others, and what it holds to the system."""
        if future.cancelled():
            with self._changed:
                self._jobs = deque(job for job in self._jobs if job.future is not future)

    def _run(self) -> None:
        while batch := self._next():
            for group in _together(batch):
                with self._turns:
                    self._answer(group)
            # What was asked and answered must not stay in memory until the next request comes.
            del batch, group

    def _next(self) -> list[_Job]:
        """The next requests; none when the worker is closed and all are answered."""
        limits = self._limits
        with self._changed:
            while not self._jobs and not self._closing:  # those that came may have left while others gathered
                self._changed.wait_for(lambda: self._jobs or self._closing)
                self._changed.wait_for(
                    lambda: len(self._jobs) >= limits.batch or self._closing, limits.gather
                )
            return [self._jobs.popleft() for _ in range(min(len(self._jobs), limits.batch))]

    def _answer(self, jobs: list[_Job]) -> None:
        """Answers requests of equal works; those that nobody waits for any more are passed over."""
        wanted = []
        for job in jobs:
            if time.monotonic() > job.until:
                job.fail(too_late(self._limits))
            elif not job.future.cancelled():
                wanted.append(job)
        if wanted:
            self._observe(len(wanted))
            self._do(wanted)

    def _do(self, jobs: list[_Job]) -> None:
        def check() -> None:
            if all(job.future.cancelled() for job in jobs):
                raise Abandoned

        try:
            check()
            answers = jobs[0].work.answers(self._predictor, [job.given for job in jobs], check)
            pairs = list(zip(jobs, answers, strict=True))
        except Abandoned:
            return
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].fail(error)
                return
            for job in jobs:
                self._do([job])
            return
        for job, answer in pairs:
            job.answer(answer)


def _together(jobs: list[_Job]) -> Iterator[list[_Job]]:
    """Batches of equal works, none larger than a whole one, in the order of the first request of each."""
    alike: dict[Work[Any, Any], list[_Job]] = {}
    for job in jobs:
        alike.setdefault(job.work, []).append(job)
    for work, group in alike.items():
        part: list[_Job] = []
        size = 0.0
        for job in group:
            size += work.size(job.given)
            if part and size > 1:
                yield part
                part, size = [], work.size(job.given)
            part.append(job)
        yield part


def too_late(limits: Limits) -> Refused:
    """There was no answer in time."""
    return Refused(
        503, "too_late", f"there was no answer within {limits.seconds:g} seconds; ask for less", retry=5
    )
