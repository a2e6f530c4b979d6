"""What the places in a model where attention happens are called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TypeVar

from torch import nn

from regard.attention import Attention

Side = TypeVar("Side")

_SHORT = {"self_attention": "self", "cross_attention": "cross", "gate": "gate"}


def place_name(path: str) -> str:
    """The short name of the attention at a module path.

    Example:
        >>> place_name("encoder.layers.2.self_attention.attention")
        'encoder.2.self'
        >>> place_name("decoder.attention")
        'decoder.cross'
        >>> place_name("decoder.0.gate.attention")
        'decoder.0.gate'
    """
    parts = path.split(".") if path else []
    if parts and parts[-1] == "attention":
        parts = parts[:-1]
    parts = [_SHORT.get(part, part) for part in parts if part != "layers"]
    # A recurrent decoder holds its one attention itself: it looks across, at the source.
    if parts and parts[-1] not in _SHORT.values():
        parts.append("cross")
    return ".".join(parts) or "attention"


def looks_across(name: str) -> bool:
    """Whether the attention of that name looks from one text at another, as a decoder does at an encoder.

    Known are Regard's names and those that Hugging Face and torch give their modules.

    Example:
        >>> [looks_across(name) for name in ("decoder.2.cross", "decoder.layers.0.encoder_attn", "h.0.attn")]
        [True, True, False]
    """
    return re.search(r"cross|encoder_?attn|encdecattention|multihead_attn", name.casefold()) is not None


def axes_at(
    name: str, given: Side, written: Side | None = None, read: Side | None = None
) -> tuple[Side, Side]:
    """Who looks and what is looked at, at a place of that name.

    Args:
        name: of the place.
        given: what the model was given.
        written: of an encoder–decoder, what its decoder wrote.
        read: what the decoder had read at each position; ``written`` if not given.

    Example:
        >>> axes_at("decoder.0.cross", "source", "target"), axes_at("encoder.0.self", "source", "target")
        (('target', 'source'), ('source', 'source'))
    """
    if written is None:
        return given, given
    if looks_across(name):
        return written, given
    if "decoder" in name.split("."):
        return written, written if read is None else read
    return given, given


def attention_places(model: nn.Module) -> dict[str, Attention]:
    """Every place in ``model`` where attention happens, by name, in the model's order."""
    return {
        place_name(path): module for path, module in model.named_modules() if isinstance(module, Attention)
    }


def choose_places(names: Iterable[str], at: str | Iterable[str]) -> list[str]:
    """The names that match one of the patterns, in the order of ``names``.

    Args:
        names: what there is.
        at: a shell pattern such as ``"decoder.*.cross"``, or several; ``"*"`` is all there is, even nothing.

    Raises:
        ValueError: another pattern matches nothing; the message lists what there is.

    Example:
        >>> choose_places(["encoder.0.self", "decoder.0.self", "decoder.0.cross"], "decoder.*")
        ['decoder.0.self', 'decoder.0.cross']
    """
    available = list(names)
    patterns = [at] if isinstance(at, str) else list(at)
    for pattern in patterns:
        if pattern != "*" and not any(fnmatchcase(name, pattern) for name in available):
            raise ValueError(
                f"no attention matches {pattern!r}; this model has: {', '.join(available) or 'none'}"
            )
    return [name for name in available if any(fnmatchcase(name, pattern) for pattern in patterns)]
