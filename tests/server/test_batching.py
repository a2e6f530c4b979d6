"""The queue and the thread that works it off, without HTTP."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.server.batching import Abandoned, Check, Work, Worker
from regard.server.errors import Refused
from regard.server.limits import Limits
from regard.server.rounding import answered_alike, settled
from regard.server.turns import Turns


@dataclass(frozen=True)
class Plus(Work[int, int]):
    """Adds a number; 13 cannot be added to."""

    number: int = 1

    def size(self, given: int) -> float:
        return 0.6 if given >= 1000 else 0.0

    def answers(self, predictor: list[list[int]], given: Sequence[int], check: Check) -> list[int]:
        predictor.append(list(given))
        if 13 in given:
            raise ValueError("13")
        return [one + self.number for one in given]


class Gate(Work[threading.Event, str]):
    """Holds the worker until it is let go."""

    def answers(self, predictor: object, given: Sequence[threading.Event], check: Check) -> list[str]:
        for event in given:
            assert event.wait(10)
        return ["open"] * len(given)


def test_what_waits_is_answered_together() -> None:
    batches: list[list[int]] = []
    sizes: list[int] = []
    worker = Worker(batches, Limits(batch=3), observe=sizes.append)
    futures = [worker.submit(Plus(), number) for number in range(5)]
    assert len(worker) == 5
    worker.start()
    assert [future.result(10) for future in futures] == [1, 2, 3, 4, 5]
    worker.close()
    assert batches == [[0, 1, 2], [3, 4]]
    assert sizes == [3, 2]


def test_only_what_is_asked_alike_is_answered_together() -> None:
    batches: list[list[int]] = []
    worker = Worker(batches, Limits())
    futures = [worker.submit(Plus(number % 2), number) for number in range(4)]
    worker.start()
    assert [future.result(10) for future in futures] == [0, 2, 2, 4]
    worker.close()
    assert batches == [[0, 2], [1, 3]]


def test_large_requests_do_not_share_a_batch() -> None:
    batches: list[list[int]] = []
    worker = Worker(batches, Limits())
    futures = [worker.submit(Plus(), number) for number in (1000, 1, 2, 1001, 3)]
    worker.start()
    assert [future.result(10) for future in futures] == [1001, 2, 3, 1002, 4]
    worker.close()
    assert batches == [[1000, 1, 2], [1001, 3]]


def test_nobody_fails_with_the_request_of_another() -> None:
    worker = Worker([], Limits())
    futures = [worker.submit(Plus(), number) for number in (1, 13, 2)]
    worker.start()
    assert futures[0].result(10) == 2
    assert futures[2].result(10) == 3
    with pytest.raises(ValueError, match="13"):
        futures[1].result(10)
    assert worker.submit(Plus(), 4).result(10) == 5
    worker.close()


def test_a_full_queue_refuses() -> None:
    worker = Worker([], Limits(places=2))
    first = [worker.submit(Plus(), number) for number in range(2)]
    with pytest.raises(Refused) as refusal:
        worker.submit(Plus(), 3)
    assert (refusal.value.status, refusal.value.code, refusal.value.retry) == (429, "queue_full", 1)
    worker.start()
    assert [future.result(10) for future in first] == [1, 2]
    worker.close()


def test_who_left_gives_the_place_to_others_and_holds_nothing() -> None:
    worker = Worker([], Limits(places=2))
    picture = threading.Event()
    held = weakref.ref(picture)
    left = [worker.submit(Gate(), picture) for _ in range(2)]
    del picture
    assert held() is not None
    assert all(future.cancel() for future in left)
    gc.collect()
    assert (len(worker), held()) == (0, None)
    stayed = worker.submit(Plus(), 3)
    worker.start()
    assert stayed.result(10) == 4
    worker.close()


def test_who_leaves_while_others_gather_does_not_end_the_worker() -> None:
    worker = Worker([], Limits(gather=0.3))
    worker.start()
    assert worker.submit(Plus(), 1).cancel()
    time.sleep(0.6)
    assert worker.alive
    assert worker.submit(Plus(), 2).result(10) == 3
    worker.close()
    assert not worker.alive


def test_what_nobody_waits_for_is_not_done() -> None:
    batches: list[list[int]] = []
    worker = Worker(batches, Limits(seconds=1.0))
    late, left = worker.submit(Plus(), 1), worker.submit(Plus(), 2)
    assert left.cancel()
    time.sleep(1.1)
    fresh = worker.submit(Plus(), 3)
    worker.start()
    with pytest.raises(Refused) as refusal:
        late.result(10)
    assert refusal.value.status == 503
    assert fresh.result(10) == 4
    worker.close()
    assert batches == [[3]]


class Steps(Work[threading.Event, int]):
    """Takes steps for as long as somebody waits; each event says that one was taken."""

    def answers(self, predictor: list[str], given: Sequence[threading.Event], check: Check) -> list[int]:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                check()
            except Abandoned:
                predictor.append("stopped")
                raise
            for event in given:
                event.set()
        return [0] * len(given)


def test_what_is_being_done_is_stopped_when_nobody_waits_for_any_of_it() -> None:
    told: list[str] = []
    worker, work, first, second = Worker(told, Limits()), Steps(), threading.Event(), threading.Event()
    futures = [worker.submit(work, event) for event in (first, second)]
    worker.start()
    assert first.wait(10)
    assert futures[0].cancel()
    first.clear()
    assert first.wait(10)  # there is one who waits
    assert not told
    assert futures[1].cancel()
    assert worker.submit(Gate(), _open()).result(5) == "open"
    assert told == ["stopped"]
    worker.close()


def test_an_answer_that_comes_too_late_is_let_go() -> None:
    worker, gate = Worker([], Limits()), threading.Event()
    worker.start()
    held = worker.submit(Gate(), gate)
    while len(worker):
        time.sleep(0.001)
    assert held.cancel()
    gate.set()
    assert worker.submit(Gate(), _open()).result(5) == "open"
    assert worker.alive
    worker.close()


def _open() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_who_asks_is_told_when_the_answer_takes_too_long() -> None:
    worker, gate = Worker([], Limits(seconds=0.1)), threading.Event()
    worker.start()

    async def ask() -> None:
        with pytest.raises(Refused, match=r"within 0\.1 seconds"):
            await worker.ask(Gate(), gate)

    asyncio.run(ask())
    gate.set()
    assert worker.submit(Plus(), 1).result(10) == 2  # and the worker goes on
    worker.close()


def test_closing_answers_what_waits_and_takes_nothing_new() -> None:
    worker, gate = Worker([], Limits()), threading.Event()
    worker.start()
    held = worker.submit(Gate(), gate)
    waiting = worker.submit(Plus(), 1)
    closing = threading.Thread(target=worker.close)
    closing.start()
    time.sleep(0.1)
    with pytest.raises(Refused) as refusal:
        worker.submit(Plus(), 2)
    assert refusal.value.status == 503
    gate.set()
    closing.join(10)
    assert held.result(0) == "open"
    assert waiting.result(0) == 2
    assert not worker.alive


def test_nothing_that_was_asked_or_answered_is_kept() -> None:
    class Thing:
        pass

    class Copy(Work[Thing, Thing]):
        def answers(self, predictor: object, given: Sequence[Thing], check: Check) -> list[Thing]:
            return [Thing() for _ in given]

    worker = Worker([], Limits())
    worker.start()
    asked = Thing()
    future = worker.submit(Copy(), asked)
    kept = weakref.ref(asked), weakref.ref(future.result(10))
    del asked, future
    for _ in range(100):
        gc.collect()
        if all(one() is None for one in kept):
            break
        time.sleep(0.02)
    assert [one() for one in kept] == [None, None]
    worker.close()


def test_models_take_turns_in_order() -> None:
    turns, order = Turns(), []
    threads = []
    with turns:
        for number in range(5):
            threads.append(threading.Thread(target=lambda number=number: _enter(turns, order, number)))
            threads[-1].start()
            while turns._given < number + 2:
                time.sleep(0.001)
    for thread in threads:
        thread.join(10)
    assert order == list(range(5))


def _enter(turns: Turns, order: list[int], number: int) -> None:
    with turns:
        order.append(number)


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=8), st.integers(0, 2**32 - 1))
def test_rounded_numbers_are_those_of_each_alone(values: list[float], seed: int) -> None:
    import random

    noise = random.Random(seed)

    def answer(some: Sequence[float]) -> list[float]:
        return [one + (noise.uniform(-1e-5, 1e-5) if len(some) > 1 else 0.0) for one in some]

    found = answered_alike(answer, values, lambda one: [one], 3, 2e-5)
    assert [round(one, 3) for one in found] == [round(one, 3) for one in values]


def test_a_number_near_a_border_is_not_settled() -> None:
    assert settled(0.5, 3, 1e-5)
    assert not settled(0.4995, 3, 1e-5)
    assert not settled(-0.49951, 3, 1e-5)
    assert settled(float("-inf"), 3, 1e-5)
