"""The checkpoints of a run: which there are, which are kept, which one to go on from.

`state-N` holds all that update N+1 needs. `weights-N` holds only the model, for the average at the end
and for the best one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from regard.errors import UserError
from regard.training.checkpoint import (
    Checkpoint,
    DamagedCheckpointError,
    checkpoint_names,
    delete_checkpoint,
    delete_leftovers,
    load_checkpoint,
    load_facts,
    read_facts,
    save_checkpoint,
)
from regard.training.state import RunState

_KEPT_STATES = 2  # the latest, and one before it should the latest be damaged


@dataclass(frozen=True)
class Found:
    """A checkpoint to go on from, and what is wrong with later ones that cannot be used."""

    name: str
    skipped: list[str]


@dataclass(frozen=True)
class Archive:
    """The checkpoints in a folder.

    Example:
        >>> import tempfile
        >>> import torch
        >>> archive = Archive(Path(tempfile.mkdtemp()))
        >>> archive.save_weights(5, {"w": torch.ones(1)})
        >>> archive.save_state(RunState(update=5, recent=[5]), {}, {"seed": 1})
        >>> archive.latest().name
        'state-00000005'
    """

    folder: Path

    def exists(self) -> bool:
        """Whether a run has left a state here, whole or not."""
        return bool(checkpoint_names(self.folder, "state-"))

    def save_weights(self, update: int, tensors: Mapping[str, Tensor]) -> None:
        """Keep a model's weights."""
        save_checkpoint(self.folder, _name("weights", update), tensors, {"update": update})

    def save_state(self, state: RunState, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Keep a state, then remove what neither it nor the one before it needs."""
        plain = {"run": state.plain(), **facts}
        save_checkpoint(self.folder, _name("state", state.update), tensors, plain)
        self._prune()

    def latest(self) -> Found | None:
        """The latest whole state whose weights are whole too; None where no run has left a state.

        Raises:
            UserError: there are states, and all are damaged.
        """
        skipped: list[str] = []
        for name in checkpoint_names(self.folder, "state-"):
            try:
                state = RunState.from_plain(load_facts(self.folder, name)["run"])
                for update in state.weights_needed():
                    load_facts(self.folder, _name("weights", update))
            except DamagedCheckpointError as error:
                skipped.append(str(error))
            else:
                return Found(name, skipped)
        if skipped:
            raise UserError(
                "No whole checkpoint to continue from: "
                + "; ".join(skipped)
                + ". Start again in another folder."
            )
        return None

    def forget_after(self, name: str) -> None:
        """Remove later states, which could not be read: they must not count among those that are kept."""
        for later in checkpoint_names(self.folder, "state-"):
            if later > name:
                delete_checkpoint(self.folder, later)

    def load(self, name: str) -> Checkpoint:
        """Read a checkpoint by its name."""
        return load_checkpoint(self.folder, name)

    def weights(self, updates: list[int]) -> dict[str, Tensor]:
        """The weights of an update, or the mean of those of several (Vaswani et al. 2017, §6.1).

        Integers cannot be averaged: they are those of the last.
        """
        sums: dict[str, Tensor] = {}
        for update in updates:
            tensors = load_checkpoint(self.folder, _name("weights", update)).tensors
            if len(updates) == 1:
                return tensors
            for name, tensor in tensors.items():
                wide = tensor.double() if tensor.is_floating_point() else tensor
                before = sums.get(name)
                sums[name] = wide if before is None or not tensor.is_floating_point() else before.add_(wide)
        return {
            name: (total / len(updates)).to(tensors[name].dtype) if total.is_floating_point() else total
            for name, total in sums.items()
        }

    def clean(self) -> None:
        """Remove what a killed run left half-written."""
        delete_leftovers(self.folder)

    def _prune(self) -> None:
        states = checkpoint_names(self.folder, "state-")
        needed = set(states[:_KEPT_STATES])
        for name in states[:_KEPT_STATES]:
            try:
                state = RunState.from_plain(read_facts(self.folder, name)["run"])
            except DamagedCheckpointError:
                continue
            needed |= {_name("weights", update) for update in state.weights_needed()}
        for name in [*states, *checkpoint_names(self.folder, "weights-")]:
            if name not in needed:
                delete_checkpoint(self.folder, name)


def _name(kind: str, update: int) -> str:
    return f"{kind}-{update:08d}"
