"""Attention maps in the terminal and in files; no file takes the place of another unasked."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from regard.cli.arguments import LOOK_FILES
from regard.errors import UserError
from regard.whole_file import write_atomically

if TYPE_CHECKING:
    from regard.lens import AttentionMap


def check_map_file(path: Path, force: bool) -> None:
    """Makes sure, before any work, that attention maps can be saved where they should.

    Raises:
        UserError: an unknown kind of file, a folder that is not there, or a file that is.
    """
    if path.suffix.lower() not in LOOK_FILES:
        raise UserError(f"{path}: a file to look at ends in {', '.join(LOOK_FILES)}")
    check_new(path, force)


def check_new(path: Path, force: bool) -> None:
    """Makes sure that a file can be written without losing another.

    Raises:
        UserError: its folder is not there or cannot be written, or it is there already and ``force`` does not
            say to replace it.
    """
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"{path}: you may not write into {path.parent}; choose another folder")
    if path.exists() and not force:
        raise UserError(
            f"{path}: there is such a file already; choose another name, or replace it with --force"
        )


def tell_saved(path: Path) -> None:
    """Says on stderr where something was saved.

    Commands save before they print: whoever reads what is printed may go away (| head), and what was asked
    for is made all the same.
    """
    print(f"Saved {path}", file=sys.stderr)


def print_maps(maps: Sequence[AttentionMap]) -> None:
    """Prints maps as heat maps, each with what it shows in words, and how faithful it is."""
    from regard.cli.console import show
    from regard.lens import HeatMap

    for seen in maps:
        show("", HeatMap(seen, title=caption(seen)))
        tell_faithfulness(seen)
    tell_unmeasured(maps)


def tell_faithfulness(seen: AttentionMap) -> None:
    """Prints below a map how faithful it is, or why that cannot be measured."""
    from regard.cli.console import console
    from regard.lens.map_faithfulness import Unmeasured

    if seen.faithfulness is not Unmeasured.NOT_YET:
        console().print(seen.faithfulness.told, highlight=False, soft_wrap=True)


def tell_unmeasured(maps: Sequence[AttentionMap]) -> None:
    """Says on stderr, once below all maps, which of them have no figure of how faithful they are, and how to
    get one."""
    from regard.lens.map_faithfulness import Unmeasured

    names = dict.fromkeys(seen.name for seen in maps if seen.faithfulness is Unmeasured.NOT_YET)
    if names:
        print(
            f"Attention is not yet an explanation: the faithfulness of {', '.join(names)} was not measured. "
            "Of a model of Regard's, regard look faithfulness MODEL INPUT… --save does it for every place, "
            "and regard look relevance shows what an answer comes from",
            file=sys.stderr,
        )


def caption(seen: AttentionMap) -> str:
    """What a heat map shows, in words: rows look at columns, in per cent."""
    from regard.lens.terminal import heading

    rows = seen.query_axis.labels
    who = repr(rows[0]) if len(rows) == 1 else "each word"
    return f"What {who} attended to, in % ({heading(seen)})"


def save_maps(maps: Sequence[AttentionMap], path: Path, *, title: str = "Attention") -> None:
    """Writes maps as numbers (.json), as a page for a browser (.html; it has a title) or as a picture.

    Raises:
        UserError: the file cannot be written.
    """
    if path.suffix.lower() == ".html":
        from regard.lens.html import write

        write(maps, path, title=title, force=True)  # whether it may be replaced was asked before
        return
    if path.suffix.lower() != ".json":
        from regard.lens import picture

        picture(maps, path)
        return
    text = json.dumps([seen.to_json() for seen in maps], ensure_ascii=False, indent=1)
    write_atomically(path, f"{text}\n".encode())
