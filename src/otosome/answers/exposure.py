"""Where drugs went, in a pharmacologist's numbers: peak, its time, area, half-life, and base over apex."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.answers.numbers import Interval, significant
from otosome.forward import Cochleae, Fate, best, plan
from otosome.model.kinetics import Kinetics, kinetics
from otosome.study import Study
from otosome.study.tables.drugs import Point
from otosome.units import Array, convert, labels

if TYPE_CHECKING:
    import xarray as xr

_PREFIX = "concentration_"
# Fluids that are not of the ear beyond its windows.
_ELSEWHERE = ("plasma", "cerebrospinal_fluid", "middle_ear")


@dataclass(frozen=True)
class Exposure:
    """A drug at a probe in an arm: intervals over its ears.

    ``half_life``, ``whole``  of the ears in which its end falls; None where it does in fewer than half
    """

    arm: str
    solute: str
    probe: str
    peak: Interval
    peak_time: Interval
    area: Interval
    half_life: Interval | None
    whole: Interval | None


@dataclass(frozen=True)
class Gradient:
    """A drug at the first of an arm's places over the last of them, each ear with itself: peaks, and areas."""

    arm: str
    solute: str
    of: str
    over: str
    peak: Interval
    area: Interval


@dataclass(frozen=True)
class Followed:
    """A solute that is followed: the unit its numbers are written in, and what 1 uM is in that unit."""

    solute: str
    unit: str
    scale: float


@dataclass(frozen=True)
class Assayed:
    """A concentration of the user's own table, in the unit its solute is written in; h.

    ``censored``  "below" a limit of quantification or "above" one, which stands in its place; else "none"
    """

    solute: str
    probe: str
    animal: str
    time: float
    value: float
    censored: str


@dataclass(frozen=True)
class Drugs:
    """Where the drugs of a study went, what was measured of them, and in which arms one never came to the ear.

    ``worlds``  draws of what is not known, which the intervals rest on
    """

    worlds: int
    followed: list[Followed]
    exposures: list[Exposure]
    gradients: list[Gradient]
    assayed: list[Assayed]
    notes: list[str]

    @classmethod
    def none(cls) -> Drugs:
        """Of a study that gives none."""
        return cls(0, [], [], [], [], [])

    def unit(self, solute: str) -> Followed:
        """How a solute is written."""
        return next(each for each in self.followed if each.solute == solute)


def exposure(study: Study, result: xr.Dataset) -> Drugs:
    """The numbers of every drug at every probe of every arm that gets it, and the user's own measurements."""
    names = [str(name) for name in result.data_vars if str(name).startswith(_PREFIX)]
    solutes = [name.removeprefix(_PREFIX) for name in names]
    worlds = int(np.unique(result["world"].values).size)
    drugs = Drugs(worlds, [_followed(study, solute) for solute in solutes], [], [], [], [])
    for name, solute in zip(names, solutes, strict=True):
        for arm in map(str, result["arm"].values):
            curves = result[name].sel(arm=arm).transpose("probe", "subject", "hour").values
            if _gets(study, arm, solute):
                _add(drugs, study, arm, solute, result["hour"].values, curves)
    points = (point for use in study.tables.drug.values() for point in use.points)
    drugs.assayed.extend(_assayed(drugs, point) for point in points)
    drugs.notes.extend(_of_samples(study, result))
    return drugs


def _of_samples(study: Study, result: xr.Dataset) -> list[str]:
    """How a sample, which brings what lies behind its place, differs from the curve that its dots are laid on."""
    places = [name for name, p in study.probes.items() if p.of == "scala_tympani" and p.place is not None]
    sampled = [name for name, m in study.tables.measure.items() if m.sample is not None and m.solute]
    dots = {point.probe for use in study.tables.drug.values() for point in use.points}
    if not places or not (sampled or dots.intersection(places)):
        return []
    notes = [note for name in sampled if (note := _beside_curve(study, result, name, places))]
    return notes or [
        "Dots of perilymph are fluid as it was drawn, and a curve is of one place: some microlitres bring fluid from "
        "further along. A [sample] reads it as it is drawn (animals, volume, at)."
    ]


def _beside_curve(study: Study, result: xr.Dataset, name: str, places: list[str]) -> str:
    """What the first sample of a measure holds beside the nearest probe; empty where there is nothing."""
    measure = study.tables.measure[name]
    use, at = study.tables.sample[str(measure.sample)], measure.at[0]
    probe = min(places, key=lambda p: abs(float(study.probes[p].place or 0.0) - study.drawn_at(use)))
    curve = result[f"{_PREFIX}{measure.solute}"].sel(probe=probe, hour=float(at))
    share = (result[name].sel(time=float(at)).isel(frequency=0) / curve.where(curve > 0)).values
    share = share[np.isfinite(share)]
    if not share.size:
        return ""
    return (
        f"A sample “{measure.sample}” of {use.volume} holds {significant(share, '').text} times what stands at "
        f"“{probe}” at {at.text}, as it brings fluid from further along: compare samples with samples, not with the "
        "curve of a place."
    )


