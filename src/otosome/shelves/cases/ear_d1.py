"""Men and children after cisplatin: two groups of people whose half-effect platinum differs, integrated over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logit, ndtr, ndtri

from otosome.model import hearing
from otosome.model.injury import KINDS, injury, survive
from otosome.model.transport import Dose, schedule, solve
from otosome.roles import Ear, Exposure, Use
from otosome.shelves.populations.otologically_normal import YEAR, OtologicallyNormal
from otosome.units import Array, Decibels, DecibelsHL, Fraction, Hours, Micromolar, Plain

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# kHz, of shifts. Audiograms go from 0.5 to 8; the men's mean from 4 to 12, and their class, by norms, from 4 to 8.
_FREQUENCY = np.array([0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0])
_TESTED, _MEN, _CLASS = slice(0, 7), slice(4, 9), slice(4, 7)
# ug/m2 of each cycle, h from one to the next, and h of an infusion of men and of children, who have four.
_CYCLE, _BETWEEN, _OF_MEN, _OF_CHILDREN = 1e5, 504.0, 2.0, 6.0
_FOUR = (4,)
# Lowest readings of two classes, dB HL: more than mild, and severe or profound; cycles up to which a dose is low.
_WORSE, _SEVERE, _LOW = 45.0, 75.0, 3.0
# One man of all has each class at least, or odds would be none or endless.
_FEWEST = 1.0 / 488.0
# The insult, the tissues where it injures, and h after a dose over which what reaches them is added up.
_INSULT, _AROUND, _REACHED = ("insults", "cisplatin"), ("lateral_wall", "organ_of_corti"), 48.0
# Scale and grade from which a child is counted.
_GRADES = {
    "ear:D3": ("siop_boston", "2"),
    "ear:D3.ctcae": ("ctcae_5_child", "2"),
    "ear:D3.brock": ("brock", "2"),
    "ear:D3.chang": ("chang", "2a"),
}
# Half-effects (uM) and steepnesses for which shifts are computed, and into how many parts each step between is cut:
# with twice as many of both, shifts differ by 1 dB at most, and by 0.03 dB in the mean.
_HALF, _STEEP, _FINER = np.geomspace(0.02, 60.0, 49), np.linspace(1.0, np.sqrt(20.0), 16) ** 2, 8
# Places that all tones lie between.
_PLACES = np.linspace(0.0, 0.75, 24)
# A spread's deviates and their weights.
_DEVIATES = np.linspace(-4.0, 4.0, 41)
_WEIGHTS = np.exp(-0.5 * _DEVIATES**2) / np.exp(-0.5 * _DEVIATES**2).sum()
# Deviates of the men's standing and age, and how many children there are.
_STANDING, _AGE = (ndtri((np.arange(n) + 0.5) / n) for n in (9, 5))
_CHILDREN = 512


@dataclass(frozen=True)
class EarD1:
    """The men of Frisina 2016, and children who stand for those of Clemens 2019.

    How much cisplatin reaches the cells is drawn, and half-effect platinum moves with it; what it does there is that
    of the ear of best values but for the half-effect, its rise, childhood and ``spread``. Shares are means of
    probabilities over the error of a reading, so that they change smoothly.

    ``spread``  standard deviation between people of the logarithm of half-effect platinum
    ``doses``   of the men: ``share`` of them by their number of ``cycles``
    """

    spread: Plain
    doses: Mapping[str, Array]

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """What is printed of each group, the same for all who share a world."""
        middle, best = bench.typical, Best.of(bench)
        numbers = middle.numbers(*_INSULT)
        half = np.log(numbers["ec50"] * reached(best, best.bench) / reached(best, middle))
        spread = self.spread.ravel()[:: bench.subjects]
        cycles = tuple(int(count) for count in self.doses["cycles"])
        men, children = shifts(best, _OF_MEN, cycles), shifts(best, _OF_CHILDREN, _FOUR)
        lanes = zip(half, spread, numbers["gradient"], numbers["childhood"], strict=True)
        young = best.children
        figures = [
            self.of_men(best, men(steep, half + spread * _DEVIATES))
            | of_children(best, children(steep, half + spread * young.deviate - childhood * young.youth))
            for half, spread, steep, childhood in lanes
        ]
        return {row: np.repeat([lane[row] for lane in figures], bench.subjects) for row in figures[0]}

    def of_men(self, best: Best, shift: Decibels) -> dict[str, float]:
        """Rise of the mean shift per 100 mg/m2, odds of a worse class by dose, and share of severe loss.

        ``shift``  shape (deviate, cycles, frequency)
        """
        share, dose = self.doses["share"], self.doses["cycles"]
        level = hearing.together(best.limit, best.men[:, None, None], shift[..., _CLASS])
        worse, severe = (_WEIGHTS @ best.reads(level, least).mean(axis=0) for least in (_WORSE, _SEVERE))
        off = share * (dose - share @ dose)
        low, high = (
            logit(np.clip(np.average(worse[part], weights=share[part]), _FEWEST, 1.0 - _FEWEST))
            for part in (dose <= _LOW, dose > _LOW)
        )
        return {
            "ear:D1": float(off @ (_WEIGHTS @ shift[..., _MEN].mean(axis=-1)) / (off @ dose)),
            "ear:D1.odds": float(np.exp(high - low)),
            "ear:D1.severe": float(share @ severe),
        }


def of_children(best: Best, shift: Decibels) -> dict[str, float]:
    """Share of children with a grade or a worse one, by row.

    ``shift``  after four cycles, shape (child, 1, frequency)
    """
    level = hearing.together(best.limit, best.children.level, shift[:, 0, _TESTED])
    return {row: float(best.reads(level, least).mean()) for row, least in best.children.least.items()}


@dataclass(frozen=True)
class Children:
    """Children before cisplatin: ``level`` dB HL, (child, frequency), and ``youth``, 1 at birth to 0 when grown.

    ``deviate``  of their half-effect platinum, standard normal
    ``before``   their first audiogram as it was read, dB HL, (child, frequency)
    ``least``    by row the lowest reading that counts, dB HL, (child, frequency); infinite where none does
    """

    level: DecibelsHL
    youth: Plain
    deviate: Plain
    before: DecibelsHL
    least: Mapping[str, DecibelsHL]


@dataclass(frozen=True)
class Best:
    """The ear of best values, and people who come with it: the same where all numbers and curves are, by ``rests``."""

    rests: tuple[tuple[str, str], ...]
    bench: Bench = field(compare=False)

    @classmethod
    def of(cls, bench: Bench) -> Best:
        """That of a case."""
        best = replace(bench, subjects=1, drawn=False, pinned={})
        hashes = [(name, p.hash) for name, p in best.parameters.items()]
        hashes += [(name, curve.hash) for name, curve in best.curves.items()]
        return cls(tuple(sorted(hashes)), best)

    @cached_property
    def limit(self) -> Decibels:
        """At which a level and a shift saturate together."""
        return self.bench.numbers("cells", "ohc")["limit"]

    @cached_property
    def grid(self) -> float:
        """Step of an audiometer, dB."""
        return float(self.bench.numbers("endpoints", "audiogram")["grid"][0])

    @cached_property
    def error(self) -> float:
        """Error of one reading, dB."""
        return float(self.bench.numbers("endpoints", "audiogram")["error"][0])

    @cached_property
    def men(self) -> DecibelsHL:
        """Hearing level men of 25 to 50 years arrive with, (man, frequency)."""
        age, standing = (deviates.ravel() for deviates in np.meshgrid(_AGE, _STANDING))
        people = self.people("male", (25.0, 50.0), standing=standing, age_rank=age)
        return people.baseline(_FREQUENCY[_CLASS])[:, 0]

    @cached_property
    def children(self) -> Children:
        """Those of 1 to 18 years."""
        from scipy.stats import qmc

        points = qmc.Sobol(4 + _FREQUENCY[_TESTED].size, seed=3).random(_CHILDREN)
        deviate, age, standing, sex, *errors = ndtri(points).T
        people = self.people("both", (1.0, 18.0), standing=standing, age_rank=age, sex_rank=sex)
        level = people.baseline(_FREQUENCY[_TESTED])[:, 0]
        before = self.grid * np.floor((level + self.error * np.transpose(errors)) / self.grid + 0.5)
        least = {
            row: self.bench.bind("scales", scale).least(grade, _FREQUENCY[_TESTED], before, self.grid)
            for row, (scale, grade) in _GRADES.items()
        }
        return Children(level, 1.0 - people.ages / 18.0, deviate, before, least)

    def people(self, sex: str, age: tuple[float, float], **deviates: Array) -> OtologicallyNormal:
        """People who hear as their age lets expect."""
        shelf, name = "populations", "otologically_normal"
        columns = self.bench.columns | {f"{shelf}.{name}.{key}": column for key, column in deviates.items()}
        entry = self.bench.entry(shelf, name)
        bound = entry.bind(columns, self.bench.species, sex=sex, age=tuple(YEAR * years for years in age))
        assert isinstance(bound, OtologicallyNormal)
        return bound

    def reads(self, level: DecibelsHL, least: DecibelsHL | float) -> Fraction:
        """Probability that some reading is ``least`` or more, of levels over the last axis."""
        below = ndtr((least - 0.5 * self.grid - level) / self.error)
        return np.asarray(1.0 - np.prod(below, axis=-1))

    def ear(self, ears: int = 1) -> Ear:
        """As many like it."""
        columns = self.bench.numbers("species", self.bench.species)
        frequency = self.bench.bind("maps", "human_greenwood_1990").frequency(_PLACES)[0, 0]
        length = np.repeat(columns["scala_tympani_length"], ears)
        return Ear(self.bench.species, _PLACES, frequency, length, columns)


@lru_cache(maxsize=4)
def shifts(best: Best, infusion: float, cycles: tuple[int, ...]) -> Callable[[float, Array], Decibels]:
    """Shift after some numbers of cycles by steepness and by logarithms of half-effect (person,).

    returns  dB, shape (person, cycles, frequency); beyond what is computed, as at the last of it
    """
    steep, half = (axis.ravel() for axis in np.meshgrid(_STEEP, _HALF, indexing="ij"))
    times = [_BETWEEN * n for n in range(max(cycles) + 1)]
    knots, drug = around(best.bench, _PLACES, times[:-1], infusion, times[-1])
    ear, exposure = best.ear(half.size), Exposure(knots, drug, Use((0.0,), (0.0,)))
    name = ".".join(_INSULT)
    bench = replace(best.bench, pinned={f"{name}.ec50": half, f"{name}.gradient": steep})
    done = injury(ear, knots, [(bench.bind(*_INSULT), exposure)])
    rates = {kind: bench.numbers("cells", kind) for kind in (*KINDS, "stria")}
    clearance = bench.numbers("species", bench.species)["stress_clearance"]
    cells = survive(knots, rates, done, clearance, strial=False)
    ends: Any = np.searchsorted(knots, _BETWEEN * np.array(cycles))
    known = hearing.shift(ear, cells.at(ends), _FREQUENCY)
    return between(np.log(_STEEP), np.log(_HALF), known.reshape(_STEEP.size, _HALF.size, *known.shape[1:]))


def between(steep: Array, half: Array, known: Decibels) -> Callable[[float, Array], Decibels]:
    """What is known at some points (steep, half, ...) between them: cubics, and lines where these are laid closely."""
    from scipy.interpolate import CubicSpline, RegularGridInterpolator

    axes = [np.linspace(axis[0], axis[-1], _FINER * (axis.size - 1) + 1) for axis in (steep, half)]
    for number, (axis, finer) in enumerate(zip((steep, half), axes, strict=True)):
        known = CubicSpline(axis, known, axis=number)(finer)
    table = RegularGridInterpolator(axes, known)

    def at(steepness: float, logarithms: Array) -> Decibels:
        inside = np.clip(logarithms, half[0], half[-1])
        lane = np.clip(np.full(inside.size, np.log(steepness)), steep[0], steep[-1])
        return np.asarray(table(np.stack([lane, inside], axis=1)))

    return at


def reached(best: Best, bench: Bench) -> Plain:
    """Area under cisplatin's curve around the cells where tones are heard, over two days after one dose, (lane,)."""
    places = best.ear().place_of(_FREQUENCY)
    knots, drug = around(bench, places, [0.0], _OF_MEN, _REACHED)
    wall, corti = (np.trapezoid(along, knots, axis=1).mean(axis=-1) for along in drug.values())
    share = bench.numbers(*_INSULT)["wall_share"]
    return np.asarray(share * wall + (1.0 - share) * corti)


def around(
    bench: Bench, places: Fraction, times: Sequence[float], infusion: float, stop: float
) -> tuple[Hours, dict[str, Micromolar]]:
    """Knots, and cisplatin in the lateral wall and the organ of Corti, (lane, time, place), of cycles at some times."""
    species, drug = bench.numbers("species", bench.species), bench.numbers("solutes", "cisplatin")
    amount = _CYCLE * species["body_mass"] / species["mass_per_surface"] / drug["molar_mass"]
    route = bench.bind("routes", "intravenous")
    doses = [Dose(time, time + infusion, amount[None], np.zeros(bench.ears)) for time in times]
    flows = [flow for dose in doses for flow in route.deliver(dose, bench.anatomy)]
    knots = schedule(
        [*times, *(time + infusion for time in times)], stop, first=0.2, growth=1.3, longest=12.0
    )
    run = solve(bench.anatomy, bench.bind("solutes", "cisplatin"), flows, knots, _AROUND, refine=4)
    share = np.array([np.interp(places, run.grid.place, cell) for cell in np.eye(run.grid.place.size)])
    return knots, {f"cisplatin.{tissue}": run.concentration[tissue][0] @ share for tissue in _AROUND}
