"""Heads that are switched off, or scaled, for one request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from regard.errors import UserError
from regard.lens import Edits, NoSuchHeadError, NothingEditedError, edit
from regard.server.errors import Refused
from regard.server.schema import Asked

Change = Annotated[float, Field(ge=0, le=10)] | Literal["uniform"]


class PlaceEdit(Asked):
    """What is changed at one place."""

    heads: Annotated[
        dict[Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,3}|all)$")], Change],
        Field(
            min_length=1,
            max_length=256,
            description="By the head's number, or `all`: the factor of what it says, 0 to switch it off; or "
            "`uniform`, so that it looks at everything alike.",
        ),
    ]


AskedEdits = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=100)], PlaceEdit] | None,
    Field(
        min_length=1,
        max_length=64,
        description='Heads to change for this request alone: `{"decoder.2.cross": {"heads": {"3": 0}}}`. '
        "Places are named as for `attention`.",
    ),
]
FrozenEdits = tuple[tuple[str, tuple[tuple[str, Change], ...]], ...]


def frozen(edits: Mapping[str, PlaceEdit] | None) -> FrozenEdits:
    """Edits in an order of their own, so that equal ones are equal and are done together.

    Example:
        >>> frozen({"encoder.0.self": PlaceEdit(heads={"1": 0.0, "0": 0.5})})
        (('encoder.0.self', (('0', 0.5), ('1', 0.0))),)
    """
    return tuple(sorted((place, tuple(sorted(one.heads.items()))) for place, one in (edits or {}).items()))


@contextmanager
def edited(model: nn.Module, edits: FrozenEdits) -> Iterator[None]:
    """The model with these edits, in this thread.

    Raises:
        Refused: it has no such place or head, or comes to nothing with these edits.
    """
    if not edits:
        yield
        return
    wanted: Edits = {
        place: {"heads": {"all" if head == "all" else int(head): change for head, change in heads}}
        for place, heads in edits
    }
    try:
        # A head that is not there is seen when its place runs.
        with edit(model, wanted):
            yield
    except (NoSuchHeadError, NothingEditedError) as error:
        raise Refused(422, "no_such_head", str(error)) from None
    except UserError as error:  # large factors leave no numbers: that is not the model's fault
        raise Refused(422, "unfit", f"with these heads changed: {error}") from None
