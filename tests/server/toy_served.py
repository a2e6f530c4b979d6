"""What is served in tests: small models of texts with random weights, small pictures, low limits."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from regard.server import Limits

LIMITS = Limits(
    body=200_000, pixels=10_000, characters=500, stream_characters=2_000, weights=20_000, beam=4, length=20
)
SENTENCES = ["The cat sat on the mat.", "The dog saw the cat.", "How are you?", "A red dog sees one cat."]
FRENCH = ["Le chat s'est assis.", "Le chien a vu le chat.", "Comment allez-vous ?", "Un chien rouge."]


def png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def recipe(task: str) -> Any:
    from regard.tasks import parse_recipe

    return parse_recipe(
        {
            "task": task,
            "data": {"train": "pairs.tsv"},
            "tokenizer": {"kind": "word", "min_frequency": 1},
            "model": {"width": 16, "layers": 2, "heads": 2},
            "decoding": {"max_extra": 4, "max_ratio": 1.0, "beam": 2},
        }
    )


def save_translator(folder: Path) -> Path:
    from regard.tasks.text.translator import new_model
    from regard.tasks.text.vocabularies import Vocabularies

    made = recipe("translation")
    vocabularies = Vocabularies.train(list(zip(SENTENCES, FRENCH, strict=True)) * 4, made.tokenizer)
    torch.manual_seed(0)
    return _saved(folder, new_model(made, vocabularies), made, vocabularies.named(), {})


def save_generator(folder: Path) -> Path:
    from regard.data.text import Tokenizer
    from regard.tasks.text.generator import new_model

    made = recipe("language-modelling")
    tokenizer = Tokenizer.train(SENTENCES * 4, made.tokenizer)
    torch.manual_seed(0)
    return _saved(folder, new_model(made, tokenizer), made, {"": tokenizer}, {})


def save_classifier(folder: Path) -> Path:
    from regard.data.text import Tokenizer
    from regard.tasks.text.classifier import new_model

    made, classes = recipe("text-classification"), ["good", "bad"]
    tokenizer = Tokenizer.train(SENTENCES * 4, made.tokenizer)
    torch.manual_seed(0)
    built = new_model(made, tokenizer, classes)
    return _saved(folder, built, made, {"": tokenizer}, {"classes": classes})


def _saved(folder: Path, model: Any, made: Any, tokenizers: Any, metrics: dict[str, Any]) -> Path:
    from regard.tasks import save_model

    save_model(folder, model=model, recipe=made, tokenizers=tokenizers, metrics=metrics, card="# A model\n")
    return folder
