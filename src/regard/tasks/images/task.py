"""What the tasks of images share: pictures in a store, batches by a plan, a network that normalises."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import torch
from rich.console import Console
from torch import nn

from regard.data.bar import Bar
from regard.data.errors import DataError
from regard.data.images.batches import ImageBatch, training_batch
from regard.data.images.build import build_store
from regard.data.images.config import ImageDataConfig
from regard.data.images.folders import Layout
from regard.data.images.plan import PicturePlan
from regard.data.images.splits import has_test, pictures_of
from regard.data.images.store import PictureStore
from regard.data.text.tokenizer import Tokenizer
from regard.errors import UserError
from regard.tasks.images.recipe import ImageRecipe
from regard.tasks.images.statistics import channel_statistics
from regard.tasks.talk import Each, say, untold
from regard.training.trainable import Loss

R = TypeVar("R", bound=ImageRecipe)

# What a network reads at once without a gradient: so many images, and of large ones so many pixels.
_MOST_TOGETHER = 256
_PIXELS_TOGETHER = 1 << 20


class ImageTask(ABC, Generic[R]):
    """A `regard.training.Trainable` of images.

    Args:
        recipe: what to train and how.
        folder: where the stores of pictures are.
        store: the training pictures and what belongs to them.
        validation: those kept apart.

    Attributes:
        layout: what a folder of pictures must hold for the task.
    """

    unit = "images"
    layout: ClassVar[Layout]
    metrics: ClassVar[tuple[str, ...]]

    def __init__(self, recipe: R, folder: Path, store: PictureStore, validation: PictureStore) -> None:
        self.recipe = recipe
        self.folder = folder
        self.store = store
        self.validation = validation
        rows = len(store) * recipe.data.crops
        self.plan = PicturePlan(rows, recipe.training.images, recipe.seed)
        self.steps_per_epoch = self.plan.steps_per_epoch
        self._check()

    @classmethod
    def prepare(cls, recipe: R, folder: Path, console: Console | None = None) -> Self:
        """Read the pictures into stores; what is in the folder already is used again.

        Those of a test too: what is wrong with them is told before hours of training, not after.

        Raises:
            UserError: missing or bad pictures, named; pictures that do not suit the task.
        """
        train = pictures_of(recipe.data, "train", cls.layout)
        store = build_store(train, recipe.data, folder / "train", console=console)
        kept = pictures_of(recipe.data, "validation", cls.layout)
        config = cls.held_out(recipe.data, store)
        validation = build_store(kept, config, folder / "validation", like=store.meaning, console=console)
        task = cls(recipe, folder, store, validation)
        test = task._test_store(console)
        if test is not None:
            task.check_test(test)
        others = "" if test is None else f" Test pictures: {len(test):,}."
        say(console, f"Training pictures: {len(store):,}. Validation pictures: {len(validation):,}.{others}")
        return task

    def _check(self) -> None:
        """Raise a UserError where the pictures do not suit the task."""
        _check_names(self.store)
        if self.store.together is None and self.recipe.data.window is None and self._several_sizes():
            crop = "" if self.layout == "classes" else " or data.crop (training sees windows of that size)"
            raise DataError(f"the pictures have several sizes: give data.size (all are resized){crop}")

    def check_test(self, store: PictureStore) -> None:
        """Raise a UserError where the figures of a test cannot be taken of these pictures."""
        _check_names(store)

    @classmethod
    def held_out(cls, data: ImageDataConfig, train: PictureStore) -> ImageDataConfig:
        """How pictures of validation and test are read: as a finished model reads them."""
        return data

    def _several_sizes(self) -> bool:
        return bool((self.store.shapes[:, :2] != self.store.shapes[0, :2]).any())

    @property
    def image_size(self) -> tuple[int, int]:
        """Rows and columns of what training sees."""
        height, width = self.store.shapes[0, :2].tolist()
        return self.recipe.data.window or (height, width)

    def digests(self) -> Mapping[str, str]:
        """Digests of the stores."""
        return {"train": self.store.digest, "validation": self.validation.digest}

    def build(self) -> nn.Module:
        """A network with fresh weights, a function of the recipe's seed, that normalises as its data asks."""
        mean, std = channel_statistics(self.store)
        torch.manual_seed(self.recipe.seed)
        try:
            return self.new_model(mean, std)
        except ValueError as error:
            raise UserError(f"the network cannot be built for these pictures: {error}") from None

    @abstractmethod
    def new_model(self, mean: tuple[float, ...], std: tuple[float, ...]) -> nn.Module:
        """The recipe's network with random weights."""

    def batch(self, epoch: int, step: int, rank: int, world: int) -> ImageBatch | None:
        """This rank's images of that global batch; a pure function of its arguments."""
        rows = self.plan.plan(epoch, step, rank, world)
        if not len(rows):
            return None
        return training_batch(
            self.store,
            rows,
            seed=self.recipe.seed,
            epoch=epoch,
            augment=self.recipe.augment,
            window=self.recipe.data.window,
        )

    def units(self, batch: ImageBatch) -> int:
        """Images."""
        return len(batch.images)

    @abstractmethod
    def loss(self, model: nn.Module, batch: ImageBatch) -> Loss:
        """The loss, summed over images."""

    @torch.no_grad()
    def validate(self, model: nn.Module) -> dict[str, float]:
        """Figures on the pictures kept apart."""
        figures = self.figures(model, self.validation)
        return {name: figures[name] for name in self.metrics if name in figures}

    @abstractmethod
    def figures(self, model: nn.Module, store: PictureStore, each: Each = untold) -> dict[str, Any]:
        """Figures of a network on the pictures of a store; `each` is told how far they are."""

    def tokenizers(self) -> Mapping[str, Tokenizer]:
        """None: nothing is text."""
        return {}

    def facts(self) -> dict[str, Any]:
        """What metrics.json says of the data, which loading needs: channels, size, classes."""
        return {
            "channels": self.store.channels,
            "image_size": list(self.image_size),
            "classes": list(self.store.classes),
            "data": {
                "train": {"digest": self.store.digest, "rows": len(self.store)},
                "validation": {"digest": self.validation.digest, "rows": len(self.validation)},
            },
        }

    def evaluate(self, model: nn.Module, console: Console | None) -> dict[str, Any]:
        """Figures on the test pictures, where there are some, and what else a finished model needs."""
        found = self.finished(model)
        store = self._test_store(console)
        if store is None:
            return found
        with Bar(console, None, "Testing") as bar:
            return {**found, "test": self.test_figures(model, store, bar.at)}

    def test_figures(self, model: nn.Module, store: PictureStore, each: Each) -> dict[str, Any]:
        """Figures that are taken of a finished model alone; `each` is told how far they are."""
        return self.figures(model, store, each)

    def finished(self, model: nn.Module) -> dict[str, Any]:
        """Gives a finished model what only then it can have; returns what metrics.json must hold of it."""
        return {}

    def _test_store(self, console: Console | None) -> PictureStore | None:
        """The store of the test pictures, if there are any; one that is there already is opened."""
        config = self.held_out(self.recipe.data, self.store)
        if not has_test(config):
            return None
        pictures = pictures_of(config, "test", self.layout)
        return build_store(pictures, config, self.folder / "test", like=self.store.meaning, console=console)


def rows_of(store: PictureStore) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
    """All rows of a store of pictures of one size, those together that a network may read at once."""
    height, width = store.shapes[0, :2].tolist()
    size = max(1, min(_MOST_TOGETHER, _PIXELS_TOGETHER // (height * width)))
    return [np.arange(first, min(first + size, len(store))) for first in range(0, len(store), size)]


def _check_names(store: PictureStore) -> None:
    """That the names of classes can be written into a model folder.

    Raises:
        DataError: one cannot, for it is no text: folders on Linux may be named by any bytes.
    """
    for name in store.classes:
        if name.encode("utf-8", "replace").decode() != name:
            raise DataError(f"the name of the class {name!a} is not UTF-8: rename its folder")
