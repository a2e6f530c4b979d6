"""Regard: train, run and look inside attention models."""
