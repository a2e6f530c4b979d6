"""Faithfulness: whether an answer really hangs on what a map says it comes from.

What a map names is taken away from the input, the most important first, and the model is asked again: the
sooner its answer falls, the better the map. And the other way round: it is put into an empty input. A map
that does no better than an order drawn by chance says nothing of the answer.
"""

from regard.lens.faithfulness.curves import Curves, Faithfulness, mean_of
from regard.lens.faithfulness.measure import Ask, faithfulness
from regard.lens.faithfulness.picture import faithfulness_picture

__all__ = ["Ask", "Curves", "Faithfulness", "faithfulness", "faithfulness_picture", "mean_of"]
