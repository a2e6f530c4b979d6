"""Models of Hugging Face: read from their folders to be looked at, as they are."""

from regard.tasks.foreign.folder import ForeignFolderError
from regard.tasks.foreign.loading import load_foreign
from regard.tasks.foreign.model import ForeignModel
from regard.tasks.foreign.pictures import ForeignPictureModel, PictureLook
from regard.tasks.foreign.texts import ForeignTextModel, TextLook

__all__ = [
    "ForeignFolderError",
    "ForeignModel",
    "ForeignPictureModel",
    "ForeignTextModel",
    "PictureLook",
    "TextLook",
    "load_foreign",
]
