"""TIFF stacks that stay open: each page is found once, and not from the beginning for every page."""

import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from PIL import Image

# Others that pillow knows are rarely pictures to learn from, and some of them run foreign programs.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF")


class Stack:
    """A stack that any number of threads read; each has a decoder of its own.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._own = threading.local()
        self._alone = threading.Lock()
        self._opened: list[Image.Image] = []

    def image(self) -> Image.Image:
        """The file as this thread has it open, at any page."""
        if not hasattr(self._own, "image"):
            stream = self.path.open("rb")
            try:
                self._own.image = Image.open(stream, formats=FORMATS)
            except BaseException:
                stream.close()
                raise
            with self._alone:
                self._opened.append(self._own.image)
        image: Image.Image = self._own.image
        return image

    def let_go(self) -> None:
        """Has this thread open it anew: a decoder that failed would give half pictures, and say nothing."""
        if hasattr(self._own, "image"):
            failed = self._own.image
            del self._own.image
            with self._alone:  # not by remove(): images are equal where their pixels are
                self._opened = [image for image in self._opened if image is not failed]
            failed.close()

    def close(self) -> None:
        """Closes it, for all threads."""
        with self._alone:
            for image in self._opened:
                image.close()
            self._opened.clear()


class Stacks:
    """Stacks by name, open for as long as a block lasts; see `regard.data.images.members.Members`.

    Args:
        place: of the pictures.
        paths: of each file.
    """

    def __init__(self, place: Path, paths: Mapping[str, Path]) -> None:
        self.place = place
        self.names: tuple[str, ...] = tuple(paths)
        self._stacks = {name: Stack(path) for name, path in paths.items()}

    def open(self, name: str) -> Stack:
        """The stack."""
        return self._stacks[name]

    def where(self, name: str) -> str:
        """The file's path."""
        return str(self._stacks[name].path)

    def __enter__(self) -> "Stacks":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stack in self._stacks.values():
            stack.close()
