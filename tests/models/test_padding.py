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
