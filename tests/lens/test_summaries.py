"""Figures of long texts, with names: against the maps of the same run, and in a small page."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import regard
from regard.lens import AttentionMap, Tokens
from regard.lens.html import PageError, SummaryRecord, page
from regard.lens.html.summary import strips
from regard.lens.measures import entropy, mean_distance
from regard.lens.summaries import AttentionSummary, summaries_picture
from regard.lens.summaries.bins import binned

WORDS = Tokens.of(["나는", "오늘", "도서관에서", "책을", "읽었다", "."])


def both(length: int = 6) -> tuple[AttentionMap, AttentionSummary]:
    torch.manual_seed(0)
    model = nn.TransformerEncoderLayer(16, nhead=4, batch_first=True).eval()
    x, axis = 3 * torch.randn(1, length, 16), WORDS.chosen(range(length))
    with torch.no_grad(), regard.look(model) as seen:
        model(x)
    with torch.no_grad(), regard.look(model, keep="summary") as summed:
        model(x)
    return seen.maps(axis)["self_attn"], AttentionSummary.of(summed["self_attn"], axis, axis)


def made(length: int, heads: int = 12, top: int = 8) -> AttentionSummary:
    random = torch.Generator().manual_seed(length)
    rows = torch.rand(4, heads, length, generator=random)
    keys = torch.randint(length, (heads, length, top), generator=random, dtype=torch.int32)
    weights = torch.rand(heads, length, top, generator=random).sort(-1, descending=True).values / top
    axis = Tokens.of(f"말{one % 997}" for one in range(length))
    return AttentionSummary("h.0.attn", axis, axis, *rows, keys, weights)


def test_figures_are_those_of_the_maps() -> None:
    seen, summary = both()
    torch.testing.assert_close(summary.entropy, entropy(seen.weights))
    torch.testing.assert_close(summary.distance, mean_distance(seen.weights))
    torch.testing.assert_close(summary.share(1), seen.weights[1].sum(0) / 6)
    torch.testing.assert_close(summary.share(), seen.mean().sum(0) / 6)
    [(key, share), *_] = summary.most_received(2)
    given = seen.weights[2].mean(0)
    assert (key, share) == (int(given.argmax()), pytest.approx(float(given.max())))
    assert summary.head(3).entropy.tolist() == summary.entropy[3:4].tolist()
    with pytest.raises(ValueError, match="there is no head 4"):
        summary.head(4)
    assert summary.to_json()["heads"][0]["received"][0]["token"] in WORDS.labels


@given(st.integers(1, 40), st.integers(1, 12))
def test_bins_keep_sums_and_means(columns: int, most: int) -> None:
    values = torch.rand(2, columns, generator=torch.Generator().manual_seed(columns))
    sums = binned(values, most, "sum")
    assert sums.shape == (2, min(columns, most))
    torch.testing.assert_close(sums.sum(1), values.sum(1))
    constant = binned(torch.full((1, columns), 0.3), most, "mean")
    torch.testing.assert_close(constant, torch.full_like(constant, 0.3))


def test_a_page_tells_the_figures() -> None:
    seen, summary = both()
    arrays = strips(summary, 2048)
    assert arrays["at"].tolist() == list(range(6))
    levels = (
        torch.tensor(arrays["entropy"].astype("f8")) / 65535 * torch.tensor(arrays["entropy_top"])[:, None]
    )
    torch.testing.assert_close(levels[:4].float(), summary.entropy, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(levels[4].float(), summary.entropy.mean(0), atol=1e-4, rtol=1e-4)
    # Six keys are all among the eight that a summary names: of the mean they are exact too.
    told = torch.tensor(arrays["top_weights"].astype("f8")) / 65535
    torch.testing.assert_close(told[4, :, 0].float(), seen.mean().amax(1), atol=1e-4, rtol=1e-4)
    assert torch.equal(torch.tensor(arrays["top_keys"].astype("i8"))[4, :, 0], seen.mean().argmax(1))


def test_a_page_of_a_very_long_text_is_small() -> None:
    long = page([made(32_768)], title="long")
    assert len(long.text.encode()) < 3e6
    layers = [made(2048) for _ in range(12)]
    records = [replace(one, name=f"h.{at}.attn") for at, one in enumerate(layers)]
    assert len(page(records).text.encode()) < 6e6


def test_maps_and_figures_share_a_page() -> None:
    seen, summary = both()
    whole = SummaryRecord(summary, of="another text")
    text = page([seen, whole]).text
    found = re.search(r'id="regard-manifest">(.*?)</script>', text)
    assert found
    first, second = json.loads(found[1])["records"]
    assert first["rows"]
    assert "rows" not in second
    assert second["summary"]["arrays"]["received"]
    with pytest.raises(PageError, match="given more than once"):
        page([seen, summary])
    with pytest.raises(PageError, match="entropy must be finite"):
        SummaryRecord(replace(summary, entropy=summary.entropy * math.nan))


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    _, summary = both()
    assert (
        summaries_picture([summary, summary], tmp_path / "figures.png", title="한국어 $x$").stat().st_size
        > 5000
    )


def test_axes_must_fit() -> None:
    _, summary = both()
    with pytest.raises(ValueError, match="do not fit axes of 5 and 6"):
        replace(summary, query_axis=WORDS.chosen(range(5)))
