from regard.decoding import DecodingConfig, Hypothesis
from regard.decoding.finished import Finished


def finished(*hypotheses):
    found = Finished(1, DecodingConfig(sample=True, n_best=len(hypotheses)))
    for tokens, log_probability in hypotheses:
        found.add(0, Hypothesis(tokens, log_probability / 2, log_probability))
    return found


def test_an_order_that_noise_could_change_is_contested():
    assert finished(([5], -1.0), ([6], -1.00001), ([7], -3.0)).contested(1e-4).all()
    assert not finished(([5], -1.0), ([6], -1.01), ([7], -3.0)).contested(1e-4).any()


def test_equal_samples_have_no_order():
    assert not finished(([5], -1.0), ([5], -1.00001)).contested(1e-4).any()
