"""Picture files: what comes back, what is refused, and in which words."""

import io
import os
import re
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_files import noise, png, save, save_stack
from PIL import Image

from regard.data.errors import DataError
from regard.data.images import as_channels, from_float, read_indices, read_picture, to_float, write_picture
from regard.data.images.pixels import resized, resized_mask
from regard.data.images.reading import count_pages
from regard.data.images.stacks import Stack


class TestReading:
    @pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_pixels_come_back(self, tmp_path: Path, suffix: str, channels: int) -> None:
        pixels = noise(5, 7, channels)
        options = {"lossless": True} if suffix == "webp" else {}
        path = save(tmp_path / f"a.{suffix}", pixels[..., 0] if channels == 1 else pixels, **options)
        read = read_picture(path)
        # WebP knows no grey.
        assert np.array_equal(as_channels(read, "grey" if channels == 1 else "rgb"), pixels)

    @pytest.mark.parametrize("suffix", ["png", "tif"])
    def test_16_bits_come_back(self, tmp_path: Path, suffix: str) -> None:
        pixels = noise(5, 7, dtype=np.uint16)
        read = read_picture(save(tmp_path / f"a.{suffix}", pixels))
        assert read.dtype == np.uint16
        assert np.array_equal(read[..., 0], pixels)

    def test_fractions_come_back(self, tmp_path: Path) -> None:
        pixels = noise(5, 7, dtype=np.float32)
        assert np.array_equal(read_picture(save(tmp_path / "a.tif", pixels))[..., 0], pixels)

    def test_jpeg_is_near(self, tmp_path: Path) -> None:
        smooth = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
        read = read_picture(save(tmp_path / "a.jpg", smooth, quality=95))
        assert np.abs(read[..., 0].astype(int) - smooth).max() < 6

    def test_alpha_palette_and_one_bit(self, tmp_path: Path) -> None:
        assert read_picture(save(tmp_path / "a.png", noise(3, 4, 4))).shape == (3, 4, 4)
        assert read_picture(save(tmp_path / "b.png", noise(3, 4, 2))).shape == (3, 4, 2)
        image = Image.new("P", (4, 3))
        image.putpalette([10, 20, 30, 40, 50, 60])
        image.putpixel((1, 2), 1)
        image.save(tmp_path / "p.png")
        assert read_picture(tmp_path / "p.png")[2, 1].tolist() == [40, 50, 60]
        image.save(tmp_path / "t.png", transparency=1)
        assert read_picture(tmp_path / "t.png")[2, 1].tolist() == [40, 50, 60, 0]
        for mode, colour in (("L", 0), ("1", 0), ("RGB", (1, 2, 3))):
            Image.new(mode, (4, 3), colour).save(tmp_path / "c.png", transparency=colour)
            assert read_picture(tmp_path / "c.png")[2, 1, -1] == 0
            if mode != "RGB":  # of a mask, what shows through is a number like others
                assert read_indices(tmp_path / "c.png").max() == 0
        (tmp_path / "4.png").write_bytes(png(4, 1, bits=4, data=b"\0\x02\xf0", transparent=15))
        assert read_picture(tmp_path / "4.png")[0].tolist() == [[0, 255], [34, 255], [255, 0], [0, 255]]
        Image.new("1", (4, 3), 1).save(tmp_path / "one.png")
        assert read_picture(tmp_path / "one.png").max() == 255

    @pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
    def test_exif_orientation(self, tmp_path: Path, orientation: int, turns: int) -> None:
        pixels = noise(5, 7, 3)
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = save(tmp_path / "a.png", pixels, exif=exif)
        assert np.array_equal(read_picture(path), np.rot90(pixels, turns))

    @pytest.mark.parametrize("mode", ["L", "P", "I;16"])
    def test_plain_pixels_that_are_turned(self, tmp_path: Path, mode: str) -> None:
        pixels = noise(4, 6) % 16
        image = Image.fromarray(pixels.astype(np.uint16) if mode == "I;16" else pixels)
        if mode == "P":
            image.putpalette([level for level in range(256) for _ in range(3)])
        exif = Image.Exif()
        exif[0x0112] = 6
        image.save(tmp_path / "a.tif", exif=exif)
        turned = np.rot90(pixels, 3)
        assert np.array_equal(read_picture(tmp_path / "a.tif")[..., 0], turned)
        assert np.array_equal(read_indices(tmp_path / "a.tif"), turned)

    def test_stacks(self, tmp_path: Path) -> None:
        pages = [noise(5, 7, seed=seed, dtype=np.uint16) for seed in range(3)]
        path = save_stack(tmp_path / "a.tif", pages)
        assert count_pages(path) == 3
        for number, page in enumerate(pages):
            assert np.array_equal(read_picture(path, page=number)[..., 0], page)
        with pytest.raises(DataError, match="stack of 3 pages"):
            read_picture(path)
        with pytest.raises(DataError, match="has no page 3"):
            read_picture(path, page=3)

    def test_a_stack_may_stay_open(self, tmp_path: Path) -> None:
        pages = [noise(5, 7, seed=seed, dtype=np.uint16) for seed in range(40)]
        stack = Stack(save_stack(tmp_path / "a.tif", pages))
        order = np.random.default_rng(0).permutation(np.tile(np.arange(40), 4)).tolist()
        with ThreadPoolExecutor(4) as threads:
            for page, read in zip(
                order, threads.map(lambda page: read_picture(stack, page=page), order), strict=True
            ):
                assert np.array_equal(read[..., 0], pages[page])
        with pytest.raises(DataError, match=r"a\.tif: has no page 40"):
            read_picture(stack, page=40)
        stack.close()

    def test_a_page_that_cannot_be_read_is_refused_again_and_again(self, tmp_path: Path) -> None:
        pages = [Image.fromarray(noise(64, 64, seed=seed)) for seed in range(3)]
        path = tmp_path / "a.tif"
        pages[0].save(path, save_all=True, append_images=pages[1:], compression="tiff_lzw")
        content = bytearray(path.read_bytes())
        with Image.open(path) as image:
            image.seek(1)
            begin = image.tag_v2[273][0]  # type: ignore[attr-defined]  # where its pixels are
        content[begin + 40 : begin + 1000] = bytes(960)
        path.write_bytes(content)
        stack = Stack(path)
        for _ in range(3):
            with pytest.raises(DataError, match=r"a\.tif, page 1: damaged"):
                read_picture(stack, page=1)
            assert np.array_equal(read_picture(stack, page=2)[..., 0], noise(64, 64, seed=2))
        stack.close()

    @pytest.mark.parametrize(
        ("pixels", "options", "message"),
        [
            (
                noise(3, 5, 7, dtype=np.uint16),
                {"photometric": "rgb", "planarconfig": "separate"},
                "16 bits a channel",
            ),
            (noise(5, 7, 3, dtype=np.uint16), {"photometric": "rgb"}, "16 bits a channel|no picture"),
            (noise(5, 7).astype(np.int8), {"photometric": "minisblack"}, "below zero at 8 bits"),
            (noise(5, 7, dtype=np.uint16), {"photometric": "miniswhite"}, "0 is white there"),
        ],
        ids=["planes", "colours", "signed", "white"],
    )
    def test_no_number_is_read_as_another(
        self, tmp_path: Path, pixels: np.ndarray, options: dict[str, str], message: str
    ) -> None:
        tifffile = pytest.importorskip("tifffile")
        tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
        with pytest.raises(DataError, match=message):
            read_picture(tmp_path / "a.tif")


