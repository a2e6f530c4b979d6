"""Samples of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from regard.data.images.batches import ImageBatch, plain_batch
from regard.data.images.folders import GOOD
from regard.data.images.splits import Pictures
from regard.data.images.store import Meaning, PictureStore
from regard.errors import UserError
from regard.tasks.evaluation import Where
from regard.tasks.heads.sample import Sample, spread
from regard.tasks.images.blind_spots import blind_spots
from regard.tasks.images.classification import class_figures
from regard.tasks.images.classifier import ImageClassifier
from regard.tasks.images.defects import add_defects
from regard.tasks.images.denoiser import Denoiser
from regard.tasks.images.denoising import blind_figures, denoising_figures
from regard.tasks.images.detection import detection_figures
from regard.tasks.images.detector import Detector
from regard.tasks.images.evaluation import are_clean, data_of, name_of, stored
from regard.tasks.images.inspection import inspect
from regard.tasks.images.losses import restoration_loss, segmentation_loss
from regard.tasks.images.noise import add_noise
from regard.tasks.images.segmentation import segmentation_figures
from regard.tasks.images.segmenter import Segmenter
from regard.tasks.images.windows import in_windows


@contextmanager
def sample_of_classes(classifier: ImageClassifier, data: Where, split: str, count: int) -> Iterator[Sample]:
    """Pictures and their classes."""
    config = data_of(classifier.recipe.data, data, split).model_copy(update={"size": classifier.image_size})
    with stored(config, split, "classes", Meaning(classifier.classes), _some(count)) as store:

        def loss(batch: ImageBatch, row: int) -> Tensor:
            assert batch.targets is not None
            return F.cross_entropy(classifier.model(batch.images).float(), batch.targets)

        yield Sample(
            name_of(config, split),
            "picture",
            _ones(store),
            lambda: _losses(store, classifier.device, loss),
            "accuracy",
            lambda: float(class_figures(classifier.model, store)["accuracy"]),
        )


@contextmanager
def sample_of_masks(segmenter: Segmenter, data: Where, split: str, count: int) -> Iterator[Sample]:
    """Pictures and their masks."""
    config = data_of(segmenter.recipe.data, data, split)
    values = segmenter.mask_values
    meaning = Meaning(values=values, instances=not values)
    with stored(config, split, "masks", meaning, _some(count)) as store:

        def loss(batch: ImageBatch, row: int) -> Tensor:
            assert batch.targets is not None
            logits = in_windows(segmenter.model, batch.images[0])[None]
            return segmentation_loss(logits, batch.targets, segmenter.recipe.loss).total

        yield Sample(
            name_of(config, split),
            "picture",
            _ones(store),
            lambda: _losses(store, segmenter.device, loss),
            "Dice",
            lambda: float(segmentation_figures(segmenter.model, store, segmenter.recipe)["dice"]),
        )


@contextmanager
def sample_of_noise(denoiser: Denoiser, data: Where, split: str, count: int) -> Iterator[Sample]:
    """Clean pictures with the recipe's noise on them, or noisy ones, of which pixels are hidden."""
    config = data_of(denoiser.recipe.data, data, split).model_copy(update={"size": None})
    recipe = denoiser.recipe
    with stored(config, split, "plain", Meaning(), _some(count)) as store:

        def denoise(image: Tensor) -> Tensor:
            return in_windows(denoiser.model, image)

        clean = are_clean(denoiser, data)
        measure, name, figure = (
            (denoising_figures, "PSNR", "psnr") if clean else (blind_figures, "loss at hidden pixels", "loss")
        )

        def loss(batch: ImageBatch, row: int) -> Tensor:
            generator, hidden = torch.Generator(batch.images.device).manual_seed(row), None
            if clean:
                seen = add_noise(batch.images, recipe.noise, generator)
            else:
                seen, hidden = blind_spots(batch.images, recipe.blind_spots, generator)
            restored = denoise(seen[0])[None].clamp(0, 1)
            return restoration_loss(restored, batch.images, recipe.loss, hidden).total

        yield Sample(
            name_of(config, split),
            "picture",
            _ones(store),
            lambda: _losses(store, denoiser.device, loss),
            name,
            lambda: float(measure(denoise, store, recipe, denoiser.device)[figure]),
        )


@contextmanager
def sample_of_defects(detector: Detector, data: Where, split: str, count: int) -> Iterator[Sample]:
    """Good pictures with defects made on them, the same each time, to be undone; AUROC is of all pictures."""
    config = data_of(detector.recipe.data, data, split)
    recipe = detector.recipe
    defects = recipe.defects.model_copy(update={"share": 1.0})
    with (
        stored(config, split, "good", Meaning(), _some(count)) as store,
        stored(config, split, "good", Meaning(), _some(count, good=True)) as good,
    ):

        def loss(batch: ImageBatch, row: int) -> Tensor:
            generator = torch.Generator(batch.images.device).manual_seed(row)
            defective, _ = add_defects(batch.images, defects, generator)
            restored = inspect(detector.model, defective[0], recipe).restored
            return restoration_loss(restored[None], batch.images, recipe.loss).total

        yield Sample(
            name_of(config, split),
            "picture",
            _ones(good),
            lambda: _losses(good, detector.device, loss),
            "AUROC",
            lambda: float(detection_figures(detector.model, store, recipe)["auroc"]),
        )


def _some(count: int, *, good: bool = False) -> Callable[[Pictures], Pictures]:
    """Chooses so many of the pictures of a split."""

    def chosen(pictures: Pictures) -> Pictures:
        every = [one for one in pictures.examples if not good or one.label in GOOD]
        if not every:
            raise UserError(f"{pictures.name}: there is no good picture to try the heads on")
        return pictures.only([every[row] for row in spread(len(every), count)])

    return chosen


@torch.no_grad()
def _losses(store: PictureStore, device: torch.device, loss: Callable[[ImageBatch, int], Any]) -> Tensor:
    found = [float(loss(plain_batch(store, np.array([row])).to(device), row)) for row in range(len(store))]
    return torch.tensor(found, dtype=torch.float64)


def _ones(store: PictureStore) -> Tensor:
    return torch.ones(len(store), dtype=torch.float64)
