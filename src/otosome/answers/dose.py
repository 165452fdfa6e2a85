"""How the benefit follows the dose: the best-value ear given a thousandth to a thousand times its vesicles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from otosome.answers.contrast import gain
from otosome.answers.numbers import amount, difference, number, visible
from otosome.forward import Cochleae, Fate, PlannedArm, PlannedTreatment, best, plan, planned
from otosome.forward.dosing import dosed
from otosome.lots.batch import vesicles_given
from otosome.study import Compare, Study, Treatment
from otosome.units import Array, Quantity

# Doses as multiples of the one given, and the length of the organ of Corti that vesicles are counted in, mm.
TIMES = tuple(float(10.0**power) for power in range(-3, 4))
STRETCH = 0.1
# The effect begins where this part of the largest benefit is there.
BEGINS = 0.1
# Days on which the first dose is given instead, after the first insult, and its multiples there.
DAYS = (-3, -1, 1, 3, 5, 9, 15)
MULTIPLES = TIMES[1:-1]
_DAY = 24.0


@dataclass(frozen=True)
class ByDose:
    """The compared benefit of the best-value ear by dose.

    ``particles``  as counted, given each time by all treatments of the arm together, least first
    ``benefit``    in ``unit``;  ``arrivals``  most vesicles ever in 0.1 mm of the organ of Corti, at its typical place
    ``begins``     dose at which a tenth of the largest benefit is there; None where none is seen at any
    """

    particles: list[float]
    benefit: list[float]
    arrivals: list[float]
    unit: str
    begins: float | None
    text: str

    @property
    def stated(self) -> int:
        """The number of the dose that the study states."""
        return TIMES.index(1.0)


def by_dose(study: Study, question: Compare) -> ByDose | None:
    """How the compared benefit follows the dose; None where the arm is given no vesicles by a route."""
    treated, against = (planned(study, study.arm(name)) for name in (question.of, question.against))
    ear = Cochleae(replace(plan(study), arms=(treated,)), best(study))
    each = [_particles(ear, treated, place) for place in range(len(treated.treatments))]
    if not sum(each) > 0:
        return None
    columns = {name: np.repeat(column, len(TIMES)) for name, column in best(study).items()}
    steps = replace(plan(study), arms=(_scaled(treated, each), against), growth=1.6)
    ears = Cochleae(steps, columns)
    benefit = gain(study, question)(ears)["benefit"]
    vesicles = Fate(ears, steps.arms[0]).vesicles
    assert vesicles is not None
    peaks = vesicles.concentration["organ_of_corti"].sum(axis=0).max(axis=1)
    arrivals = (
        np.median(peaks, axis=1) * columns[f"species.{study.tables.species}.organ_of_corti_area"] * STRETCH
    )
    doses = sum(each) * np.asarray(TIMES)
    unit = _unit(study, question)
    begins = begin(doses, benefit, unit)
    text = _text(doses, benefit, arrivals, unit, begins)
    return ByDose(
        list(map(float, doses)), list(map(float, benefit)), list(map(float, arrivals)), unit, begins, text
    )


@dataclass(frozen=True)
class ByDay:
    """The compared benefit of the best-value ear by day and dose.

    ``days``       of the first dose, d after the first insult;  ``particles``  as counted, each time, least first
    ``benefit``    a row a dose, in ``unit``;  ``stated``  day of the first dose, and the dose, of the study
    ``text``       where on it the study lies, and where most is kept
    """

    days: list[float]
    particles: list[float]
    benefit: list[list[float]]
    unit: str
    stated: tuple[float, float]
    text: str


def by_day(study: Study, question: Compare) -> ByDay | None:
    """How the compared benefit follows day and dose; None where the arm is given no vesicles by a route."""
    treated, against = (planned(study, study.arm(name)) for name in (question.of, question.against))
    ear = Cochleae(replace(plan(study), arms=(treated,)), best(study))
    each = [_particles(ear, treated, place) for place in range(len(treated.treatments))]
    if not sum(each) > 0:
        return None
    first = min(dose.times[0] for dose in treated.treatments)
    days = [float(day) for day in DAYS if day * _DAY < study.until]
    rows = [
        _on(dose, day * _DAY - first, study.until, factor * particles, row)
        for row, (day, factor) in enumerate(product(days, MULTIPLES))
        for dose, particles in zip(treated.treatments, each, strict=True)
    ]
    columns = {name: np.repeat(column, len(MULTIPLES) * len(days)) for name, column in best(study).items()}
    steps = replace(plan(study), arms=(replace(treated, treatments=tuple(rows)), against), growth=1.6)
    benefit = gain(study, question)(Cochleae(steps, columns))["benefit"].reshape(len(days), len(MULTIPLES)).T
    unit, doses = _unit(study, question), sum(each) * np.asarray(MULTIPLES)
    return ByDay(
        days,
        list(map(float, doses)),
        [list(map(float, row)) for row in benefit],
        unit,
        (first / _DAY, sum(each)),
        _most(days, benefit, unit),
    )


def _on(dose: PlannedTreatment, later: float, until: float, particles: float, row: int) -> PlannedTreatment:
    """A dose so much later, h, with so many particles, given to one ear; none after the study's end."""
    treatment = _with(dose.treatment, particles) if particles > 0 else dose.treatment
    times = tuple(time + later for time in dose.times if time + later <= until)
    return replace(dose, treatment=treatment, times=times, row=row)


