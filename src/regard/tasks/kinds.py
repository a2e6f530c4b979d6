"""The tasks: for each, what its recipe may say, what trains it and what predicts with it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regard.tasks.heads.sample import Sample
    from regard.tasks.predictor import Predictor
    from regard.tasks.recipe import Recipe
    from regard.tasks.task import Task


@dataclass(frozen=True)
class Kind:
    """One task, by the places of what it is made of: they are imported when they are asked for.

    Attributes:
        recipe_class: what a recipe of this task may say.
        task_class: what binds data, model, loss and metric.
        predictor_class: what a finished model is used through.
        evaluate_function: (predictor, data, split, each=…, **options) -> figures.
        sample_function: (predictor, data, split, count) -> the context of a `Sample`.
    """

    recipe_class: str
    task_class: str
    predictor_class: str
    evaluate_function: str
    sample_function: str

    @property
    def recipe(self) -> "type[Recipe]":
        """The class of its recipes."""
        return _found(self.recipe_class)  # type: ignore[no-any-return]

    @property
    def task(self) -> "type[Task]":
        """The class that the trainer is given."""
        return _found(self.task_class)  # type: ignore[no-any-return]

    @property
    def predictor(self) -> "type[Predictor[Any]]":
        """The class that `regard.load` returns."""
        return _found(self.predictor_class)  # type: ignore[no-any-return]

    @property
    def evaluate(self) -> Callable[..., dict[str, Any]]:
        """What scores a finished model."""
        return _found(self.evaluate_function)  # type: ignore[no-any-return]

    @property
    def sample(self) -> "Callable[..., AbstractContextManager[Sample]]":
        """What takes some examples, to try a finished model on again and again."""
        return _found(self.sample_function)  # type: ignore[no-any-return]


KINDS: dict[str, Kind] = {
    "translation": Kind(
        "text.recipe.TextRecipe",
        "text.translation.TranslationTask",
        "text.translator.Translator",
        "text.evaluation.evaluate_translator",
        "heads.text_samples.sample_of_translations",
    ),
    "language-modelling": Kind(
        "text.recipe.TextRecipe",
        "text.language_modelling.LanguageModellingTask",
        "text.generator.Generator",
        "text.evaluation.evaluate_generator",
        "heads.text_samples.sample_of_text",
    ),
    "text-classification": Kind(
        "text.recipe.TextRecipe",
        "text.classification.ClassificationTask",
        "text.classifier.Classifier",
        "text.evaluation.evaluate_classifier",
        "heads.text_samples.sample_of_classes",
    ),
    "image-classification": Kind(
        "images.recipe.ImageClassificationRecipe",
        "images.classification.ImageClassificationTask",
        "images.classifier.ImageClassifier",
        "images.evaluation.evaluate_image_classifier",
        "heads.image_samples.sample_of_classes",
    ),
    "segmentation": Kind(
        "images.recipe.SegmentationRecipe",
        "images.segmentation.SegmentationTask",
        "images.segmenter.Segmenter",
        "images.evaluation.evaluate_segmenter",
        "heads.image_samples.sample_of_masks",
    ),
    "denoising": Kind(
        "images.recipe.DenoisingRecipe",
        "images.denoising.DenoisingTask",
        "images.denoiser.Denoiser",
        "images.evaluation.evaluate_denoiser",
        "heads.image_samples.sample_of_noise",
    ),
    "anomaly-detection": Kind(
        "images.recipe.DetectionRecipe",
        "images.detection.DetectionTask",
        "images.detector.Detector",
        "images.evaluation.evaluate_detector",
        "heads.image_samples.sample_of_defects",
    ),
}


def _found(place: str) -> Any:
    module, _, name = place.rpartition(".")
    return getattr(import_module(f"regard.tasks.{module}"), name)
