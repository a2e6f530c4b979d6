"""Faithfulness: whether an answer really hangs on what a map says it comes from.

What a map names is taken away from the input, the most important first, and the model is asked again: the
sooner its answer falls, the better the map. And the other way round: it is put into an empty input. A map
that does no better than an order drawn by chance says nothing of the answer.

A map carries a `MapFaithfulness`: of itself, or of its place over many inputs, which a model folder may hold
(`PlaceFigures`); or it says why it has none (`Unmeasured`).
"""

from regard.lens.faithfulness.curves import Curves, Faithfulness, mean_of
from regard.lens.faithfulness.measure import Ask, faithfulness
from regard.lens.faithfulness.picture import MOST_DRAWN, faithfulness_picture
from regard.lens.faithfulness.places import PlaceFigures
from regard.lens.map_faithfulness import Area, MapFaithfulness, Unmeasured

__all__ = [
    "MOST_DRAWN",
    "Area",
    "Ask",
    "Curves",
    "Faithfulness",
    "MapFaithfulness",
    "PlaceFigures",
    "Unmeasured",
    "faithfulness",
    "faithfulness_picture",
    "mean_of",
]