# Pillow tells of some damage by warnings before it fails, or does not.
@pytest.mark.filterwarnings("ignore")
class TestBadFiles:
    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("empty.png", b"", "is empty"),
            ("text.png", b"this is no picture", "no picture, or damaged"),
            ("huge.png", png(100_000, 100_000), "more than 134,217,728 pixels"),
            ("large.png", png(12_000, 12_000), "more than 134,217,728 pixels"),
            ("zero.png", png(0, 5), "no picture, or damaged"),
            ("deep.png", png(2, 2, bits=16, colour=2, data=bytes(26)), "16 bits a channel"),
            ("drawing.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture"),
        ],
        ids=lambda value: value if isinstance(value, str) and value.endswith(".png") else "",
    )
    def test_are_refused_by_name(self, tmp_path: Path, name: str, content: bytes, message: str) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError, match=f"{re.escape(str(path))}.*{message}"):
            read_picture(path)

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="there is no such file"):
            read_picture(tmp_path / "none.png")
        with pytest.raises(DataError, match="is a folder"):
            read_picture(tmp_path)
        with pytest.raises(DataError, match="is a device or a pipe"):
            read_picture(Path(os.devnull))

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ([np.nan, 0.5], "infinite or not a number"),
            ([np.inf, 0.5], "infinite or not a number"),
            ([0.0, 4095.0], r"fractions from 0 to 4095; they must lie in 0 … 1"),
            ([-0.5, 0.5], "fractions from -0.5"),
        ],
    )
    def test_fractions_that_are_no_brightness(
        self, tmp_path: Path, values: list[float], message: str
    ) -> None:
        path = save(tmp_path / "a.tif", np.array([values], np.float32))
        with pytest.raises(DataError, match=message):
            read_picture(path)

    def test_whole_numbers_out_of_range(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.tif", np.array([[70_000, 1]], np.int32))
        with pytest.raises(DataError, match="values from 1 to 70000"):
            read_picture(path)

    @pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp"])
    @settings(max_examples=20, deadline=None)
    @given(share=st.floats(0, 0.9))
    def test_cut_off_anywhere(self, suffix: str, share: float) -> None:
        kind = {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper())
        whole = io.BytesIO()
        Image.fromarray(noise(40, 50, 3)).save(whole, kind)
        cut = io.BytesIO(whole.getvalue()[: int(share * len(whole.getvalue()))])
        with pytest.raises(DataError, match=r"a\.file"):
            read_picture(cut, "a.file")

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
    @settings(max_examples=40, deadline=None)
    @given(place=st.floats(0, 0.999), value=st.integers(0, 255))
    def test_any_byte_may_be_wrong(self, kind: str, place: float, value: int) -> None:
        whole = io.BytesIO()
        Image.fromarray(noise(9, 11, 3)).save(whole, kind)
        damaged = bytearray(whole.getvalue())
        damaged[int(place * len(damaged))] = value
        try:
            read = read_picture(io.BytesIO(bytes(damaged)), "a.file", most_pixels=100_000)
        except DataError:
            return
        assert read.dtype in (np.uint8, np.uint16, np.float32)
        assert read.ndim == 3


class TestMasks:
    def test_grey_and_palette_give_numbers(self, tmp_path: Path) -> None:
        numbers = noise(5, 7) % 4
        assert np.array_equal(read_indices(save(tmp_path / "a.png", numbers)), numbers)
        image = Image.fromarray(numbers, "L")
        image = Image.frombytes("P", image.size, image.tobytes())
        image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
        image.save(tmp_path / "p.png")
        assert np.array_equal(read_indices(tmp_path / "p.png"), numbers)

    def test_three_equal_channels_are_grey(self, tmp_path: Path) -> None:
        grey = noise(5, 7)
        path = save(tmp_path / "a.png", np.dstack([grey] * 3))
        assert np.array_equal(read_indices(path), grey)

    def test_colours_and_fractions_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="a mask in colours"):
            read_indices(save(tmp_path / "a.png", noise(5, 7, 3)))
        with pytest.raises(DataError, match="a mask with fractions"):
            read_indices(save(tmp_path / "a.tif", noise(5, 7, dtype=np.float32)))
        with pytest.raises(DataError, match="outside 0 … 65535"):
            read_indices(save(tmp_path / "b.tif", np.array([[-1, 2]], np.int32)))
        with pytest.raises(DataError, match=r"b2?\.tif"):
            read_indices(save(tmp_path / "b2.tif", np.array([[np.nan, 2]], np.float32)))

    def test_jpeg_is_refused_where_it_has_changed_the_numbers(self, tmp_path: Path) -> None:
        disc = np.zeros((40, 40), np.uint8)
        disc[9:30, 11:27] = 255
        with pytest.raises(DataError, match=r"a\.jpg: a mask saved as JPEG.*save masks as PNG"):
            read_indices(save(tmp_path / "a.jpg", disc))
        # All of one number, it is as it was.
        assert not read_indices(save(tmp_path / "b.jpg", np.zeros((40, 40), np.uint8))).any()


