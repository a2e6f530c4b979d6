"""The same weights give the same outputs as the Vision Transformers of Hugging Face and of timm."""

import pytest
import torch

from regard.models.adapters.foreign import ForeignModelError
from regard.models.adapters.vit import timm_vit, vit

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40}
CONFIG = {
    **SIZES,
    "image_size": 12,
    "patch_size": 4,
    "num_channels": 3,
    "num_labels": 3,
    "layer_norm_eps": 1e-6,
}
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
OLDER = {
    "vit.layers": "vit.encoder.layer",
    "attention.q_proj": "attention.attention.query",
    "attention.k_proj": "attention.attention.key",
    "attention.v_proj": "attention.attention.value",
    "attention.o_proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}


def shaken(model):
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def normalised(images):
    return (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def huggingface(**changes):
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(**{**CONFIG, **changes})
    return shaken(transformers.ViTForImageClassification(config))


@pytest.mark.parametrize("names", ["new", "old"])
@torch.no_grad()
def test_hugging_face(names):
    theirs = huggingface()
    weights = theirs.state_dict()
    if names == "old":
        for new, old in OLDER.items():
            weights = {name.replace(new, old): tensor for name, tensor in weights.items()}
    ours = vit(weights, theirs.config.to_dict(), mean=MEAN, std=STD).eval()
    images = torch.rand(2, 3, 12, 12)
    torch.testing.assert_close(ours(images), theirs(normalised(images)).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [(20, 16), (8, 12)])
@torch.no_grad()
def test_hugging_face_at_other_sizes(size):
    theirs = huggingface()
    ours = vit(theirs.state_dict(), theirs.config.to_dict(), mean=MEAN, std=STD).eval()
    images = torch.rand(2, 3, *size)
    expected = theirs(normalised(images), interpolate_pos_encoding=True).logits
    torch.testing.assert_close(ours(images), expected, atol=1e-5, rtol=1e-5)


def test_what_has_no_counterpart_is_refused():
    theirs = huggingface()
    with pytest.raises(ForeignModelError, match="qkv_bias = False"):
        vit(theirs.state_dict(), {**theirs.config.to_dict(), "qkv_bias": False})
    with pytest.raises(ForeignModelError, match="25 patches"):
        vit(theirs.state_dict(), {**theirs.config.to_dict(), "image_size": 20})
    with pytest.raises(ForeignModelError, match="only square"):
        vit(theirs.state_dict(), {**theirs.config.to_dict(), "patch_size": [4, 2]})


@pytest.mark.parametrize(
    "options", [{}, {"reg_tokens": 2}, {"reg_tokens": 2, "no_embed_class": True}], ids=str
)
@torch.no_grad()
def test_timm(timm, options):
    theirs = shaken(
        timm.models.vision_transformer.VisionTransformer(
            img_size=(12, 8), patch_size=4, embed_dim=16, depth=2, num_heads=2, num_classes=3, **options
        )
    )
    ours = timm_vit(theirs.state_dict(), heads=2, image_size=(12, 8), mean=MEAN, std=STD).eval()
    images = torch.rand(2, 3, 12, 8)
    torch.testing.assert_close(ours(images), theirs(normalised(images)), atol=1e-5, rtol=1e-5)


def test_timm_variants_without_counterpart(timm):
    make = timm.models.vision_transformer.VisionTransformer
    theirs = make(img_size=8, patch_size=4, embed_dim=16, depth=1, num_heads=2, init_values=0.1)
    with pytest.raises(ForeignModelError, match=r"ls1\.gamma"):
        timm_vit(theirs.state_dict(), heads=2, image_size=(8, 8))
