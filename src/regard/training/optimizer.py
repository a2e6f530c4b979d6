"""The optimizers: AdamW, alone or with Muon for the matrices inside the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer

from regard.training.muon import Float32Muon
from regard.training.precision import multiplies_bf16

OptimizerKind = Literal["adamw", "muon"]


def build_optimizers(
    model: nn.Module, kind: OptimizerKind, *, betas: tuple[float, float], weight_decay: float
) -> list[Optimizer]:
    """The optimizers that share a model's parameters; the learning rate is set at each update.

    ``"adamw"`` is one AdamW for all (Loshchilov & Hutter 2019). ``"muon"`` gives the matrices inside the
    model to Muon (Jordan et al. 2024), which makes each step's matrix orthogonal, with the size of AdamW's
    steps (Liu et al. 2025, §2.2), so that one learning rate serves both; tables of embeddings, the layer
    that the model calls `output`, the matrices of attention scores, biases and gains stay with AdamW.

    Biases and gains of norms (parameters of one dimension) do not decay.

    Example:
        >>> model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 4), nn.LayerNorm(4))
        >>> adamw, muon = build_optimizers(model, "muon", betas=(0.9, 0.98), weight_decay=0.1)
        >>> [tuple(p.shape) for p in muon.param_groups[0]["params"]]
        [(4, 4)]
    """
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    inner = _inner_matrices(model) if kind == "muon" else set()
    shared = [p for p in trained.values() if p not in inner]
    groups = [
        {"params": [p for p in shared if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in shared if p.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizers: list[Optimizer] = []
    if shared:
        filled = [group for group in groups if group["params"]]
        optimizers.append(AdamW(filled, lr=0.0, betas=betas, eps=1e-9, fused=True))
    if matrices := [p for p in trained.values() if p in inner]:
        optimizers.append(_muon(matrices, weight_decay))
    return optimizers


def _muon(matrices: list[nn.Parameter], weight_decay: float) -> Muon:
    if multiplies_bf16(matrices[0].device):
        return Muon(matrices, lr=0.0, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
    return Float32Muon(matrices, lr=0.0, weight_decay=weight_decay)


def _inner_matrices(model: nn.Module) -> set[nn.Parameter]:
    """The weights of linear and recurrent layers, but not of the one that gives the model's scores."""
    layers = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.RNNBase))]
    output = getattr(model, "output", None)
    matrices = {p for layer in layers if layer is not output for p in layer.parameters() if p.dim() == 2}
    return matrices - set(output.parameters() if isinstance(output, nn.Module) else ())


def optimizer_tensors(optimizers: Sequence[Optimizer], model: nn.Module) -> dict[str, Tensor]:
    """What the optimizers remember, as ``"moment.name of the parameter"``."""
    return {
        f"{moment}.{name}": tensor
        for name, parameter, optimizer in _owned(optimizers, model)
        for moment, tensor in optimizer.state.get(parameter, {}).items()
    }


def restore_optimizers(optimizers: Sequence[Optimizer], model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Set what `optimizer_tensors` gave; a parameter that it lacks starts afresh."""
    for name, parameter, optimizer in _owned(optimizers, model):
        found = {
            key.removesuffix(f".{name}"): tensor.to(parameter.device)
            for key, tensor in tensors.items()
            if key.partition(".")[2] == name
        }
        if found:
            optimizer.state[parameter] = found


def _owned(
    optimizers: Sequence[Optimizer], model: nn.Module
) -> Iterator[tuple[str, nn.Parameter, Optimizer]]:
    """Each trained parameter, with its name and the optimizer that moves it."""
    owners = {p: optimizer for optimizer in optimizers for g in optimizer.param_groups for p in g["params"]}
    for name, parameter in model.named_parameters():
        if parameter in owners:
            yield name, parameter, owners[parameter]
