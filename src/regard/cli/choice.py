"""Which attention maps of a result are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from regard.errors import UserError

if TYPE_CHECKING:
    from regard.lens import AttentionMap


class Result(Protocol):
    """What a predictor gives, as far as looking goes."""

    @property
    def attention(self) -> Mapping[str, AttentionMap]:
        """Every map, by name."""


@dataclass(frozen=True)
class Choice:
    """Which maps to show, and how; a group of options.

    Attributes:
        at: a shell pattern over names; by default the last attention across, else the last of all.
        word: the row of this word. Without ``at``: in the last layer of the encoder (of the decoder, where
            there is nothing else), beside the default map.
        head: one head instead of their mean.
        subwords: keep the tokens of a word apart.
    """

    at: Annotated[
        str | None,
        typer.Option(help="Which attention to show: a pattern over names, such as decoder.2.cross."),
    ] = None
    word: Annotated[
        str | None,
        typer.Option(help="Show what this word of the text attends to (in the encoder, where there is one)."),
    ] = None
    head: Annotated[int | None, typer.Option(min=0, help="One head, instead of the mean of all.")] = None
    subwords: Annotated[bool, typer.Option("--subwords", help="Keep the tokens of a word apart.")] = False

    def check(self, heads: Mapping[str, int]) -> None:
        """Makes sure, before any work, that a model has the places and the head that are meant.

        Args:
            heads: how many it has, by place.

        Raises:
            UserError: it has no attention, none there, or no such head.
        """
        whole, rows = self.places(list(heads))
        self.check_head({place: heads[place] for place in (*whole, *rows)})

    def check_head(self, heads: Mapping[str, int]) -> None:
        """Makes sure that some places have the head that is meant.

        Args:
            heads: how many there are, by place.

        Raises:
            UserError: one has not.

        Example:
            >>> Choice(head=2).check_head({"encoder.0.self": 2})
            Traceback (most recent call last):
            ...
            regard.errors.UserError: encoder.0.self has heads 0 to 1; there is no head 2
        """
        for place, count in heads.items():
            if self.head is not None and self.head >= count:
                raise UserError(f"{place} has heads 0 to {count - 1}; there is no head {self.head}")

    def places(self, names: Sequence[str]) -> tuple[list[str], list[str]]:
        """The places whose whole maps are meant, and those where the row of the word is.

        Raises:
            UserError: there is no such place.

        Example:
            >>> Choice(word="cat").places(["encoder.0.self", "decoder.0.self", "decoder.0.cross"])
            (['decoder.0.cross'], ['encoder.0.self'])
        """
        if not names:
            raise UserError("this model has no attention to look at")
        if self.at is not None:
            from regard.lens import choose_places

            try:
                chosen = choose_places(names, self.at)
            except ValueError as error:
                raise UserError(str(error)) from None
            return (chosen, []) if self.word is None else ([], chosen)
        from regard.lens.names import looks_across

        across = [name for name in names if looks_across(name)]
        whole = [(across or names)[-1]]
        return whole, [] if self.word is None else [_reading(names)]

    def maps(self, results: Sequence[Result]) -> list[AttentionMap]:
        """The maps that are meant, one result after the other; the word's rows of those that have it.

        Raises:
            UserError: no such place or head, or no result has the word.
        """
        return [seen for maps in self.each(results) for seen in maps]

    def each(self, results: Sequence[Result]) -> list[list[AttentionMap]]:
        """The maps that are meant of each result.

        Raises:
            UserError: see `maps`.
        """
        each: list[list[AttentionMap]] = []
        words: list[str] = []
        found = False
        for result in results:
            whole, rows = self.places(list(result.attention))
            maps = [self._shown(result.attention[name]) for name in whole]
            for name in rows:
                seen = self._shown(result.attention[name])
                words += seen.query_axis.labels
                if row := _rows_of(self.word, seen):
                    maps += row
                    found = True
            each.append(maps)
        if self.word is not None and not found:
            raise UserError(f"no {self.word!r} among: {' '.join(dict.fromkeys(words))}")
        return each

    def for_file(
        self, results: Sequence[Result], chosen: list[AttentionMap], file: Path | None
    ) -> list[AttentionMap]:
        """The maps that a file gets: those that are chosen; a page (.html), to wander about in, all of them
        unless some are named.

        Raises:
            UserError: a page of several results; no such head.
        """
        if file is None or file.suffix.lower() != ".html":
            return chosen
        if len(results) > 1:
            raise UserError(
                f"{file}: a page shows one sentence, and here are {len(results)}; give one, or save a .png"
            )
        if self.at is None and self.word is None:
            return [self._shown(seen) for seen in results[0].attention.values()]
        return chosen

    def _shown(self, seen: AttentionMap) -> AttentionMap:
        from regard.lens import join_subwords

        seen = seen if self.subwords else join_subwords(seen)
        try:
            return seen if self.head is None else seen.head(self.head)
        except ValueError as error:
            raise UserError(str(error)) from None


def _rows_of(word: str | None, seen: AttentionMap) -> list[AttentionMap]:
    """The row of a word, if the map has one."""
    try:
        return [] if word is None else [seen.rows([seen.query_axis.find(word)])]
    except ValueError:
        return []


def _reading(names: Sequence[str]) -> str:
    """Where a word of the text is last looked from."""
    from regard.lens.names import looks_across

    inside = [name for name in names if "encoder" in name.split(".")]
    if not inside and any(map(looks_across, names)):
        raise UserError(
            "this model's encoder has no attention; name another place with --at, or leave --word out"
        )
    return (inside or names)[-1]
