"""Segmentation as the trainer sees it: an image and the class of each of its pixels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from regard.counted import counted
from regard.data.errors import DataError
from regard.data.images.batches import ImageBatch, plain_batch
from regard.data.images.folders import listed
from regard.data.images.store import PictureStore
from regard.models.images.unet import UNet
from regard.tasks.images.boundary_weights import boundary_weights
from regard.tasks.images.instances import instances
from regard.tasks.images.losses import segmentation_loss
from regard.tasks.images.measures.boundaries import challenge_scores
from regard.tasks.images.measures.objects import Objects
from regard.tasks.images.measures.overlap import Overlap
from regard.tasks.images.recipe import SegmentationRecipe
from regard.tasks.images.task import ImageTask
from regard.tasks.images.windows import in_windows
from regard.tasks.talk import Each, half, told, untold
from regard.training.trainable import Loss


class SegmentationTask(ImageTask[SegmentationRecipe]):
    """A `regard.training.Trainable` for segmentation."""

    layout = "masks"
    metrics = ("loss", "dice", "iou", "pixel_error")

    def _check(self) -> None:
        super()._check()
        if class_count(self.store) < 2:
            raise DataError(
                f"all pixels of all masks are {self.store.values[0]}: there is nothing to tell apart; check "
                "the masks"
            )
        if self.recipe.borders and class_count(self.store) != 2:
            raise DataError(
                f"borders = true scores cells between borders, two classes, and masks have "
                f"{class_count(self.store)}: set it to false"
            )
        if self.recipe.loss.boundary and not self.store.instances:
            raise DataError(
                "loss.boundary weighs pixels between objects, and the masks do not tell objects apart: give "
                "one mask an object, or leave it out"
            )
        weights, classes = self.recipe.loss.class_weights, class_count(self.store)
        if weights is not None and len(weights) != classes:
            meant = ("background", "object") if self.store.instances else self.store.values
            raise DataError(
                f"loss.class_weights has {counted(len(weights), 'number')}, and masks {classes} classes: "
                f"{', '.join(map(str, meant))}; give one for each"
            )

    def check_test(self, store: PictureStore) -> None:
        """See `check_cells`, where the recipe asks for scores of borders."""
        super().check_test(store)
        if self.recipe.borders:
            check_cells(store)

    def new_model(self, mean: tuple[float, ...], std: tuple[float, ...]) -> nn.Module:
        """The recipe's U-Net with random weights, an output for each class."""
        return UNet(self.recipe.model, self.store.channels, class_count(self.store), mean, std)

    def loss(self, model: nn.Module, batch: ImageBatch) -> Loss:
        """The loss of the recipe's `loss` section, summed over images."""
        assert batch.targets is not None
        weights = self._weights(batch.instances)
        return segmentation_loss(model(batch.images), batch.targets, self.recipe.loss, weights)

    def _weights(self, numbers: Tensor | None) -> Tensor | None:
        config = self.recipe.loss
        if not config.boundary or numbers is None:
            return None
        maps = [
            boundary_weights(one, config.boundary, config.boundary_sigma)
            for one in numbers.clamp(min=0).cpu().numpy()
        ]
        return torch.from_numpy(np.stack(maps)).to(numbers.device, torch.float32)

    def figures(self, model: nn.Module, store: PictureStore, each: Each = untold) -> dict[str, Any]:
        """See `segmentation_figures`."""
        return segmentation_figures(model, store, self.recipe, each)

    def test_figures(self, model: nn.Module, store: PictureStore, each: Each) -> dict[str, Any]:
        """With the scores of borders where the recipe asks for them, which take long."""
        return figures_with_borders(model, store, self.recipe, each)

    def facts(self) -> dict[str, Any]:
        """What metrics.json says of the data, which loading needs: what the masks' numbers mean."""
        return {**super().facts(), "values": list(self.store.values), "instances": self.store.instances}


def class_count(store: PictureStore) -> int:
    """Classes of pixels: those of the masks' values, or background and object where masks number objects."""
    return 2 if store.instances else len(store.values)


def figures_with_borders(
    model: nn.Module, store: PictureStore, recipe: SegmentationRecipe, each: Each = untold
) -> dict[str, Any]:
    """`segmentation_figures`, and where the recipe asks for them `border_figures`, with their arguments."""
    if not recipe.borders:
        return segmentation_figures(model, store, recipe, each)
    found = segmentation_figures(model, store, recipe, half(each, second=False))
    return found | border_figures(model, store, half(each, second=True))


