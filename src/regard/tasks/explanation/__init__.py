"""Explaining: what of an input an answer comes from, by several methods, and how faithful each is."""

from regard.tasks.explanation.answer import Answer
from regard.tasks.explanation.explain import Explanation, compared, explain, measured_places
from regard.tasks.explanation.methods import METHODS, Method

__all__ = ["METHODS", "Answer", "Explanation", "Method", "compared", "explain", "measured_places"]
