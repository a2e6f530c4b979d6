"""REINFORCE for hard attention: what was drawn is rewarded by how well the next token was foretold."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# How much of the baseline stays at each update (Xu et al. 2015, eq. 12).
_DECAY = 0.9
# Logits held at a time.
_CELLS = 2**22


class Reinforced(nn.Module):
    """A model with hard attention and the moving average of its rewards.

    The average is a buffer, so that checkpoints keep it and a resumed run goes on as it would have.

    Attributes:
        model: the model.
        baseline: scalar, the moving average of the reward.

    Example:
        >>> Reinforced(nn.Linear(2, 2)).baseline.item()
        0.0
    """

    baseline: Tensor
    begun: Tensor

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("baseline", torch.zeros(()))
        self.register_buffer("begun", torch.zeros(()))

    @property
    def output(self) -> object:
        """The layer that gives the model's scores."""
        return self.model.output

    def surrogate(self, rewards: Tensor, log_probability: Tensor) -> Tensor:
        """A term whose gradient is that of the expected reward (Xu et al. 2015, §4.1), a sum over tokens.

        Of each token the reward is log p(token), and what is made more or less likely is the keys drawn
        for it. In training mode the baseline moves on.

        Args:
            rewards: [tokens], no gradient.
            log_probability: [tokens], log-probability of the keys that were drawn.
        """
        mean = rewards.mean()
        if not bool(self.begun):
            self.baseline.copy_(mean)
        term = -((rewards - self.baseline).detach() * log_probability).sum()
        if self.training:
            self.baseline.mul_(_DECAY).add_(mean, alpha=1 - _DECAY)
            self.begun.fill_(1.0)
        return term


@torch.no_grad()
def token_log_probabilities(states: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """log p(target) of each row, [rows], a chunk of rows at a time.

    Args:
        states: [rows, width].
        weight: [vocabulary, width] of the output layer.
        bias: [vocabulary] or None.
        targets: [rows].

    Example:
        >>> states, weight = torch.zeros(1, 4), torch.zeros(8, 4)
        >>> token_log_probabilities(states, weight, None, torch.tensor([3]))
        tensor([-2.0794])
    """
    rows = max(64, _CELLS // weight.shape[0])
    found = [
        -F.cross_entropy(F.linear(part, weight, bias).float(), target, reduction="none")
        for part, target in zip(torch.split(states, rows), torch.split(targets, rows), strict=True)
    ]
    return torch.cat(found) if found else states.new_zeros(0)


def bare(model: nn.Module) -> nn.Module:
    """The model itself, without what training wrapped around it.

    Example:
        >>> bare(Reinforced(nn.Identity()))
        Identity()
    """
    return model.model if isinstance(model, Reinforced) else model
