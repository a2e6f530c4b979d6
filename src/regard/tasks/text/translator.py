"""The translator: from text to text, with scores and what each word attended to."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, overload

import torch
from torch import Tensor

from regard.data.text.batches import collate_pairs, collate_sources
from regard.data.text.sentences import Sentence, is_blank, join_sentences, split_sentences
from regard.data.text.tokenizer import Tokenizer
from regard.decoding.batches import decode_batches
from regard.decoding.config import DecodingConfig
from regard.decoding.hypothesis import Hypothesis
from regard.decoding.search import search
from regard.decoding.steps import BeforeStep
from regard.errors import RegardWarning, UserError
from regard.lens import AttentionMap, attention_places, look
from regard.lens.names import looks_across
from regard.models.text.build import build_translator
from regard.models.text.encoder_decoder import EncoderDecoder
from regard.tasks.folder import ModelFolder, fill_model
from regard.tasks.predictor import Precision
from regard.tasks.talk import Each, untold
from regard.tasks.text.axes import token_axis
from regard.tasks.text.options import decoding_options
from regard.tasks.text.predictor import TextPredictor
from regard.tasks.text.recipe import TextRecipe
from regard.tasks.text.segments import shorten
from regard.tasks.text.vocabularies import Vocabularies

if TYPE_CHECKING:
    from regard.tasks.text.translation_answer import TranslationAnswer

END = "</s>"

Draft = Callable[[int, str], None]
"""Told the number of a text, and its translation as far as it is."""


@dataclass(frozen=True)
class Candidate:
    """One of the n best translations of a text.

    Attributes:
        text: the translation.
        tokens: as the model wrote them, its end ``</s>`` included.
        score: what candidates are ranked by: log-probability over length to the power of the length penalty.
        log_probability: natural logarithm of its probability.
    """

    text: str
    tokens: tuple[str, ...]
    score: float
    log_probability: float


@dataclass(frozen=True)
class Translation:
    """A translated text.

    Attributes:
        text: the best translation.
        tokens: of the best translation, as the model wrote them, each sentence's end ``</s>`` included.
        source_tokens: of the source, as the model read them, likewise.
        score: of the best translation; see `Candidate`.
        n_best: the candidates, best first; of a text of several sentences the k-th of each joined, whose
            scores, which are means over all tokens, need not fall.
        parts: the translations of its sentences, where there are several.
    """

    text: str
    tokens: tuple[str, ...] = ()
    source_tokens: tuple[str, ...] = ()
    score: float = 0.0
    n_best: tuple[Candidate, ...] = ()
    parts: tuple["Translation", ...] = ()
    _run: "_Run | None" = field(default=None, repr=False, compare=False)

    @cached_property
    def attention(self) -> dict[str, AttentionMap]:
        """What was attended to, by place (``decoder.2.cross``), made when it is first asked for.

        The weights are [heads, queries, keys]. The queries of a decoder are the tokens that it wrote: a row
        shows what the model looked at when it wrote that token. The keys of a decoder's self-attention are
        the tokens that it read: ``<s>`` and what it had written before.

        Raises:
            UserError: the text has several sentences; each of `parts` has its own.
        """
        if self.parts:
            raise UserError(
                f"this text was translated as {len(self.parts)} sentences, and each has its own attention: "
                "look at .parts[0].attention and so on"
            )
        return self._run.attention() if self._run is not None else {}

    @property
    def source(self) -> str:
        """The sentence that was translated, as it was given; empty for a text of several."""
        return self._run.sentence if self._run is not None else ""

    def answer(self) -> "TranslationAnswer":
        """The translation, to be asked for again: what `regard.explain` takes.

        Raises:
            UserError: the text has several sentences, or none; or the model has no attention.
        """
        from regard.tasks.text.translation_answer import TranslationAnswer

        if self.parts:
            raise UserError(
                f"this text was translated as {len(self.parts)} sentences, and each is explained by itself: "
                "take .parts[0] and so on"
            )
        if self._run is None or not any(map(looks_across, attention_places(self._run.model))):
            raise UserError(
                "there is nothing to explain: the text is empty"
                if self._run is None
                else "this model's decoder has no attention, by which its translation could be explained"
            )
        return TranslationAnswer(self._run.model, self._run.vocabularies, self._run.source, self._run.target)


class Translator(TextPredictor[EncoderDecoder]):
    """Translates texts with a trained model.

    Args:
        model: with its weights; moved to `device`.
        vocabularies: tokenizers of both languages.
        recipe: that the model was trained by; its `decoding` holds the defaults of searching.
        device: None leaves the model where it is.
        precision: *float32*, in which a translation never depends on what it is batched with, or *bf16*.

    Example::

        translator = regard.load("en-fr")
        translator("The cat sat on the mat.").text
    """

    task = "translation"

    def __init__(
        self,
        model: EncoderDecoder,
        vocabularies: Vocabularies,
        recipe: TextRecipe,
        *,
        device: torch.device | str | None = None,
        precision: Precision = "float32",
    ) -> None:
        super().__init__(model, recipe, device=device, precision=precision)
        self.vocabularies = vocabularies

    @classmethod
    def from_folder(cls, folder: ModelFolder, **options: Any) -> Self:
        """The translator that a checked model folder holds."""
        recipe = folder.recipe
        assert isinstance(recipe, TextRecipe)  # by its task
        vocabularies = Vocabularies.of(folder.tokenizers)
        model = new_model(recipe, vocabularies)
        fill_model(model, folder)
        return cls(model.eval(), vocabularies, recipe, **options)

    def embedding(self, side: str = "source") -> tuple[Tokenizer, Tensor]:
        """The tokenizer of a side, "source" or "target", and its tokens' vectors, [tokens, width].

        Raises:
            UserError: another side.
        """
        if side not in ("source", "target"):
            raise UserError(f"side {side!r}: there are source and target")
        table = getattr(self.model, f"{side}_embedding")
        return getattr(self.vocabularies, side), table.weight.detach()

    def _new_model(self) -> EncoderDecoder:
        return new_model(self.recipe, self.vocabularies)

    @overload
    def __call__(
        self,
        text: str,
        *,
        split: bool = True,
        watch: Draft | None = None,
        before_step: BeforeStep = ...,
        each: Each = ...,
        **decoding: Any,
    ) -> Translation: ...
    @overload
    def __call__(
        self,
        text: Iterable[str],
        *,
        split: bool = True,
        watch: Draft | None = None,
        before_step: BeforeStep = ...,
        each: Each = ...,
        **decoding: Any,
    ) -> list[Translation]: ...
    def __call__(
        self,
        text: str | Iterable[str],
        *,
        split: bool = True,
        watch: Draft | None = None,
        before_step: BeforeStep = lambda: None,
        each: Each = untold,
        **decoding: Any,
    ) -> Translation | list[Translation]:
        """Translate a text, or several.

        An empty text, or one of which nothing is to be seen, gives an empty one. A text of several sentences
        is translated sentence by sentence and joined. A sentence longer than the model takes is cut between
        clauses, with a warning.

        Args:
            text: one text, or several, which are batched by length.
            split: whether a text is cut into sentences; one that is too long is cut either way.
            watch: is told, after every token, the number of a text and its translation as far as it is. Until
                the end it may change: beam search changes its mind.
            before_step: is called before each step of decoding; what it raises ends it.
            each: is told how many sentences are translated, and of how many.
            **decoding: fields of `regard.decoding.DecodingConfig`, such as ``beam=1`` or ``n_best=3``.

        Returns:
            A translation, or a list of them in the order of the texts.

        Raises:
            UserError: an unknown or impossible decoding option.
        """
        config = decoding_options(self.recipe.decoding, decoding)
        texts = [text] if isinstance(text, str) else list(text)
        pieces = [self._pieces(one, split) for one in texts]
        sources = [piece.text for sentences in pieces for piece in sentences]
        drafts = None if watch is None else _drafts(pieces, watch)
        found = iter(self._translate(sources, config, drafts, before_step, each))
        joined = [_join([(next(found), piece.gap) for piece in sentences], config) for sentences in pieces]
        return joined[0] if isinstance(text, str) else joined

    @property
    def longest(self) -> int:
        """The most tokens that a source may have, </s> not counted: no more than training had."""
        longest, reach = self.recipe.data.filters.max_length, self.model.max_length
        return longest if reach is None else min(longest, reach - 1)

    def _pieces(self, text: str, split: bool) -> list[Sentence]:
        """What is translated at once: sentences, and the parts of one that is too long."""
        longest = self.longest

        def fits(piece: str) -> bool:
            return len(self.vocabularies.source.encode(piece)) <= longest

        text = text.strip().removeprefix("\ufeff").strip()  # a byte order mark is no letter
        pieces: list[Sentence] = []
        for sentence in split_sentences(text) if split else [Sentence(text, "")]:
            if is_blank(sentence.text):
                if pieces:
                    pieces[-1] = Sentence(pieces[-1].text, pieces[-1].gap + sentence.gap)
                continue
            shorter = list(shorten(sentence.text, fits))
            if len(shorter) > 1:
                warnings.warn(
                    f"a sentence of {len(sentence.text)} letters is longer than the {longest} tokens that "
                    f"the model takes and was translated in {len(shorter)} pieces: {sentence.text[:40]}…",
                    category=RegardWarning,
                    stacklevel=4,
                )
            pieces += [Sentence(piece, " ") for piece in shorter[:-1]]
            pieces.append(Sentence(shorter[-1], sentence.gap))
        return pieces

    def _translate(
        self,
        sources: Sequence[str],
        config: DecodingConfig,
        watch: Draft | None,
        before_step: BeforeStep,
        each: Each,
    ) -> list[Translation]:
        """Sentences that are not empty and fit, each as one."""
        decode = self.vocabularies.target.decode
        ids = self.vocabularies.source.encode_batch(sources)
        found: dict[int, Translation] = {}
        for batch in decode_batches([len(row) + 1 for row in ids]):
            source, mask = collate_sources([ids[index] for index in batch])

            def tell(row: int, tokens: Sequence[int], batch: list[int] = batch) -> None:
                if watch is not None:
                    watch(batch[row], decode(tokens).strip())

            hypotheses = search(
                self.model,
                source.to(self.device),
                mask.to(self.device),
                config,
                bos=Tokenizer.bos,
                eos=Tokenizer.eos,
                watch=None if watch is None else tell,
                before_step=before_step,
            )
            for index, best in zip(batch, hypotheses, strict=True):
                found[index] = self._translation(sources[index], ids[index], best)
            each(len(found), len(sources))
        return [found[index] for index in range(len(sources))]

    def _translation(self, sentence: str, source: list[int], hypotheses: list[Hypothesis]) -> Translation:
        target = self.vocabularies.target
        candidates = tuple(
            Candidate(
                target.decode(hypothesis.tokens).strip(),
                (*target.tokens(hypothesis.tokens), END),
                hypothesis.score,
                hypothesis.log_probability,
            )
            for hypothesis in hypotheses
        )
        best = candidates[0]
        return Translation(
            best.text,
            best.tokens,
            (*self.vocabularies.source.tokens(source), END),
            best.score,
            candidates,
            _run=_Run(self.model, self.vocabularies, sentence, source, hypotheses[0].tokens),
        )


@dataclass(frozen=True)
class _Run:
    """A translation that can be made again, to be looked at."""

    model: EncoderDecoder
    vocabularies: Vocabularies
    sentence: str
    source: list[int]
    target: list[int]

    @torch.no_grad()
    def attention(self) -> dict[str, AttentionMap]:
        """Maps of every layer, by teacher-forcing the tokens that were produced."""
        if not attention_places(self.model):
            return {}
        batch = collate_pairs([self.source], [self.target]).to(self.model.output.weight.device)
        with look(self.model) as seen:
            self.model(batch.source, batch.source_mask, batch.target_in)
        read = token_axis(self.vocabularies.source, self.source, after=END)
        wrote = token_axis(self.vocabularies.target, self.target, after=END)
        known = token_axis(self.vocabularies.target, self.target, before="<s>")
        maps = {}
        for name in seen:
            if name.startswith("encoder"):
                axes = read, read
            else:
                axes = wrote, read if name.endswith("cross") else known
            maps[name] = seen[name].map(*axes)
        return maps


def _join(parts: list[tuple[Translation, str]], config: DecodingConfig) -> Translation:
    """Translations of sentences, and the spaces between them, as one."""
    if not parts:
        return Translation("")
    translations = tuple(translation for translation, _ in parts)
    if len(parts) == 1:
        return translations[0]
    candidates = []
    for rank in range(min(len(translation.n_best) for translation in translations)):
        chosen = [translation.n_best[rank] for translation in translations]
        tokens = tuple(token for one in chosen for token in one.tokens)
        probability = sum(one.log_probability for one in chosen)
        text = join_sentences(Sentence(one.text, gap) for one, (_, gap) in zip(chosen, parts, strict=True))
        candidates.append(Candidate(text, tokens, probability / config.penalty(len(tokens)), probability))
    best = candidates[0]
    source = tuple(token for translation in translations for token in translation.source_tokens)
    return Translation(best.text, best.tokens, source, best.score, tuple(candidates), translations)


def _drafts(pieces: Sequence[Sequence[Sentence]], watch: Draft) -> Draft:
    """From drafts of pieces, numbered through all texts, to drafts of texts."""
    places = [(text, at) for text, parts in enumerate(pieces) for at in range(len(parts))]
    drafts = [[""] * len(parts) for parts in pieces]

    def tell(number: int, draft: str) -> None:
        text, at = places[number]
        drafts[text][at] = draft
        gaps = (part.gap for part in pieces[text])
        watch(text, join_sentences(map(Sentence, drafts[text], gaps)))

    return tell


def new_model(recipe: TextRecipe, vocabularies: Vocabularies) -> EncoderDecoder:
    """A translator's model with random weights, as the recipe describes it."""
    return build_translator(
        recipe.model,
        vocabularies.source.size,
        vocabularies.target.size,
        joint=vocabularies.joint,
        pad=Tokenizer.pad,
    )
