import pytest
from pydantic import ValidationError

from regard.decoding import DecodingConfig


def test_a_default_number_of_results_goes_down_with_the_beam():
    several = DecodingConfig(beam=5, n_best=3, seed=7)
    assert several.changed(beam=4) == DecodingConfig(beam=4, n_best=3, seed=7)
    assert several.changed(beam=1) == DecodingConfig(beam=1, n_best=1, seed=7)
    assert several.changed(beam=1, sample=True).n_best == 3
    assert DecodingConfig(sample=True, n_best=9).changed(sample=False).n_best == 5


@pytest.mark.parametrize("changes", [{"beam": 1, "n_best": 2}, {"beam": 0}, {"beam": "1"}, {"beems": 1}])
def test_what_cannot_be_is_refused(changes):
    with pytest.raises(ValidationError) as caught:
        DecodingConfig(beam=5, n_best=3).changed(**changes)
    (first, *_) = caught.value.errors()
    assert first["loc"] in ((), *((name,) for name in changes))


@pytest.mark.parametrize("penalty", [-20.0, 20.0])
def test_the_longest_output_has_a_finite_penalty(penalty):
    config = DecodingConfig(length_penalty=penalty, max_ratio=100.0, max_extra=100_000)
    assert 0 < config.penalty(config.limit(10**6)) < float("inf")
    with pytest.raises(ValidationError, match="length_penalty"):
        config.changed(length_penalty=2 * penalty)
