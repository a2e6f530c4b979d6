"""Figures of translations."""

import math

import regard
from regard.data.text.references import Grouped
from regard.tasks.text import translation_figures as figures


def test_perplexity_is_a_number_however_bad_the_model(model_folder, monkeypatch):
    monkeypatch.setattr(figures, "reference_loss", lambda *_: 200.0)
    found = figures.translation_figures(regard.load(model_folder), [Grouped("one cat.", ("un chat.",))])
    assert math.isfinite(found["perplexity"])
