"""Word alignments by a translator's attention: forced decoding, and which heads align best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor

from regard.counted import counted
from regard.data.text.batches import collate_pairs
from regard.data.text.sentences import is_blank
from regard.decoding.batches import decode_batches
from regard.decoding.search import predicting
from regard.errors import UserError
from regard.lens import look
from regard.lens.alignment import (
    AlignmentScore,
    Links,
    alignment_score,
    links_of,
    word_weights,
)
from regard.lens.names import attention_places, head_counts, looks_across
from regard.tasks.text.translator import Translation, Translator

By = Literal["output", "input"]
"""Whose row aligns a target word: that which wrote it, or the next one, which reads it."""

_TOKENS = 2048  # of a batch


@dataclass(frozen=True, slots=True)
class AlignmentHeads:
    """Heads whose mean aligns words.

    A decoder's row that is to write a word has not read it yet; the row behind has, and often looks at what
    it translates (Chen et al. 2020, "Shift-Att"). Which is better is found with the heads.

    Attributes:
        heads: place and number of each.
        by: *output*, the row that writes a word, or *input*, the row that reads it.
    """

    heads: tuple[tuple[str, int], ...]
    by: By = "output"

    @classmethod
    def parse(cls, text: str, by: By = "output") -> Self:
        """From words such as ``decoder.1.cross:0,decoder.1.cross:3``.

        Raises:
            UserError: something else.

        Example:
            >>> AlignmentHeads.parse("decoder.1.cross:0").heads
            (('decoder.1.cross', 0),)
        """
        heads = []
        for part in text.split(","):
            place, _, head = part.strip().rpartition(":")
            if not place or not head.isdecimal():
                raise UserError(
                    f"{part.strip()!r} names no head; name a place and a number: decoder.1.cross:0"
                )
            heads.append((place, int(head)))
        return cls(tuple(heads), by)

    @classmethod
    def stored(cls, metrics: Mapping[str, Any]) -> Self | None:
        """What was found for a model and stored with it; None if nothing was."""
        found = metrics.get("alignment")
        if not found:
            return None
        return cls(tuple((place, int(head)) for place, head in found["heads"]), found["by"])

    def __str__(self) -> str:
        return ",".join(f"{place}:{head}" for place, head in self.heads)


@dataclass(frozen=True)
class FoundHeads:
    """Heads, and how well they align.

    Attributes:
        heads: which.
        score: against the reference.
    """

    heads: AlignmentHeads
    score: AlignmentScore

    def record(self) -> dict[str, Any]:
        """As a model's metrics.json holds it."""
        return asdict(self.heads) | {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self.score).items()
        }


class Forced(NamedTuple):
    """What a model looked at, made to write a given translation.

    Attributes:
        number: which pair.
        weights: by the row that is read, then by place, [heads, target words, source words].
    """

    number: int
    weights: Mapping[By, Mapping[str, Tensor]]


def align(
    translator: Translator,
    pairs: Sequence[tuple[str, str]],
    heads: AlignmentHeads,
    *,
    threshold: float = 0.0,
    both: bool = False,
    each: Callable[[int], None] = lambda done: None,
) -> list[Links]:
    """Which words of texts belong to which of their translations.

    Words are what white space parts, numbered from 0. Every target word gets the one link to where the heads
    look most, the end of the source left out.

    Args:
        translator: what `regard.load` gave.
        pairs: texts and their translations. One that is empty has no links.
        heads: whose mean weights are taken.
        threshold: the least share of a word's attention that makes a link.
        both: only links that are the best from both sides.
        each: is told how many pairs are done.

    Raises:
        UserError: no such head, or one that does not look at the source; a pair that is longer than the model
            reads.
    """
    _check_heads(translator, heads)
    found = [Links()] * len(pairs)
    places = tuple(dict.fromkeys(place for place, _ in heads.heads))
    for forced in force(translator, pairs, places, each):
        of = forced.weights[heads.by]
        mean = torch.stack([of[place][head] for place, head in heads.heads]).mean(0)
        found[forced.number] = links_of(mean, threshold=threshold, both=both)
    return found


def align_translation(translator: Translator, text: str, made: Translation, heads: AlignmentHeads) -> Links:
    """Which words of a text belong to which of what it was translated to, sentence by sentence.

    Args:
        translator: that made the translation.
        text: what it was given.
        made: what it made of it.
        heads: whose mean weights are taken.
    """
    parts = made.parts or (made,)
    found = align(translator, [(part.source, part.text) for part in parts], heads)
    before = _first_words(text, [part.source for part in parts])
    behind = _first_words(made.text, [part.text for part in parts])
    return Links.of(
        (one + first, other + second)
        for links, first, second in zip(found, before, behind, strict=True)
        for one, other in links.sure
    )


def find_heads(
    translator: Translator,
    pairs: Sequence[tuple[str, str]],
    reference: Sequence[Links],
    *,
    each: Callable[[int], None] = lambda done: None,
) -> list[FoundHeads]:
    """How well each head that looks across aligns, and the mean of each layer's heads; the best first.

    Args:
        translator: what `regard.load` gave.
        pairs: texts and their translations.
        reference: their links.
        each: is told how many pairs are done.

    Raises:
        UserError: a model that looks at no source; a reference that does not fit; a pair that is too long;
            no pair with words on both sides.
    """
    _check(pairs, reference)
    links: dict[AlignmentHeads, list[Links]] = {}
    for forced in force(translator, pairs, places_across(translator), each):
        for heads, weights in _candidates(forced):
            links.setdefault(heads, [Links()] * len(pairs))[forced.number] = links_of(weights)
    scored = [FoundHeads(heads, alignment_score(found, reference)) for heads, found in links.items()]
    return sorted(scored, key=lambda one: one.score.error_rate)


