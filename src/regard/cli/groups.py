"""Options that belong together, as one parameter of a command."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """A command for typer, in which each parameter that is a dataclass stands for its fields, as options.

    typer reads the parameters of a function and knows no groups. So it is shown a signature in which the
    fields stand in place of their group (and of a group within it); what they are given is gathered before
    the command is called.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Size:
        ...     width: int = 3
        ...     height: int = 2
        >>> @with_groups
        ... def paint(colour: str, *, size: Size) -> None:
        ...     print(colour, size)
        >>> inspect.signature(paint)
        <Signature (colour: str, *, width: int = 3, height: int = 2)>
        >>> paint("red", width=5)
        red Size(width=5, height=2)
    """
    hints = get_type_hints(command, include_extras=True)
    given = inspect.signature(command).parameters
    parameters: list[inspect.Parameter] = []
    for name, parameter in given.items():
        group = is_dataclass(hints[name])
        parameters += _options(hints[name]) if group else [parameter.replace(annotation=hints[name])]

    @wraps(command)
    def gathered(*arguments: Any, **options: Any) -> None:
        for name in given:
            if is_dataclass(hints[name]):
                options[name] = _gathered(hints[name], options)
        command(*arguments, **options)

    gathered.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    gathered.__annotations__ = {each.name: each.annotation for each in parameters}
    return gathered


def _options(group: Any) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        if is_dataclass(hints[field.name]):
            yield from _options(hints[field.name])
        else:
            yield inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=hints[field.name],
            )


def _gathered(group: Any, options: dict[str, Any]) -> Any:
    """The group, with its fields taken out of the options."""
    own = {}
    for name, hint in get_type_hints(group, include_extras=True).items():
        if is_dataclass(hint):
            own[name] = _gathered(hint, options)
        elif name in options:
            own[name] = options.pop(name)
    return group(**own)
