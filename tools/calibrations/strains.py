"""CBA/JRj mice and noise: means and spread of thresholds after 100, 103 and 105 dB, met together.

Figures are of the thresholds of cba_jrj_2021 (8-16 kHz noise for two hours; 24 h and two weeks later; mean of 12, 16
and 24 kHz): mean shift, and standard deviation between animals, readings included. ``tools/spread.py`` computes them
from the tables. Of the variance a day after 103 dB 0.7 lies between exposure runs, which are known by ids whose suffix
restarts (an inference; in these data level, experimenter and cohort are one). The tables have six runs at 100 dB, five
at 103 and three at 105: every figure is computed in as many simulated runs, over and over, since the spread of three
runs is mostly smaller than that of many, and their mean mostly that of runs which nothing shades. After 105 dB animals
are nearly all alike: the shift saturates, and stays.

Animals of a draw are the same points of run, animal, susceptibility and place in every draw, so that draws are
compared and not their animals. The numbers are the most probable ones by least squares (``weigh.curved``). The
strain's numbers are linked to each other and to no other.
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

from otosome.catalog import SHIPPED, get
from otosome.evidence import Parameter
from otosome.model import hearing
from otosome.model.injury import Cells
from otosome.model.transport import schedule
from otosome.roles import Ear, Exposure, Use
from otosome.units import Array, Decibels, DecibelsSPL
from tools.calibrations.ears import ear_of, fate
from tools.calibrations.weigh import FAINTEST, Z95, Posterior, Row, as_drawn, curved, link, prior, rounded

SPECIES = "mouse"
BAND = (8.0, 16.0)
# Numbers that noise gave in CBA/CaJ mice (fits/noise_mouse), and others that bear on the same figures.
NOISE = (
    "cells.ohc.sensitivity",
    "cells.ohc.repair",
    "cells.ohc.silencing",
    "cells.ohc.death",
    "cells.ohc.hill",
    "species.mouse.stress_clearance",
    "cells.synapse.sensitivity",
    "cells.synapse.repair",
    "cells.synapse.death",
    "cells.synapse.half_stress",
    "insults.noise.irritation",
    "insults.noise.irritation_doubling",
    "insults.noise.ohc",
    "insults.noise.ohc_doubling",
    "insults.noise.synapse",
    "insults.noise.synapse_doubling",
)
BESIDE = (
    "insults.noise.upward", "insults.noise.width_below", "insults.noise.width_above",
    "cells.ohc.injured_function", "cells.ohc.susceptibility", "cells.ohc.anchor_shift", "cells.ohc.ceiling",
    "cells.synapse.injured_function", "cells.synapse.susceptibility",
    "cells.stria.injury", "cells.stria.gain", "cells.stria.recovery",
)  # fmt: skip
FREQUENCY = np.array([12.0, 16.0, 24.0])
DAYS = np.array([1.0, 14.0])
KNOTS = schedule([0.0, 2.0, 24.0], 24.0 * DAYS[-1], first=0.3, growth=1.6, longest=24.0)
PLACES = np.linspace(0.3, 0.8, 11)
# By level: mean shift, and standard deviation of thresholds between animals, a day and two weeks later, dB.
MEAN = {100.0: (46.3, 20.0), 103.0: (51.0, 38.3), 105.0: (52.0, 44.0)}
SPREAD = {100.0: (14.5, 19.8), 103.0: (18.2, 23.2), 105.0: (3.8, 5.9)}
RUNS_READ = {100.0: 6, 103.0: 5, 105.0: 3}
BETWEEN_RUNS = 0.7
# How far each may be missed: means in dB, spreads in parts. A day later fewer animals fix the mean; after 105 dB, where
# all are alike, few fix it well (3.8 dB over the root of 14 animals).
OFF_MEAN = {100.0: (4.0, 3.0), 103.0: (3.0, 2.5), 105.0: (1.0, 1.0)}
OFF_SPREAD = {100.0: 0.15, 103.0: 0.06, 105.0: 0.11}
# First wave of the middle animal a day later at 16 kHz and 80 dB SPL, of before, and how far its logarithm may be
# missed. After 103 dB it is 0.73 of its own baseline and 0.23 of the other groups': between the two.
WAVE = {100.0: (0.70, 0.4), 103.0: (0.41, 0.6), 105.0: (0.08, 0.35)}
LOUD = 80.0
OFF_BETWEEN = 0.1
SPREADS = {
    "shading": (1.2, 0.5, 2.9),
    "runs": (1.4, 1.0, 2.0),
    "animal": (1.2, 0.6, 2.4),
    "own": (0.35, 0.15, 0.8),
    "place": (0.2, 0.15, 0.27),
}
# An injured cell may do more of its work, recover sooner, and the stria suffer more, than the shelf has it: animals
# that hardly lost hearing in a day say so.
WIDER = {
    "cells.ohc.injured_function": ("0.05 ", "0.6 "),
    "cells.ohc.repair": ("0.003 1/h", "0.03 1/h"),
    "cells.stria.injury": ("0.003 1/h", "0.1 1/h"),
}
SUSCEPTIBILITY = "insults.noise.susceptibility"
# What the strain states: numbers that these figures move.
STRAIN = (
    *NOISE, *BESIDE, "cells.ohc.half_stress", SUSCEPTIBILITY, "cells.synapse.spared", "cells.stria.ceiling",
    "cells.stria.inner_share",
)  # fmt: skip
# One susceptibility stands for what differs between animals, and not three.
FRAIL = ("cells.ohc.susceptibility", "cells.synapse.susceptibility")
# How much of the spread of draws is stated: the posterior is bent, and a normal one as wide lies outside it.
STATED = 0.2
BECAUSE = (
    "Fitted to means and spread of thresholds after 100, 103 and 105 dB (tools/calibrations/strains.py); used, hence "
    "no evidence."
)
RUNS, EACH = 40, 3
ANIMALS = RUNS * EACH
TRIES = 400


def _points() -> Array:
    """Points of run, animal, susceptibility and place of mean 0 and variance 1, shape (animal, 4)."""
    runs = ndtri((np.arange(RUNS) + 0.5) / RUNS)
    own = ndtri(qmc.Sobol(3, seed=3).random(128))[:ANIMALS]
    both = np.column_stack([np.repeat(runs, EACH), own])
    found: Array = (both - both.mean(axis=0)) / both.std(axis=0)
    return found


_POINTS = _points()
_RNG = np.random.default_rng(5)
_CHOSEN = {
    level: [_RNG.choice(RUNS, runs, replace=False) for _ in range(TRIES)] for level, runs in RUNS_READ.items()
}


def priors() -> dict[str, Parameter]:
    """Every number that is drawn, with its prior, and the spreads between runs and animals."""
    known = {name: prior(name, SPECIES, *WIDER.get(name, ())) for name in STRAIN}
    spreads = {
        name: Parameter(name, "spread", middle, "", low, high, "lognormal", "assumed", str(middle))
        for name, (middle, low, high) in SPREADS.items()
    }
    return {name: replace(p, subjects=0.0, linked=()) for name, p in (known | spreads).items()}


def heard(table: Mapping[str, Array], level: float) -> tuple[Decibels, Array]:
    """Shift in dB of each draw's animals, shape (draw, animal, day, frequency), and their first wave a day later."""
    draws = table["runs"].size
    wide = {name: np.repeat(column, ANIMALS) for name, column in table.items()}
    run, animal, own, place = np.tile(_POINTS, (draws, 1)).T
    off = {
        "insults.noise.received": wide.pop("animal") * animal,
        "insults.noise.shading": wide.pop("shading") * np.exp(wide.pop("runs") * run),
    }
    wide[SUSCEPTIBILITY] = wide[SUSCEPTIBILITY] * np.exp(wide.pop("own") * own)
    wide["insults.noise.upward"] = wide["insults.noise.upward"] + wide.pop("place") * place
    exposure = Exposure(KNOTS, {}, Use((0.0,), (2.0,), level=level, band=BAND))
    ear = ear_of(SPECIES, PLACES)
    cells = fate(SPECIES, "noise", wide | off, ear, exposure)
    after = cells.at(np.searchsorted(KNOTS, 24.0 * DAYS, side="right") - 1)
    shift = hearing.shift(ear, after, FREQUENCY)
    return shift.reshape(draws, ANIMALS, *shift.shape[1:]), _wave(ear, after)[:, 0].reshape(draws, ANIMALS)


