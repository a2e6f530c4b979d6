"""The page: markup, style, script and data in one text."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from regard.lens.html.manifest import Manifest
from regard.lens.html.modules import joined_modules
from regard.lens.html.record import PageError
from regard.lens.html.records import Records, records_of
from regard.lens.titles import printable
from regard.whole_file import write_atomically


@dataclass(frozen=True)
class Page:
    """A page of attention maps; the last expression of a notebook's cell shows it there.

    Attributes:
        text: the whole HTML document.
        title: above it.
        height: pixels that it takes in a notebook.
    """

    text: str
    title: str
    height: int = 760

    def write(self, path: str | Path, *, force: bool = False) -> Path:
        """Writes one HTML file.

        Args:
            path: where to; it ends in .html.
            force: replace a file that is there already.

        Raises:
            PageError: another suffix, no such folder, or a file that is there already.
            UserError: it cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise PageError(f"{path}: a page ends in .html; name it {path.stem}.html, say")
        if not path.parent.is_dir():
            raise PageError(f"{path}: there is no folder {path.parent}; make it first")
        if path.exists() and not force:
            raise PageError(f"{path} is there already; choose another name, or replace it with force")
        write_atomically(path, self.text.encode())
        return path

    def _repr_html_(self) -> str:
        # A frame of its own: several pages in one notebook share no names, styles or keys, and what is inside
        # can reach neither the notebook nor the network.
        return (
            f'<iframe title="{html.escape(self.title)}" sandbox="allow-scripts" loading="lazy" '
            f'style="width: 100%; height: {self.height}px; border: 0" '
            f'srcdoc="{html.escape(self.text)}"></iframe>'
        )


def page(records: Records, *, title: str = "Attention", megabytes: float = 12.0) -> Page:
    """A page of attention maps: heads at a glance, lines, heat maps, pictures, decoding step by step.

    Where all weights do not fit into `megabytes`, the largest of each row are kept, in 8 bits; the page says
    what is left out.

    Args:
        records: maps, as a result's ``.attention`` has them, or `Record`s, which carry more than a map; or
            summaries, or both.
        title: above the page.
        megabytes: that the maps may take, about.

    Raises:
        PageError: no maps, two of one name, or maps that cannot be shown.

    Example:
        >>> import torch
        >>> from regard.lens import AttentionMap, Tokens
        >>> seen = AttentionMap("cross", torch.eye(2)[None], Tokens(("le", "chat")), Tokens(("the", "cat")))
        >>> page(seen, title="The cat").text.startswith("<!doctype html>")
        True
    """
    if megabytes <= 0:
        raise PageError(f"a page of {megabytes} megabytes holds no maps; give a larger size")
    manifest = Manifest(title, records_of(records), megabytes)
    # Whatever a model was given to read, the text of a script ends nowhere but at its end.
    content = json.dumps(manifest.content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    blocks = "\n".join(
        f'<script type="text/plain" id="regard-block-{number}">{text}</script>'
        for number, text in enumerate(manifest.blocks.texts)
    )
    source = {
        Path(entry.name).stem: entry.read_text("utf-8")
        for entry in _folder().iterdir()
        if entry.name.endswith(".js")
    }
    script, style = joined_modules(source, "main"), (_folder() / "style.css").read_text("utf-8")
    text = Template((_folder() / "index.html").read_text("utf-8")).substitute(
        title=html.escape(title),
        script_hash=_hash(script),
        style_hash=_hash(style),
        style=style,
        manifest=content,
        blocks=blocks,
        script=script,
    )
    return Page(printable(text), printable(title))


def write(
    records: Records,
    path: str | Path,
    *,
    title: str = "Attention",
    force: bool = False,
    megabytes: float = 12.0,
) -> Path:
    """Writes a `page` of attention maps as one HTML file.

    Args:
        records: see `page`.
        path: where to; it ends in .html.
        title: above the page.
        force: replace a file that is there already.
        megabytes: see `page`.

    Returns:
        The path.

    Raises:
        PageError: see `page` and `Page.write`.

    Example:
        >>> import tempfile, torch
        >>> from regard.lens import AttentionMap, Tokens
        >>> seen = AttentionMap("cross", torch.eye(2)[None], Tokens(("le", "chat")), Tokens(("the", "cat")))
        >>> write(seen, Path(tempfile.mkdtemp()) / "seen.html").name
        'seen.html'
    """
    return page(records, title=title, megabytes=megabytes).write(path, force=force)


def _folder() -> Traversable:
    return files("regard.lens.html") / "page"


def _hash(text: str) -> str:
    """What the page's policy knows a script or a style by: any other is not run."""
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
