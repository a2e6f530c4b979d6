"""``regard look attention``: what each word, or each patch, attends to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.cli.choice import Choice
from regard.cli.groups import with_groups
from regard.cli.views import check_map_file, check_new, print_maps, save_maps, tell_saved
from regard.errors import UserError

if TYPE_CHECKING:
    from regard.lens import AttentionMap


@with_groups
def attention(
    model: options.Model,
    text: Annotated[
        str,
        typer.Argument(help="What the model reads: a text, or the file of a picture.", show_default=False),
    ] = "",
    *,
    choice: Choice,
    heads: Annotated[
        Path | None,
        typer.Option(help="Draw every head beside the others into this picture.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Save as .png, .svg, .pdf, .html or .json too.", show_default=False)
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Only list what there is to look at; no text is needed.")
    ] = False,
    force: options.Force = False,
) -> None:
    """Shows what each word or patch attends to, at any place in a model of any task.

    Of a picture: what the class token attends to, or all patches on average, or the one of --word ROW,COLUMN;
    of a U-Net what its attention gates let through. A file has every layer, unless --at names some."""
    if not names and not text.strip():
        raise UserError('nothing to look at: the text is empty; give one: regard look attention MODEL "…"')
    if out is not None:
        check_map_file(out, force)
    if heads is not None:
        check_new(heads, force)
    from regard.lens import attention_places
    from regard.tasks import load
    from regard.tasks.images.predictor import PicturePredictor

    predictor = load(model)
    of_pictures = isinstance(predictor, PicturePredictor)
    if of_pictures and not attention_places(predictor.model):
        raise UserError(
            f"{model}: this network has no attention to look at; how far its layers look is measured by: "
            f"regard look distance {model} --out FILE"
        )
    choice.check(predictor.model)
    if names:
        print("\n".join(attention_places(predictor.model)))
    elif of_pictures:
        _of_picture(predictor, Path(text), choice, heads, out)
    else:
        _of_text(predictor, text, choice, heads, out)


def _of_text(predictor: Any, text: str, choice: Choice, heads: Path | None, out: Path | None) -> None:
    result = predictor(text)
    parts = getattr(result, "parts", ()) or (result,)
    maps = choice.maps(parts)
    if heads is None or out is not None:
        saved = choice.for_file(parts, maps, out)
        print_maps(maps)
        if out is not None:
            save_maps(saved, out, title=text)
            tell_saved(out)
    if heads is not None:
        from regard.lens import heads_picture

        heads_picture(_only_one(choice.maps(parts[:1])), heads)
        tell_saved(heads)


def _of_picture(predictor: Any, picture: Path, choice: Choice, heads: Path | None, out: Path | None) -> None:
    from regard.cli.picture_views import print_grids, save_grids, save_heads

    result = predictor(picture)
    chosen = choice.maps([result])
    if heads is None or out is not None:
        print_grids(chosen, choice)
        if out is not None:
            save_grids(result, chosen, choice, out, title=picture.name)
    if heads is not None:
        save_heads(result.image, _only_one(chosen), heads, title=picture.name)


def _only_one(maps: "list[AttentionMap]") -> "AttentionMap":
    if len(maps) != 1:
        raise UserError(f"--heads draws one place and {len(maps)} are meant; name one: --at {maps[0].name}")
    return maps[0]
