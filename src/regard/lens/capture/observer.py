"""What is done with each call of attention: compute what is wanted of it again, check it, keep it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch.utils._python_dispatch import _disable_current_modes

from regard.lens.capture.agreement import Agreement, refuse_disagreement
from regard.lens.capture.block import Block, Recomputed, take
from regard.lens.capture.gradient import Gradient
from regard.lens.capture.run import Run, Step
from regard.lens.capture.seen import Seen
from regard.lens.capture.summary import Summariser
from regard.lens.capture.wanted import Wanted
from regard.lens.capture.weights import Rows


class Observer:
    """Is told of calls, and fills what is seen.

    Args:
        wanted: what is looked for.

    Attributes:
        wanted: the same.
        seen: what is filled.
        ran: whether the model ran, or a part of it that was told of.
        elsewhere: whether the model ran in another thread.
        compiled: names of modules that ran compiled.
        vmapped: whether attention ran under ``torch.vmap``.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.seen = Seen(wanted)
        self.ran = False
        self.elsewhere = False
        self.compiled: list[str] = []
        self.vmapped = False
        self._thread = threading.get_ident()

    @property
    def here(self) -> bool:
        """Whether what runs is a forward, in the thread of the one who looks.

        It is not while a compiler traces, nor in a backward, where checkpointing runs layers once more.
        """
        if torch.compiler.is_compiling():
            return False
        if threading.get_ident() != self._thread:
            self.elsewhere = True
            return False
        return torch._C._current_graph_task_id() == -1

    def model_called(self) -> None:
        """Is told that the whole model begins to run."""
        self.ran = True
        self.seen.model_called()

    def saw(self, name: str, sizes: tuple[int, int, int], call: Callable[[], Recomputed]) -> None:
        """Takes in a call that has just ended.

        Args:
            name: of its place.
            sizes: batch, queries and keys.
            call: gives the call, which is only asked for where it is wanted.

        Raises:
            ValueError: the place has no such head.
            DisagreementError: what was found is not what the model computed.
        """
        self.ran = True
        if not all(sizes):
            return
        if _vmapped():
            self.vmapped = True
            return
        run = self.seen.follow(name, *sizes)
        step = None
        if self.wanted.looks_at(name):
            with _beside():
                step = self._step(name, run, call())
        self.seen.ran(name, run, *sizes[1:])
        if step is not None:
            run.add(step, self.wanted)
            self.seen.keep(name, run)

    def _step(self, name: str, run: Run, call: Recomputed) -> Step:
        shape, device = call.shape, call.output.device.type
        heads = self.wanted.heads_of(name, shape[1])
        rows = self.wanted.rows_of(run.queries, shape[2])
        gathered: Rows | Summariser
        if self.wanted.keep == "summary":
            gathered = Summariser(shape, heads, run.queries, self.wanted.top)
        else:
            gathered = Rows(shape, heads, rows, torch.promote_types(call.dtype, torch.float32))
        agreement = None if call.drops else Agreement()
        with torch.autocast(device, enabled=False) if _casts(device) else ExitStack():
            # What comes out behind all heads can be checked with all heads only.
            for block in call.blocks(range(shape[1]) if call.whole else heads, rows):
                gathered.add(block)
                if agreement is not None:
                    _compare(agreement, call, block)
        error = None if agreement is None else agreement.error
        if error is not None:
            refuse_disagreement(name, error, call.precision)
        run.heads = heads
        found = gathered.weights if isinstance(gathered, Rows) else gathered.summary
        gradient = Gradient.of(call, heads, rows) if self.wanted.keep == "gradients" else None
        return Step([run.queries + row for row in rows], found, error, gradient)


def _vmapped() -> bool:
    """Whether ``torch.vmap`` runs, which hides a dimension of what it is given."""
    transforms = torch._C._functorch.get_interpreter_stack() or ()
    return any(one.key() == torch._C._functorch.TransformType.Vmap for one in transforms)


def _casts(device: str) -> bool:
    return torch.amp.is_autocast_available(device)


def _compare(agreement: Agreement, call: Recomputed, block: Block) -> None:
    ours = call.finish(block.context, block.rows)
    theirs = call.output if call.whole else take(call.output, 1, block.heads)
    empty = block.empty
    if empty is not None and call.whole:
        empty = empty.any(1, keepdim=True)
    agreement.add(block.heads, ours, take(theirs, 2, block.rows), empty)


@contextmanager
def _beside() -> Iterator[None]:
    """Computes beside a model: without gradients or dispatch modes, which may count or replay."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.no_grad())
        if torch._C._len_torch_dispatch_stack():
            stack.enter_context(_disable_current_modes())
        yield
