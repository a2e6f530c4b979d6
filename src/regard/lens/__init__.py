"""Looking inside a model: capture what it attends to, and draw it."""

from regard.lens.axis import Tokens
from regard.lens.capture import Captured, look
from regard.lens.map import AttentionMap, join_subwords
from regard.lens.names import attention_places, choose_places, place_name

__all__ = [
    "AttentionMap",
    "Captured",
    "Tokens",
    "attention_places",
    "choose_places",
    "join_subwords",
    "look",
    "place_name",
]
