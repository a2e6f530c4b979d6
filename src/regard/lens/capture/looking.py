"""The door: ``with look(model) as seen``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from torch import nn

from regard.attention import Attention
from regard.lens.capture import own
from regard.lens.capture.fast import Fast, is_fast
from regard.lens.capture.modes import above
from regard.lens.capture.observer import Observer
from regard.lens.capture.seen import Seen
from regard.lens.capture.unseen import refuse_nothing, refuse_unknown
from regard.lens.capture.wanted import Keep, Queries, Wanted
from regard.lens.capture.watch import Watch
from regard.lens.capture.wrapping import Forward, Wrap, compiled_by, wrapped
from regard.lens.names import attention_places


@contextmanager
def look(
    model: nn.Module,
    at: str | Iterable[str] = "*",
    *,
    heads: Sequence[int] | None = None,
    queries: Queries = "all",
    keep: Keep = "weights",
    top: int = 8,
) -> Iterator[Seen]:
    """Captures what ``model`` attends to while the block runs.

    The model runs as it always does, on its fused kernels; its outputs, gradients and random numbers are the
    same to the bit. What is wanted is computed a second time beside it, and checked against its output.

    Seen are: torch's ``scaled_dot_product_attention`` in any module, ``nn.MultiheadAttention`` and the layers
    of ``nn.Transformer`` on each of their paths, derived ones too, and every kind of
    :class:`regard.attention.Attention`. A place is called by the path of its module, such as
    ``encoder.layer.5.attention.self``; in Regard's own models it has a shorter name, such as
    ``encoder.5.self``.

    Args:
        model: any module. It is called as a whole, or parts of it are.
        at: which places: a shell pattern over their names, or several.
        heads: which heads; all of them by default.
        queries: which query positions, those below zero counted from the end; ``"all"`` by default.
        keep: ``"weights"``, in memory rows × keys; a ``"summary"`` of all rows, in memory of the keys; or
            ``"gradients"``: weights, and once a backward ran, in the block or after it, the gradient by them.
        top: how many keys a summary names for each query.

    Yields:
        A mapping that fills as the model runs, from names to :class:`LayerAttention`.

    Raises:
        ValueError: no module matches ``at``; heads or queries that there are not; a senseless argument.
        NothingSeenError: when the block ends, if the model ran and there was nothing to see, and why.
        DisagreementError: what was found is not what the model computed.

    Example:
        >>> import torch
        >>> model = nn.TransformerEncoderLayer(8, nhead=2, batch_first=True).eval()
        >>> with torch.no_grad(), look(model, queries=[-1]) as seen:
        ...     _ = model(torch.zeros(1, 5, 8))
        >>> {name: list(one.weights.shape) for name, one in seen.items()}
        {'self_attn': [1, 2, 1, 5]}
    """
    wanted = Wanted.of(at, heads, queries, keep, top)
    places = {module: name for name, module in attention_places(model).items()}
    paths = {module: path for path, module in model.named_modules()}
    names = {module: places.get(module, path or "attention") for module, path in paths.items()}
    refuse_unknown(wanted.at, names.values())
    observer = Observer(wanted)
    watch = Watch(observer, names)
    with ExitStack() as stack:
        for owner, wrap, method in _wraps(model, names, observer, watch):
            stack.enter_context(wrapped(owner, wrap, method))
        stack.enter_context(wrapped(model, partial(_counted, observer), compiled_by(model) or "forward"))
        stack.enter_context(above(watch))
        yield observer.seen
    refuse_nothing(model, observer, ran=observer.ran or watch.ran)


def _wraps(
    model: nn.Module, names: dict[nn.Module, str], observer: Observer, watch: Watch
) -> Iterator[tuple[nn.Module | type[nn.Module], Wrap, str]]:
    """What cannot be left to the watch, modules and classes; what runs in place of a method, and which."""
    fast = Fast(observer, watch)
    compiled: list[str] = []
    for path, module in model.named_modules():
        if any(not outer or path.startswith(outer + ".") for outer in compiled):
            continue  # inside, what was compiled must stay as it was
        how = compiled_by(module)
        if how is not None:
            compiled.append(path)
            yield module, partial(_uncaptured, observer, watch, path), how
        elif isinstance(module, Attention):
            yield module, partial(own.observed, observer, watch, names[module], module), "forward"
        elif is_fast(module):
            yield module, fast.wrap(names, module), "forward"
    for base in fast.derived:
        yield base, partial(fast.by_super, base), "forward"


def _uncaptured(observer: Observer, watch: Watch, path: str, forward: Forward) -> Forward:
    """A compiled module's forward: compiled code runs as it is, and cannot be looked into."""

    def run(*arguments: Any, **options: Any) -> Any:
        if not observer.here:
            return forward(*arguments, **options)
        if path not in observer.compiled:
            observer.compiled.append(path)
            observer.ran = True
        with watch.aside():
            return forward(*arguments, **options)

    return run


def _counted(observer: Observer, forward: Forward) -> Forward:
    """The whole model's forward, which tells of each of its calls."""

    def run(*arguments: Any, **options: Any) -> Any:
        if observer.here:
            observer.model_called()
        return forward(*arguments, **options)

    return run
