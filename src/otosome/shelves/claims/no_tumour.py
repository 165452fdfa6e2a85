"""How much tumour risk of live cells there is to avoid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otosome.roles import Figure

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

_PERCENT = 100.0


@dataclass(frozen=True)
class NoTumour:
    """The excess risk of live cells: the most that giving vesicles instead can avoid."""

    def figure(self, laboratory: Laboratory) -> Figure:
        """Excess over the risk without cells; at or below zero there is none to avoid."""
        risk = laboratory.parameter("adverse_events", "malignancy", "ratio")
        value, low, high = (_PERCENT * (risk - 1.0) for risk in (risk.value, risk.low, risk.high))
        words = "excess risk of live cells; the most there is to avoid, and no excess to beat is shown"
        return Figure(value, low, high, "%", words)
