"""How good a model of an image task is on pictures with known answers."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from regard.data.images.build import build_store
from regard.data.images.config import ImageDataConfig
from regard.data.images.folders import Layout
from regard.data.images.splits import Pictures, has_test, pictures_of
from regard.data.images.store import Meaning, PictureStore
from regard.errors import UserError
from regard.tasks.evaluation import Where, names_set
from regard.tasks.images.classification import class_figures
from regard.tasks.images.classifier import ImageClassifier
from regard.tasks.images.denoiser import Denoiser
from regard.tasks.images.denoising import blind_figures, denoising_figures
from regard.tasks.images.detection import detection_figures
from regard.tasks.images.detector import Detector
from regard.tasks.images.segmentation import figures_with_borders
from regard.tasks.images.segmenter import Segmenter
from regard.tasks.images.windows import in_windows
from regard.tasks.talk import Each, untold


def evaluate_image_classifier(
    classifier: ImageClassifier, data: Where, split: str, *, each: Each = untold
) -> dict[str, Any]:
    """Loss, accuracy, calibration, and how often each class was taken for each other."""
    config = data_of(classifier.recipe.data, data, split).model_copy(update={"size": classifier.image_size})
    with stored(config, split, "classes", Meaning(classifier.classes)) as store:
        return {"data": name_of(config, split), **class_figures(classifier.model, store, each)}


def evaluate_segmenter(
    segmenter: Segmenter, data: Where, split: str, *, each: Each = untold
) -> dict[str, Any]:
    """Dice, IoU, pixel error, objects; and borders where the recipe asks for them."""
    config = data_of(segmenter.recipe.data, data, split)
    values = segmenter.mask_values
    with stored(config, split, "masks", Meaning(values=values, instances=not values)) as store:
        figures = figures_with_borders(segmenter.model, store, segmenter.recipe, each)
        return {"data": name_of(config, split), **figures}


def evaluate_denoiser(denoiser: Denoiser, data: Where, split: str, *, each: Each = untold) -> dict[str, Any]:
    """PSNR and SSIM under the recipe's noise, and of the noisy pictures.

    Where a recipe's own pictures are noisy, of these the loss at hidden pixels; what else is given is clean.
    """
    config = data_of(denoiser.recipe.data, data, split).model_copy(update={"size": None})
    clean = are_clean(denoiser, data)
    with stored(config, split, "plain", Meaning()) as store:
        figures = (denoising_figures if clean else blind_figures)(
            lambda image: in_windows(denoiser.model, image),
            store,
            denoiser.recipe,
            denoiser.device,
            each=each,
        )
        return {"data": name_of(config, split), **figures}


def are_clean(denoiser: Denoiser, data: Where) -> bool:
    """Whether pictures to evaluate on have no noise: a recipe's own may, what else is given has none."""
    return denoiser.recipe.clean_targets or data is not None


def evaluate_detector(detector: Detector, data: Where, split: str, *, each: Each = untold) -> dict[str, Any]:
    """AUROC over pictures, and over pixels where there are masks."""
    config = data_of(detector.recipe.data, data, split)
    with stored(config, split, "good", Meaning()) as store:
        return {
            "data": name_of(config, split),
            **detection_figures(detector.model, store, detector.recipe, each),
        }


@contextmanager
def stored(
    config: ImageDataConfig,
    split: str,
    layout: Layout,
    like: Meaning,
    chosen: Callable[[Pictures], Pictures] = lambda pictures: pictures,
) -> Iterator[PictureStore]:
    """The pictures of a split, read, for as long as the block runs.

    Args:
        config: where they come from.
        split: which.
        layout: what the task needs.
        like: what labels and masks stand for.
        chosen: takes some of them.
    """
    with tempfile.TemporaryDirectory() as folder:
        pictures = chosen(pictures_of(config, split, layout))
        yield build_store(pictures, config, Path(folder) / split, like=like)


def data_of(trained_on: ImageDataConfig, data: Where, split: str) -> ImageDataConfig:
    """What to evaluate on, as a recipe would say it: a named set, or a folder that is its test."""
    if isinstance(data, tuple):
        raise UserError(
            "two files, source and target, are for translators; give this model a folder of pictures"
        )
    if data is None:
        if split == "test" and not has_test(trained_on):
            raise UserError(
                "this model's recipe names no test pictures; say what to evaluate on: --data FOLDER"
            )
        return trained_on
    # How pictures are made alike, and masks found, is the model's.
    if names_set(data):
        return trained_on.model_copy(
            update={"name": str(data), "train": None, "validation": None, "test": None}
        )
    if split != "test":
        raise UserError(f"--split {split}: a folder has no splits; leave --split out")
    return trained_on.model_copy(update={"name": None, "train": Path(data), "test": Path(data)})


def name_of(data: ImageDataConfig, split: str) -> str:
    """What is evaluated on, in words."""
    return f"{data.name} ({split})" if data.name is not None else str(data.test or f"{data.train} ({split})")
