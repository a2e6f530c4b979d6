"""AdamW, with weight decay on matrices only."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim import AdamW

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def adamw(model: nn.Module, *, betas: tuple[float, float], weight_decay: float) -> AdamW:
    """The optimizer of a model (Loshchilov & Hutter 2019); the learning rate is set at each update.

    Biases and gains of norms (parameters of one dimension) do not decay.

    Example:
        >>> optimizer = adamw(nn.Linear(2, 2), betas=(0.9, 0.98), weight_decay=0.1)
        >>> [group["weight_decay"] for group in optimizer.param_groups]
        [0.1, 0.0]
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return AdamW([g for g in groups if g["params"]], lr=0.0, betas=betas, eps=1e-9, fused=True)


def optimizer_tensors(optimizer: AdamW, model: nn.Module) -> dict[str, Tensor]:
    """What the optimizer remembers, under the parameters' names."""
    return {
        f"{moment}.{name}": optimizer.state[parameter][moment]
        for name, parameter in model.named_parameters()
        if parameter in optimizer.state
        for moment in _MOMENTS
    }


def restore_optimizer(optimizer: AdamW, model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Set what `optimizer_tensors` gave; a parameter that it lacks starts afresh."""
    for name, parameter in model.named_parameters():
        if f"step.{name}" not in tensors:
            continue
        optimizer.state[parameter] = {
            moment: tensors[f"{moment}.{name}"].to(parameter.device) for moment in _MOMENTS
        }
