"""What heads do, in figures: how even, how far, how sure they look; whom they resemble; their roles."""

from regard.lens.measures.grid import HeadGrid
from regard.lens.measures.heads import confidence, entropy, mean_distance, relative_entropy
from regard.lens.measures.picture import heads_table_picture
from regard.lens.measures.redundancy import clusters, divergence
from regard.lens.measures.roles import BAR, MARGIN, role_masks
from regard.lens.measures.rows import Rows
from regard.lens.measures.table import HeadFigures, HeadMeasures, HeadTable

__all__ = [
    "BAR",
    "MARGIN",
    "HeadFigures",
    "HeadGrid",
    "HeadMeasures",
    "HeadTable",
    "Rows",
    "clusters",
    "confidence",
    "divergence",
    "entropy",
    "heads_table_picture",
    "mean_distance",
    "relative_entropy",
    "role_masks",
]
