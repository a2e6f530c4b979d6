import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.decoding.candidates import log_normaliser, top


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 5), columns=st.integers(6, 9000), k=st.integers(1, 6))
def test_top_finds_the_largest(seed, rows, columns, k):
    logits = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    values, indices = top(logits, k)
    assert torch.equal(values, logits.topk(k, dim=1).values)
    assert torch.equal(logits.gather(1, indices), values)


def test_top_finds_equal_and_removed_logits():
    logits = torch.full((2, 8005), -torch.inf)
    logits[0, 8004] = logits[0, 17] = 1.0
    values, indices = top(logits, 3)
    assert set(indices[0, :2].tolist()) == {17, 8004}
    assert values[1].tolist() == [-torch.inf] * 3
    assert len(set(indices[1].tolist())) == 3


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), columns=st.integers(1, 5000), scale=st.sampled_from([0.1, 1.0, 30.0]))
def test_log_normaliser_is_logsumexp(seed, columns, scale):
    logits = scale * torch.randn(300, columns, generator=torch.Generator().manual_seed(seed)) + 7
    torch.testing.assert_close(log_normaliser(logits), logits.double().logsumexp(1).float())
