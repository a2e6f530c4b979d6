"""The generator: goes on with a text, token by token."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, overload

import torch
from torch import Tensor

from regard.data.text.tokenizer import Tokenizer
from regard.decoding.hypothesis import Hypothesis
from regard.decoding.search import generate
from regard.decoding.steps import BeforeStep
from regard.errors import UserError
from regard.lens import AttentionMap, attention_places, look
from regard.models.text.build import build_language_model
from regard.models.text.language_model import LanguageModel
from regard.tasks.folder import ModelFolder, fill_model
from regard.tasks.predictor import Precision
from regard.tasks.text.axes import token_axis
from regard.tasks.text.options import decoding_options
from regard.tasks.text.predictor import TextPredictor
from regard.tasks.text.recipe import TextRecipe

if TYPE_CHECKING:
    from regard.tasks.text.generation_answer import GenerationAnswer

START = "<s>"
USUAL_LENGTH = 100  # tokens are added where nobody says how many


@dataclass(frozen=True)
class Generation:
    """A text that was continued.

    Attributes:
        text: the prompt and what was added.
        continuation: what was added.
        tokens: of the whole, as the model read them, ``<s>`` first.
        prompt_tokens: how many of them are the prompt's, ``<s>`` included.
        score: log-probability of what was added, over its length to the power of the length penalty.
        log_probability: natural logarithm of its probability, its end included.
        truncated: it reached the length asked for before the text ended.
        others: further continuations, where ``n_best`` asked for them.
    """

    text: str
    continuation: str
    tokens: tuple[str, ...]
    prompt_tokens: int
    score: float
    log_probability: float
    truncated: bool
    others: tuple["Generation", ...] = ()
    _run: "_Run | None" = field(default=None, repr=False, compare=False)

    @cached_property
    def attention(self) -> dict[str, AttentionMap]:
        """What each token looked at, by place (``decoder.2.self``), made when it is first asked for."""
        return self._run.attention() if self._run is not None else {}

    def answer(self) -> "GenerationAnswer":
        """What was added, to be asked for again: what `regard.explain` takes.

        Raises:
            UserError: nothing was added, or the model has no attention.
        """
        from regard.tasks.text.generation_answer import GenerationAnswer

        run = self._run
        if run is None or len(run.ids) == self.prompt_tokens:
            raise UserError("there is nothing to explain: the model added nothing to this text")
        if not attention_places(run.model):
            raise UserError("this model has no attention, by which what it wrote could be explained")
        return GenerationAnswer(run.model, run.tokenizer, run.ids, self.prompt_tokens)


class Generator(TextPredictor[LanguageModel]):
    """Continues texts with a trained language model.

    Args:
        model: with its weights; moved to `device`.
        tokenizer: of the text.
        recipe: that the model was trained by; its `decoding` holds the defaults.
        device: None leaves the model where it is.
        precision: *float32* or *bf16*.
    """

    task = "language-modelling"

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: Tokenizer,
        recipe: TextRecipe,
        *,
        device: torch.device | str | None = None,
        precision: Precision = "float32",
    ) -> None:
        super().__init__(model, recipe, device=device, precision=precision)
        self.tokenizer = tokenizer

    @classmethod
    def from_folder(cls, folder: ModelFolder, **options: Any) -> Self:
        """The generator that a checked model folder holds."""
        recipe = folder.recipe
        assert isinstance(recipe, TextRecipe)  # by its task
        tokenizer = folder.tokenizers[""]
        model = new_model(recipe, tokenizer)
        fill_model(model, folder)
        return cls(model.eval(), tokenizer, recipe, **options)

    def embedding(self, side: str = "source") -> tuple[Tokenizer, Tensor]:
        """The tokenizer and its tokens' vectors, [tokens, width]; of one language there is but one side."""
        return self.tokenizer, self.model.embedding.weight.detach()

    def _new_model(self) -> LanguageModel:
        return new_model(self.recipe, self.tokenizer)

    @overload
    def __call__(
        self, prompt: str, *, length: int | None = None, before_step: BeforeStep = ..., **decoding: Any
    ) -> Generation: ...
    @overload
    def __call__(
        self,
        prompt: Iterable[str],
        *,
        length: int | None = None,
        before_step: BeforeStep = ...,
        **decoding: Any,
    ) -> list[Generation]: ...
    def __call__(
        self,
        prompt: str | Iterable[str],
        *,
        length: int | None = None,
        before_step: BeforeStep = lambda: None,
        **decoding: Any,
    ) -> Generation | list[Generation]:
        """Continue a prompt, or several; an empty one lets the model begin.

        Args:
            prompt: how the text begins.
            length: the most tokens to add to each; 100 if not given, or what there is room for.
            before_step: is called before each step of decoding; what it raises ends it.
            **decoding: fields of `regard.decoding.DecodingConfig`, such as ``sample=True, top_p=0.9``.

        Raises:
            UserError: a prompt that leaves no room, or an impossible option.
        """
        config = decoding_options(self.recipe.decoding, decoding)
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        ids = [[Tokenizer.bos, *row] for row in self.tokenizer.encode_batch(prompts)]
        lengths = [self._room(len(row), length) for row in ids]
        found = generate(self.model, ids, config, lengths=lengths, eos=Tokenizer.eos, before_step=before_step)
        made = [self._generations(row, hypotheses) for row, hypotheses in zip(ids, found, strict=True)]
        return made[0] if isinstance(prompt, str) else made

    def _room(self, read: int, length: int | None) -> int:
        """How many tokens are added to a prompt of `read` tokens, whatever stands beside it."""
        limit = block_length(self.recipe)
        if length is not None and length < 1:
            raise UserError(f"a length of {length} tokens: give 1 or more")
        wanted = max(1, min(USUAL_LENGTH, limit - read)) if length is None else length
        if read + wanted > limit:
            raise UserError(
                f"a prompt of {read} tokens and {wanted} more do not fit: the model was trained "
                f"on {limit} tokens at a time; shorten the prompt or the length"
            )
        return wanted

    def _generations(self, prompt: list[int], hypotheses: list[Hypothesis]) -> Generation:
        made = [self._generation(prompt, hypothesis) for hypothesis in hypotheses]
        return made[0] if len(made) == 1 else _with_others(made)

    def _generation(self, prompt: list[int], hypothesis: Hypothesis) -> Generation:
        ids = [*prompt, *hypothesis.tokens]
        begin = self.tokenizer.decode(prompt)
        continuation = self.tokenizer.decode(ids)[len(begin) :]
        return Generation(
            begin + continuation,
            continuation,
            (START, *self.tokenizer.tokens(ids[1:])),
            len(prompt),
            hypothesis.score,
            hypothesis.log_probability,
            hypothesis.truncated,
            _run=_Run(self.model, self.tokenizer, ids),
        )


