"""What a recipe may say about pictures. No torch, no reading of files."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Side = Annotated[int, Field(ge=1, le=65_536)]
Size = Side | tuple[Side, Side]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class AugmentConfig(_Strict):
    """How training changes pictures at random, picture and mask alike; nothing unless it is said.

    Attributes:
        crop_padding: move by up to so many pixels either way, over a black border (He et al. 2016, §4.2).
        flip: *horizontal*, or *both* ways.
        rotate90: turn by 0, 90, 180 or 270 degrees.
        rotate: turn by up to so many degrees either way.
        scale: enlarge or shrink by up to this share.
        shift: move by up to this share of each side.
        elastic: standard deviation, in pixels, of random displacements on a coarse grid of points, between
            which all pixels move smoothly (Ronneberger et al. 2015, §3.1: 10).
        elastic_grid: points of that grid along each side (3 in the paper).
        invert: share of pictures whose light and dark change places.
        brightness: add up to so much either way; white is 1.
        contrast: multiply the distance from the mean by 1 ± up to this.
        noise: add Gaussian noise of a standard deviation of up to this; white is 1.
        cutout: side, in pixels, of a square that is blanked (DeVries and Taylor 2017).

    Example:
        >>> AugmentConfig(elastic=10.0).warps
        True
    """

    crop_padding: int = Field(default=0, ge=0)
    flip: Literal["none", "horizontal", "both"] = "none"
    rotate90: bool = False
    rotate: float = Field(default=0.0, ge=0.0, le=180.0)
    scale: float = Field(default=0.0, ge=0.0, lt=1.0)
    shift: float = Field(default=0.0, ge=0.0, lt=1.0)
    elastic: float = Field(default=0.0, ge=0.0)
    elastic_grid: int = Field(default=3, ge=2)
    invert: float = Field(default=0.0, ge=0.0, le=1.0)
    brightness: float = Field(default=0.0, ge=0.0, le=1.0)
    contrast: float = Field(default=0.0, ge=0.0, lt=1.0)
    noise: float = Field(default=0.0, ge=0.0, le=1.0)
    cutout: int = Field(default=0, ge=0)

    @property
    def warps(self) -> bool:
        """Whether pixels move to places between pixels; MONAI does that."""
        return bool(self.rotate or self.scale or self.shift or self.elastic)


class ImageDataConfig(_Strict):
    """Where pictures come from: a named set, or files of one's own.

    Attributes:
        name: a set of the catalogue (`regard data list`).
        train, validation, test: a folder, an archive (.zip, .tar, .tar.gz, …) or a TIFF stack. A folder or an
            archive may hold `train/`, `validation/` (or `val/`) and `test/`; without `train/`, what lies
            beside the others is for training.
        masks: how the mask of a picture is found: the name of a folder beside the pictures' own, or what is
            added to the picture's name (`_mask`). Left out, the usual names of either are tried. Of a stack,
            a stack; for the training stack its path, else what is added to the name.
        mask_values: what the numbers in a mask are: *classes*; or *objects*, each number but 0 one of them,
            and all of one class. Where each object has a mask of its own, that is seen from the files.
        ignore: value of mask pixels that do not count.
        good: for anomaly detection among classes: the one whose pictures are good. Training sees no others.
        hold_out: share of `train` held out for validation where none is given; at least one picture of each
            class.
        hold_out_order: *hash* holds out by a hash of the file's name; *last* the last ones, for films and the
            like, in which neighbours are alike. Left out, it is *last* for a TIFF stack. A named set has its
            own.
        channels: *grey* or *rgb*; what pictures are made into.
        size: rows and columns (or both in one number) that every picture is resized to; left out, none is.
        crop: rows and columns (or both) of what training sees of a picture at a time, anywhere in it.
        crops: how many of those from each picture and epoch.

    Example:
        >>> ImageDataConfig(train=Path("nuclei"), crop=64).window
        (64, 64)
    """

    name: str | None = None
    train: Path | None = None
    validation: Path | None = None
    test: Path | None = None
    masks: str | None = Field(default=None, min_length=1)
    mask_values: Literal["classes", "objects"] = "classes"
    ignore: int | None = Field(default=None, ge=0, le=65_535)
    good: str | None = None
    hold_out: float = Field(default=0.1, gt=0.0, lt=1.0)
    hold_out_order: Literal["hash", "last"] | None = None
    channels: Literal["grey", "rgb"] = "rgb"
    size: Size | None = None
    crop: Size | None = None
    crops: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _one_origin(self) -> "ImageDataConfig":
        if (self.name is None) == (self.train is None):
            raise ValueError(
                "give either name (a named set) or train (a folder, an archive or a stack), not both"
            )
        if self.name is not None and (self.validation or self.test):
            raise ValueError("a named set has its own validation and test; leave out those of data")
        return self

    @property
    def resize(self) -> tuple[int, int] | None:
        """Rows and columns that pictures are resized to."""
        return _pair(self.size)

    @property
    def window(self) -> tuple[int, int] | None:
        """Rows and columns that training sees at a time."""
        return _pair(self.crop)


def _pair(size: Size | None) -> tuple[int, int] | None:
    return (size, size) if isinstance(size, int) else size
