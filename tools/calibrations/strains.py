"""CBA/JRj mice and noise: means and spread of thresholds after 100, 103 and 105 dB, weighed together.

Figures are of the thresholds of cba_jrj_2021 (8-16 kHz noise for two hours; 24 h and two weeks later; mean of 12, 16
and 24 kHz): mean shift, and standard deviation between animals, readings included. ``tools/spread.py`` computes them
from the tables. After 105 dB animals are nearly all alike: the shift saturates, and stays. Of the variance a day after
103 dB 0.7 lies between exposure runs, which are known by ids whose suffix restarts (an inference; in these data level,
experimenter and cohort are one).

Animals of a draw are the same points of run, animal, susceptibility and place in every draw, so that draws are
compared and not their animals. The strain's numbers are linked to each other and to no other.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import tomli_w
from scipy.special import ndtri
from scipy.stats import qmc

from otosome.catalog import SHIPPED
from otosome.evidence import Parameter
from otosome.model import hearing
from otosome.model.transport import schedule
from otosome.roles import Exposure, Use
from otosome.units import Array
from tools.calibrations.ears import ear_of, fate
from tools.calibrations.noise import BAND, FREE, OTHERS, SPECIES
from tools.calibrations.weigh import FAINTEST, Z95, Posterior, between, link, near, prior, rounded, weigh

FREQUENCY = np.array([12.0, 16.0, 24.0])
DAYS = np.array([1.0, 14.0])
KNOTS = schedule([0.0, 2.0, 24.0], 24.0 * DAYS[-1], first=0.3, growth=1.6, longest=24.0)
PLACES = np.linspace(0.3, 0.8, 11)
# By level: mean shift, and standard deviation of thresholds between animals, a day and two weeks later, dB.
MEAN = {100.0: (46.3, 20.0), 103.0: (51.0, 38.3), 105.0: (52.0, 44.0)}
SPREAD = {100.0: (14.5, 19.8), 103.0: (18.2, 23.2), 105.0: (3.8, 5.9)}
BETWEEN_RUNS = 0.7
# What an ear's own offset and a reading on the 5 dB grid add.
OFFSET, READING = 2.4, 3.9
SPREADS = {
    "run": (1.8, 0.9, 3.6),
    "animal": (1.2, 0.6, 2.4),
    "own": (0.35, 0.15, 0.8),
    "place": (0.2, 0.15, 0.27),
}
# An injured cell may do more of its work, and recover sooner, than the shelf has it: animals that hardly lost hearing
# in a day say so.
INJURED, REPAIR = "cells.ohc.injured_function", "cells.ohc.repair"
SUSCEPTIBILITY, SPARED, DIRECT = (
    "insults.noise.susceptibility",
    "cells.synapse.spared",
    "cells.ohc.half_stress",
)
# What the strain states: numbers that these figures move.
STRAIN = (*FREE, *OTHERS, DIRECT, SUSCEPTIBILITY, SPARED)
# One susceptibility stands for what differs between animals, and not three frailties.
FRAIL = ("cells.ohc.susceptibility", "cells.synapse.susceptibility")
# How much of the spread of draws is stated: the posterior is bent, and a normal one as wide lies outside it.
STATED = 0.2
# As drawn again the middle of a bent posterior lies a little low: animals after 100 dB lose too little.
LIFT = 1.08
BECAUSE = (
    "Weighed by means and spread of thresholds after 100, 103 and 105 dB (tools/calibrations/strains.py); used, hence "
    "no evidence."
)
ANIMALS = 32
_POINTS = ndtri(qmc.Sobol(4, seed=2).random(ANIMALS))
_RNG = np.random.default_rng(5)
_OFFSETS, _READINGS = _RNG.standard_normal((ANIMALS, 1, 1)), _RNG.standard_normal((ANIMALS, 2, 3))


def priors() -> dict[str, Parameter]:
    """Every number that is drawn, with its prior, and the spreads between runs and animals."""
    names = (*FREE, *OTHERS, DIRECT, SUSCEPTIBILITY, SPARED)
    known = {name: replace(prior(name, SPECIES), subjects=0.0) for name in names}
    known[INJURED] = prior(INJURED, SPECIES, "0.2 ", "0.6 ")
    known[REPAIR] = prior(REPAIR, SPECIES, *FREE[REPAIR])
    spreads = {
        name: Parameter(name, "spread", middle, "", low, high, "lognormal", "assumed", str(middle))
        for name, (middle, low, high) in SPREADS.items()
    }
    return known | spreads


def shifts(table: Mapping[str, Array], level: float) -> Array:
    """Shift in dB of each draw's animals, shape (draw, animal, day, frequency)."""
    draws = table["run"].size
    wide = {name: np.repeat(column, ANIMALS) for name, column in table.items()}
    run, animal, own, place = np.tile(_POINTS, (draws, 1)).T
    off = wide.pop("run") * run + wide.pop("animal") * animal
    wide[SUSCEPTIBILITY] = wide[SUSCEPTIBILITY] * np.exp(wide.pop("own") * own)
    wide["insults.noise.upward"] = wide["insults.noise.upward"] + wide.pop("place") * place
    exposure = Exposure(KNOTS, {}, Use((0.0,), (2.0,), level=level, band=BAND))
    ear = ear_of(SPECIES, PLACES)
    cells = fate(SPECIES, "noise", wide | {"insults.noise.received": off}, ear, exposure)
    after = cells.at(np.searchsorted(KNOTS, 24.0 * DAYS, side="right") - 1)
    found = hearing.shift(ear, after, FREQUENCY)
    return found.reshape(draws, ANIMALS, *found.shape[1:])


