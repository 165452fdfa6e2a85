"""Cisplatin in laboratory animals, weighed by ear:B4 (mouse) and one dose in guinea pigs.

B4 gives words for 22 to 23 CBA/CaJ mice: three cycles of four daily injections and ten days of rest (3.5 mg/kg a
day is unverified); nothing much after cycle 1, high frequencies after cycle 2, all after cycle 3; outer hair
cells lost mainly at the base, inner ones largely spared. Read as inequalities, at 8 to 32 kHz, at the end of
each rest. Two steps of the 5 dB grid are nothing much, three are a loss; beyond them 3 dB, a laboratory's
calibration, since the mean of 22 mice has little error of its own:

- cycle 1: at most 10 dB everywhere;  cycle 2: at least 15 dB at 32 kHz and at most 10 dB at 8 kHz;
- cycle 3: at least 15 dB everywhere, and no more than 60 dB, since the curves were still read;
- outer hair cells: at most half the loss at 8 kHz that there is at 32 kHz, where it is at least a quarter (10
  points of a count); inner hair cells: at most a tenth is lost anywhere (5 points).

Guinea pigs, 12 mg/kg once (cisplatin_models_2021): partial loss of outer hair cells throughout. Read as 20 to
80 % in the basal third and 2 to 50 % in the apical third, each with 5 points.

Cochlear platinum stays for months, which the half-life of bound platinum has. How much cisplatin is around the
cells is not known either: its course is that of the best ears, its amount is drawn with the numbers of transport, which
keep what their shelves say. The numbers found hang on them, and on those of the cells: the links of their rows.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from otosome.evidence import Parameter
from otosome.model import hearing
from otosome.model.injury import Cells
from otosome.roles import Ear, Exposure, Use
from otosome.units import Array
from tools.calibrations.ears import Reach, carried, ear_of, fate, reach
from tools.calibrations.weigh import (
    Posterior,
    Row,
    as_drawn,
    between,
    centred,
    link,
    prior,
    row,
    shares,
    show,
    weigh,
    write,
)

SPECIES = "mouse"
FREQUENCY = np.array([8.0, 11.3, 16.0, 22.6, 32.0])
DAY = 24.0
CYCLES = DAY * np.array([14.0, 28.0, 42.0])
STUDIES = {
    "mouse": (3500.0, [DAY * (14 * cycle + day) for cycle in range(3) for day in range(4)], CYCLES[-1]),
    "guinea_pig": (12000.0, [0.0], DAY * 28),
}
PLACES = {"mouse": np.linspace(0.27, 0.89, 14), "guinea_pig": np.linspace(0.05, 0.95, 7)}

# 5 and 95 % of what was thought before any figure was used.
FREE = {
    "insults.cisplatin.ec50": ("0.05 uM", "5 uM"),
    "insults.cisplatin.gradient": ("0.5 ", "5 "),
    "insults.cisplatin.reserve": ("0.3 uM", "30 uM"),
    "insults.cisplatin.hill": ("1 ", "6 "),
    "insults.cisplatin.irritation": ("0.02 1/h", "2 1/h"),
    "insults.cisplatin.reactive_half_life": ("12 h", "48 h"),
    "insults.cisplatin.ohc": ("0.003 1/h", "0.3 1/h"),
}
# The posterior is bent (little separates a dose that spares from one that ruins): under links of its full width some
# 60 % of draws meet a target, under half of it some 70 %.
OWN = 0.5
# What counts platinum, and so is known only against what reaches the cells.
PLATINUM = ("insults.cisplatin.ec50", "insults.cisplatin.reserve")
# Drawn from their shelves: they bear on the same figures, and stay as they are.
OTHERS = (
    "insults.cisplatin.ihc",
    "cells.ohc.sensitivity", "cells.ohc.repair", "cells.ohc.silencing", "cells.ohc.death", "cells.ohc.hill",
    "cells.ohc.silent_death", "cells.ohc.injured_function", "cells.ohc.susceptibility", "cells.ohc.anchor_shift",
    "cells.ihc.sensitivity", "cells.stria.injury", "cells.stria.gain", "cells.stria.recovery",
    "species.mouse.stress_clearance", "species.guinea_pig.stress_clearance",
)  # fmt: skip


def priors() -> dict[str, Parameter]:
    """Every number that is drawn, with its prior."""
    free = {name: prior(name, SPECIES, *ends) for name, ends in FREE.items()}
    return free | {name: prior(name, SPECIES) for name in OTHERS} | reached().priors()


@lru_cache
def reached() -> Reach:
    """How much cisplatin reaches the cells, drawn with the numbers of transport; computed once."""
    return reach("cisplatin", dict.fromkeys(STUDIES, "intraperitoneal"))


@lru_cache
def drugged(species: str) -> tuple[Ear, Exposure]:
    """The best ear of a species and the cisplatin in it through its study; computed once."""
    ear = ear_of(species, PLACES[species])
    dose, times, stop = STUDIES[species]
    knots, drug = carried(species, "cisplatin", "intraperitoneal", dose, times, stop, ear)
    return ear, Exposure(knots, drug, Use((0.0,), (0.0,)))


def treated(species: str, table: Mapping[str, Array]) -> tuple[Ear, Cells]:
    """An ear and its cells after its study, in the mouse after each cycle, just before the next."""
    ear, exposure = drugged(species)
    factor = reached().factor(species, table)[:, None, None]
    drug = {need: factor * c for need, c in exposure.concentration.items()}
    exposure = replace(exposure, concentration=drug)
    cells = fate(species, "cisplatin", table, ear, exposure)
    ends = CYCLES if species == "mouse" else exposure.knots[-1:]
    return ear, cells.at(np.searchsorted(exposure.knots, ends, side="left"))


def figures(table: Mapping[str, Array]) -> dict[str, Array]:
    """Shifts in dB by cycle and frequency; cells lost as shares, in guinea pigs by third, base first."""
    ear, cells = treated("mouse", table)
    shift, lost = (
        hearing.shift(ear, cells, FREQUENCY),
        1.0 - hearing.heard(ear, cells.counted("ohc"), FREQUENCY),
    )
    found = {f"mouse, cycle {n + 1}, shift": shift[:, n] for n in range(3)}
    found["mouse, cycle 3, OHC lost"] = lost[:, 2]
    found["mouse, cycle 3, IHC lost at most"] = 1.0 - cells.counted("ihc")[:, 2].min(axis=1, keepdims=True)
    ear, cells = treated("guinea_pig", table)
    thirds = np.array_split(1.0 - cells.counted("ohc")[:, 0], 3, axis=1)
    found["guinea pig, OHC lost by third"] = np.stack([third.mean(axis=1) for third in thirds], axis=1)
    return found


def targets(table: Mapping[str, Array]) -> dict[str, Array]:
    """How well draws meet each target at the head of this file: log-likelihoods."""
    found = figures(table)
    one, two, three = (found[f"mouse, cycle {n}, shift"] for n in (1, 2, 3))
    outer = found["mouse, cycle 3, OHC lost"]
    thirds = found["guinea pig, OHC lost by third"]
    fits = {f"cycle 1, {f:g} kHz": between(one[:, i], -np.inf, 10.0, 3.0) for i, f in enumerate(FREQUENCY)}
    fits["cycle 2, 32 kHz"] = between(two[:, -1], 15.0, np.inf, 3.0)
    fits["cycle 2, 8 kHz"] = between(two[:, 0], -np.inf, 10.0, 3.0)
    fits |= {f"cycle 3, {f:g} kHz": between(three[:, i], 15.0, 60.0, 3.0) for i, f in enumerate(FREQUENCY)}
    return fits | {
        "OHC at 32 kHz": between(outer[:, -1], 0.25, 1.0, 0.1),
        "OHC at 8 kHz": between(outer[:, 0] - 0.5 * outer[:, -1], -1.0, 0.0, 0.1),
        "IHC": between(found["mouse, cycle 3, IHC lost at most"][:, 0], 0.0, 0.1, 0.05),
        "guinea pig, basal OHC": between(thirds[:, 0], 0.2, 0.8, 0.05),
        "guinea pig, apical OHC": between(thirds[:, 2], 0.02, 0.5, 0.05),
    }


def absolute(table: Mapping[str, Array]) -> dict[str, Array]:
    """The two numbers that count platinum, with what reaches the mouse's cells.

    Transport is linear: as much more of both as reaches the cells injures as much. So they are weighed against it,
    and only what reaches a guinea pig more than a mouse has to be found.
    """
    factor = reached().factor(SPECIES, table) / np.exp(reached().middle[SPECIES])
    return {**table, **{name: factor * table[name] for name in PLATINUM}}


def log_likelihood(table: Mapping[str, Array]) -> Array:
    """How well draws meet all targets; platinum is relative to what reaches the mouse's cells."""
    return np.sum(list(targets(absolute(table)).values()), axis=0)


