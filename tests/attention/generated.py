"""Calls of attention, generated: every score, scope and selection, heads shared or not, slopes or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from regard.attention import (
    Additive,
    Attended,
    Causal,
    Documents,
    Dot,
    Entmax15,
    General,
    Global,
    Hard,
    LocalMonotonic,
    LocalPredictive,
    Others,
    Padding,
    ScaledDot,
    Scope,
    Score,
    Selection,
    Sigmoid,
    Soft,
    Sparsemax,
    TemperedDot,
    Window,
    attend,
)

DIM, VALUE_DIM = 3, 2
WIDE = torch.float64


@dataclass
class Call:
    """Inputs and options of one call of `attend`, in float64."""

    query: Tensor
    key: Tensor
    value: Tensor
    score: Score
    scope: Scope
    selection: Selection
    slopes: Tensor | None = None
    first_query: int | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def leaves(self) -> list[Tensor]:
        """All that a gradient can flow to."""
        modules = [part for part in (self.score, *self.scope.parts) if isinstance(part, nn.Module)]
        parameters = [parameter for module in modules for parameter in module.parameters()]
        slopes = [self.slopes] if self.slopes is not None and self.slopes.requires_grad else []
        return [self.query, self.key, self.value, *slopes, *parameters]

    def run(self, **options: Any) -> Attended:
        return attend(
            self.query,
            self.key,
            self.value,
            score=self.score,
            scope=self.scope,
            selection=self.selection,
            slopes=self.slopes,
            first_query=self.first_query,
            **(self.more | options),
        )

    def gradients(self, **options: Any) -> tuple[Tensor, list[Tensor]]:
        """The context, and the gradients of a fixed random projection of it."""
        context = self.run(**options).context
        direction = torch.randn(context.shape, generator=torch.Generator().manual_seed(9), dtype=WIDE)
        leaves = self.leaves()
        gradients = torch.autograd.grad(context, leaves, direction, allow_unused=True)
        return context, [
            torch.zeros_like(leaf) if gradient is None else gradient
            for leaf, gradient in zip(leaves, gradients, strict=True)
        ]


def scores(heads: int) -> dict[str, Score]:
    return {
        "dot": Dot(),
        "scaled dot": ScaledDot(),
        "tempered dot": TemperedDot(DIM, heads).to(WIDE),
        "tempered dot, shared": TemperedDot(DIM).to(WIDE),
        "general": General(DIM, DIM, heads).to(WIDE),
        "general, shared": General(DIM, DIM).to(WIDE),
        "additive": Additive(DIM, DIM, 4, heads).to(WIDE),
        "additive, shared": Additive(DIM, DIM, 4).to(WIDE),
        "additive, bias": _shifted(Additive(DIM, DIM, 4, heads, bias=True).to(WIDE)),
    }


def _shifted(score: Additive) -> Additive:
    """Away from a bias of zero, where a score with and without one would agree."""
    assert score.bias is not None
    nn.init.normal_(score.bias)
    return score


SELECTIONS: dict[str, Selection] = {
    "soft": Soft(),
    "sparsemax": Sparsemax(),
    "entmax15": Entmax15(),
    "sigmoid": Sigmoid(),
    "sigmoid, open": Sigmoid(bias=1.5),
    "hard": Hard(),
    "gumbel": Hard("gumbel"),
}

SCOPES = (
    "global",
    "causal",
    "window",
    "band",
    "local-m",
    "local-m causal",
    "local-p",
    "documents",
    "others",
    "others causal",
    "others window",
)


def scope_of(name: str, heads: int, keys: int, documents: Tensor) -> Scope:
    narrow = max(1, keys // 12)
    return {
        "global": Global(),
        "causal": Causal(),
        "window": Window(narrow),
        "band": Causal() & Window(2 * narrow, 3),
        "local-m": LocalMonotonic(narrow),
        "local-m causal": LocalMonotonic(narrow) & Causal(),
        "local-p": LocalPredictive(DIM, narrow, heads=heads).to(WIDE),
        "documents": Causal() & Documents(documents),
        "others": Others(),
        "others causal": Others() & Causal(),
        "others window": Others() & Window(narrow),
    }[name]


@st.composite
def calls(draw: st.DrawFn, selections: tuple[str, ...] = tuple(SELECTIONS)) -> Call:
    torch.manual_seed(draw(st.integers(0, 2**16)))
    batch, kv_heads = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    heads = kv_heads * draw(st.integers(1, 2))
    keys = draw(st.sampled_from([1, 2, 5, 14, 40]))
    scope_name = draw(st.sampled_from(SCOPES))
    queries = draw(st.integers(1, keys if scope_name == "documents" else 20))
    selection = draw(st.sampled_from(selections))
    if scope_name == "local-p" and selection in ("hard", "gumbel"):
        selection = "soft"
    scope = scope_of(scope_name, heads, keys, torch.randint(0, 3, (batch, keys)))
    if draw(st.booleans()):
        lengths = torch.randint(0, keys + 1, (batch,))  # a row may be padding only
        scope = scope & Padding(torch.arange(keys) < lengths[:, None])
    slopes = torch.rand(heads, dtype=WIDE, requires_grad=draw(st.booleans())) if draw(st.booleans()) else None
    score_name = draw(st.sampled_from(sorted(scores(1))))

    def leaf(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=WIDE, requires_grad=True)

    return Call(
        leaf(batch, heads, queries, DIM),
        leaf(batch, kv_heads, keys, DIM),
        leaf(batch, kv_heads, keys, VALUE_DIM),
        scores(heads)[score_name],
        scope,
        SELECTIONS[selection],
        slopes,
        draw(st.sampled_from([None, None, 0, 2])) if scope_name != "documents" else None,
    )
