"""Editing: what a model does when some of its heads are scaled, switched off, or made blind."""

from regard.lens.editing.door import Edits, NothingEditedError, edit, heads_of
from regard.lens.editing.heads import NoSuchHeadError

__all__ = ["Edits", "NoSuchHeadError", "NothingEditedError", "edit", "heads_of"]
