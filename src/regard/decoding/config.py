"""The dials of decoding."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DecodingConfig(BaseModel):
    """How to turn a model's predictions into a sequence of tokens.

    Attributes:
        beam: hypotheses kept alive per sentence, at most 1,000; 1 is greedy search, which stops at the first
            end of sentence.
        n_best: hypotheses returned per sentence, at most ``beam`` (or the number of samples to draw).
        length_penalty: alpha in ``score = log-probability / length ** alpha``, the length counting the end of
            sentence. 0 ranks by probability, which favours short outputs; 1 by the mean per token. The
            smaller, the sooner a beam search can know that it is done. From -20 to 20.
        max_ratio, max_extra: an output has at most ``max_ratio * source length + max_extra`` tokens. One
            that has not ended by then is ended there, pays the probability of ending there, and is marked
            ``truncated``. At most 100, and 100,000.
        repetition_penalty: the log-probability of a token that the output already has, or its prompt, is
            multiplied by this (Keskar et al. 2019, §4.1, on log-probabilities, so that it does not depend on
            the logits' origin). At most 100.
        no_repeat_ngram: no sequence of this many tokens occurs twice in the output with its prompt; 0 allows
            all.
        sample: draw tokens instead of searching for the most probable.
        temperature, top_k, top_p: for sampling: divide logits; keep the k most probable tokens (0: all);
            keep the fewest most probable tokens whose probabilities reach p (Holtzman et al. 2020, §3.1).
        seed: of the samples. A sentence's samples follow from the seed and its own tokens alone.
        batch_invariant: decide near-ties as the sentence alone would (``regard.decoding.invariance``), so
            that the tokens never depend on the other sentences of the batch; scores may, in their last bits.
            For float32 and float64 models.

    Example:
        >>> DecodingConfig(beam=4).limit(10)
        30
        >>> DecodingConfig(beam=2, n_best=3)
        Traceback (most recent call last):
        ...
        pydantic_core._pydantic_core.ValidationError: 1 validation error for DecodingConfig
          Value error, n_best (3) is more than beam (2) holds; raise beam or lower n_best ...
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    beam: Annotated[int, Field(ge=1, le=1000)] = 5
    n_best: Annotated[int, Field(ge=1)] = 1
    length_penalty: Annotated[float, Field(ge=-20, le=20)] = 0.6
    max_ratio: Annotated[float, Field(ge=0, le=100)] = 2.0
    max_extra: Annotated[int, Field(ge=0, le=100_000)] = 10
    repetition_penalty: Annotated[float, Field(gt=0, le=100)] = 1.0
    no_repeat_ngram: Annotated[int, Field(ge=0)] = 0
    sample: bool = False
    temperature: Annotated[float, Field(ge=1e-4)] = 1.0
    top_k: Annotated[int, Field(ge=0)] = 0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: int = Field(default=1, ge=0)
    batch_invariant: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> "DecodingConfig":
        if not self.sample and self.n_best > self.beam:
            raise ValueError(
                f"n_best ({self.n_best}) is more than beam ({self.beam}) holds; raise beam or lower n_best"
            )
        return self

    def changed(self, /, **changes: Any) -> Self:
        """This configuration with other values, checked as a new one is.

        ``n_best``, where nothing is said of it, is lowered to what the beam holds.

        Raises:
            pydantic.ValidationError: an unknown key, or a value that cannot be.

        Example:
            >>> DecodingConfig(beam=5, n_best=3).changed(beam=2).n_best
            2
        """
        values = {**self.model_dump(), **changes}
        beam = values["beam"]
        if "n_best" not in changes and not values["sample"] and isinstance(beam, int):
            values["n_best"] = min(self.n_best, beam)
        return type(self)(**values)

    def limit(self, source_length: int) -> int:
        """The most tokens an output may have, its end not counted, for a source of that many tokens."""
        return max(1, int(self.max_ratio * source_length) + self.max_extra)

    def penalty(self, length: float) -> float:
        """What a log-probability is divided by for a hypothesis of ``length`` tokens, its end counted."""
        return float(length**self.length_penalty)
