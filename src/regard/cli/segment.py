"""``regard segment``: the class of each pixel, and the objects, of pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.pictures import Picture, Pictures, check_results, each_picture, find_pictures
from regard.counted import counted
from regard.errors import UserError

if TYPE_CHECKING:
    from regard.tasks.images.segmenter import Segmenter

_MOST_OBJECTS = 65_535  # of 16 bits


def segment(
    model: options.Model,
    images: Pictures,
    out: Annotated[Path, typer.Option(help="Folder for the masks.")] = Path("segmented"),
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also draw the outlines of objects over each picture.")
    ] = False,
    objects: Annotated[
        bool, typer.Option("--objects", help="Also write the number of each pixel's object, in 16 bits.")
    ] = False,
    device: options.Device = None,
    as_json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Says of each pixel of pictures what it belongs to, and counts the objects.

    Masks are PNG files of the pictures' sizes and names, with the values that masks of training had. Large
    pictures are read window by window."""
    found = find_pictures(images)
    endings = ["", *(["-overlay"] if overlay else []), *(["-objects"] if objects else [])]
    check_results([one.result(out, ending, ".png") for one in found for ending in endings], found, force)
    from regard.tasks import load

    segmenter: Segmenter = load(model, task="segmentation", device=device)

    def work(picture: Picture) -> None:
        _segment(segmenter, picture, out, overlay=overlay, objects=objects, as_json=as_json, force=force)

    each_picture(found, work, "segmented")


def _segment(
    segmenter: Segmenter,
    picture: Picture,
    out: Path,
    *,
    overlay: bool,
    objects: bool,
    as_json: bool,
    force: bool,
) -> None:
    import numpy as np

    from regard.data.images.writing import write_picture
    from regard.tasks.images.outlines import outlined

    pixels = picture.pixels()
    result = segmenter(pixels)
    if objects and result.count > _MOST_OBJECTS:
        raise UserError(
            f"{picture.title}: {result.count:,} objects, and --objects has numbers for {_MOST_OBJECTS:,}; "
            "leave --objects out"
        )
    mask = result.mask.astype(np.uint8 if max(segmenter.values) < 256 else np.uint16)
    target = picture.result(out, suffix=".png")
    write_picture(target, mask, overwrite=force)
    if overlay:
        drawn = outlined(pixels, result.objects)
        write_picture(picture.result(out, "-overlay", ".png"), drawn, overwrite=force)
    if objects:
        write_picture(
            picture.result(out, "-objects", ".png"), result.objects.astype(np.uint16), overwrite=force
        )
    share = float((result.mask != segmenter.values[0]).mean())
    if as_json:
        record = {
            "picture": picture.title,
            "mask": str(target),
            "objects": result.count,
            "share": round(share, 6),
        }
        print(json.dumps(record, ensure_ascii=False))
    else:
        print(f"{target}\t{counted(result.count, 'object')}\t{share:.1%} of the pixels")
