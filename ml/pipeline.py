"""The two functions everything else serves: images to measurements, and everything known to a risk."""

from ml.assessing import assess
from ml.reading import read_series

__all__ = ["assess", "read_series"]
