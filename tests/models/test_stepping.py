"""Step by step gives what teacher forcing gives, through every reordering of rows."""

import pytest
import torch
from sample_models import ATTENTIONS, CELLS, KINDS, PAD, VOCABULARY, sentences, small, translator
from torch import nn

from regard.attention import AttentionConfig
from regard.models.text import build_classifier, build_language_model
from regard.models.text.transformer_step import StraightStep

WIRINGS = ({"wiring": "bahdanau"}, {}, {"input_feeding": False}, {"cross_heads": 2, "layers": 1})
SOURCE = sentences((7, 5, 3, 6))
TARGET = sentences((6, 6, 6, 6), seed=3)


def check_steps(config):
    model = translator(config).eval()
    check_steps_of(model)
    if config.decoder == "transformer":
        model.decoder.layers[0].register_forward_hook(lambda *_: None)  # then the modules do the work
        check_steps_of(model)


@torch.no_grad()
def check_steps_of(model):
    forced = model(SOURCE, SOURCE != PAD, TARGET).states
    cache = model.start(model.encode(SOURCE, SOURCE != PAD), max_length=6)
    rows = torch.arange(4)
    # Beams of three; sentences reordered; a sentence gone; rows in no order, of uneven numbers.
    picks = {0: [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3], 1: [2, 1, 0, 5, 5, 5, 7, 6, 6, 9, 10, 11]}
    picks |= {2: [9, 10, 11, 0, 1, 2], 3: [5, 0, 4], 4: [1, 2, 1, 0, 0]}
    for step in range(6):
        if step in picks:
            pick = torch.tensor(picks[step])
            cache.select(pick)
            rows = rows[pick]
        states = model.step(TARGET[rows, step], cache)
        torch.testing.assert_close(states, forced[rows, step], atol=5e-6, rtol=1e-5)
    assert cache.length == 6
    with pytest.raises(ValueError, match="started for 6 tokens"):
        model.step(TARGET[rows, 0], cache)


@pytest.mark.parametrize("encoder", KINDS)
@pytest.mark.parametrize("attention", ATTENTIONS, ids=str)
def test_transformer_decoder(encoder, attention):
    check_steps(small(encoder=encoder, attention=attention))


@pytest.mark.parametrize("encoder", KINDS)
@pytest.mark.parametrize("decoder", CELLS)
@pytest.mark.parametrize("attention", ATTENTIONS, ids=str)
def test_recurrent_decoder(encoder, decoder, attention):
    for wiring in WIRINGS:
        check_steps(small(encoder=encoder, decoder=decoder, attention=attention, **wiring))


@pytest.mark.parametrize("encoder", KINDS)
@pytest.mark.parametrize("decoder", CELLS)
def test_without_attention(encoder, decoder):
    check_steps(small(encoder=encoder, decoder=decoder, attention="none"))


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary", "alibi"])
@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("kv_heads", [None, 1])
def test_transformer_dials(positions, norm, kv_heads):
    check_steps(small(positions=positions, norm=norm, kv_heads=kv_heads))


@pytest.mark.parametrize("score", ["dot", "general", "additive"])
@pytest.mark.parametrize("scope", [{}, {"scope": "window", "window": 2}], ids=str)
@pytest.mark.parametrize("selection", ["soft", "sparsemax", "hard"])
def test_self_attention(score, scope, selection):
    own = AttentionConfig(score=score, selection=selection, **scope)
    check_steps(small(self_attention=own, kv_heads=1))


@pytest.mark.parametrize("selection", ["soft", "sparsemax"])
def test_additive_keys_by_head_beside_grouped_values(selection):
    config = small(attention=AttentionConfig(score="additive", selection=selection), kv_heads=1)
    keys, values = translator(config).decoder.layers[0].cross_attention.remember(torch.zeros(3, 5, 16))
    assert (keys.shape, values.shape) == ((3, 2, 5, 8), (3, 1, 5, 8))
    check_steps(config)


