"""What a sentence gives does not depend on the padding after it."""

import pytest
import torch
from sample_models import ATTENTIONS, KINDS, PAD, VOCABULARY, sentences, small, translator
from torch.nn import functional as F

from regard.attention import AttentionConfig
from regard.models.text import build_classifier, build_language_model

SOURCE = sentences((7, 5, 3, 6))
TARGET = sentences((6, 4, 5, 2), seed=3)


@torch.no_grad()
def check_padding(config):
    model = translator(config).eval()
    states = model(SOURCE, SOURCE != PAD, TARGET).states
    wide, long = F.pad(SOURCE, (0, 3)), F.pad(TARGET, (0, 2))
    wider = model(wide, wide != PAD, long).states[:, :-2]
    real = TARGET != PAD
    torch.testing.assert_close(wider[real], states[real], atol=5e-6, rtol=1e-5)
    row = SOURCE[2:3, :3]
    alone = model(row, row != PAD, TARGET[2:3, :5]).states
    torch.testing.assert_close(alone, states[2:3, :5], atol=5e-6, rtol=1e-5)
    # Nor on what stands there.
    junk = torch.where(SOURCE == PAD, 7, SOURCE)
    torch.testing.assert_close(
        model(junk, SOURCE != PAD, TARGET).states[real], states[real], atol=5e-6, rtol=1e-5
    )


@pytest.mark.parametrize("encoder", KINDS)
@pytest.mark.parametrize("attention", ATTENTIONS, ids=str)
def test_attention(encoder, attention):
    check_padding(small(encoder=encoder, attention=attention))
    check_padding(small(encoder=encoder, decoder="gru", attention=attention))


@pytest.mark.parametrize("encoder", KINDS)
@pytest.mark.parametrize("decoder", ["rnn", "lstm", "gru"])
def test_without_attention(encoder, decoder):
    check_padding(small(encoder=encoder, decoder=decoder, attention="none"))


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary", "alibi"])
@pytest.mark.parametrize("own", [AttentionConfig(), AttentionConfig(scope="window", window=2)], ids=str)
def test_transformer(positions, own):
    check_padding(small(positions=positions, self_attention=own))


@torch.no_grad()
def test_log_probability_of_the_best_keys():
    """Hard attention everywhere: what stands for padding is drawn too, and does not count."""
    hard = AttentionConfig(selection="hard")
    model = translator(small(attention=hard, self_attention=hard)).eval()
    wide = F.pad(SOURCE, (0, 3))
    expected = model(SOURCE, SOURCE != PAD, TARGET).log_probability
    assert (expected < 0).all()
    padded = model(wide, wide != PAD, TARGET).log_probability
    torch.testing.assert_close(padded, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("encoder", KINDS)
@torch.no_grad()
def test_classifier(encoder):
    torch.manual_seed(4)
    model = build_classifier(small(encoder=encoder), VOCABULARY, 3, PAD).eval()
    wide = F.pad(SOURCE, (0, 3))
    expected = model(SOURCE, SOURCE != PAD)
    assert expected.shape == (4, 3)
    torch.testing.assert_close(model(wide, wide != PAD), expected, atol=5e-6, rtol=1e-5)


@pytest.mark.parametrize("decoder", KINDS)
@torch.no_grad()
def test_language_model(decoder):
    torch.manual_seed(4)
    model = build_language_model(small(decoder=decoder), VOCABULARY, PAD).eval()
    real = TARGET != PAD
    plain = model(TARGET).states
    torch.testing.assert_close(model(TARGET, real).states[real], plain[real], atol=5e-6, rtol=1e-5)
    wide = model(F.pad(TARGET, (0, 3))).states[:, :-3]
    torch.testing.assert_close(wide[real], plain[real], atol=5e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_masks_that_do_not_fit_are_refused(kind):
    tokens = torch.ones(2, 3, dtype=torch.long)
    model = build_classifier(small(encoder=kind), VOCABULARY, 2, PAD)
    for wrong in (torch.ones(2, 2, dtype=torch.bool), torch.ones(1, 3, dtype=torch.bool), torch.ones(2, 3)):
        with pytest.raises(ValueError, match=r"takes a boolean mask of that shape"):
            model(tokens, wrong)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_a_source_without_a_token(kind):
    """Whether padded or not, and beside others or alone, it gives the same, and no padding is read."""
    for attention in ("none", AttentionConfig()):
        model = translator(small(encoder=kind, decoder="gru", attention=attention)).eval()
        nothing, target = torch.zeros(1, 0, dtype=torch.long), TARGET[:1]
        states = model(nothing, nothing != PAD, target).states
        padded = torch.full((1, 4), 7)
        torch.testing.assert_close(model(padded, torch.zeros(1, 4, dtype=torch.bool), target).states, states)
        both = torch.full((2, 4), 7)
        mask = torch.tensor([[False] * 4, [True] * 4])
        torch.testing.assert_close(model(both, mask, target.expand(2, -1)).states[:1], states)


def test_a_text_without_a_token_has_no_class():
    nothing = torch.zeros(2, 0, dtype=torch.long)
    for kind in KINDS:
        with pytest.raises(ValueError, match="no tokens"):
            build_classifier(small(encoder=kind), VOCABULARY, 2, PAD)(nothing, nothing != PAD)


def test_a_language_model_reads_no_source():
    model = build_language_model(small(), VOCABULARY, PAD)
    memory = translator(small()).encode(SOURCE, SOURCE != PAD)
    with pytest.raises(ValueError, match="no cross-attention"):
        model.decoder(model.embedding(TARGET), memory)
    with pytest.raises(ValueError, match="cannot write -1 tokens"):
        model.start(2, -1)
    with pytest.raises(ValueError, match="pad is 25"):
        build_language_model(small(), 20, 25)
