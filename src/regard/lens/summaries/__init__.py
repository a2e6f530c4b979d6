"""Figures of attention over long texts, with names on their axes, and how they are shown."""

from regard.lens.summaries.picture import summaries_picture
from regard.lens.summaries.summary import AttentionSummary
from regard.lens.summaries.terminal import SummaryTable

__all__ = ["AttentionSummary", "SummaryTable", "summaries_picture"]
