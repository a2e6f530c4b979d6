"""Whole networks, built from a config: `regard.models.text`, and the layer that they are made of."""
