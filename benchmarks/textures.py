"""Pictures of three real textures, some with defects, as an anomaly detector is trained and tested on.

python -m benchmarks.textures FOLDER

Brick, grass and gravel come with scikit-image (CC0). The upper rows of each are for training, those below
for validation, the lowest for the test: no pixel is in two. The defects of the test are none of those that
training makes: stains, blurs, scratches, and blots of another of the three textures. All is drawn from a
seed, and written as `train/good`, `validation/good`, `test/KIND` and `ground_truth/KIND`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Texture = NDArray[np.float64]
# A place in a picture, by how strongly the defect shows there, from 0 to 1.
Place = NDArray[np.float64]

NAMES = ("brick", "grass", "gravel")
SIDE = 96
ROWS = {"train": (0, 300), "validation": (300, 400), "test": (400, 512)}
PICTURES = {"train": 320, "validation": 80, "test": 40}  # of the test, so many of each kind


def blot(random: np.random.Generator) -> Place:
    """A smooth irregular spot: the sum of a few bells, its border soft."""
    from scipy.ndimage import gaussian_filter

    rows, columns = np.mgrid[:SIDE, :SIDE]
    middle = random.uniform(SIDE * 0.25, SIDE * 0.75, 2)
    place = np.zeros((SIDE, SIDE))
    for _ in range(4):
        row, column = middle + random.normal(0, 5, 2)
        place += np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * random.uniform(3, 7) ** 2))
    return np.asarray(gaussian_filter((place > 0.6).astype(float), 0.7))


def scratch_place(random: np.random.Generator) -> Place:
    """A curve of a pixel or two."""
    from scipy.ndimage import gaussian_filter

    place = np.zeros((SIDE, SIDE))
    along = np.linspace(0, 1, 4 * SIDE)[:, None]
    first, bend, last = random.uniform(8, SIDE - 8, (3, 2))
    curve = (1 - along) ** 2 * first + 2 * along * (1 - along) * bend + along**2 * last
    at = np.rint(curve).astype(int)
    place[at[:, 0], at[:, 1]] = 1
    thick = gaussian_filter(place, random.uniform(0.6, 0.9))
    return np.asarray(thick / thick.max())


def stain(good: Texture, other: Texture, random: np.random.Generator) -> tuple[Texture, Place]:
    """Darker, or lighter."""
    place = blot(random)
    return np.clip(good + random.choice([-1, 1]) * random.uniform(0.15, 0.3) * place, 0, 1), place


def blur(good: Texture, other: Texture, random: np.random.Generator) -> tuple[Texture, Place]:
    """Worn smooth."""
    from scipy.ndimage import gaussian_filter

    place = blot(random)
    return good + place * (gaussian_filter(good, 3) - good), place


def scratch(good: Texture, other: Texture, random: np.random.Generator) -> tuple[Texture, Place]:
    """A thin line, dark or bright."""
    place = scratch_place(random)
    return good + 0.8 * place * (float(random.choice([0.05, 0.95])) - good), place


def foreign(good: Texture, other: Texture, random: np.random.Generator) -> tuple[Texture, Place]:
    """A piece of another texture, of the same mean."""
    place = blot(random)
    return np.clip(good + place * (other - other.mean() + good.mean() - good), 0, 1), place


DEFECTS: dict[str, Callable[[Texture, Texture, np.random.Generator], tuple[Texture, Place]]] = {
    "stain": stain,
    "blur": blur,
    "scratch": scratch,
    "foreign": foreign,
}
# A defect that shows less than this is not one to be found.
SHOWN = 0.3


def crop(texture: Texture, split: str, random: np.random.Generator) -> Texture:
    """A square of the rows of a split."""
    first, last = ROWS[split]
    row, column = random.integers(first, last - SIDE + 1), random.integers(0, texture.shape[1] - SIDE + 1)
    return texture[row : row + SIDE, column : column + SIDE]


def save(path: Path, picture: Texture) -> None:
    """Fractions as a grey PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(picture * 255).astype(np.uint8)).save(path)


def write(folder: Path, texture: Texture, other: Texture, random: np.random.Generator) -> None:
    """All pictures of a texture."""
    for split, count in PICTURES.items():
        for number in range(count):
            save(folder / split / "good" / f"{number:03}.png", crop(texture, split, random))
    for kind, spoil in DEFECTS.items():
        for number in range(PICTURES["test"]):
            bad, place = spoil(crop(texture, "test", random), crop(other, "test", random), random)
            save(folder / "test" / kind / f"{number:03}.png", bad)
            save(folder / "ground_truth" / kind / f"{number:03}_mask.png", (place > SHOWN).astype(float))


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures of textures with defects.")
    parser.add_argument("folder", type=Path, help="where they are written; it must not be there yet")
    folder = parser.parse_args().folder
    if folder.exists():
        parser.error(f"{folder} is there already")
    from skimage import data

    textures = {name: getattr(data, name)() / 255 for name in NAMES}
    for number, name in enumerate(NAMES):
        other = textures[NAMES[(number + 1) % len(NAMES)]]
        write(folder / name, textures[name], other, np.random.default_rng(number))


if __name__ == "__main__":
    main()
