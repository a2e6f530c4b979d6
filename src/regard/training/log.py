"""What a run writes down: one JSON object a line, and TensorBoard's event files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from regard.strict_json import strict_json
from regard.whole_file import replace_file

LOG_NAME = "log.jsonl"


class RunLog:
    """The log of a run, continued where its checkpoint is: later lines, of a run that died, are dropped.

    Args:
        folder: of the run.
        update: the latest that a line of the log was written of by then.
        validated: the latest whose validation was done by then.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with RunLog(folder, update=0, validated=0) as log:
        ...     log.write(1, {"loss": 2.5})
        >>> read_log(folder)
        [{'update': 1, 'loss': 2.5}]
    """

    def __init__(self, folder: Path, update: int, validated: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / LOG_NAME
        kept = [
            line
            for line in read_log(folder)
            if line["update"] <= (validated if "validation" in line else update)
        ]
        text = "".join(strict_json(line) + "\n" for line in kept)
        replace_file(path, lambda part: part.write_text(text, encoding="utf-8"))
        self._file = path.open("a", encoding="utf-8")
        self._board = SummaryWriter(folder / "tensorboard", purge_step=max(update, validated) + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._board.close()

    def write(self, update: int, figures: Mapping[str, Any], group: str = "") -> None:
        """Write figures of an update; `group`, such as "validation", sets them apart."""
        line = {"update": update} | ({group: dict(figures)} if group else dict(figures))
        self._file.write(strict_json(line) + "\n")
        self._file.flush()
        for name, value in figures.items():
            self._board.add_scalar(f"{group or 'training'}/{name}", value, update)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log; a last line cut short by a kill is left out, no log is no lines."""
    path = folder / LOG_NAME
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("update"), int):
            lines.append(line)
    return lines
