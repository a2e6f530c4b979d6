"""The same weights give the same outputs as Hugging Face's Marian and BERT."""

import json

import pytest
import torch
from safetensors.torch import load_file

from regard.models.adapters.bert import bert
from regard.models.adapters.foreign import ForeignModelError
from regard.models.adapters.marian import marian

transformers = pytest.importorskip("transformers")

MASK = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])


def shaken(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


def marian_config(**changes):
    sizes = {"d_model": 16, "vocab_size": 30, "decoder_vocab_size": 30, "max_position_embeddings": 32}
    layers = {f"{side}_layers": 2 for side in ("encoder", "decoder")}
    heads = {f"{side}_attention_heads": 2 for side in ("encoder", "decoder")}
    hidden = {f"{side}_ffn_dim": 40 for side in ("encoder", "decoder")}
    tokens = {"pad_token_id": 29, "eos_token_id": 0, "decoder_start_token_id": 29, "bos_token_id": 0}
    rest = {"scale_embedding": True, "activation_function": "swish", **tokens}
    return transformers.MarianConfig(**{**sizes, **layers, **heads, **hidden, **rest, **changes})


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("saved", [True, False])
def test_marian(shared, tied, saved, tmp_path):
    torch.manual_seed(1)
    config = marian_config(
        share_encoder_decoder_embeddings=shared, tie_word_embeddings=tied, decoder_layers=1
    )
    theirs = shaken(transformers.MarianMTModel(config))
    theirs.final_logits_bias.normal_()
    weights = theirs.state_dict()
    if saved:  # a file has each shared weight once, and no positions: sinusoids when it is read
        theirs.save_pretrained(tmp_path)
        weights, config = load_file(tmp_path / "model.safetensors"), read_config(tmp_path)
        theirs = transformers.MarianMTModel.from_pretrained(tmp_path).eval()
    else:
        config = config.to_dict()
    ours = marian(weights, config).eval()
    assert (ours.output.weight is ours.target_embedding.weight) == tied
    assert (ours.source_embedding.weight is ours.target_embedding.weight) == (tied and shared)
    source, target = torch.randint(0, 29, (2, 7)), torch.randint(0, 29, (2, 5))
    target[:, 0] = 29
    with torch.no_grad():
        expected = theirs(source, attention_mask=MASK.long(), decoder_input_ids=target).logits
        logits = ours.logits(ours(source, MASK, target).states)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)


def read_config(folder):
    return json.loads((folder / "config.json").read_text())


def test_marian_of_another_kind_is_refused():
    config = marian_config(scale_embedding=False)
    with pytest.raises(ForeignModelError, match="scale_embedding = False"):
        marian({}, config.to_dict())


def test_missing_weights_are_named():
    with pytest.raises(ForeignModelError, match=r"model\.shared\.weight"):
        marian({"conv.weight": torch.zeros(1)}, marian_config().to_dict())


def test_missing_settings_are_named():
    with pytest.raises(ForeignModelError, match="this Marian model's configuration has no 'encoder_att"):
        marian({}, {})
    with pytest.raises(ForeignModelError, match="this BERT model's configuration has no 'hidden_size'"):
        bert({"classifier.weight": torch.zeros(2, 4)}, {})


def test_bert():
    torch.manual_seed(2)
    config = transformers.BertConfig(
        vocab_size=30,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=40,
        max_position_embeddings=32,
        num_labels=3,
    )
    theirs = shaken(transformers.BertForSequenceClassification(config))
    ours = bert(theirs.state_dict(), config.to_dict()).eval()
    tokens = torch.randint(1, 30, (2, 7))
    with torch.no_grad():
        expected = theirs(tokens, attention_mask=MASK.long()).logits
        logits = ours(tokens, MASK)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