class TestPixels:
    def test_grey_is_luma(self) -> None:
        pixels = noise(20, 30, 3)
        pillow = np.asarray(Image.fromarray(pixels).convert("L"))
        assert np.array_equal(as_channels(pixels, "grey")[..., 0], pillow)

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
    def test_grey_stays_grey(self, dtype: type) -> None:
        grey = noise(9, 9, 1, dtype=dtype)
        there = as_channels(grey, "rgb")
        assert there.dtype == dtype
        np.testing.assert_allclose(as_channels(there, "grey"), grey, rtol=1e-6)

    def test_what_is_transparent_is_white(self) -> None:
        pixels = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 200, 51]]], np.uint8)
        assert as_channels(pixels, "rgb")[0].tolist() == [[10, 20, 30], [255] * 3, [204, 224, 244]]
        with pytest.raises(ValueError, match="1 to 4"):
            as_channels(np.zeros((2, 2, 5), np.uint8), "grey")

    @given(st.integers(0, 65535), st.sampled_from([np.uint8, np.uint16]))
    def test_depth_comes_back(self, value: int, dtype: type) -> None:
        pixel = np.array([value % (np.iinfo(dtype).max + 1)], dtype)
        assert np.array_equal(from_float(to_float(pixel), dtype), pixel)
        assert 0 <= to_float(pixel)[0] <= 1

    def test_a_large_picture_takes_no_more_than_itself(self) -> None:
        values = noise(1500, 500, 3, dtype=np.float32)
        tracemalloc.start()
        pixels = from_float(values, np.uint16)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < values.nbytes + pixels.nbytes
        rounded = np.floor(values.astype(np.float64) * 65535 + 0.5)
        assert np.array_equal(pixels, rounded)

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
    def test_resizing(self, dtype: type) -> None:
        small = resized(noise(40, 40, 3, dtype=dtype), (10, 20))
        assert small.shape == (10, 20, 3)
        assert small.dtype == dtype
        flat = np.full((9, 9, 1), 1 if dtype == np.float32 else 200, dtype)
        np.testing.assert_allclose(resized(flat, (5, 17)), flat[0, 0, 0], rtol=1e-4)

    @given(st.integers(1, 30), st.integers(1, 30))
    def test_masks_get_no_new_numbers(self, rows: int, columns: int) -> None:
        mask = (noise(11, 13) % 3 * 100).astype(np.uint16)
        made = resized_mask(mask, (rows, columns))
        assert made.shape == (rows, columns)
        assert set(np.unique(made)) <= {0, 100, 200}
        assert np.array_equal(resized_mask(np.kron(mask, np.ones((3, 3), np.uint16)), mask.shape), mask)