@torch.no_grad()
def segmentation_figures(
    model: nn.Module, store: PictureStore, recipe: SegmentationRecipe, each: Each = untold
) -> dict[str, Any]:
    """How well a network segments.

    Args:
        model: in eval mode.
        store: pictures with masks.
        recipe: its `loss`, without weights of boundaries, and how it tells objects apart.
        each: is told how many pictures are done, and of how many.

    Returns:
        ``loss``; ``dice``, ``iou`` and ``pixel_error`` (see `Overlap`); ``images``; of masks that number
        objects also ``object_f1``, ``object_precision``, ``object_score`` and ``count_error`` (see
        `Objects`); ``kinds``: the same of each kind of picture, where the set has several; ``classes``: Dice
        and IoU of each value of the masks, where there are more than two.
    """
    every = _Scores(store)
    kinds: dict[str, _Scores] = {}
    total = 0.0
    for row in told(range(len(store)), each):
        batch = plain_batch(store, np.array([row])).to(next(model.parameters()).device)
        assert batch.targets is not None
        logits = in_windows(model, batch.images[0])[None]
        total += float(segmentation_loss(logits, batch.targets, recipe.loss).total)
        found = None
        if batch.instances is not None:
            found = instances(logits[0].softmax(0)[1].cpu().numpy(), recipe.instances)
        for scores in (every, kinds.setdefault(store.kinds[row], _Scores(store))):
            scores.add(logits, batch, found)
    figures: dict[str, Any] = {"loss": total / len(store), **every.figures()}
    if len(kinds) > 1:
        figures["kinds"] = {kind: scores.figures() for kind, scores in sorted(kinds.items())}
    if len(store.values) > 2:
        dice, iou = every.overlap.dice().nan_to_num(), every.overlap.iou().nan_to_num()
        figures["classes"] = {
            str(value): {"dice": float(dice[index]), "iou": float(iou[index])}
            for index, value in enumerate(store.values)
        }
    return figures


class _Scores:
    """Overlap of pixels, and of objects where masks number them."""

    def __init__(self, store: PictureStore) -> None:
        self.overlap = Overlap(class_count(store))
        self.objects = Objects() if store.instances else None

    def add(self, logits: Tensor, batch: ImageBatch, found: np.ndarray[Any, Any] | None) -> None:
        assert batch.targets is not None
        self.overlap.add(logits.argmax(1), batch.targets)
        if self.objects is not None and batch.instances is not None and found is not None:
            there = batch.instances[0].cpu().numpy()
            self.objects.add(there.clip(min=0), np.where(there < 0, 0, found))  # of pixels that count

    def figures(self) -> Mapping[str, float]:
        objects = {} if self.objects is None else self.objects.figures()
        return {**self.overlap.figures(), **objects, "images": len(self.overlap.counts)}


@torch.no_grad()
def border_figures(model: nn.Module, store: PictureStore, each: Each = untold) -> dict[str, float]:
    """V^Rand and V^Info of cells between borders, as ISBI 2012 scores them; see `challenge_scores`.

    Args:
        model: in eval mode, with two outputs: border, and cell.
        store: pictures with masks, 0 at borders.
        each: is told how many pictures are done, and of how many.

    Raises:
        UserError: scikit-image is not installed.
        DataError: a picture without a cell.
    """
    check_cells(store)
    cells, probabilities = [], []
    for row in told(range(len(store)), each):
        batch = plain_batch(store, np.array([row])).to(next(model.parameters()).device)
        logits = in_windows(model, batch.images[0])
        probabilities.append(logits.softmax(0)[1].cpu().numpy())
        cells.append(_cells(batch).cpu().numpy())
    return challenge_scores(cells, probabilities)


def check_cells(store: PictureStore) -> None:
    """That scores of borders can be taken of every picture.

    Raises:
        DataError: pictures without a cell, by name.
    """
    empty = [
        name for row, name in enumerate(store.names) if not _cells(plain_batch(store, np.array([row]))).any()
    ]
    if empty:
        raise DataError(
            f"{counted(len(empty), 'test picture is', 'test pictures are')} all border, where no cell can be "
            f"scored: leave out, or set borders = false: {listed(empty)}"
        )


def _cells(batch: ImageBatch) -> Tensor:
    """[rows, columns] of the first picture, bool."""
    assert batch.targets is not None
    return batch.targets[0] == 1
