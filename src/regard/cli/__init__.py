"""The commands. Each has a file of its own; heavy imports wait until a command needs them."""

import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from regard.errors import UserError


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the ``regard`` command and ends the process.

    Exit codes: 0 done; 1 the reader of our output went away; 2 something the user can mend, told in
    plain words on stderr; 130 and 143 stopped by SIGINT and SIGTERM.
    """
    from regard.cli.app import app
    from regard.cli.arguments import with_bare_look

    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    warnings.showwarning = _warn  # type: ignore[assignment]
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(with_bare_look(given), prog_name="regard")
    except UserError as error:
        _fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror}")
    sys.exit(0)


def _fail(message: str) -> NoReturn:
    sys.stdout.flush()
    print(f"regard: {message}", file=sys.stderr)
    sys.exit(2)


def _warn(message: Warning | str, category: type[Warning], *_: object) -> None:
    """Our own words plainly; those of libraries are for their developers."""
    if category.__module__.startswith("regard") or category is UserWarning:
        print(f"regard: warning: {message}", file=sys.stderr)


def _stop(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