@torch.no_grad()
def test_cross_attention_that_was_replaced_is_used_whole():
    model, other = translator(small()).eval(), translator(small(), seed=2).eval()
    copied = translator(small()).eval()
    new = other.decoder.layers[0].cross_attention
    copied.decoder.layers[0].cross_attention.load_state_dict(new.state_dict())
    model.decoder.layers[0].cross_attention = new
    expected = copied(SOURCE, SOURCE != PAD, TARGET).states
    torch.testing.assert_close(model(SOURCE, SOURCE != PAD, TARGET).states, expected)
    check_steps_of(model)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_language_model(kind):
    """A prompt at once, then steps, is all at once."""
    torch.manual_seed(4)
    model = build_language_model(small(decoder=kind), VOCABULARY, pad=PAD).eval()
    forced = model(TARGET).states
    cache = model.start(batch=4, max_length=8)
    states = [*model.prefill(TARGET[:, :3], cache).unbind(1)]
    states += [model.step(TARGET[:, 3], cache)]
    states += [*model.prefill(TARGET[:, 4:], cache).unbind(1)]
    torch.testing.assert_close(torch.stack(states, 1), forced, atol=5e-6, rtol=1e-5)
    cache.select(torch.tensor([3, 3]))
    assert model.step(TARGET[:2, 0], cache).shape == (2, 16)


def test_hypotheses_of_a_sentence_share_its_memory():
    model = translator(small()).eval()
    cache = model.start(model.encode(SOURCE, SOURCE != PAD), max_length=6)
    cache.select(torch.arange(4).repeat_interleave(5))
    assert cache.source.fold == 5
    before = cache.source.layers
    cache.select(torch.arange(20).view(4, 5).flip(1).flatten())
    assert cache.source.layers is before
    cache.select(torch.arange(10))
    assert cache.source.fold == 5
    assert cache.source.layers[0][0].shape[0] == 2


def test_longer_than_the_positions():
    model = translator(small())
    memory = model.encode(SOURCE, SOURCE != PAD)
    with pytest.raises(ValueError, match="max_length is 32"):
        model.start(memory, max_length=33)
    with pytest.raises(ValueError, match="max_length is 32"):
        model.encode(torch.ones(1, 33, dtype=torch.long), torch.ones(1, 33, dtype=torch.bool))
    long = torch.ones(1, 33, dtype=torch.long)
    half = translator(small(encoder="gru"))  # the limit is the Transformer's
    assert half.encode(long, long != PAD).states.shape[1] == 33
    with pytest.raises(ValueError, match="max_length is 32"):
        half(long, long != PAD, long)
    assert translator(small(positions="alibi")).max_length is None
    assert translator(small(encoder="gru", decoder="gru")).max_length is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attention", ATTENTIONS[:4], ids=str)
@torch.inference_mode()
def test_two_byte_floats(kind, attention):
    """Under autocast, and with the weights themselves in bfloat16: near the states of float32."""
    model = translator(small(encoder=kind, decoder=kind, attention=attention)).eval()
    forced = model(SOURCE, SOURCE != PAD, TARGET).states
    for autocast in (True, False):
        model = model if autocast else model.bfloat16()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            cache = model.start(model.encode(SOURCE, SOURCE != PAD), max_length=6)
            states = [model.step(TARGET[:, step], cache) for step in range(6)]
            assert model.logits(states[0]).dtype == states[0].dtype == torch.bfloat16
        difference = (torch.stack(states, 1).float() - forced).abs()
        assert difference.mean() < 0.05


def straight_step(config=None, change=lambda layers: None):
    layers = translator(config or small()).eval().decoder.layers
    change(layers)
    return StraightStep.of(list(layers))


class Louder(nn.Linear):
    """What someone who looks inside a model puts in the place of a layer."""


def test_straight_steps_serve_the_common_kind():
    assert straight_step() is not None
    assert straight_step(small(norm="post", kv_heads=1, activation="gelu")) is not None


@pytest.mark.parametrize(
    "dials",
    [
        {"attention": AttentionConfig(score="dot")},
        {"attention": AttentionConfig(selection="sparsemax")},
        {"self_attention": AttentionConfig(scope="window", window=2)},
    ],
)
def test_straight_steps_leave_other_attention_to_the_modules(dials):
    assert straight_step(small(**dials)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda layers: layers.train(),
        lambda layers: layers[1].feed_forward.inner.register_forward_hook(lambda *_: None),
        lambda layers: layers[1].cross_attention.register_forward_pre_hook(lambda *_: None),
        lambda layers: setattr(layers[0].feed_forward, "outer", Louder(64, 16)),
        lambda layers: setattr(layers[0].feed_forward, "forward", lambda x: x),
        lambda layers: layers.append(nn.Identity()),
    ],
)
def test_straight_steps_pass_over_no_module_that_is_not_as_it_was_built(change):
    assert straight_step(change=change) is None


