"""Errors that a user can mend: printed plainly, without a traceback, exit code 2."""


class UserError(Exception):
    """Something the user asked for cannot be done; the message says what, where and what to do.

    Example:
        >>> raise UserError("data.tsv, line 3: expected 2 columns, found 1")
        Traceback (most recent call last):
        ...
        regard.errors.UserError: data.tsv, line 3: expected 2 columns, found 1
    """
