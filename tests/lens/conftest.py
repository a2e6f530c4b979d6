"""The one-file page in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def show(open_tab: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """Opens a page of maps, which asks for nothing from outside."""
    from regard.lens.html import write

    def show(records: Any, *, title: str = "Seen", megabytes: float = 12.0, **options: Any) -> Any:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.html"
        address = write(records, path, title=title, megabytes=megabytes).as_uri()
        return open_tab(address, ready=".panel > *", asks=("file:", "data:"), **options)

    return show
