"""Dose to concentration over time and place: one network of fluids and tissues, solved exactly book-kept."""

from otosome.model.transport.anatomy import Anatomy
from otosome.model.transport.delivery import (
    Delivery,
    Dose,
    Flow,
    Sample,
)
from otosome.model.transport.grid import Grid, schedule
from otosome.model.transport.network import LUMPED, Network
from otosome.model.transport.solute import Solute, paired
from otosome.model.transport.solve import Transported, errors, solve

__all__ = [
    "LUMPED",
    "Anatomy",
    "Delivery",
    "Dose",
    "Flow",
    "Grid",
    "Network",
    "Sample",
    "Solute",
    "Transported",
    "errors",
    "paired",
    "schedule",
    "solve",
]
