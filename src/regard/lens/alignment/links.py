"""Links between words of a sentence and of its translation, as Moses' files have them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from regard.errors import UserError

Link = tuple[int, int]
_LINK = re.compile(r"(\d+)([-?p])(\d+)")


@dataclass(frozen=True, slots=True)
class Links:
    """Which words of a sentence belong to which of its translation.

    Attributes:
        sure: pairs of numbers from 0, of a word of the source and one of the target.
        possible: those that may be linked or not; sure ones are not repeated here.

    Example:
        >>> links = Links.parse("0-0 2-1 1?2")
        >>> sorted(links.sure), sorted(links.possible), str(links)
        ([(0, 0), (2, 1)], [(1, 2)], '0-0 1?2 2-1')
    """

    sure: frozenset[Link] = frozenset()
    possible: frozenset[Link] = frozenset()

    @classmethod
    def of(cls, sure: Iterable[Link], possible: Iterable[Link] = ()) -> Self:
        """Links that are sure, and others; one that is both is sure."""
        sure = frozenset(sure)
        return cls(sure, frozenset(possible) - sure)

    @classmethod
    def parse(cls, line: str) -> Self:
        """A line of Moses' format: ``0-0 2-1``, the source's word first; ``1?2``, ``1p2`` for possible links.

        Raises:
            ValueError: something else.

        Example:
            >>> Links.parse("0-0 1:1")
            Traceback (most recent call last):
            ...
            ValueError: '1:1' is no link; a link is two numbers from 0, such as 0-0, or 1?2 for a possible one
        """
        sure: set[Link] = set()
        possible: set[Link] = set()
        for part in line.split():
            found = _LINK.fullmatch(part)
            if found is None or not part.isascii():
                raise ValueError(
                    f"{part!r} is no link; a link is two numbers from 0, such as 0-0, or 1?2 for a possible "
                    "one"
                )
            (sure if found[2] == "-" else possible).add((int(found[1]), int(found[3])))
        return cls.of(sure, possible)

    @property
    def every(self) -> frozenset[Link]:
        """Sure ones and possible ones."""
        return self.sure | self.possible

    def check(self, source: int, target: int) -> None:
        """Raises where a link leads out of sentences of so many words.

        Raises:
            ValueError: it does.
        """
        for one, other in sorted(self.every):
            if one >= source or other >= target:
                raise ValueError(
                    f"the link {one}-{other} leads out of sentences of {source} and {target} words, which "
                    "are counted from 0"
                )

    def __str__(self) -> str:
        return " ".join(
            f"{one}{'-' if (one, other) in self.sure else '?'}{other}" for one, other in sorted(self.every)
        )


def read_links(path: str | Path) -> list[Links]:
    """The lines of a file; an empty line is a pair of sentences without links.

    Raises:
        UserError: no such file, or a line that is no such line; it names file and line.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"{path}: cannot read the alignments: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: not UTF-8 at byte {error.start}; a file of alignments has lines like 0-0 1-2"
        ) from None
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(Links.parse(line))
        except ValueError as error:
            raise UserError(f"{path}, line {number}: {error}") from None
    return found
