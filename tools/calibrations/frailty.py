"""How much reactive platinum it takes to harm people, and how much they differ in it, weighed by ear:D1.

Of 488 men who survived a germ-cell tumour on 200 to 800 mg/m2 (median 400; here 200, 400, 600 and 800 in shares of
0.2, 0.5, 0.2 and 0.1, in cycles of 100 mg/m2 every three weeks): 3.2 dB more in the mean of 4 to 12 kHz for every
100 mg/m2, age taken out (P < .001, so an error of 0.9 dB at most); odds of a worse ASHA class above 300 mg/m2 1.59
times those below (P = .0066, so an error of 0.17 of its logarithm); 18 % severe to profound (1.7 points by the
count, 5 with what follows).

Age is in: men of 25 to 50 years arrive with the hearing of ISO 7029, spread included, and the shift is added to
it as that of noise is. Its norms stop at 8 kHz, so the mean here is of 4 to 8 kHz and a class goes by the worst of
them: the classes' limits, 40 dB for more than mild and 70 dB for severe, are read from those frequencies alone,
which is why the share of severe loss gets 5 points. What cisplatin does to a person at a given
half-effect is that of the best values of all else; what reaches the cells is drawn, and the half-effect with it.

The spread is one of half-effect platinum and not of the cells' frailty: frailty alone, however large, costs no one
more than some 30 dB at 800 mg/m2, since cells die of stress, and so nobody would be deaf.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from otosome.catalog import get
from otosome.evidence import Parameter
from otosome.model import hearing
from otosome.roles import Exposure, Use
from otosome.shelves.populations.otologically_normal import age_median, age_spread
from otosome.units import Array
from tools.calibrations.ears import best, carried, ear_of, fate, reach
from tools.calibrations.weigh import FAINTEST, Z95, Posterior, Row, near, prior, rounded, show, weigh, write

SPECIES = "human"
MEAN, SPREAD = "insults.cisplatin.ec50", "spread"
FREQUENCY = np.array([4.0, 6.0, 8.0])
WEEKS = 168.0
CYCLES = np.array([2, 4, 6, 8])
DOSES, SHARES = 100.0 * CYCLES, np.array([0.2, 0.5, 0.2, 0.1])
HALF = np.geomspace(0.003, 30.0, 97)
# People: half-effect by quantile, and by age and standing among those of that age.
PEOPLE = ndtri((np.arange(200) + 0.5) / 200)
AGES = (25.0, 37.5, 50.0)
STANDING = ndtri((np.arange(9) + 0.5) / 9)


def priors() -> dict[str, Parameter]:
    """Median half-effect platinum, and the standard deviation of its logarithm between people."""
    mean = prior(MEAN, SPECIES, "0.05 uM", "5 uM")
    spread = Parameter(SPREAD, "of its logarithm", 0.63, "", 0.2, 2.0, "lognormal", "assumed", "0.63")
    return {MEAN: mean, SPREAD: spread}


@lru_cache
def shifts() -> Array:
    """Shift in dB of a person by half-effect platinum, dose and frequency."""
    ear = ear_of(SPECIES, np.linspace(0.0, 0.45, 16))
    surface = best(SPECIES, "species")["species.human.mass_per_surface"][0]
    times = [3 * WEEKS * cycle for cycle in range(CYCLES[-1])]
    ends = 3 * WEEKS * CYCLES
    route = ("cisplatin", "intravenous", 1e5 / surface, times, ends[-1])
    knots, drug = carried(SPECIES, *route, ear, duration=2.0)
    cells = fate(
        SPECIES, "cisplatin", {MEAN: HALF}, ear, Exposure(knots, drug, Use((0.0,), (0.0,))), strial=False
    )
    found: Array = hearing.shift(ear, cells.at(np.searchsorted(knots, ends, side="left")), FREQUENCY)
    return found


@lru_cache
def arrived() -> Array:
    """Hearing level men arrive with, dB HL, by person and frequency."""
    table = get("populations", "otologically_normal").card.profile("male", SPECIES)
    found = []
    for age in AGES:
        years = np.array(age - 18.0)
        lower, upper = (age_spread(table, years, side) for side in ("lower", "upper"))
        for deviate in STANDING:
            level = age_median(table, years) + deviate * (lower if deviate < 0 else upper)
            found.append(np.interp(np.log2(FREQUENCY), np.log2(table["frequency"]), level))
    return np.array(found)


def figures(table: Mapping[str, Array]) -> dict[str, Array]:
    """Slope in dB per 100 mg/m2, logarithm of the odds, and share of severe loss, shape (draw,)."""
    limit = best(SPECIES, "cells")["cells.ohc.limit"][0]
    found = [_of_people(m, s, limit) for m, s in zip(table[MEAN], table[SPREAD], strict=True)]
    return dict(zip(("slope", "odds", "severe"), np.array(found).T, strict=True))


def _of_people(median: float, spread: float, limit: float) -> tuple[float, float, float]:
    half = np.log(median) + spread * PEOPLE
    grid = shifts().reshape(HALF.size, -1)
    shift = np.array([np.interp(half, np.log(HALF), column) for column in grid.T])
    shift = shift.T.reshape(PEOPLE.size, CYCLES.size, FREQUENCY.size)
    level = hearing.together(limit, arrived()[None, :, None, :], shift[:, None])
    worst = level.max(axis=-1)
    mean = shift.mean(axis=(0, 2))
    off = DOSES - SHARES @ DOSES
    slope = 100.0 * float((SHARES * off) @ mean / (SHARES @ off**2))
    worse = (worst > 40.0).mean(axis=(0, 1))
    above = float(SHARES[1:] @ worse[1:] / SHARES[1:].sum())
    few = 1.0 / 488
    low, high = (np.clip(p, few, 1.0 - few) for p in (float(worse[0]), above))
    odds = float(np.log(high / (1.0 - high)) - np.log(low / (1.0 - low)))
    return slope, odds, float(SHARES @ (worst > 70.0).mean(axis=(0, 1)))


def log_likelihood(table: Mapping[str, Array]) -> Array:
    """How well draws meet the three figures."""
    found = figures(table)
    fit = near(found["slope"], 3.2, 0.9) + near(found["odds"], np.log(1.59), 0.17)
    return fit + near(found["severe"], 0.18, 0.05)


def rows(posterior: Posterior) -> dict[str, Row]:
    """The row the calibration proposes: as much more of platinum as reaches the cells does the same harm."""
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
    return {
        f"{MEAN}.human": {
            "value": value, "low": low, "high": high, "shape": "lognormal", "subjects": most_fit, "basis": "computed",
            "source": "frisina_2016", "locator": "tools/calibrations/frailty.py",
            "because": "Calibrated on ear:D1 at the best values of all else; used, hence no evidence. Between people "
            f"{least} to {most} fit. Age is in by norms that stop at 8 kHz; the figures go to 12. Linked to what "
            "brings cisplatin to the cells, which widens it; not to the other numbers of harm.",
            "linked": {name: share for name, share in shares.items() if abs(share) >= FAINTEST},
        }
    }  # fmt: skip


def main() -> None:
    """Calibrate, print, and with ``--write`` put the row on its shelf."""
    posterior = weigh(priors(), log_likelihood)
    proposed = rows(posterior)
    print(show(proposed))
    print(f"# {posterior.values[MEAN].size} draws of {posterior.ancestors} ancestors")
    for name, values in figures(posterior.values).items():
        print(f"# {name}: 5, 50 and 95 %", np.quantile(values, [0.05, 0.5, 0.95]).round(2))
    if "--write" in sys.argv[1:]:
        write(proposed)


if __name__ == "__main__":
    main()
