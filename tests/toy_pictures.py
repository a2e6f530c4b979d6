"""Small pictures, and recipes for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = 16


def blob(random: np.random.Generator, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """A noisy picture with a bright disc in it, and the disc's mask."""
    down, right = np.mgrid[:size, :size]
    centre = random.integers(4, size - 4, 2)
    disc = (down - centre[0]) ** 2 + (right - centre[1]) ** 2 < random.integers(6, 14)
    picture = 40 + 150 * disc + random.integers(0, 30, (size, size))
    return picture.astype(np.uint8), (255 * disc).astype(np.uint8)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


MODELS: dict[str, dict[str, Any]] = {
    "image-classification": {"network": "vit", "width": 16, "layers": 2, "heads": 2, "patch": 4},
    "segmentation": {"width": 4, "depth": 2, "attention_gates": True, "bottleneck_attention": 1, "heads": 2},
    "denoising": {"width": 4, "depth": 2},
    "anomaly-detection": {"width": 4, "depth": 2},
}
FOLDERS = {
    "image-classification": "classes",
    "segmentation": "masks",
    "denoising": "parts",
    "anomaly-detection": "parts",
}


def table(task: str, root: Path, **sections: Any) -> dict[str, Any]:
    """A recipe of two epochs."""
    return {
        "task": task,
        "data": {"train": str(root / FOLDERS[task]), "channels": "grey", "hold_out": 0.25},
        "model": MODELS[task],
        "training": {"epochs": 2, "images": 8, "learning_rate": 0.01, "log_every": 1},
        **({"false_alarms": 0.3} if task == "anomaly-detection" else {}),
        **sections,
    }
