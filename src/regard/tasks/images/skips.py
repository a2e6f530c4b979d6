"""What each skip connection of a trained U-Net carries: its results with each switched off in turn."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch

from regard.data.images.pixels import to_float
from regard.errors import UserError
from regard.lens.skips import without_skips
from regard.models.images.unet import UNet
from regard.tasks.evaluation import Where, evaluate
from regard.tasks.images.denoiser import Denoised
from regard.tasks.images.detector import Detection
from regard.tasks.images.inputs import Given
from regard.tasks.images.measures.overlap import Overlap
from regard.tasks.images.measures.restoration import psnr
from regard.tasks.images.predictor import PicturePredictor
from regard.tasks.images.segmenter import Segmentation

Result = Segmentation | Denoised | Detection


class Trial(NamedTuple):
    """A U-Net with some of its skip connections switched off.

    Attributes:
        name: in words.
        off: the levels that are; 0 is the finest.
    """

    name: str
    off: tuple[int, ...]


def trials(model: object) -> list[Trial]:
    """With all skip connections, without each in turn, the finest first, and without any.

    Raises:
        UserError: the model is no U-Net, or has none.

    Example:
        >>> from regard.models.images.unet_config import UNetConfig
        >>> network = UNet(UNetConfig(width=4, depth=2), 1, 1, mean=[0.0], std=[1.0])
        >>> [trial.name for trial in trials(network)]
        ['all skips', 'without skip 0', 'without skip 1', 'without any skip']
    """
    if not isinstance(model, UNet):
        raise UserError("skip connections are switched off in a U-Net, and this model's network is none")
    levels = model.config.skip_levels
    if not levels:
        raise UserError("this U-Net was trained without skip connections: there is none to switch off")
    each = [Trial(f"without skip {level}", (level,)) for level in levels]
    none = [Trial("without any skip", levels)] if len(levels) > 1 else []
    return [Trial("all skips", ()), *each, *none]


def results_without_skips(predictor: PicturePredictor[UNet, Any], picture: Given) -> dict[Trial, Result]:
    """What the model makes of a picture, in each trial.

    Raises:
        UserError: see `trials`; a picture that cannot be read.
    """
    found = {}
    for trial in trials(predictor.model):
        with without_skips(predictor.model, trial.off):
            found[trial] = predictor(picture)
    return found


def figures_without_skips(
    predictor: PicturePredictor[UNet, Any],
    data: Where,
    split: str = "test",
    *,
    each: Callable[[Trial], None] = lambda _: None,
) -> dict[Trial, dict[str, Any]]:
    """Figures on data with known answers, in each trial.

    Args:
        predictor: with a U-Net.
        data: as `regard.tasks.evaluate` has it.
        split: of a named set.
        each: is told what is being tried.

    Raises:
        UserError: see `trials` and `regard.tasks.evaluate`.
    """
    found = {}
    for trial in trials(predictor.model):
        each(trial)
        with without_skips(predictor.model, trial.off):
            found[trial] = evaluate(predictor, data, split)
    return found


def likeness(result: Result, whole: Result) -> dict[str, float | None]:
    """How like a result is to that with all skips.

    Args:
        result: of a trial.
        whole: the model's own, of the same picture.

    Returns:
        Of masks ``dice``, of classes but the background, and ``pixel_error``, the share of pixels that
        changed their class; of restored pictures ``psnr`` in decibels. None where there is no number: of two
        masks of nothing but background, or of equal pictures.
    """
    figures: Mapping[str, float]
    if isinstance(result, Segmentation) and isinstance(whole, Segmentation):
        overlap = Overlap(len(whole.probabilities))
        overlap.add(result.probabilities.argmax(0)[None], whole.probabilities.argmax(0)[None])
        figures = overlap.figures()
        figures = {name: figures[name] for name in ("dice", "pixel_error")}
    else:
        figures = {"psnr": float(psnr(restored(result)[None], restored(whole)[None]))}
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}


def restored(result: Result) -> torch.Tensor:
    """A restored picture, [channels, height, width] in [0, 1].

    Raises:
        TypeError: the result is none.
    """
    if isinstance(result, Denoised):
        return torch.from_numpy(to_float(result.pixels)).permute(2, 0, 1)
    if isinstance(result, Detection):
        return result.restored.float().cpu().clamp(0, 1)
    raise TypeError(f"a {type(result).__name__} is no restored picture")
