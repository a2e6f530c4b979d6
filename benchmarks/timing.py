"""Time contestants in turn, each in a process of its own: a machine that drifts slows them alike.

A process each, because a process-wide setting of one (an allocator's, a thread count) must not help or hurt
another, and because peak memory is then each contestant's own.
"""

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

Round = Callable[[], object]
Prepare = Callable[..., Round]


@dataclass(frozen=True)
class Entry:
    """A contestant: `prepare(*arguments)` builds it (untimed) and returns what one round runs."""

    prepare: Prepare
    arguments: tuple[object, ...] = ()


@dataclass(frozen=True)
class Timing:
    """Seconds of each counted round, in the order run, and the process's peak memory.

    Attributes:
        seconds: of the rounds.
        peak_megabytes: above what the contestant held when it was built.
        process_megabytes: all of it.
    """

    seconds: list[float]
    peak_megabytes: float
    process_megabytes: float

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def in_turn(entries: dict[str, Entry], rounds: int = 5, warmup: int = 1) -> dict[str, Timing]:
    """Run A B C, A B C, …: `warmup` uncounted rounds, then `rounds` counted ones."""
    context = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    processes = []
    for name, entry in entries.items():
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there, entry), daemon=True)
        process.start()
        pipes[name] = here
        processes.append(process)
    seconds: dict[str, list[float]] = {name: [] for name in entries}
    peaks = dict.fromkeys(entries, (0.0, 0.0))
    for round_ in range(warmup + rounds):
        for name, pipe in pipes.items():
            pipe.send(True)
            taken, peaks[name] = pipe.recv()
            if round_ >= warmup:
                seconds[name].append(taken)
    for pipe, process in zip(pipes.values(), processes, strict=True):
        pipe.send(False)
        process.join()
    return {name: Timing(seconds[name], *peaks[name]) for name in entries}


def _work(pipe: Connection, entry: Entry) -> None:
    run = entry.prepare(*entry.arguments)
    before = _peak_megabytes()
    while pipe.recv():
        start = time.perf_counter()
        run()
        taken = time.perf_counter() - start
        peak = _peak_megabytes()
        pipe.send((taken, (peak - before, peak)))


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def paired_ratio(timings: dict[str, Timing], name: str, against: str) -> float:
    """Median over rounds of (seconds of `against`) / (seconds of `name`): above 1, `name` is faster."""
    pairs = zip(timings[against].seconds, timings[name].seconds, strict=True)
    return statistics.median(other / own for other, own in pairs)
