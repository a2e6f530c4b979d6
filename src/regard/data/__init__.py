"""What training reads: named sets, text (`regard.data.text`), and the plan of batches."""

from regard.data.errors import DataError
from regard.data.plan import BatchPlan

__all__ = ["BatchPlan", "DataError"]