def rows(posterior: Posterior) -> dict[str, Row]:
    """The rows the calibration proposes."""
    because = (
        "Calibrated on ear:B4, and on the partial loss after 12 mg/kg in guinea pigs (cisplatin_models_2021); used, "
        "hence no evidence. The model's own number: no assay reads it. Half of what is left of its spread "
        "beside its links is kept, as the posterior is bent."
    )
    said = {"source": "breglio_2017", "locator": "tools/calibrations/cisplatin.py", "because": because}
    units = {name: ends[0].partition(" ")[2] for name, ends in FREE.items()}
    known = priors()
    beside = {name: np.array([p.value]) for name, p in known.items() if name not in FREE}
    linked = centred(
        link(posterior, list(FREE), reached().axes, OWN),
        lambda free: np.sum(list(targets(beside | dict(free)).values()), axis=0),
    )
    return {name: row(linked, known[name], unit, **said) for name, unit in units.items()}


def report(title: str, table: Mapping[str, Array]) -> None:
    """Every figure of the targets: median, 5 and 95 %."""
    print(f"\n{title}: median, 5 and 95 %; mice at {', '.join(f'{f:g}' for f in FREQUENCY)} kHz")
    for name, values in figures(table).items():
        ends = np.quantile(values, [0.5, 0.05, 0.95], axis=0).T
        print(f"{name}:", "; ".join(f"{m:.2f} ({a:.2f} to {b:.2f})" for m, a, b in ends))


def main() -> None:
    """Calibrate, print, and with ``--write`` put the rows on their shelves."""
    known = priors()
    posterior = weigh(known, log_likelihood, draws=1600)
    posterior = replace(posterior, values=absolute(posterior.values))
    proposed = rows(posterior)
    print(show(proposed))
    print(f"# {len(next(iter(posterior.values.values())))} draws of {posterior.ancestors} ancestors")
    report("as calibrated", posterior.values)
    for species, share in reached().share.items():
        print(
            f"# of the variance of the logarithm of what reaches the {species}'s cells the plane has {share:.3f}"
        )
    drawn = as_drawn(known, proposed, axes=reached().axes)
    report("as shelves draw the rows", drawn)
    print(shares(targets(posterior.values), targets(drawn)))
    if "--write" in sys.argv[1:]:
        write(proposed)


if __name__ == "__main__":
    main()
