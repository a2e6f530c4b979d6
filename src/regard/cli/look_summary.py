"""``regard look MODEL INPUT… --summary``: figures of all rows, for texts too long for their weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regard.cli.choice import Choice
from regard.cli.inputs import check_kept, check_texts
from regard.cli.names import distinct
from regard.cli.views import tell_saved
from regard.errors import UserError
from regard.whole_file import write_atomically

if TYPE_CHECKING:
    from regard.lens.summaries import AttentionSummary


def show_summaries(predictor: Any, inputs: Sequence[str], choice: Choice, out: Path | None) -> None:
    """Prints the figures of each place that is meant, and saves them.

    Args:
        predictor: a model of Hugging Face's.
        inputs: that it reads.
        choice: which places, and which head; a page and a picture have every place, unless some are named.
        out: where to, or None.

    Raises:
        UserError: another model, a word was named, or the file cannot be written.
    """
    from regard.tasks.foreign.model import ForeignModel
    from regard.tasks.foreign.texts import ForeignTextModel

    if not isinstance(predictor, ForeignModel):
        raise UserError(
            "--summary is for long texts, which models of Hugging Face may read (hf:DIR); this model's texts "
            "are short: look at them without it"
        )
    if choice.word is not None or choice.subwords:
        raise UserError("--summary has figures of all words: leave --word and --subwords out")
    if isinstance(predictor, ForeignTextModel):
        check_texts(inputs)
    if out is not None:
        check_kept(out, inputs)
        if len(inputs) > 1 and out.suffix.lower() not in (".html", ".json"):
            raise UserError(f"{out}: several inputs go into one page (.html); give one, or save a page")
    printed, _ = choice.places(list(predictor.places))
    saved = printed if choice.at is not None or out is None else list(predictor.places)
    choice.check_head({place: predictor.places[place] for place in saved})
    looks = [predictor(one, keep="summary", at=saved) for one in inputs]  # type: ignore[operator]
    each = [
        [one if choice.head is None else one.head(choice.head) for one in look.summaries.values()]
        for look in looks
    ]
    if out is not None:
        _save(each, distinct(inputs), looks, out)
        tell_saved(out)
    for given, summaries in zip(inputs, each, strict=True):
        _print(given if len(inputs) > 1 else "", [one for one in summaries if _place(one) in printed])


def _place(summary: AttentionSummary) -> str:
    return summary.name.partition(" head ")[0]


def _print(given: str, summaries: Sequence[AttentionSummary]) -> None:
    from regard.cli.console import show
    from regard.lens.summaries import SummaryTable

    if given:
        print(f"\n{given}")
    for summary in summaries:
        show("", SummaryTable(summary))


def _save(each: Sequence[Sequence[AttentionSummary]], names: Sequence[str], looks: Any, out: Path) -> None:
    suffix = out.suffix.lower()
    title = names[0] if len(names) == 1 else f"{len(names)} inputs"
    if suffix == ".html":
        from regard.lens.html import SummaryRecord, write

        records = [
            SummaryRecord(summary, of=name if len(names) > 1 else "")
            for name, summaries in zip(names, each, strict=True)
            for summary in summaries
        ]
        write(records, out, title=title, force=True)  # whether it may be replaced was asked before
    elif suffix == ".json":
        found = [
            {"input": name, **summary.to_json()}
            for name, summaries in zip(names, each, strict=True)
            for summary in summaries
        ]
        write_atomically(out, f"{json.dumps(found, ensure_ascii=False, indent=1)}\n".encode())
    else:
        from regard.lens.summaries import summaries_picture

        summaries_picture(each[0], out, title=title)
