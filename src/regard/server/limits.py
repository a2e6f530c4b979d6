"""What one request, and all of them together, may take."""

from dataclasses import dataclass, fields

from regard.errors import UserError


@dataclass(frozen=True)
class Limits:
    """Bounds of a server; what goes beyond one is refused in plain words.

    Attributes:
        body: bytes of a request.
        held: bytes of all requests that are being read or worked on.
        requests: how many may be there at once.
        pixels: height x width of a picture, known before it is decoded.
        characters: of a text that is answered at once.
        stream_characters: of a text that is answered sentence by sentence.
        weights: numbers in the attention maps of one answer.
        beam: hypotheses kept alive, and results asked for.
        length: tokens that a language model adds.
        places: requests that wait for one model.
        batch: requests that a model answers together.
        gather: seconds that a request waits for others to join it.
        seconds: from a whole request to its answer; of a stream, for each sentence.
        body_seconds: for the body of a request to arrive.
        send_seconds: for a client to take a piece of its answer.

    Raises:
        UserError: a limit that is not above zero.

    Example:
        >>> Limits(places=8).places
        8
        >>> Limits(places=0)
        Traceback (most recent call last):
        ...
        regard.errors.UserError: the server's limit places is 0; it must be above zero
    """

    body: int = 16 << 20
    held: int = 256 << 20
    requests: int = 512
    pixels: int = 1 << 22
    characters: int = 10_000
    stream_characters: int = 200_000
    weights: int = 4_000_000
    beam: int = 10
    length: int = 512
    places: int = 128
    batch: int = 32
    gather: float = 0.004
    seconds: float = 60.0
    body_seconds: float = 20.0
    send_seconds: float = 20.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise UserError(f"the server's limit {field.name} is {value}; it must be above zero")
