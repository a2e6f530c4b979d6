"""The one-file page against bertviz, for the same maps: how large, and how long until it can be looked at.

python -m benchmarks.html [--lengths 128 512] [--layers 12] [--heads 12]

bertviz' page asks the network for three scripts: where there is none, its opening is not measured.
"""

import argparse
import importlib.util
import shutil
import tempfile
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from regard.lens import AttentionMap, Tokens
from regard.lens.html import write


def maps(length: int, layers: int, heads: int) -> list[torch.Tensor]:
    """Weights of every layer, [1, heads, length, length], peaked as a trained model's are."""
    random = torch.Generator().manual_seed(length)
    shape = 1, heads, length, length
    return [torch.softmax(3 * torch.randn(shape, generator=random), -1) for _ in range(layers)]


def ours(weights: list[torch.Tensor], path: Path) -> float:
    """Writes the page, and returns the seconds that it took."""
    axis = Tokens.of(f"word{at}" for at in range(weights[0].shape[-1]))
    start = time.perf_counter()
    seen = [AttentionMap(f"encoder.{at}.self", one[0], axis, axis) for at, one in enumerate(weights)]
    write(seen, path)
    return time.perf_counter() - start


def theirs(weights: list[torch.Tensor], path: Path) -> float:
    """The same with bertviz' model view."""
    from bertviz import model_view

    tokens = [f"word{at}" for at in range(weights[0].shape[-1])]
    start = time.perf_counter()
    page = model_view(weights, tokens, html_action="return")
    path.write_text(page.data, encoding="utf-8")
    return time.perf_counter() - start


def opened(path: Path) -> str:
    """Milliseconds in Chromium from asking for the page to its first view, or why they are not known."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None or importlib.util.find_spec("playwright") is None:
        return "no Chromium here"
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        start = time.perf_counter()
        try:
            tab.goto(path.as_uri(), timeout=120_000)
            tab.wait_for_selector(".panel canvas, #vis svg, svg", timeout=30_000)
        except Error as error:
            return str(error).splitlines()[0][:40]
        finally:
            taken = time.perf_counter() - start
            browser.close()
        return f"{taken * 1e3:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--heads", type=int, default=12)
    given = parser.parse_args()
    console = Console()
    console.print(machine.describe())
    contestants = {"regard": ours}
    if importlib.util.find_spec("bertviz") is not None:
        contestants["bertviz"] = theirs
    else:
        console.print("bertviz is not installed, and is left out: pip install bertviz")
    title = f"one page of {given.layers} layers × {given.heads} heads"
    table = Table("n", "page", "MB", "written in, s", "opened in, ms", title=title)
    for length in given.lengths:
        weights = maps(length, given.layers, given.heads)
        for name, make in contestants.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "page.html"
                taken = make(weights, path)
                size = path.stat().st_size / 1e6
                table.add_row(str(length), name, f"{size:,.1f}", f"{taken:.1f}", opened(path))
    console.print(table)


if __name__ == "__main__":
    main()
