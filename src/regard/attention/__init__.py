"""What attention is: score × scope × selection, through one door, :func:`attend`."""

from regard.attention.attend import Attended, attend
from regard.attention.config import AttentionConfig
from regard.attention.dropout import dropout
from regard.attention.local_predictive import LocalPredictive
from regard.attention.module import Attention, build_attention
from regard.attention.scopes import (
    Causal,
    Documents,
    Global,
    LocalMonotonic,
    Others,
    Padding,
    Scope,
    Window,
)
from regard.attention.scores import Additive, Dot, General, ScaledDot, Score, TemperedDot
from regard.attention.selections import Entmax15, Hard, Selection, Sigmoid, Soft, Sparsemax

__all__ = [
    "Additive",
    "Attended",
    "Attention",
    "AttentionConfig",
    "Causal",
    "Documents",
    "Dot",
    "Entmax15",
    "General",
    "Global",
    "Hard",
    "LocalMonotonic",
    "LocalPredictive",
    "Others",
    "Padding",
    "ScaledDot",
    "Scope",
    "Score",
    "Selection",
    "Sigmoid",
    "Soft",
    "Sparsemax",
    "TemperedDot",
    "Window",
    "attend",
    "build_attention",
    "dropout",
]
