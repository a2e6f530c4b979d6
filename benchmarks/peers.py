"""Which peers can be measured here: some need a build of another library that fits this torch."""

from collections.abc import Mapping
from importlib import import_module
from typing import TypeVar

from rich.console import Console

T = TypeVar("T")


def those_here(contestants: Mapping[str, T], needs: Mapping[str, str], console: Console) -> dict[str, T]:
    """The contestants whose package can be imported; the others are named, with the reason.

    Args:
        contestants: by name.
        needs: the package that a contestant of that name needs.
        console: where those that are left out are told.
    """
    here = {}
    for name, contestant in contestants.items():
        try:
            if name in needs:
                import_module(needs[name])
        except Exception as error:  # a package built for another torch fails in ways of its own
            console.print(f"{name} is left out: {type(error).__name__}: {str(error).splitlines()[0]}")
        else:
            here[name] = contestant
    return here