def _wave(ear: Ear, cells: Cells) -> Array:
    """First wave at 16 kHz to a loud tone, of a healthy one, shape (subject, time)."""
    endpoint = get("endpoints", "wave1")
    numbers = {key: p.value for key, p in endpoint.parameters(SPECIES).items()}
    curve = endpoint.card.profile("growth", SPECIES)
    recruitment = (np.array([[[numbers["recruited"]]]]), np.array([[[numbers["release"]]]]))
    grown = (curve["level"], curve["amplitude"])
    waves = hearing.wave1(ear, cells, FREQUENCY[1:2], np.asarray(LOUD), *grown, *recruitment)
    return waves[..., 0]


def figures(table: Mapping[str, Array]) -> dict[float, tuple[Array, Array, Array, Array]]:
    """By level: mean shift, and spread between animals as read, dB, and the share of it between runs; (draw, day).

    The last is the middle animal's first wave a day later, (draw,).

    Each is that of as many runs as were read, of the middle fifth of many such laboratories.
    """
    found = {}
    for level, chosen in _CHOSEN.items():
        shift, wave = heard(table, level)
        offset, error = _read(shift)
        parts = (len(shift), RUNS, EACH, DAYS.size, FREQUENCY.size)
        shift, error = shift.reshape(parts), error.reshape(parts)
        means, spreads, shares = [], [], []
        for runs in chosen:
            true = shift[:, runs].reshape(len(shift), -1, *parts[3:]).var(axis=1, ddof=1)
            both = true + offset**2 + (error[:, runs] ** 2).mean(axis=(1, 2))
            spreads.append(np.sqrt(both).mean(axis=-1))
            shares.append(_between(shift[:, runs], offset, error[:, runs]))
            means.append(shift[:, runs].mean(axis=(1, 2, 4)))
        spread = np.exp(_middle(np.log(spreads)))
        found[level] = _middle(np.array(means)), spread, _middle(np.array(shares)), _middle(wave.T)
    return found


