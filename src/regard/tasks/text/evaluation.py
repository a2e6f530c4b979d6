"""How good a model of a text task is on data with known answers."""

import tempfile
from pathlib import Path
from typing import Any

from regard.data.catalogue import named
from regard.data.text.config import DataConfig
from regard.data.text.labelled import Labels
from regard.data.text.named_splits import languages
from regard.data.text.references import grouped
from regard.data.text.splits import check_file, pairs_of
from regard.errors import UserError
from regard.tasks.evaluation import Where, names_set
from regard.tasks.talk import Each, untold
from regard.tasks.text.classification import class_figures, encode_beginnings
from regard.tasks.text.classifier import Classifier
from regard.tasks.text.generator import Generator
from regard.tasks.text.language_modelling import encode_documents, in_blocks, text_figures
from regard.tasks.text.translation_figures import translation_figures
from regard.tasks.text.translator import Translator


def evaluate_translator(
    translator: Translator, data: Where, split: str, *, each: Each = untold, **decoding: Any
) -> dict[str, Any]:
    """BLEU, chrF, loss and speed; see `translation_figures`."""
    config = data_of(translator.recipe.data, data, split)
    figures = translation_figures(translator, grouped(pairs_of(config, split)), each=each, **decoding)
    return {"data": name_of_pairs(config, split), **figures}


def evaluate_generator(
    generator: Generator, data: Where, split: str, *, each: Each = untold
) -> dict[str, Any]:
    """Loss and perplexity."""
    config = data_of(generator.recipe.data, data, split)
    recipe = generator.recipe.model_copy(update={"data": config})
    with tempfile.TemporaryDirectory() as folder:
        documents = encode_documents(recipe, generator.tokenizer, Path(folder), split, None)
        figures = text_figures(generator.model, in_blocks(generator.recipe, documents), each=each)
    return {"data": name_of(config, split), **figures}


def evaluate_classifier(
    classifier: Classifier, data: Where, split: str, *, each: Each = untold
) -> dict[str, Any]:
    """Loss and accuracy; of a text longer than the model reads, the beginning decides, as in `Classifier`."""
    config = data_of(classifier.recipe.data, data, split)
    recipe = classifier.recipe.model_copy(update={"data": config})
    labels = Labels(classifier.classes)
    with tempfile.TemporaryDirectory() as folder:
        texts = encode_beginnings(recipe, classifier.tokenizer, labels, Path(folder), split, None)
        figures = class_figures(classifier.model, texts, recipe.training.tokens, each)
    return {"data": name_of(config, split), **figures, "texts": len(texts)}


def data_of(trained_on: DataConfig, data: Where, split: str) -> DataConfig:
    """What to evaluate on, as a recipe would say it: a named set, or the file of its test split.

    All else that the recipe says of its data, such as its filters, holds here too, but for what was learnt
    beside it.
    """
    if data is None:
        if not trained_on.sets and trained_on.test is None and split == "test":
            raise UserError("this model's recipe names no test data; say what to evaluate on: --data FILE")
        return trained_on.model_copy(update={"more": None})
    of_set = not isinstance(data, tuple) and names_set(data)
    # Languages of a named set mean nothing in a file, nor columns of a file in a named set.
    alike = bool(trained_on.sets) == of_set and not isinstance(data, tuple)
    changed: dict[str, Any] = {} if alike else dict.fromkeys(("source", "target", "text", "label"))
    changed |= dict.fromkeys(("name", "train", "validation", "test", "more"))
    if of_set:
        return trained_on.model_copy(update=changed | {"name": str(data)})
    if split != "test":
        raise UserError(f"--split {split}: a file has no splits; leave --split out")
    files = (Path(data[0]), Path(data[1])) if isinstance(data, tuple) else Path(data)
    if isinstance(files, tuple):
        for option, file in zip(("--source ", "--target "), files, strict=True):
            check_file(file, option)
    else:
        check_file(files)
    return trained_on.model_copy(update=changed | {"train": files, "test": files})


def name_of(data: DataConfig, split: str) -> str:
    """What is evaluated on, in words."""
    if data.sets:
        return f"{'+'.join(data.sets)} ({split})"
    chosen = {"train": data.train, "validation": data.validation}.get(split, data.test)
    if isinstance(chosen, tuple):
        return " and ".join(map(str, chosen))
    return str(chosen or f"{data.train} ({split})")


def name_of_pairs(data: DataConfig, split: str) -> str:
    """The same of pairs: with the languages of a set that has more than two.

    Example:
        >>> name_of_pairs(DataConfig(name="multi30k", target="de"), "test_2016")
        'multi30k, en to de (test_2016)'
    """
    if not any(len(named(name).languages) > 2 for name in data.sets):
        return name_of(data, split)
    source, target = (side if isinstance(side, str) else None for side in (data.source, data.target))
    pair = " to ".join(languages(data.sets[0], source, target))
    return f"{'+'.join(data.sets)}, {pair} ({split})"
