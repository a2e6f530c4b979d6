"""Text from files and named sets, tokenizers, encoded corpora and the batch plan.

Names are looked up on first use, so that importing a part that needs no torch does not load it.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "Tokenizer": "tokenizer",
    "TokenizerConfig": "config",
    "DataConfig": "config",
    "FilterConfig": "config",
    "Pair": "pairs",
    "read_pairs": "pairs",
    "read_lines": "lines",
    "Labelled": "labelled",
    "read_labelled": "labelled",
    "PairFilter": "filters",
    "FilterReport": "filters",
    "load_split": "catalogue",
    "pairs_of": "splits",
    "texts_of": "splits",
    "labelled_of": "splits",
    "grouped": "references",
    "EncodedCorpus": "corpus",
    "build_corpus": "build",
    "BatchPlan": "plan",
    "BlockPlan": "blocks",
    "TextCorpus": "blocks",
    "PairBatch": "batches",
    "TextBatch": "batches",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"regard.data.{_HOME[name]}"), name)
    raise AttributeError(f"module 'regard.data' has no attribute {name!r}")
