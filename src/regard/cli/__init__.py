"""The commands. Each has a file of its own; heavy imports wait until a command needs them."""

import errno
import io
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from regard.errors import RegardWarning, UserError

# What writing comes to on a full or broken disk, beyond what one may have, or where nothing is open.
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the ``regard`` command and ends the process.

    Exit codes: 0 done; 1 the reader of our output went away; 2 something the user can mend, told in
    plain words on stderr; 130 and 143 stopped by SIGINT and SIGTERM.
    """
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    from regard.cli.app import app
    from regard.cli.arguments import with_bare_look
    from regard.cli.look import with_attention

    warnings.showwarning = _warn  # type: ignore[assignment]
    _fill_closed_streams()
    _take_any_letter()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        try:
            app(with_attention(with_bare_look(given)), prog_name="regard")
        finally:
            # What is printed may wait in a buffer until now, and fail only now.
            sys.stdout.flush()
    except UserError as error:
        _fail(str(error))
    except BrokenPipeError:
        _discard_output()
        sys.exit(1)
    except (OSError, MemoryError, RuntimeError) as error:
        if _lacks_memory(error):
            _fail(
                "the memory is not enough for so much at once; take a smaller --beam, shorter texts or "
                "smaller pictures, and for training a smaller training.tokens or training.images"
            )
        if not isinstance(error, OSError) or (error.filename is None and error.errno not in _NO_SPACE):
            raise
        _fail(f"{error.filename or 'cannot write'}: {error.strerror}")
    sys.exit(0)


def _fill_closed_streams() -> None:
    """Takes the places of standard streams that are closed, or files opened later would be taken for them.

    What goes to a closed standard output fails; what goes to a closed standard error is lost.
    """
    if sys.stdin is None:
        os.open(os.devnull, os.O_RDONLY)
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _take_any_letter() -> None:
    """Has standard output take every letter, whatever the locale.

    Into files and pipes goes UTF-8, which is what is read from them too, and names of files byte by byte. A
    terminal knows only its own encoding, and PYTHONIOENCODING is somebody's wish: of a letter that they lack
    the number is shown. Standard error does so anyway.
    """
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return
    if not sys.stdout.isatty() and not os.environ.get("PYTHONIOENCODING"):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    elif sys.stdout.errors in ("strict", "surrogateescape"):
        sys.stdout.reconfigure(errors="backslashreplace")


def _fail(message: str) -> NoReturn:
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()
    print(f"regard: {message}", file=sys.stderr)
    sys.exit(2)


def _lacks_memory(error: Exception) -> bool:
    """Whether an error is that of Python, numpy or torch for memory that there is not, on any device.

    torch has no class of its own for that on the CPU, and is not imported for it here.
    """
    said = ("out of memory", "allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or any(words in str(error) for words in said)


def _discard_output() -> None:
    """Sends what stdout still holds nowhere, or Python would fail on it once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _warn(message: Warning | str, category: type[Warning], *_: object) -> None:
    """Our own words plainly; those of libraries are for their developers."""
    if issubclass(category, RegardWarning):
        print(f"regard: warning: {message}", file=sys.stderr)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    if _importing(frame):
        # Libraries guard their imports with excepts that swallow an exit. What is written meanwhile is whole
        # or absent, whatever ends the process.
        os._exit(128 + number)
    sys.exit(128 + number)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back
    return False
