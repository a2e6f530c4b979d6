"""Which pictures are held out of training."""

import math
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

from regard.counted import counted
from regard.data.errors import DataError
from regard.data.images.examples import Example

Order = Literal["hash", "last"]


def place_of(name: str) -> float:
    """Where a name falls in [0, 1): the same on every machine, for ever.

    Example:
        >>> 0 <= place_of("cat/1.png") < 1, place_of("cat/1.png") == place_of("cat/2.png")
        (True, False)
    """
    digest = sha256(b"regard\0" + name.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48)


def hold_out(
    examples: Sequence[Example], share: float, order: Order
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Part pictures into what is trained on and what is held out.

    Each class gives its share, and at least one picture where it has two. By *hash*, other pictures that are
    added change little; *last* takes the last ones.

    Raises:
        DataError: too few.

    Example:
        >>> train, held = hold_out([Example(f"{number}.png") for number in range(10)], 0.1, "last")
        >>> len(train), held[0].name
        (9, '9.png')
    """
    classes: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        classes[example.label].append(example)
    held: set[Example] = set()
    for members in classes.values():
        wanted = math.ceil(round(share * len(members), 9))
        chosen = members[::-1] if order == "last" else sorted(members, key=_by_hash)
        # A class of which nothing were left would not be learnt.
        held.update(chosen[: min(wanted, len(members) - 1)])
    if not held:
        raise DataError(
            f"{counted(len(examples), 'picture is', 'pictures are')} too few to hold some out for "
            "validation; give data.validation"
        )
    train = tuple(example for example in examples if example not in held)
    return train, tuple(example for example in examples if example in held)


def _by_hash(example: Example) -> tuple[float, str]:
    return place_of(example.title), example.title
