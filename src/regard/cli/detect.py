"""``regard detect``: how much, and where, pictures differ from good ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.pictures import Picture, Pictures, check_results, each_picture, find_pictures

if TYPE_CHECKING:
    from regard.tasks.images.detector import Detector


def detect(
    model: options.Model,
    images: Pictures,
    out: Annotated[Path, typer.Option(help="Folder for the heat maps.")] = Path("detected"),
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also draw the heat over each picture, with its scale.")
    ] = False,
    device: options.Device = None,
    as_json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Scores pictures by how little they look like the good ones of training, and shows where.

    A picture whose score is above the model's threshold is reported as anomalous. Heat maps are grey PNG
    files of the pictures' sizes and names, 16 bits deep: white is twice the threshold, and more."""
    found = find_pictures(images)
    endings = ["", *(["-overlay"] if overlay else [])]
    check_results([one.result(out, ending, ".png") for one in found for ending in endings], found, force)
    import numpy as np

    from regard.data.images.writing import write_picture
    from regard.lens.overlay import Heat, overlay_picture
    from regard.tasks import load

    detector: Detector = load(model, task="anomaly-detection", device=device)

    # In all pictures alike; a detector that saw nothing but perfect restorations has a threshold of 0.
    top = max(2 * detector.threshold, float(np.finfo(np.float32).tiny))

    def work(picture: Picture) -> None:
        result = detector(picture.pixels())
        target = picture.result(out, suffix=".png")
        share = (result.heat.double() / top).clamp(0, 1).numpy()
        write_picture(target, np.rint(share * 65_535).astype(np.uint16), overwrite=force)
        if overlay:
            said = f"{'anomalous' if result.anomalous else 'good'} (score {result.score:.4f})"
            overlay_picture(
                result.image,
                [Heat(said, result.heat)],
                picture.result(out, "-overlay", ".png"),
                title=picture.name.name,
                label="difference, %",
                top=top,
            )
        if as_json:
            record = {
                "picture": picture.title,
                "score": round(result.score, 6),
                "threshold": round(detector.threshold, 6),
                "anomalous": result.anomalous,
                "heat": str(target),
            }
            print(json.dumps(record, ensure_ascii=False))
        else:
            print(f"{'anomalous' if result.anomalous else 'good'}\t{result.score:.4f}\t{picture.title}")

    each_picture(found, work, "looked at")