def places_across(translator: Translator) -> tuple[str, ...]:
    """Where a translator looks at its source.

    Raises:
        UserError: nowhere.
    """
    places = tuple(name for name in attention_places(translator.model) if looks_across(name))
    if not places:
        raise UserError(
            "this model does not look at its source while it writes: there is nothing to align by"
        )
    return places


def usual_heads(translator: Translator) -> AlignmentHeads:
    """Heads that often align well where nobody has measured: those of the layer before the last.

    Of several layers that look across it is the one that Garg et al. (2019) take.
    """
    places = places_across(translator)
    place = places[-2] if len(places) > 1 else places[-1]
    count = head_counts(translator.model)[place]
    return AlignmentHeads(tuple((place, head) for head in range(count)), "input")


def force(
    translator: Translator,
    pairs: Sequence[tuple[str, str]],
    places: Sequence[str],
    each: Callable[[int], None] = lambda done: None,
) -> Iterator[Forced]:
    """Lets the model write given translations, and tells what words looked at.

    Args:
        translator: whose model it is.
        pairs: texts and their translations; empty ones are passed over.
        places: where to look; some of `places_across`.
        each: is told how many pairs are done.

    Raises:
        UserError: a pair that is longer than the model reads.
    """
    sources = [translator.vocabularies.source.encode_words(source) for source, _ in pairs]
    targets = [translator.vocabularies.target.encode_words(target) for _, target in pairs]
    lengths = [max(len(sources[i][0]), len(targets[i][0])) + 1 for i in range(len(pairs))]
    limit = translator.model.max_length
    for number, length in enumerate(lengths, start=1):
        if limit is not None and length > limit:
            raise UserError(f"pair {number} has {length} tokens; the model reads {limit} at most: cut it")
    real = [i for i, pair in enumerate(pairs) if _has_words(pair)]
    done = len(pairs) - len(real)
    for batch in decode_batches([lengths[i] for i in real], tokens=_TOKENS):
        rows = [real[i] for i in batch]
        given = collate_pairs([sources[i][0] for i in rows], [targets[i][0] for i in rows]).to(
            translator.device
        )
        with predicting(translator.model), look(translator.model, places) as seen:
            translator.model(given.source, given.source_mask, given.target_in)
        for row, number in enumerate(rows):
            words = sources[number][1], targets[number][1]
            yield Forced(
                number,
                {
                    by: {place: _of_words(seen[place].weights[row], *words, by) for place in places}
                    for by in ("output", "input")
                },
            )
        done += len(rows)
        each(done)


def _first_words(text: str, parts: Sequence[str]) -> list[int]:
    """The number of the word of a text that each of its parts begins with, or goes on with.

    Args:
        text: the parts in their order, and what shows nothing between them.
        parts: of the text; between their words, too, is what white space parts.

    Example:
        >>> _first_words("One two. Three.四。五。", ["One two.", "Three.", "四。", "五。"])
        [0, 2, 2, 2]
    """
    # Letters are counted, for joining keeps them all, whatever becomes of the space between sentences.
    words, at, first = _letters(text), 0, []
    for part in parts:
        own = _letters(part)
        first.append(words[at] - own[0] if own else 0)
        at += len(own)
    return first


def _letters(text: str) -> list[int]:
    """Of each letter that shows something, the number of its word."""
    return [number for number, word in enumerate(text.split()) for letter in word if not is_blank(letter)]


def _of_words(
    weights: Tensor, source_words: Sequence[int | None], target_words: Sequence[int | None], by: By
) -> Tensor:
    """[heads, target words, source words] of [heads, target tokens, source tokens], padding behind."""
    first = 0 if by == "output" else 1
    rows = weights[:, first : first + len(target_words), : len(source_words)]
    return word_weights(rows, target_words, source_words)


def _candidates(forced: Forced) -> Iterator[tuple[AlignmentHeads, Tensor]]:
    for by, places in forced.weights.items():
        for place, weights in places.items():
            for head, alone in enumerate(weights):
                yield AlignmentHeads(((place, head),), by), alone
            if len(weights) > 1:
                yield (
                    AlignmentHeads(tuple((place, head) for head in range(len(weights))), by),
                    weights.mean(0),
                )


def _has_words(pair: tuple[str, str]) -> bool:
    return not any(map(is_blank, pair))


def _check_heads(translator: Translator, heads: AlignmentHeads) -> None:
    counts = head_counts(translator.model)
    known = places_across(translator)
    for place, head in heads.heads:
        if place not in known:
            raise UserError(f"{place!r} is no place that looks at the source; there is: {', '.join(known)}")
        if head >= counts[place]:
            raise UserError(f"{place} has heads 0 to {counts[place] - 1}; there is no head {head}")


def _check(pairs: Sequence[tuple[str, str]], reference: Sequence[Links]) -> None:
    if len(pairs) != len(reference):
        raise UserError(
            f"the reference has {counted(len(reference), 'line')} for {counted(len(pairs), 'pair')} of "
            "sentences"
        )
    if not any(map(_has_words, pairs)):
        raise UserError("no pair has words on both sides: there is nothing to find heads by")
    for number, ((source, target), links) in enumerate(zip(pairs, reference, strict=True), start=1):
        try:
            links.check(len(source.split()), len(target.split()))
        except ValueError as error:
            raise UserError(f"line {number} of the reference: {error}") from None
