"""Where a model can compute on this machine."""

import torch

from regard.errors import UserError


def usable_device(device: torch.device | str) -> torch.device:
    """A device that this machine has.

    Raises:
        UserError: it has none such; says which it has.

    Example:
        >>> usable_device("cpu")
        device(type='cpu')
        >>> usable_device("meta")
        Traceback (most recent call last):
        ...
        regard.errors.UserError: device 'meta': this machine has cpu...
    """
    there = {"cpu": 1}
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is not None:
        there[accelerator.type] = torch.accelerator.device_count()
    try:
        chosen = torch.device(device)
        # torch counts devices by a byte: its cuda:256 is cuda:0.
        if str(chosen) == str(device) and 0 <= (chosen.index or 0) < there.get(chosen.type, 0):
            return chosen
    except RuntimeError:  # no name of a device at all
        pass
    names = [kind if kind == "cpu" else f"{kind}:{index}" for kind in there for index in range(there[kind])]
    raise UserError(f"device {str(device)!r}: this machine has {', '.join(names)}")