def course(study: Study) -> xr.Dataset:
    """``along_<solute>``: a drug in the scala tympani over time and place, uM, (arm, hour, place); best values.

    Of a prodrug, what it becomes as well; empty where no drug is given by name.
    """
    import xarray as xr

    chain = plan(study)
    ears = Cochleae(chain, best(study))
    fates = [Fate(ears, arm) for arm in chain.arms]
    at = chain.at(chain.hours)
    solutes = dict.fromkeys(name for use in study.tables.drug.values() for name in study.carried(use.solute))
    return xr.Dataset(
        {
            f"along_{solute}": (
                ("arm", "hour", "place"),
                np.stack([fate.concentration(solute, "scala_tympani")[0, at] for fate in fates]),
                labels("uM"),
            )
            for solute in solutes
        }
    )


def _followed(study: Study, solute: str) -> Followed:
    """In ug/mL, or in uM where its molar mass is not known."""
    mass = study.parameters.get(f"solutes.{solute}.molar_mass")
    return (
        Followed(solute, "uM", 1.0)
        if mass is None
        else Followed(solute, "ug/mL", convert(mass.value, "ug/uL", "ug/mL"))
    )


def _assayed(drugs: Drugs, point: Point) -> Assayed:
    """A measurement in the unit its solute is written in; one in mass is of a solute whose molar mass is known."""
    value = float(point.value)
    in_unit = (
        value * drugs.unit(point.solute).scale
        if point.value.unit == "uM"
        else convert(value, "ug/uL", "ug/mL")
    )
    return Assayed(point.solute, point.probe, point.animal, float(point.time), in_unit, point.censored)


def _gets(study: Study, arm: str, solute: str) -> bool:
    """Whether an arm is given a solute, or a prodrug of it."""
    doses = study.doses(study.arm(arm)).values()
    return any(solute in study.carried(use.solute) for use in doses)


def _add(drugs: Drugs, study: Study, arm: str, solute: str, hours: Array, curves: Array) -> None:
    """What is said of one drug in one arm; ``curves``  uM, shape (probe, ear, hour)."""
    doses = [use for use in study.doses(study.arm(arm)).values() if solute in study.carried(use.solute)]
    ends = max(float(moment) + use.span for use in doses for moment in use.at)
    scale, unit = drugs.unit(solute).scale, drugs.unit(solute).unit
    each = {p: kinetics(hours, scale * curve, ends) for p, curve in zip(study.probes, curves, strict=True)}
    drugs.exposures.extend(_exposure(arm, solute, probe, numbers, unit) for probe, numbers in each.items())
    ear = [name for name, probe in study.probes.items() if probe.of not in _ELSEWHERE]
    if ear and all(np.median(each[name].peak) <= 0.0 for name in ear):
        drugs.notes.append(f"Of {solute} nothing reaches {', '.join(ear)} in the arm “{arm}”.")
    drugs.gradients.extend(_gradient(study, arm, solute, each))


def _gradient(study: Study, arm: str, solute: str, each: Mapping[str, Kinetics]) -> list[Gradient]:
    """The probe nearest to the base of the scala tympani over that nearest to its apex, where it has two or more."""
    along = {name: probe.place for name, probe in study.probes.items() if probe.of == "scala_tympani"}
    placed = sorted((place, name) for name, place in along.items() if place is not None)
    if len(placed) < 2 or not np.all(each[placed[-1][1]].peak > 0.0):
        return []
    (_, of), (_, over) = placed[0], placed[-1]
    first, last = each[of], each[over]
    ratios = [significant(a / b, "") for a, b in ((first.peak, last.peak), (first.area, last.area))]
    return [Gradient(arm, solute, of, over, *ratios)]


def _exposure(arm: str, solute: str, probe: str, numbers: Kinetics, unit: str) -> Exposure:
    falls = np.isfinite(numbers.half_life)
    often = 2 * np.count_nonzero(falls) >= falls.size
    return Exposure(
        arm,
        solute,
        probe,
        significant(numbers.peak, unit),
        significant(numbers.peak_time, "h"),
        significant(numbers.area, f"{unit} h"),
        significant(numbers.half_life[falls], "h") if often else None,
        significant(numbers.whole[falls], f"{unit} h") if often else None,
    )
