"""Records, from whatever holds maps or figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from regard.lens.html.record import PageError, Record
from regard.lens.html.summary import SummaryRecord
from regard.lens.map import AttentionMap
from regard.lens.summaries.summary import AttentionSummary

One = AttentionMap | AttentionSummary | Record | SummaryRecord
Records = One | Iterable[One] | Mapping[str, AttentionMap] | Mapping[str, AttentionSummary]


def records_of(given: Records) -> list[Record | SummaryRecord]:
    """Records, from whatever holds maps or figures.

    Raises:
        PageError: there are none, or two of one name and one input.
    """
    if isinstance(given, One):
        given = [given]
    elif isinstance(given, Mapping):
        given = list(given.values())
    records = [_record(one) for one in given]
    if not records:
        raise PageError("there is no attention map to show")
    found = Counter((record.of, record.seen.name) for record in records)
    for (_, name), count in found.items():
        if count > 1:
            raise PageError(
                f"{name}: given more than once; each place in a page needs a name of its own (or an input: "
                "Record(…, of=…))"
            )
    return records


def _record(one: One) -> Record | SummaryRecord:
    if isinstance(one, AttentionMap):
        return Record(one)
    return SummaryRecord(one) if isinstance(one, AttentionSummary) else one
