"""Attention maps as one self-contained HTML file, which opens anywhere and asks the network for nothing."""

from regard.lens.html.document import Page, page, write
from regard.lens.html.record import PageError, Record
from regard.lens.html.summary import SummaryRecord

__all__ = ["Page", "PageError", "Record", "SummaryRecord", "page", "write"]