def test_hooks_are_heard_while_decoding():
    model, heard = translator(small()).eval(), []
    model.decoder.layers[0].cross_attention.register_forward_hook(lambda *_: heard.append(1))
    with torch.no_grad():
        cache = model.start(model.encode(SOURCE, SOURCE != PAD), max_length=6)
        model.step(TARGET[:, 0], cache)
    assert heard == [1]


CHANGES = {
    "a hook": lambda layer, heard: layer.feed_forward.register_forward_hook(lambda *_: heard.append(1)),
    "a hook before": lambda layer, heard: layer.self_attention.register_forward_pre_hook(
        lambda *_: heard.append(1)
    ),
    "another module": lambda layer, heard: setattr(layer.feed_forward, "outer", Heard(heard)),
    "another forward": lambda layer, heard: setattr(layer.feed_forward, "forward", lambda x: Heard(heard)(x)),
    "training": lambda layer, heard: layer.feed_forward.dropout.train(),
}


class Heard(nn.Module):
    """Says that it was called."""

    def __init__(self, heard):
        super().__init__()
        self.heard = heard

    def forward(self, x):
        self.heard.append(1)
        return x[..., :16]


@pytest.mark.parametrize("change", CHANGES)
@torch.no_grad()
def test_what_changes_while_decoding_is_heard(change):
    model, heard = translator(small()).eval(), []
    cache = model.start(model.encode(SOURCE, SOURCE != PAD), max_length=6)
    model.step(TARGET[:, 0], cache)
    assert cache.straight.still_serves()
    assert heard == []
    CHANGES[change](model.decoder.layers[1], heard)
    assert not cache.straight.still_serves()
    states = model.step(TARGET[:, 1], cache)
    if change == "training":
        return
    assert heard == [1]
    if "hook" in change:  # that only listens
        forced = model(SOURCE, SOURCE != PAD, TARGET).states[:, 1]
        torch.testing.assert_close(states, forced, atol=5e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attention", [ATTENTIONS[0], ATTENTIONS[6]], ids=str)
@torch.no_grad()
def test_no_rows_and_no_tokens(kind, attention):
    model = translator(small(decoder=kind, attention=attention)).eval()
    cache = model.start(model.encode(SOURCE, SOURCE != PAD), max_length=6)
    cache.select(torch.zeros(0, dtype=torch.long))
    assert model.step(TARGET[:0, 0], cache).shape == (0, 16)
    language = build_language_model(small(decoder=kind), VOCABULARY, pad=PAD).eval()
    assert language.prefill(TARGET[:1, :0], language.start(1, 6)).shape == (1, 0, 16)
    assert language(TARGET[:, :0]).states.shape == (4, 0, 16)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attention", [ATTENTIONS[3], ATTENTIONS[7], "none"], ids=str)
def test_a_batch_of_no_rows_and_targets_of_no_tokens(kind, attention):
    wirings = WIRINGS if kind != "transformer" else () if attention == "none" else ({},)
    for wiring in wirings:
        model = translator(small(encoder=kind, decoder=kind, attention=attention, **wiring))
        for rows, length in ((0, 6), (4, 0)):
            source, target = SOURCE[:rows], TARGET[:rows, :length]
            decoded = model(source, source != PAD, target)
            assert decoded.states.shape == (rows, length, 16)
            if attention == ATTENTIONS[7]:
                assert decoded.log_probability.shape == (rows, length)
            decoded.states.sum().backward()
    classifier = build_classifier(small(encoder=kind), VOCABULARY, 3, PAD)
    assert classifier(SOURCE[:0], SOURCE[:0] != PAD).shape == (0, 3)


@pytest.mark.parametrize("kind", CELLS)
def test_recurrent_encoders_take_padding_at_the_end_only(kind):
    model = build_classifier(small(encoder=kind), VOCABULARY, 3, PAD)
    model(SOURCE[:2, :3], torch.tensor([[True, True, False], [False, False, False]]))
    for real in ([False, True, True], [True, False, True]):
        with pytest.raises(ValueError, match="padding comes at the end"):
            model(SOURCE[:1, :3], torch.tensor([real]))


@pytest.mark.parametrize("kind", CELLS)
def test_recurrent_decoders_take_padding_at_the_end_only(kind):
    model = build_language_model(small(decoder=kind), VOCABULARY, pad=PAD)
    real = torch.tensor([[True, True, False], [True, False, True]])
    model(TARGET[:1, :3], real[:1])
    with pytest.raises(ValueError, match="padding comes at the end"):
        model(TARGET[:2, :3], real)