class TestWriting:
    @pytest.mark.parametrize(
        ("suffix", "dtype", "channels"),
        [("png", np.uint8, 1), ("png", np.uint8, 4), ("png", np.uint16, 1), ("tif", np.float32, 1)],
    )
    def test_depth_is_kept(self, tmp_path: Path, suffix: str, dtype: type, channels: int) -> None:
        pixels = noise(6, 5, channels, dtype=dtype)
        path = tmp_path / "new" / f"a.{suffix}"
        write_picture(path, pixels)
        assert np.array_equal(read_picture(path), pixels)
        assert [file.name for file in path.parent.iterdir()] == [path.name]

    def test_a_name_may_be_as_long_as_names_can_be(self, tmp_path: Path) -> None:
        path = tmp_path / f"{'a' * 251}.png"
        write_picture(path, noise(4, 4))
        assert [file.name for file in tmp_path.iterdir()] == [path.name]

    def test_nothing_is_overwritten_unasked(self, tmp_path: Path) -> None:
        first, second = noise(4, 4), noise(4, 4, seed=1)
        path = save(tmp_path / "a.png", first)
        with pytest.raises(DataError, match="is there already"):
            write_picture(path, second)
        assert np.array_equal(read_picture(path)[..., 0], first)
        write_picture(path, second, overwrite=True)
        assert np.array_equal(read_picture(path)[..., 0], second)

    @pytest.mark.parametrize(
        ("name", "shape", "dtype", "message"),
        [
            ("a.jpg", (4, 4), np.uint16, "cannot hold uint16"),
            ("a.png", (4, 4, 3), np.uint16, "only grey is written at more than 8 bits"),
            ("a.jpg", (4, 4, 4), np.uint8, "transparent"),
            ("a.exe", (4, 4), np.uint8, "not .exe"),
        ],
    )
    def test_what_a_file_cannot_hold(
        self, tmp_path: Path, name: str, shape: tuple[int, ...], dtype: type, message: str
    ) -> None:
        with pytest.raises(DataError, match=message):
            write_picture(tmp_path / name, noise(*shape, dtype=dtype))
        assert not list(tmp_path.iterdir())

    def test_a_folder_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(DataError, match="cannot be written"):
            write_picture(tmp_path / "file" / "a.png", noise(4, 4))
