"""The five lines with which a newcomer sees attention: of each kind of model, as README has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_foreign
import torch
from torch import nn

FILE = "seen.html"

SHIPPED = """
import regard
from regard.lens.html import write

result = regard.load("en-fr")("The cat sat on the mat.")
write(result.attention, "seen.html", title=result.text)
"""

HUGGING_FACE = """
import regard
from regard.lens.html import write

look = regard.load("hf:my-bert")("The cat sat on the mat.")
write(look.attention, "seen.html", title=look.text)
"""

OWN = """
import regard
from regard.lens import Tokens
from regard.lens.html import write

with regard.look(model) as seen:
    model(inputs)
write(seen.maps(Tokens.of(words)), "seen.html")
"""

TIMM = """
import regard, timm, torch
from regard.lens import PatchGrid
from regard.lens.html import Record, write

model, image = timm.create_model("vit_tiny_patch16_224").eval(), torch.rand(1, 3, 224, 224)
with torch.no_grad(), regard.look(model) as seen:
    model(image)
maps = seen.maps(PatchGrid(14, 14, ("[CLS]",), (224, 224)))
write([Record(one, image=image[0]) for one in maps.values()], "seen.html")
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(lines: str, **names: Any) -> str:
    exec(lines, names)
    return Path(FILE).read_text(encoding="utf-8")


def test_the_translator_that_ships() -> None:
    assert "decoder.2.cross" in run(SHIPPED)


def test_a_model_of_hugging_face(tmp_path: Path) -> None:
    tiny_foreign.bert(tmp_path / "my-bert")
    assert "encoder.layer.1.attention.self" in run(HUGGING_FACE)


def test_a_module_of_ones_own() -> None:
    class Block(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.scaled_dot_product_attention(x, x, x)

    model = nn.Sequential(Block(), Block())
    page = run(OWN, model=model, inputs=torch.rand(1, 2, 3, 8), words=["the", "cat", "sat"])
    assert '"name":"0"' in page
    assert '"sat"' in page


@pytest.mark.usefixtures("timm")
def test_a_model_of_timm() -> None:
    assert "blocks.11.attn" in run(TIMM)


def test_a_picture_in_the_browser(capsys: pytest.CaptureFixture[str]) -> None:
    """`regard look digits seven.png --out seen.html`"""
    import numpy as np
    from PIL import Image

    from regard.cli import main
    from regard.tasks import shipped_models

    if "digits" not in shipped_models():
        pytest.skip("no classifier of pictures ships here")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)).save("seven.png")
    with pytest.raises(SystemExit) as ended:
        main(["look", "digits", "seven.png", "--out", FILE])
    assert ended.value.code == 0
    assert "data:image/png;base64" in Path(FILE).read_text(encoding="utf-8")
