"""What a run that goes on must find as it was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regard.errors import UserError


def refuse_changes(folder: Path, what: str, saved: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Make sure that a run goes on with what it began with.

    Args:
        folder: of the run.
        what: is compared, in a word, such as ``"recipe"``.
        saved: what the run began with, by key.
        wanted: what it would go on with.

    Raises:
        UserError: they differ; the message names each key with both values.

    Example:
        >>> refuse_changes(Path("runs/1"), "recipe", {"seed": 1}, {"seed": 2})
        Traceback (most recent call last):
        ...
        regard.errors.UserError: runs/1: cannot continue with changed recipe: seed was 1, is 2. Put it ...
    """
    changed = sorted(key for key in saved.keys() | wanted.keys() if saved.get(key) != wanted.get(key))
    if changed:
        told = "; ".join(f"{key} was {saved.get(key)!r}, is {wanted.get(key)!r}" for key in changed)
        raise UserError(
            f"{folder}: cannot continue with changed {what}: {told}. Put it back, or choose another folder."
        )