def _middle(values: Array) -> Array:
    """Mean of the middle fifth along the first axis: a median that is smooth."""
    aside = len(values) * 2 // 5
    found: Array = np.sort(values, axis=0)[aside : len(values) - aside].mean(axis=0)
    return found


def _read(shift: Decibels) -> tuple[float, Decibels]:
    """Standard deviation of ears' healthy thresholds, and of the readings of each threshold on its grid, dB."""
    endpoint = get("endpoints", "abr_threshold")
    numbers = endpoint.parameters(SPECIES)
    own = {key: p.value for key, p in numbers.items()}
    curve = endpoint.card.profile("baseline", SPECIES)
    healthy: DecibelsSPL = np.interp(np.log(FREQUENCY), np.log(curve["frequency"]), curve["threshold"])
    raised = healthy + shift - curve["threshold"].min()
    between = own["error_between"] * np.exp(-0.5 * ((raised - own["half_way"]) / own["half_width"]) ** 2)
    error = np.sqrt(own["error"] ** 2 + between**2 + own["grid"] ** 2 / 12.0)
    return numbers["offset"].subjects, error


def _between(shift: Decibels, offset: float, error: Decibels) -> Array:
    """Share of the variance of animals' mean thresholds that lies between runs, shape (draw, day)."""
    mean = shift.mean(axis=-1)
    within = mean.var(axis=2, ddof=1).mean(axis=1)
    between = np.maximum(mean.mean(axis=2).var(axis=1, ddof=1) - within / EACH, 0.0)
    read = (error**2).mean(axis=(1, 2, 4)) / FREQUENCY.size
    found: Array = between / (between + within + offset**2 + read)
    return found


