"""Language modelling as the trainer sees it: blocks of text, cross-entropy of the next token."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from rich.console import Console
from torch import nn

from regard.counted import counted
from regard.data.bar import Bar
from regard.data.text.batches import TextBatch
from regard.data.text.blocks import BlockPlan, Documents, TextCorpus
from regard.data.text.build import build_corpus
from regard.data.text.config import FilterConfig
from regard.data.text.corpus import EncodedCorpus
from regard.data.text.filters import FilterReport
from regard.data.text.splits import check_test, texts_of
from regard.data.text.tokenizer import Tokenizer
from regard.errors import UserError
from regard.models.text.language_model import LanguageModel
from regard.nn.cross_entropy import linear_cross_entropy
from regard.tasks.talk import Each, say, told, untold
from regard.tasks.text.generator import block_length, new_model
from regard.tasks.text.recipe import TextRecipe
from regard.tasks.text.vocabularies import find_or_learn
from regard.training.trainable import Loss


@dataclass
class LanguageModellingTask:
    """A `regard.training.Trainable` for language modelling.

    Documents (lines of the file) are laid end to end and cut into blocks of one length, so nothing is padded.

    Attributes:
        recipe: what to train and how.
        tokenizer: of the text.
        corpus: the training text in blocks.
        validation: text kept apart, in blocks.
    """

    recipe: TextRecipe
    tokenizer: Tokenizer
    folder: Path
    corpus: TextCorpus
    validation: TextCorpus
    plan: BlockPlan
    steps_per_epoch: int = field(init=False)
    unit = "tokens"
    metrics = ("loss", "perplexity")

    @classmethod
    def prepare(cls, recipe: TextRecipe, folder: Path, console: Console | None = None) -> Self:
        """Read the text, learn the vocabulary and encode; what is in the folder already is used again.

        Raises:
            UserError: missing or bad data, or a vocabulary larger than the data allows.
        """
        if (block := block_length(recipe)) < 2:
            raise UserError(
                f"data.filters.max_length or model.max_length = {block}: a language model reads 2 tokens or "
                "more at a time"
            )
        check_test(recipe.data, texts_of)
        texts = texts_of(recipe.data, "train")
        kept_apart = texts_of(recipe.data, "validation")
        config = recipe.tokenizer

        def learn() -> Mapping[str, Tokenizer]:
            return {"": Tokenizer.train((text for (text,) in texts), config)}

        tokenizer = find_or_learn(folder, ("",), texts, config, learn, console)[""]
        train = encode_documents(recipe, tokenizer, folder, "train", console)
        validation = encode_documents(recipe, tokenizer, folder, "validation", console)
        say(
            console,
            f"Training text: {texts.name}: {FilterReport(**train.report)}. "
            f"Validation: {counted(len(validation), 'document')}.",
        )
        if kept_apart.files == texts.files:
            say(
                console,
                f"Validation is held out of {kept_apart.name} (data.hold_out = {recipe.data.hold_out}).",
            )
        corpus = in_blocks(recipe, train)
        rows = max(1, recipe.training.tokens // corpus.block)
        plan = BlockPlan(len(corpus), rows, recipe.seed)
        return cls(recipe, tokenizer, folder, corpus, in_blocks(recipe, validation), plan)

    def __post_init__(self) -> None:
        self.steps_per_epoch = self.plan.steps_per_epoch

    def digests(self) -> Mapping[str, str]:
        """Digests of the encoded splits."""
        return {"train": self.corpus.corpus.digest, "validation": self.validation.corpus.digest}

    def build(self) -> nn.Module:
        """A model with fresh weights, a function of the recipe's seed."""
        torch.manual_seed(self.recipe.seed)
        return new_model(self.recipe, self.tokenizer)

    def batch(self, epoch: int, step: int, rank: int, world: int) -> TextBatch | None:
        """This rank's blocks of that global batch; a pure function of its arguments."""
        blocks = self.plan.plan(epoch, step, rank, world)
        return self.corpus.batch(blocks) if len(blocks) else None

    def units(self, batch: TextBatch) -> int:
        """Tokens to be foretold."""
        return batch.tokens

    def loss(self, model: nn.Module, batch: TextBatch) -> Loss:
        """Cross-entropy with label smoothing, summed over tokens."""
        return Loss(text_loss(model, batch, self.recipe.training.label_smoothing))

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss in nats a token, without smoothing, and perplexity."""
        return text_figures(model, self.validation)

    def tokenizers(self) -> Mapping[str, Tokenizer]:
        """The tokenizer by the name that a model folder gives it."""
        return {"": self.tokenizer}

    def facts(self) -> dict[str, Any]:
        """What metrics.json says of the data: rows, digests and what was left out."""
        train, validation = self.corpus.corpus, self.validation.corpus
        return {
            "data": {
                "train": {"digest": train.digest, **train.report},
                "validation": {"digest": validation.digest, "rows": len(validation)},
            }
        }

    def evaluate(self, model: nn.Module, console: Console | None) -> dict[str, Any]:
        """Perplexity on the test text, where there is one."""
        data = self.recipe.data
        if not data.sets and data.test is None:
            return {}
        test = encode_documents(self.recipe, self.tokenizer, self.folder, "test", console)
        with Bar(console, None, "Reading the test text") as bar:
            return {"test": text_figures(model, in_blocks(self.recipe, test), each=bar.at)}


def encode_documents(
    recipe: TextRecipe, tokenizer: Tokenizer, folder: Path, split: str, console: Console | None
) -> EncodedCorpus:
    """The lines of a split, encoded as documents."""
    texts = texts_of(recipe.data, split)
    # A document of any length will do, for it is cut into blocks.
    duplicates = recipe.data.filters.duplicates if split == "train" else "keep"
    filters = FilterConfig(max_length=1 << 30, duplicates=duplicates)
    return build_corpus(
        texts,
        (Documents(tokenizer),),
        folder / split,
        filters=filters,
        key=texts.digest,
        console=console,
        name=f"{split} text",
    )


def in_blocks(recipe: TextRecipe, documents: EncodedCorpus) -> TextCorpus:
    """Encoded documents as the recipe's model reads them."""
    return TextCorpus(documents, block_length(recipe), apart=recipe.data.documents == "apart")


def text_loss(model: nn.Module, batch: TextBatch, label_smoothing: float = 0.0) -> torch.Tensor:
    """Cross-entropy of the next tokens, summed."""
    assert isinstance(model, LanguageModel)
    # Padding stands after all that is real, and nothing looks ahead.
    states = model(batch.inputs, documents=batch.documents).states
    output = model.output
    return linear_cross_entropy(
        states.flatten(0, 1),
        output.weight,
        output.bias,
        batch.targets.flatten(),
        label_smoothing=label_smoothing,
    )


@torch.no_grad()
def text_figures(
    model: nn.Module, corpus: TextCorpus, rows: int = 16, each: Each = untold
) -> dict[str, float]:
    """Loss in nats a token and perplexity of a text, read in blocks, so many rows of them at once."""
    device = next(model.parameters()).device
    total, tokens = 0.0, 0
    for first in told(range(0, len(corpus), rows), each):
        batch = corpus.batch(range(first, min(first + rows, len(corpus)))).to(device)
        total += float(text_loss(model, batch))
        tokens += batch.tokens
    loss = total / max(1, tokens)
    return {"loss": loss, "perplexity": math.exp(min(loss, 700.0))}
