"""Alignment: which word is the translation of which.

Attention says where a model looked, which is not the same: a decoder may look at a word's neighbour, or at
the end of the sentence, when it writes a word. How far the two agree is a figure, the alignment error rate.
"""

from regard.lens.alignment.error_rate import AlignmentScore, alignment_score
from regard.lens.alignment.extraction import links_of, word_weights
from regard.lens.alignment.links import Links, read_links

__all__ = ["AlignmentScore", "Links", "alignment_score", "links_of", "read_links", "word_weights"]
