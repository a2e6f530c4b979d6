"""Anomaly detection as the trainer sees it: good images with defects made on them, to be undone."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from regard.counted import counted
from regard.data.errors import DataError
from regard.data.images.batches import IGNORE, ImageBatch, plain_batch
from regard.data.images.folders import GOOD
from regard.data.images.store import PictureStore
from regard.models.images.judged_unet import JudgedUNet
from regard.tasks.images.defects import add_defects
from regard.tasks.images.inspection import Inspection, inspect
from regard.tasks.images.losses import restoration_loss, segmentation_loss
from regard.tasks.images.measures.alarm import alarm_threshold
from regard.tasks.images.measures.pixel_ranking import PixelRanking
from regard.tasks.images.measures.ranking import auroc, average_precision
from regard.tasks.images.measures.regions import RegionRanking
from regard.tasks.images.networks import detector_of
from regard.tasks.images.recipe import DetectionRecipe
from regard.tasks.images.removed_regions import removed
from regard.tasks.images.task import ImageTask
from regard.tasks.talk import Each, told, untold
from regard.training.trainable import Loss


class DetectionTask(ImageTask[DetectionRecipe]):
    """A `regard.training.Trainable` for finding what does not belong."""

    layout = "good"
    metrics = ("loss", "synthetic_pixel_auroc")

    def _check(self) -> None:
        super()._check()
        of_pixels = self.recipe.training.metric == "synthetic_pixel_auroc"
        if of_pixels and {*self.recipe.defects.kinds} == {"noise"}:
            raise DataError(
                'training.metric is "synthetic_pixel_auroc", and noise, the only one of defects.kinds, '
                'leaves no pixel good that could be told from the others: take "loss"'
            )
        # Whether the threshold can be set is told now: after training it would cost the model.
        alarm_threshold(torch.zeros(len(self.validation)), self.recipe.false_alarms)

    def check_test(self, store: PictureStore) -> None:
        """See `check_good_and_bad`."""
        super().check_test(store)
        check_good_and_bad(store)

    def new_model(self, mean: tuple[float, ...], std: tuple[float, ...]) -> nn.Module:
        """The recipe's network with random weights."""
        return detector_of(self.recipe, mean, std)

    def loss(self, model: nn.Module, batch: ImageBatch) -> Loss:
        """Difference of good images and what the network makes of them with defects, summed over images.

        To that of restoring comes that of judging, where the recipe has a judge.
        """
        generator = torch.Generator(batch.images.device).manual_seed(int(torch.randint(1 << 62, ())))
        if self.recipe.removal is not None:
            sides = self.recipe.removal.fitting(*batch.images.shape[2:])
            side = sides[int(torch.randint(len(sides), ()))]
            seen, gone = removed(batch.images, generator, square=side, sets=self.recipe.removal.sets)
            return restoration_loss(model(seen), batch.images, self.recipe.loss, gone)
        defective, mask = add_defects(batch.images, self.recipe.defects, generator)
        restored = model(defective)
        loss = restoration_loss(restored, batch.images, self.recipe.loss)
        if isinstance(model, JudgedUNet):
            judged = segmentation_loss(
                model.judged(defective, restored), mask[:, 0].long(), self.recipe.judge_loss
            )
            figures = {**loss.figures, "judged": judged.total.detach()}
            loss = Loss(loss.total + judged.total, figures)
        return loss

    def figures(self, model: nn.Module, store: PictureStore, each: Each = untold) -> dict[str, Any]:
        """Figures on good images, with defects made on each: the same for every network.

        Returns:
            ``loss``; ``synthetic_pixel_auroc``, of the map's pixels against those of the defects, where there
            are others (noise is everywhere); ``images``.
        """
        device = next(model.parameters()).device
        ranking, total = PixelRanking.empty(), 0.0
        config = self.recipe.defects.model_copy(update={"share": 1.0})
        for row in told(range(len(store)), each):
            good = plain_batch(store, np.array([row])).images.to(device)
            generator = torch.Generator(device).manual_seed(row)
            defective, mask = add_defects(good, config, generator)
            seen = inspect(model, defective[0], self.recipe)
            total += float(restoration_loss(seen.restored[None], good, self.recipe.loss).total)
            ranking.add(seen.heat[None], mask[:, 0])
        figures: dict[str, Any] = {"loss": total / len(store), "images": len(store)}
        if ranking.good.any() and ranking.bad.any():
            figures["synthetic_pixel_auroc"] = ranking.auroc
        elif self.recipe.training.metric == "synthetic_pixel_auroc":
            figures["synthetic_pixel_auroc"] = math.nan
        return figures

    def test_figures(self, model: nn.Module, store: PictureStore, each: Each) -> dict[str, Any]:
        """See `detection_figures`."""
        return detection_figures(model, store, self.recipe, each)

    def finished(self, model: nn.Module) -> dict[str, Any]:
        """The threshold, from good images kept apart: above it lies the share that the recipe allows."""
        scores = torch.stack([seen.score for seen, _ in inspected(model, self.validation, self.recipe)])
        return {"threshold": alarm_threshold(scores, self.recipe.false_alarms)}


