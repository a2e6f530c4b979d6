"""Text from files and named sets, tokenizers, encoded corpora and the batch plan.

Names are looked up on first use, so that importing a part that needs no torch does not load it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regard.data.batches import PairBatch as PairBatch
    from regard.data.batches import TextBatch as TextBatch
    from regard.data.batches import collate_labelled as collate_labelled
    from regard.data.batches import collate_pairs as collate_pairs
    from regard.data.batches import collate_sources as collate_sources
    from regard.data.batches import labelled_batch as labelled_batch
    from regard.data.batches import pair_batch as pair_batch
    from regard.data.blocks import BlockPlan as BlockPlan
    from regard.data.blocks import Documents as Documents
    from regard.data.blocks import TextCorpus as TextCorpus
    from regard.data.build import build_corpus as build_corpus
    from regard.data.catalogue import load_split as load_split
    from regard.data.config import DataConfig as DataConfig
    from regard.data.config import FilterConfig as FilterConfig
    from regard.data.config import TokenizerConfig as TokenizerConfig
    from regard.data.corpus import EncodedCorpus as EncodedCorpus
    from regard.data.filters import FilterReport as FilterReport
    from regard.data.filters import PairFilter as PairFilter
    from regard.data.labelled import Labelled as Labelled
    from regard.data.labelled import Labels as Labels
    from regard.data.labelled import read_labelled as read_labelled
    from regard.data.lines import read_lines as read_lines
    from regard.data.pairs import Pair as Pair
    from regard.data.pairs import read_pairs as read_pairs
    from regard.data.plan import BatchPlan as BatchPlan
    from regard.data.references import grouped as grouped
    from regard.data.splits import labelled_of as labelled_of
    from regard.data.splits import pairs_of as pairs_of
    from regard.data.splits import texts_of as texts_of
    from regard.data.subwords import recut as recut
    from regard.data.tokenizer import Tokenizer as Tokenizer

_HOME = {
    "BatchPlan": "plan",
    "BlockPlan": "blocks",
    "DataConfig": "config",
    "Documents": "blocks",
    "EncodedCorpus": "corpus",
    "FilterConfig": "config",
    "FilterReport": "filters",
    "Labelled": "labelled",
    "Labels": "labelled",
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
    "load_split": "catalogue",
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
        return getattr(import_module(f"regard.data.{_HOME[name]}"), name)
    raise AttributeError(f"module 'regard.data' has no attribute {name!r}")
