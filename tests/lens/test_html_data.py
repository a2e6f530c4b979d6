"""What a page holds: rows in few bytes, blocks, joined modules, and that text stays text."""

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import regard.lens.html
from regard.lens import AttentionMap, PatchGrid, Tokens
from regard.lens.html import PageError, Record, page, write
from regard.lens.html.modules import joined_modules
from regard.lens.html.sparse import Detail, SparseRows, detail_for, sparse_rows

PAGE = Path(regard.lens.html.__file__).parent / "page"
HOSTILE = "</script><script>alert(1)</script>"


def a_map(name: str = "encoder.0.self", heads: int = 2, queries: int = 3, keys: int = 4) -> AttentionMap:
    generator = torch.Generator().manual_seed(len(name) + heads)
    weights = torch.softmax(3 * torch.randn(heads, queries, keys, generator=generator), -1)
    axes = (
        Tokens.of(f"{letter}{n}" for n in range(length)) for letter, length in (("q", queries), ("k", keys))
    )
    return AttentionMap(name, weights, *axes)


class Scripts(HTMLParser):
    """The scripts of a page as a browser finds them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.found.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and data.strip():
            attributes, before = self.found[-1]
            self.found[-1] = (attributes, before + data)

    def manifest(self) -> dict:
        return json.loads(next(text for attributes, text in self.found if "json" in str(attributes["type"])))

    def arrays(self, stored: dict) -> dict[str, np.ndarray]:
        text = next(
            text
            for attributes, text in self.found
            if attributes.get("id") == f"regard-block-{stored['block']}"
        )
        raw = base64.b64decode(text)
        raw = zlib.decompress(raw) if stored["packed"] else raw
        types = {"Uint8Array": "u1", "Int8Array": "i1", "Uint16Array": "<u2", "Uint32Array": "<u4"}
        return {
            name: np.frombuffer(raw, types.get(kind, "<f4"), length, offset)
            for name, (kind, offset, length) in stored["arrays"].items()
        }


def unpacked(rows: SparseRows, shape: tuple[int, int, int], levels: int) -> np.ndarray:
    """The weights again, [heads, queries, keys], 0 where they were left out; knows nothing of the writer."""
    weights = np.zeros(shape)
    at = 0
    for head in range(shape[0]):
        for query in range(shape[1]):
            key = 0
            for number in range(rows.counts[head, query]):
                key = key + int(rows.steps[at]) if len(rows.steps) else number
                weights[head, query, key] = float(rows.levels[at]) * float(rows.scales[head, query]) / levels
                at += 1
    assert at == len(rows.levels)
    return weights


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 40)),
    st.integers(1, 45),
    st.sampled_from([255, 65535]),
    st.floats(0.1, 6),
    st.integers(0, 99),
)
def test_the_largest_weights_of_a_row_are_kept_and_the_rest_is_summed(
    shape: tuple[int, int, int], largest: int, levels: int, sharp: float, seed: int
) -> None:
    logits = sharp * torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    weights = torch.softmax(logits, -1)
    rows = sparse_rows(weights, Detail(largest, levels))
    again = unpacked(rows, shape, levels)
    exact = weights.double().numpy()
    half_a_level = exact.max(-1, keepdims=True) / levels / 2 + 1e-7
    kept = again > 0
    assert (np.abs(again - exact) <= half_a_level)[kept].all()
    assert (kept.sum(-1) <= largest).all()
    # Nothing that was left out is larger than what was kept, by more than what is rounded away.
    smallest = np.where(kept, exact, np.inf).min(-1, keepdims=True)
    assert (np.where(kept, 0, exact) <= np.maximum(smallest, half_a_level) + 1e-7).all()
    whole = largest >= shape[2]
    np.testing.assert_allclose(rows.rest, (exact * ~kept).sum(-1) * (not whole), atol=1e-6)
    assert (rows.rest[..., None] + (exact * kept).sum(-1, keepdims=True) <= 1 + 1e-6).all()


def test_rows_of_nothing_and_rows_of_one_word_are_kept() -> None:
    weights = torch.zeros(1, 2, 9)
    weights[0, 1, 7] = 1
    rows = sparse_rows(weights, Detail(2, 255))
    assert rows.counts.tolist() == [[0, 1]]
    assert unpacked(rows, (1, 2, 9), 255).tolist() == weights.tolist()


def test_short_texts_are_kept_whole_and_long_ones_as_far_as_there_is_room() -> None:
    assert detail_for([(4, 30, 30)] * 12, 10**6) == Detail(None, 65535)
    small, large = (detail_for([(14, 512, 512)] * 12, size * 10**6) for size in (3, 9))
    assert small.levels == large.levels == 255
    assert small.largest is not None
    assert large.largest is not None
    assert small.largest < large.largest
    assert detail_for([(1, 10**6, 4000)], 10) == Detail(8, 255)


def test_a_page_holds_the_weights_their_mean_and_their_largest() -> None:
    seen = a_map(heads=3)
    scripts = Scripts(page(seen).text)
    place = scripts.manifest()["records"][0]
    arrays = scripts.arrays(place["rows"])
    shape = (5, 3, 4)
    rows = SparseRows(*(arrays[name] for name in SparseRows._fields))
    rows = rows._replace(counts=rows.counts.reshape(5, 3), scales=rows.scales.reshape(5, 3))
    again = unpacked(rows, shape, place["levels"])
    expected = torch.cat([seen.weights, seen.weights.mean(0, True), seen.weights.amax(0, True)])
    np.testing.assert_allclose(again, expected.numpy(), atol=1e-5)
    assert place["tops"] == pytest.approx(expected.amax((1, 2)).tolist(), abs=1e-6)
    assert place["left"] == [0.0] * 5


def test_a_page_says_what_share_it_leaves_out() -> None:
    seen = AttentionMap("e", torch.full((1, 4, 40), 1 / 40), Tokens.of("abcd"), Tokens.of("k" * 40))
    place = Scripts(page(seen, megabytes=1e-5).text).manifest()["records"][0]
    assert (place["levels"], place["largest"]) == (255, 8)
    assert place["left"] == place["worst"] == pytest.approx([0.8])


def test_equal_axes_and_one_picture_are_held_once() -> None:
    grid, image = PatchGrid(2, 2, ("[CLS]",), (8, 8)), torch.rand(3, 8, 8)
    weights = torch.softmax(torch.randn(2, 5, 5), -1)
    records = [
        Record(AttentionMap(f"encoder.{layer}.self", weights, grid, grid), image) for layer in range(3)
    ]
    manifest = Scripts(page(records).text).manifest()
    assert len(manifest["axes"]) == len(manifest["pictures"]) == 1
    assert [one["group"] for one in manifest["records"]] == ["encoder.*.self"] * 3
    assert [one["layer"] for one in manifest["records"]] == [0, 1, 2]


def test_vectors_come_in_8_bits() -> None:
    seen = a_map(heads=4, queries=3, keys=3)
    query, key = torch.randn(4, 3, 6), torch.randn(2, 3, 6)
    scripts = Scripts(page(Record(seen, query=query, key=key)).text)
    stored = scripts.manifest()["records"][0]["vectors"]
    arrays = scripts.arrays(stored)
    again = arrays["query"].reshape(4, 3, 6) * arrays["query_step"].reshape(4, 3, 1)
    assert (np.abs(again - query.numpy()) <= query.abs().amax(-1, keepdim=True).numpy() / 254 + 1e-6).all()
    assert (stored["dim"], stored["keyHeads"]) == (6, 2)


@pytest.mark.parametrize(
    ("name", "causal", "written"),
    [
        ("decoder.2.cross", False, "across"),
        ("model.decoder.layers.0.encoder_attn", False, "across"),
        ("decoder.0.self", True, "within"),
        ("encoder.0.self", False, None),
    ],
)
def test_texts_that_are_written_word_by_word_are_known(name: str, causal: bool, written: str | None) -> None:
    seen = a_map(name, queries=4)
    weights = seen.weights.tril() if causal else seen.weights
    assert Record(AttentionMap(name, weights, seen.query_axis, seen.key_axis)).written == written


def test_places_are_layers_of_a_stack_by_their_names() -> None:
    names = ["encoder.layer.11.attention.self", "h2.4.attn", "attention"]
    found = [Record(a_map(name)) for name in names]
    assert [one.layer for one in found] == [11, 4, None]
    assert [one.group for one in found] == ["encoder.layer.*.attention.self", "h2.*.attn", "attention"]


def test_what_cannot_be_shown_is_refused_by_name() -> None:
    axis = Tokens.of("ab")
    for weights, why in (
        (torch.tensor([[[0.5, -0.1]]]), "negative"),
        (torch.tensor([[[0.5, np.nan]]]), "finite"),
    ):
        with pytest.raises(PageError, match=rf"decoder\.1\.cross.*{why}"):
            Record(AttentionMap("decoder.1.cross", weights, Tokens.of("x"), axis))
    with pytest.raises(PageError, match="no weights"):
        Record(AttentionMap("e", torch.zeros(1, 0, 2), Tokens.of(""), axis))
    seen, grid = a_map(heads=2), PatchGrid(2, 2)
    with pytest.raises(PageError, match="both query and key"):
        Record(seen, query=torch.ones(2, 3, 8))
    for query, key in (((2, 3, 8), (2, 4, 7)), ((2, 4, 8), (2, 4, 8)), ((2, 3, 8), (3, 4, 8))):
        with pytest.raises(PageError, match="do not fit weights of 2 heads, 3 queries and 4 keys"):
            Record(seen, query=torch.ones(query), key=torch.ones(key))
    with pytest.raises(PageError, match=r"\[1 or 3 channels, height, width\], this is \[2, 8, 8\]"):
        Record(AttentionMap("e", torch.ones(1, 1, 4), Tokens.of("x"), grid), torch.ones(2, 8, 8))
    with pytest.raises(PageError, match="no attention map"):
        page([])
    with pytest.raises(PageError, match=r"encoder\.0\.self: given more than once"):
        page([seen, seen])
    with pytest.raises(PageError, match="megabytes"):
        page(seen, megabytes=0)


def test_a_file_is_written_once_and_replaced_when_that_is_said(tmp_path: Path) -> None:
    path = write({"e": a_map()}, tmp_path / "seen.html", title="one")
    with pytest.raises(PageError, match="is there already"):
        write(a_map(), path)
    write(a_map(), path, title="two", force=True)
    assert "<title>two</title>" in path.read_text("utf-8")
    with pytest.raises(PageError, match=r"name it map\.html"):
        write(a_map(), tmp_path / "map.png")
    with pytest.raises(PageError, match="there is no folder"):
        write(a_map(), tmp_path / "none" / "map.html")
    assert [entry.name for entry in tmp_path.iterdir()] == ["seen.html"]


def test_text_of_a_model_never_becomes_markup() -> None:
    axis = Tokens.of([HOSTILE, "<!--", "<img src=x onerror=alert(1)>", "]]>", "\u2028", '"', "$title"])
    seen = AttentionMap("encoder.0.self", torch.full((1, 7, 7), 1 / 7), axis, axis)
    text = page(seen, title=f'{HOSTILE}"$script').text
    scripts = Scripts(text)
    # The manifest, the thumbnails, the weights, and the one script that runs.
    assert [attributes["type"] for attributes, _ in scripts.found] == [
        "application/json", "text/plain", "text/plain", "module",
    ]  # fmt: skip
    assert scripts.manifest()["axes"][0]["labels"] == list(axis.labels)
    assert not [tag for tag, attributes in scripts.tags if any(name.startswith("on") for name in attributes)]
    assert "img" not in [tag for tag, _ in scripts.tags]


def test_the_policy_lets_run_what_is_in_the_file_and_nothing_else() -> None:
    text = page(a_map()).text
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    for tag, rule in (
        (r'<script type="module">(.*?)</script>', "script-src"),
        ("<style>(.*?)</style>", "style-src"),
    ):
        (inside,) = re.findall(tag, text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert not re.search(r"https?://|\bstyle=|\bon\w+=\"", text)


def test_modules_that_cannot_be_joined_are_told() -> None:
    assert "const { a: b } = one_js;" in joined_modules(
        {"one": "export const a = 1;\n", "two": 'import { a as b } from "./one.js";\nb;\n'}, "two"
    )
    circle = {"a": 'import { b } from "./b.js";\n', "b": 'import { a } from "./a.js";\n'}
    with pytest.raises(ValueError, match="a → b → a"):
        joined_modules(circle, "a")
    with pytest.raises(ValueError, match=r"a\.js imports b\.js"):
        joined_modules({"a": circle["a"]}, "a")
    for form in ('import * as b from "./b.js";', "export default 1;", "export { a };", "export let a = 1;"):
        with pytest.raises(ValueError, match="cannot be joined"):
            joined_modules({"a": f"{form}\n"}, "a")


def test_the_page_is_coloured_as_pictures_are() -> None:
    text = (PAGE / "colours.js").read_text("utf-8")
    stops = re.findall(r"0x([0-9a-f]{6})", text)
    assert len(stops) == 17
    for level, stop in enumerate(stops):
        ours = [int(stop[at : at + 2], 16) for at in (0, 2, 4)]
        theirs = [round(255 * part) for part in matplotlib.colormaps["viridis"](level / 16)[:3]]
        assert max(abs(one - other) for one, other in zip(ours, theirs, strict=True)) <= 3


def test_every_text_of_the_page_is_there_in_both_languages() -> None:
    text = (PAGE / "strings.js").read_text("utf-8")
    tables = [
        dict(re.findall(r'^  (\w+):\s+"(.*)",$', table, re.MULTILINE))
        for table in re.findall(r"= \{\n(.*?)\n\};", text, re.DOTALL)
    ]
    assert len(tables) == 2
    english, korean = tables
    assert english.keys() == korean.keys()
    for name, sentence in english.items():
        assert set(re.findall(r"\{\w+\}", sentence)) == set(re.findall(r"\{\w+\}", korean[name])), name
