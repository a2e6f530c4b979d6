"""Synthetic defects: what an anomaly detector that has only seen good images is trained to find or undo.

Nothing but the defect differs from the good image: same range, same dtype, bit for bit the same pixels
around it. A network would else learn to tell processing from defects, and find none in a real image.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor
from torch.nn import functional as F

from regard.tasks.images.perlin import perlin_noise

DefectKind = Literal["perlin", "cut-paste", "scar", "noise", "erased"]

# A difference that an eye or a camera could miss is no defect: half a step of 6-bit grey.
_VISIBLE = 1 / 128
# Of noise in [-1, 1]; DRAEM's.
_PEAK = 0.5
# Share of Perlin defects that show a part of their own image.
_OWN = 0.5


class DefectConfig(BaseModel):
    """Which defects, and how often.

    Attributes:
        kinds: drawn from evenly. `"perlin"`: blots and streaks of another texture where Perlin noise peaks
            (DRAEM; Zavrtanik et al. 2021, §3.3): the image's own, moved and recoloured, or one made of
            such noise itself, of any grain. `"cut-paste"`: a rectangle of the image at another place,
            `"scar"`: a thin turned one (CutPaste; Li et al. 2021). `"noise"`: Gaussian, everywhere, as for
            denoising autoencoders (Vincent et al. 2008). `"erased"`: up to three quarters of the squares of a
            grid are black, as for masked autoencoders (He et al. 2022): what is left is to be completed.
        share: of the images that get one; the others stay good, so that a network also learns to leave what
            is good as it is.
        faintest: the least opacity of a Perlin defect; drawn evenly from there to 1.
        noise: standard deviation of the noise; white is 1.

    Example:
        >>> DefectConfig(kinds=()).kinds
        Traceback (most recent call last):
        ...
        pydantic_core._pydantic_core.ValidationError: 1 validation error for DefectConfig
        kinds
          Value error, no kind of defect: name one of perlin, cut-paste, scar, noise, erased ...
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kinds: tuple[DefectKind, ...] = ("perlin", "cut-paste", "scar")
    share: float = Field(default=0.5, gt=0.0, le=1.0)
    faintest: float = Field(default=0.2, gt=0.0, le=1.0)
    noise: float = Field(default=0.2, gt=0.0, le=1.0)

    @field_validator("kinds")
    @classmethod
    def _some(cls, kinds: tuple[DefectKind, ...]) -> tuple[DefectKind, ...]:
        if not kinds:
            raise ValueError("no kind of defect: name one of perlin, cut-paste, scar, noise, erased")
        return kinds


class Defective(NamedTuple):
    """Images with defects.

    Attributes:
        images: [batch, channels, rows, columns], in [0, 1].
        mask: [batch, 1, rows, columns], bool: where a pixel, or one beside it, visibly differs.
    """

    images: Tensor
    mask: Tensor


def add_defects(images: Tensor, config: DefectConfig, generator: torch.Generator) -> Defective:
    """Put defects into good images; a function of the images and the generator's state.

    Args:
        images: [batch, channels, rows, columns], in [0, 1], of any size.
        config: which defects.
        generator: of the random numbers, on the device of the images.

    Raises:
        ValueError: images outside [0, 1].

    Example:
        >>> good, generator = torch.rand(4, 1, 28, 28), torch.Generator().manual_seed(0)
        >>> bad = add_defects(good, DefectConfig(share=1.0), generator)
        >>> bad.mask.any((1, 2, 3)).tolist(), bool((bad.images == good)[~bad.mask].all())
        ([True, True, True, True], True)
    """
    check_range("images", images)
    drawn = torch.rand((2, len(images)), generator=generator, device=images.device)
    kind = (drawn[1] * len(config.kinds)).long()
    chosen = drawn[0] < config.share
    defective, mask = images.clone(), torch.zeros_like(images[:, :1], dtype=torch.bool)
    for number, name in enumerate(config.kinds):
        rows = (chosen & (kind == number)).nonzero().squeeze(1)
        if not len(rows):
            continue
        good = images[rows]
        if name == "perlin":
            bad, where = _perlin_defects(good, config.faintest, generator)
        elif name == "noise":
            bad, where = _noisy(good, config.noise, generator)
        elif name == "erased":
            bad, where = _erased(good, generator)
        else:
            bad, where = _pasted(good, name, generator)
        visible = where & ((bad - good).abs() > _VISIBLE).any(1, keepdim=True)
        # A pixel that is the same by chance, in the midst of others, belongs to the defect.
        where &= F.max_pool2d(visible.float(), 3, 1, 1) > 0
        defective[rows] = torch.where(where, bad, good)
        mask[rows] = where
    return Defective(defective, mask)


def check_range(name: str, images: Tensor) -> None:
    """Make sure that images are as they enter a network: [batch, channels, rows, columns], in [0, 1].

    Raises:
        ValueError: they are not, or are normalised already.
    """
    if images.ndim != 4 or not images.is_floating_point():
        raise ValueError(f"{name} are {images.dtype} {tuple(images.shape)}: four axes of float, please")
    if images.numel():
        low, high = (float(end) for end in images.aminmax())
        if not (low >= -1e-4 and high <= 1 + 1e-4):
            raise ValueError(
                f"{name} reach from {low:g} to {high:g}, not in [0, 1]: take them as they were read"
            )


