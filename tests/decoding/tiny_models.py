"""A recurrent translator and language model of a few weights, and searches too plain to be wrong."""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regard.decoding import DecodingConfig

BOS, EOS = 2, 3


@dataclass
class TinyCache:
    state: Tensor

    def select(self, rows: Tensor) -> None:
        self.state = self.state.index_select(0, rows)


@dataclass
class TinyStates:
    states: Tensor


class TinyDecoder(nn.Module):
    def __init__(self, vocabulary: int, sharpness: float, dtype: torch.dtype) -> None:
        super().__init__()
        width = 12
        self.max_length: int | None = None
        self.embedding = nn.Embedding(vocabulary, width, dtype=dtype)
        self.cell = nn.GRUCell(width, width, dtype=dtype)
        self.output = nn.Linear(width, vocabulary, dtype=dtype)
        self.sharpness = sharpness
        self.dropout = nn.Dropout(0.5)
        self.rows_seen: list[int] = []

    def step(self, tokens: Tensor, cache: TinyCache) -> Tensor:
        self.rows_seen.append(len(tokens))
        cache.state = self.cell(self.dropout(self.embedding(tokens)), cache.state)
        return cache.state

    def logits(self, states: Tensor) -> Tensor:
        return self.sharpness * self.output(states)


class TinyTranslator(TinyDecoder):
    def encode(self, source: Tensor, mask: Tensor) -> Tensor:
        total = (self.embedding(source) * mask[..., None]).sum(1)
        return torch.tanh(total)

    def start(self, memory: Tensor, max_length: int) -> TinyCache:
        return TinyCache(memory)

    def forward(self, source: Tensor, mask: Tensor, target: Tensor) -> TinyStates:
        cache = self.start(self.encode(source, mask), target.shape[1])
        return TinyStates(torch.stack([self.step(tokens, cache) for tokens in target.T], dim=1))


class TinyLanguageModel(TinyDecoder):
    def start(self, batch: int, max_length: int) -> TinyCache:
        return TinyCache(torch.zeros(batch, self.cell.hidden_size, dtype=self.output.weight.dtype))

    def prefill(self, tokens: Tensor, cache: TinyCache) -> None:
        for column in tokens.T:
            self.step(column, cache)


def translator(seed: int, vocabulary: int = 9, sharpness: float = 2.0, dtype: torch.dtype = torch.float64):
    torch.manual_seed(seed)
    return TinyTranslator(vocabulary, sharpness, dtype).eval()


def language_model(seed: int, vocabulary: int = 9, sharpness: float = 2.0):
    torch.manual_seed(seed)
    return TinyLanguageModel(vocabulary, sharpness, torch.float64).eval()


def sources(seed: int, count: int, vocabulary: int = 9, longest: int = 6) -> list[list[int]]:
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, longest + 1, (count,), generator=generator)
    return [torch.randint(4, vocabulary, (int(n),), generator=generator).tolist() for n in lengths]


def padded(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return ids, torch.tensor([[i < len(row) for i in range(longest)] for row in rows])


@torch.no_grad()
def next_log_probabilities(model: TinyTranslator, source: list[int], prefix: tuple[int, ...]) -> list[float]:
    """After <s> and the prefix, computed from nothing for one sentence."""
    ids, mask = padded([source])
    states = model(ids, mask, torch.tensor([[BOS, *prefix]])).states[0, -1]
    return model.logits(states).log_softmax(-1).tolist()


def plain_beam(model, source: list[int], config: DecodingConfig) -> list[tuple[float, tuple[int, ...]]]:
    """Beam search to the very limit, with no early end."""
    live: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    finished = []
    limit = config.limit(len(source))
    for step in range(limit + 1):
        extensions = []
        for total, prefix in live:
            for token, gained in enumerate(next_log_probabilities(model, source, prefix)):
                extensions.append((total + gained, (*prefix, token)))
        extensions.sort(key=lambda e: -e[0])
        ending = [
            (total, tokens, rank) for rank, (total, tokens) in enumerate(extensions) if tokens[-1] == EOS
        ]
        for total, tokens, rank in ending:
            if rank < config.beam or step == limit:
                finished.append((total / len(tokens) ** config.length_penalty, tokens[:-1]))
        live = [e for e in extensions if e[1][-1] != EOS][: config.beam]
    return sorted(finished, reverse=True)[: config.n_best]


def best_of_all(model, source: list[int], limit: int, penalty: float) -> tuple[float, tuple[int, ...]]:
    """The best of every possible output."""
    vocabulary = [t for t in range(model.output.out_features) if t != EOS]
    best = (-float("inf"), ())
    for length in range(limit + 1):
        for tokens in itertools.product(vocabulary, repeat=length):
            total = sum(
                next_log_probabilities(model, source, tokens[:i])[(*tokens, EOS)[i]]
                for i in range(length + 1)
            )
            best = max(best, (total / (length + 1) ** penalty, tokens))
    return best
