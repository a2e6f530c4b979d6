"""What a page holds, as plain JSON, and the blocks of numbers that it points to."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from regard.lens.html.blocks import Blocks
from regard.lens.html.record import Record
from regard.lens.html.sparse import Detail, detail_for, sparse_rows
from regard.lens.html.summary import SummaryRecord, columns_for, strips, summary_thumbnails
from regard.lens.html.thumbnails import thumbnails
from regard.lens.html.vectors import in_levels
from regard.lens.map import AttentionMap, Axis
from regard.lens.map_faithfulness import in_json
from regard.lens.patch_grid import PatchGrid

_LARGEST_PICTURE = 1024  # pixels of a side: no screen shows a patch better than this
_BYTES_IN_BASE64 = 3 / 4
_MOST_OF_FIGURES = 3_000_000  # bytes: of a long text, names of tokens come to as much


class Manifest:
    """Gathers records; equal axes and the same picture are held once.

    Args:
        title: above the page.
        records: in the model's order.
        megabytes: that the maps may take in the file.

    Attributes:
        content: what the page reads first.
        blocks: what it reads when it is looked at.
    """

    def __init__(self, title: str, records: Sequence[Record | SummaryRecord], megabytes: float) -> None:
        self.blocks = Blocks()
        self._axes: dict[tuple[Axis, int | None], int] = {}
        self._pictures: dict[int, int] = {}
        self.content: dict[str, Any] = {"title": title, "axes": [], "pictures": [], "records": []}
        size = int(megabytes * 1e6 * _BYTES_IN_BASE64)
        figures = [record.seen for record in records if isinstance(record, SummaryRecord)]
        columns = columns_for(figures, min(size, _MOST_OF_FIGURES))
        maps = {
            at: _with_summaries(record.seen)
            for at, record in enumerate(records)
            if isinstance(record, Record)
        }
        detail = detail_for(
            [(len(seen.weights), len(seen.query_axis), len(seen.key_axis)) for seen in maps.values()], size
        )
        small: dict[str, NDArray[np.uint8]] = {}
        for number, record in enumerate(records):
            if isinstance(record, Record):
                described = self._record(record, maps[number], detail)
                small[str(number)] = thumbnails(maps[number])
            else:
                described = self._summary(record, columns)
                small[str(number)] = summary_thumbnails(record.seen)
            described["thumbnail"] = list(small[str(number)].shape[1:])
            self.content["records"].append(described)
        self.content["thumbnails"] = self.blocks.add(small)

    def _summary(self, record: SummaryRecord, columns: int) -> dict[str, Any]:
        seen = record.seen
        largest = seen.largest.amax(1)
        return {
            "name": seen.name,
            "group": record.group,
            "of": record.of,
            "layer": record.layer,
            "heads": seen.heads,
            "queries": self._axis(seen.query_axis, None),
            "keys": self._axis(seen.key_axis, None),
            "written": None,
            "tops": _rounded([*largest, largest.max()]),
            "summary": self.blocks.add(strips(seen, columns)),
        }

    def _record(self, record: Record, seen: AttentionMap, detail: Detail) -> dict[str, Any]:
        rows = sparse_rows(seen.weights, detail)
        total = seen.weights.double().sum(-1).numpy()
        share = rows.rest / np.maximum(total, np.finfo(np.float64).tiny)
        picture = None if record.image is None else self._picture(record.image)
        described: dict[str, Any] = {
            "name": seen.name,
            "group": record.group,
            "of": record.of,
            **in_json(seen.faithfulness),
            "layer": record.layer,
            "heads": record.seen.heads,
            "queries": self._axis(seen.query_axis, picture),
            "keys": self._axis(seen.key_axis, picture),
            "written": record.written,
            "levels": detail.levels,
            "tops": _rounded(rows.scales.max(-1)),
            "left": _rounded(rows.rest.sum(-1) / np.maximum(total.sum(-1), np.finfo(np.float64).tiny)),
            "worst": _rounded(share.max(-1)),
            "largest": int(rows.counts.max()),
            "rows": self.blocks.add(rows._asdict()),
        }
        if record.query is not None and record.key is not None:
            vectors = in_levels(record.query, "query") | in_levels(record.key, "key")
            described["vectors"] = {
                "dim": record.query.shape[-1],
                "keyHeads": record.key.shape[0],
                **self.blocks.add(vectors),
            }
        return described

    def _axis(self, axis: Axis, picture: int | None) -> int:
        entry = (axis, picture if isinstance(axis, PatchGrid) else None)
        if entry not in self._axes:
            self._axes[entry] = len(self._axes)
            self.content["axes"].append(
                {"kind": "grid", **axis.to_json(), "picture": picture}
                if isinstance(axis, PatchGrid)
                else {"kind": "tokens", "labels": list(axis.labels)}
            )
        return self._axes[entry]

    def _picture(self, image: Tensor) -> int:
        if id(image) not in self._pictures:
            self._pictures[id(image)] = len(self._pictures)
            self.content["pictures"].append(_as_address(image))
        return self._pictures[id(image)]


def _with_summaries(seen: AttentionMap) -> AttentionMap:
    """The heads, then their mean and their largest, which few kept weights a head could not give exactly."""
    weights = seen.weights.detach().float().cpu()
    if seen.heads == 1:
        return replace(seen, weights=weights)
    return replace(seen, weights=torch.cat([weights, weights.mean(0, True), weights.amax(0, True)]))


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 6) for value in values]


def _as_address(image: Tensor) -> str:
    """The picture itself as an address: nothing is fetched."""
    pixels = (image.detach().float().cpu().clamp(0, 1) * 255).round().to(torch.uint8)
    picture = Image.fromarray(
        pixels[0].numpy() if len(pixels) == 1 else np.ascontiguousarray(pixels.permute(1, 2, 0).numpy())
    )
    picture.thumbnail((_LARGEST_PICTURE, _LARGEST_PICTURE))
    file = BytesIO()
    picture.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
