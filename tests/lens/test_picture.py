"""Pictures: that they are written, whole, and for any script."""

import warnings
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest
import torch
from matplotlib import font_manager, rc_context
from matplotlib.figure import Figure
from PIL import Image

from regard.errors import UserError
from regard.lens import (
    AttentionMap,
    PictureError,
    Tokens,
    embeddings_picture,
    heads_picture,
    neighbours,
    picture,
    positions_picture,
    principal_plane,
)
from regard.lens import fonts as fonts_module
from regard.lens.fonts import MissingGlyphs, can_draw, families_for
from regard.lens.html import page
from regard.lens.labels import offsets
from regard.lens.panels import MOST_AREA, Panel, Sizes, draw_grid


def a_map(queries: int, keys: int, heads: int = 3) -> AttentionMap:
    weights = torch.softmax(torch.randn(heads, queries, keys), -1)
    return AttentionMap(
        "decoder.0.cross",
        weights,
        Tokens.of([f"mot{index}" for index in range(queries)]),
        Tokens.of([f"$word{index}" for index in range(keys)]),
    )


def margins_are_empty(path: Path) -> bool:
    """Whether the outermost pixels are all paper: nothing is cut off."""
    with Image.open(path) as opened:
        pixels = torch.tensor(list(opened.convert("L").tobytes())).view(opened.height, opened.width)
    edges = torch.cat([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return bool((edges == 255).all())


@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (9, 7), (1, 30)])
def test_a_picture_is_written_whole(tmp_path: Path, queries: int, keys: int) -> None:
    path = picture([a_map(queries, keys), a_map(1, keys)], tmp_path / "map.png")
    assert margins_are_empty(path)


def test_all_heads(tmp_path: Path) -> None:
    assert margins_are_empty(heads_picture(a_map(4, 5, heads=5), tmp_path / "heads.png"))


def words(*texts: str) -> Tokens:
    return Tokens.of(texts)


def drawn(*shapes: tuple[Tokens, Tokens], title: str = "m") -> Figure:
    """Panels below each other, laid out."""
    grid = [[Panel(title, torch.full((len(q), len(k)), 0.5), q, k)] for q, k in shapes]
    with rc_context({"font.family": families_for([label for row in grid for label in row[0].labels])}):
        figure = draw_grid(grid, numbers=True)
        figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize(
    ("keys", "angle"),
    [(["the", "cat", "sat"] * 4, 0), (["고양", "매트", "위에"] * 4, 0), (["돗자리에", "앉았어요"] * 5, 45)],
)
def test_words_below_a_map_do_not_run_together(keys: list[str], angle: int) -> None:
    axes = drawn((words("a"), words(*keys))).axes[0]
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {angle}


def test_long_words_are_cut_by_the_room_that_they_take() -> None:
    axes = drawn((words("a", "가" * 13, "나" * 12), words("b"))).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()][1:] == ["가" * 11 + "…", "나" * 12]


def test_a_picture_says_who_looks_at_what_and_counts_in_per_cent() -> None:
    figure = drawn((words("a", "b"), words("c", "d")), (words("a"), words("c", "d")))
    upper, lower, bar = figure.axes
    assert [axes.get_ylabel() for axes in (upper, lower)] == ["who looks"] * 2
    assert [axes.get_xlabel() for axes in (upper, lower)] == ["", "what is looked at"]
    assert bar.get_ylabel() == "attention, %"
    assert bar.yaxis.get_major_formatter()(0.5) == "50"
    assert [text.get_text() for text in upper.texts] == ["50"] * 4


def test_the_colour_bar_is_beside_one_map_and_no_title_is_wider_than_its_map() -> None:
    rows, keys = words(*"abcdef"), words("c", "d")
    figure = drawn((rows, keys), (words("a"), keys), title="decoder.2.cross · mean of 4 heads")
    upper, lower, bar = (axes.get_window_extent() for axes in figure.axes)
    assert upper.y0 - 1 <= bar.y0 < bar.y1 <= upper.y1 + 1
    assert lower.y1 < bar.y0
    for axes, box in zip(figure.axes, (upper, lower), strict=False):
        assert axes.title.get_text() == ""
        assert axes._left_title.get_window_extent().x1 <= box.x1  # type: ignore[attr-defined]


def test_svg_needs_no_font_of_its_reader(tmp_path: Path) -> None:
    path = picture(a_map(3, 3), tmp_path / "map.svg")
    root = ElementTree.parse(path).getroot()
    assert root.tag.endswith("svg")
    assert not list(root.iter("{http://www.w3.org/2000/svg}text"))


