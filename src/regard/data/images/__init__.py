"""Pictures: read, checked, stored, augmented and put into batches.

Names are looked up on first use, so that importing a part that needs no torch does not load it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regard.data.images.batches import ImageBatch as ImageBatch
    from regard.data.images.batches import image_tensor as image_tensor
    from regard.data.images.batches import plain_batch as plain_batch
    from regard.data.images.batches import training_batch as training_batch
    from regard.data.images.build import build_store as build_store
    from regard.data.images.check import Report as Report
    from regard.data.images.check import check_data as check_data
    from regard.data.images.check import check_pictures as check_pictures
    from regard.data.images.check import layout_of as layout_of
    from regard.data.images.config import AugmentConfig as AugmentConfig
    from regard.data.images.config import ImageDataConfig as ImageDataConfig
    from regard.data.images.named_sets import split_of_set as split_of_set
    from regard.data.images.pixels import as_channels as as_channels
    from regard.data.images.pixels import from_float as from_float
    from regard.data.images.pixels import to_float as to_float
    from regard.data.images.plan import PicturePlan as PicturePlan
    from regard.data.images.reading import read_indices as read_indices
    from regard.data.images.reading import read_picture as read_picture
    from regard.data.images.splits import Pictures as Pictures
    from regard.data.images.splits import has_test as has_test
    from regard.data.images.splits import pictures_of as pictures_of
    from regard.data.images.store import PictureStore as PictureStore
    from regard.data.images.writing import write_picture as write_picture

_HOME = {
    "AugmentConfig": "config",
    "ImageBatch": "batches",
    "ImageDataConfig": "config",
    "PicturePlan": "plan",
    "PictureStore": "store",
    "Pictures": "splits",
    "Report": "check",
    "as_channels": "pixels",
    "build_store": "build",
    "check_data": "check",
    "check_pictures": "check",
    "from_float": "pixels",
    "has_test": "splits",
    "image_tensor": "batches",
    "layout_of": "check",
    "pictures_of": "splits",
    "plain_batch": "batches",
    "read_indices": "reading",
    "read_picture": "reading",
    "split_of_set": "named_sets",
    "to_float": "pixels",
    "training_batch": "batches",
    "write_picture": "writing",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"regard.data.images.{_HOME[name]}"), name)
    raise AttributeError(f"module 'regard.data.images' has no attribute {name!r}")
