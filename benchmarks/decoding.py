"""Decoding sentences/s against Hugging Face `generate` and CTranslate2, at equal sizes, 25 tokens each.

    python -m benchmarks.decoding [--rounds 3] [--base]

Every contestant is made to emit exactly 25 tokens a sentence (the end symbol forbidden before), so that
the same work is timed. Weights are random.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.timing import Entry, in_turn, paired_ratio
from benchmarks.translators import autocast, marian, regard_translator

Round = Callable[[], object]
TOKENS, SOURCE = 25, 14
SIZES = {"small": (3, 256, 4, 8000), "base": (6, 512, 8, 32000)}


def _sources(batch: int, vocabulary: int) -> torch.Tensor:
    return torch.randint(6, vocabulary, (batch, SOURCE), generator=torch.Generator().manual_seed(0))


def hugging_face(size: str, batch: int, beam: int, precision: str) -> Round:
    layers, width, heads, vocabulary = SIZES[size]
    torch.manual_seed(0)
    model = marian(layers, width, heads, vocabulary).eval()
    model = model.to(torch.bfloat16) if precision == "bf16" else model
    source = _sources(batch, vocabulary)

    def run() -> object:
        return model.generate(
            source,
            attention_mask=torch.ones_like(source),
            num_beams=beam,
            do_sample=False,
            max_new_tokens=TOKENS,
            min_new_tokens=TOKENS,
        )

    return run


def ctranslate(size: str, batch: int, beam: int, precision: str) -> Round:
    """The Marian model's weights, converted; `precision` is CTranslate2's compute type."""
    import ctranslate2
    from ctranslate2.specs import transformer_spec

    layers, width, heads, vocabulary = SIZES[size]
    torch.manual_seed(0)
    converter = _Random(
        transformer_spec.TransformerSpec.from_config((layers, layers), heads), width, vocabulary
    )
    with tempfile.TemporaryDirectory() as folder:
        converter.convert(str(Path(folder) / "model"))
        translator = ctranslate2.Translator(
            str(Path(folder) / "model"), compute_type=precision, intra_threads=torch.get_num_threads()
        )
    rows = [[f"t{token}" for token in row] for row in _sources(batch, vocabulary).tolist()]

    def run() -> object:
        return translator.translate_batch(
            rows,
            beam_size=beam,
            min_decoding_length=TOKENS,
            max_decoding_length=TOKENS,
            max_batch_size=batch,
        )

    return run


class _Random:
    """Fills a CTranslate2 specification with random weights of the given size."""

    def __init__(self, spec: object, width: int, vocabulary: int) -> None:
        self.spec, self.width, self.vocabulary = spec, width, vocabulary

    def convert(self, folder: str) -> None:
        import numpy as np

        draw = np.random.default_rng(0)
        width, spec = self.width, self.spec
        words = [f"t{i}" for i in range(self.vocabulary)]
        words[:4] = ["<blank>", "<unk>", "<s>", "</s>"]

        def linear(layer: object, rows: int, columns: int) -> None:
            layer.weight = draw.normal(0, columns**-0.5, (rows, columns)).astype("float32")
            layer.bias = np.zeros(rows, "float32")

        def norm(layer: object) -> None:
            layer.gamma, layer.beta = np.ones(width, "float32"), np.zeros(width, "float32")

        def attention(layer: object, own: bool) -> None:
            norm(layer.layer_norm)
            for index, shape in enumerate([3 * width, width] if own else [width, 2 * width, width]):
                linear(layer.linear[index], shape, width)

        def feed_forward(layer: object) -> None:
            norm(layer.layer_norm)
            linear(layer.linear_0, 4 * width, width)
            linear(layer.linear_1, width, 4 * width)

        for half in (spec.encoder, spec.decoder):
            embeddings = half.embeddings[0] if isinstance(half.embeddings, list) else half.embeddings
            embeddings.weight = draw.normal(0, width**-0.5, (self.vocabulary, width)).astype("float32")
            norm(half.layer_norm)
            for layer in half.layer:
                attention(layer.self_attention, own=True)
                if half is spec.decoder:
                    attention(layer.attention, own=False)
                feed_forward(layer.ffn)
        linear(spec.decoder.projection, self.vocabulary, width)
        spec.register_source_vocabulary(words)
        spec.register_target_vocabulary(words)
        spec.validate()
        spec.optimize(quantization=None)
        Path(folder).mkdir()
        spec.save(folder)


def regard(size: str, batch: int, beam: int, precision: str) -> Round:
    from regard.decoding import search
    from regard.decoding.config import DecodingConfig

    layers, width, heads, vocabulary = SIZES[size]
    torch.manual_seed(0)
    model = regard_translator(layers, width, heads, vocabulary).eval()
    # The end symbol is never the best: every sentence runs to the limit.
    with torch.no_grad():
        model.output.bias = torch.nn.Parameter(torch.zeros(vocabulary).index_fill(0, torch.tensor([3]), -1e9))
    source = _sources(batch, vocabulary)
    config = DecodingConfig(beam=beam, max_ratio=0.0, max_extra=TOKENS, batch_invariant=precision == "fp32")

    def run() -> object:
        with torch.inference_mode(), autocast(precision):
            return search(model, source, torch.ones_like(source, dtype=torch.bool), config, bos=2, eos=3)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--base", action="store_true", help="the base size too (minutes more)")
    arguments = parser.parse_args()
    console = Console()
    console.print(machine.describe())
    table = Table(
        "size", "batch", "beam", "contestant", "sentences/s", "× Hugging Face fp32", "× CTranslate2 fp32"
    )
    settings = [("small", 1, 1), ("small", 64, 1), ("small", 64, 5)]
    if arguments.base:
        settings += [("base", 64, 1), ("base", 64, 5)]
    for size, batch, beam in settings:
        entries = {
            "Hugging Face fp32": Entry(hugging_face, (size, batch, beam, "fp32")),
            "Hugging Face bf16": Entry(hugging_face, (size, batch, beam, "bf16")),
            "CTranslate2 fp32": Entry(ctranslate, (size, batch, beam, "float32")),
            "CTranslate2 int8": Entry(ctranslate, (size, batch, beam, "int8")),
            "Regard fp32": Entry(regard, (size, batch, beam, "fp32")),
            "Regard bf16": Entry(regard, (size, batch, beam, "bf16")),
        }
        if "bf16" not in machine.PRECISIONS:
            entries = {name: entry for name, entry in entries.items() if "bf16" not in name}
        timings = in_turn(entries, arguments.rounds)
        for name, timing in timings.items():
            table.add_row(
                size,
                str(batch),
                str(beam),
                name,
                f"{batch / timing.median:.1f}",
                f"{paired_ratio(timings, name, 'Hugging Face fp32'):.2f}",
                f"{paired_ratio(timings, name, 'CTranslate2 fp32'):.2f}",
            )
    console.print(table)


if __name__ == "__main__":
    main()