def _most(days: Sequence[float], benefit: Array, unit: str) -> str:
    """On which day most is kept at the dose given, and at ten times as much; in a sentence."""
    if not visible(float(benefit.max()), unit):
        return (
            "On none of these days and at none of these doses does this ear gain anything that can be seen."
        )
    ends = []
    for factor, words in ((1.0, "at the dose given"), (10.0, "at ten times as much")):
        row = benefit[MULTIPLES.index(factor)]
        day = days[int(np.argmax(row))]
        ends.append(
            f"{words} most is kept on day {number(day)} ({amount(float(row.max()), unit, sign=True)})"
        )
    return f"Of these days, {' and '.join(ends)}."


def _unit(study: Study, question: Compare) -> str:
    """The unit of the compared benefit."""
    return difference(
        study.catalog.get("endpoints", study.tables.measure[question.measure].endpoint).options.unit
    )


def _particles(ears: Cochleae, arm: PlannedArm, place: int) -> float:
    """Particles, as they are counted, that one dose of a treatment brings in the best-value ear."""
    treatment = arm.treatments[place].treatment
    batch = ears.batch(treatment.batch)
    whole, single = (
        vesicles_given(batch, **dosed(treatment)).sum(),
        vesicles_given(batch, particles=1.0).sum(),
    )
    return float(whole / single) if single > 0 else 0.0


def _scaled(arm: PlannedArm, each: list[float]) -> PlannedArm:
    """The arm with each of its doses multiplied, an ear each; what brings no vesicles is given to all alike."""
    rows = [
        replace(dose, treatment=_with(dose.treatment, factor * particles), row=row)
        for dose, particles in zip(arm.treatments, each, strict=True)
        for row, factor in enumerate(TIMES)
        if particles > 0
    ]
    plain = [dose for dose, particles in zip(arm.treatments, each, strict=True) if not particles > 0]
    return replace(arm, treatments=(*rows, *plain))


def _with(treatment: Treatment, particles: float) -> Treatment:
    """A treatment that gives so many particles each time, in the volume it has."""
    return treatment.model_copy(update={"amount": Quantity(f"{particles!r} particles")})


def begin(doses: Array, benefit: Array, unit: str) -> float | None:
    """The dose at which the effect begins, by straight lines over the logarithm of the dose; None where none is seen.

    ``doses``, ``benefit``  (dose,), doses rising
    """
    rising = np.maximum.accumulate(benefit)
    if not visible(float(rising[-1]), unit) or rising[-1] <= 0:
        return None
    first = BEGINS * rising[-1]
    if rising[0] >= first:
        return float(doses[0])
    above = int(np.argmax(rising >= first))
    share = (first - rising[above - 1]) / (rising[above] - rising[above - 1])
    low, high = np.log10(doses[above - 1 : above + 1])
    return float(10.0 ** (low + share * (high - low)))


def _text(doses: Array, benefit: Array, arrivals: Array, unit: str, begins: float | None) -> str:
    """What a reader should know of the dose, in two sentences."""
    stated = TIMES.index(1.0)
    reach = (
        f"At this dose ({number(float(doses[stated]), 2)} particles) no more than {number(float(arrivals[stated]), 2)} "
        f"vesicles are ever in a stretch of {STRETCH:g} mm of the organ of Corti, and the ear with every number at its "
        f"best value keeps {amount(float(benefit[stated]), unit, sign=True)}."
    )
    span = f"{number(float(doses[0]), 2)} to {number(float(doses[-1]), 2)} particles"
    if begins is None:
        return f"{reach} It gains nothing that can be seen at any dose of {span}."
    where = "at or below" if begins <= doses[0] * (1 + 1e-9) else "at"
    return (
        f"{reach} The effect begins {where} {number(begins, 2)} particles (a tenth of the most that {span} keep, "
        f"{amount(float(np.max(benefit)), unit, sign=True)})."
    )
