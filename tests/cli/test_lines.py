"""Reading lines, and completing the command line."""

import io

import pytest

from regard.cli.arguments import with_bare_look
from regard.cli.lines import chunks, read_lines
from regard.errors import UserError


def lines(data: bytes) -> list[str]:
    return list(read_lines(io.BytesIO(data), "standard input"))


def test_only_line_feeds_end_lines() -> None:
    assert lines("\ufeffa\u2028b\x0bc\r\n\nlast".encode()) == ["a\u2028b\x0bc", "", "last"]
    assert lines(b"") == []
    assert lines(b"\n") == [""]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            b"good\nb\xe9b\xe9\n",
            r"line 2: not valid UTF-8 at byte 2 \(0xE9\) of the line; .* iconv -f latin1",
        ),
        (b"\x00\x01", "line 1: this looks like a binary"),
        (b"\x89P\rNG\x00", "line 1: this looks like a binary"),
        (b"\x89PNG\xff\xfe\x00\x0d", "line 1: this looks like a binary"),
    ],
)
def test_bad_lines_are_named(data: bytes, words: str) -> None:
    with pytest.raises(UserError, match=f"standard input, {words}"):
        lines(data)


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    with pytest.raises(UserError, match="standard input, line 2: longer than 1 MiB"):
        lines(b"fine\n" + b"x" * (2 << 20))


def test_lines_of_an_old_mac_are_not_taken_for_one() -> None:
    with pytest.raises(UserError, match="standard input: its lines end in a carriage return alone"):
        lines(b"one\rtwo\r")
    assert lines(b"one\r") == ["one"]
    assert lines(b"one\rstill one\ntwo\rstill two") == ["one\rstill one", "two\rstill two"]


def test_what_came_before_a_bad_line_is_not_lost() -> None:
    source = chunks(read_lines(io.BytesIO(b"one\ntwo\n\xff\n"), "standard input"))
    assert next(source) == ["one", "two"]
    with pytest.raises(UserError, match="line 3"):
        next(source)


def test_chunks_grow_and_keep_the_order() -> None:
    found = list(chunks(map(str, range(2000))))
    assert [len(chunk) for chunk in found[:8]] == [8, 16, 32, 64, 128, 256, 512, 512]
    assert [line for chunk in found for line in chunk] == [str(number) for number in range(2000)]


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        (["translate", "a", "--look"], ["translate", "a", "--look=terminal"]),
        (["translate", "--look", "a b", "--json"], ["translate", "--look=terminal", "a b", "--json"]),
        (["translate", "--look", "A.PNG", "x"], ["translate", "--look=A.PNG", "x"]),
        (["translate", "x", "--look", "map.jpg"], ["translate", "x", "--look=map.jpg"]),
        (["translate", "--look", "I read notes.txt"], ["translate", "--look=terminal", "I read notes.txt"]),
        (["translate", "--look", "the cat.png", "x"], ["translate", "--look=the cat.png", "x"]),
        (["translate", "--look=a.json", "x"], ["translate", "--look=a.json", "x"]),
        (["translate", "--", "--look"], ["translate", "--", "--look"]),
    ],
)
def test_look_may_stand_alone(given: list[str], completed: list[str]) -> None:
    assert with_bare_look(given) == completed
