"""``regard denoise``: pictures without their noise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.pictures import Picture, Pictures, check_results, each_picture, find_pictures

if TYPE_CHECKING:
    from regard.tasks.images.denoiser import Denoiser


def denoise(
    model: options.Model,
    images: Pictures,
    out: Annotated[Path, typer.Option(help="Folder for the clean pictures.")] = Path("denoised"),
    device: options.Device = None,
    as_json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Takes noise out of pictures; they keep their sizes, depths and names.

    Large pictures are read window by window."""
    found = find_pictures(images)
    check_results([one.result(out) for one in found], found, force)
    from regard.data.images.writing import write_picture
    from regard.tasks import load

    denoiser: Denoiser = load(model, task="denoising", device=device)

    def work(picture: Picture) -> None:
        target = picture.result(out)
        write_picture(target, denoiser(picture.pixels()).pixels, overwrite=force)
        if as_json:
            print(json.dumps({"picture": picture.title, "clean": str(target)}, ensure_ascii=False))
        else:
            print(target)

    each_picture(found, work, "denoised")
