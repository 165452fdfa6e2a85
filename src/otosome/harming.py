"""What a route or a device may do to a person, from counts of events or from a ratio against what happens anyway."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.evidence import BadInput
from otosome.units import Array, Fraction, Plain


@dataclass(frozen=True)
class Harm:
    """One kind of event: its ``risk`` each time, or once a ``ratio`` against a ``background`` that is there anyway.

    ``of``      routes and devices that bring it
    ``weight``  what one event costs, in units of ten points of words
    ``counted`` where the risk is from counts: events and people, in words
    """

    of: tuple[str, ...]
    weight: Plain
    risk: Fraction | None = None
    ratio: Plain | None = None
    background: Fraction | None = None
    counted: str = ""

    def __post_init__(self) -> None:
        if (self.risk is None) == (self.ratio is None) or (self.ratio is None) != (self.background is None):
            raise BadInput("a harm has a risk, or a ratio and a background", key="risk")

    def excess(self, times: int) -> Array:
        """Events expected of one person beyond what happens without it, shape (subject,); below zero where fewer.

        ``times``  how often the route was taken or the device put in, at least once: a risk is run each time, a ratio
                   is of a course as a whole
        """
        if self.risk is not None:
            return times * np.ravel(self.risk)
        assert self.ratio is not None and self.background is not None
        return np.ravel(self.background * (self.ratio - 1.0))
