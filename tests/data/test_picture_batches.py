"""Batches of pictures: reproducible whatever they ride in, and changed alike with their masks."""

import builtins
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_files import noise, save

from regard.data.errors import DataError
from regard.data.images import (
    AugmentConfig,
    ImageDataConfig,
    PicturePlan,
    PictureStore,
    build_store,
    pictures_of,
    plain_batch,
    training_batch,
)
from regard.data.images.augment import Augment
from regard.data.images.chance import chances, generator
from regard.data.images.folders import Layout
from regard.data.images.quick import CHANCES, move
from regard.errors import UserError

QUICK = AugmentConfig(crop_padding=2, flip="both", rotate90=True)
TONES = AugmentConfig(invert=0.5, brightness=0.2, contrast=0.3, noise=0.1, cutout=3)


def stored(root: Path, layout: Layout, sizes: list[tuple[int, int]], channels: int = 3) -> PictureStore:
    for number, size in enumerate(sizes):
        name = f"{'ab'[number % 2]}/{number}" if layout == "classes" else f"images/{number}"
        save(root / f"set/{name}.png", noise(*size, channels, seed=number).squeeze())
        if layout == "masks":
            # The mask can be told from the picture, wherever its pixels go.
            save(root / f"set/masks/{number}.png", noise(*size, channels, seed=number)[..., 0] // 128)
    config = ImageDataConfig(train=root / "set", validation=root / "set")
    return build_store(pictures_of(config, "train", layout), config, root / "store")


@pytest.fixture
def labelled(tmp_path: Path) -> PictureStore:
    return stored(tmp_path, "classes", [(8, 8)] * 10)


@pytest.fixture
def masked(tmp_path: Path) -> PictureStore:
    return stored(tmp_path, "masks", [(12 + number, 20 - number) for number in range(6)])


class TestPlan:
    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 120), st.integers(3, 40), st.integers(0, 9), st.integers(1, 5))
    def test_every_row_once_an_epoch_for_any_world(
        self, rows: int, batch: int, epoch: int, world: int
    ) -> None:
        plan = PicturePlan(rows, batch, seed=3)
        seen = []
        for step in range(plan.steps_per_epoch):
            alone = plan.plan(epoch, step)
            shares = [plan.plan(epoch, step, rank, world) for rank in range(world)]
            assert sorted(np.concatenate(shares).tolist()) == sorted(alone.tolist())
            assert len(alone) <= batch
            seen += alone.tolist()
        assert sorted(seen) == list(range(rows))

    def test_epochs_and_seeds_differ(self) -> None:
        orders = {tuple(PicturePlan(50, 50, seed).plan(epoch, 0)) for seed in range(3) for epoch in range(3)}
        assert len(orders) == 9
        with pytest.raises(ValueError, match="both must be at least 1"):
            PicturePlan(0, 4, 0)
        with pytest.raises(ValueError, match="step 3 of an epoch of 3"):
            PicturePlan(5, 2, 0).plan(0, 3)


class TestChance:
    def test_numbers_are_even_and_independent(self) -> None:
        numbers = chances(5, 2, np.arange(20_000), 4)
        assert 0 <= numbers.min() < 0.001
        assert 0.999 < numbers.max() < 1
        counts = np.histogram(numbers, 20, (0, 1))[0] / numbers.size
        assert abs(counts - 0.05).max() < 0.003
        assert abs(np.corrcoef(numbers.T) - np.eye(4)).max() < 0.03
        assert abs(np.corrcoef(numbers[:-1, 0], numbers[1:, 0])[0, 1]) < 0.03
        other = chances(5, 3, np.arange(20_000), 4)
        assert abs(np.corrcoef(numbers[:, 0], other[:, 0])[0, 1]) < 0.03

    def test_rows_have_sources_of_their_own(self) -> None:
        first = [generator(1, 0, row).random() for row in range(100)]
        assert len(set(first)) == 100
        assert first == [generator(1, 0, row).random() for row in range(100)]


class TestMove:
    @settings(max_examples=60, deadline=None)
    @given(
        st.integers(1, 9),
        st.integers(1, 9),
        st.sampled_from(["none", "horizontal", "both"]),
        st.booleans(),
        st.integers(0, 12),
        st.integers(0, 1000),
    )
    def test_picture_and_mask_go_together(
        self, height: int, width: int, flip: Any, turn: bool, padding: int, seed: int
    ) -> None:
        augment = AugmentConfig(flip=flip, rotate90=turn, crop_padding=padding)
        pixels = np.maximum(noise(6, height, width, 1, seed=seed), 1)
        masks = pixels[..., 0].astype(np.uint16)
        moved, mask = move(pixels.copy(), masks.copy(), augment, chances(seed, 0, np.arange(6), CHANCES))
        assert mask is not None
        assert moved.shape == pixels.shape
        inside = mask != 65535
        assert np.array_equal(moved[..., 0][inside], mask[inside])
        assert (moved[..., 0][~inside] == 0).all()
        if not padding:
            assert inside.all()
            assert np.array_equal(np.sort(moved, axis=None), np.sort(pixels, axis=None))

    def test_every_turn_and_shift_happens_equally_often(self) -> None:
        square = np.tile(np.arange(4, dtype=np.uint8).reshape(1, 2, 2, 1), (4000, 1, 1, 1))
        chance = chances(0, 0, np.arange(4000), CHANCES)
        turned, _ = move(square.copy(), None, AugmentConfig(flip="both", rotate90=True), chance)
        kinds, counts = np.unique(turned.reshape(4000, -1), axis=0, return_counts=True)
        assert len(kinds) == 8
        assert abs(counts - 500).max() < 100
        shifted, _ = move(square.copy() + 1, None, AugmentConfig(crop_padding=1), chance)
        kinds, counts = np.unique(shifted.reshape(4000, -1), axis=0, return_counts=True)
        assert len(kinds) == 9
        assert abs(counts - 444).max() < 100


