"""Dose to concentration over time and place: one network of fluids and tissues, solved exactly book-kept."""

from otosome.transport.anatomy import Anatomy
from otosome.transport.delivery import Delivery, Dose, Flow, Sample
from otosome.transport.grid import Grid, schedule
from otosome.transport.network import Network
from otosome.transport.solute import Solute
from otosome.transport.solve import Transported, errors, solve

__all__ = [
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
    "schedule",
    "solve",
]
