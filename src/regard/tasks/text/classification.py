"""Text classification as the trainer sees it: a text and its label, cross-entropy of the label."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from rich.console import Console
from torch import nn
from torch.nn import functional as F

from regard.data.bar import Bar
from regard.data.plan import BatchPlan
from regard.data.text.batches import TextBatch, labelled_batch
from regard.data.text.beginnings import Beginnings
from regard.data.text.build import Encoder, build_corpus
from regard.data.text.corpus import EncodedCorpus
from regard.data.text.draws import Draws, draws_of
from regard.data.text.filters import FilterReport
from regard.data.text.labelled import Labels
from regard.data.text.splits import check_test, labelled_of, labels_of
from regard.data.text.tokenizer import Tokenizer
from regard.tasks.talk import Each, say, told, untold
from regard.tasks.text.classifier import longest_text, new_model
from regard.tasks.text.recipe import TextRecipe
from regard.tasks.text.vocabularies import find_or_learn
from regard.training.trainable import Loss


@dataclass
class ClassificationTask:
    """A `regard.training.Trainable` for text classification.

    Attributes:
        recipe: what to train and how.
        tokenizer: of the texts.
        labels: the classes, in alphabetical order.
        corpus: the training texts and labels, encoded.
        validation: those kept apart.
    """

    recipe: TextRecipe
    tokenizer: Tokenizer
    labels: Labels
    folder: Path
    corpus: EncodedCorpus
    validation: EncodedCorpus
    draws: Draws
    steps_per_epoch: int = field(init=False)
    unit = "texts"
    metrics = ("loss", "accuracy")

    @classmethod
    def prepare(cls, recipe: TextRecipe, folder: Path, console: Console | None = None) -> Self:
        """Read the texts, learn the vocabulary and encode; what is in the folder already is used again.

        Raises:
            UserError: missing or bad data, fewer than two labels, or a vocabulary too large for the data.
        """
        rows = labelled_of(recipe.data, "train")
        labels = labels_of(recipe.data)
        check_test(recipe.data, lambda config, split: labelled_of(config, split, labels))
        config = recipe.tokenizer

        def learn() -> Mapping[str, Tokenizer]:
            return {"": Tokenizer.train((row.text for row in rows), config)}

        tokenizer = find_or_learn(folder, ("",), rows, config, learn, console)[""]
        corpus = encode_labelled(recipe, tokenizer, labels, folder, "train", console)
        validation = encode_labelled(recipe, tokenizer, labels, folder, "validation", console)
        say(
            console,
            f"Training texts: {FilterReport(**corpus.report)}. Validation texts: {len(validation):,}.",
        )
        say(console, f"Labels: {', '.join(labels.names)}.")
        draws = draws_of(
            corpus, [tokenizer], recipe.tokenizer.dropout, longest_text(recipe),
            recipe.training.tokens, recipe.seed, specials=2,
        )  # fmt: skip
        return cls(recipe, tokenizer, labels, folder, corpus, validation, draws)

    def __post_init__(self) -> None:
        self.steps_per_epoch = self.draws.steps_per_epoch

    def digests(self) -> Mapping[str, str]:
        """Digests of the encoded splits."""
        return {"train": self.corpus.digest, "validation": self.validation.digest}

    def build(self) -> nn.Module:
        """A model with fresh weights, a function of the recipe's seed."""
        torch.manual_seed(self.recipe.seed)
        return new_model(self.recipe, self.tokenizer, self.labels.names)

    def batch(self, epoch: int, step: int, rank: int, world: int) -> TextBatch | None:
        """This rank's texts of that global batch; a pure function of its arguments."""
        drawn = self.draws.draw(epoch, step, rank, world)
        return None if drawn is None else labelled_batch(*drawn)

    def units(self, batch: TextBatch) -> int:
        """Texts."""
        return len(batch.targets)

    def loss(self, model: nn.Module, batch: TextBatch) -> Loss:
        """Cross-entropy of the labels with label smoothing, summed over texts."""
        logits = model(batch.inputs, batch.mask).float()
        smoothing = self.recipe.training.label_smoothing
        total = F.cross_entropy(logits, batch.targets, reduction="sum", label_smoothing=smoothing)
        return Loss(total, {"accuracy": (logits.argmax(-1) == batch.targets).sum().detach()})

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss in nats a text, without smoothing, and accuracy."""
        return class_figures(model, self.validation, self.recipe.training.tokens)

    def tokenizers(self) -> Mapping[str, Tokenizer]:
        """The tokenizer by the name that a model folder gives it."""
        return {"": self.tokenizer}

    def facts(self) -> dict[str, Any]:
        """What metrics.json says: the classes, which loading needs, and rows and digests of the data."""
        return {
            "classes": list(self.labels.names),
            "data": {
                "train": {"digest": self.corpus.digest, **self.corpus.report},
                "validation": {"digest": self.validation.digest, "rows": len(self.validation)},
            },
        }

    def evaluate(self, model: nn.Module, console: Console | None) -> dict[str, Any]:
        """Loss and accuracy on the test texts, where there are some; see `encode_beginnings`."""
        if self.recipe.data.test is None:
            return {}
        test = encode_beginnings(self.recipe, self.tokenizer, self.labels, self.folder, "test", console)
        with Bar(console, None, "Classifying the test texts") as bar:
            return {"test": class_figures(model, test, self.recipe.training.tokens, bar.at)}


def encode_beginnings(
    recipe: TextRecipe,
    tokenizer: Tokenizer,
    labels: Labels,
    folder: Path,
    split: str,
    console: Console | None,
) -> EncodedCorpus:
    """Texts and labels to be tested on, encoded; texts longer than the model reads are cut, not left out."""
    return encode_labelled(
        recipe, Beginnings(tokenizer, longest_text(recipe)), labels, folder, split, console
    )


def encode_labelled(
    recipe: TextRecipe,
    encoder: Encoder,
    labels: Labels,
    folder: Path,
    split: str,
    console: Console | None,
) -> EncodedCorpus:
    """Texts and labels of a split, encoded; texts longer than the model reads are left out and counted."""
    rows = labelled_of(recipe.data, split, labels)
    duplicates = recipe.data.filters.duplicates if split == "train" else "keep"
    changed = {"max_length": longest_text(recipe), "max_ratio": 1e9, "duplicates": duplicates}
    return build_corpus(
        rows,
        (encoder, labels),
        folder / split,
        filters=recipe.data.filters.model_copy(update=changed),
        key=rows.digest,
        console=console,
        name=f"{split} texts",
    )


@torch.no_grad()
def class_figures(
    model: nn.Module, corpus: EncodedCorpus, tokens: int, each: Each = untold
) -> dict[str, float]:
    """Loss in nats a text and accuracy (share of 1) on a corpus."""
    device = next(model.parameters()).device
    plan = BatchPlan(np.asarray(corpus.lengths[:, 0]), tokens, seed=0, specials=2)
    total, right = 0.0, 0
    for step in told(range(plan.steps_per_epoch), each):
        batch = labelled_batch(*corpus.gather(plan.plan(0, step))).to(device)
        logits = model(batch.inputs, batch.mask).float()
        total += float(F.cross_entropy(logits, batch.targets, reduction="sum"))
        right += int((logits.argmax(-1) == batch.targets).sum())
    return {"loss": total / len(corpus), "accuracy": right / len(corpus)}
