"""The dials of training."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TrainingConfig(BaseModel):
    """How long, how fast and how carefully to train, whatever it is.

    Raises:
        pydantic.ValidationError: an unknown key, a wrong type, or both `updates` and `epochs`.

    Example:
        >>> TrainingConfig(epochs=3).schedule
        'inverse-square-root'
        >>> TrainingConfig(epochs=8).total(steps_per_epoch=100)
        800
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    updates: int | None = Field(
        default=None, ge=1, description="length of training, in updates of the weights"
    )
    epochs: int | None = Field(
        default=None, ge=1, description="length in passes over the data; 20 if neither"
    )
    accumulate: int = Field(default=1, ge=1, description="batches to an update")
    optimizer: Literal["adamw", "muon"] = Field(
        default="adamw", description="muon: Muon for the matrices inside the model, AdamW for the rest"
    )
    learning_rate: float = Field(default=1e-3, gt=0, description="at its peak")
    schedule: Literal["inverse-square-root", "cosine", "constant"] = "inverse-square-root"
    warmup: int | None = Field(
        default=None, ge=0, description="updates; a tenth of all, at most 4000, if not given"
    )
    weight_decay: float = Field(default=0.01, ge=0)
    betas: tuple[float, float] = Field(default=(0.9, 0.98), strict=False)  # TOML has no tuples
    clip: float = Field(default=1.0, ge=0, description="largest norm of the gradient; 0: as it comes")
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    average: int = Field(
        default=5, ge=1, description="last validations whose weights are averaged at the end"
    )
    validate_every: int | None = Field(default=None, ge=1, description="updates; once an epoch if not given")
    checkpoint_every: int | None = Field(
        default=None, ge=1, description="updates; at validations if not given"
    )
    log_every: int = Field(default=50, ge=1, description="updates")
    patience: int = Field(
        default=0, ge=0, description="validations without a better metric before stopping; 0: never"
    )
    metric: str = Field(default="loss", description="validation figure that says which weights are best")
    seed: int = Field(default=1, ge=0, lt=1 << 63, description="of dropout and of what else is drawn")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.updates is not None and self.epochs is not None:
            raise ValueError("updates and epochs are both given: keep one")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {self.betas}, not in [0, 1)")
        return self

    def total(self, steps_per_epoch: int) -> int:
        """Updates in the whole run."""
        return self.updates or max(1, (self.epochs or 20) * steps_per_epoch // self.accumulate)

    def validation_interval(self, steps_per_epoch: int) -> int:
        """Updates from one validation to the next."""
        return self.validate_every or max(1, round(steps_per_epoch / self.accumulate))

    def warmup_updates(self, total: int) -> int:
        """Updates until the learning rate is at its peak."""
        return min(4000, total // 10) if self.warmup is None else self.warmup
