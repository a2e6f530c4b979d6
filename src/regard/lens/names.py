"""What the places in a model where attention happens are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from typing import TypeVar

from torch import nn

from regard.attention import Attention
from regard.nn.multi_head import Heads

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


def head_counts(model: nn.Module) -> dict[str, int]:
    """How many heads there are at each place, by name, in the model's order."""
    found = {}
    for path, module in model.named_modules():
        if isinstance(module, Attention):
            # What holds the attention shares its states out to heads; a gate, or a pool, has one.
            heads = getattr(model.get_submodule(path.rpartition(".")[0]), "heads", 1)
            found[place_name(path)] = heads.count if isinstance(heads, Heads) else heads
    return found


def matching(pattern: str) -> Callable[[str], object]:
    """What tells whether a name matches a shell pattern, as `fnmatch.fnmatchcase` does.

    That keeps the last 32,768 patterns, and a server's clients may send as many as they like: some 100 MB.

    Example:
        >>> [bool(matching("decoder.*.cross")(name)) for name in ("decoder.0.cross", "decoder.0.self")]
        [True, False]
    """
    return re.compile(translate(pattern)).match


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
    patterns = {pattern: matching(pattern) for pattern in ([at] if isinstance(at, str) else at)}
    for pattern, matches in patterns.items():
        if pattern != "*" and not any(map(matches, available)):
            raise ValueError(
                f"no attention matches {pattern!r}; this model has: {', '.join(available) or 'none'}"
            )
    return [name for name in available if any(matches(name) for matches in patterns.values())]
