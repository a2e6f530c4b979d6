"""``regard look``: attention, positions and embeddings of a model."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from regard.data import Tokenizer

app = typer.Typer(no_args_is_help=True, help="Look inside a model: attention, positions, embeddings.")

Side = Annotated[str, typer.Option(help="Which vocabulary: source or target.")]
Picture = Annotated[Path, typer.Argument(help="Where to: .png, .svg or .pdf.", show_default=False)]


@app.command()
def attention(
    model: options.Model,
    text: Annotated[str, typer.Argument(help="What the model reads.", show_default=False)],
    at: options.At = None,
    word: options.Word = None,
    head: options.Head = None,
    heads: Annotated[
        Path | None,
        typer.Option(help="Draw every head beside the others into this picture.", show_default=False),
    ] = None,
    subwords: options.Subwords = False,
    out: Annotated[
        Path | None, typer.Option(help="Save as .png, .svg, .pdf or .json too.", show_default=False)
    ] = None,
    names: Annotated[bool, typer.Option("--names", help="Only list what there is to look at.")] = False,
    force: options.Force = False,
) -> None:
    """Shows what each word attends to, at any place in a model of any task."""
    from regard.cli.arguments import IN_TERMINAL
    from regard.cli.views import Choice, check_new, check_target, show_results, tell_saved

    if out is not None:
        check_target(str(out), force)
    if heads is not None:
        check_new(heads, force)
    predictor = _load(model)
    result = predictor(text)
    parts = getattr(result, "parts", ()) or (result,)
    if names:
        for name in parts[0].attention:
            print(name)
        return
    choice = Choice(at=at, head=head, word=word, subwords=subwords)
    if heads is None or out is not None:
        show_results(parts, str(out) if out is not None else IN_TERMINAL, choice)
    if heads is not None:
        from regard.lens import heads_picture

        maps = choice.maps(parts[0].attention)
        if len(maps) != 1:
            raise UserError(
                f"--heads draws one place and {len(maps)} are meant; name one: --at {maps[0].name}"
            )
        heads_picture(maps[0], heads)
        tell_saved(heads)


@app.command()
def positions(
    model: options.Model,
    out: Picture,
    length: Annotated[int, typer.Option(min=2, help="How many positions.")] = 100,
    force: options.Force = False,
) -> None:
    """Draws the positional encoding of a model: a row for each position, a column for each dimension."""
    from regard.cli.views import check_new, tell_saved

    check_new(out, force)
    predictor = _load(model)
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
    predictor = _load(model)
    tokenizer, vectors = _embedding(predictor, side)
    from regard.lens import neighbours

    ids = _ids(tokenizer, word)
    words = tokenizer.tokens(range(tokenizer.size))
    if len(ids) > 1:
        typer.echo(
            f"{word} is {len(ids)} tokens ({' '.join(tokenizer.tokens(ids))}): near their mean are", err=True
        )
    # Special tokens and bytes are no words; many were never trained and lie anywhere.
    kept = [
        row
        for row, token in enumerate(words)
        if row > tokenizer.sep and not token.startswith("<0x") and (row not in ids or len(ids) == 1)
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
        str | None, typer.Option(help="Which words, with spaces between. Default: the 60 most frequent.")
    ] = None,
    side: Side = "source",
    force: options.Force = False,
) -> None:
    """Draws words in the plane where their embeddings differ most, before training beside after."""
    from regard.cli.views import check_new, tell_saved

    check_new(out, force)
    import torch

    predictor = _load(model)
    tokenizer, after = _embedding(predictor, side)
    if words is None:
        chosen = [[index] for index in _frequent(tokenizer, 60)]
        labels = [tokenizer.tokens(ids)[0].strip("▁") for ids in chosen]
    else:
        labels = words.split()
        chosen = [_ids(tokenizer, word) for word in labels]
    if len(chosen) < 2:
        raise UserError("--words: give two words or more, with spaces between")
    before = _untrained(predictor, side)
    from regard.lens import embeddings_picture

    # A word of several tokens lies at their mean.
    places = [torch.stack([vectors[ids].mean(0) for ids in chosen]) for vectors in (before, after)]
    embeddings_picture(labels, places[1], out, before=places[0])
    tell_saved(out)


def _load(model: str) -> Any:
    from regard.tasks import load

    return load(model)


def _embedding(predictor: Any, side: str) -> "tuple[Tokenizer, Tensor]":
    """The tokenizer and the embedding of a side; models of one language have but one."""
    if side not in ("source", "target"):
        raise UserError(f"--side {side}: there are source and target")
    if hasattr(predictor, "vocabularies"):
        return getattr(predictor.vocabularies, side), getattr(predictor.model, f"{side}_embedding").weight
    return predictor.tokenizer, predictor.model.embedding.weight


def _untrained(predictor: Any, side: str) -> "Tensor":
    """The embedding as it was before the first update: weights are a function of the recipe's seed."""
    import torch

    from regard.tasks import classifier, generator, translator

    recipe = predictor.recipe
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        if predictor.task == "translation":
            fresh: Any = translator.new_model(recipe, predictor.vocabularies)
        elif predictor.task == "classification":
            fresh = classifier.new_model(recipe, predictor.tokenizer, predictor.classes)
        else:
            fresh = generator.new_model(recipe, predictor.tokenizer)
    embedding = f"{side}_embedding" if predictor.task == "translation" else "embedding"
    weight: Tensor = getattr(fresh, embedding).weight
    return weight


def _ids(tokenizer: "Tokenizer", word: str) -> list[int]:
    """The tokens of a word as it stands inside a text."""
    # With a word before it, so that it is spelt as after a space.
    ids = tokenizer.encode(f"a {word}")[len(tokenizer.encode("a")) :]
    if not ids or tokenizer.unk in ids:
        raise UserError(f"{word!r} is not in this model's vocabulary")
    return ids


def _frequent(tokenizer: "Tokenizer", count: int) -> list[int]:
    """The first whole words that the vocabulary learnt, which are its most frequent."""
    found = []
    for index, token in enumerate(tokenizer.tokens(range(tokenizer.size))):
        if token.startswith("▁") and token[1:].isalpha() and len(token) > 3:
            found.append(index)
    return found[:count]
