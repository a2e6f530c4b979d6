"""One row of a set of pictures, before it is read."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from regard.data.images.reading import Mask, Picture


@dataclass(frozen=True)
class Example:
    """A picture and what belongs to it, by name.

    Attributes:
        name: of the picture's file in its place.
        page: of a TIFF stack, else None.
        label: its class, or the kind of its defect; empty where there is none.
        masks: names of its masks: one, whose values are classes, or several, one an instance.
    """

    name: str
    page: int | None = None
    label: str = ""
    masks: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name, and the page where there is one."""
        return self.name if self.page is None else f"{self.name}, page {self.page}"


@dataclass(frozen=True)
class Loaded:
    """What was read for an example.

    Attributes:
        pixels: [height, width, channels].
        mask: values as they are in the file, or numbers of instances from 1, [height, width]; or None.
        kind: the kind of picture, where the set tells kinds apart.
    """

    pixels: Picture
    mask: Mask | None = None
    kind: str = ""


Load = Callable[[Example], Loaded]
Opening = Callable[[], AbstractContextManager[Load]]
