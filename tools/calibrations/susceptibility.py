"""How much reactive platinum injures people's ears, along the cochlea, in children, and how much people differ in it.

Weighed by ear:D1 and ear:D3 together. Of 488 men who survived a germ-cell tumour on 200 to 800 mg/m2 (median 400; here
200, 400, 600 and 800 in shares of 0.2, 0.5, 0.2 and 0.1, in cycles of 100 mg/m2 every three weeks): 3.2 dB more in
the mean of 4 to 12 kHz for every 100 mg/m2, age taken out (P < .001, so an error of 0.9 dB at most); odds of a worse
ASHA class above 300 mg/m2 1.59 times those below (P = .0066, so an error of 0.17 of its logarithm); 18 % severe to
profound (1.7 points by the count, 5 with what follows). Of children, the share with a loss by four scales (ear:D3),
each with the error of the 55 who are simulated there; four cycles of 100 mg/m2 over six hours stand for their doses,
which were not read. The children of ear:D4 are not used.

What tells the gradient from the half-effect is that the scales ask for different frequencies: a loss that begins at the
top gives a child a grade that counts 4 kHz less often than one that is flat.

Age is in: men of 25 to 50 years arrive with the hearing of ISO 7029, spread included, children with that of its
eighteen-year-olds, and the shift is added to it as that of noise is. Its norms stop at 8 kHz, so a class goes by the
worst of 4 to 8 kHz: the classes' limits, 40 dB for more than mild and 70 dB for severe, are read from those frequencies
alone, which is why the share of severe loss gets 5 points. The mean of 4 to 12 kHz is of shifts. What cisplatin does
to a person at a given half-effect is that of the best values of all else; what reaches the cells is drawn, and the
half-effect with it.

The spread is one of half-effect platinum and not of the cells' susceptibility: that alone, however large, costs no
one more than some 30 dB at 800 mg/m2, since cells die of stress, and so nobody would be deaf.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.special import ndtri
from scipy.stats import qmc

from otosome.catalog import get
from otosome.evidence import Parameter
from otosome.model import hearing
from otosome.model.grades import Scale
from otosome.roles import Exposure, Use
from otosome.shelves.populations.otologically_normal import age_median, age_spread
from otosome.units import Array
from tools.calibrations.ears import best, carried, ear_of, fate, reach
from tools.calibrations.weigh import FAINTEST, Z95, Posterior, Row, curved, prior, rounded, show, write

SPECIES = "human"
MEAN, SPREAD = "insults.cisplatin.ec50", "spread"
GRADIENT, CHILD = "insults.cisplatin.gradient", "insults.cisplatin.childhood"
# Where shifts are computed; thresholds are tested from 0.5 to 8 kHz, the men's mean goes to 12.
FREQUENCY = np.array([0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0])
TESTED, MEN, CLASS = slice(0, 7), slice(4, 9), slice(4, 7)
WEEKS = 168.0
CYCLES = np.array([2, 4, 6, 8])
DOSES, SHARES = 100.0 * CYCLES, np.array([0.2, 0.5, 0.2, 0.1])
# Hours an infusion takes, of men and of children.
HOURS = {"men": 2.0, "children": 6.0}
HALF, STEEP = np.geomspace(0.02, 60.0, 61), np.geomspace(1.0, 20.0, 13)
# By scale, the grade from which a child is counted, and how many were.
GRADES = {
    "siop_boston": ("2", 0.482),
    "ctcae_5_child": ("2", 0.575),
    "brock": ("2", 0.405),
    "chang": ("2a", 0.403),
}
CHILDREN = 55
# People: half-effect by quantile, and by age and standing among those of that age.
PEOPLE = ndtri((np.arange(200) + 0.5) / 200)
AGES = (25.0, 37.5, 50.0)
STANDING = ndtri((np.arange(9) + 0.5) / 9)
# Children: half-effect, age from 1 to 18 years, standing, and the errors of two audiograms.
_YOUNG = qmc.Sobol(3 + 2 * 7, seed=3).random(512)
ADULT = 18.0
# Error of one audiogram, dB.
READING = 2.5


def priors() -> dict[str, Parameter]:
    """Median half-effect platinum and its rise along the cochlea, what childhood takes from it, and its spread."""
    spread = Parameter(SPREAD, "of its logarithm", 0.63, "", 0.2, 2.0, "lognormal", "assumed", "0.63")
    return {
        MEAN: prior(MEAN, SPECIES, "0.05 uM", "20 uM"),
        GRADIENT: prior(GRADIENT, SPECIES, "1.5 ", "15 "),
        CHILD: prior(CHILD, SPECIES, "0.1 ", "2 "),
        SPREAD: spread,
    }


@lru_cache
def shifts(whose: str) -> RegularGridInterpolator:
    """Shift in dB by logarithms of steepness and half-effect platinum, after each number of cycles, by frequency."""
    ear = ear_of(SPECIES, np.linspace(0.0, 0.75, 24))
    surface = best(SPECIES, "species")["species.human.mass_per_surface"][0]
    times = [3 * WEEKS * cycle for cycle in range(CYCLES[-1])]
    ends = 3 * WEEKS * CYCLES
    route = ("cisplatin", "intravenous", 1e5 / surface, times, ends[-1])
    knots, drug = carried(SPECIES, *route, ear, duration=HOURS[whose])
    steep, half = (axis.ravel() for axis in np.meshgrid(STEEP, HALF, indexing="ij"))
    exposure = Exposure(knots, drug, Use((0.0,), (0.0,)))
    cells = fate(SPECIES, "cisplatin", {GRADIENT: steep, MEAN: half}, ear, exposure, strial=False)
    found = hearing.shift(ear, cells.at(np.searchsorted(knots, ends, side="left")), FREQUENCY)
    return RegularGridInterpolator(
        (np.log(STEEP), np.log(HALF)),
        found.reshape(STEEP.size, HALF.size, *found.shape[1:]),
        bounds_error=False,
        fill_value=None,
    )


def shifted(whose: str, steep: float, half: Array) -> Array:
    """Shift of people of some logarithms of half-effect platinum, shape (person, cycles, frequency)."""
    inside = np.clip(half, np.log(HALF[0]), np.log(HALF[-1]))
    found: Array = shifts(whose)(np.stack([np.full(half.size, np.log(steep)), inside], axis=1))
    return found


@lru_cache
def arrived() -> Array:
    """Hearing level men arrive with, dB HL, by person and frequency."""
    return np.array([_level("male", age - ADULT, deviate, CLASS) for age in AGES for deviate in STANDING])


def _level(sex: str, past: float, deviate: float, at: slice) -> Array:
    """Hearing level by the norms so many years past 18, dB HL, at some of the frequencies."""
    table = get("populations", "otologically_normal").card.profile(sex, SPECIES)
    years = np.array(past)
    side = age_spread(table, years, "lower" if deviate < 0 else "upper")
    level = age_median(table, years) + deviate * side
    found: Array = np.interp(np.log2(FREQUENCY[at]), np.log2(table["frequency"]), level)
    return found


@lru_cache
def _young() -> Array:
    """Hearing level children arrive with, dB HL, by child and frequency: that of the norms at 18 years."""
    return np.array([_level("male", 0.0, deviate, TESTED) for deviate in ndtri(_YOUNG[:, 2])])


def figures(table: Mapping[str, Array]) -> dict[str, Array]:
    """Slope in dB per 100 mg/m2, logarithm of the odds, share of severe loss, and by scale the share of children."""
    draws = [
        _of_men(m, s, g) | _of_children(m, s, g, c)
        for m, s, g, c in zip(table[MEAN], table[SPREAD], table[GRADIENT], table[CHILD], strict=True)
    ]
    return {name: np.array([draw[name] for draw in draws]) for name in draws[0]}


def _of_men(median: float, spread: float, steep: float) -> dict[str, float]:
    limit = best(SPECIES, "cells")["cells.ohc.limit"][0]
    shift = shifted("men", steep, np.log(median) + spread * PEOPLE)
    level = hearing.together(limit, arrived()[None, :, None, :], shift[:, None, :, CLASS])
    worst = level.max(axis=-1)
    mean = shift[..., MEN].mean(axis=(0, 2))
    off = DOSES - SHARES @ DOSES
    slope = 100.0 * float((SHARES * off) @ mean / (SHARES @ off**2))
    worse = (worst > 40.0).mean(axis=(0, 1))
    above = float(SHARES[1:] @ worse[1:] / SHARES[1:].sum())
    few = 1.0 / 488
    low, high = (np.clip(p, few, 1.0 - few) for p in (float(worse[0]), above))
    odds = float(np.log(high / (1.0 - high)) - np.log(low / (1.0 - low)))
    return {"slope": slope, "odds": odds, "severe": float(SHARES @ (worst > 70.0).mean(axis=(0, 1)))}


def _of_children(median: float, spread: float, steep: float, child: float) -> dict[str, float]:
    limit = best(SPECIES, "cells")["cells.ohc.limit"][0]
    deviates = ndtri(_YOUNG)
    youth = 1.0 - (1.0 + (ADULT - 1.0) * _YOUNG[:, 1]) / ADULT
    half = np.log(median) + spread * deviates[:, 0] - child * youth
    shift = shifted("children", steep, half)[:, 1, TESTED]
    came = _young()
    errors = deviates[:, 3:].reshape(-1, 2, came.shape[1]) * READING
    before, after = (
        5.0 * np.floor((level + error) / 5.0 + 0.5)
        for level, error in zip(
            (came, hearing.together(limit, came, shift)), np.moveaxis(errors, 1, 0), strict=True
        )
    )
    found = {}
    for name, (grade, _) in GRADES.items():
        scale: Scale = get("scales", name).bind({}, SPECIES)
        grades = scale.grade(after, FREQUENCY[TESTED], before)
        found[name] = float((grades >= scale.labels.index(grade)).mean())
    asha: Scale = get("scales", "asha_1994").bind({}, SPECIES)
    return found | {"asha": float((asha.grade(after, FREQUENCY[TESTED], before) > 0).mean())}


def misses(table: Mapping[str, Array]) -> Array:
    """How far draws lie from each figure, in its errors; the children by ASHA are a prediction and left out."""
    found = figures(table)
    wanted = {"slope": (3.2, 0.9), "odds": (np.log(1.59), 0.17), "severe": (0.18, 0.05)}
    wanted |= {
        name: (share, np.sqrt(share * (1.0 - share) / CHILDREN)) for name, (_, share) in GRADES.items()
    }
    return np.stack([(found[name] - figure) / error for name, (figure, error) in wanted.items()], axis=1)


def rows(posterior: Posterior) -> dict[str, Row]:
    """The row the calibration proposes: as much more of platinum as reaches the cells injures as much."""
    reached = reach("cisplatin", {SPECIES: "intravenous"})
    ((axis, slope),) = reached.slope[SPECIES].items()
    low, middle, high = np.log(posterior.quantile(MEAN))
    spread = float(np.hypot((high - low) / (2.0 * Z95), slope))
    low, value, high = (f"{rounded(float(np.exp(middle + z * spread)))} uM" for z in (-Z95, 0.0, Z95))
    shares = {name: round(float(slope * part / spread), 2) for name, part in reached.axes[axis].items()}
    # A spread on a shelf is a coefficient of variation; the deviation of the logarithm was weighed.
    least, most_fit, most = (
        f"{rounded(100 * np.sqrt(np.expm1(s**2)))} %" for s in posterior.quantile(SPREAD)
    )
    people = (
        "Calibrated on ear:D1 and, with childhood, the four scales of ear:D3 "
        "(tools/calibrations/susceptibility.py), at the best values of all else; used, hence no evidence. "
    )
    said = {"basis": "computed", "source": "frisina_2016", "locator": "tools/calibrations/susceptibility.py"}
    return {
        f"{MEAN}.human": {
            "value": value, "low": low, "high": high, "shape": "lognormal", "subjects": most_fit, **said,
            "because": f"{people}Between people {least} to {most} fit. Age is in by norms that stop at 8 kHz; shifts "
            "go to 12. Linked to what brings cisplatin to the cells, which widens it; not to other numbers of injury.",
            "linked": {name: share for name, share in shares.items() if abs(share) >= FAINTEST},
        },
        f"{GRADIENT}.human": {
            **_ends(posterior, GRADIENT), **said,
            "because": f"{people}Steeper than in rodents: losses of people begin at the top.",
        },
        CHILD: {
            **_ends(posterior, CHILD), **said, "source": "clemens_2019",
            "because": f"{people}Straight in age; that the young lose more is built in, how much is not.",
        },
    }  # fmt: skip


def _ends(posterior: Posterior, name: str) -> dict[str, str]:
    """A number's median, 5 and 95 %."""
    low, value, high = (rounded(float(end)) for end in posterior.quantile(name))
    return {"value": value, "low": low, "high": high, "shape": "lognormal"}


def main() -> None:
    """Calibrate, print, and with ``--write`` put the row on its shelf."""
    # Shares of some hundred people move by steps, so slopes are taken over long ones.
    posterior = curved(priors(), misses, draws=100, step=0.4)
    proposed = rows(posterior)
    print(show(proposed))
    for name in priors():
        print(f"# {name}: 5, 50 and 95 %", posterior.quantile(name).round(3))
    for name, values in figures(posterior.values).items():
        print(f"# {name}: 5, 50 and 95 %", np.quantile(values, [0.05, 0.5, 0.95]).round(2))
    if "--write" in sys.argv[1:]:
        write(proposed)


if __name__ == "__main__":
    main()
