"""Noise and the cells it meets (mouse), weighed by ear:B9 and by the thresholds of ear:B10 at 100 and 106 dB.

What is known of both is words, read as follows (dB are means of a group; the error of such a mean, 3 dB, is
half of one reading's 6 dB and a laboratory's calibration of 2 to 3 dB):

- B9, 100 dB SPL for 2 h of 8-16 kHz: 35 to 50 dB at 24 h at high frequencies (16, 22.6, 32 kHz), beyond it
  3 dB; back at two weeks, that is within one 5 dB step at 11.3 to 32 kHz; synapses and wave I of the same
  frequencies down by up to 45 %, which is taken for the largest of the three, with 5 points for counts and
  8 for amplitudes.
- B10: 100 dB recovers at 11.3 kHz too; 106 dB keeps more than 20 dB there from day 3 to day 30.

Not used: 112 dB, and the counts after 106 dB. They are what the calibrated model predicts.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np

from otosome.catalog import get
from otosome.evidence import Parameter
from otosome.model import hearing
from otosome.model.injury import Cells
from otosome.model.transport import schedule
from otosome.roles import Ear, Exposure, Use
from otosome.units import Array, split
from tools.calibrations.ears import ear_of, fate
from tools.calibrations.weigh import (
    Posterior,
    Row,
    as_drawn,
    between,
    link,
    near,
    prior,
    rounded,
    row,
    shares,
    show,
    weigh,
    write,
)

SPECIES = "mouse"
CLEARANCE = "species.mouse.stress_clearance"
BAND = (8.0, 16.0)
FREQUENCY = np.array([11.3, 16.0, 22.6, 32.0])
DAYS = np.array([1.0, 3.0, 14.0, 30.0])
KNOTS = schedule([0.0, 2.0, *24.0 * DAYS[:-1]], 24.0 * DAYS[-1], first=0.2, growth=1.5, longest=12.0)
PLACES = np.linspace(0.2, 0.86, 23)

HIGH = list(enumerate(FREQUENCY))[1:]

# In this order each number is linked to those before it: outer hair cells and stress come first, so that what other
# insults share with noise is linked to little else. Each has 5 and 95 % of what was thought before any figure was
# used: two decades for what nobody measured, one for the rates of cells, whose effects are bounded by what is known
# of their timing.
FREE = {
    "cells.ohc.sensitivity": ("0.003 1/h", "0.03 1/h"),
    "cells.ohc.repair": ("0.003 1/h", "0.03 1/h"),
    "cells.ohc.silencing": ("0.005 1/h", "0.05 1/h"),
    "cells.ohc.death": ("0.008 1/h", "0.08 1/h"),
    "cells.ohc.hill": ("2 ", "8 "),
    CLEARANCE: ("0.01 1/h", "0.2 1/h"),
    "cells.synapse.sensitivity": ("0.0005 1/h", "0.008 1/h"),
    "cells.synapse.repair": ("0.0004 1/h", "0.02 1/h"),
    "cells.synapse.death": ("0.05 1/h", "0.5 1/h"),
    "cells.synapse.half_stress": ("0.1 ", "1 "),
    "insults.noise.irritation": ("0.025 1/h", "2.5 1/h"),
    "insults.noise.irritation_doubling": ("1.5 dB", "6 dB"),
    "insults.noise.ohc": ("0.1 1/h", "10 1/h"),
    "insults.noise.ohc_doubling": ("4 dB", "10 dB"),
    "insults.noise.synapse": ("0.03 1/h", "3 1/h"),
    "insults.noise.synapse_doubling": ("4 dB", "9 dB"),
}
# Drawn from their shelves, since they bear on the same figures and stay as they are. Half the deadly effect on
# outer hair cells sets the unit of stress and is not drawn.
OTHERS = (
    "insults.noise.upward", "insults.noise.width_below", "insults.noise.width_above",
    "cells.ohc.injured_function", "cells.ohc.susceptibility", "cells.ohc.anchor_shift", "cells.ohc.ceiling",
    "cells.synapse.injured_function", "cells.synapse.susceptibility",
    "cells.stria.injury", "cells.stria.gain", "cells.stria.recovery",
)  # fmt: skip


def priors() -> dict[str, Parameter]:
    """Every number that is drawn, with its prior."""
    free = {name: prior(name, SPECIES, *ends) for name, ends in FREE.items()}
    return free | {name: prior(name, SPECIES) for name in OTHERS}


def exposed(table: Mapping[str, Array], level: float) -> tuple[Ear, Cells]:
    """An ear and its cells at the days above, after two hours of a level in dB SPL."""
    ear = ear_of(SPECIES, PLACES)
    exposure = Exposure(KNOTS, {}, Use((0.0,), (2.0,), level=level, band=BAND))
    cells = fate(SPECIES, "noise", table, ear, exposure)
    return ear, cells.at(np.searchsorted(KNOTS, 24.0 * DAYS, side="right") - 1)


def figures(table: Mapping[str, Array], levels: tuple[float, ...] = (100.0, 106.0)) -> dict[str, Array]:
    """Shifts in dB and losses as shares, by name; days by frequencies, shape (draw, day, frequency)."""
    curve = get("endpoints", "wave1").card.profile("growth", SPECIES)
    found = {}
    for level in levels:
        ear, cells = exposed(table, level)
        found[f"shift {level:g}"] = hearing.shift(ear, cells, FREQUENCY)
        found[f"ohc {level:g}"] = 1.0 - hearing.heard(ear, cells.counted("ohc"), FREQUENCY)
        found[f"synapses {level:g}"] = 1.0 - hearing.heard(ear, cells.counted("synapse"), FREQUENCY)
        # At 80 dB recruitment makes up for the shift: afferents alone count.
        wave = hearing.wave1(
            ear, cells, FREQUENCY, np.array(80.0), curve["level"], curve["amplitude"], np.array(80.0)
        )
        found[f"wave 1 {level:g}"] = 1.0 - wave
    return found


def targets(table: Mapping[str, Array]) -> dict[str, Array]:
    """How well draws meet each figure named at the head of this file: log-likelihoods."""
    found = figures(table)
    low, high = found["shift 100"], found["shift 106"]
    day, week = 0, 2
    fits = {f"shift 100, day 1, {f:g} kHz": between(low[:, day, i], 35.0, 50.0, 3.0) for i, f in HIGH}
    fits |= {
        f"shift 100, day 14, {f:g} kHz": between(low[:, week, i], -np.inf, 5.0, 3.0)
        for i, f in enumerate(FREQUENCY)
    }
    fits["synapses 100"] = near(found["synapses 100"][:, week, 1:].max(axis=1), 0.45, 0.05)
    fits["wave 1 100"] = near(found["wave 1 100"][:, week, 1:].max(axis=1), 0.45, 0.08)
    later = {f"shift 106, day {d:g}": between(high[:, n, 0], 20.0, np.inf, 3.0) for n, d in enumerate(DAYS)}
    del later["shift 106, day 1"]
    return fits | later


def log_likelihood(table: Mapping[str, Array]) -> Array:
    """How well draws meet all of them."""
    return np.sum(list(targets(table).values()), axis=0)


def rows(posterior: Posterior) -> dict[str, Row]:
    """The rows the calibration proposes; other species clear stress as mice do, with a range half as wide again."""
    because = (
        "Calibrated on ear:B9 and, at 100 and 106 dB, the thresholds of ear:B10 (noise_ribbon_figure); used, hence no "
        "evidence. The model's own number: no assay reads it."
    )
    said = {"source": "fernandez_2015", "locator": "tools/calibrations/noise.py", "because": because}
    units = {name: ends[0].partition(" ")[2] for name, ends in FREE.items()}
    known = priors()
    linked = link(posterior, list(FREE))
    found = {name: row(linked, known[name], unit, **said) for name, unit in units.items()}
    mouse = {k: split(found[CLEARANCE][k])[0] for k in ("value", "low", "high")}
    share = np.log(mouse["high"] / mouse["low"]) / np.log(2.25 * mouse["high"] / mouse["low"])
    own = np.sqrt(1.0 - sum(part**2 for part in linked.shares[CLEARANCE].values()))
    whole = {**linked.shares[CLEARANCE], CLEARANCE: own}
    followed = {name: round(float(share * part), 2) for name, part in whole.items()}
    for species in ("guinea_pig", "rat", "human"):
        found[CLEARANCE.replace(SPECIES, species)] = {
            "value": found[CLEARANCE]["value"],
            "low": f"{rounded(mouse['low'] / 1.5)} 1/h",
            "high": f"{rounded(mouse['high'] * 1.5)} 1/h",
            "basis": "assumed",
            "scaled_from": SPECIES,
            "rule": "the mouse's, times a factor of its own; range half as wide again",
            "because": "Stress is the model's own quantity and has no assay; in the mouse it was calibrated on noise.",
            "linked": followed,
        }
    return found


def report(title: str, table: Mapping[str, Array]) -> None:
    """Every figure of the targets and of the predictions: median, 5 and 95 %."""
    found = figures(table, (100.0, 106.0, 112.0))
    print(f"\n{title}: median, 5 and 95 %")
    for name, values in found.items():
        for d, day in enumerate(DAYS):
            ends = np.quantile(values[:, d], [0.5, 0.05, 0.95], axis=0).T
            cells = (
                f"{k:g} kHz {m:.2f} ({a:.2f} to {b:.2f})"
                for k, (m, a, b) in zip(FREQUENCY, ends, strict=True)
            )
            print(f"{name}, day {day:g}:", "; ".join(cells))


def main() -> None:
    """Calibrate, print, and with ``--write`` put the rows on their shelves."""
    known = priors()
    posterior = weigh(known, log_likelihood)
    proposed = rows(posterior)
    print(show(proposed))
    print(f"# {len(next(iter(posterior.values.values())))} draws of {posterior.ancestors} ancestors")
    report("as calibrated", posterior.values)
    drawn = as_drawn(known, proposed)
    report("as shelves draw the rows", drawn)
    print(shares(targets(posterior.values), targets(drawn)))
    if "--write" in sys.argv[1:]:
        write(proposed)


if __name__ == "__main__":
    main()
