"""``regard look``: attention, positions and embeddings of a model."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.choice import Choice
from regard.cli.groups import with_groups
from regard.cli.views import check_map_file, check_new, print_maps, save_maps, tell_saved
from regard.cli.words import check_word, ids_of, is_byte, whole_words
from regard.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from regard.lens import AttentionMap
    from regard.tasks.predictor import Predictor
    from regard.tasks.text.predictor import TextPredictor

_COUNT = 50  # words; of more, the names cover each other

app = typer.Typer(no_args_is_help=True, help="Look inside a model: attention, positions, embeddings.")


def _known_side(side: str) -> str:
    if side not in ("source", "target"):
        raise UserError(f"--side {side}: there are source and target")
    return side


Side = Annotated[str, typer.Option(help="Which vocabulary: source or target.", callback=_known_side)]
Picture = Annotated[Path, typer.Argument(help="Where to: .png, .svg or .pdf.", show_default=False)]


@app.command()
@with_groups
def attention(
    model: options.Model,
    text: Annotated[str, typer.Argument(help="What the model reads.", show_default=False)] = "",
    *,
    choice: Choice,
    heads: Annotated[
        Path | None,
        typer.Option(help="Draw every head beside the others into this picture.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Save as .png, .svg, .pdf or .json too.", show_default=False)
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Only list what there is to look at; no text is needed.")
    ] = False,
    force: options.Force = False,
) -> None:
    """Shows what each word attends to, at any place in a model of any task."""
    if not names and not text.strip():
        raise UserError('nothing to look at: the text is empty; give one: regard look attention MODEL "…"')
    if out is not None:
        check_map_file(out, force)
    if heads is not None:
        check_new(heads, force)
    predictor = _load(model)
    choice.check(predictor.model)
    if names:
        from regard.lens import attention_places

        print("\n".join(attention_places(predictor.model)))
        return
    result = predictor(text)
    parts = getattr(result, "parts", ()) or (result,)
    maps = choice.maps(parts)
    if heads is None or out is not None:
        print_maps(maps)
        if out is not None:
            save_maps(maps, out)
            tell_saved(out)
    if heads is not None:
        _draw_heads(choice.maps(parts[:1]), heads)


def _draw_heads(maps: "list[AttentionMap]", path: Path) -> None:
    from regard.lens import heads_picture

    if len(maps) != 1:
        raise UserError(f"--heads draws one place and {len(maps)} are meant; name one: --at {maps[0].name}")
    heads_picture(maps[0], path)
    tell_saved(path)


@app.command()
def positions(
    model: options.Model,
    out: Picture,
    length: Annotated[int, typer.Option(min=2, help="How many positions.")] = 100,
    force: options.Force = False,
) -> None:
    """Draws the positional encoding of a model: a row for each position, a column for each dimension."""
    check_new(out, force)
    predictor = _load_text(model)
    config = predictor.recipe.model
    from regard.lens import position_encoding, positions_picture

    found = position_encoding(predictor.model, length)
    if found is None:
        raise UserError(f"{model}: this model has no positional encoding; it reads word after word")
    encoding, columns = found
    positions_picture(encoding, out, title=f"{config.positions} positions", columns=columns)
    tell_saved(out)


@app.command("neighbours")
def neighbours_(
    model: options.Model,
    word: Annotated[str, typer.Argument(help="A word of the vocabulary.", show_default=False)],
    side: Side = "source",
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    as_json: options.Json = False,
) -> None:
    """Lists the tokens whose embeddings are nearest to a word's, with the cosine of the angle."""
    check_word(word)
    tokenizer, vectors = _load_text(model).embedding(side)
    from regard.lens import neighbours

    ids = ids_of(tokenizer, word)
    words = tokenizer.tokens(range(tokenizer.size))
    if len(ids) > 1:
        typer.echo(
            f"{word} is {len(ids)} tokens ({' '.join(tokenizer.tokens(ids))}): near their mean are", err=True
        )
    # Special tokens and bytes are no words; many were never trained and lie anywhere.
    kept = [
        row
        for row, token in enumerate(words)
        if row > tokenizer.sep and not is_byte(token) and (row not in ids or len(ids) == 1)
    ]
    to = kept.index(ids[0]) if len(ids) == 1 else vectors[ids].mean(0)
    found = neighbours(vectors[kept], to, count)
    records = [{"token": words[kept[each.index]], "cosine": each.cosine} for each in found]
    if as_json:
        print(json.dumps(records, ensure_ascii=False))
        return
    for record in records:
        print(f"{record['cosine']:.3f}  {record['token']}")


@app.command()
def embeddings(
    model: options.Model,
    out: Picture,
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

    predictor = _load_text(model)
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


def _load(model: str) -> "Predictor[Any]":
    from regard.tasks import load

    predictor: Predictor[Any] = load(model)
    return predictor


def _load_text(model: str) -> "TextPredictor[Any]":
    from regard.tasks.text.predictor import TextPredictor

    predictor = _load(model)
    if not isinstance(predictor, TextPredictor):
        raise UserError(
            f"{model}: tokens and their positions are drawn of models of texts; its task is {predictor.task}"
        )
    return predictor
