"""BLEU by the length of the source, a line for each model: where one context vector is too narrow."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regard.errors import UserError
from regard.lens.fonts import families_for
from regard.lens.picture import check_picture_path, write_figure
from regard.tasks.text.comparison import Compared
from regard.tasks.text.translation_figures import BUCKETS

# Okabe & Ito 2008: told apart by the colour-blind too; the markers tell the rest.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vPX"
_FEWEST = 10  # sentences; BLEU of fewer says nothing


def lengths_picture(lines: Sequence[Compared], path: str | Path) -> Path:
    """Draws BLEU by words in the source, a panel for each split that all models were tested on.

    Args:
        lines: translators, from `compare`.
        path: where to: .png, .svg or .pdf.

    Returns:
        The path.

    Raises:
        UserError: no split that all were tested on, or a path that cannot be written.
    """
    path = check_picture_path(path)
    splits = [split for split in lines[0].by_length if all(split in line.by_length for line in lines)]
    if not splits:
        raise UserError("no BLEU by length to draw: the models were not all tested on one split")
    with rc_context({"font.family": families_for([line.name for line in lines]), "font.size": 9}):
        figure = Figure(figsize=(4.6 * len(splits) + 1.6, 3.8), layout="constrained")
        panels = figure.subplots(1, len(splits), squeeze=False, sharey=True)[0]
        for axes, split in zip(panels, splits, strict=True):
            _panel(axes, lines, split)
        panels[0].set_ylabel("BLEU")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center", frameon=False)
        write_figure(figure, path)
    return path


def _panel(axes: Axes, lines: Sequence[Compared], split: str) -> None:
    buckets = lines[0].by_length[split]
    ends = [end for end, bucket in buckets.items() if bucket.sentences >= _FEWEST]
    for index, line in enumerate(lines):
        known = [end for end in ends if end in line.by_length[split]]
        bleu = [line.by_length[split][end].bleu for end in known]
        axes.errorbar(
            [ends.index(end) for end in known],
            [spread.mean for spread in bleu],
            [spread.deviation or 0.0 for spread in bleu],
            label=line.name if line.seeds == 1 else f"{line.name} ({line.seeds} seeds)",
            color=_COLOURS[index % len(_COLOURS)],
            marker=_MARKERS[index % len(_MARKERS)],
            linestyle=("-", "--", ":")[index // len(_COLOURS) % 3],
            linewidth=1.6,
            markersize=4.5,
            capsize=2,
        )
    names = [f"≤ {end}" if end != "more" else f"> {BUCKETS[-1]}" for end in ends]
    axes.set_xticks(
        range(len(ends)),
        [f"{name}\n{buckets[end].sentences:,}" for name, end in zip(names, ends, strict=True)],
    )
    axes.set_title(split.replace("_", " "), loc="left", fontweight="bold", fontsize=10)
    axes.set_xlabel("words in the source, and how many such sentences")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
