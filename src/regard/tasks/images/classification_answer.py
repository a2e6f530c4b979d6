"""The class of a picture, to be asked for again."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from regard.lens import LayerAttention, PatchGrid, Tokens
from regard.lens.relevance import Step
from regard.lens.relevance.step import Side
from regard.models.images.vit import VisionTransformer
from regard.tasks.explanation.answer import Answer, log_odds


class PictureAnswer(Answer):
    """A class, read from the class token, from the mean of the patches, or by one look at them.

    A patch that is taken away gets the picture's mean colour.

    Args:
        model: that chose it.
        image: [channels, height, width] that it read.
        label: the class's name.
        grid: of its patches, and the tokens before them.
    """

    def __init__(self, model: VisionTransformer, image: Tensor, label: str, grid: PatchGrid) -> None:
        self.model: VisionTransformer = model
        self.image, self.grid = image, grid
        self.said = Tokens((label,))
        self.pools = model.pool is not None
        self.read = {"source" if self.pools else "target": grid}
        first = len(grid.specials)
        if self.pools:
            self.states = torch.ones(1, 1)
        elif model.config.pooling == "class":
            self.states = F.one_hot(torch.zeros(1, dtype=torch.long), len(grid)).float()
        else:
            self.states = torch.zeros(1, len(grid))
            self.states[:, first:] = 1 / (len(grid) - first)
        with torch.no_grad():
            self.number = int(self._logits(image[None]).argmax())

    def scores(self, answers: Sequence[int]) -> Tensor:
        """See `Answer`."""
        logits = self._logits(self.image[None])
        return log_odds(logits, torch.tensor([self.number], device=logits.device))

    def parts(self, side: Side) -> Tensor:
        """All patches."""
        return (torch.arange(len(self.grid)) >= len(self.grid.specials))[None]

    def without(self, side: Side, gone: Tensor, asked: Tensor) -> Tensor:
        """See `Answer`."""
        mean = self.image.mean((1, 2), keepdim=True)
        away = self.grid.spread(gone)[:, None].float()
        away = F.interpolate(away, self.image.shape[1:], mode="nearest")
        return self._logits(torch.where(away > 0, mean, self.image)).softmax(-1)[:, self.number, None]

    def _step(self, sides: tuple[Side, Side], one: LayerAttention) -> Step:
        step = super()._step(sides, one)
        # The look that pools passes over the tokens before the patches.
        missing = len(self.grid) - step.weights.shape[2]
        if not missing:
            return step
        gradient = None if step.gradient is None else F.pad(step.gradient, (missing, 0))
        return Step(*sides, F.pad(step.weights, (missing, 0)), gradient)

    def _logits(self, images: Tensor) -> Tensor:
        logits: Tensor = self.model(images.to(next(self.model.parameters())))
        return logits.float()
