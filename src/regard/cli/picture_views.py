"""Attention over a picture: in the terminal as a grid, in a file over the picture itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from regard.cli.choice import Choice
from regard.cli.views import save_maps, tell_faithfulness, tell_saved, tell_unmeasured

if TYPE_CHECKING:
    from torch import Tensor

    from regard.lens import AttentionMap
    from regard.lens.faithfulness import PlaceFigures

_MOST = 24  # rows and columns of a grid in the terminal; a finer one is shown in means


class Result(Protocol):
    """What a predictor of pictures gives, as far as looking goes."""

    @property
    def image(self) -> Tensor:
        """[channels, height, width] in [0, 1]."""

    @property
    def attention(self) -> Mapping[str, AttentionMap]:
        """Every map, by name."""


def print_grids(chosen: Sequence[AttentionMap], choice: Choice) -> None:
    """Prints maps as grids. What looks is the class token, a patch that was named (``--word 3,5``), or all
    patches on average.

    Args:
        chosen: the maps that are meant.
        choice: by which they were.
    """
    from regard.cli.console import show
    from regard.lens import HeatMap
    from regard.lens.on_pictures import in_rows_and_columns

    looks = _looks(chosen, choice)
    for seen in looks:
        show("", HeatMap(in_rows_and_columns(seen, most=_MOST)))
        tell_faithfulness(seen)
    tell_unmeasured(looks)


def save_grids(
    result: Result,
    chosen: Sequence[AttentionMap],
    choice: Choice,
    known: PlaceFigures,
    path: Path,
    *,
    title: str,
) -> None:
    """Saves maps over the picture, as a page for a browser (.html) or as numbers (.json).

    A picture file shows every layer and their rollout where none was chosen.

    Args:
        result: with all its maps.
        chosen: those that are meant.
        choice: by which they were.
        known: of how faithful maps are.
        path: where to.
        title: above a picture file.

    Raises:
        UserError: the file cannot be written.
    """
    from regard.lens.on_pictures import heat_of, layers_and_rollout
    from regard.lens.overlay import overlay_picture

    looks = _looks(chosen, choice)
    if path.suffix.lower() == ".html":
        save_page([result], [chosen], [title], choice, known, path)
        return
    if path.suffix.lower() == ".json":
        save_maps(looks, path)
    else:
        whole = choice.at is None and choice.word is None and choice.head is None
        drawn = known.on(result.attention.values()) if whole else looks
        heats = layers_and_rollout(drawn) if whole else [heat_of(seen) for seen in drawn]
        gates = {seen.name.endswith("gate") for seen in drawn}
        label = "let through, %" if gates == {True} else "attention, %"
        if len(gates) > 1:
            # What a gate lets through is up to all; a share of attention is small. One scale would hide it.
            heats = [heat.of_its_largest() for heat in heats]
            label = "% of the panel's largest"
        overlay_picture(result.image, heats, path, title=title, label=label)
    tell_saved(path)


def save_page(
    results: Sequence[Result],
    chosen: Sequence[Sequence[AttentionMap]],
    names: Sequence[str],
    choice: Choice,
    known: PlaceFigures,
    path: Path,
) -> None:
    """Saves maps over one picture or several as a page for a browser.

    Args:
        results: one for each picture.
        chosen: the maps that are meant of each.
        names: of the pictures, no two alike.
        choice: by which maps were chosen.
        known: of how faithful maps are.
        path: where to.

    Raises:
        UserError: the file cannot be written.
    """
    from regard.lens.html import Record, write

    several = len(results) > 1
    records = [
        Record(seen, image=result.image, of=name if several else "")
        for result, maps, name in zip(results, chosen, names, strict=True)
        for seen in known.on(choice.for_file([result], _looks(maps, choice), path))
    ]
    title = f"{len(results)} pictures" if several else names[0]
    write(records, path, title=title, force=True)  # whether it may be replaced was asked before
    tell_saved(path)


def save_heads(image: Tensor, seen: AttentionMap, path: Path, *, title: str) -> None:
    """Draws every head of a map over the picture.

    Raises:
        UserError: the file cannot be written.
    """
    from regard.lens.on_pictures import looked_at
    from regard.lens.overlay import Heat, overlay_picture

    heats = [Heat(f"head {head}", looked_at(seen.head(head))) for head in range(seen.heads)]
    overlay_picture(image, heats, path, title=f"{title}: {seen.name}\n{seen.faithfulness.caption}")
    tell_saved(path)


def _looks(chosen: Sequence[AttentionMap], choice: Choice) -> list[AttentionMap]:
    """Where a patch was named, its rows alone."""
    return [seen for seen in chosen if choice.word is None or len(seen.query_axis) == 1]
