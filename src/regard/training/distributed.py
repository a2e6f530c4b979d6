"""Several processes, one run: what torchrun starts (DDP, gloo on CPU, NCCL on GPU)."""

from __future__ import annotations

import importlib
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from regard.errors import UserError

T = TypeVar("T")

# The others wait while the first prepares a corpus or validates: that may take longer than torch's half hour.
_PATIENCE = timedelta(hours=12)
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Processes:
    """This process among those of the run; alone, rank 0 of 1.

    Example:
        >>> Processes().sum([1.0, 2.0])
        [1.0, 2.0]
        >>> Processes().from_first(lambda: "read once")
        'read once'
    """

    rank: int = 0
    world: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this process writes files and talks to the user."""
        return self.rank == 0

    def sum(self, values: list[float]) -> list[float]:
        """Sums over all processes."""
        if self.world == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(tensor)  # on the CPU, over gloo: it does not wait for the GPU
        return [float(value) for value in tensor.tolist()]

    def gather(self, value: T) -> list[T]:
        """What each process gives, by rank."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    def from_first(self, make: Callable[[], T]) -> T:
        """What `make` returns in the first process, in all; a `UserError` of the first is raised in all."""
        if self.world == 1:
            return make()
        answer: list[Any] = [None, None]
        if self.first:
            try:
                answer[0] = make()
            except UserError as error:
                answer[1] = str(error)
        dist.broadcast_object_list(answer, src=0)
        if answer[1] is not None:
            raise UserError(answer[1])
        return answer[0]  # type: ignore[no-any-return]


def pick_device() -> torch.device:
    """The GPU of this process where there is one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


@contextmanager
def join(device: torch.device) -> Iterator[Processes]:
    """Join the processes that torchrun has started, for as long as the context lasts.

    On a CPU the cores are divided among the processes of a machine.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Processes(device=device)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    else:
        local = int(os.environ.get("LOCAL_WORLD_SIZE", str(world)))
        torch.set_num_threads(max(1, _cores() // local))
    mine = not dist.is_initialized()
    if mine:
        # What DistributedDataParallel imports. First imported while there is a process group, torch._dynamo
        # keeps it for ever: its threads outlive it, and now and then one of them brings the process down as
        # the interpreter ends (torch 2.13).
        importlib.import_module("torch._dynamo")
        # Not at the top: torch may have been built without them, and one process needs neither.
        from torch.distributed.distributed_c10d import PrefixStore
        from torch.distributed.rendezvous import rendezvous

        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        store, rank, world = next(rendezvous("env://", timeout=_PATIENCE))
        # torchrun's store outlives a group: under the same keys the next would find addresses of the last.
        apart = PrefixStore(f"regard-{next(_NUMBERS)}", store)
        dist.init_process_group(backend, timeout=_PATIENCE, store=apart, rank=rank, world_size=world)
    try:
        yield Processes(dist.get_rank(), dist.get_world_size(), device)
    finally:
        if mine:
            dist.destroy_process_group()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
