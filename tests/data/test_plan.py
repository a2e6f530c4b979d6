"""The batch plan: every row once an epoch, the same batches at any world size, little padding."""

import errno
import os
import tracemalloc
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.data import BatchPlan
from regard.data import ordering as ordering_module
from regard.data.errors import DataError
from regard.data.permutation import mix, permute
from regard.data.text import BlockPlan


def realistic(rows: int, seed: int = 0) -> np.ndarray:
    """Lengths like those of captions: two sides that mostly agree."""
    generator = np.random.default_rng(seed)
    source = generator.poisson(generator.gamma(10, 1.3, rows)) + 3
    return np.stack([source, np.maximum(source + generator.normal(1, 2, rows).astype(int), 1)], 1)


def epoch_of(plan: BatchPlan, epoch: int) -> list[list[int]]:
    return [plan.plan(epoch, step).tolist() for step in range(plan.steps_per_epoch)]


lengths = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=120)


@settings(max_examples=50, deadline=None)
@given(pairs=lengths, tokens=st.integers(1, 400), seed=st.integers(0, 2**40), epoch=st.integers(0, 10**6))
def test_every_row_once_within_the_budget(
    pairs: list[tuple[int, int]], tokens: int, seed: int, epoch: int
) -> None:
    table = np.array(pairs)
    plan = BatchPlan(table, tokens, seed)
    batches = epoch_of(plan, epoch)
    assert sorted(row for batch in batches for row in batch) == list(range(len(table)))
    for batch in batches:
        assert batch
        assert len(batch) == 1 or len(batch) * (table[batch].max() + 1) <= tokens


@settings(max_examples=40, deadline=None)
@given(pairs=lengths, world=st.integers(1, 9), seed=st.integers(0, 99))
def test_any_world_size_gives_the_same_global_batches(
    pairs: list[tuple[int, int]], world: int, seed: int
) -> None:
    plan = BatchPlan(np.array(pairs), 200, seed)
    for step in range(plan.steps_per_epoch):
        whole = plan.plan(1, step)
        shares = [plan.plan(1, step, rank, world) for rank in range(world)]
        for rank, share in enumerate(shares):
            assert share.tolist() == whole[rank::world].tolist()


def test_epochs_and_seeds_differ_in_order_and_in_batches() -> None:
    table = realistic(3000)
    plan = BatchPlan(table, 1000, seed=5)
    first, second, other = epoch_of(plan, 0), epoch_of(plan, 1), epoch_of(BatchPlan(table, 1000, seed=6), 0)
    assert first == epoch_of(BatchPlan(table, 1000, seed=5), 0)
    for changed in (second, other):
        assert first != changed
        same = {frozenset(batch) for batch in first} & {frozenset(batch) for batch in changed}
        assert len(same) < 0.1 * len(first)


def test_lengths_come_in_no_order() -> None:
    table = realistic(4000)
    plan = BatchPlan(table, 800, seed=1)
    longest = np.array([table[batch].max() for batch in epoch_of(plan, 3)])
    assert abs(np.corrcoef(longest, np.arange(len(longest)))[0, 1]) < 0.2


def test_padding_is_little() -> None:
    table = realistic(29_000)
    plan = BatchPlan(table, 4096, seed=1)
    cells = 0
    for batch in epoch_of(plan, 0):
        cells += len(batch) * int((table[batch].max(0) + 1).sum())
    assert 1 - (table + 1).sum() / cells < 0.05


@settings(max_examples=50, deadline=None)
@given(pairs=lengths, specials=st.integers(1, 3))
def test_a_table_in_memory_is_put_in_the_same_order(pairs: list[tuple[int, int]], specials: int) -> None:
    table = np.array(pairs)
    arranged = ordering_module.arrange(table, tokens=50, specials=specials)
    assert ordering_module.by_length(table, specials).tolist() == arranged.order.tolist()


def test_small_corpora_are_not_padded_for_mixing() -> None:
    table = realistic(200)
    plan = BatchPlan(table, 512, seed=1)
    cells = sum(len(batch) * int((table[batch].max(0) + 1).sum()) for batch in epoch_of(plan, 0))
    assert 1 - (table + 1).sum() / cells < 0.15


def test_on_disk_it_is_the_same_and_is_found_again(tmp_path: Path) -> None:
    table = realistic(2000)
    plans = [BatchPlan(table, 900, 3), BatchPlan(table, 900, 3, tmp_path), BatchPlan(table, 900, 3, tmp_path)]
    files = sorted(path.name for path in tmp_path.iterdir())
    assert len(files) == 3
    assert epoch_of(plans[0], 2) == epoch_of(plans[1], 2) == epoch_of(plans[2], 2)
    BatchPlan(table, 901, 3, tmp_path)
    assert len(list(tmp_path.iterdir())) == 6  # another budget, another arrangement