class TestBatches:
    def test_plain(self, labelled: PictureStore) -> None:
        batch = plain_batch(labelled, np.array([3, 0]))
        assert batch.images.shape == (2, 3, 8, 8)
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        assert np.array_equal(batch.images[0].permute(1, 2, 0) * 255, labelled.picture(3))
        assert batch.targets is not None
        assert batch.targets.tolist() == [labelled.labels[3], labelled.labels[0]]
        assert (len(batch.images), batch.filled, batch.positions) == (2, 128, 128)
        assert batch.to("cpu").images.equal(batch.images)

    @pytest.mark.parametrize("augment", [None, QUICK, TONES, AugmentConfig(flip="both", noise=0.1)])
    def test_a_row_does_not_depend_on_its_batch(
        self, labelled: PictureStore, augment: AugmentConfig | None
    ) -> None:
        rows = np.array([4, 13, 2, 7])
        whole = training_batch(labelled, rows, seed=1, epoch=2, augment=augment)
        for place, row in enumerate(rows):
            alone = training_batch(labelled, np.array([row]), seed=1, epoch=2, augment=augment)
            assert alone.images[0].equal(whole.images[place])
            assert alone.targets is not None
            assert whole.targets is not None
            assert alone.targets[0] == whole.targets[place] == labelled.labels[row % 10]
        other = training_batch(labelled, rows, seed=1, epoch=3, augment=augment)
        assert other.images.equal(whole.images) == (augment is None)
        assert 0 <= float(whole.images.min()) <= float(whole.images.max()) <= 1

    def test_the_store_is_never_changed(self, labelled: PictureStore) -> None:
        before = [labelled.picture(row).tobytes() for row in range(10)]
        training_batch(labelled, np.arange(10), seed=0, epoch=0, augment=QUICK)
        training_batch(labelled, np.arange(10), seed=0, epoch=0, augment=TONES)
        assert [labelled.picture(row).tobytes() for row in range(10)] == before

    @pytest.mark.parametrize("window", [(8, 8), (5, 9), (16, 16), (40, 50)])
    def test_windows(self, masked: PictureStore, window: tuple[int, int]) -> None:
        batch = training_batch(
            masked, np.arange(12), seed=1, epoch=0, augment=AugmentConfig(flip="both"), window=window
        )
        assert batch.images.shape == (12, 3, *window)
        assert batch.targets is not None
        counted = batch.targets != -100
        assert batch.filled == int(counted.sum())
        assert batch.positions == 12 * window[0] * window[1]
        expected = (batch.images[:, 0] * 255).round().long() // 128
        assert torch.equal(batch.targets[counted], expected[counted])
        # A second view of a picture is another one.
        if max(window) < 12:
            assert not batch.images[0].equal(batch.images[6])
            assert bool(counted.all())

    def test_windows_reach_every_place(self, tmp_path: Path) -> None:
        store = stored(tmp_path, "masks", [(4, 4)])
        corners = {
            tuple(
                training_batch(store, np.array([row]), seed=0, epoch=0, window=(3, 3))
                .images[0, :, 0, 0]
                .tolist()
            )
            for row in range(60)
        }
        assert len(corners) == 4

    def test_several_sizes_need_a_window(self, masked: PictureStore) -> None:
        with pytest.raises(DataError, match=r"several sizes; give data\.size"):
            training_batch(masked, np.arange(3), seed=0, epoch=0)
        assert plain_batch(masked, np.array([2])).images.shape == (1, 3, 14, 18)

    def test_several_depths(self, tmp_path: Path) -> None:
        save(tmp_path / "set/0.png", np.full((4, 4), 255, np.uint8))
        save(tmp_path / "set/1.png", np.full((4, 4), 65535, np.uint16))
        config = ImageDataConfig(train=tmp_path / "set", validation=tmp_path / "set", channels="grey")
        store = build_store(pictures_of(config, "train", "plain"), config, tmp_path / "store")
        batch = plain_batch(store, np.arange(2))
        assert (batch.images == 1).all()
        assert batch.targets is None

    def test_instances(self, tmp_path: Path) -> None:
        for one in "ab":
            save(tmp_path / f"set/{one}/images/{one}.png", noise(4, 4))
            for number in range(2):
                blob = np.zeros((4, 4), np.uint8)
                blob[number] = 255
                save(tmp_path / f"set/{one}/masks/{number}x.png", blob)
        config = ImageDataConfig(train=tmp_path / "set", validation=tmp_path / "set")
        store = build_store(pictures_of(config, "train", "masks"), config, tmp_path / "store")
        batch = training_batch(store, np.arange(2), seed=0, epoch=0, window=(6, 4))
        assert batch.targets is not None
        assert batch.instances is not None
        assert batch.instances[0, :, 0].tolist() == [1, 2, 0, 0, -100, -100]
        assert batch.targets[0, :, 0].tolist() == [1, 1, 0, 0, -100, -100]


