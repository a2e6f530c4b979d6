"""What a recipe says about attention."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AttentionConfig(BaseModel):
    """One score, one scope, one selection.

    Attributes:
        score: how alike a query and a key are.
        scope: where a query may look, besides what the model itself demands (causal, padding).
        selection: how scores become weights; ``hard`` learns by REINFORCE, ``gumbel`` straight through.
        window: keys on each side, for the scopes that have a window.
        temperature: of the Gumbel softmax.
        expected: of ``hard``: share of queries that take soft weights while training.

    Example:
        >>> AttentionConfig(score="general", scope="local-p").window
        10
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    score: Literal["dot", "scaled-dot", "tempered-dot", "general", "additive"] = "scaled-dot"
    scope: Literal["global", "others", "window", "local-m", "local-p"] = "global"
    selection: Literal["soft", "sparsemax", "entmax15", "sigmoid", "hard", "gumbel"] = "soft"
    window: int = Field(default=10, ge=1)
    temperature: float = Field(default=1.0, gt=0.0)
    expected: float = Field(default=0.0, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _draws(self) -> Self:
        if self.expected and self.selection != "hard":
            raise ValueError(f'expected is of selection "hard", and this is "{self.selection}"')
        return self
