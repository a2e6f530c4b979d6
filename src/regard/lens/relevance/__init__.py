"""Relevance: from the attention of all layers to what of the input an answer comes from.

Pure functions on weights, and on gradients by them. None of them is the truth: how far an answer really hangs
on what a map names is measured by `regard.lens.faithfulness`.
"""

from regard.lens.relevance.flow import flow
from regard.lens.relevance.generic import Relevance, gradient_attention, relevance
from regard.lens.relevance.rollout import rollout
from regard.lens.relevance.step import Step, joined

__all__ = [
    "Relevance",
    "Step",
    "flow",
    "gradient_attention",
    "joined",
    "relevance",
    "rollout",
]
