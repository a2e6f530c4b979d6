"""Attention as a module: the one place from which a model calls :func:`attend`, and where one can look."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from regard.attention.attend import Attended
from regard.attention.combinations import refuse_nonsense
from regard.attention.config import AttentionConfig
from regard.attention.local_predictive import LocalPredictive
from regard.attention.overridable import overridable_attend
from regard.attention.scopes import Band, Causal, Global, LocalMonotonic, Others, Scope, Window
from regard.attention.scores import Additive, Dot, General, ScaledDot, Score, TemperedDot
from regard.attention.selections import Entmax15, Hard, Selection, Sigmoid, Soft, Sparsemax

_GLOBAL = Global()


class Attention(nn.Module):
    """A score, a scope and a selection, ready to be called.

    Args:
        score: how alike a query and a key are.
        selection: how scores become weights.
        scope: where any query may look; a call may narrow it.
        dropout: probability with which a weight is dropped while training.

    Example:
        >>> import torch
        >>> attention = Attention(ScaledDot(), Soft(), scope=Causal())
        >>> states = torch.zeros(2, 4, 5, 8)
        >>> attention(states, states, states).context.shape
        torch.Size([2, 4, 5, 8])
    """

    def __init__(
        self, score: Score, selection: Selection, *, scope: Scope = _GLOBAL, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.score = score
        self.selection = selection
        self.scope = scope
        self.dropout = dropout
        learnt = [part for part in scope.parts if isinstance(part, nn.Module)]
        if learnt and not isinstance(scope, nn.Module):
            self.scope_parts = nn.ModuleList(learnt)  # of a scope joined by &, which is no module

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        scope: Scope = _GLOBAL,
        slopes: Tensor | None = None,
        first_query: int | None = None,
        rows: Literal["all"] | Tensor | None = None,
        prepared: bool = False,
    ) -> Attended:
        """Attend within `scope` and the module's own; arguments and errors are those of :func:`attend`."""
        return overridable_attend(
            query,
            key,
            value,
            score=self.score,
            scope=scope & self.scope,
            selection=self.selection,
            slopes=slopes,
            dropout=self.dropout,
            first_query=first_query,
            rows=rows,
            training=self.training,
            prepared=prepared,
        )

    @property
    def folds(self) -> bool:
        """Whether queries that stand at one position may be given as neighbours: nobody's position counts."""
        return not any(isinstance(part, (Band, Causal, Others)) for part in self.scope.parts)

    def extra_repr(self) -> str:
        """What is no module, for printing."""
        shown = [f"{name}={part!r}" for name, part in self._plain_parts()]
        return ", ".join([*shown, f"dropout={self.dropout}"])

    def _plain_parts(self) -> list[tuple[str, object]]:
        parts = {"score": self.score, "scope": self.scope, "selection": self.selection}
        return [(name, part) for name, part in parts.items() if not isinstance(part, nn.Module)]


def build_attention(
    config: AttentionConfig,
    *,
    query_dim: int,
    key_dim: int,
    heads: int,
    dropout: float,
    causal: bool = False,
) -> Attention:
    """Build what a recipe describes.

    Args:
        config: the recipe's words.
        query_dim: size of a head's query.
        key_dim: size of a head's key; also the hidden size of an additive score.
        heads: query heads; scores and local-p have parameters of their own for each.
        dropout: of the weights; a hard selection has one weight and ignores it.
        causal: no query may look ahead.

    Raises:
        ValueError: a combination that makes no sense.

    Example:
        >>> build_attention(AttentionConfig(score="dot"), query_dim=8, key_dim=8, heads=2, dropout=0.1)
        Attention(score=Dot(), scope=Global(), selection=Soft(), dropout=0.1)
    """
    selection = _selection(config)
    scope: Scope = Causal() if causal else Global()
    scope = scope & _scope(config, query_dim, heads)
    dropout = 0.0 if isinstance(selection, Hard) else dropout
    refuse_nonsense(scope, selection, dropout)
    return Attention(_score(config, query_dim, key_dim, heads), selection, scope=scope, dropout=dropout)


def _score(config: AttentionConfig, query_dim: int, key_dim: int, heads: int) -> Score:
    match config.score:
        case "dot":
            return Dot()
        case "scaled-dot":
            return ScaledDot()
        case "tempered-dot":
            return TemperedDot(query_dim, heads)
        case "general":
            return General(query_dim, key_dim, heads)
        case "additive":
            return Additive(query_dim, key_dim, key_dim, heads)


def _scope(config: AttentionConfig, query_dim: int, heads: int) -> Scope:
    match config.scope:
        case "global":
            return Global()
        case "others":
            return Others()
        case "window":
            return Window(config.window)
        case "local-m":
            return LocalMonotonic(config.window)
        case "local-p":
            return LocalPredictive(query_dim, config.window, heads=heads)


def _selection(config: AttentionConfig) -> Selection:
    match config.selection:
        case "soft":
            return Soft()
        case "sparsemax":
            return Sparsemax()
        case "entmax15":
            return Entmax15()
        case "sigmoid":
            return Sigmoid()
        case "hard":
            return Hard("reinforce", expected=config.expected)
        case "gumbel":
            return Hard("gumbel", config.temperature)
