"""The door: ``with edit(model, {…}):``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from torch import nn

from regard.lens.capture.modes import beneath
from regard.lens.capture.unseen import refuse_unknown, why_unseen
from regard.lens.capture.wrapping import compiled_by
from regard.lens.editing.heads import HeadEdits, HowMuch, NoSuchHeadError, Which
from regard.lens.editing.mode import Counting, EditMode
from regard.lens.names import attention_places, matching

Edits = Mapping[str, Mapping[Literal["heads"], Mapping[Which, HowMuch]]]
"""From places to heads to what becomes of them."""


class NothingEditedError(RuntimeError):
    """A model ran, and nothing was edited where it was meant."""


@contextmanager
def edit(model: nn.Module, edits: Edits) -> Iterator[None]:
    """Changes heads of ``model`` while the block runs: scales them, switches them off, makes them blind.

    Wherever :func:`regard.look` sees attention, its heads can be edited: what a head gives is multiplied by a
    factor before heads are mixed, and a head that is ``"uniform"`` gives every key that the query may see the
    same weight. Michel et al. (2019) and Voita et al. (2019) find in this way what heads are for.

    Nothing of the model is touched: the edit is of the thread that is in the block, and other threads run
    the model as it is. Gradients flow through what was done. torch's fast paths and Regard's quick decoding
    step are closed in the block: the rest of the model then may differ by rounding.

    Several keys that name one place, and blocks in one another, add up: factors multiply, and a uniform head
    stays uniform, so that their order does not matter. A look in the block, or around it, shows the weights
    that were used: zero, scaled, or equal.

    Args:
        model: any module. It is called as a whole, or parts of it are.
        edits: from places to ``{"heads": {head: what}}``. A place is called as :func:`regard.look` calls it;
            a prefix, such as ``"encoder.2"``, means all places below it, and either may be a shell pattern.
            A head is a number, or ``"all"`` for those that have no number here; of grouped heads it is the
            query's. What becomes of it is a factor (0 is off, 1 as it is) or ``"uniform"``.

    Raises:
        NoSuchHeadError: no such place or head; a ValueError.
        ValueError: an edit that makes no sense, a compiled module, or one that runs with activation
            checkpointing, which runs it anew where no mode is.
        NothingEditedError: when the block ends, if something ran, and never at a place that was named.

    Example:
        >>> import torch
        >>> model = nn.MultiheadAttention(8, 2, bias=False, batch_first=True)
        >>> x = torch.ones(1, 3, 8)
        >>> with torch.no_grad(), edit(model, {"*": {"heads": {"all": 0.0}}}):
        ...     print(model(x, x, x)[0].abs().max())
        tensor(0.)
    """
    wanted = {key: HeadEdits.of(key, given) for key, given in edits.items()}
    names = _names(model)
    prefixes = {
        module: {*_prefixes(names[module]), *_prefixes(path)} for path, module in model.named_modules()
    }
    try:
        refuse_unknown(wanted, [*attention_places(model), *(one for of in prefixes.values() for one in of)])
    except ValueError as error:
        raise NoSuchHeadError(str(error)) from None
    wanted = {key: heads for key, heads in wanted.items() if not heads.idle}
    matches = {key: matching(key) for key in wanted}
    meant = {module: [key for key in wanted if any(map(matches[key], prefixes[module]))] for module in names}
    _refuse_compiled(model, names, meant)
    if not wanted:
        yield
        return
    mode = EditMode(names, wanted, meant)
    with beneath(mode):
        yield
    for key in wanted:
        if mode.ran and key not in mode.done:
            raise NothingEditedError(_nothing(model, key, mode))


@contextmanager
def heads_of(model: nn.Module) -> Iterator[dict[str, int]]:
    """Tells where attention runs in the block that can be edited, and how many heads it has there.

    Example:
        >>> import torch
        >>> model, x = nn.MultiheadAttention(8, 2), torch.ones(3, 1, 8)
        >>> with heads_of(model) as found:
        ...     _ = model(x, x, x)
        >>> found
        {'attention': 2}
    """
    mode = Counting(_names(model))
    with beneath(mode):
        yield mode.heads


def _names(model: nn.Module) -> dict[nn.Module, str]:
    places = {module: name for name, module in attention_places(model).items()}
    return {module: places.get(module, path or "attention") for path, module in model.named_modules()}


def _prefixes(name: str) -> Iterator[str]:
    """A name, and every part of it that ends before a dot.

    Example:
        >>> list(_prefixes("encoder.2.self"))
        ['encoder', 'encoder.2', 'encoder.2.self']
    """
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


def _refuse_compiled(
    model: nn.Module, names: Mapping[nn.Module, str], meant: Mapping[nn.Module, Iterable[str]]
) -> None:
    for path, module in model.named_modules():
        if compiled_by(module) is not None and any(any(meant[inside]) for inside in module.modules()):
            raise ValueError(
                f"{path or 'the model'} runs compiled, and heads that torch.compile has fused cannot be "
                "edited; edit the model that was compiled: edit(model._orig_mod, …), and call that"
            )


def _nothing(model: nn.Module, key: str, mode: EditMode) -> str:
    what = f"nothing was edited at {key!r} of this {type(model).__name__}"
    if mode.done:
        return f"{what}: no attention ran there; some did where {', '.join(sorted(mode.done))} is meant"
    return f"{what}: {why_unseen(model)}"
