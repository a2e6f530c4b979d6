"""Small models and batches that the tests of this folder share."""

import torch
from torch import Tensor

from regard.attention import AttentionConfig
from regard.models.text import EncoderDecoder, ModelConfig, build_translator

KINDS = ("transformer", "rnn", "lstm", "gru")
CELLS = KINDS[1:]
ATTENTIONS = (
    AttentionConfig(score="dot"),
    AttentionConfig(score="scaled-dot", selection="entmax15"),
    AttentionConfig(score="general", selection="sparsemax"),
    AttentionConfig(score="additive"),
    AttentionConfig(scope="local-m", window=2),
    AttentionConfig(score="general", scope="local-p", window=2),
    AttentionConfig(score="general", selection="sigmoid"),
    AttentionConfig(score="additive", selection="hard"),
    AttentionConfig(selection="gumbel"),
)
PAD = 0
VOCABULARY = 30


def small(**dials) -> ModelConfig:
    return ModelConfig(**{"width": 16, "heads": 2, "layers": 2, "max_length": 32, **dials})


def translator(config: ModelConfig, *, joint: bool = True, seed: int = 1) -> EncoderDecoder:
    torch.manual_seed(seed)
    return build_translator(config, VOCABULARY, VOCABULARY, joint=joint, pad=PAD)


def sentences(lengths: tuple[int, ...], seed: int = 2) -> Tensor:
    """Random tokens, padded at the end to the longest."""
    torch.manual_seed(seed)
    tokens = torch.randint(1, VOCABULARY, (len(lengths), max(lengths)))
    return tokens.masked_fill(torch.arange(max(lengths)) >= torch.tensor(lengths)[:, None], PAD)
