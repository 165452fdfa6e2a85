"""Groups of CBA/JRj mice after noise as laboratories find them on the whole: means, spreads, runs, first waves.

A study of a few mice differs from the next by luck, and what numbers are fitted to must not. Animals of every lane are
the same points of run, animal, susceptibility and place. Few runs spread mostly less than many, and their mean is
mostly that of runs which nothing shades: so each figure is that of as many runs as were read, over and over, of the
middle fifth of such laboratories.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from otosome.model import hearing
from otosome.model.injury import KINDS, Cells, injury, survive
from otosome.model.transport import schedule
from otosome.roles import Ear, Exposure, Use
from otosome.units import Array, Decibels, Fraction, Plain

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# Runs and animals of each in a lane, and laboratories that read some of the runs.
_RUNS, _EACH, _LABORATORIES = 40, 3, 400
_ANIMALS = _RUNS * _EACH
# Lanes of which all animals are computed at once.
_AT_ONCE = 8
# Runs that were read, by level in dB SPL: the tables have so many.
_READ = {100: 6, 103: 5, 105: 3}
# The noise: kHz, h.
_BAND, _HOURS = (8.0, 16.0), 2.0
# Of thresholds and, the middle one, of the first wave, kHz; dB SPL of that tone; days.
_FREQUENCY, _LOUD, _DAYS = np.array([12.0, 16.0, 24.0]), np.asarray(80.0), np.array([1.0, 14.0])
_PLACES = np.linspace(0.3, 0.8, 11)


@dataclass(frozen=True)
class EarB20:
    """What animals and runs differ by.

    ``shading``  of the middle run, dB;  ``runs``  standard deviation of its logarithm between runs
    ``animal``   standard deviation between animals of what they receive, dB
    ``own``      the same of the logarithm of their susceptibility
    ``place``    the same of how far above its band noise does most, octaves
    """

    shading: Decibels
    runs: Plain
    animal: Decibels
    own: Plain
    place: Plain

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Each row as laboratories find it on the whole, shape (lane,)."""
        lanes = np.arange(self.shading.size)
        blocks = [self.rows(bench, lanes[k : k + _AT_ONCE]) for k in range(0, lanes.size, _AT_ONCE)]
        return {row: np.concatenate([block[row] for block in blocks]) for row in blocks[0]}

    def rows(self, bench: Bench, lanes: NDArray[np.int64]) -> dict[str, Array]:
        """The same of some lanes."""
        mice = self.mice(bench, lanes)
        offset = bench.parameters["endpoints.abr_threshold.offset"].subjects
        rows = {}
        for level in _READ:
            shift, error, wave = (
                values.reshape(lanes.size, -1, *values.shape[1:]) for values in heard(mice, level)
            )
            mean, spread, share = as_read(shift, error, offset, _chosen()[level])
            for day, when in enumerate(("_early", "")):
                rows[f"ear:B20.{level}{when}_shift"] = mean[:, day]
                rows[f"ear:B20.{level}{when}"] = spread[:, day]
            rows[f"ear:B20.{level}_wave1"] = middle(wave)
            if level == 103:
                rows["ear:B20.run"], rows["ear:B20.103_wave1_pooled"] = share[:, 0], rows["ear:B20.103_wave1"]
        return rows

    def mice(self, bench: Bench, lanes: NDArray[np.int64]) -> Bench:
        """The bench with the animals of some lanes in place of its ears."""
        shading, runs, animal, own, place = (
            np.repeat(spread.ravel()[lanes], _ANIMALS)
            for spread in (self.shading, self.runs, self.animal, self.own, self.place)
        )
        of_run, of_animal, of_own, of_place = np.tile(_points(), (lanes.size, 1)).T
        numbers = {name: np.repeat(column[lanes], _ANIMALS) for name, column in bench.columns.items()}
        numbers["insults.noise.received"] = numbers["insults.noise.received"] + animal * of_animal
        numbers["insults.noise.shading"] = shading * np.exp(runs * of_run)
        numbers["insults.noise.susceptibility"] = numbers["insults.noise.susceptibility"] * np.exp(
            own * of_own
        )
        numbers["insults.noise.upward"] = numbers["insults.noise.upward"] + place * of_place
        return replace(bench, drawn=False, pinned=numbers)


@lru_cache(maxsize=1)
def _points() -> Array:
    """Points of run, animal, susceptibility and place of mean 0 and variance 1, shape (animal, 4)."""
    from scipy.stats import qmc

    runs = ndtri((np.arange(_RUNS) + 0.5) / _RUNS)
    others = ndtri(qmc.Sobol(3, seed=3).random(128))[:_ANIMALS]
    points = np.column_stack([np.repeat(runs, _EACH), others])
    return np.asarray((points - points.mean(axis=0)) / points.std(axis=0))


