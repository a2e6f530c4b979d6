"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# A busy machine is not a fault: no generated case may fail for the time that it took.
settings.register_profile("regard", deadline=None)
settings.load_profile("regard")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``classes/`` (dark, light), ``masks/`` (images, masks), ``good/`` and ``parts/`` (train, test)."""
    from toy_pictures import blob, save

    root, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for number in range(24):
        picture, mask = blob(random)
        for split, first in (("train", 0), ("test", 18)):
            if (number >= 18) == (first > 0):
                save(root / "classes" / split / "dark" / f"{number}.png", picture // 3)
                save(root / "classes" / split / "light" / f"{number}.png", 255 - picture // 3)
                save(root / "masks" / split / "images" / f"{number}.png", picture)
                save(root / "masks" / split / "masks" / f"{number}.png", mask)
                save(root / "parts" / split / "good" / f"{number}.png", picture)
        scratched = picture.copy()
        scratched[7:9] = 255
        if number >= 18:
            save(root / "parts" / "test" / "scratch" / f"{number}.png", scratched)
    return root


@pytest.fixture(scope="session")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model folder for each task."""
    from toy_pictures import MODELS, table

    from regard.tasks import parse_recipe, train

    root = tmp_path_factory.mktemp("models")
    return {task: train(parse_recipe(table(task, pictures)), root / task) for task in MODELS}
