"""TIFF stacks that stay open: each page is found once, and not from the beginning for every page."""

import threading
from pathlib import Path

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

    def __str__(self) -> str:
        return str(self.path)

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
