"""Leaving out training rows that teach nothing or harm, and saying which."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import TypeVar

from regard.counted import counted
from regard.data.text.config import FilterConfig
from regard.data.text.sentences import is_blank

Row = TypeVar("Row", bound=tuple[str, ...])


@dataclass
class FilterReport:
    """How many rows were read, kept and left out, by reason.

    Example:
        >>> print(FilterReport(read=10, kept=7, empty=1, duplicates=2))
        10 rows read, 7 kept; left out: 1 empty, 2 duplicates
    """

    read: int = 0
    kept: int = 0
    empty: int = 0
    duplicates: int = 0
    too_long: int = 0
    unlike_lengths: int = 0

    def as_dict(self) -> dict[str, int]:
        """The counts by name, for metrics.json."""
        return asdict(self)

    def __str__(self) -> str:
        reasons = {
            k.replace("_", " "): v for k, v in self.as_dict().items() if k not in {"read", "kept"} and v
        }
        left_out = ", ".join(
            counted(count, reason.removesuffix("s"), reason) for reason, count in reasons.items()
        )
        return f"{counted(self.read, 'row')} read, {self.kept:,} kept" + (
            f"; left out: {left_out}" if left_out else ""
        )


class PairFilter:
    """Decides row by row; `report` counts. `texts` is asked before encoding, `lengths` after.

    Example:
        >>> from regard.data.text.pairs import Pair
        >>> keep = PairFilter(FilterConfig())
        >>> rows = [Pair("Go.", "Va !"), Pair("Go.", "Va !"), Pair("", "?")]
        >>> [row for row in keep.texts(rows)], str(keep.report)
        ([Pair(source='Go.', target='Va !')], '3 rows read, 0 kept; left out: 1 empty, 1 duplicate')
    """

    def __init__(self, config: FilterConfig) -> None:
        self.config = config
        self.report = FilterReport()
        self._seen: set[int] = set()

    def texts(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows with no empty field and, where asked, not seen before."""
        for row in rows:
            self.report.read += 1
            if any(map(is_blank, row)):
                self.report.empty += 1
            elif self.config.duplicates == "drop" and self._again(row):
                self.report.duplicates += 1
            else:
                yield row

    def lengths(self, lengths: Sequence[int]) -> bool:
        """Whether a row of so many tokens a field is kept."""
        short, long = min(lengths), max(lengths)
        if long > self.config.max_length:
            self.report.too_long += 1
        elif long > self.config.max_ratio * short + self.config.slack:
            self.report.unlike_lengths += 1
        else:
            self.report.kept += 1
            return True
        return False

    def _again(self, row: tuple[str, ...]) -> bool:
        # 64 bits: among 100 million rows two different ones are taken for equal with probability 0.0003.
        text = "\0".join(row).encode("utf-8", "surrogatepass")
        key = int.from_bytes(blake2b(text, digest_size=8).digest(), "little")
        if key in self._seen:
            return True
        self._seen.add(key)
        return False
