"""What a user is told in plain words: errors that end a command (exit code 2), warnings that do not."""

from importlib import import_module
from types import ModuleType


class UserError(Exception):
    """Something the user asked for cannot be done; the message says what, where and what to do.

    Example:
        >>> raise UserError("data.tsv, line 3: expected 2 columns, found 1")
        Traceback (most recent call last):
        ...
        regard.errors.UserError: data.tsv, line 3: expected 2 columns, found 1
    """


class RegardWarning(UserWarning):
    """Something was done, but not quite as the user may think; the message says what.

    Commands print these and no others: the warnings of libraries are for developers.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as told:
        ...     warnings.simplefilter("always")
        ...     warnings.warn("only the beginning was read", RegardWarning)
        >>> str(told[0].message)
        'only the beginning was read'
    """


def from_extra(module: str, extra: str) -> ModuleType:
    """A module that only an extra of Regard brings, imported when it is used and not before.

    Args:
        module: its full name.
        extra: of Regard, as pip knows it.

    Raises:
        UserError: the package is not installed; the message says what to type.

    Example:
        >>> from_extra("no_such_package.part", "images")
        Traceback (most recent call last):
        ...
        regard.errors.UserError: this needs no_such_package: pip install "regard[images]"
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        package = module.partition(".")[0]
        if (missing.name or "").partition(".")[0] != package:
            raise  # the package is there, but broken: its own error says more
        raise UserError(f'this needs {package}: pip install "regard[{extra}]"') from None
