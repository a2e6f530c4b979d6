"""REINFORCE for hard attention: what was drawn is rewarded by how well the next token was foretold."""

import torch
from torch import Tensor, nn

# How much of the baselines is new at each update, and of a token's own at each time that it is met.
_NEW = 0.5
_NEW_OF_TOKEN = 0.03
# λ of Xu et al. 2015, eq. 11. On Multi30k with λ = 1 the noise of the draws is three times the gradient of
# the cross-entropy, and the model stays behind one without attention.
_STRENGTH = 0.05
# How much the entropy of the draws counts beside the reward.
ENTROPY = 0.1


class Reinforced(nn.Module):
    """A model with hard attention and the moving averages of its rewards.

    The averages are buffers, so that checkpoints keep them and a resumed run goes on as it would have.

    Args:
        model: the model.
        vocabulary: number of target tokens.
        entropy: how much the entropy of the draws counts beside the reward. Where the encoder draws too, take
            0: each target token has the draws of all source tokens, whose noise is far above any reward.

    Attributes:
        baseline: scalar, the moving average of the reward.
        by_token: [vocabulary], the moving average of each target token's difference from it: how likely a
            token is depends on which it is more than on what is looked at.

    Example:
        >>> Reinforced(nn.Linear(2, 2), 3).by_token.tolist()
        [0.0, 0.0, 0.0]
    """

    baseline: Tensor
    by_token: Tensor
    begun: Tensor

    def __init__(self, model: nn.Module, vocabulary: int, *, entropy: float = ENTROPY) -> None:
        super().__init__()
        self.model, self.entropy = model, entropy
        self.register_buffer("baseline", torch.zeros(()))
        self.register_buffer("by_token", torch.zeros(vocabulary))
        self.register_buffer("begun", torch.zeros(()))

    @property
    def output(self) -> object:
        """The layer that gives the model's scores."""
        return self.model.output

    def surrogate(self, rewards: Tensor, targets: Tensor, log_probability: Tensor) -> Tensor:
        """Zero, with the gradient of λ (reward + β entropy), as expected (Xu et al. 2015, §4.1).

        Of each token the reward is log p(token), and what is made more or less likely is the keys drawn
        for it; what they do to later tokens is left out. All is summed over tokens. In training mode the
        baselines move on.

        Args:
            rewards: [tokens], no gradient.
            targets: [tokens], the tokens themselves.
            log_probability: [tokens], log-probability of the keys that were drawn.
        """
        if not bool(self.begun):
            self.baseline.copy_(rewards.mean())
        rewards = rewards.to(self.baseline)
        drawn = log_probability.detach()
        advantage = rewards - self.baseline - self.by_token[targets]
        # Of queries that drew: others took the expectation, and have 0.
        surprise = self.entropy * (drawn - drawn.sum() / (drawn != 0).sum().clamp(min=1))
        term = -_STRENGTH * ((advantage - surprise) * log_probability).sum()
        if self.training:
            self._learn(rewards, targets)
        return term - term.detach()

    @torch.no_grad()
    def _learn(self, rewards: Tensor, targets: Tensor) -> None:
        self.baseline.lerp_(rewards.mean(), _NEW)
        self.begun.fill_(1.0)
        difference = rewards - self.baseline
        zeros = torch.zeros_like(self.by_token)
        times = zeros.index_add(0, targets, torch.ones_like(difference))
        mean = zeros.index_add(0, targets, difference) / times.clamp(min=1)
        self.by_token.lerp_(mean, 1 - (1 - _NEW_OF_TOKEN) ** times)


def bare(model: nn.Module) -> nn.Module:
    """The model itself, without what training wrapped around it.

    Example:
        >>> bare(Reinforced(nn.Identity(), 3))
        Identity()
    """
    return model.model if isinstance(model, Reinforced) else model
