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
    device: options.Device = None,
    as_json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Scores pictures by how little they look like the good ones of training, and shows where.

    A picture whose score is above the model's threshold is reported as anomalous. The heat map lies beside
    the picture and what the network made of it."""
    found = find_pictures(images)
    check_results([one.result(out, suffix=".png") for one in found], found, force)
    from regard.lens.overlay import Heat, overlay_picture
    from regard.tasks import load

    detector: Detector = load(model, task="anomaly-detection", device=device)

    def work(picture: Picture) -> None:
        result = detector(picture.path)
        target = picture.result(out, suffix=".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        said = f"{'anomalous' if result.anomalous else 'good'} (score {result.score:.4f})"
        # Full yellow is twice the threshold, in all pictures alike.
        overlay_picture(
            result.image,
            [Heat(said, result.heat)],
            target,
            title=picture.name.name,
            label="difference, %",
            top=2 * detector.threshold,
        )
        if as_json:
            record = {
                "picture": str(picture.path),
                "score": round(result.score, 6),
                "threshold": round(detector.threshold, 6),
                "anomalous": result.anomalous,
                "heat": str(target),
            }
            print(json.dumps(record, ensure_ascii=False))
        else:
            print(f"{'anomalous' if result.anomalous else 'good'}\t{result.score:.4f}\t{picture.path}")

    each_picture(found, work, "looked at")
