"""What a recipe says about attention."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_ONLY_OF: dict[str, tuple[str, tuple[str, ...]]] = {
    "window": ("scope", ("window", "local-m", "local-p")),
    "temperature": ("selection", ("gumbel",)),
    "expected": ("selection", ("hard",)),
}
"""What only some scopes or selections read; elsewhere it would be passed over in silence."""


class AttentionConfig(BaseModel):
    """One score, one scope, one selection.

    Attributes:
        score: how alike a query and a key are.
        scope: where a query may look, besides what the model itself demands (causal, padding).
        selection: how scores become weights; ``hard`` learns by REINFORCE, ``gumbel`` straight through.
        window: keys on each side, for the scopes that have a window.
        temperature: of the Gumbel softmax.
        expected: of ``hard``: share of queries that take soft weights while training.

    Raises:
        ValidationError: a key that there is not, or that this scope or selection does not read.

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
    def _is_of_use(self) -> Self:
        for name, (of, kinds) in _ONLY_OF.items():
            kind = getattr(self, of)
            if kind not in kinds and getattr(self, name) != type(self).model_fields[name].default:
                owners = " or ".join(f'"{owner}"' for owner in kinds)
                raise ValueError(f'{name} is of {of} {owners}, and this is "{kind}"')
        return self
