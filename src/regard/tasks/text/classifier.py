"""The classifier: from a text to its class, with probabilities and what [CLS] attended to."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, overload

import torch
from torch import Tensor

from regard.data.text.batches import collate_labelled
from regard.data.text.tokenizer import Tokenizer
from regard.decoding.batches import decode_batches
from regard.errors import RegardWarning, UserError
from regard.lens import AttentionMap, attention_places, look
from regard.models.text.build import build_classifier
from regard.models.text.classifier import TextClassifier
from regard.tasks.folder import ModelFolder, fill_model
from regard.tasks.predictor import Precision
from regard.tasks.text.axes import token_axis
from regard.tasks.text.predictor import TextPredictor
from regard.tasks.text.recipe import TextRecipe

if TYPE_CHECKING:
    from regard.tasks.text.classification_answer import ClassificationAnswer


@dataclass(frozen=True)
class Classification:
    """A classified text.

    Attributes:
        label: the most probable class.
        probabilities: of every class, the most probable first.
        tokens: of the text, as the model read them, ``[CLS]`` first and ``[SEP]`` last.
    """

    label: str
    probabilities: dict[str, float]
    tokens: tuple[str, ...]
    _run: "_Run | None" = field(default=None, repr=False, compare=False)

    @cached_property
    def attention(self) -> dict[str, AttentionMap]:
        """What each token looked at, by place (``encoder.2.self``), made when it is first asked for."""
        return self._run.attention() if self._run is not None else {}

    def answer(self) -> "ClassificationAnswer":
        """The class, to be asked for again: what `regard.explain` takes.

        Raises:
            UserError: the text is empty, or the model has no attention.
        """
        from regard.tasks.text.classification_answer import ClassificationAnswer

        run = self._run
        if run is None or not run.ids:
            raise UserError("there is nothing to explain: the text is empty")
        if not attention_places(run.model):
            raise UserError("this model has no attention, by which its class could be explained")
        return ClassificationAnswer(run.model, run.tokenizer, run.ids, self.label, run.number)


class Classifier(TextPredictor[TextClassifier]):
    """Classifies texts with a trained model.

    Args:
        model: with its weights; moved to `device`.
        tokenizer: of the texts.
        classes: names of the classes, in the order of the model's outputs.
        recipe: that the model was trained by.
        device: None leaves the model where it is.
        precision: *float32* or *bf16*.
    """

    task = "text-classification"

    def __init__(
        self,
        model: TextClassifier,
        tokenizer: Tokenizer,
        classes: Sequence[str],
        recipe: TextRecipe,
        *,
        device: torch.device | str | None = None,
        precision: Precision = "float32",
    ) -> None:
        super().__init__(model, recipe, device=device, precision=precision)
        self.tokenizer = tokenizer
        self.classes = tuple(classes)

    @classmethod
    def from_folder(cls, folder: ModelFolder, **options: Any) -> Self:
        """The classifier that a checked model folder holds."""
        recipe = folder.recipe
        assert isinstance(recipe, TextRecipe)  # by its task
        tokenizer, classes = folder.tokenizers[""], folder.metrics["classes"]
        model = new_model(recipe, tokenizer, classes)
        fill_model(model, folder)
        return cls(model.eval(), tokenizer, classes, recipe, **options)

    def embedding(self, side: str = "source") -> tuple[Tokenizer, Tensor]:
        """The tokenizer and its tokens' vectors, [tokens, width]; of one language there is but one side."""
        return self.tokenizer, self.model.embedding.weight.detach()

    def _new_model(self) -> TextClassifier:
        return new_model(self.recipe, self.tokenizer, self.classes)

    @overload
    def __call__(self, text: str) -> Classification: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, text: Iterable[str]) -> list[Classification]: ...
    @torch.no_grad()
    def __call__(self, text: str | Iterable[str]) -> Classification | list[Classification]:
        """Classify a text, or several, which are batched by length.

        Of a text longer than the model reads, the beginning decides, and a warning says so.
        """
        texts = [text] if isinstance(text, str) else list(text)
        ids = [self._cut(row) for row in self.tokenizer.encode_batch(texts)]
        found: dict[int, Classification] = {}
        for rows in decode_batches([len(row) + 2 for row in ids]):
            batch = collate_labelled([ids[row] for row in rows], [0] * len(rows))
            batch = batch.to(self.device)
            for row, probabilities in zip(
                rows, self.model(batch.inputs, batch.mask).float().softmax(-1), strict=True
            ):
                found[row] = self._classification(ids[row], probabilities.tolist())
        made = [found[row] for row in range(len(texts))]
        return made[0] if isinstance(text, str) else made

    def _cut(self, ids: list[int]) -> list[int]:
        longest = longest_text(self.recipe)
        if len(ids) > longest:
            warnings.warn(
                f"a text of {len(ids)} tokens is longer than the {longest} that the model reads: only its "
                "beginning was classified",
                category=RegardWarning,
                stacklevel=3,
            )
        return ids[:longest]

    def _classification(self, ids: list[int], probabilities: list[float]) -> Classification:
        ranked = sorted(zip(self.classes, probabilities, strict=True), key=lambda pair: -pair[1])
        tokens = ("[CLS]", *self.tokenizer.tokens(ids), "[SEP]")
        run = _Run(self.model, self.tokenizer, ids, self.classes.index(ranked[0][0]))
        return Classification(ranked[0][0], dict(ranked), tokens, run)


@dataclass(frozen=True)
class _Run:
    """A text that can be read again, to be looked at."""

    model: TextClassifier
    tokenizer: Tokenizer
    ids: list[int]
    number: int  # of the class

    @torch.no_grad()
    def attention(self) -> dict[str, AttentionMap]:
        if not attention_places(self.model):
            return {}
        batch = collate_labelled([self.ids], [0]).to(self.model.output.weight.device)
        with look(self.model) as seen:
            self.model(batch.inputs, batch.mask)
        axis = token_axis(self.tokenizer, self.ids, before="[CLS]", after="[SEP]")
        return {name: one.map(axis, axis) for name, one in seen.items()}


def longest_text(recipe: TextRecipe) -> int:
    """The most tokens that a text may have, [CLS] and [SEP] not counted."""
    longest, reach = recipe.data.filters.max_length, recipe.model.reach(recipe.model.encoder)
    return longest if reach is None else min(longest, reach - 2)


def new_model(recipe: TextRecipe, tokenizer: Tokenizer, classes: Sequence[str]) -> TextClassifier:
    """A classifier with random weights, as the recipe describes it."""
    return build_classifier(recipe.model, tokenizer.size, len(classes), Tokenizer.pad)
