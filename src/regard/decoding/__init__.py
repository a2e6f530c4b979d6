"""Decoding: greedy search, beam search and sampling over any model that predicts one token at a time."""

from regard.decoding.batches import decode_batches
from regard.decoding.config import DecodingConfig
from regard.decoding.hypothesis import Hypothesis
from regard.decoding.scoring import score
from regard.decoding.search import generate, search
from regard.decoding.steps import LanguageSteps, Steps, TranslationSteps

__all__ = [
    "DecodingConfig",
    "Hypothesis",
    "LanguageSteps",
    "Steps",
    "TranslationSteps",
    "decode_batches",
    "generate",
    "score",
    "search",
]
