"""Models of texts: encoders, decoders, and one with the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

import torch
from torch import Tensor

from regard.errors import UserError
from regard.lens import AttentionMap, Seen, Tokens, tokens_of
from regard.lens.capture.wanted import Keep, Queries
from regard.lens.names import axes_at
from regard.lens.summaries import AttentionSummary
from regard.tasks.foreign.model import At, ForeignModel

_LONGEST_ANSWER = 256  # tokens that an encoder–decoder writes, at most
_NO_LIMIT = 1 << 30  # tokenizers that know of none say a larger number
# What of a generation_config.json a greedy search needs. The rest may name other searches, and code for them.
_KEPT = (
    *("decoder_start_token_id", "bos_token_id", "eos_token_id", "pad_token_id", "forced_bos_token_id"),
    *("forced_eos_token_id", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens"),
)


@dataclass(frozen=True)
class TextLook:
    """What a model did with a text.

    Attributes:
        text: that it read.
        written: what an encoder–decoder made of it, greedily; empty of other models.
        axis: names of the tokens that it read.
        answer: names of the tokens that it wrote, None of other models.
        seen: what was captured.
    """

    text: str
    written: str
    axis: Tokens
    answer: Tokens | None
    seen: Seen = field(repr=False, compare=False)
    _read: Tokens | None = field(default=None, repr=False, compare=False)

    def axes(self, name: str) -> tuple[Tokens, Tokens]:
        """Who looks and what is looked at, at a place."""
        return axes_at(name, self.axis, self.answer, self._read)

    @cached_property
    def attention(self) -> Mapping[str, AttentionMap]:
        """Every map that was kept, by the path of its module.

        The queries of a decoder are the tokens that it wrote; the keys of its self-attention those that it
        had read, as in Regard's own models.
        """
        return self.seen.maps(self.axis, written=self.answer, read=self._read)

    @cached_property
    def summaries(self) -> Mapping[str, AttentionSummary]:
        """The figures of every place, where a summary was kept; axes as those of `attention`."""
        return {name: AttentionSummary.of(one, *self.axes(name)) for name, one in self.seen.items()}


class ForeignTextModel(ForeignModel):
    """Looks at what a model of texts attends to.

    Args:
        name: by which it was asked for.
        model: of transformers; one that is encoder and decoder can generate.
        tokenizer: its own.

    Example::

        model = regard.load("hf:my-bert")
        model("The cat sat.").attention["encoder.layer.5.attention.self"].weights
    """

    def __init__(self, name: str, model: Any, tokenizer: Any) -> None:
        super().__init__(name, model)
        self.tokenizer = tokenizer
        self.across = bool(getattr(model.config, "is_encoder_decoder", False))

    @overload
    def __call__(self, text: str, **options: Any) -> TextLook: ...
    @overload
    def __call__(self, text: Iterable[str], **options: Any) -> list[TextLook]: ...
    def __call__(
        self,
        text: str | Iterable[str],
        **options: Any,
    ) -> TextLook | list[TextLook]:
        """Runs the model over a text, or over several one by one, and looks.

        An encoder–decoder first writes its answer, greedily; then it reads text and answer once, and what it
        attends to is seen.

        Args:
            text: one, or several.
            **options: ``at``, ``queries``, ``keep`` and ``top`` of `regard.look`.

        Raises:
            UserError: an empty text, one that is longer than the model reads, more than there is memory for,
                or attention that cannot be seen.
        """
        return (
            self._look(text, **options)
            if isinstance(text, str)
            else [self._look(one, **options) for one in text]
        )

    @torch.no_grad()
    def _look(
        self, text: str, *, at: At = "*", queries: Queries = "all", keep: Keep = "weights", top: int = 8
    ) -> TextLook:
        encoded = self._encoded(text)
        ids: list[int] = encoded["input_ids"][0].tolist()
        axis = tokens_of(self.tokenizer, ids, _words(encoded))
        made = self._answer(encoded) if self.across else None
        longest = max(len(ids), 0 if made is None else made.shape[1] - 1)
        if keep == "weights":
            self.check_size(at, longest if isinstance(queries, str) else len(queries), longest)
        given = {name: encoded[name].to(self.model.device) for name in ("input_ids", "attention_mask")}
        if made is not None:
            given["decoder_input_ids"] = made[:, :-1]
        seen = self.watched(
            lambda: self.model(**given, use_cache=False) if made is not None else self.model(**given),
            at,
            queries=queries,
            keep=keep,
            top=top,
        )
        if made is None:
            return TextLook(text, "", axis, None, seen)
        wrote: list[int] = made[0].tolist()
        return TextLook(
            text,
            self.tokenizer.decode(wrote[1:], skip_special_tokens=True).strip(),
            axis,
            tokens_of(self.tokenizer, wrote[1:]),
            seen,
            tokens_of(self.tokenizer, wrote[:-1]),
        )

    def length(self, given: str) -> int:
        """How many tokens a text is.

        Raises:
            UserError: none, or more than the model reads.
        """
        return int(self._encoded(given)["input_ids"].shape[1])

    def _encoded(self, text: str) -> Any:
        if not text.strip():
            raise UserError("nothing to look at: the text is empty")
        encoded = self.tokenizer(text, return_tensors="pt", return_attention_mask=True, verbose=False)
        ids = encoded["input_ids"]
        if not ids.numel():
            raise UserError(f"{self.name}: its tokenizer makes nothing of this text")
        longest = self._longest()
        if ids.shape[1] > longest:
            raise UserError(
                f"{self.name}: the text is {ids.shape[1]:,} tokens, and this model reads {longest:,} at most"
            )
        rows = self.model.get_input_embeddings().num_embeddings
        if int(ids.max()) >= rows:
            raise UserError(
                f"{self.name}: its tokenizer gives the number {int(ids.max())}, but the model knows {rows} "
                "tokens; they do not belong together"
            )
        return encoded

    def _longest(self) -> int:
        config = self.model.config
        limits = [
            getattr(self.tokenizer, "model_max_length", None),
            *(getattr(config, name, None) for name in ("max_position_embeddings", "n_positions")),
        ]
        known = [limit for limit in limits if isinstance(limit, int) and 0 < limit < _NO_LIMIT]
        # T5 has positions of any distance; the number in its config is of its training.
        return min(known, default=_NO_LIMIT)

    def _answer(self, encoded: Any) -> Tensor:
        """What is written, greedily: [1, its start and tokens]."""
        from transformers import GenerationConfig

        own = self.model.generation_config
        known = {name: getattr(own, name, None) for name in _KEPT}
        length = min(2 * encoded["input_ids"].shape[1] + 16, _LONGEST_ANSWER, self._longest() - 1)
        self.model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
            **{name: value for name, value in known.items() if value is not None}
        )
        try:
            with self.telling():
                made: Tensor = self.model.generate(
                    input_ids=encoded["input_ids"].to(self.model.device),
                    attention_mask=encoded["attention_mask"].to(self.model.device),
                    max_new_tokens=length,
                    num_beams=1,
                    do_sample=False,
                )
        finally:
            self.model.generation_config = own
        return made

    def _least(self) -> object:
        ids = torch.tensor([[self.tokenizer.unk_token_id or 0]], device=self.model.device)
        return self.model(ids, decoder_input_ids=ids) if self.across else self.model(ids)


def _words(encoded: Any) -> Sequence[int | None] | None:
    """Numbers of the words, where the tokenizer knows them."""
    return encoded.word_ids() if encoded.is_fast else None
