"""Editing: what a model does when some of its heads are scaled, switched off, or made blind."""

from regard.lens.editing.door import Edits, NothingEditedError, edit, heads_of

__all__ = ["Edits", "NothingEditedError", "edit", "heads_of"]