@lru_cache(maxsize=1)
def _chosen() -> dict[int, NDArray[np.int64]]:
    """By level the runs that each laboratory reads, (laboratory, run)."""
    luck = np.random.default_rng(5)
    return {
        level: np.array([luck.choice(_RUNS, runs, replace=False) for _ in range(_LABORATORIES)])
        for level, runs in _READ.items()
    }


def heard(mice: Bench, level: float) -> tuple[Decibels, Decibels, Fraction]:
    """What noise does to animals: shifts, the error of their readings, and first waves of before, a day later.

    returns  dB, shape (animal, day, frequency), and (animal,)
    """
    ear, cells = after(mice, level)
    abr, numbers = mice.bind("endpoints", "abr_threshold"), mice.numbers("endpoints", "wave1")
    error = np.hypot(abr.deviation(abr.value(ear, cells, _FREQUENCY)), abr.grid / np.sqrt(12.0))
    curve = mice.entry("endpoints", "wave1").card.profile("growth", mice.species)
    grown = (curve["level"], curve["amplitude"])
    recruitment = (numbers[key][:, None, None] for key in ("recruited", "release"))
    wave = hearing.wave1(ear, cells, _FREQUENCY[1:2], _LOUD, *grown, *recruitment)
    return hearing.shift(ear, cells, _FREQUENCY), error, wave[:, 0, 0]


def after(mice: Bench, level: float) -> tuple[Ear, Cells]:
    """The animals' ears, and their cells on the days that are looked at."""
    columns, name = (
        mice.numbers("species", mice.species),
        mice.terms.catalog.get("species", mice.species).options.map,
    )
    frequency = mice.bind("maps", name).frequency(_PLACES)[0, 0]
    ear = Ear(mice.species, _PLACES, frequency, columns["scala_tympani_length"], columns)
    stop = 24.0 * float(_DAYS[-1])
    knots = schedule([0.0, _HOURS, 24.0], stop, first=0.3, growth=1.6, longest=24.0)
    exposure = Exposure(knots, {}, Use((0.0,), (_HOURS,), level=float(level), band=_BAND))
    done = injury(ear, knots, [(mice.bind("insults", "noise"), exposure)])
    rates = {kind: mice.numbers("cells", kind) for kind in (*KINDS, "stria")}
    cells = survive(knots, rates, done, columns["stress_clearance"])
    return ear, cells.at(np.asarray(np.searchsorted(knots, 24.0 * _DAYS, side="right") - 1))


def as_read(
    shift: Decibels, error: Decibels, offset: float, chosen: NDArray[np.int64]
) -> tuple[Decibels, Decibels, Fraction]:
    """Mean shift, spread of thresholds between animals, and the share of it between runs, each (lane, day).

    ``shift``, ``error``  of animals and of their readings, (lane, animal, day, frequency), run by run
    ``offset``            standard deviation of ears' healthy thresholds
    ``chosen``            the runs that each laboratory reads, (laboratory, run)
    """
    parts = (len(shift), -1, _EACH, *shift.shape[2:])
    shift, error = (values.reshape(parts)[:, chosen] for values in (shift, error))
    animals = shift.reshape(*shift.shape[:2], -1, *shift.shape[4:])
    both = animals.var(axis=2, ddof=1) + offset**2 + (error**2).mean(axis=(2, 3))
    spread = middle(np.log(np.sqrt(both).mean(axis=-1)))
    return middle(shift.mean(axis=(2, 3, 5))), np.exp(spread), middle(between(shift, error, offset))


def middle(values: Array) -> Array:
    """Mean of the middle fifth along the second axis: a median that is smooth."""
    aside = values.shape[1] * 2 // 5
    return np.asarray(np.sort(values, axis=1)[:, aside : values.shape[1] - aside].mean(axis=1))


def between(shift: Decibels, error: Decibels, offset: float) -> Fraction:
    """Share of the variance of animals' mean thresholds that lies between runs, shape (..., day).

    ``shift``, ``error``  (..., run, animal, day, frequency)
    """
    mean = shift.mean(axis=-1)
    within = mean.var(axis=-2, ddof=1).mean(axis=-2)
    among = np.maximum(mean.mean(axis=-2).var(axis=-2, ddof=1) - within / shift.shape[-3], 0.0)
    read = (error**2).mean(axis=(-4, -3, -1)) / shift.shape[-1]
    return np.asarray(among / (among + within + offset**2 + read))
