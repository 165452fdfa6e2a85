"""Two groups looked at several times, each look with a boundary, one-sided at half of alpha."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.special import ndtri

from otosome.trials.boundaries import Boundaries, Kind, boundaries, check_fractions, with_futility
from otosome.trials.kinds import NO_LOSS, DesignBase, Difference, Loss, Spread, not_zero, same_unit
from otosome.trials.plan import Chart, Estimand, Line, Part, Plan, Series, chance, counted, line
from otosome.trials.power import normal_size

_WORDS = {
    "obrien_fleming": "O'Brien and Fleming",
    "pocock": "Pocock",
    "lan_demets_obrien_fleming": "Lan and DeMets, spending as O'Brien and Fleming",
    "lan_demets_pocock": "Lan and DeMets, spending as Pocock",
    "hwang_shih_decani": "Hwang, Shih and DeCani",
}


@dataclass(frozen=True, kw_only=True)
class GroupSequential(DesignBase):
    """Looks at fractions of the information.

    ``difference``  true difference of two means;  ``spread``  between people
    ``looks``       fractions, the last 1;  ``boundary``  for benefit;  ``futility``  of no effect, non-binding
    ``shape``       gamma of Hwang, Shih and DeCani's spending
    """

    difference: Difference
    spread: Spread
    looks: Annotated[tuple[float, ...], Field(min_length=1, max_length=20)]
    boundary: Kind = "lan_demets_obrien_fleming"
    futility: Kind | None = None
    shape: Annotated[float, Field(ge=-40.0, le=40.0)] = -4.0
    attrition: Loss = NO_LOSS

    def check(self) -> None:
        """Refuse looks that do not rise to 1, and a difference that is none or of another kind than the spread."""
        super().check()
        check_fractions(self.looks)
        not_zero("difference", self.difference)
        same_unit(self.difference.unit, {"spread": self.spread})

    def designed(self) -> tuple[Boundaries, float]:
        """The boundaries, and the expected z at the end for the power wanted."""
        benefit = boundaries(self.boundary, self.looks, self.alpha / 2, self.shape)
        if self.futility is None:
            return benefit, benefit.drift(self.power)
        return with_futility(benefit, 1 - self.power, self.futility, self.shape)

    def plan(self) -> Plan:
        """How many people at most and on average, and the boundaries."""
        bounds, drift = self.designed()
        fixed = float(ndtri(1 - self.alpha / 2) + ndtri(self.power))
        inflation = (drift / fixed) ** 2
        most = inflation * normal_size(float(self.difference), float(self.spread), self.alpha, self.power)
        each = math.ceil(most / 2 - 1e-9)
        entered = math.ceil(each / (1 - self.attrition) - 1e-9)
        means = {0.0: "without an effect", 0.5: "with half of it", 1.0: "with the effect"}
        rows = [
            line("people in both groups at most, not rounded", most, digits=6),
            counted("people a group at most, entered", entered),
            line("against one look alone", inflation, digits=5),
            *(
                line(f"people on average, {words}", most * bounds.expected(part * drift), digits=4)
                for part, words in means.items()
            ),
            chance("chance of a positive trial without an effect", bounds.power(0.0, futility=False)),
            chance("chance of a positive trial with the effect", bounds.power(drift)),
        ]
        parts = (Part("How many people", tuple(rows)), Part("Boundaries", tuple(self._looks(bounds, drift))))
        shares = np.linspace(0, 1.5, 31)
        average = tuple(bounds.expected(float(s) * drift) * most for s in shares)
        chances = tuple(bounds.power(float(s) * drift) for s in shares)
        across = tuple(map(float, shares))
        return Plan(
            f"At most {entered} people a group; {most * bounds.expected(drift):.0f} in all on average if the "
            f"difference is {self.difference.text}, where one look takes {most / inflation:.0f}.",
            {"each group at most": entered},
            parts,
            (
                Chart(
                    "Power",
                    "true difference, of that stated",
                    "power",
                    (Series("power", across, chances),),
                    self.power,
                ),
                Chart(
                    "Expected size",
                    "true difference, of that stated",
                    "people",
                    (Series("people", across, average),),
                ),
            ),
            Estimand(
                population="people as the protocol enrols them",
                treatments="treatment against control, one to one",
                variable="the reading at the end",
                intercurrent="whoever stops treatment is read all the same (treatment policy)",
                summary="difference of means, adjusted for the looks",
            ),
            self._analysis(bounds, entered),
        )

    def _looks(self, bounds: Boundaries, drift: float) -> list[Line]:
        """Each look's boundaries and how often the trial ends there."""
        ends = bounds.crossing(drift)[0]
        rows = []
        for fraction, z, low, p, stop in zip(
            bounds.fractions, bounds.upper, bounds.lower, bounds.nominal(), ends, strict=True
        ):
            at = f"at {100 * fraction:.0f} %"
            rows += [
                line(f"{at}: z for benefit", z, digits=5),
                line(f"{at}: one-sided p for benefit", float(p), digits=3),
                chance(f"{at}: ends for benefit, with the effect", float(stop)),
            ]
            if low > -math.inf and fraction < 1:
                rows.append(line(f"{at}: z below which it is futile", low, digits=5))
        return rows

    def _analysis(self, bounds: Boundaries, entered: int) -> str:
        when = ", ".join(f"{100 * t:.0f} %" for t in bounds.fractions)
        futile = f" Futility, not binding, follows {_WORDS[self.futility]}." if self.futility else ""
        return (
            f"The trial is looked at with {when} of its information, by boundaries of {_WORDS[self.boundary]} at a "
            f"one-sided level of {self.alpha / 2:g}.{futile} At most {entered} people a group are entered. If looks "
            "fall at other fractions, a spending function gives their boundaries; those of O'Brien and Fleming and of "
            "Pocock hold for these alone. Effects after an early stop are reported with an interval adjusted for the "
            "looks."
        )