class TestFoundAgain:
    def test_each_table_has_its_own(self, tmp_path: Path) -> None:
        BatchPlan(realistic(50), 900, 3, tmp_path)
        plan = BatchPlan(realistic(90), 900, 3, tmp_path)
        assert sorted(row for batch in epoch_of(plan, 0) for row in batch) == list(range(90))

    @pytest.mark.parametrize("part", ["order", "groups", "batches"])
    @pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
    def test_damaged_files_are_made_anew(self, tmp_path: Path, part: str, share: float) -> None:
        table = realistic(500)
        whole = epoch_of(BatchPlan(table, 300, 3, tmp_path), 0)
        (path,) = tmp_path.glob(f"*-{part}.npy")
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        assert epoch_of(BatchPlan(table, 300, 3, tmp_path), 0) == whole
        np.save(path, np.arange(7))
        assert epoch_of(BatchPlan(table, 300, 3, tmp_path), 0) == whole
        assert len(list(tmp_path.iterdir())) == 3

    def test_a_full_disk_is_told_before_the_file_is_mapped(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
        with pytest.raises(DataError, match=r"could not be written.*No space left"):
            BatchPlan(realistic(50), 900, 3, tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="nowhere: the order of the rows could not be written"):
            BatchPlan(realistic(50), 900, 3, tmp_path / "nowhere")

    def test_the_space_of_the_file_is_taken(self, tmp_path: Path) -> None:
        ordering_module._space(tmp_path / "order.npy", 1 << 20)
        assert (tmp_path / "order.npy").stat().st_blocks * 512 >= 4 << 20

    def test_systems_that_cannot_reserve(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        table = realistic(500)
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
        monkeypatch.setattr(ordering_module, "CHUNK", 64)
        assert epoch_of(BatchPlan(table, 300, 3, tmp_path), 0) == epoch_of(BatchPlan(table, 300, 3), 0)


def test_it_never_changes(tmp_path: Path) -> None:
    # A run resumed by a later version must read the same batches.
    rows = np.arange(400)
    table = np.stack([3 + rows * 7919 % 37, 3 + rows * 104729 % 41], 1)
    for plan in (BatchPlan(table, 256, 9), BatchPlan(table, 256, 9, tmp_path)):
        read = [plan.plan(epoch, step).tolist() for epoch in (0, 5) for step in range(plan.steps_per_epoch)]
        assert sha256(repr(read).encode()).hexdigest()[:16] == "6017693b2e33bfb8"


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    table = realistic(1000)
    whole = epoch_of(BatchPlan(table, 500, 3), 0)
    monkeypatch.setattr(ordering_module, "CHUNK", 64)
    assert epoch_of(BatchPlan(table, 500, 3), 0) == whole


def test_a_step_holds_nothing_of_the_corpus(tmp_path: Path) -> None:
    table = realistic(300_000)
    BatchPlan(table, 4096, 0, tmp_path)
    tracemalloc.start()
    plan = BatchPlan(table, 4096, 0, tmp_path)
    for step in range(5):
        plan.plan(7, step)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000  # the order alone has 1.2 MB


def test_one_sided_lengths() -> None:
    plan = BatchPlan(np.array([4, 2, 9, 2]), tokens=12, seed=0, specials=2)
    assert sorted(row for batch in epoch_of(plan, 0) for row in batch) == [0, 1, 2, 3]


@pytest.mark.parametrize("plan", [BatchPlan(np.array([3, 3]), 8, 0), BlockPlan(2, 1, 0)])
def test_out_of_range(plan: BatchPlan | BlockPlan) -> None:
    for step, rank, world in ((-1, 0, 1), (plan.steps_per_epoch, 0, 1), (0, 1, 1), (0, -1, 2)):
        with pytest.raises(ValueError, match=r"step|rank"):
            plan.plan(0, step, rank, world)


def test_no_rows() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        BatchPlan(np.zeros((0, 2), int), 100, 0)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 300), rows=st.integers(1, 40), world=st.integers(1, 5), epoch=st.integers(0, 1000)
)
def test_blocks_once_an_epoch_at_any_world_size(count: int, rows: int, world: int, epoch: int) -> None:
    plan = BlockPlan(count, rows, seed=3)
    seen = []
    for step in range(plan.steps_per_epoch):
        whole = plan.plan(epoch, step)
        seen += whole.tolist()
        for rank in range(world):
            assert plan.plan(epoch, step, rank, world).tolist() == whole[rank::world].tolist()
    assert sorted(seen) == list(range(count))


class TestPermutation:
    @settings(max_examples=60, deadline=None)
    @given(size=st.integers(1, 3000), key=st.integers(0, 2**64 - 1))
    def test_each_number_once(self, size: int, key: int) -> None:
        assert sorted(permute(np.arange(size), size, key).tolist()) == list(range(size))

    def test_large_ranges_need_no_memory(self) -> None:
        size = 10**15
        sent = permute(np.arange(100), size, 3)
        assert len(set(sent.tolist())) == 100
        assert sent.max() < size
        assert sent.max() > size // 2

    def test_sizes_and_keys_may_differ(self) -> None:
        index, size, key = np.array([0, 1, 4]), np.array([1, 2, 9]), np.array([7, 8, 9], np.uint64)
        alone = [int(permute(*one)) for one in zip(index, size, key, strict=True)]
        assert permute(index, size, key).tolist() == alone

    def test_all_orders_are_as_likely(self) -> None:
        counts: dict[tuple[int, ...], int] = {}
        for key in range(2400):
            order = tuple(permute(np.arange(4), 4, mix(9, key)).tolist())
            counts[order] = counts.get(order, 0) + 1
        assert len(counts) == 24
        chi_square = sum((count - 100) ** 2 / 100 for count in counts.values())
        assert chi_square < 49.7  # 23 degrees of freedom, p = 0.001

    def test_it_never_changes(self) -> None:
        # A run resumed by a later version must read the same batches.
        assert permute(np.arange(8), 8, 1).tolist() == [4, 0, 1, 6, 5, 2, 3, 7]
        assert mix(1, 2, 3) == 5246500226706903259

    def test_outside(self) -> None:
        with pytest.raises(ValueError, match="outside"):
            permute(5, 5, 0)
