"""The classifier of pictures: from an image to its class, with probabilities and what it attended to."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from regard.data.errors import DataError
from regard.data.images.pixels import COUNTS
from regard.errors import UserError
from regard.lens import AttentionMap, PatchGrid, Tokens, look
from regard.models.images.build import build_image_classifier
from regard.models.images.vit import VisionTransformer
from regard.tasks.folder import ModelFolder, fill_model
from regard.tasks.images.inputs import Given, pixels_of, tensor_of
from regard.tasks.images.predictor import PicturePredictor
from regard.tasks.images.recipe import ImageClassificationRecipe
from regard.tasks.predictor import Precision

if TYPE_CHECKING:
    from regard.tasks.images.classification_answer import PictureAnswer

_BATCH = 64


@dataclass(frozen=True)
class ImageClassification:
    """A classified picture.

    Attributes:
        label: the most probable class.
        probabilities: of every class, the most probable first.
        image: what the network read, [channels, height, width] in [0, 1].
    """

    label: str
    probabilities: dict[str, float]
    image: Tensor = field(repr=False, compare=False)
    _model: nn.Module = field(repr=False, compare=False)

    @cached_property
    def attention(self) -> dict[str, AttentionMap]:
        """What each token looked at, by place (``encoder.2.self``), made when it is first asked for.

        Both axes are the grid of patches, after ``[CLS]`` and registers where the network has them; pooling
        by attention (``pool.cross``) is one look at the patches. A network without attention has none.
        """
        return _attention(self._model, self.image) if isinstance(self._model, VisionTransformer) else {}

    def answer(self) -> "PictureAnswer":
        """The class, to be asked for again: what `regard.explain` takes.

        Raises:
            UserError: the network has no attention.
        """
        from regard.tasks.images.classification_answer import PictureAnswer

        if not isinstance(self._model, VisionTransformer):
            raise UserError("this network has no attention, by which its class could be explained")
        return PictureAnswer(self._model, self.image, self.label, _grid(self._model, self.image))


class ImageClassifier(PicturePredictor[nn.Module, ImageClassification]):
    """Classifies pictures with a trained network.

    Args:
        model: with its weights; moved to `device`.
        classes: names of the classes, in the order of the model's outputs.
        image_size: rows and columns of the images in training.
        recipe: that the model was trained by.
        device: None leaves the model where it is.
        precision: *float32* or *bf16*.

    Example::

        classifier = regard.load("digits")
        classifier("seven.png").label
    """

    task = "image-classification"
    recipe: ImageClassificationRecipe

    def __init__(
        self,
        model: nn.Module,
        classes: Sequence[str],
        image_size: tuple[int, int],
        recipe: ImageClassificationRecipe,
        *,
        device: torch.device | str | None = None,
        precision: Precision = "float32",
    ) -> None:
        super().__init__(model, recipe, device=device, precision=precision)
        self.classes = tuple(classes)
        self.image_size = image_size

    @classmethod
    def from_folder(cls, folder: ModelFolder, **options: Any) -> Self:
        """The classifier that a checked model folder holds."""
        recipe = folder.recipe
        assert isinstance(recipe, ImageClassificationRecipe)  # by its task
        classes, (height, width) = folder.metrics["classes"], folder.metrics["image_size"]
        model = _new_model(recipe, len(classes), (height, width))
        fill_model(model, folder)
        return cls(model.eval(), classes, (height, width), recipe, **options)

    def _new_model(self) -> nn.Module:
        return _new_model(self.recipe, len(self.classes), self.image_size)

    def read(self, picture: Given) -> Tensor:
        """What the network reads of a picture, [channels, height, width] in [0, 1].

        One of another size is resized: the network was never shown others.

        Raises:
            DataError: it cannot be read.
        """
        data = self.recipe.data.model_copy(update={"size": self.image_size})
        return tensor_of(pixels_of(picture), data)

    def _predicted(self, pictures: Sequence[Given]) -> list[ImageClassification]:
        return self.classify([self.read(one) for one in pictures])

    @torch.no_grad()
    def classify(self, images: Sequence[Tensor]) -> list[ImageClassification]:
        """The classes of what `read` gave; calling the classifier does both."""
        found = []
        for first in range(0, len(images), _BATCH):
            batch = list(images[first : first + _BATCH])
            rows = self.model(self._placed(torch.stack(batch))).float().softmax(-1)
            found += [
                self._classification(image, row.tolist()) for image, row in zip(batch, rows, strict=True)
            ]
        return found

    def _classification(self, image: Tensor, probabilities: list[float]) -> ImageClassification:
        ranked = sorted(zip(self.classes, probabilities, strict=True), key=lambda pair: -pair[1])
        return ImageClassification(ranked[0][0], dict(ranked), image, self.model)


@torch.no_grad()
def _attention(model: VisionTransformer, image: Tensor) -> dict[str, AttentionMap]:
    like = next(model.parameters())
    with look(model) as seen:
        model(image[None].to(like))
    tokens = _grid(model, image)
    patches = replace(tokens, specials=())
    # Pooling by attention is one look of the whole picture at its patches.
    looks = Tokens(("the picture",))
    return {
        name: one.map(tokens, tokens) if name.endswith("self") else one.map(looks, patches)
        for name, one in seen.items()
    }


@torch.no_grad()
def _grid(model: VisionTransformer, image: Tensor) -> PatchGrid:
    """The patches of an image, and the tokens before them."""
    encoded = model.encode(image[None].to(next(model.parameters())))
    config = model.config
    specials = ["[CLS]"] if config.pooling == "class" else []
    specials += [f"[R{number + 1}]" for number in range(config.registers)]
    height, width = image.shape[1:]
    return PatchGrid(*encoded.grid, tuple(specials), (height, width))


def _new_model(recipe: ImageClassificationRecipe, classes: int, size: tuple[int, int]) -> nn.Module:
    """The recipe's network; what it normalises by comes with its weights."""
    channels = COUNTS[recipe.data.channels]
    try:
        return build_image_classifier(
            recipe.model, channels, classes, size, [0.0] * channels, [1.0] * channels
        )
    except ValueError as error:
        raise DataError(f"the network cannot be built: {error}") from None
