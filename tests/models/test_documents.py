"""Documents packed into one row are read as each would be alone."""

import pytest
import torch
from sample_models import PAD, VOCABULARY, small

from regard.attention import AttentionConfig
from regard.models.text import build_language_model

FIRST, SECOND = [4, 5, 6, 7, 8], [9, 4, 9, 5]
NUMBERS = torch.tensor([[1] * len(FIRST) + [2] * len(SECOND)])


@pytest.mark.parametrize("own", [AttentionConfig(), AttentionConfig(scope="window", window=2)], ids=str)
@pytest.mark.parametrize("positions", ["rotary", "alibi"])
@torch.no_grad()
def test_packed_as_alone(positions, own):
    """Where positions are told by distances, where a document begins changes nothing."""
    config = small(positions=positions, self_attention=own)
    model = build_language_model(config, VOCABULARY, PAD).eval()
    packed = model(torch.tensor([FIRST + SECOND]), documents=NUMBERS).states[0]
    alone = [model(torch.tensor([document])).states[0] for document in (FIRST, SECOND)]
    torch.testing.assert_close(packed, torch.cat(alone), atol=2e-6, rtol=1e-5)


@torch.no_grad()
def test_only_where_asked_for():
    model = build_language_model(small(), VOCABULARY, PAD).eval()
    one, other = torch.tensor([FIRST + SECOND]), torch.tensor([FIRST[::-1] + SECOND])
    length = len(FIRST)
    apart = [model(tokens, documents=NUMBERS).states[:, length:] for tokens in (one, other)]
    joined = [model(tokens).states[:, length:] for tokens in (one, other)]
    torch.testing.assert_close(*apart, atol=1e-6, rtol=1e-5)
    assert (joined[0] - joined[1]).abs().max() > 1e-3


def test_recurrent_decoders_refuse_documents():
    model = build_language_model(small(decoder="gru"), VOCABULARY, PAD)
    with pytest.raises(ValueError, match="one document a row"):
        model(torch.tensor([FIRST + SECOND]), documents=NUMBERS)
