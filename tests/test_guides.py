"""The Python in the guides runs, and both languages show the same code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAIRS = [("README.md", "README.ko.md"), ("docs/guide.md", "docs/guide.ko.md")]


def code(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def without_comments(blocks: list[str]) -> list[str]:
    return [re.sub(r"\s*# .*", "", block) for block in blocks]


@pytest.mark.parametrize("page", [page for pages in PAIRS for page in pages])
def test_its_python_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = code(page, "python")
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)


@pytest.mark.parametrize(("english", "korean"), PAIRS)
@pytest.mark.parametrize("language", ["python", "sh"])
def test_both_languages_show_the_same(english: str, korean: str, language: str) -> None:
    assert without_comments(code(english, language)) == without_comments(code(korean, language))
