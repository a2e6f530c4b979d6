"""Attention maps of results, chosen and shown: in the terminal or in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from regard.cli.arguments import IN_TERMINAL, LOOK_FILES
from regard.errors import UserError

if TYPE_CHECKING:
    from regard.lens import AttentionMap


class Result(Protocol):
    """What a predictor gives, as far as looking goes."""

    @property
    def attention(self) -> dict[str, AttentionMap]:
        """Every map, by name."""


@dataclass(frozen=True)
class Choice:
    """Which maps to show, and how.

    Attributes:
        at: a shell pattern over names; by default the last attention across, else the last of all.
        head: one head instead of their mean.
        word: the row of this word. Without ``at``: in the last layer of the encoder, beside the default map.
        subwords: keep the tokens of a word apart.
    """

    at: str | None = None
    head: int | None = None
    word: str | None = None
    subwords: bool = False

    def maps(self, attention: Mapping[str, AttentionMap]) -> list[AttentionMap]:
        """The maps that are meant.

        Raises:
            UserError: no such place, head or word.
        """
        if not attention:
            raise UserError("this model has no attention to look at: it passes one context vector on")
        from regard.lens import choose_places

        try:
            names = [_default(attention)] if self.at is None else choose_places(attention, self.at)
            maps = [self._shown(attention[name]) for name in names]
            if self.word is not None:
                kept = maps if self.at is None else []
                inside = maps if self.at is not None else [self._shown(attention[_encoder(attention)])]
                having = [seen for seen in inside if self.word in seen.query_axis.labels] or inside[:1]
                rows = [seen.rows([seen.query_axis.find(self.word)]) for seen in having]
                maps = [*kept, *rows]
        except ValueError as error:
            raise UserError(str(error)) from None
        return maps

    def _shown(self, seen: AttentionMap) -> AttentionMap:
        from regard.lens import join_subwords

        seen = seen if self.subwords else join_subwords(seen)
        return seen if self.head is None else seen.head(self.head)


def _default(attention: Mapping[str, AttentionMap]) -> str:
    across = [name for name in attention if name.endswith("cross")]
    return (across or list(attention))[-1]


def _encoder(attention: Mapping[str, AttentionMap]) -> str:
    inside = [name for name in attention if name.startswith("encoder")]
    if not inside:
        raise ValueError(
            "this model's encoder has no attention; name another place with --at, or leave --word out"
        )
    return inside[-1]


def check_target(target: str, force: bool) -> None:
    """Makes sure, before any work, that what is shown can be saved where it should.

    Raises:
        UserError: an unknown kind of file, a folder that is not there, or a file that is.
    """
    if target == IN_TERMINAL:
        return
    path = Path(target)
    if path.suffix.lower() not in LOOK_FILES:
        raise UserError(f"{path}: a file to look at ends in {', '.join(LOOK_FILES)}")
    check_new(path, force)


def check_new(path: Path, force: bool) -> None:
    """Makes sure that a file can be written without losing another.

    Raises:
        UserError: its folder is not there, or it is there already and ``force`` does not say to replace it.
    """
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file")
    if path.exists() and not force:
        raise UserError(
            f"{path}: there is such a file already; choose another name, or replace it with --force"
        )


def show_results(results: Sequence[Result], target: str, choice: Choice, *, quiet: bool = False) -> None:
    """Prints the maps of one or more results, and saves them where ``target`` names a file.

    Args:
        results: what was predicted, each with its own maps.
        target: ``"terminal"``, or a file that ends in .png, .svg, .pdf or .json.
        choice: which maps.
        quiet: print nothing on stdout.
    """
    maps = [seen for result in results for seen in choice.maps(result.attention)]
    if not quiet:
        from rich.console import Console

        from regard.lens import HeatMap

        console = Console()
        for seen in maps:
            console.print()
            console.print(HeatMap(seen, title=caption(seen)))
    if target != IN_TERMINAL:
        save_maps(maps, Path(target))
        tell_saved(Path(target))


def caption(seen: AttentionMap) -> str:
    """What a heat map shows, in words: rows look at columns, in per cent."""
    from regard.lens.terminal import heading

    rows = seen.query_axis.labels
    who = repr(rows[0]) if len(rows) == 1 else "each word"
    return f"What {who} attended to, in % ({heading(seen)})"


def save_maps(maps: Sequence[AttentionMap], path: Path) -> None:
    """Writes maps as numbers (.json) or as a picture."""
    if path.suffix.lower() == ".json":
        text = json.dumps([seen.to_json() for seen in maps], ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")
    else:
        from regard.lens import picture

        picture(maps, path)


def tell_saved(path: Path) -> None:
    """Says on stderr where something was saved."""
    import sys

    print(f"Saved {path}", file=sys.stderr)
