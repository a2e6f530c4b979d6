"""Tiny models of Hugging Face, each saved once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_foreign

Folder = Callable[[str], Path]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The folder of a tiny model, by name."""
    made: dict[str, Path] = {}

    def find(name: str) -> Path:
        if name not in made:
            made[name] = getattr(tiny_foreign, name)(tmp_path_factory.mktemp(name))
        return made[name]

    return find