def figures(table: Mapping[str, Array]) -> dict[float, tuple[Array, Array]]:
    """By level: mean shift, and standard deviation between animals as read, dB, each (draw, day)."""
    found = {}
    for level in MEAN:
        shift = shifts(table, level)
        read = shift + OFFSET * _OFFSETS + READING * _READINGS
        found[level] = shift.mean(axis=(1, 3)), read.std(axis=1, ddof=1).mean(axis=-1)
    return found


def between_runs(table: Mapping[str, Array]) -> Array:
    """Share of the animals' spread in what stresses them that lies between runs, shape (draw,)."""
    own = table["own"] * table["insults.noise.irritation_doubling"] / np.log(2.0)
    run = table["run"] ** 2
    found: Array = run / (run + table["animal"] ** 2 + own**2)
    return found


def log_likelihood(table: Mapping[str, Array]) -> Array:
    """How well draws meet all figures."""
    fit = near(between_runs(table), BETWEEN_RUNS, 0.08)
    for level, (mean, spread) in figures(table).items():
        for day in range(2):
            fit = fit + near(mean[:, day], MEAN[level][day], 6.0 if day == 0 else 2.5)
            if level == 105.0:
                fit = fit + between(spread[:, day], 0.0, SPREAD[level][day] + 0.5, 0.3)
            else:
                fit = fit + near(np.log(spread[:, day]), np.log(SPREAD[level][day]), 0.08)
    return fit


def rows(posterior: Posterior) -> dict[str, dict[str, object]]:
    """What the strain states of each number."""
    units = {name: prior(name, SPECIES).unit for name in STRAIN}
    own = replace(posterior, deviates={name: posterior.deviates[name] for name in STRAIN})
    linked = link(own, list(STRAIN), own=STATED)
    found: dict[str, dict[str, object]] = {}
    for name, unit in units.items():
        lift = LIFT if name == SUSCEPTIBILITY else 1.0
        ends = lift * np.exp(linked.middle[name] + Z95 * linked.spread[name] * np.array([0.0, -1.0, 1.0]))
        texts = [f"{rounded(float(end), 3)} {unit}".strip() for end in ends]
        parts = {other: round(float(share), 2) for other, share in linked.shares[name].items()}
        found[name] = {
            **dict(zip(("value", "low", "high"), texts, strict=True)),
            "shape": "lognormal",
            "basis": "computed",
            "source": "cba_jrj_2021",
            "because": BECAUSE,
            "linked": {other: share for other, share in parts.items() if abs(share) >= FAINTEST},
        }
    middle = {name: float(np.median(posterior.values[name])) for name in SPREADS}
    for name in FRAIL:
        found[name]["subjects"] = 0.0
    found[SUSCEPTIBILITY]["subjects"] = round(middle["own"], 2)
    found["insults.noise.received"] = {
        "value": "0 dB",
        "runs": round(middle["run"], 2),
        "subjects": round(middle["animal"], 2),
        "additive": True,
        "basis": "computed",
        "source": "cba_jrj_2021",
        "because": f"{BECAUSE} Of the spread {BETWEEN_RUNS} lies between runs.",
    }
    return found


def report(table: Mapping[str, Array]) -> str:
    """Each figure: 5, 50 and 95 % of draws, with what was measured."""
    lines = [f"between runs {np.median(between_runs(table)):.2f} ({BETWEEN_RUNS})"]
    for level, (mean, spread) in figures(table).items():
        for day in range(2):
            for name, values, wanted in (("mean", mean, MEAN), ("spread", spread, SPREAD)):
                ends = np.quantile(values[:, day], [0.5, 0.05, 0.95])
                said = "{:.1f} ({:.1f} to {:.1f})".format(*ends)
                lines.append(
                    f"{level:g} dB, day {DAYS[day]:g}, {name}: {said}, measured {wanted[level][day]}"
                )
    return "\n".join(lines)


def write(found: Mapping[str, Mapping[str, object]], file: Path) -> None:
    """Put the numbers in the strain's file, after all that is not a number of these."""
    stated = tomllib.loads(file.read_text(encoding="utf-8"))
    stated["numbers"] = stated.get("numbers", {}) | {name: dict(row) for name, row in found.items()}
    file.write_text(tomli_w.dumps(stated), encoding="utf-8")


def main() -> None:
    """Weigh, print, and with ``--write`` put the numbers in the strain's file."""
    posterior = weigh(priors(), log_likelihood, draws=150, moves=5, last=10)
    print(f"{posterior.ancestors} ancestors\n{report(posterior.values)}")
    for name in priors():
        print(name, posterior.quantile(name).round(4).tolist())
    if "--write" in sys.argv[1:]:
        write(rows(posterior), SHIPPED / "strains" / "cba_jrj.toml")


if __name__ == "__main__":
    main()
