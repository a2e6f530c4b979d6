"""``regard align``: which word of a text is which of its translation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli import options, progress
from regard.counted import counted
from regard.errors import UserError
from regard.strict_json import strict_json

if TYPE_CHECKING:
    from regard.tasks import Translator
    from regard.tasks.text.alignment import AlignmentHeads, FoundHeads

_SHOWN = 12  # of the heads; --json has all


def align(
    model: options.Model,
    source: Annotated[Path, typer.Option(help="A text file, a line a sentence.", show_default=False)],
    target: Annotated[Path, typer.Option(help="Its translation, line by line.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Write the links here. Default: standard output.", show_default=False)
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            help="Alignments of the same lines: tell which heads come near them, instead of aligning.",
            show_default=False,
        ),
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="With --reference: store the best heads with the model.")
    ] = False,
    heads: Annotated[
        str | None,
        typer.Option(
            help="Align by these, such as decoder.1.cross:0,decoder.1.cross:3. Default: those stored with "
            "the model.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="With --heads: the row that is to write a word (output) or has read it (input). Default: "
            "output.",
            show_default=False,
        ),
    ] = None,
    both: Annotated[
        bool, typer.Option("--both", help="Only links that are the best from both sides.")
    ] = False,
    device: options.Device = None,
    as_json: options.Json = False,
    force: options.Force = False,
) -> None:
    """Aligns the words of sentences and of their translations, by what a translator looks at.

    One line for each pair: 0-0 2-1 …, the source's word first, words being what spaces part. With --reference
    (possible links as 1?2) it prints the alignment error rate of each head instead, the best first. Looking
    is not aligning: without a reference nobody knows how far the two agree.
    """
    if save and reference is None:
        raise UserError("--save stores the heads that come nearest to a reference: give --reference FILE")
    if reference is not None and (heads is not None or out is not None):
        raise UserError("--reference tries all heads and writes no links: leave out --heads and --out")
    if by not in (None, "output", "input"):
        raise UserError(f"--by {by}: there are output and input")
    if by is not None and heads is None:
        raise UserError("--by goes with --heads: heads that are stored or tried have rows of their own")
    if both and reference is not None:
        raise UserError("--reference measures heads one by one, without --both: leave it out")
    if save:
        from regard.cli.inputs import check_storable

        check_storable(model, "alignment", force)
    if out is not None:
        from regard.cli.inputs import check_kept
        from regard.cli.views import check_new

        check_new(out, force)
        check_kept(out, (source, target))
    from regard.tasks import load
    from regard.tasks.text.alignment import AlignmentHeads

    pairs = _pairs(source, target)
    chosen = None if heads is None else AlignmentHeads.parse(heads, by or "output")  # type: ignore[arg-type]
    translator: Translator = load(model, task="translation", device=device)
    if reference is not None:
        _find(model, translator, pairs, reference, save=save, as_json=as_json)
        return
    _write(model, translator, pairs, chosen, out, both=both, as_json=as_json)


def _pairs(source: Path, target: Path) -> list[tuple[str, str]]:
    from regard.cli.inputs import texts_in

    sides = [texts_in(path) for path in (source, target)]
    if len(sides[0]) != len(sides[1]):
        raise UserError(
            f"{source} has {counted(len(sides[0]), 'line')} and {target} {len(sides[1]):,}: they go line by "
            "line"
        )
    if not sides[0]:
        raise UserError(f"{source} is empty: there is nothing to align")
    return list(zip(*sides, strict=True))


def _write(
    model: str,
    translator: Translator,
    pairs: list[tuple[str, str]],
    heads: AlignmentHeads | None,
    out: Path | None,
    *,
    both: bool,
    as_json: bool,
) -> None:
    from regard.cli.views import tell_saved
    from regard.tasks.text.alignment import align as aligned
    from regard.whole_file import write_atomically

    heads = heads or heads_for(model, translator)
    with progress.bar(len(pairs), "Aligning") as bar:
        found = aligned(translator, pairs, heads, both=both, each=bar.at)
    lines = [strict_json(sorted(links.sure)) if as_json else str(links) for links in found]
    if out is None:
        print("\n".join(lines))
    else:
        write_atomically(out, "".join(f"{line}\n" for line in lines).encode())
        tell_saved(out)


def heads_for(model: str, translator: Translator) -> AlignmentHeads:
    """The heads that are stored with a model, or else usual ones, which is told."""
    from regard.tasks.folder import read_metrics
    from regard.tasks.layout import find_model
    from regard.tasks.text.alignment import AlignmentHeads, usual_heads

    stored = AlignmentHeads.stored(read_metrics(find_model(model)))
    if stored is not None:
        return stored
    usual = usual_heads(translator)
    typer.echo(
        f"Nobody has measured which heads of {model} align; taken are {usual}. Find better ones by: "
        f"regard align {model} --source … --target … --reference … --save",
        err=True,
    )
    return usual


def _find(
    model: str,
    translator: Translator,
    pairs: list[tuple[str, str]],
    reference: Path,
    *,
    save: bool,
    as_json: bool,
) -> None:
    from regard.lens.alignment import read_links
    from regard.tasks.folder import add_metrics
    from regard.tasks.layout import find_model
    from regard.tasks.text.alignment import find_heads

    links = read_links(reference)
    with progress.bar(len(pairs), "Aligning") as bar:
        found = find_heads(translator, pairs, links, each=bar.at)
    if save:
        folder = find_model(model)
        add_metrics(folder, {"alignment": found[0].record() | {"reference": reference.name}})
        typer.echo(f"Stored {found[0].heads} with the model: {folder / 'metrics.json'}", err=True)
    if as_json:
        print(strict_json([one.record() for one in found], indent=1))
    else:
        _print(found, len(pairs))


def _print(found: list[FoundHeads], pairs: int) -> None:
    from rich.table import Table

    from regard.cli.console import console, show

    console().print(f"Alignment error rate on {counted(pairs, 'pair')} of sentences:", highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("place", no_wrap=True)
    table.add_column("heads")
    table.add_column("by", no_wrap=True)
    for name in ("error rate", "precision", "recall"):
        table.add_column(name, justify="right")
    for one in found[:_SHOWN]:
        numbers = [str(head) for _, head in one.heads.heads]
        shown = (one.score.error_rate, one.score.precision, one.score.recall)
        table.add_row(
            one.heads.heads[0][0],
            numbers[0] if len(numbers) == 1 else f"mean of {', '.join(numbers)}",
            one.heads.by,
            *(f"{value:.3f}" for value in shown),
        )
    show(table)
    if len(found) > _SHOWN:
        console().print(f"and {len(found) - _SHOWN} more; --json has them all", style="dim")
