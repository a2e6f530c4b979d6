"""``regard classify``: the classes of texts or of pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options
from regard.cli.groups import with_groups
from regard.cli.lines import chunks, has_input, read_lines
from regard.cli.looking import Looking
from regard.cli.views import print_maps
from regard.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from regard.cli.pictures import Picture
    from regard.tasks.images.classifier import ImageClassifier
    from regard.tasks.text.classifier import Classifier

_MOST_TOGETHER = 64
_PIXELS_TOGETHER = 1 << 20  # of the images that a network reads at once


@with_groups
def classify(
    model: options.Model,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Texts; for a model of pictures, pictures or folders of them. Left out: the lines of "
            "standard input."
        ),
    ] = None,
    *,
    looking: Looking,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Says which class texts or pictures are of, and how probable that is.

    Without anything to classify, every line of standard input is."""
    looking.check(as_json=as_json, inputs=inputs or ())
    from regard.tasks import load

    classifier = load(model, device=device)
    if classifier.task == "image-classification":
        _pictures(classifier, inputs, looking, as_json)
    elif classifier.task == "text-classification":
        _texts(classifier, inputs, looking, as_json)
    else:
        raise UserError(f"{model}: this model's task is {classifier.task}; a classifier is needed")


def _texts(classifier: Classifier, texts: list[str] | None, looking: Looking, as_json: bool) -> None:
    one = texts[0] if texts is not None and len(texts) == 1 else None
    looking.check_text(one, 'regard classify MODEL "…" --look')
    looking.check_model(classifier.model)
    if texts is not None:
        results = classifier(texts)
        maps = looking.maps(results, classifier.faithfulness)
        looking.save(maps, title=texts[0])
        for result in results:
            _print(result.label, result.probabilities, "text", None, as_json)
        if not as_json:
            print_maps(maps.printed)
        return
    if not has_input():
        raise UserError('nothing to classify; give a text: regard classify MODEL "…"')
    from regard.cli.progress import line_progress

    with line_progress("classified") as advance:
        for chunk in chunks(read_lines(sys.stdin.buffer, "standard input")):
            for result in classifier(chunk):
                _print(result.label, result.probabilities, "text", None, as_json)
            sys.stdout.flush()
            advance(len(chunk))


def _pictures(classifier: ImageClassifier, inputs: list[str] | None, looking: Looking, as_json: bool) -> None:
    if not inputs:
        raise UserError("nothing to classify; give pictures: regard classify MODEL a.png b.png")
    from regard.cli.pictures import each_picture, find_pictures

    found = find_pictures([Path(place) for place in inputs])
    if looking.wanted and len(found) != 1:
        raise UserError(f"--look shows one picture, and {len(found)} are meant; name one")
    if looking.wanted:
        _look(classifier, found[0], looking, as_json)
        return
    height, width = classifier.image_size
    together = max(1, min(_MOST_TOGETHER, _PIXELS_TOGETHER // (height * width)))
    waiting: list[tuple[Picture, Tensor]] = []

    def work(picture: Picture) -> None:
        waiting.append((picture, classifier.read(picture.pixels())))
        if len(waiting) == together:
            classify_waiting()

    def classify_waiting() -> None:
        results = classifier.classify([image for _, image in waiting])
        for (picture, _), result in zip(waiting, results, strict=True):
            _print(result.label, result.probabilities, "picture", picture.title, as_json)
        waiting.clear()

    each_picture(found, work, "classified", classify_waiting)


def _look(classifier: ImageClassifier, picture: Picture, looking: Looking, as_json: bool) -> None:
    from regard.cli.picture_views import print_grids, save_grids

    looking.check_model(classifier.model)
    result = classifier(picture.pixels())
    maps = looking.maps([result], classifier.faithfulness)
    if looking.file is not None:
        title = f"{picture.name}: {result.label}"
        save_grids(result, maps.printed, looking.choice, classifier.faithfulness, looking.file, title=title)
    _print(result.label, result.probabilities, "picture", picture.title, as_json)
    if not as_json:
        print_grids(maps.printed, looking.choice)


def _print(label: str, probabilities: dict[str, float], kind: str, what: str | None, as_json: bool) -> None:
    if as_json:
        record = {"label": label, "probabilities": probabilities}
        print(json.dumps(record if what is None else {kind: what, **record}, ensure_ascii=False))
    else:
        print("\t".join([label, f"{probabilities[label]:.4f}", *([] if what is None else [what])]))
