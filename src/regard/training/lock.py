"""One run to a folder."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from regard.errors import UserError

LOCK = ".lock"  # in the folder: it stays there, held or not


class FolderInUseError(UserError):
    """Another process is training in the folder."""


class FolderLock:
    """Holds a folder for this process; the system lets go of it when the process ends, however it ends.

    Who holds it may enter it again; it is let go of when all have left.

    Raises:
        FolderInUseError: on entry, another process holds it.

    Example:
        >>> import tempfile
        >>> with FolderLock(Path(tempfile.mkdtemp())):
        ...     pass
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK
        self._file: IO[str] | None = None
        self._entered = 0

    def __enter__(self) -> Self:
        if self._file is None:
            self._file = self._held()
        self._entered += 1
        return self

    def _held(self) -> IO[str]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("a+", encoding="utf-8")
        try:
            _hold(file)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise FolderInUseError(
                f"{self.path.parent}: in use by another run (process {holder}). Wait for it, or choose "
                "another output folder."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered -= 1
        if self._file is not None and not self._entered:
            self._file.close()
            self._file = None


if os.name == "nt":  # pragma: no cover
    import msvcrt

    def _hold(file: IO[str]) -> None:
        file.seek(2**20)  # a byte past the text, so that others can read who holds it
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]

else:
    import fcntl

    def _hold(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