class TestTones:
    def test_amounts(self) -> None:
        image = torch.full((1, 16, 16), 0.5)
        image[:, ::2] = 0.6
        bright = [
            Augment(AugmentConfig(brightness=0.2), (16, 16))(image, None, generator(0, 0, row))[0]
            for row in range(50)
        ]
        shifts = torch.stack([changed - image for changed in bright]).flatten(1)
        assert float(shifts.std(1).max()) < 1e-6
        assert 0.15 < float(shifts.abs().max()) <= 0.2
        half = Augment(AugmentConfig(invert=0.5), (16, 16))
        inverted = [half(image, None, generator(0, 0, row))[0] for row in range(50)]
        assert all(some.equal(image) or some.equal(1 - image) for some in inverted)
        assert 15 < sum(some.equal(1 - image) for some in inverted) < 35
        plain, _ = Augment(AugmentConfig(), (16, 16))(image, None, generator(0, 0, 0))
        assert plain.equal(image)
        blank, _ = Augment(AugmentConfig(cutout=6), (16, 16))(image, None, generator(0, 0, 1))
        assert 0 < int((blank == 0).sum()) <= 36

    def test_nothing_of_monai_without_warping(self, monkeypatch: pytest.MonkeyPatch) -> None:
        known = builtins.__import__

        def importing(name: str, *rest: Any, **others: Any) -> Any:
            assert not name.startswith("monai")
            return known(name, *rest, **others)

        monkeypatch.setattr(builtins, "__import__", importing)
        Augment(TONES, (8, 8))(torch.rand(3, 8, 8), None, generator(0, 0, 0))

    def test_a_missing_monai_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "monai.transforms", None)
        monkeypatch.setitem(sys.modules, "monai", None)
        with pytest.raises(UserError, match=r'pip install "regard\[images\]"'):
            Augment(AugmentConfig(elastic=3.0), (8, 8))


class TestWarps:
    @pytest.fixture(autouse=True)
    def monai(self) -> None:
        pytest.importorskip("monai.transforms")

    @pytest.mark.parametrize(
        "augment",
        [
            AugmentConfig(elastic=2.0),
            AugmentConfig(rotate=30.0, scale=0.2, shift=0.1),
            AugmentConfig(elastic=2.0, rotate=180.0, noise=0.05, flip="both"),
        ],
    )
    def test_picture_and_mask_go_together(self, tmp_path: Path, augment: AugmentConfig) -> None:
        rows, columns = np.mgrid[:48, :64]
        disc = ((rows - 20) ** 2 + (columns - 30) ** 2 < 150).astype(np.uint8)
        save(tmp_path / "set/images/0.png", disc * 255)
        save(tmp_path / "set/masks/0.png", disc * 255)
        config = ImageDataConfig(train=tmp_path / "set", validation=tmp_path / "set", channels="grey")
        store = build_store(pictures_of(config, "train", "masks"), config, tmp_path / "store")
        batch = training_batch(store, np.arange(4), seed=1, epoch=0, augment=augment)
        assert batch.targets is not None
        assert set(batch.targets.unique().tolist()) == {0, 1}
        agree = (batch.images[:, 0] > 0.5) == (batch.targets == 1)
        assert float(agree.float().mean()) > 0.98
        assert float((batch.targets != torch.from_numpy(disc.astype(np.int64))).float().mean()) > 0.005
        assert not batch.images[0].equal(batch.images[1])
        alone = training_batch(store, np.array([2]), seed=1, epoch=0, augment=augment)
        assert alone.images[0].equal(batch.images[2])

    def test_displacements_have_the_size_that_is_asked_for(self) -> None:
        ramp = torch.linspace(0.2, 0.8, 101).repeat(1, 101, 1)
        augment = Augment(AugmentConfig(elastic=4.0), (101, 101))
        moved = [(augment(ramp, None, generator(0, 0, row))[0] - ramp) / 0.006 for row in range(60)]
        inner = torch.stack(moved)[..., 40:60, 40:60]
        assert 2 < float(inner.std()) < 6
        # Smooth: neighbours move alike.
        assert float(inner.diff(dim=-1).abs().mean()) < 0.5
