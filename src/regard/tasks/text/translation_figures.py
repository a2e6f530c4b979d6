"""How good a translator is: BLEU as sacreBLEU and as papers report it, chrF, loss, speed."""

import math
import time
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from regard.data.text.batches import PairBatch, collate_pairs
from regard.data.text.references import Grouped
from regard.decoding.batches import decode_batches
from regard.errors import UserError
from regard.models.text.encoder_decoder import EncoderDecoder
from regard.nn.cross_entropy import linear_cross_entropy
from regard.tasks.talk import Each, untold
from regard.tasks.text.moses import moses_tokens
from regard.tasks.text.scores import transposed
from regard.tasks.text.translator import Translator

# Source lengths, in words, at which the buckets of BLEU by length end.
BUCKETS = (5, 10, 15, 20, 25, 30)


def translation_figures(
    translator: Translator, data: Sequence[Grouped], *, each: Each = untold, **decoding: Any
) -> dict[str, Any]:
    """Translate a test set and score the translations.

    Args:
        translator: what is measured.
        data: sources, each with one reference or several.
        each: is told how many sentences are translated, and of how many.
        **decoding: options of decoding, such as ``beam=1``.

    Returns:
        ``bleu``, ``chrf`` (cased, all references); ``bleu_one_reference`` where there are several;
        ``bleu_lowercased`` (lowercased, 13a tokens); ``bleu_papers`` (lowercased, Moses tokens, as papers on
        Multi30k report it), where the recipe tells the target language; ``loss`` and ``perplexity`` (nats a
        target token, over the first reference of each source); ``sentences``, ``seconds``,
        ``tokens_per_second`` (target tokens, ends included); ``by_length`` (BLEU and number of sentences, by
        the most words that a source has); ``signatures``.

    Raises:
        UserError: there is nothing to evaluate on.
    """
    if not data:
        raise UserError("there is nothing to evaluate on: the data is empty")
    began = time.perf_counter()
    translations = translator([group.source for group in data], split=False, each=each, **decoding)
    seconds = time.perf_counter() - began
    hypotheses = [translation.text for translation in translations]
    tokens = sum(len(translation.tokens) for translation in translations)
    loss = reference_loss(translator, [(group.source, group.references[0]) for group in data])
    return {
        **score(hypotheses, [group.references for group in data], target_language(translator)),
        "loss": round(loss, 4),
        "perplexity": round(math.exp(min(loss, 700.0)), 4),
        "sentences": len(data),
        "seconds": round(seconds, 2),
        "tokens_per_second": round(tokens / seconds, 1),
        "by_length": bleu_by_length(
            [group.source for group in data], hypotheses, [g.references for g in data]
        ),
    }


def target_language(translator: Translator) -> str:
    """The code of the language that a translator writes, as its recipe says; empty if it does not."""
    target = translator.recipe.data.target
    return target if isinstance(target, str) and len(target) == 2 else ""


def score(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], language: str = ""
) -> dict[str, Any]:
    """Corpus scores of translations, with the signature of each.

    Args:
        hypotheses: a translation of each sentence.
        references: one or several of each sentence.
        language: code of the target language; with it comes ``bleu_papers``.

    Example:
        >>> figures = score(["The cat sat down"], [["the cat sat down"]])
        >>> figures["bleu_lowercased"], figures["signatures"]["bleu_lowercased"].split("|version")[0]
        (100.0, 'nrefs:1|case:lc|eff:no|tok:13a|smooth:exp')
    """
    streams = transposed(references)
    figures: dict[str, Any] = {}
    signatures: dict[str, str] = {}
    metrics = {
        "bleu": (BLEU(), streams),
        "bleu_lowercased": (BLEU(lowercase=True), streams),
        "chrf": (CHRF(), streams),
    }
    if len(streams) > 1:
        metrics["bleu_one_reference"] = (BLEU(), streams[:1])
    for name, (metric, against) in metrics.items():
        figures[name] = round(metric.corpus_score(hypotheses, against).score, 2)
        signatures[name] = str(metric.get_signature())
    if language:
        figures["bleu_papers"], signatures["bleu_papers"] = _bleu_of_papers(hypotheses, references, language)
    return {**figures, "signatures": signatures}


def _bleu_of_papers(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], language: str
) -> tuple[float, str]:
    def words(text: str) -> str:
        return moses_tokens(text, language).lower()

    metric = BLEU(tokenize="none", force=True)
    streams = transposed([[words(one) for one in several] for several in references])
    figure = metric.corpus_score([words(text) for text in hypotheses], streams).score
    signature = str(metric.get_signature()).replace("case:mixed", "case:lc").replace("tok:none", "tok:moses")
    return round(figure, 2), f"{signature}|lang:{language}"


def bleu_by_length(
    sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Corpus BLEU of the sentences whose sources have so many words, and how many they are.

    A bucket is named by its upper bound; the last has none.

    Example:
        >>> bleu_by_length(["a b c d"], ["e f g h"], [["e f g h"]])
        {'5': {'bleu': 100.0, 'sentences': 1}}
    """
    figures: dict[str, dict[str, float]] = {}
    lengths = [len(source.split()) for source in sources]
    for low, high in zip((0, *BUCKETS), (*BUCKETS, None), strict=True):
        chosen = [i for i, length in enumerate(lengths) if low < length and (high is None or length <= high)]
        if chosen:
            streams = transposed([references[i] for i in chosen])
            bleu = BLEU().corpus_score([hypotheses[i] for i in chosen], streams)
            figures[str(high or "more")] = {"bleu": round(bleu.score, 2), "sentences": len(chosen)}
    return figures


def reference_loss(translator: Translator, pairs: Sequence[tuple[str, str]]) -> float:
    """Cross-entropy of references in nats a target token; pairs too long to read are left out."""
    sources = translator.vocabularies.source.encode_batch([source for source, _ in pairs])
    targets = translator.vocabularies.target.encode_batch([target for _, target in pairs])
    limit = translator.model.max_length
    lengths = [max(len(source), len(target)) + 1 for source, target in zip(sources, targets, strict=True)]
    fitting = [i for i, length in enumerate(lengths) if limit is None or length <= limit]
    batches = ([fitting[i] for i in batch] for batch in decode_batches([lengths[i] for i in fitting]))
    return mean_loss(
        translator.model,
        (collate_pairs([sources[i] for i in rows], [targets[i] for i in rows]) for rows in batches),
    )


@torch.no_grad()
def mean_loss(model: EncoderDecoder, batches: Iterable[PairBatch]) -> float:
    """Cross-entropy of all target tokens of some batches, in nats a token; 0 where there are none."""
    output, total, tokens = model.output, 0.0, 0
    for batch in batches:
        pair = batch.to(output.weight.device)
        states = model(pair.source, pair.source_mask, pair.target_in).states
        total += float(
            linear_cross_entropy(states.flatten(0, 1), output.weight, output.bias, pair.target_out.flatten())
        )
        tokens += pair.tokens
    return total / max(1, tokens)
