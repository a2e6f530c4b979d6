"""Classes of pictures as the trainer sees them: an image and its label, cross-entropy of the label."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.data.errors import DataError
from regard.data.images.batches import ImageBatch, plain_batch
from regard.data.images.config import ImageDataConfig
from regard.data.images.store import PictureStore
from regard.models.images.build import build_image_classifier
from regard.tasks.images.class_pictures import class_pictures
from regard.tasks.images.measures.calibration import Calibration
from regard.tasks.images.measures.confusion import Confusion
from regard.tasks.images.recipe import ImageClassificationRecipe
from regard.tasks.images.task import ImageTask, rows_of
from regard.tasks.images.temperature import calibrate
from regard.tasks.talk import Each, told, untold
from regard.training.trainable import Loss


class ImageClassificationTask(ImageTask[ImageClassificationRecipe]):
    """A `regard.training.Trainable` for classes of pictures."""

    layout = "classes"
    metrics = ("loss", "accuracy")

    def _check(self) -> None:
        super()._check()
        if self.recipe.data.window is not None:
            raise DataError("data.crop: a class is of the whole picture; give data.size, and leave crop out")
        if len(self.store.classes) < 2:
            raise DataError(
                f"the pictures are all of one class, {self.store.classes[0]}: there is nothing to tell "
                "apart; make a folder for each class"
            )

    @classmethod
    def held_out(cls, data: ImageDataConfig, train: PictureStore) -> ImageDataConfig:
        """In the size of training: the network reads no other, and pictures are resized for it."""
        height, width = train.shapes[0, :2].tolist()
        return data.model_copy(update={"size": (height, width)})

    def new_model(self, mean: tuple[float, ...], std: tuple[float, ...]) -> nn.Module:
        """The recipe's Vision Transformer or ResNet with random weights."""
        classes = len(self.store.classes)
        return build_image_classifier(
            self.recipe.model, self.store.channels, classes, self.image_size, mean, std
        )

    def loss(self, model: nn.Module, batch: ImageBatch) -> Loss:
        """Cross-entropy of the labels with label smoothing, and mixup where asked, summed over images."""
        training = self.recipe.training
        assert batch.targets is not None
        images, targets = batch.images, batch.targets
        if not training.mixup:
            return self._loss(model(images).float(), targets)
        # One share for the batch, from torch's generator: the trainer seeds it for each update.
        share = float(torch.distributions.Beta(training.mixup, training.mixup).sample())
        logits = model(images.lerp(images.flip(0), 1 - share)).float()
        one, other = self._loss(logits, targets), self._loss(logits, targets.flip(0))
        return Loss(share * one.total + (1 - share) * other.total)

    def _loss(self, logits: Tensor, targets: Tensor) -> Loss:
        smoothing = self.recipe.training.label_smoothing
        total = F.cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing)
        right = (logits.detach().argmax(-1) == targets).sum()
        return Loss(total, {"accuracy": right})

    def finished(self, model: nn.Module) -> dict[str, Any]:
        """Makes its confidence one that can be believed, by pictures kept apart; tells the temperature.

        The loss on these pictures is another then.
        """
        temperature = calibrate(model, self.validation)
        return {"temperature": temperature, "validation": self.validate(model)}

    def figures(self, model: nn.Module, store: PictureStore, each: Each = untold) -> dict[str, Any]:
        """See `class_figures`."""
        return class_figures(model, store, each)

    def test_figures(self, model: nn.Module, store: PictureStore, each: Each) -> dict[str, Any]:
        """The same, and their pictures in the model folder."""
        figures = self.figures(model, store, each)
        class_pictures(figures, self.folder.parent)
        return figures


@torch.no_grad()
def class_figures(model: nn.Module, store: PictureStore, each: Each = untold) -> dict[str, Any]:
    """How well a network tells classes apart.

    Args:
        model: in eval mode.
        store: pictures with labels.
        each: is told how many batches are done, and of how many.

    Returns:
        ``loss`` in nats an image, without smoothing; ``accuracy``; ``calibration_error`` (Guo et al. 2017);
        ``images``; ``classes``, of each its precision and recall; ``confusion``, rows are what is there;
        ``reliability``, of each bin of confidence its edges, ``from`` and ``to``, ``images``, mean
        ``confidence`` and ``accuracy``.
    """
    device = next(model.parameters()).device
    names = store.classes
    confusion, calibration, total = Confusion.of(len(names)), Calibration.of(), 0.0
    for rows in told(rows_of(store), each):
        batch = plain_batch(store, rows).to(device)
        assert batch.targets is not None
        logits = model(batch.images).float()
        total += float(F.cross_entropy(logits, batch.targets, reduction="sum"))
        confusion.add(logits.argmax(-1), batch.targets)
        calibration.add(logits.softmax(-1), batch.targets)
    return {
        "loss": total / len(store),
        "accuracy": confusion.accuracy,
        "calibration_error": calibration.error,
        "images": len(store),
        "classes": {
            name: {"precision": precision, "recall": recall}
            for name, precision, recall in zip(
                names,
                confusion.precision.nan_to_num().tolist(),
                confusion.recall.nan_to_num().tolist(),
                strict=True,
            )
        },
        "confusion": confusion.counts.tolist(),
        "reliability": [
            dict(zip(("from", "to", "images", "confidence", "accuracy"), one, strict=True))
            for one in calibration.table()
        ],
    }
