"""Tasks whose data is images."""
