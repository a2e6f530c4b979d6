"""The heat map in a terminal."""

import io

import torch
from rich.cells import cell_len
from rich.console import Console

from regard.lens import AttentionMap, HeatMap, Tokens


def shown(seen: AttentionMap, width: int = 80, colour: bool = False) -> list[str]:
    stream = io.StringIO()
    system = "truecolor" if colour else None
    Console(file=stream, width=width, color_system=system, force_terminal=colour, no_color=False).print(
        HeatMap(seen)
    )
    return stream.getvalue().splitlines()


def uniform(queries: list[str], keys: list[str]) -> AttentionMap:
    return AttentionMap(
        "m", torch.full((1, len(queries), len(keys)), 1 / len(keys)), Tokens.of(queries), Tokens.of(keys)
    )


def test_wide_characters_line_up() -> None:
    lines = shown(uniform(["고양이", "猫", "chat"], ["the", "매트"]))
    ends = {cell_len(line) for line in lines[1:]}
    assert len(ends) == 1


def test_no_line_is_wider_than_the_terminal_and_every_key_is_there() -> None:
    keys = [f"word{index}" for index in range(40)]
    for colour in (False, True):
        lines = shown(uniform(["a", "b"], keys), width=60, colour=colour)
        if not colour:
            assert max(cell_len(line) for line in lines) <= 60
        assert all(any(key in line.split() for line in lines) for key in keys)


def test_a_long_word_is_cut_with_a_mark() -> None:
    lines = shown(uniform(["Donaudampfschifffahrtsgesellschaft"], ["안녕하세요여러분반갑습니다"]))
    assert any("…" in line for line in lines[1:2])
    assert lines[2].startswith("Donaudampfschif…")


def test_colours_only_where_there_are_colours() -> None:
    plain = "\n".join(shown(uniform(["a"], ["b"])))
    assert "\x1b" not in plain
    assert "█100" in plain
    assert "\x1b[" in "\n".join(shown(uniform(["a"], ["b"]), colour=True))


def test_tiny_weights_are_dots_and_zeros_do_not_divide() -> None:
    seen = AttentionMap("m", torch.zeros(1, 1, 2), Tokens.of("a"), Tokens.of("bc"))
    assert shown(seen)[-1].split() == ["a", "·", "·"]
    assert shown(seen, colour=True)


def test_markup_in_words_is_not_markup() -> None:
    assert "[bold]" in shown(uniform(["[bold]"], ["[/]"]))[2]


def test_an_empty_map_prints_its_name() -> None:
    seen = AttentionMap("empty", torch.zeros(1, 0, 0), Tokens(()), Tokens(()))
    assert shown(seen) == ["empty"]
