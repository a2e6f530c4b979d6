"""Pictures that clients send: known by their content and their size before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from regard.data.images.reading import Picture, read_picture
from regard.data.images.stacks import FORMATS
from regard.server.errors import Refused

NAME = "the picture"
# How a file of each format begins.
_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}


def kind_of(body: bytes) -> str | None:
    """The format of a picture, by how it begins; None of anything else.

    Example:
        >>> kind_of(b"BM..."), kind_of(b"RIFF....WEBPVP8 "), kind_of(b"<svg>")
        ('BMP', 'WEBP', None)
    """
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "WEBP"
    return next((kind for begin, kind in _BEGINNINGS.items() if body.startswith(begin)), None)


@dataclass(frozen=True)
class Upload:
    """A picture as it was sent.

    Attributes:
        body: the file.
        pixels: height x width, as its header says.
    """

    body: bytes
    pixels: int

    def decoded(self, most_pixels: int) -> Picture:
        """Its pixels, [height, width, channels].

        Raises:
            regard.data.errors.DataError: it is damaged, or of a kind that is not supported.
        """
        return read_picture(BytesIO(self.body), NAME, most_pixels=most_pixels)


def checked_upload(body: bytes, most_pixels: int) -> Upload:
    """Bytes that begin a picture of a bounded size. Only its header is read.

    Args:
        body: what was sent.
        most_pixels: bound on height x width.

    Raises:
        Refused: nothing, no picture, a damaged header, or a picture that is too large.
    """
    if not body:
        raise Refused(422, "empty", "send a picture as the body of the request")
    kind = kind_of(body)
    if kind is None:
        raise Refused(
            415, "no_picture", f"the body of the request is no picture ({', '.join(FORMATS)} are read)"
        )
    try:
        with Image.open(BytesIO(body), formats=[kind]) as image:
            pixels = image.width * image.height
    except Image.DecompressionBombError:
        raise _too_large(most_pixels) from None
    except Exception:  # readers of headers raise many kinds
        raise Refused(422, "damaged", "the picture is damaged, or cut off") from None
    if pixels > most_pixels:
        raise _too_large(most_pixels)
    return Upload(body, pixels)


def _too_large(most_pixels: int) -> Refused:
    return Refused(
        413, "too_many_pixels", f"the picture has more than {most_pixels:,} pixels; make it smaller"
    )
