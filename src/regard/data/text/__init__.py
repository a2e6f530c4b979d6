"""Text from files and named sets, tokenizers, and encoded corpora.

Names are looked up on first use, so that importing a part that needs no torch does not load it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regard.data.text.batches import PairBatch as PairBatch
    from regard.data.text.batches import TextBatch as TextBatch
    from regard.data.text.batches import collate_labelled as collate_labelled
    from regard.data.text.batches import collate_pairs as collate_pairs
    from regard.data.text.batches import collate_sources as collate_sources
    from regard.data.text.batches import labelled_batch as labelled_batch
    from regard.data.text.batches import pair_batch as pair_batch
    from regard.data.text.blocks import BlockPlan as BlockPlan
    from regard.data.text.blocks import Documents as Documents
    from regard.data.text.blocks import TextCorpus as TextCorpus
    from regard.data.text.build import build_corpus as build_corpus
    from regard.data.text.config import DataConfig as DataConfig
    from regard.data.text.config import FilterConfig as FilterConfig
    from regard.data.text.config import MoreConfig as MoreConfig
    from regard.data.text.config import TokenizerConfig as TokenizerConfig
    from regard.data.text.corpus import EncodedCorpus as EncodedCorpus
    from regard.data.text.filters import FilterReport as FilterReport
    from regard.data.text.filters import PairFilter as PairFilter
    from regard.data.text.labelled import Labelled as Labelled
    from regard.data.text.labelled import Labels as Labels
    from regard.data.text.labelled import read_labelled as read_labelled
    from regard.data.text.lines import read_lines as read_lines
    from regard.data.text.named_splits import load_split as load_split
    from regard.data.text.pairs import Pair as Pair
    from regard.data.text.pairs import read_pairs as read_pairs
    from regard.data.text.references import grouped as grouped
    from regard.data.text.splits import labelled_of as labelled_of
    from regard.data.text.splits import pairs_of as pairs_of
    from regard.data.text.splits import texts_of as texts_of
    from regard.data.text.subwords import recut as recut
    from regard.data.text.tokenizer import Tokenizer as Tokenizer

_HOME = {
    "BlockPlan": "blocks",
    "DataConfig": "config",
    "Documents": "blocks",
    "EncodedCorpus": "corpus",
    "FilterConfig": "config",
    "FilterReport": "filters",
    "Labelled": "labelled",
    "Labels": "labelled",
    "MoreConfig": "config",
    "Pair": "pairs",
    "PairBatch": "batches",
    "PairFilter": "filters",
    "TextBatch": "batches",
    "TextCorpus": "blocks",
    "Tokenizer": "tokenizer",
    "TokenizerConfig": "config",
    "build_corpus": "build",
    "collate_labelled": "batches",
    "collate_pairs": "batches",
    "collate_sources": "batches",
    "grouped": "references",
    "labelled_batch": "batches",
    "labelled_of": "splits",
    "load_split": "named_splits",
    "pair_batch": "batches",
    "pairs_of": "splits",
    "read_labelled": "labelled",
    "read_lines": "lines",
    "read_pairs": "pairs",
    "recut": "subwords",
    "texts_of": "splits",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"regard.data.text.{_HOME[name]}"), name)
    raise AttributeError(f"module 'regard.data.text' has no attribute {name!r}")
