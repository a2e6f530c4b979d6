"""``regard look neighbours`` and ``regard look embeddings``: the words of a model of texts."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.views import check_new, tell_saved
from regard.cli.words import whole_words
from regard.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from regard.tasks.text.predictor import TextPredictor

_COUNT = 50  # words; of more, the names cover each other


def _known_side(side: str) -> str:
    if side not in ("source", "target"):
        raise UserError(f"--side {side}: there are source and target")
    return side


Side = Annotated[str, typer.Option(help="Which vocabulary: source or target.", callback=_known_side)]


def neighbours(
    model: options.Model,
    word: Annotated[str, typer.Argument(help="A word of the vocabulary.", show_default=False)],
    side: Side = "source",
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    as_json: options.Json = False,
) -> None:
    """Lists the tokens whose embeddings are nearest to a word's, with the cosine of the angle."""
    from regard.tasks.text.neighbours import check_word, near_tokens

    check_word(word)
    found = near_tokens(load_text_model(model), word, side, count)
    if len(found.spelt) > 1:
        typer.echo(
            f"{word} is {len(found.spelt)} tokens ({' '.join(found.spelt)}): near their mean are", err=True
        )
    records = [{"token": token, "cosine": cosine} for token, cosine in found.tokens]
    if as_json:
        print(json.dumps(records, ensure_ascii=False))
        return
    for record in records:
        print(f"{record['cosine']:.3f}  {record['token']}")


def embeddings(
    model: options.Model,
    out: options.Drawing,
    words: Annotated[
        str | None,
        typer.Option(
            help="Which words, with spaces between. Default: 50 early tokens that look like whole words."
        ),
    ] = None,
    side: Side = "source",
    force: options.Force = False,
) -> None:
    """Draws words in the plane where their embeddings differ most, before training beside after.

    Without --words, they are tokens that look like whole words, of four letters or more if there are enough:
    the first of the vocabulary, which are frequent. Of a vocabulary that has parts of words too, a token that
    begins a longer one is left out, for it may be only a part."""
    check_new(out, force)
    import torch

    from regard.tasks.text.neighbours import ids_of

    predictor = load_text_model(model)
    tokenizer, after = predictor.embedding(side)
    if words is None:
        tokens = tokenizer.tokens(range(tokenizer.size))
        pieces = predictor.recipe.tokenizer.kind in ("bpe", "unigram")
        chosen = [[row] for row in whole_words(tokens, _COUNT, pieces=pieces)]
        labels = [tokens[row].removeprefix("▁") for [row] in chosen]
    else:
        labels = words.split()
        chosen = [ids_of(tokenizer, word) for word in labels]
    if len(chosen) < 2:
        raise UserError("--words: give two words or more, with spaces between")
    from regard.lens import embeddings_picture

    def places(vectors: "Tensor") -> "Tensor":
        # A word of several tokens lies at their mean.
        return torch.stack([vectors[ids].mean(0) for ids in chosen])

    if start := predictor.recipe.start:
        typer.echo(f"Training began from {start}, not from chance; only what came of it is drawn", err=True)
        before = None
    else:
        before = places(predictor.untrained().embedding(side)[1])
    embeddings_picture(labels, places(after), out, before=before)
    tell_saved(out)


def load_text_model(model: str) -> "TextPredictor[Any]":
    """A model of texts.

    Raises:
        UserError: no such model, or one of pictures.
    """
    from regard.tasks import load
    from regard.tasks.text.predictor import TextPredictor

    predictor = load(model)
    if not isinstance(predictor, TextPredictor):
        raise UserError(
            f"{model}: tokens and their positions are drawn of models of texts; its task is {predictor.task}"
        )
    return predictor
