"""The contestants: one small encoder–decoder of the same size from each library.

Sizes (d 256, feed-forward 1024, 4 heads, 3+3 layers, vocabulary 8,000, dropout 0.1, shared embeddings) and
batches are equal; each runs as its own documentation says, with AdamW (fused).
"""

import math
from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.lengths import PAD, Pair

Step = Callable[[Pair], None]


def autocast(precision: str) -> torch.autocast | nullcontext:
    return torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else nullcontext()


def training_step(model: nn.Module, loss: Callable[[Pair], Tensor], precision: str) -> Step:
    """One update: forward, backward, clip, AdamW."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step(pair: Pair) -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast(precision):
            value = loss(pair)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


class TorchTranslator(nn.Module):
    """`torch.nn.Transformer` with embeddings, sinusoids and a tied output layer."""

    def __init__(
        self, vocabulary: int, width: int, feed_forward: int, heads: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=PAD)
        self.transformer = nn.Transformer(
            width, heads, layers, layers, feed_forward, dropout, batch_first=True, norm_first=True
        )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, vocabulary)
        self.output.weight = self.embedding.weight
        place = torch.arange(512)[:, None] * torch.exp(
            torch.arange(0, width, 2) * (-math.log(10000.0) / width)
        )
        self.register_buffer("places", torch.stack([place.sin(), place.cos()], -1).flatten(1))

    def _embed(self, tokens: Tensor) -> Tensor:
        scale = math.sqrt(self.embedding.embedding_dim)
        return self.dropout(self.embedding(tokens) * scale + self.places[: tokens.shape[1]])

    def loss(self, pair: Pair) -> Tensor:
        source, target = pair.source, pair.target
        states = self.transformer(
            self._embed(source),
            self._embed(target[:, :-1]),
            tgt_mask=nn.Transformer.generate_square_subsequent_mask(target.shape[1] - 1),
            src_key_padding_mask=torch.zeros(source.shape).masked_fill(source == PAD, float("-inf")),
            memory_key_padding_mask=torch.zeros(source.shape).masked_fill(source == PAD, float("-inf")),
            tgt_is_causal=True,
        )
        logits = self.output(states)
        return F.cross_entropy(
            logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD, label_smoothing=0.1
        )


def torch_translator(precision: str, vocabulary: int = 8000) -> Step:
    model = TorchTranslator(vocabulary, 256, 1024, 4, 3, 0.1).train()
    return training_step(model, model.loss, precision)


def marian(layers: int = 3, width: int = 256, heads: int = 4, vocabulary: int = 8000) -> nn.Module:
    """A randomly initialised Hugging Face Marian model on SDPA."""
    from transformers import MarianConfig, MarianMTModel

    config = MarianConfig(
        vocab_size=vocabulary,
        d_model=width,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
        dropout=0.1,
        max_position_embeddings=512,
        pad_token_id=PAD,
        bos_token_id=2,
        eos_token_id=3,
        forced_eos_token_id=None,
        decoder_start_token_id=2,
        decoder_vocab_size=vocabulary,
        attn_implementation="sdpa",
    )
    return MarianMTModel(config)


def marian_step(precision: str) -> Step:
    model = marian().train()

    def loss(pair: Pair) -> Tensor:
        labels = pair.target[:, 1:]
        logits = model(
            input_ids=pair.source, attention_mask=pair.source != PAD, decoder_input_ids=pair.target[:, :-1]
        ).logits
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=PAD, label_smoothing=0.1)

    return training_step(model, loss, precision)


def regard_translator(layers: int = 3, width: int = 256, heads: int = 4, vocabulary: int = 8000) -> nn.Module:
    from regard.models.text import build_translator
    from regard.models.text.config import ModelConfig

    config = ModelConfig(width=width, layers=layers, heads=heads)
    return build_translator(config, vocabulary, vocabulary, joint=True, pad=PAD)


def regard_step(precision: str) -> Step:
    from regard.nn.cross_entropy import linear_cross_entropy
    from regard.nn.freed_memory import keep_freed_memory

    keep_freed_memory()
    model = regard_translator().train()

    def loss(pair: Pair) -> Tensor:
        labels = pair.target[:, 1:]
        states = model(pair.source, pair.source != PAD, pair.target[:, :-1]).states
        total = linear_cross_entropy(
            states.flatten(0, 1),
            model.output.weight,
            model.output.bias,
            labels.flatten(),
            label_smoothing=0.1,
            ignore=PAD,
        )
        return total / (labels != PAD).sum()

    return training_step(model, loss, precision)
