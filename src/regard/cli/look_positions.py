"""``regard look positions``: what a model knows of where a word or a patch stands."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.views import check_new, tell_saved
from regard.errors import UserError

if TYPE_CHECKING:
    from regard.tasks.predictor import Predictor

_LENGTH = 100


def positions(
    model: options.Model,
    out: options.Drawing,
    length: Annotated[
        int | None,
        typer.Option(min=2, help=f"How many positions of a text. Default: {_LENGTH}.", show_default=False),
    ] = None,
    force: options.Force = False,
) -> None:
    """Draws the positional encoding of a model.

    Of a model of texts: a row for each position, a column for each dimension. Of a Vision Transformer: for
    each patch, how like its position is to that of every other, a little map each."""
    check_new(out, force)
    from regard.tasks import load
    from regard.tasks.text.predictor import TextPredictor

    predictor = load(model)
    if isinstance(predictor, TextPredictor):
        _of_words(predictor, model, length or _LENGTH, out)
    elif length is not None:
        raise UserError("--length is for models of texts; patches have as many positions as the grid has")
    else:
        _of_patches(predictor, model, out)
    tell_saved(out)


def _of_words(predictor: "Predictor[Any]", model: str, length: int, out: Path) -> None:
    from regard.lens import position_encoding, positions_picture

    found = position_encoding(predictor.model, length)
    if found is None:
        raise UserError(f"{model}: this model has no positional encoding; it reads word after word")
    encoding, columns = found
    config: Any = predictor.recipe
    positions_picture(encoding, out, title=f"{config.model.positions} positions", columns=columns)


def _of_patches(predictor: "Predictor[Any]", model: str, out: Path) -> None:
    from regard.lens.patch_positions import likeness_picture, position_likeness

    found = position_likeness(predictor.model)
    if found is None:
        raise UserError(
            f"{model}: this network adds no positions to patches; a Vision Transformer with learned or "
            "sinusoidal positions does"
        )
    recipe: Any = predictor.recipe
    likeness_picture(found, out, title=f"{recipe.model.positions} positions")