def inspected(
    model: nn.Module, store: PictureStore, recipe: DetectionRecipe
) -> Iterator[tuple[Inspection, ImageBatch]]:
    """Each picture of a store, one at a time: a large set's maps are not held together."""
    device = next(model.parameters()).device
    for row in range(len(store)):
        batch = plain_batch(store, np.array([row])).to(device)
        yield inspect(model, batch.images[0], recipe), batch


def detection_figures(
    model: nn.Module, store: PictureStore, recipe: DetectionRecipe, each: Each = untold
) -> dict[str, Any]:
    """How well bad pictures are told from good ones.

    Args:
        model: in eval mode.
        store: pictures, good ones and others, with masks of their defects where there are some.
        recipe: what the model learnt to undo, and how pictures are compared.
        each: is told how many pictures are done, and of how many.

    Returns:
        ``auroc`` and ``average_precision`` over images; ``pixel_auroc`` and ``region_overlap`` (AU-PRO up to
        30 % of false pixels) where masks have good and bad pixels, of good pictures and of those bad ones
        that have one; ``images``;
        ``kinds``: of each kind of defect, where there are several, ``auroc`` against all good pictures and
        its own ``images``.

    Raises:
        DataError: pictures that are all good, or all bad.
    """
    check_good_and_bad(store)
    ranking, regions = PixelRanking.empty(), RegionRanking.empty()
    found = []
    labels = [store.classes[label] for label in store.labels.tolist()]
    for row, (seen, batch) in enumerate(inspected(model, store, recipe)):
        found.append(seen.score)
        each(row + 1, len(store))
        # Of a bad picture without a mask, nobody has said which pixels are good.
        if store.has_masks and (labels[row] in GOOD or store.mask(row) is not None):
            assert batch.targets is not None
            defects, certain = batch.targets[0] > 0, batch.targets[0] != IGNORE
            ranking.add(seen.heat[certain], defects[certain])
            regions.add(seen.heat, defects, certain)
    scores = torch.stack(found).cpu()
    bad = torch.tensor([label not in GOOD for label in labels])
    figures: dict[str, Any] = {
        "auroc": auroc(scores, bad),
        "average_precision": average_precision(scores, bad),
        "images": len(store),
    }
    if ranking.good.any() and ranking.bad.any():  # masks may be black, and made smaller they may become so
        figures |= {"pixel_auroc": ranking.auroc, "region_overlap": regions.overlap()}
    kinds = sorted({label for label in labels if label not in GOOD})
    if len(kinds) > 1:
        figures["kinds"] = {}
        for kind in kinds:
            chosen = torch.tensor([label in (kind, *GOOD) for label in labels])
            figures["kinds"][kind] = {
                "auroc": auroc(scores[chosen], bad[chosen]),
                "images": labels.count(kind),
            }
    return figures


def check_good_and_bad(store: PictureStore) -> None:
    """That there is something to be told apart.

    Raises:
        DataError: there is no good picture, or no other.
    """
    found = {"good" if store.classes[label] in GOOD else "bad" for label in store.labels.tolist()}
    if len(found) < 2:
        count = counted(len(store), "picture")
        raise DataError(f"a test needs good pictures and bad ones, and of its {count} all are {found.pop()}")
