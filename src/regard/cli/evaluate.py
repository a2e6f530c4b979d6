"""``regard evaluate``: how good a model is on data with known answers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regard.cli import options
from regard.errors import UserError

if TYPE_CHECKING:
    from regard.data.text import DataConfig


def evaluate(
    model: options.Model,
    data: Annotated[
        str | None,
        typer.Option(help="A named data set, or a file. Default: the test data of the model's recipe."),
    ] = None,
    split: Annotated[str, typer.Option(help="Which part of the data set.")] = "test",
    source: Annotated[
        Path | None, typer.Option(help="A text file, with --target: a line a sentence.")
    ] = None,
    target: Annotated[Path | None, typer.Option(help="Its translation, line by line.")] = None,
    beam: options.Beam = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Scores a model on data with known answers.

    For a translator: BLEU and chrF with their signatures, loss and speed. For a language model: loss and
    perplexity. For a classifier: loss and accuracy.
    """
    if (source is None) != (target is None):
        raise UserError("--source and --target go together: two text files, aligned line by line")
    if source is not None and data is not None:
        raise UserError("give either --data, or --source and --target")
    from regard.tasks import load

    predictor = load(model, device=device)
    if source is not None and predictor.task != "translation":
        raise UserError(f"--source and --target are for translators; this model's task is {predictor.task}")
    files = (source, target) if source is not None and target is not None else None
    config = _data(predictor.recipe.data, data, files, split)
    name = _name(config, split)
    typer.echo(f"Evaluating on {name}", err=True)
    decoding: dict[str, Any] = {} if beam is None else {"beam": beam}
    figures = _FIGURES[predictor.task](predictor, config, split, **decoding)
    if as_json:
        print(json.dumps({"data": name, **figures}, ensure_ascii=False, indent=2))
    else:
        _print(figures)


def _data(
    trained_on: DataConfig, data: str | None, files: tuple[Path, Path] | None, split: str
) -> DataConfig:
    """What to evaluate on, as a recipe would say it: a named set, or the file of its test split."""
    from regard.data.text import DataConfig

    named = data is not None and not Path(data).suffix and not Path(data).exists()
    if data is None and files is None:
        if not trained_on.sets and trained_on.test is None and split == "test":
            raise UserError("this model's recipe names no test data; say what to evaluate on: --data FILE")
        return trained_on
    # Languages of a named set mean nothing in a file, nor columns of a file in a named set.
    alike = bool(trained_on.sets) == named
    fields = {key: getattr(trained_on, key) for key in ("source", "target", "text", "label")} if alike else {}
    if named:
        return DataConfig(name=data, **fields)
    if split != "test":
        raise UserError(f"--split {split}: a file has no splits; leave --split out")
    chosen = files or Path(str(data))
    return DataConfig(train=chosen, test=chosen, **({} if files else fields))


def _name(data: DataConfig, split: str) -> str:
    if data.sets:
        return f"{'+'.join(data.sets)} ({split})"
    chosen = {"train": data.train, "validation": data.validation}.get(split, data.test)
    return (
        " and ".join(map(str, chosen))
        if isinstance(chosen, tuple)
        else str(chosen or f"{data.train} ({split})")
    )


def _translation(translator: Any, data: DataConfig, split: str, **decoding: Any) -> dict[str, Any]:
    from regard.data.text import grouped, pairs_of
    from regard.tasks import evaluate

    return evaluate(translator, grouped(pairs_of(data, split)), **decoding)


def _language_modelling(generator: Any, data: DataConfig, split: str, **_: Any) -> dict[str, Any]:
    from regard.data.text import TextCorpus
    from regard.tasks.text.generator import block_length
    from regard.tasks.text.language_modelling import encode_documents, text_figures

    recipe = generator.recipe.model_copy(update={"data": data})
    with tempfile.TemporaryDirectory() as folder:
        documents = encode_documents(recipe, generator.tokenizer, Path(folder), split, None)
        return text_figures(generator.model, TextCorpus(documents, block_length(generator.recipe)))


def _classification(classifier: Any, data: DataConfig, split: str, **_: Any) -> dict[str, Any]:
    from regard.data.text import Labels
    from regard.tasks.text.classification import class_figures, encode_labelled

    recipe = classifier.recipe.model_copy(update={"data": data})
    with tempfile.TemporaryDirectory() as folder:
        texts = encode_labelled(
            recipe, classifier.tokenizer, Labels(classifier.classes), Path(folder), split, None
        )
        return {**class_figures(classifier.model, texts, recipe.training.tokens), "texts": len(texts)}


_FIGURES: dict[str, Callable[..., dict[str, Any]]] = {
    "translation": _translation,
    "language-modelling": _language_modelling,
    "classification": _classification,
}


def _print(figures: dict[str, Any]) -> None:
    from rich.table import Table

    from regard.cli.console import console, show

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    for name, value in figures.items():
        if isinstance(value, int | float):
            table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else f"{value:,.4g}")
    show(table)
    if by_length := figures.get("by_length"):
        shown = (f"≤{end} {bleu}" if end != "more" else f"more {bleu}" for end, bleu in by_length.items())
        console().print(f"BLEU by words in the source: {'  '.join(shown)}", highlight=False)
    for name, signature in figures.get("signatures", {}).items():
        said = f"{name.replace('_', ' ')}: {signature}"
        console().print(said, highlight=False, soft_wrap=True, style="dim")
