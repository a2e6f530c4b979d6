"""Attention over a picture: in the terminal as a grid, in a file over the picture itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from regard.cli.views import save_maps, tell_saved

if TYPE_CHECKING:
    from torch import Tensor

    from regard.cli.looking import Looking
    from regard.lens import AttentionMap


def show_maps(
    image: Tensor,
    every: Mapping[str, AttentionMap],
    chosen: Sequence[AttentionMap],
    looking: Looking,
    *,
    title: str,
) -> None:
    """Prints the chosen maps as grids, and saves them where a file was named.

    A picture file shows every layer and their rollout where none was chosen. What looks is the class token,
    a patch that was named (``--word 3,5``), or all patches on average.

    Args:
        image: [channels, height, width] in [0, 1].
        every: all maps of the picture, by place.
        chosen: those that are meant.
        looking: where to show them.
        title: above a picture file.
    """
    from regard.cli.console import show
    from regard.lens import HeatMap
    from regard.lens.on_pictures import heat_of, in_rows_and_columns, layers_and_rollout
    from regard.lens.overlay import overlay_picture

    if looking.choice.word is not None:
        chosen = [seen for seen in chosen if len(seen.query_axis) == 1]
    for seen in chosen:
        show("", HeatMap(in_rows_and_columns(seen)))
    if looking.file is None:
        return
    if looking.file.suffix.lower() == ".json":
        save_maps(chosen, looking.file)
    else:
        whole = looking.choice.at is None and looking.choice.word is None and looking.choice.head is None
        heats = layers_and_rollout(every) if whole else [heat_of(seen) for seen in chosen]
        overlay_picture(image, heats, looking.file, title=title)
    tell_saved(looking.file)
