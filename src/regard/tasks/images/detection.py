"""Anomaly detection as the trainer sees it: good images with defects made on them, to be undone."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from regard.data.images.batches import ImageBatch, plain_batch
from regard.data.images.folders import GOOD
from regard.data.images.store import PictureStore
from regard.models.images.unet import UNet
from regard.tasks.images.anomaly_map import AnomalyMapConfig, anomaly_map, anomaly_scores
from regard.tasks.images.defects import add_defects
from regard.tasks.images.losses import restoration_loss
from regard.tasks.images.measures.alarm import alarm_threshold
from regard.tasks.images.measures.pixel_ranking import PixelRanking
from regard.tasks.images.measures.ranking import auroc, average_precision
from regard.tasks.images.recipe import DetectionRecipe
from regard.tasks.images.task import ImageTask
from regard.tasks.images.windows import in_windows
from regard.training.trainable import Loss


class DetectionTask(ImageTask[DetectionRecipe]):
    """A `regard.training.Trainable` for finding what does not belong."""

    layout = "good"
    metrics = ("loss", "synthetic_pixel_auroc")

    def _check(self) -> None:
        super()._check()
        # Whether the threshold can be set is told now: after training it would cost the model.
        alarm_threshold(torch.zeros(len(self.validation)), self.recipe.false_alarms)

    def new_model(self, mean: tuple[float, ...], std: tuple[float, ...]) -> nn.Module:
        """The recipe's U-Net with random weights."""
        return UNet(self.recipe.model, self.store.channels, self.store.channels, mean, std)

    def loss(self, model: nn.Module, batch: ImageBatch) -> Loss:
        """Difference of good images and what the network makes of them with defects, summed over images."""
        generator = torch.Generator(batch.images.device).manual_seed(int(torch.randint(1 << 62, ())))
        defective, _ = add_defects(batch.images, self.recipe.defects, generator)
        return restoration_loss(model(defective), batch.images, self.recipe.loss)

    def figures(self, model: nn.Module, store: PictureStore) -> dict[str, Any]:
        """Figures on good images, with defects made on each: the same for every network.

        Returns:
            ``loss``; ``synthetic_pixel_auroc``, of the map's pixels against those of the defects; ``images``.
        """
        device = next(model.parameters()).device
        ranking, total = PixelRanking.empty(), 0.0
        config = self.recipe.defects.model_copy(update={"share": 1.0})
        for row in range(len(store)):
            good = plain_batch(store, np.array([row])).images.to(device)
            generator = torch.Generator(device).manual_seed(row)
            defective, mask = add_defects(good, config, generator)
            restored = in_windows(model, defective[0])[None]
            total += float(restoration_loss(restored, good, self.recipe.loss).total)
            ranking.add(anomaly_map(defective, restored, self.recipe.map), mask[:, 0])
        figures = {"loss": total / len(store), "synthetic_pixel_auroc": ranking.auroc}
        return {**figures, "images": len(store)}

    def test_figures(self, model: nn.Module, store: PictureStore) -> dict[str, Any]:
        """See `detection_figures`."""
        return detection_figures(model, store, self.recipe.map)

    def finished(self, model: nn.Module) -> dict[str, Any]:
        """The threshold, from good images kept apart: above it lies the share that the recipe allows."""
        scores = torch.stack([score for score, _, _ in scored(model, self.validation, self.recipe.map)])
        return {"threshold": alarm_threshold(scores, self.recipe.false_alarms)}


@torch.no_grad()
def scored(
    model: nn.Module, store: PictureStore, config: AnomalyMapConfig
) -> list[tuple[Tensor, Tensor, ImageBatch]]:
    """Score, heat map [height, width] and batch of each picture of a store."""
    device = next(model.parameters()).device
    found = []
    for row in range(len(store)):
        batch = plain_batch(store, np.array([row])).to(device)
        heat = anomaly_map(batch.images, in_windows(model, batch.images[0])[None], config)
        found.append((anomaly_scores(heat)[0], heat[0], batch))
    return found


def detection_figures(model: nn.Module, store: PictureStore, config: AnomalyMapConfig) -> dict[str, Any]:
    """How well bad pictures are told from good ones.

    Args:
        model: in eval mode.
        store: pictures, good ones and others, with masks of their defects where there are some.
        config: how a picture and its restoration are compared.

    Returns:
        ``auroc`` and ``average_precision`` over images; ``pixel_auroc`` where there are masks; ``images``;
        ``kinds``: AUROC of each kind of defect against all good pictures.
    """
    ranking = PixelRanking.empty()
    found = scored(model, store, config)
    scores = torch.stack([score for score, _, _ in found]).cpu()
    labels = [store.classes[label] for label in store.labels.tolist()]
    bad = torch.tensor([label not in GOOD for label in labels])
    figures: dict[str, Any] = {
        "auroc": auroc(scores, bad),
        "average_precision": average_precision(scores, bad),
        "images": len(store),
    }
    if store.has_masks:
        for _, heat, batch in found:
            assert batch.targets is not None
            ranking.add(heat[None], batch.targets > 0)
        figures["pixel_auroc"] = ranking.auroc
    kinds = sorted({label for label in labels if label not in GOOD})
    if len(kinds) > 1:
        figures["kinds"] = {}
        for kind in kinds:
            chosen = torch.tensor([label in (kind, *GOOD) for label in labels])
            figures["kinds"][kind] = auroc(scores[chosen], bad[chosen])
    return figures