def test_where_a_picture_cannot_go(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"ends in \.png, \.svg or \.pdf"):
        picture(a_map(2, 2), tmp_path / "map.jpeg")
    with pytest.raises(PictureError, match="no folder"):
        picture(a_map(2, 2), tmp_path / "missing" / "map.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UserError, match="cannot write"):
        picture(a_map(2, 2), tmp_path / "folder.png")
    with pytest.raises(PictureError, match="no attention map"):
        picture([], tmp_path / "map.png")


def test_a_script_no_font_draws_is_told_and_drawn_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts_module, "_installed", dict)
    monkeypatch.setattr(fonts_module, "_installed_since", dict)
    with pytest.warns(MissingGlyphs, match="fonts-noto-cjk"):
        assert families_for(["고양이"]) == ["DejaVu Sans"]
    seen = AttentionMap("m", torch.ones(1, 1, 1), Tokens.of(["고양이"]), Tokens.of(["cat"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert picture(seen, tmp_path / "map.png").exists()


def test_the_boxes_that_matplotlib_brings_draw_no_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its list of fonts has one that covers every character, with boxes."""
    manager = font_manager.fontManager
    brought = [entry for entry in manager.ttflist if entry.fname.startswith(matplotlib.get_data_path())]
    assert brought
    monkeypatch.setattr(manager, "ttflist", brought)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    with pytest.warns(MissingGlyphs, match="draws 3 characters"):
        assert families_for(["한국어"]) == ["DejaVu Sans"]
    assert not can_draw("ไทย")


def test_many_maps_have_small_cells_and_too_many_are_refused(tmp_path: Path) -> None:
    rows = words(*["word"] * 40)
    few, many = ([[Panel("m", torch.ones(40, 40), rows, rows)]] * count for count in (2, 16))
    assert Sizes.of(few).cell > Sizes.of(many).cell
    assert Sizes.of(many).area < MOST_AREA
    with pytest.raises(PictureError, match=r"200 maps would take .* \(--at\), or save a page .*\.html"):
        picture([a_map(40, 40)] * 200, tmp_path / "map.png")


def test_large_figures_have_fewer_dots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("regard.lens.picture"), "_MOST_PIXELS", 1e5)
    with Image.open(picture(a_map(9, 9), tmp_path / "map.png")) as opened:
        assert opened.width * opened.height < 1.5e5


def test_names_that_no_font_has_letters_for(tmp_path: Path) -> None:
    """A dollar sign is no mathematics, and a byte of a file's name may be no letter."""
    odd = Tokens(("a\udcff", "$b_{$"))
    named = AttentionMap("d$x_{y$\udcff", torch.eye(2)[None], odd, odd)
    assert heads_picture(named, tmp_path / "heads.png").exists()
    assert picture(named, tmp_path / "map.png").exists()
    assert picture(named, tmp_path / "map.svg").exists()
    assert "d$x_{y$?" in page(named, title=named.name).text


def test_positions(tmp_path: Path) -> None:
    assert margins_are_empty(positions_picture(torch.randn(12, 8), tmp_path / "positions.png"))
    assert positions_picture(torch.zeros(2, 2), tmp_path / "zeros.svg").exists()
    with pytest.raises(ValueError, match=r"\[positions, width\]"):
        positions_picture(torch.zeros(2), tmp_path / "positions.png")


def test_embeddings_before_and_after(tmp_path: Path) -> None:
    words = [f"word{index}" for index in range(12)]
    path = tmp_path / "words.png"
    embeddings_picture(words, torch.randn(12, 6), path, before=torch.randn(12, 6))
    assert margins_are_empty(path)
    with pytest.raises(ValueError, match="12 words do not fit"):
        embeddings_picture(words, torch.randn(11, 6), path)


def test_the_plane_is_where_vectors_differ_most() -> None:
    vectors = torch.zeros(6, 4)
    vectors[:, 2] = torch.tensor([-3.0, -2, -1, 1, 2, 3])
    vectors[:, 1] = torch.tensor([1.0, -1, 0, 0, -1, 1])
    _, plane = principal_plane(vectors)
    torch.testing.assert_close(plane.abs(), torch.eye(4)[:, [2, 1]].double(), atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="two vectors"):
        principal_plane(vectors[:1])


def test_neighbours_are_by_angle_without_the_word_itself() -> None:
    vectors = torch.tensor([[1.0, 0], [5, 0.1], [0, 1], [-1, 0]])
    found = neighbours(vectors, 0, count=9)
    assert [each.index for each in found] == [1, 2, 3]
    assert found[-1].cosine == pytest.approx(-1)
    with pytest.raises(ValueError, match="no row 4"):
        neighbours(vectors, 4)


def test_labels_of_a_crowd_do_not_cover_each_other() -> None:
    points = [(float(index % 3), float(index // 3)) for index in range(9)]
    placed = offsets(["word"] * 9, points)
    ends = [(x + right, y + up) for (x, y), (right, up, _) in zip(points, placed, strict=True)]
    width = 0.6 * 8 * 4
    for one in range(9):
        for other in range(one):
            apart = abs(ends[one][0] - ends[other][0]) >= width or abs(ends[one][1] - ends[other][1]) >= 8
            assert apart