def _perlin_defects(good: Tensor, faintest: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Another texture where noise peaks, blended in."""
    batch, _, rows, columns = good.shape
    noise = perlin_noise(batch, rows, columns, generator, dtype=good.dtype)[:, None]
    # A field that never peaks as high as others still has a summit.
    high, low = noise.amax((2, 3), keepdim=True), noise.amin((2, 3), keepdim=True)
    where = noise > torch.lerp(high, low, 0.2).clamp(max=_PEAK)
    drawn = torch.rand((2, batch), generator=generator, device=good.device, dtype=good.dtype)
    grain = perlin_noise(batch, rows, columns, generator, dtype=good.dtype)[:, None] / 2 + 0.5
    source = torch.where((drawn[0] < _OWN).view(-1, 1, 1, 1), good, grain)
    texture = _recoloured(_moved(source, rows, columns, generator), generator)
    opacity = (faintest + (1 - faintest) * drawn[1]).view(-1, 1, 1, 1)
    return torch.lerp(good, texture, opacity), where


def _noisy(good: Tensor, spread: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    drawn = torch.randn(good.shape, generator=generator, device=good.device, dtype=good.dtype)
    return (good + spread * drawn).clamp(0, 1), torch.ones_like(good[:, :1], dtype=torch.bool)


def _erased(good: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Squares of a seventh, a quarter or half of the shorter side, one size for all images of a batch."""
    batch, _, rows, columns = good.shape
    drawn = torch.rand((batch + 1, 1, 1, 1), generator=generator, device=good.device)
    parts = (2, 4, 7)[int(drawn[0] * 3)]
    side = max(min(rows, columns) // parts, 1)
    squares = torch.rand(
        (batch, 1, -(-rows // side), -(-columns // side)), generator=generator, device=good.device
    )
    # One square at least: few may all be spared.
    gone = squares <= torch.maximum(0.75 * drawn[1:], squares.amin((2, 3), keepdim=True))
    where = gone.repeat_interleave(side, 2).repeat_interleave(side, 3)
    where = where[:, :, :rows, :columns]
    return good.masked_fill(where, 0.0), where


def _pasted(
    good: Tensor, kind: Literal["cut-paste", "scar"], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A rectangle of the image at another place, of CutPaste's sizes, 2 × 2 pixels at least; a scar 2 × 6."""
    batch, _, rows, columns = good.shape
    drawn = torch.rand((5, batch, 1, 1), generator=generator, device=good.device, dtype=good.dtype)
    if kind == "cut-paste":
        area = (0.02 + 0.13 * drawn[0]) * rows * columns
        aspect = 0.3 ** (2 * drawn[1] - 1)  # 0.3 to 3.3, as often flat as tall
        # One that is thinner than the way between pixels might lie on none.
        height, width = (area * aspect).sqrt().clamp(min=2), (area / aspect).sqrt().clamp(min=2)
        turn = torch.zeros_like(area)
    else:
        longer = max(rows, columns)
        height = ((2 + 14 * drawn[0]) / 256 * longer).clamp(min=2)
        width = ((10 + 15 * drawn[1]) / 256 * longer).clamp(min=6)
        turn = (drawn[4] - 0.5) * torch.pi / 2  # ±45°
    y = torch.arange(rows, device=good.device, dtype=good.dtype)[:, None] - drawn[2] * (rows - 1)
    x = torch.arange(columns, device=good.device, dtype=good.dtype) - drawn[3] * (columns - 1)
    down, across = y * turn.cos() + x * turn.sin(), x * turn.cos() - y * turn.sin()
    where = (down.abs() <= height / 2) & (across.abs() <= width / 2)
    return _recoloured(_moved(good, rows, columns, generator), generator), where[:, None]


def _moved(source: Tensor, rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """A part [rows, columns] of each source, from elsewhere, mirrored or not; its edges are joined."""
    batch, channels, height, width = source.shape
    drawn = torch.rand((4, batch, 1), generator=generator, device=source.device)
    shift, mirrored = 0.25 + 0.5 * drawn[:2], drawn[2:] < 0.5
    down = torch.arange(rows, device=source.device).expand(batch, -1)
    across = torch.arange(columns, device=source.device).expand(batch, -1)
    down = (torch.where(mirrored[0], -down, down) + (shift[0] * height).long()) % height
    across = (torch.where(mirrored[1], -across, across) + (shift[1] * width).long()) % width
    at = (down[:, :, None] * width + across[:, None, :]).view(batch, 1, -1).expand(-1, channels, -1)
    return source.flatten(2).gather(2, at).view(batch, channels, rows, columns)


def _recoloured(images: Tensor, generator: torch.Generator) -> Tensor:
    """Contrast, brightness and gamma of each channel, some images negative; in [0, 1] as before."""
    batch, channels = images.shape[:2]
    drawn = torch.rand(
        (3, batch, channels, 1, 1), generator=generator, device=images.device, dtype=images.dtype
    )
    negative = torch.rand((batch, 1, 1, 1), generator=generator, device=images.device) < 0.2
    changed = images.clamp(min=0) ** (2.0 ** (2 * drawn[0] - 1))
    changed = (changed - 0.5) * (0.7 + 0.6 * drawn[1]) + 0.5 + 0.4 * (drawn[2] - 0.5)
    return torch.where(negative, 1 - changed, changed).clamp_(0, 1)
