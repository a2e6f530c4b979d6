"""What is wrong with data."""

from pathlib import Path

from regard.errors import UserError


class DataError(UserError):
    """Data that cannot be used: says which file, where in it, and what is wrong."""


def why_no_file(path: Path) -> str:
    """Why there is no file to be read at a path where one was asked for.

    Example:
        >>> why_no_file(Path("no-such-file.txt")), why_no_file(Path("/"))
        ('there is no such file', 'is a folder')
    """
    if path.is_dir():
        return "is a folder"
    if path.exists():
        return "is a device or a pipe, and data is read more than once; save what it holds in a file"
    return "there is no such file"
