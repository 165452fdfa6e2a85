"""From cells to particles to lots: what a process makes, how its lots differ, and how many can be released.

A run of a donor's cells gives harvests; a harvest is counted, diluted to its label by that count, filled, and
counted again on another day. So a lot's yield spreads with donors and runs, while what is in a vial strays from
its label by the first count's error alone, and the release test sees that through the second count's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from otosome.errors import BadInput
from otosome.evidence import uniforms
from otosome.units import Array

_HARVESTS = ("harvest",), ("concentration", "volume"), ("cells", "secretion", "interval")
_NEEDED = (
    "harvests",
    "recovery",
    "donor_spread",
    "run_spread",
    "dose",
    "retained",
    "within_day",
    "between_days",
    "label_tolerance",
    "consumer_risk",
    "potency_donor_spread",
    "potency_run_spread",
    "storage_loss",
    "storage_limit",
    "change_margin",
)


@dataclass(frozen=True)
class Process:
    """A process, a column per number of its entry, each of shape (world,): one draw of what is not known a row."""

    name: str
    columns: Mapping[str, Array]

    @classmethod
    def of(cls, name: str, columns: Mapping[str, Array]) -> Process:
        """A process; raises BadInput for a number that is missing, or a harvest that nothing says the size of."""
        for key in _NEEDED:
            if key not in columns:
                raise BadInput(
                    "a process lacks a number", file=f"processes.{name}", key=key, allowed=list(_NEEDED)
                )
        if not any(all(key in columns for key in way) for way in _HARVESTS):
            raise BadInput(
                "a process says what a harvest holds",
                file=f"processes.{name}",
                allowed=[" and ".join(way) for way in _HARVESTS],
            )
        return cls(name, columns)

    @property
    def harvest(self) -> Array:
        """Particles of a typical harvest after isolation, shape (world,)."""
        way = next(way for way in _HARVESTS if all(key in self.columns for key in way))
        amount = np.prod([self.columns[key] for key in way], axis=0)
        return np.asarray(amount * self.columns["recovery"])

    @property
    def shelf_life(self) -> Array:
        """Time until the label's share that must be left is left, h, shape (world,)."""
        return np.asarray(-np.log(self.columns["storage_limit"]) / self.columns["storage_loss"])

    def components(self) -> dict[str, Array]:
        """Variances of the ln of a lot's count, by where they come from, each of shape (world,)."""
        kinds = {"donor": ("donor_spread",), "run": ("run_spread",), "assay": ("within_day", "between_days")}
        return {
            kind: np.sum([np.log1p(self.columns[key] ** 2) for key in keys], axis=0)
            for kind, keys in kinds.items()
        }


@dataclass(frozen=True)
class Lots:
    """Lots of a process, each array of shape (world, lot).

    ``harvest``  particles;  ``doses``  vials of the labelled dose
    ``true``     content of a vial over its label;  ``read``  the same as the release test counts it
    ``potency``  relative to the process's typical lot
    """

    harvest: Array
    doses: Array
    true: Array
    read: Array
    potency: Array


def make_lots(process: Process, lots: int, runs_a_donor: int = 3, seed: int = 1) -> Lots:
    """Lots as the process would make them: a harvest each, so many runs of a donor one after another."""
    columns = {key: np.asarray(value)[:, None] for key, value in process.columns.items()}
    worlds = process.harvest.size
    donors = np.arange(lots) // runs_a_donor

    def off(what: str, spread: str, of: NDArray[np.int_] | None = None) -> Array:
        count = lots if of is None else int(of.max()) + 1
        z = ndtri(uniforms(seed, f"process/{process.name}/{what}", 0, worlds * count).reshape(worlds, count))
        return np.asarray(np.sqrt(np.log1p(columns[spread] ** 2)) * (z if of is None else z[:, of]))

    harvest = process.harvest[:, None] * np.exp(
        off("donor", "donor_spread", donors) + off("run", "run_spread")
    )
    filled = off("filling/day", "between_days") + off("filling", "within_day")
    released = off("release/day", "between_days") + off("release", "within_day")
    potency = off("potency/donor", "potency_donor_spread", donors) + off("potency/run", "potency_run_spread")
    true = np.exp(-filled)
    doses = np.floor(harvest * (1 - columns["retained"]) / columns["dose"] / true)
    return Lots(harvest, doses, true, true * np.exp(released), np.exp(potency))


