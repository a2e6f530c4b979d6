"""Figures of attention in the terminal: a line for each head."""

from __future__ import annotations

import math

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from regard.lens.summaries.summary import AttentionSummary
from regard.lens.terminal import cut

_LONGEST_LABEL = 16
_MOST = 3


class SummaryTable:
    """A table that any rich console can print: how even, how far and how sure each head is.

    Args:
        summary: what to show.

    Example:
        >>> import torch
        >>> from regard.lens import Tokens
        >>> axis, ones = Tokens.of("ab"), torch.ones(1, 2)
        >>> top = torch.zeros(1, 2, 1)
        >>> seen = AttentionSummary("h.0.attn", axis, axis, ones, ones, ones / 2, ones / 2, top, top + 0.5)
        >>> Console(width=80, color_system=None).print(SummaryTable(seen))  # doctest: +NORMALIZE_WHITESPACE
        h.0.attn · 2 → 2 positions
        head  entropy  distance  largest  most looked at
        0        1.00       0.5     50 %  a 50 % · b 50 %
        entropy in bits, at most 1.00; distance in positions; largest weight of a row
    """

    def __init__(self, summary: AttentionSummary) -> None:
        self.summary = summary

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        seen = self.summary
        yield Text(f"{seen.name} · {len(seen.query_axis):,} → {len(seen.key_axis):,} positions", style="bold")
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column("head", no_wrap=True)
        for name in ("entropy", "distance", "largest"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("most looked at")
        labels = seen.key_axis.labels
        for head in range(seen.heads):
            most = (
                f"{cut(labels[key], _LONGEST_LABEL)} {100 * share:.0f} %"
                for key, share in seen.most_received(head, _MOST)
            )
            table.add_row(
                str(head),
                f"{seen.entropy[head].mean():.2f}",
                f"{seen.distance[head].mean():,.1f}",
                f"{100 * seen.largest[head].mean():.0f} %",
                Text(" · ".join(most)),
            )
        yield table
        possible = math.log2(max(len(seen.key_axis), 1))
        yield Text(
            f"entropy in bits, at most {possible:.2f}; distance in positions; largest weight of a row",
            style="dim",
        )
