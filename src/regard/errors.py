"""What a user is told in plain words: errors that end a command (exit code 2), warnings that do not."""


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