def misses(table: Mapping[str, Array]) -> Array:
    """How far draws lie from each figure, in its errors, shape (draw, figure)."""
    off = []
    for level, (mean, spread, between, wave) in figures(table).items():
        off.append(np.log(wave / WAVE[level][0]) / WAVE[level][1])
        for day in range(2):
            off.append((mean[:, day] - MEAN[level][day]) / OFF_MEAN[level][day])
            off.append(np.log(spread[:, day] / SPREAD[level][day]) / OFF_SPREAD[level])
        if level == 103.0:
            off.append((between[:, 0] - BETWEEN_RUNS) / OFF_BETWEEN)
    return np.stack(off, axis=1)


def rows(posterior: Posterior) -> dict[str, dict[str, object]]:
    """What the strain states of each number."""
    units = {name: prior(name, SPECIES).unit for name in STRAIN}
    own = replace(posterior, deviates={name: posterior.deviates[name] for name in STRAIN})
    linked = link(own, list(STRAIN), own=STATED)
    found: dict[str, dict[str, object]] = {}
    for name, unit in units.items():
        ends = np.exp(linked.middle[name] + Z95 * linked.spread[name] * np.array([0.0, -1.0, 1.0]))
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
    found["insults.noise.shading"] = {
        "value": f"{rounded(middle['shading'], 3)} dB",
        "runs": round(middle["runs"], 2),
        "basis": "computed",
        "source": "cba_jrj_2021",
        "because": f"{BECAUSE} One run of five hardly lost hearing at 103 dB; none lost much more than the others.",
    }
    found["insults.noise.received"] = {
        "value": "0 dB",
        "runs": 0.0,
        "subjects": round(middle["animal"], 2),
        "additive": True,
        "basis": "computed",
        "source": "cba_jrj_2021",
        "because": f"{BECAUSE} What differs between runs is their shading.",
    }
    return found


def drawn(posterior: Posterior, proposed: Mapping[str, Row], draws: int = 40) -> dict[str, Array]:
    """Draws of the strain's numbers as these rows have them, with the spreads between runs and animals."""
    known = {name: p for name, p in priors().items() if name not in SPREADS}
    spreads = {name: np.full(draws, np.median(posterior.values[name])) for name in SPREADS}
    return as_drawn(known, proposed, draws) | spreads


def report(table: Mapping[str, Array]) -> str:
    """Each figure: 5, 50 and 95 % of draws, with what was measured."""
    lines = []
    for level, (mean, spread, between, wave) in figures(table).items():
        ends = np.quantile(wave, [0.5, 0.05, 0.95])
        lines.append(f"{level:g} dB, first wave: {ends.round(2)}, measured {WAVE[level][0]}")
        for day in range(2):
            rows = [("mean", mean, MEAN[level][day]), ("spread", spread, SPREAD[level][day])]
            for name, values, measured in [*rows, ("between runs", between, BETWEEN_RUNS)]:
                ends = np.quantile(values[:, day], [0.5, 0.05, 0.95])
                said = "{:.2f} ({:.2f} to {:.2f})".format(*ends)
                lines.append(f"{level:g} dB, day {DAYS[day]:g}, {name}: {said}, measured {measured}")
    return "\n".join(lines)


def write(found: Mapping[str, Row], file: Path) -> None:
    """Put the numbers in the strain's file, after all that is not a number of these."""
    stated = tomllib.loads(file.read_text(encoding="utf-8"))
    stated["numbers"] = stated.get("numbers", {}) | {name: dict(row) for name, row in found.items()}
    file.write_text(tomli_w.dumps(stated), encoding="utf-8")


def main() -> None:
    """Fit, print, and with ``--write`` put the numbers in the strain's file."""
    posterior = curved(priors(), misses)
    for name in priors():
        print(name, posterior.quantile(name).round(4).tolist())
    proposed = rows(posterior)
    print(f"as shelves draw the rows\n{report(drawn(posterior, proposed))}")
    if "--write" in sys.argv[1:]:
        write(proposed, SHIPPED / "strains" / "cba_jrj.toml")


if __name__ == "__main__":
    main()
