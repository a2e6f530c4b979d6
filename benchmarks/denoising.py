"""A trained denoiser against classical ones on the same noisy pictures: PSNR, SSIM, seconds.

python -m benchmarks.denoising MODEL [--data dsb2018] [--pictures 40] [--sigmas 15 25 50]

Every denoiser but the model is told the noise's strength. Of non-local means and total variation the strength
that is best on pictures of the validation split is taken, for each noise.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

import regard
from benchmarks import machine
from regard.data.images import PictureStore, build_store, pictures_of
from regard.tasks.images.denoiser import Denoiser
from regard.tasks.images.denoising import denoising_figures
from regard.tasks.images.noise import NoiseConfig
from regard.tasks.images.windows import in_windows

Denoise = Callable[[Tensor], Tensor]
# Denoisers that have one, by how strongly they smooth: a multiple of the noise's standard deviation.
STRENGTHS = (0.4, 0.6, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0)
TUNED_ON = 12  # pictures


def _of_arrays(denoise: Callable[[np.ndarray], np.ndarray]) -> Denoise:
    """From a function of [height, width, channels] to one of tensors [channels, height, width]."""

    def run(image: Tensor) -> Tensor:
        noisy = image.permute(1, 2, 0).numpy().astype(np.float64)
        result = np.ascontiguousarray(denoise(noisy)).reshape(noisy.shape)  # some drop an axis of one channel
        return torch.from_numpy(result).permute(2, 0, 1).float()

    return run


def non_local_means(sigma: float, strength: float) -> Denoise:
    from skimage.restoration import denoise_nl_means

    return _of_arrays(
        lambda image: denoise_nl_means(
            image, 5, 6, h=strength * sigma, sigma=sigma, fast_mode=True, channel_axis=-1
        )
    )


def total_variation(sigma: float, strength: float) -> Denoise:
    from skimage.restoration import denoise_tv_chambolle

    return _of_arrays(lambda image: denoise_tv_chambolle(image, strength * sigma, channel_axis=-1))


def wavelets(sigma: float) -> Denoise:
    from skimage.restoration import denoise_wavelet

    return _of_arrays(
        lambda image: denoise_wavelet(image, sigma, channel_axis=-1, rescale_sigma=True, method="BayesShrink")
    )


def block_matching(sigma: float) -> Denoise:
    from bm3d import bm3d

    return _of_arrays(lambda image: bm3d(image, sigma))


def _figures(denoise: Denoise, store: PictureStore, model: Denoiser, sigma: float) -> tuple[float, ...]:
    """PSNR, SSIM, and seconds a picture."""
    noise = NoiseConfig(sigma=sigma)
    began = time.perf_counter()
    found = denoising_figures(denoise, store, model.recipe, torch.device("cpu"), noise)
    return found["psnr"], found["ssim"], (time.perf_counter() - began) / len(store)


def _best(
    make: Callable[[float, float], Denoise], store: PictureStore, model: Denoiser, sigma: float
) -> Denoise:
    return max(
        (make(sigma / 255, strength) for strength in STRENGTHS),
        key=lambda denoise: _figures(denoise, store, model, sigma)[0],
    )


def _contestants(model: Denoiser, store: PictureStore, sigma: float) -> Iterator[tuple[str, Denoise]]:
    yield "noisy", lambda image: image
    yield "total variation", _best(total_variation, store, model, sigma)
    yield "wavelets", wavelets(sigma / 255)
    yield "non-local means", _best(non_local_means, store, model, sigma)
    yield "BM3D", block_matching(sigma / 255)
    yield "Regard", torch.no_grad()(lambda image: in_windows(model.model, image))


def _store(model: Denoiser, name: str, split: str, pictures: int, folder: Path) -> PictureStore:
    """The first pictures of a split, as grey or as coloured as the model reads them."""
    config = model.recipe.data.model_copy(
        update={"name": name, "train": None, "validation": None, "test": None, "size": None}
    )
    found = pictures_of(config, split, "plain")
    return build_store(found.only(found.examples[:pictures]), config, folder / split)


def main() -> None:
    parser = argparse.ArgumentParser(description="A trained denoiser against classical ones.")
    parser.add_argument("model", help="a model folder for denoising")
    parser.add_argument("--data", default="dsb2018")
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--sigmas", type=float, nargs="+", default=[15.0, 25.0, 50.0])
    chosen = parser.parse_args()
    model = regard.load(chosen.model)
    assert isinstance(model, Denoiser), f"{chosen.model} is a model for {model.task}"
    console = Console()
    console.print(machine.describe())
    with tempfile.TemporaryDirectory() as folder:
        test = _store(model, chosen.data, "test", chosen.pictures, Path(folder))
        kept = _store(model, chosen.data, "validation", TUNED_ON, Path(folder))
        for sigma in chosen.sigmas:
            table = Table(title=f"σ = {sigma:g}/255, {len(test)} pictures of {chosen.data}, test split")
            for column in ("denoiser", "PSNR, dB", "SSIM", "s a picture"):
                table.add_column(column, justify="left" if column == "denoiser" else "right")
            for name, denoise in _contestants(model, kept, sigma):
                quality, similarity, seconds = _figures(denoise, test, model, sigma)
                table.add_row(name, f"{quality:.2f}", f"{similarity:.4f}", f"{seconds:.2f}")
            console.print(table)


if __name__ == "__main__":
    main()
