"""Translation as the trainer sees it: pairs of sentences, cross-entropy of the target's tokens."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from regard.data.bar import Bar
from regard.data.plan import BatchPlan
from regard.data.text.batches import IGNORE, PairBatch, pair_batch
from regard.data.text.build import build_corpus
from regard.data.text.casual import with_casual
from regard.data.text.config import DataConfig
from regard.data.text.corpus import EncodedCorpus
from regard.data.text.draws import Draws, draws_of
from regard.data.text.filters import FilterReport
from regard.data.text.references import grouped
from regard.data.text.splits import check_test, pairs_of
from regard.data.text.tokenizer import Tokenizer
from regard.errors import UserError
from regard.models.text.encoder_decoder import EncoderDecoder
from regard.nn.cross_entropy import linear_cross_entropy, token_log_probabilities
from regard.nn.r_drop import linear_r_drop
from regard.tasks.talk import say
from regard.tasks.text.recipe import BY_TRANSLATING, TextRecipe
from regard.tasks.text.reinforce import ENTROPY, Reinforced, bare
from regard.tasks.text.scores import quick_scores
from regard.tasks.text.translation_figures import mean_loss, translation_figures
from regard.tasks.text.translator import Translator, new_model
from regard.tasks.text.vocabularies import Vocabularies, find_or_learn
from regard.training.trainable import Loss

# The most sentences that a validation translates, evenly spread over the split.
_SENTENCES = 1000


@dataclass
class TranslationTask:
    """A `regard.training.Trainable` for translation.

    Attributes:
        recipe: what to train and how.
        vocabularies: tokenizers of both languages.
        corpus: the training pairs, encoded, on disk.
        validation: pairs kept apart, encoded.
        draws: which pairs are in which batch.
        steps_per_epoch: batches in one pass over the corpus.
    """

    recipe: TextRecipe
    vocabularies: Vocabularies
    corpus: EncodedCorpus
    validation: EncodedCorpus
    draws: Draws
    steps_per_epoch: int = field(init=False)
    unit = "tokens"
    metrics = ("loss", "perplexity", *BY_TRANSLATING)

    @classmethod
    def prepare(cls, recipe: TextRecipe, folder: Path, console: Console | None = None) -> Self:
        """Read the data, learn the vocabularies and encode; what is in the folder already is used again.

        Args:
            recipe: of task translation.
            folder: gets the tokenizers and the encoded corpora.
            console: where progress is shown; None is silent.

        Raises:
            UserError: missing or bad data, or a vocabulary larger than the data allows.
        """
        _check_lengths(recipe)
        check_test(recipe.data, pairs_of)
        pairs = pairs_of(recipe.data, "train")
        config = recipe.tokenizer

        def learn() -> Mapping[str, Tokenizer]:
            return Vocabularies.train(pairs, config).named()

        names = recipe.tokenizer_names
        vocabularies = Vocabularies.of(find_or_learn(folder, names, pairs, config, learn, console))
        corpus = encode_pairs(recipe, vocabularies, folder, "train", console)
        validation = encode_pairs(recipe, vocabularies, folder, "validation", console)
        say(
            console,
            f"Training pairs: {FilterReport(**corpus.report)}. Validation pairs: {len(validation):,}.",
        )
        draws = draws_of(
            corpus, (vocabularies.source, vocabularies.target), recipe.tokenizer.dropout,
            recipe.data.filters.max_length, recipe.training.tokens, recipe.seed,
        )  # fmt: skip
        return cls(recipe, vocabularies, corpus, validation, draws)

    def __post_init__(self) -> None:
        self.steps_per_epoch = self.draws.steps_per_epoch

    def digests(self) -> Mapping[str, str]:
        """Digests of the encoded splits."""
        return {"train": self.corpus.digest, "validation": self.validation.digest}

    def build(self) -> nn.Module:
        """A model with fresh weights, a function of the recipe's seed."""
        torch.manual_seed(self.recipe.seed)
        model = new_model(self.recipe, self.vocabularies)
        config = self.recipe.model
        across = config.attention != "none" and config.attention.selection == "hard"
        within = config.self_attention.selection == "hard"
        if not across and not within:
            return model
        entropy = 0.0 if within and config.encoder == "transformer" else ENTROPY
        return Reinforced(model, self.vocabularies.target.size, entropy=entropy)

    def batch(self, epoch: int, step: int, rank: int, world: int) -> PairBatch | None:
        """This rank's rows of that global batch; a pure function of its arguments."""
        drawn = self.draws.draw(epoch, step, rank, world)
        return None if drawn is None else pair_batch(*drawn)

    def units(self, batch: PairBatch) -> int:
        """Target tokens."""
        return batch.tokens

    def loss(self, model: nn.Module, batch: PairBatch) -> Loss:
        """Smoothed cross-entropy, summed over target tokens; with R-Drop and REINFORCE where asked."""
        config = self.recipe.training
        translator = bare(model)
        assert isinstance(translator, EncoderDecoder)
        if config.r_drop:
            batch = _twice(batch)
        decoded = translator(batch.source, batch.source_mask, batch.target_in)
        real = batch.target_out != IGNORE
        states, targets = decoded.states[real], batch.target_out[real]
        weight, bias, smoothing = translator.output.weight, translator.output.bias, config.label_smoothing
        if config.r_drop:
            first, second = states.chunk(2)
            total = linear_r_drop(
                first, second, weight, bias, targets.chunk(2)[0],
                strength=config.r_drop, label_smoothing=smoothing,
            )  # fmt: skip
        else:
            total = linear_cross_entropy(states, weight, bias, targets, label_smoothing=smoothing)
        figures: dict[str, float | Tensor] = {}
        if isinstance(model, Reinforced) and decoded.log_probability is not None:
            rewards = token_log_probabilities(translator.logits, states, targets)
            total = total + model.surrogate(rewards, targets, decoded.log_probability[real])
            figures["reward"] = rewards.sum()
        if config.r_drop:
            # Of the paper's sum of two losses and a divergence, the mean over the two passes.
            halves = {name: value / 2 for name, value in figures.items()}
            return Loss(total / 2, halves)
        return Loss(total, figures)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss in nats a token, without smoothing, and perplexity.

        Where the recipe's metric asks for it, also BLEU and chrF of greedy translations.
        """
        translator = bare(model)
        assert isinstance(translator, EncoderDecoder)
        loss = corpus_loss(translator, self.validation, self.recipe.training.tokens)
        figures = {"loss": loss, "perplexity": math.exp(min(loss, 700.0))}
        if self.recipe.training.metric in BY_TRANSLATING:
            figures |= self._by_translating(translator)
        return figures

    def tokenizers(self) -> Mapping[str, Tokenizer]:
        """The tokenizers by the names that a model folder gives them."""
        return self.vocabularies.named()

    def facts(self) -> dict[str, Any]:
        """What metrics.json says of the data: rows, digests and what was left out."""
        return {
            "data": {
                "train": {"digest": self.corpus.digest, **self.corpus.report},
                "validation": {"digest": self.validation.digest, "rows": len(self.validation)},
            }
        }

    def evaluate(self, model: nn.Module, console: Console | None) -> dict[str, Any]:
        """Scores of the finished model on the test split, else on the validation split."""
        assert isinstance(model, EncoderDecoder)
        splits = test_splits(self.recipe.data)
        found: dict[str, Any] = {}
        for split in splits:
            translator = Translator(model, self.vocabularies, self.recipe)
            groups = grouped(pairs_of(self.recipe.data, split))
            with Bar(console, len(groups), f"Translating the {split} split") as bar:
                figures = translation_figures(translator, groups, each=bar.at)
            found["signatures"] = figures.pop("signatures")
            found[split if split != "validation" else "validation_translated"] = figures
        return found

    def _by_translating(self, model: EncoderDecoder) -> dict[str, float]:
        every = grouped(pairs_of(self.recipe.data, "validation"))
        # Not the first ones: some sets are sorted by length, and of joined sets one comes after another.
        chosen = np.linspace(0, len(every) - 1, min(len(every), _SENTENCES)).round().astype(int)
        groups = [every[index] for index in chosen.tolist()]
        decoding = self.recipe.decoding.changed(beam=1, sample=False, batch_invariant=False)
        recipe = self.recipe.model_copy(update={"decoding": decoding})
        found = Translator(model, self.vocabularies, recipe)([group.source for group in groups], split=False)
        return quick_scores(
            [translation.text for translation in found], [group.references for group in groups]
        )


def encode_pairs(
    recipe: TextRecipe, vocabularies: Vocabularies, folder: Path, split: str, console: Console | None
) -> EncodedCorpus:
    """The pairs of a split, encoded; of validation only those are left out that the model could not read."""
    pairs, filters = pairs_of(recipe.data, split), recipe.data.filters
    rows, key, casual = iter(pairs), pairs.digest, recipe.data.casual
    if split != "train":
        filters = filters.model_copy(update={"duplicates": "keep", "max_ratio": 1e9})
    elif casual:
        rows, key = with_casual(rows, casual), f"{key} casual {casual}"
    return build_corpus(
        rows,
        (vocabularies.source, vocabularies.target),
        folder / split,
        filters=filters,
        key=key,
        console=console,
        name=f"{split} pairs",
    )


def corpus_loss(model: EncoderDecoder, corpus: EncodedCorpus, tokens: int) -> float:
    """Cross-entropy of all target tokens of a corpus, in nats a token.

    Args:
        model: the translator.
        corpus: encoded pairs.
        tokens: budget of a batch.
    """
    plan = BatchPlan(corpus.lengths, tokens, seed=0)
    steps = range(plan.steps_per_epoch)
    return mean_loss(model, (pair_batch(*corpus.gather(plan.plan(0, step))) for step in steps))


def test_splits(data: DataConfig) -> list[str]:
    """The splits that a finished model is tested on: every test split, else validation.

    Example:
        >>> test_splits(DataConfig(name="multi30k"))
        ['test_2016', 'test_2017']
    """
    if not data.sets:
        return ["test"] if data.test is not None else ["validation"]
    if data.sets == ("multi30k",):
        return ["test_2016", "test_2017"]
    return ["test"]


def _twice(batch: PairBatch) -> PairBatch:
    def again(x: Tensor) -> Tensor:
        return torch.cat([x, x])

    return PairBatch(
        again(batch.source), again(batch.source_mask), again(batch.target_in), again(batch.target_out),
        2 * batch.tokens, 2 * batch.filled,
    )  # fmt: skip


def _check_lengths(recipe: TextRecipe) -> None:
    longest, reach = (
        recipe.data.filters.max_length,
        recipe.model.reach(recipe.model.encoder, recipe.model.decoder),
    )
    if reach is not None and longest >= reach:
        raise UserError(
            f"data.filters.max_length = {longest}, but the model takes {reach} tokens with </s> "
            f"(model.max_length): set data.filters.max_length to {reach - 1} or less"
        )
