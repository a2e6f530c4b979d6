"""Combinations without sense are refused with the reason; all others build and train."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sample_models import KINDS, PAD, VOCABULARY, sentences, small, translator

from regard.attention import AttentionConfig
from regard.models.text import ModelConfig, build_classifier, build_language_model, build_translator

NONSENSE = [
    ({"attention": "none"}, "no recurrent state that could carry the source"),
    ({"width": 30, "heads": 4}, "4 heads cannot share evenly: take 3 heads, or a width of 32"),
    ({"heads": 4, "kv_heads": 3}, "no divisor of heads"),
    ({"width": 15, "heads": 3}, "pair sines with cosines"),
    ({"width": 15, "heads": 3, "positions": "rotary"}, "turn pairs of channels"),
    ({"width": 15, "encoder": "gru", "decoder": "gru"}, "half of it to each direction"),
    ({"decoder": "gru", "cross_heads": 3}, "3 cross_heads cannot share"),
    ({"attention": AttentionConfig(scope="window")}, '"local-m"'),
    ({"attention": AttentionConfig(scope="others")}, "not among the words of the source"),
    ({"attention": AttentionConfig(scope="local-p", selection="hard")}, "Gaussian weighs keys after"),
    ({"self_attention": AttentionConfig(scope="local-m")}, "aligns a target position"),
    ({"self_attention": AttentionConfig(scope="local-p")}, "aligns a target position"),
    ({"width": 0}, "greater than or equal to 1"),
    ({"dropout": 1.0}, "less than 1"),
    ({"widht": 8}, "Extra inputs"),
    ({"layers": "3"}, "valid integer"),
]


@pytest.mark.parametrize(("dials", "reason"), NONSENSE, ids=lambda value: str(value)[:40])
def test_nonsense(dials, reason):
    with pytest.raises(ValidationError, match=reason):
        small(**dials)


def test_a_joint_vocabulary_has_one_size():
    with pytest.raises(ValueError, match="20 and 30"):
        build_translator(small(), 20, 30, joint=True, pad=0)


def test_what_is_derived():
    config = ModelConfig(width=8, layers=5, decoder_layers=1)
    assert (config.hidden, config.encoder_depth, config.decoder_depth) == (32, 5, 1)
    assert ModelConfig(dropout=0.2).weight_dropout == 0.2
    assert ModelConfig(dropout=0.2, attention_dropout=0.0).weight_dropout == 0.0


@st.composite
def configs(draw):
    pick = lambda *values: draw(st.sampled_from(values))  # noqa: E731
    scope = pick("global", "local-m", "local-p")
    soft = ("soft", "sparsemax", "entmax15", "sigmoid")
    attention = AttentionConfig(
        score=pick("dot", "scaled-dot", "general", "additive"),
        scope=scope,
        selection=pick(*soft, *(() if scope == "local-p" else ("hard", "gumbel"))),
        window=10 if scope == "global" else 2,
    )
    within = pick("global", "window", "others")
    own = AttentionConfig(
        score=pick("dot", "scaled-dot", "tempered-dot", "general", "additive"),
        scope=within,
        selection=pick(*soft, "hard", "gumbel"),
        window=2 if within == "window" else 10,
    )
    decoder = pick(*KINDS)
    return small(
        encoder=pick(*KINDS),
        decoder=decoder,
        layers=pick(1, 2),
        heads=pick(1, 2, 4),
        kv_heads=pick(None, 1),
        cross_heads=pick(1, 2),
        norm=pick("pre", "post"),
        activation=pick("relu", "gelu", "silu"),
        positions=pick("sinusoidal", "learned", "rotary", "alibi"),
        embedding_norm=pick(True, False),
        bidirectional=pick(True, False),
        wiring=pick("bahdanau", "luong"),
        input_feeding=pick(True, False),
        tie_embeddings=pick(True, False),
        activation_dropout=pick(0.0, 0.1),
        attention="none" if decoder != "transformer" and pick(True, False) else attention,
        self_attention=own,
    )


def check_gradients(model, loss):
    assert torch.isfinite(loss)
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, f"{name} took no part"
        assert parameter.grad.isfinite().all(), name


def draws(log_probability):
    return 0.0 if log_probability is None else log_probability.float().sum()


@settings(max_examples=80, deadline=None)
@given(config=configs(), joint=st.booleans(), half=st.booleans())
def test_every_config_builds_and_trains(config, joint, half):
    source, target = sentences((7, 5, 3)), sentences((6, 6, 4), seed=3)
    model = translator(config, joint=joint)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        decoded = model(source, source != PAD, target)
        loss = model.logits(decoded.states).float().logsumexp(-1).sum() + draws(decoded.log_probability)
    assert decoded.states.dtype == (torch.bfloat16 if half else torch.float32)
    check_gradients(model, loss)
    # Hard selections, wherever they are, report what they drew.
    kinds = [config.attention] if config.attention != "none" else []
    kinds += [config.self_attention] if "transformer" in (config.encoder, config.decoder) else []
    hard = any(kind.selection == "hard" for kind in kinds)
    assert (decoded.log_probability is not None) == hard
    if hard:
        assert decoded.log_probability.shape == target.shape
        assert (decoded.log_probability <= 0).all()


@settings(max_examples=20, deadline=None)
@given(config=configs())
def test_every_config_models_language_and_classifies(config):
    tokens = sentences((7, 5, 3))
    if config.decoder == "transformer" and config.self_attention.selection == "hard":
        with pytest.raises(ValueError, match='take "gumbel"'):
            build_language_model(config, VOCABULARY, PAD)
    else:
        model = build_language_model(config, VOCABULARY, PAD)
        decoded = model(tokens, tokens != PAD)
        written = model.logits(decoded.states).logsumexp(-1).sum()
        check_gradients(model, written + draws(decoded.log_probability))
    if config.encoder == "transformer" and config.self_attention.selection == "hard":
        with pytest.raises(ValueError, match='take "gumbel"'):
            build_classifier(config, VOCABULARY, 3, PAD)
        return
    classifier = build_classifier(config, VOCABULARY, 3, PAD)
    check_gradients(classifier, classifier(tokens, tokens != PAD).logsumexp(-1).sum())


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_a_function_of_the_seed(kind):
    a, b, c = (translator(small(encoder=kind, decoder=kind), seed=seed) for seed in (1, 1, 2))
    pairs = list(zip(a.state_dict().values(), b.state_dict().values(), strict=True))
    assert all(torch.equal(x, y) for x, y in pairs)
    assert not torch.equal(a.output.weight, c.output.weight)


def test_shapes_can_be_asked_for_on_the_meta_device():
    with torch.device("meta"):
        tokens = torch.zeros(2, 5, dtype=torch.long)
        model = build_language_model(small(), VOCABULARY, PAD)
        assert model.logits(model(tokens).states).shape == (2, 5, VOCABULARY)
        assert build_classifier(small(), VOCABULARY, 3, PAD)(tokens, tokens == 0).shape == (2, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_float64(kind):
    model = translator(small(encoder=kind, decoder=kind)).double().eval()
    source = sentences((4, 2))
    memory = model.encode(source, source != PAD)
    states = model.step(source[:, 0], model.start(memory, 4))
    assert states.dtype == torch.float64
    expected = model(source, source != PAD, source).states[:, 0]
    torch.testing.assert_close(states, expected)


def test_a_joint_vocabulary_ties_three_tables():
    model = translator(small())
    tables = {model.source_embedding.weight, model.target_embedding.weight, model.output.weight}
    assert len(tables) == 1
    assert len(list(model.parameters())) == len({id(p) for p in model.parameters()})
    assert translator(small(), joint=False).source_embedding.weight is not model.output.weight
    assert len({id(t) for t in translator(small(tie_embeddings=False)).state_dict().values()}) > 3
