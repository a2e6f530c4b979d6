"""What is wrong with data."""

from regard.errors import UserError


class DataError(UserError):
    """Data that cannot be used: says which file, where in it, and what is wrong."""
