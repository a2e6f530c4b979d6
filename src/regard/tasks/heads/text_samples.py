"""Samples of texts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from regard.data.text.batches import collate_pairs, labelled_batch
from regard.data.text.blocks import TextCorpus
from regard.data.text.labelled import Labels
from regard.data.text.references import Grouped, grouped
from regard.data.text.splits import pairs_of
from regard.decoding.batches import decode_batches
from regard.errors import UserError
from regard.nn.cross_entropy import token_log_probabilities
from regard.tasks.evaluation import Where
from regard.tasks.heads.sample import Sample, spread
from regard.tasks.text.classification import encode_labelled
from regard.tasks.text.classifier import Classifier
from regard.tasks.text.evaluation import data_of, name_of, name_of_pairs
from regard.tasks.text.generator import Generator, block_length
from regard.tasks.text.language_modelling import encode_documents
from regard.tasks.text.scores import quick_scores
from regard.tasks.text.translator import Translator

_ROWS = 16  # blocks of a batch


@contextmanager
def sample_of_translations(translator: Translator, data: Where, split: str, count: int) -> Iterator[Sample]:
    """Sentences and their first references; BLEU is of greedy translations, against all references."""
    config = data_of(translator.recipe.data, data, split)
    every = grouped(pairs_of(config, split))
    fitting = [group for group in every if _length(translator, group) <= _longest(translator)]
    groups = [fitting[row] for row in spread(len(fitting), count)] if fitting else []
    if not groups:
        raise UserError("there is nothing to try the heads on: the data is empty")
    sources = translator.vocabularies.source.encode_batch([group.source for group in groups])
    targets = translator.vocabularies.target.encode_batch([group.references[0] for group in groups])
    lengths = [max(map(len, pair)) + 1 for pair in zip(sources, targets, strict=True)]

    @torch.no_grad()
    def losses() -> Tensor:
        found = torch.zeros(len(groups), dtype=torch.float64)
        for rows in decode_batches(lengths):
            batch = collate_pairs([sources[i] for i in rows], [targets[i] for i in rows]).to(
                translator.device
            )
            states = translator.model(batch.source, batch.source_mask, batch.target_in).states
            found[rows] = _of_rows(translator.model.logits, states, batch.target_out)
        return found

    def bleu() -> float:
        made = translator([group.source for group in groups], split=False, beam=1)
        return quick_scores([one.text for one in made], [group.references for group in groups])["bleu"]

    weights = torch.tensor([len(target) + 1 for target in targets], dtype=torch.float64)
    yield Sample(name_of_pairs(config, split), "sentence", weights, losses, "BLEU", bleu)


@contextmanager
def sample_of_text(generator: Generator, data: Where, split: str, count: int) -> Iterator[Sample]:
    """Blocks of a text."""
    config = data_of(generator.recipe.data, data, split)
    recipe = generator.recipe.model_copy(update={"data": config})
    with tempfile.TemporaryDirectory() as folder:
        documents = encode_documents(recipe, generator.tokenizer, Path(folder), split, None)
        corpus = TextCorpus(documents, block_length(generator.recipe))
        rows = spread(len(corpus), count)
        batches = [corpus.batch(rows[first : first + _ROWS]) for first in range(0, len(rows), _ROWS)]
        weights = torch.cat([(batch.targets >= 0).sum(1).double() for batch in batches])

        @torch.no_grad()
        def losses() -> Tensor:
            found = []
            for batch in (batch.to(generator.device) for batch in batches):
                states = generator.model(batch.inputs).states
                found.append(_of_rows(generator.model.logits, states, batch.targets))
            return torch.cat(found)

        def perplexity() -> float:
            return float((losses().sum() / weights.sum()).exp())

        yield Sample(name_of(config, split), "block", weights, losses, "perplexity", perplexity)


@contextmanager
def sample_of_classes(classifier: Classifier, data: Where, split: str, count: int) -> Iterator[Sample]:
    """Texts and their classes."""
    config = data_of(classifier.recipe.data, data, split)
    recipe = classifier.recipe.model_copy(update={"data": config})
    with tempfile.TemporaryDirectory() as folder:
        labels = Labels(classifier.classes)
        texts = encode_labelled(recipe, classifier.tokenizer, labels, Path(folder), split, None)
        rows = spread(len(texts), count)
        lengths = [int(texts.lengths[row, 0]) + 2 for row in rows]

        @torch.no_grad()
        def logits() -> tuple[Tensor, Tensor]:
            made, wanted = (
                torch.empty(len(rows), len(classifier.classes)),
                torch.empty(len(rows), dtype=torch.long),
            )
            for few in decode_batches(lengths):
                batch = labelled_batch(*texts.gather(np.array([rows[i] for i in few]))).to(classifier.device)
                made[few] = classifier.model(batch.inputs, batch.mask).float().cpu()
                wanted[few] = batch.targets.cpu()
            return made, wanted

        def losses() -> Tensor:
            return F.cross_entropy(*logits(), reduction="none").double()

        def accuracy() -> float:
            made, wanted = logits()
            return float((made.argmax(-1) == wanted).double().mean())

        ones = torch.ones(len(rows), dtype=torch.float64)
        yield Sample(name_of(config, split), "text", ones, losses, "accuracy", accuracy)


def _of_rows(logits: Callable[[Tensor], Tensor], states: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each row's targets [rows, length], summed over those that count: [rows], float64."""
    each = -token_log_probabilities(logits, states.flatten(0, 1), targets.flatten())
    return each.view(targets.shape).double().sum(1).cpu()


def _longest(translator: Translator) -> float:
    limit = translator.model.max_length
    return float("inf") if limit is None else limit - 1


def _length(translator: Translator, group: Grouped) -> int:
    sides: Sequence[list[int]] = (
        translator.vocabularies.source.encode(group.source),
        translator.vocabularies.target.encode(group.references[0]),
    )
    return max(map(len, sides))
