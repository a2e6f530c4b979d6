"""What the recipe of a text task may say."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from regard.attention.config import AttentionConfig
from regard.data.text.config import DataConfig, TokenizerConfig
from regard.decoding.config import DecodingConfig
from regard.models.text.config import ModelConfig
from regard.tasks.recipe import About, Recipe
from regard.training.config import TrainingConfig

# Columns and languages that a task does not read: a recipe that names one means something else.
_IGNORED = {
    "translation": ("text", "label"),
    "language-modelling": ("label",),  # of a named set it reads one language
    "text-classification": ("source", "target"),
}

# Figures of a validation that translations are made for.
BY_TRANSLATING = ("bleu", "chrf")


class TextTraining(TrainingConfig):
    """Training on batches of texts."""

    tokens: int = Field(default=4096, ge=1, description="budget of a batch: rows × the longest row")
    label_smoothing: float = Field(default=0.1, ge=0, le=1)
    r_drop: float = Field(default=0.0, ge=0, description="weight of R-Drop's divergence; 0: off")


class TextRecipe(Recipe):
    """A recipe for translation, language modelling or text classification.

    Example:
        >>> from regard.tasks import parse_recipe
        >>> parse_recipe({"task": "translation", "data": {"name": "multi30k"}}).about.title
        'Translation: source to target'
    """

    task: Literal["translation", "language-modelling", "text-classification"]
    data: DataConfig
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    training: TextTraining = TextTraining()
    decoding: DecodingConfig = DecodingConfig()

    @model_validator(mode="after")
    def _used(self) -> Self:
        if self.training.r_drop and self.task != "translation":
            raise ValueError(f"training.r_drop is for translation; leave it out of a recipe for {self.task}")
        if self.data.casual and self.task != "translation":
            raise ValueError(f"data.casual is for translation; leave it out of a recipe for {self.task}")
        if self.data.more is not None and self.task != "translation":
            raise ValueError(f"data.more is for translation; leave it out of a recipe for {self.task}")
        if self.data.documents == "apart":
            self._check_apart()
        if self.tokenizer.dropout and self.task == "language-modelling":
            raise ValueError(
                "tokenizer.dropout cuts texts anew in each epoch, and language modelling reads one stream, "
                "cut once: leave it out"
            )
        return self

    def refuse_ignored(self) -> None:
        """Raise where the recipe says what nothing would read; see `Recipe.refuse_ignored`."""
        unread = _IGNORED[self.task]
        if self.task == "language-modelling" and not self.data.sets:
            unread += ("source", "target")
        for key in unread:
            if getattr(self.data, key) is not None:
                raise ValueError(f"data.{key}: {self.task} reads no such column or language; leave it out")
        if self.task != "translation":
            self._check_one_text()

    def _check_one_text(self) -> None:
        if self.model.attention not in (AttentionConfig(), "none"):
            raise ValueError(
                f"model.attention is from a target to its source, and {self.task} has one text: "
                "take model.self_attention"
            )
        part, other = ("encoder", "decoder")
        if self.task == "language-modelling":
            part, other = other, part
        kind, unused = getattr(self.model, part), getattr(self.model, other)
        if unused not in (ModelConfig().encoder, kind):  # the default, or the same said of both
            raise ValueError(
                f"model.{other} = {unused!r}: {self.task} takes the {part} alone; say model.{part}"
            )

    @property
    def about(self) -> About:
        """What its model's card says of it."""
        title = self.task.replace("-", " ").capitalize()
        if self.task == "translation":
            title = f"Translation: {self.data.source or 'source'} to {self.data.target or 'target'}"
        seen = f"in pieces of at most {self.data.filters.max_length} tokens"
        return About(title, self._network(), self.data.sets, tuple(map(str, self.data.own_files)), seen)

    @property
    def after_training(self) -> dict[str, Any]:
        """The test file too, unless it says what not to learn; how texts are written, unless that says which
        weights are best."""
        decides = self.task == "translation" and self.training.metric in BY_TRANSLATING
        tested = {} if self.data.more is not None else {"data": {"test"}}
        return super().after_training | tested | ({} if decides else {"decoding": True})

    @property
    def tokenizer_names(self) -> tuple[str, ...]:
        """One for both languages, or one for each."""
        return ("source", "target") if self.task == "translation" and not self.tokenizer.joint else ("",)

    def _check_apart(self) -> None:
        if self.task != "language-modelling":
            raise ValueError(
                f"data.documents is for language modelling; leave it out of a recipe for {self.task}"
            )
        if self.model.decoder != "transformer":
            raise ValueError(
                f'data.documents is "apart", and a decoder of kind {self.model.decoder} carries what it has '
                'read from text to text: take model.decoder = "transformer", or leave data.documents out'
            )

    def _network(self) -> str:
        model = self.model
        encoder = f"{model.encoder_depth}-layer {model.encoder} encoder"
        decoder = f"{model.decoder_depth}-layer {model.decoder} decoder"
        attention = "no attention" if model.attention == "none" else f"{model.attention.score} attention"
        parts = {"text-classification": [encoder], "language-modelling": [decoder]}.get(
            self.task, [encoder, decoder, attention]
        )
        return f"{', '.join(parts)}, width {model.width}"
