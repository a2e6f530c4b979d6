"""Numbers of things, in words."""


def counted(count: int, one: str, several: str = "") -> str:
    """So many things.

    Args:
        count: how many.
        one: what one of them is called, and perhaps what is said of it.
        several: the same of none, or of two and more; if it is not given, `one` and an s.

    Example:
        >>> counted(1, "line"), counted(1200, "line"), counted(0, "picture is", "pictures are")
        ('1 line', '1,200 lines', '0 pictures are')
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
