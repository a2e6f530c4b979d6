"""Foreign weights in Regard's models: one file for each architecture."""
