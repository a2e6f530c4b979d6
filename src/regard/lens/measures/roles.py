"""What a head may do, each as the keys that it would look at."""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor

from regard.lens.axis import Tokens
from regard.lens.measures.rows import Rows
from regard.lens.patch_grid import PatchGrid

BAR = 0.4
"""A head has a role if it gives this share of its attention to it, on the rows where it can."""
MARGIN = 0.25
"""And if that is more by so much than even attention would give."""

_FARTHEST = 4
_PUNCTUATION = frozenset(".,;:!?…。，、；：！？·()[]{}\"'“”‘’«»-–—/")
# Tokens that stand between or around sentences, by what tokenizers call them.
_SEPARATORS = frozenset(
    {"[SEP]", "</s>", "<eos>", "<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<s>", "[CLS]"}
)


def role_masks(rows: Rows) -> dict[str, Tensor]:
    """For every role that makes sense at this place, which keys each row would look at.

    Of a text: tokens so far before or after, itself, the first token, separators and other special tokens,
    punctuation, the same token elsewhere, and what came after an earlier same token (induction: Olsson et al.
    2022). From text to text: the same place along the other text. Of a picture: itself, patches beside, its
    row and its column, and the tokens that are no patch.

    Returns:
        [rows, keys] each, boolean.

    Example:
        >>> masks = role_masks(Rows("encoder.0.self", torch.ones(1, 1, 3), (2,), 3, Tokens.of("aba")))
        >>> {name: mask[0].int().tolist() for name, mask in masks.items() if mask.any()}
        {'2 before': [1, 0, 0], 'previous': [0, 1, 0], 'itself': [0, 0, 1], 'first': [1, 0, 0], ...}
    """
    if isinstance(rows.key_axis, PatchGrid):
        return _of_picture(rows, rows.key_axis)
    here = torch.tensor(rows.positions)[:, None]
    keys = torch.arange(len(rows.key_axis))[None]
    masks: dict[str, Tensor] = {}
    if rows.within:
        for offset in range(-_FARTHEST, _FARTHEST + 1):
            masks[_offset_name(offset)] = keys == here + offset
    else:
        along = ((here.double() + 0.5) * len(rows.key_axis) / max(rows.queries, 1)).floor()
        masks["same place"] = (keys - along).abs() <= 1
    masks["first"] = (keys == 0).expand(len(here), -1)
    labels = rows.key_axis.labels
    separators = torch.tensor([label in _SEPARATORS for label in labels])
    masks["separator"] = separators.expand(len(here), -1)
    signs = torch.tensor([bool(label) and all(sign in _PUNCTUATION for sign in label) for label in labels])
    masks["punctuation"] = (signs & ~separators).expand(len(here), -1)
    return masks | (_of_same_tokens(rows, rows.key_axis) if rows.within else {})


def _of_same_tokens(rows: Rows, axis: Tokens) -> dict[str, Tensor]:
    places: dict[str, list[int]] = defaultdict(list)
    for position, text in enumerate(axis.texts):
        places[text].append(position)
    same = torch.zeros(len(rows.positions), len(axis), dtype=torch.bool)
    after = torch.zeros_like(same)
    for row, position in enumerate(rows.positions):
        others = [one for one in places[axis.texts[position]] if one != position]
        same[row, others] = True
        after[row, [one + 1 for one in others if one + 1 < position]] = True
    return {"same token": same, "induction": after}


def _of_picture(rows: Rows, grid: PatchGrid) -> dict[str, Tensor]:
    specials = len(grid.specials)
    here = torch.tensor(rows.positions)[:, None]
    keys = torch.arange(len(grid))[None]
    masks = {name: (keys == at).expand(len(here), -1) for at, name in enumerate(grid.specials)}
    if not rows.within:
        return masks
    patch = (keys >= specials) & (here >= specials)
    down, across = ((torch.div(at - specials, grid.columns, rounding_mode="floor")) for at in (keys, here))
    right, left = (((at - specials) % grid.columns) for at in (keys, here))
    apart = torch.maximum((down - across).abs(), (right - left).abs())
    return masks | {
        "itself": keys == here,
        "beside": patch & (apart == 1),
        "row": patch & (down == across) & (apart > 0),
        "column": patch & (right == left) & (apart > 0),
    }


def _offset_name(offset: int) -> str:
    if abs(offset) <= 1:
        return {-1: "previous", 0: "itself", 1: "next"}[offset]
    return f"{abs(offset)} {'before' if offset < 0 else 'after'}"
