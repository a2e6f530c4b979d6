"""Looking inside a model: capture what it attends to, and draw it."""

from regard.lens.axis import Tokens
from regard.lens.capture import (
    DisagreementError,
    LayerAttention,
    NoGradientError,
    NothingSeenError,
    Seen,
    Summary,
    look,
)
from regard.lens.editing import Edits, NoSuchHeadError, NothingEditedError, edit
from regard.lens.embeddings import Neighbour, embeddings_picture, neighbours, principal_plane
from regard.lens.foreign_tokens import tokens_of
from regard.lens.gates import gate_maps
from regard.lens.map import AttentionMap, join_subwords
from regard.lens.names import attention_places, choose_places, place_name
from regard.lens.patch_grid import PatchGrid
from regard.lens.picture import PictureError, heads_picture, picture
from regard.lens.positions import position_encoding, positions_picture
from regard.lens.terminal import HeatMap

__all__ = [
    "AttentionMap",
    "DisagreementError",
    "Edits",
    "HeatMap",
    "LayerAttention",
    "Neighbour",
    "NoGradientError",
    "NoSuchHeadError",
    "NothingEditedError",
    "NothingSeenError",
    "PatchGrid",
    "PictureError",
    "Seen",
    "Summary",
    "Tokens",
    "attention_places",
    "choose_places",
    "edit",
    "embeddings_picture",
    "gate_maps",
    "heads_picture",
    "join_subwords",
    "look",
    "neighbours",
    "picture",
    "place_name",
    "position_encoding",
    "positions_picture",
    "principal_plane",
    "tokens_of",
]
