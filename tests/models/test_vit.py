"""The Vision Transformer: what it computes, how it trains, what it refuses."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor

import regard
from regard.attention import AttentionConfig
from regard.models.images import VisionTransformer, VitConfig, build_image_classifier

LOCALITY = AttentionConfig(score="tempered-dot", scope="others")


def vit(size: tuple[int, int] = (8, 12), channels: int = 3, **dials) -> VisionTransformer:
    torch.manual_seed(0)
    config = VitConfig(**{"width": 16, "heads": 2, "layers": 3, "patch": 4, **dials})
    model = build_image_classifier(config, channels, 5, size, [0.5] * channels, [0.25] * channels)
    assert isinstance(model, VisionTransformer)
    return model


def pictures(rows: int = 8, columns: int = 12, channels: int = 3, batch: int = 2) -> Tensor:
    return torch.rand(batch, channels, rows, columns, generator=torch.Generator().manual_seed(3))


@st.composite
def dials(draw):
    pick = lambda *values: draw(st.sampled_from(values))  # noqa: E731
    scope = pick("global", "others", "window")
    return {
        "embedding": pick("patches", "shifted-patches", "convolutions"),
        "positions": pick("learned", "sinusoidal", "none"),
        "pooling": pick("class", "mean", "sequence"),
        "registers": pick(0, 2),
        "drop_path": pick(0.0, 0.4),
        "dropout": pick(0.0, 0.1),
        "patch": pick(2, 4),
        "norm": pick("pre", "post"),
        "kv_heads": pick(None, 1),
        "self_attention": AttentionConfig(
            score=pick("dot", "scaled-dot", "tempered-dot", "general", "additive"),
            scope=scope,
            selection=pick("soft", "sparsemax", "entmax15", "gumbel"),
            window=3 if scope == "window" else 10,
        ),
    }


@settings(max_examples=50, deadline=None)
@given(dials(), st.integers(1, 4), st.booleans())
def test_every_config_builds_and_trains(chosen, channels, half):
    model = vit(channels=channels, **chosen)
    images = pictures(channels=channels, batch=16)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        logits, encoded = model(images), model.encode(images)
    assert logits.shape == (16, 5)
    side = chosen["patch"]
    assert encoded.grid == (8 // side, 12 // side)
    assert encoded.extras == chosen["registers"] + (chosen["pooling"] == "class")
    assert encoded.states.shape == (16, encoded.extras + encoded.grid[0] * encoded.grid[1], 16)
    assert encoded.patches.shape[1] == encoded.grid[0] * encoded.grid[1]
    logits.float().logsumexp(-1).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    model.eval()
    with torch.no_grad():
        assert torch.equal(model(images), model(images))
        # An image's logits are its own.
        torch.testing.assert_close(model(images[3:5]), model(images)[3:5], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "none"])
@torch.no_grad()
def test_other_sizes_than_in_training(positions):
    model = vit(positions=positions).eval()
    assert model.encode(pictures(16, 8)).grid == (4, 2)
    with pytest.raises(ValueError, match="10 × 12 pixels"):
        model(pictures(10, 12))
    with pytest.raises(ValueError, match=r"\[batch, 3, height, width\], was given \[2, 1, 8, 12\]"):
        model(pictures(channels=1))


@torch.no_grad()
def test_without_positions_patches_are_a_set():
    images = pictures()
    swapped = torch.cat([images[..., 4:], images[..., :4]], -1)
    for positions, same in (("none", True), ("learned", False)):
        model = vit(positions=positions, pooling="mean").eval()
        assert torch.allclose(model(images), model(swapped), atol=1e-6) == same


@torch.no_grad()
def test_pooling_reads_what_it_says():
    for pooling in ("class", "mean", "sequence"):
        model = vit(pooling=pooling, registers=1).eval()
        states = model.encode(pictures()).states
        if pooling == "class":
            image = states[:, 0]
        elif pooling == "mean":
            image = states[:, 1:].mean(1)
        else:
            weights = torch.softmax(states[:, 1:] @ model.pool.query, 1)
            image = (weights[..., None] * states[:, 1:]).sum(1)
        torch.testing.assert_close(model(pictures()), model.output(image))


@torch.no_grad()
def test_one_can_look():
    model = vit(pooling="sequence", registers=1, self_attention=LOCALITY).eval()
    with regard.look(model) as seen:
        logits = model(pictures())
    assert list(seen) == ["encoder.0.self", "encoder.1.self", "encoder.2.self", "pool.cross"]
    weights = seen["encoder.1.self"].weights
    assert weights.shape == (2, 2, 7, 7)
    assert (weights.diagonal(dim1=-2, dim2=-1) == 0).all()  # nobody looks at itself
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 7))
    assert seen["pool.cross"].weights.shape == (2, 1, 1, 6)
    assert torch.equal(model(pictures()), logits)


def test_a_temperature_is_learned_for_each_head():
    model = vit(self_attention=LOCALITY)
    scales = [p for name, p in model.named_parameters() if name.endswith("attention.score.scale")]
    assert [scale.tolist() for scale in scales] == [pytest.approx([8**-0.5] * 2)] * 3
    model(pictures()).square().sum().backward()
    assert all((scale.grad != 0).all() for scale in scales)


def test_stochastic_depth_grows_from_the_first_layer_to_the_last():
    model = vit(drop_path=0.3)
    shares = [layer.self_residual.drop_path for layer in model.encoder.layers]
    assert shares == pytest.approx([0.0, 0.15, 0.3])
    assert shares == [layer.feed_forward_residual.drop_path for layer in model.encoder.layers]
    assert vit(layers=1, drop_path=0.3).encoder.layers[0].self_residual.drop_path == 0.0


@torch.no_grad()
def test_images_are_normalised_within():
    model = vit().eval()
    plain = build_image_classifier(model.config, 3, 5, (8, 12), [0.0] * 3, [1.0] * 3).eval()
    plain.load_state_dict(
        {**model.state_dict(), "normalise.mean": torch.zeros(3), "normalise.std": torch.ones(3)}
    )
    torch.testing.assert_close(plain((pictures() - 0.5) / 0.25), model(pictures()))


@pytest.mark.parametrize(("mean", "std"), [([0.5], [0.5]), ([0.5] * 3, [0.5]), ([0.5] * 3, [0.1, 0.0, 0.1])])
@pytest.mark.parametrize("network", ["vit", "resnet"])
def test_means_and_deviations_that_do_not_fit(mean, std, network):
    from regard.models.images import ResNetConfig

    config = VitConfig() if network == "vit" else ResNetConfig()
    with pytest.raises(ValueError, match="3 channels are normalised by as many means"):
        build_image_classifier(config, 3, 5, (8, 8), mean, std)


def test_a_size_that_patches_do_not_divide():
    with pytest.raises(ValueError, match="resize it to 8 × 12"):
        vit(size=(9, 12))


NONSENSE = [
    ({"width": 30, "heads": 4}, "4 heads cannot share evenly"),
    ({"width": 6, "heads": 3, "positions": "sinusoidal"}, "a multiple of 4"),
    ({"patch": 1, "embedding": "shifted-patches"}, "half a patch"),
    ({"patch": 6, "embedding": "convolutions"}, "halves the image"),
    ({"patch": 1, "embedding": "convolutions"}, "halves the image"),
    ({"self_attention": AttentionConfig(scope="local-p")}, "aligns a target position"),
    ({"self_attention": AttentionConfig(selection="hard")}, 'take "gumbel"'),
    ({"drop_path": 1.0}, "less than 1"),
    ({"registers": -1}, "greater than or equal to 0"),
    ({"pooling": "max"}, "'class', 'mean' or 'sequence'"),
    ({"pathc": 4}, "Extra inputs"),
]


@pytest.mark.parametrize(("chosen", "reason"), NONSENSE, ids=lambda value: str(value)[:40])
def test_nonsense(chosen, reason):
    with pytest.raises(ValidationError, match=reason):
        VitConfig(**chosen)