def released(process: Process, lots: Lots, guarded: bool) -> NDArray[np.bool_]:
    """Which lots the release test lets through, shape (world, lot).

    ``guarded``  whether the limits are tightened so that at most the consumer's risk of the lots at a limit
                 passes, or applied to the count as read
    """
    columns = {key: np.asarray(value)[:, None] for key, value in process.columns.items()}
    band = np.zeros_like(columns["dose"])
    if guarded:
        error = np.sqrt(np.log1p(columns["within_day"] ** 2) + np.log1p(columns["between_days"] ** 2))
        band = -ndtri(columns["consumer_risk"]) * error
    low, high = np.log(1 - columns["label_tolerance"]) + band, np.log(1 + columns["label_tolerance"]) - band
    read = np.log(lots.read)
    return np.asarray((low <= read) & (read <= high))


def passes(process: Process, truth: float, days: int, guarded: bool) -> Array:
    """Probability that a lot is released, shape (world,): the label claim beside the method's own error.

    ``truth``    content over the label: 1 is right, 1 less the tolerance stands on the limit
    ``days``     days on which it is counted once; the mean of the logarithms is judged
    ``guarded``  as in ``released``
    """
    columns = process.columns
    error = np.sqrt((np.log1p(columns["within_day"] ** 2) + np.log1p(columns["between_days"] ** 2)) / days)
    band = -ndtri(columns["consumer_risk"]) * error if guarded else 0.0
    low = np.log(1 - columns["label_tolerance"]) + band - np.log(truth)
    high = np.log(1 + columns["label_tolerance"]) - band - np.log(truth)
    return np.asarray(np.maximum(ndtr(high / error) - ndtr(low / error), 0.0))


def right(process: Process, lots: Lots) -> NDArray[np.bool_]:
    """Which lots truly hold what their label says, within its tolerance, shape (world, lot)."""
    tolerance = np.asarray(process.columns["label_tolerance"])[:, None]
    return np.asarray(np.abs(lots.true - 1) <= tolerance)


@dataclass(frozen=True)
class Comparison:
    """Lots after a change over lots before it: ratio of geometric means with its 90 % interval."""

    ratio: float
    low: float
    high: float
    margin: float

    @property
    def comparable(self) -> bool:
        """Whether the whole interval lies within the margin: shown, not merely not disproved."""
        return 1 / self.margin <= self.low and self.high <= self.margin


def comparable(before: Array, after: Array, margin: float) -> Comparison:
    """Two sets of lots by two one-sided tests at 5 % (Welch, on logarithms).

    ``before``, ``after``  one number a lot, above zero, two or more lots each
    ``margin``             above 1: the ratio must lie between 1 / margin and margin
    raises                 BadInput for fewer lots, or a number that is not above zero
    """
    for name, values in (("before", before), ("after", after)):
        if values.size < 2 or not (np.isfinite(values).all() and (values > 0).all()):
            raise BadInput("needs two lots or more, each above zero", key=name, given=values.size)
    first, second = np.log(before), np.log(after)
    parts = [z.var(ddof=1) / z.size for z in (first, second)]
    difference, variance = float(second.mean() - first.mean()), parts[0] + parts[1]
    if not variance > 0:
        return Comparison(
            float(np.exp(difference)), float(np.exp(difference)), float(np.exp(difference)), margin
        )
    freedom = variance**2 / sum(v**2 / (z.size - 1) for v, z in zip(parts, (first, second), strict=True))
    off = float(stdtrit(freedom, 0.95)) * np.sqrt(variance)
    low, middle, high = np.exp([difference - off, difference, difference + off])
    return Comparison(float(middle), float(low), float(high), margin)
