"""The figures of all heads of a model, over inputs of its own kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from regard.errors import UserError
from regard.lens import attention_places
from regard.lens.measures import HeadMeasures, HeadTable, Rows
from regard.tasks.foreign.model import ForeignModel

# Weights of a head that are held at once. Of longer texts, rows are measured that are spread evenly.
_MOST_WEIGHTS = 1 << 18
_FEWEST_ROWS = 8


def measure_heads(
    predictor: Any, inputs: Iterable[Any], *, advance: Callable[[], None] = lambda: None
) -> HeadTable:
    """What each head of a model does, on average over inputs.

    Args:
        predictor: of any task, or a model of Hugging Face's.
        inputs: texts or pictures. Of a text that is longer than 512 tokens some rows are measured, in a model
            of Hugging Face's.
        advance: is called after each input.

    Raises:
        UserError: the model has no attention, or there are no inputs.

    Example::

        table = measure_heads(regard.load("en-fr"), ["The cat sat on the mat."])
        [(head.place, head.head, head.role) for head in table.heads]
    """
    if not isinstance(predictor, ForeignModel) and not attention_places(predictor.model):
        raise UserError("this model has no attention, and so no heads to measure")
    measures = HeadMeasures()
    for given in inputs:
        if isinstance(predictor, ForeignModel):
            measures.add(_rows(predictor, given))
        else:
            result = predictor(given)
            for part in getattr(result, "parts", ()) or (result,):
                measures.add(part.attention.values())
        advance()
    try:
        return measures.table()
    except ValueError as error:
        raise UserError(str(error)) from None


def evenly(length: int, rows: int) -> list[int]:
    """So many positions, evenly spread.

    Example:
        >>> evenly(10, 3), evenly(2, 8)
        ([1, 5, 8], [0, 1])
    """
    rows = min(length, rows)
    return [(2 * row + 1) * length // (2 * rows) for row in range(rows)]


def _rows(predictor: ForeignModel, given: Any) -> list[Rows]:
    length = predictor.length(given)
    positions = evenly(length, max(_MOST_WEIGHTS // length, _FEWEST_ROWS))
    look = predictor(given, queries="all" if len(positions) == length else positions)  # type: ignore[operator]
    return [
        Rows(name, one.weights[0].float(), one.queries, one.length, look.axes(name)[1])
        for name, one in look.seen.items()
    ]
