"""A whole text to one of a few classes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from regard.models.text.memory import Memory
from regard.models.text.parts import Encoder
from regard.nn.dropout import Dropout
from regard.nn.embedding import Embedding
from regard.nn.linear import linear


class TextClassifier(nn.Module):
    """Texts [CLS] … [SEP] to logits of classes, from the state of [CLS] (Devlin et al. 2019, §4.1).

    Of a recurrent encoder, the final states of its last layer stand in for [CLS]. A linear layer and tanh
    (BERT's "pooler") lie between the state and the classes. Built by :func:`regard.models.build_classifier`.

    Args:
        embedding: of tokens.
        encoder: embedded text and its mask to a :class:`Memory`.
        width: of its states.
        classes: how many.
        dropout: before the last layer.
        max_length: longest text in tokens; `None` if there is no limit.

    Example:
        >>> from regard.models.text import ModelConfig, build_classifier
        >>> model = build_classifier(ModelConfig(width=8, heads=2, layers=1), 20, classes=3, pad=0)
        >>> tokens = torch.tensor([[4, 7, 8, 5], [4, 9, 5, 0]])
        >>> model(tokens, tokens != 0).shape
        torch.Size([2, 3])
    """

    def __init__(
        self,
        embedding: Embedding,
        encoder: Encoder,
        *,
        width: int,
        classes: int,
        dropout: float,
        max_length: int | None,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.encoder = encoder
        self.pool = linear(width, width)
        self.dropout = Dropout(dropout)
        self.output = linear(width, classes)
        self.max_length = max_length

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Logits [batch, classes] of tokens [batch, length]; mask is True for real tokens, which come first.

        Raises:
            ValueError: longer than `max_length`, or of no tokens; padding before a real token, for a
                recurrent encoder.
        """
        if not tokens.shape[1]:
            raise ValueError("texts of no tokens: a text has [CLS] at least")
        memory: Memory = self.encoder(self.embedding(tokens), mask)
        text = memory.states[:, 0] if memory.final is None else memory.final[memory.depth - 1]
        logits: Tensor = self.output(self.dropout(torch.tanh(self.pool(text))))
        return logits
