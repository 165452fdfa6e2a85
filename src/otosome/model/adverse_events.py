"""What a route or a device may do to a person, from counts of events or from a ratio against what happens anyway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from otosome.errors import BadInput
from otosome.units import Array, Fraction, Plain


@dataclass(frozen=True)
class AdverseEvent:
    """One kind of event: its ``risk`` each time, or a ``ratio`` against a ``background`` that is there anyway.

    ``of``        routes and devices that bring it, or ``vesicles``: any dose, and any coat of a device
    ``per``       "procedure": the risk is run each time; "person": it is of a course as a whole, as a ratio is
    ``weight``    what one event costs, in units of ten points of words
    ``repeated``  risk of each later time over that of the first; alike where none is stated
    ``counted``   where the risk is from counts: events and people, in words
    """

    of: tuple[str, ...]
    per: Literal["procedure", "person"]
    weight: Plain
    risk: Fraction | None = None
    repeated: Plain | None = None
    ratio: Plain | None = None
    background: Fraction | None = None
    counted: str = ""

    def __post_init__(self) -> None:
        if (self.risk is None) == (self.ratio is None) or (self.ratio is None) != (self.background is None):
            raise BadInput("an adverse event has a risk, or a ratio and a background", key="risk")

    def excess(self, times: int) -> Array:
        """Events expected of one person beyond what happens without it, shape (subject,); below zero where fewer.

        ``times``  how often the route was taken or the device put in, at least once
        """
        if self.ratio is not None and self.background is not None:
            return np.ravel(self.background * (self.ratio - 1.0))
        assert self.risk is not None
        later = 1.0 if self.repeated is None else self.repeated
        return np.ravel(self.risk * (1.0 + (times - 1) * later if self.per == "procedure" else 1.0))
