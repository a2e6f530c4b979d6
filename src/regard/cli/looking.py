"""Attention beside a result: what every command that predicts can show and save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from regard.cli.arguments import IN_TERMINAL
from regard.cli.choice import Choice, Result
from regard.cli.inputs import check_kept
from regard.cli.options import Force
from regard.cli.views import check_map_file, save_maps, tell_saved
from regard.errors import UserError

if TYPE_CHECKING:
    from torch import nn

    from regard.lens import AttentionMap
    from regard.lens.faithfulness import PlaceFigures


class Maps(NamedTuple):
    """What is shown: in the terminal, and in a file, which may hold more."""

    printed: list[AttentionMap]
    saved: list[AttentionMap]


@dataclass(frozen=True)
class Looking:
    """Whether to show attention, which, and where to save it; a group of options.

    Attributes:
        look: "terminal", or a file to save the maps in too.
        choice: which maps; whoever chooses wants to look, with ``look`` or without.
        force: replace a file that is there already.
    """

    look: Annotated[
        str | None,
        typer.Option(
            metavar="[FILE]",
            help="Show what was attended to; with a FILE (.png, .svg, .pdf, .html, .json) save it too.",
        ),
    ] = None
    choice: Choice = field(default_factory=Choice)
    force: Force = False

    @property
    def wanted(self) -> bool:
        """Whether to look at all."""
        return self.look is not None or self.choice != Choice()

    @property
    def file(self) -> Path | None:
        """Where to save the maps."""
        return None if self.look in (None, IN_TERMINAL) else Path(str(self.look))

    def check(self, *, as_json: bool, inputs: Sequence[str] = ()) -> None:
        """Makes sure, before a model is loaded, that there is somewhere to show the maps.

        Args:
            as_json: whether standard output is taken.
            inputs: what the command reads.

        Raises:
            UserError: a file that cannot be, or maps in the terminal where JSON is printed.
        """
        if self.file is not None:
            check_map_file(self.file, self.force)
            check_kept(self.file, inputs)
        elif self.wanted and as_json:
            raise UserError("--json leaves no room for a map on standard output; save it: --look map.json")

    def check_text(self, text: str | None, example: str) -> None:
        """Makes sure, before a model is loaded, that there is a text to look at.

        Raises:
            UserError: there is none, or it is empty.
        """
        if not self.wanted:
            return
        if text is None:
            raise UserError(f"--look shows one text; give it: {example}")
        from regard.data.text.sentences import is_blank

        if is_blank(text):
            raise UserError("nothing to look at: the text is empty")

    def check_model(self, model: nn.Module) -> None:
        """Makes sure, before the model works, that it has what is to be looked at.

        Raises:
            UserError: it has no attention, none there, or no such head.
        """
        if self.wanted:
            from regard.lens.names import head_counts

            self.choice.check(head_counts(model))

    def maps(self, results: Sequence[Result], known: PlaceFigures) -> Maps:
        """What will be shown; made before a result is printed, so that an error comes alone.

        Args:
            results: of a predictor.
            known: by it, of how faithful maps are.

        Raises:
            UserError: no such head or word.
        """
        if not self.wanted:
            return Maps([], [])
        printed = self.choice.maps(results)
        return Maps(known.on(printed), known.on(self.choice.for_file(results, printed, self.file)))

    def save(self, maps: Maps, *, title: str) -> None:
        """Saves maps where a file was named; a page has the title."""
        if self.file is not None:
            save_maps(maps.saved, self.file, title=title)
            tell_saved(self.file)
