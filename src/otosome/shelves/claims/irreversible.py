"""Benefit against the day of treatment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from otosome.roles import Figure

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

_DAY = 24.0


@dataclass(frozen=True)
class Irreversible:
    """What vesicles still gain when they are given on a later day.

    ``study``  whose compared arm is treated on other days; surgery stays on its own
    ``days``   of treatment, counted from the insult
    """

    study: str
    days: tuple[float, ...]

    def figure(self, laboratory: Laboratory) -> Figure:
        """Benefit on the last day, with every day as a part."""
        study = laboratory.study(self.study)
        against, _ = laboratory.compared(study)
        treated = [laboratory.compared(study, at=day * _DAY)[1] for day in self.days]
        gains = laboratory.gains(study, [against, *treated])
        parts = tuple(
            Figure.over(gain, "dB", f"given on day {day:g}")
            for day, gain in zip(self.days, gains, strict=True)
        )
        last = parts[-1]
        return replace(last, words=f"benefit when {last.words} after the insult", parts=parts)
