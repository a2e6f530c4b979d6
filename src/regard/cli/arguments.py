"""What is done to the command line before it is parsed."""

from collections.abc import Sequence

LOOK_FILES = (".png", ".svg", ".pdf", ".json")
IN_TERMINAL = "terminal"


def with_bare_look(arguments: Sequence[str]) -> list[str]:
    """Lets ``--look`` stand alone: only the name of a picture or JSON file after it is its value.

    Example:
        >>> with_bare_look(["translate", "--look", "The cat."])
        ['translate', '--look=terminal', 'The cat.']
        >>> with_bare_look(["translate", "The cat.", "--look", "cat.png"])
        ['translate', 'The cat.', '--look=cat.png']
    """
    waiting = list(arguments)
    ready: list[str] = []
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            return [*ready, argument, *waiting]
        if argument == "--look":
            named = bool(waiting) and waiting[0].lower().endswith(LOOK_FILES)
            argument = f"--look={waiting.pop(0) if named else IN_TERMINAL}"
        ready.append(argument)
    return ready
