"""Tasks whose data is text."""
