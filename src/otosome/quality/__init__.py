"""A batch of vesicles: made, measured, released or refused, and what of it is given."""

from otosome.quality.batch import Batch, protein_given, vesicles_given
from otosome.quality.lot import Lot, drawn_sizes, measured_lot, recognises
from otosome.quality.sizes import classes, lognormal_classes

__all__ = [
    "Batch", "Lot", "classes", "drawn_sizes", "lognormal_classes", "measured_lot", "protein_given", "recognises",
    "vesicles_given",
]  # fmt: skip
