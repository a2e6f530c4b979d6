"""What inputs are called where several are shown."""

from hypothesis import given
from hypothesis import strategies as st

from regard.cli.names import distinct


@given(st.lists(st.sampled_from(["a", "a (2)", "a (3)", "b", "x" * 70, "x" * 70 + "y"]), max_size=8))
def test_no_two_are_called_alike(texts: list[str]) -> None:
    assert len(set(distinct(texts))) == len(texts)
