"""Models of Hugging Face as Regard reads and looks at them, against their own eager attention."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tiny_foreign import TEXT_MODELS, word_ends

import regard
from regard import UserError
from regard.errors import RegardWarning
from regard.lens import PatchGrid, tokens_of
from regard.lens.html import page
from regard.tasks.foreign import ForeignPictureModel, ForeignTextModel
from regard.tasks.foreign import model as foreign_model

Folder = Callable[[str], Path]
TEXT = "The cat saw 나는 읽었다."


def load(folder: Path) -> Any:
    return regard.load(f"hf:{folder}")


@pytest.mark.parametrize("name", TEXT_MODELS)
@torch.no_grad()
def test_maps_are_those_of_eager_attention(folder: Folder, name: str) -> None:
    model = load(folder(name))
    assert isinstance(model, ForeignTextModel)
    look = model(TEXT)
    assert list(look.attention) == list(model.places)
    kind = transformers.AutoModelForSeq2SeqLM if model.across else transformers.AutoModel
    eager = kind.from_pretrained(folder(name), attn_implementation="eager").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder(name))
    given = dict(tokenizer(TEXT, return_tensors="pt"))
    given.pop("token_type_ids", None)
    if not model.across:
        expected = list(eager(**given, output_attentions=True).attentions)
    else:
        length = 2 * given["input_ids"].shape[1] + 16
        made = eager.generate(**given, max_new_tokens=length, do_sample=False, num_beams=1)
        assert look.written == tokenizer.decode(made[0, 1:], skip_special_tokens=True).strip()
        out = eager(**given, decoder_input_ids=made[:, :-1], output_attentions=True)
        within, across = out.decoder_attentions, out.cross_attentions
        expected = [
            *out.encoder_attentions,
            *(one for pair in zip(within, across, strict=True) for one in pair),
        ]
    for seen, weights in zip(look.attention.values(), expected, strict=True):
        torch.testing.assert_close(seen.weights, weights[0])
        assert float((seen.weights.sum(-1) - 1).abs().max()) < 1e-5


def test_tokens_are_read_as_letters_and_joined_to_words(folder: Folder) -> None:
    words = {name: load(folder(name))(TEXT).axis.joined().labels for name in TEXT_MODELS}
    assert words["bert"] == ("[CLS]", "The", "cat", "saw", "나는", "읽었다", ".", "[SEP]")
    assert words["gpt2"] == words["llama"] == words["qwen3"] == ("The", "cat", "saw", "나는", "읽었다", ".")
    assert words["t5"] == words["marian"] == ("The", "cat", "saw", "나는", "읽었다.", "</s>")


def test_a_token_that_ends_a_word_is_read_without_its_mark() -> None:
    tokenizer = word_ends()
    encoded = tokenizer("The dat saw mat")
    ids = encoded["input_ids"]
    assert len(ids) > 4
    for words in (encoded.word_ids(), None):
        axis = tokens_of(tokenizer, ids, words)
        assert "</w>" not in "".join(axis.texts)
        assert axis.joined().labels == ("The", "dat", "saw", "mat")


def test_layers_that_share_their_weights_are_told(folder: Folder) -> None:
    with pytest.warns(RegardWarning, match=r"attention runs 2 times, .* is the last run"):
        look = load(folder("albert"))(TEXT)
    assert len(look.attention) == 1


def test_a_line_break_is_one_sign_in_a_row_of_labels(folder: Folder) -> None:
    labels = load(folder("gpt2"))("The cat\n\tsat").axis.labels
    assert not any(sign in label for label in labels for sign in "\n\t")
    assert "↵" in "".join(labels)


def test_a_decoders_rows_are_what_it_wrote_and_look_back(folder: Folder) -> None:
    model = load(folder("marian"))
    model.model.generation_config.num_beams = 3
    look = model(TEXT)
    assert model.model.generation_config.num_beams == 3  # what the user set is the user's
    within = look.attention["model.decoder.layers.0.self_attn"]
    across = look.attention["model.decoder.layers.0.encoder_attn"]
    assert within.query_axis == across.query_axis == look.answer
    assert within.key_axis.texts[1:] == look.answer.texts[:-1]  # it read what it had written before
    assert across.key_axis == look.axis
    assert not within.weights.triu(1).any()


def test_only_some_places_and_positions_are_kept(folder: Folder) -> None:
    model = load(folder("bert"))
    look = model("The cat sat.", at="*.1.*", queries=[0, -1])
    assert list(look.attention) == ["encoder.layer.1.attention.self"]
    assert look.attention["encoder.layer.1.attention.self"].query_axis.labels == ("[CLS]", "[SEP]")
    assert [len(one.attention) for one in model(["The cat.", "The dog."])] == [2, 2]


def test_what_cannot_be_read_is_told(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(folder("bert"))
    with pytest.raises(UserError, match="the text is empty"):
        model("  ")
    with pytest.raises(UserError, match=r"is 72 tokens, and this model reads 64 at most"):
        model("cat " * 70)
    with pytest.raises(UserError, match=r"no attention matches 'layers\.9'.*nearest"):
        model("cat", at="layers.9")
    monkeypatch.setattr(foreign_model, "MOST_BYTES", 1000)
    with pytest.raises(UserError, match=r"would take 0\.0 GB; look at fewer places \(--at\)"):
        model("The cat sat on the mat.")
    assert model("The cat sat on the mat.", keep="summary").summaries


def test_a_picture_is_looked_at_whole(folder: Folder) -> None:
    model = load(folder("vit"))
    assert isinstance(model, ForeignPictureModel)
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    look = model(pixels)
    assert look.grid == PatchGrid(2, 2, ("[CLS]",), (16, 16))
    assert look.image.shape == (3, 16, 16)
    eager = transformers.AutoModel.from_pretrained(folder("vit"), attn_implementation="eager").eval()
    with torch.no_grad():
        # Without a preprocessor_config.json, pixels lie between -1 and 1.
        expected = eager(look.image[None] * 2 - 1, output_attentions=True).attentions
    for seen, weights in zip(look.attention.values(), expected, strict=True):
        torch.testing.assert_close(seen.weights, weights[0])


@pytest.mark.parametrize(
    ("name", "specials"),
    [
        ("beit", ("[CLS]",)),
        ("dinov2_with_registers", ("[CLS]", "[R1]", "[R2]", "[R3]", "[R4]")),
        ("siglip", ()),
    ],
)
def test_models_of_pictures_of_other_kinds(folder: Folder, name: str, specials: tuple[str, ...]) -> None:
    """With a vocabulary, with more registers than patches, and with a head that pools."""
    look = load(folder(name))(np.zeros((20, 30, 3), np.uint8))
    assert look.grid == PatchGrid(2, 2, specials, (16, 16))
    eager = transformers.AutoModel.from_pretrained(folder(name), attn_implementation="eager").eval()
    with torch.no_grad():
        expected = eager(look.image[None] * 2 - 1, output_attentions=True).attentions
    layers = [one for one in look.attention.values() if one.query_axis == look.grid]
    for seen, weights in zip(layers, expected, strict=True):
        torch.testing.assert_close(seen.weights, weights[0])
    pooled = [one for one in look.attention.values() if one not in layers]
    assert [one.query_axis.labels for one in pooled] == [("the picture",)] * (name == "siglip")
    assert all(one.key_axis == look.grid for one in look.attention.values())


def test_how_pictures_are_prepared_is_read_from_the_folder(folder: Folder, tmp_path: Path) -> None:
    for file in folder("vit").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    told = '{"size": {"height": 16, "width": 16}, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 1, 2]}'
    (tmp_path / "preprocessor_config.json").write_text(told)
    model = load(tmp_path)
    image = torch.full((3, 16, 16), 0.5)
    assert model.preparation.normalised(image)[:, 0, 0].tolist() == pytest.approx([0.8, 0.3, 0.1])
    (tmp_path / "preprocessor_config.json").write_text('{"size": {"height": 10000000, "width": 4}}')
    with pytest.raises(UserError, match="pictures prepared so cannot be"):
        load(tmp_path)


def test_five_lines_show_a_model_of_ones_own_from_hugging_face(folder: Folder, tmp_path: Path) -> None:
    """As README has it; `hf:my-bert` stands for a folder or a name."""
    model = regard.load(f"hf:{folder('bert')}")
    look = model("The cat sat on the mat.")
    weights = look.attention["encoder.layer.1.attention.self"].weights  # [heads, tokens, tokens]
    assert len(weights) == 4
    assert "mat" in page(look.attention, title=look.text).text


def test_other_tasks_are_refused(folder: Folder) -> None:
    with pytest.raises(UserError, match=r"can be looked at .*a model for translation is needed"):
        regard.load(f"hf:{folder('bert')}", task="translation")