@dataclass(frozen=True)
class _Run:
    """A text that can be read again, to be looked at."""

    model: LanguageModel
    tokenizer: Tokenizer
    ids: list[int]

    @torch.no_grad()
    def attention(self) -> dict[str, AttentionMap]:
        if not attention_places(self.model):
            return {}
        tokens = torch.tensor([self.ids], device=self.model.output.weight.device)
        with look(self.model) as seen:
            self.model(tokens)
        axis = token_axis(self.tokenizer, self.ids[1:], before=START)
        return {name: one.map(axis, axis) for name, one in seen.items()}


def _with_others(made: list[Generation]) -> Generation:
    best = made[0]
    return Generation(
        best.text, best.continuation, best.tokens, best.prompt_tokens, best.score, best.log_probability,
        best.truncated, tuple(made[1:]), best._run,
    )  # fmt: skip


def block_length(recipe: TextRecipe) -> int:
    """Tokens that a language model reads at a time: ``data.filters.max_length``, or what the model takes."""
    longest, reach = recipe.data.filters.max_length, recipe.model.reach(recipe.model.decoder)
    return longest if reach is None else min(longest, reach)


def new_model(recipe: TextRecipe, tokenizer: Tokenizer) -> LanguageModel:
    """A language model with random weights, as the recipe describes it."""
    return build_language_model(recipe.model, tokenizer.size, Tokenizer.pad)
