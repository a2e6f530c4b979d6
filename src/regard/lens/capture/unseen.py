"""Why nothing was seen, in plain words."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import torch
from torch import nn

from regard.lens.capture.observer import Observer
from regard.lens.names import matching


class NothingSeenError(RuntimeError):
    """A model ran, and no attention was seen where it was looked for."""


def refuse_unknown(patterns: Iterable[str], names: Iterable[str]) -> None:
    """Raises, before a model runs, for a pattern that no place can match.

    Args:
        patterns: shell patterns; ``"*"`` is all there is, even nothing.
        names: of all modules, and of Regard's places.

    Raises:
        ValueError: the message has the nearest names.

    Example:
        >>> refuse_unknown(["encoder.layers.*"], ["encoder", "encoder.layer.0", "output"])
        Traceback (most recent call last):
        ...
        ValueError: no attention matches 'encoder.layers.*'; nearest in this model: encoder.layer.0, encoder
    """
    names = list(dict.fromkeys(name for name in names if name))
    for pattern in patterns:
        if pattern != "*" and not any(map(matching(pattern), names)):
            near = get_close_matches(pattern, names, n=5, cutoff=0.5) or names[:5]
            raise ValueError(
                f"no attention matches {pattern!r}; nearest in this model: {', '.join(near) or 'nothing'}"
            )


def refuse_nothing(model: nn.Module, observer: Observer, *, ran: bool) -> None:
    """Raises, after a model ran, for a pattern at which nothing was seen, and for queries that never were.

    Args:
        model: that was looked at.
        observer: who was told of what it did.
        ran: whether anything ran.

    Raises:
        NothingSeenError: saying what was looked for, and why there may be nothing.
        ValueError: no run had the queries that were asked for.
    """
    if not ran and not observer.elsewhere:
        return
    seen = observer.seen
    for pattern in observer.wanted.at:
        if any(map(matching(pattern), seen)):
            continue
        if seen.places:
            raise NothingSeenError(f"no attention ran at {pattern!r}; it ran at: {', '.join(seen.places)}")
        raise NothingSeenError(
            f"no attention of this {type(model).__name__} was seen at {pattern!r}: {_reason(model, observer)}"
        )
    for position in observer.wanted.queries or ():
        longest = max(max(run.length for run in seen.runs(name)) for name in seen)
        if not -longest <= position < longest:
            raise ValueError(f"there is no query {position}; the longest run had {longest} queries")


def _reason(model: nn.Module, observer: Observer) -> str:
    if observer.compiled:
        where = ", ".join(repr(name) if name else "the model" for name in observer.compiled)
        return (
            f"{where} ran compiled, and what torch.compile has fused cannot be looked into; "
            "look at the model that was compiled: look(model._orig_mod), and call that"
        )
    if observer.elsewhere:
        return "it ran in another thread; look in the thread in which it runs"
    if observer.vmapped:
        return "it ran under torch.vmap, which hides the batch; look at the model without"
    return why_unseen(model)


def why_unseen(model: nn.Module) -> str:
    """Why there may be no attention that can be seen in a model that ran.

    Example:
        >>> why_unseen(nn.Identity())[:14]
        'it has none, o'
    """
    asked = getattr(getattr(model, "config", None), "_attn_implementation", "sdpa")
    if isinstance(asked, str) and asked != "sdpa":
        return (
            f"its attention is {asked!r}, which does not call torch's scaled_dot_product_attention; "
            "load it with attn_implementation='sdpa'"
        )
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        return "TorchScript runs where Python cannot look; look at the model before scripting"
    return (
        "it has none, or computes it in another way than by torch's scaled_dot_product_attention or "
        "nn.MultiheadAttention (products and a softmax of its own, flex attention, a kernel of its own, "
        "torch.compile outside of the model, another model than was called), and of these nothing can be seen"
    )
