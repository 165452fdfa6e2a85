"""How likely observations are for vectors of free numbers; what differs between animals and ears is integrated out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import csr_array

from otosome.ears import Columns
from otosome.fitting.free import Free
from otosome.fitting.levels import Level, animal_level, ear_level
from otosome.fitting.observations import Observations, Readings
from otosome.forward import Carried, Cochleae, Fate, Plan, endpoint, outline, plan, true_value
from otosome.roles import Reading
from otosome.units import Array

# A reading that a model calls impossible costs this much, so that a spline through its neighbours stays finite.
_IMPOSSIBLE = -1e4
_NEVER = -1e12
ANIMAL_NODES, EAR_NODES = 13, 5


@dataclass(frozen=True)
class Likelihood:
    """The log-likelihood of observations of a study.

    ``animal``   susceptibility;  ``ears``  by measure, what of its endpoint is each ear's own
    ``outlined``  a plan of few places and knots, with what was observed;  ``times``  every moment of the study, h
    ``errors``   what the outline costs each measure at most, in its unit
    """

    free: Free
    observed: Observations
    animal: Level
    ears: Mapping[str, Level]
    outlined: Plan
    times: Array
    errors: Mapping[str, float]
    carried: Carried = field(default_factory=Carried, repr=False)

    @classmethod
    def of(cls, free: Free, observed: Observations, animal: tuple[str, ...] | None = None) -> Likelihood:
        """The likelihood of readings under a study's free numbers; ``animal`` names what susceptibility moves."""
        study = free.study
        names = {some.measure for some in observed.readings}
        read = {name: measure for name, measure in study.tables.measure.items() if name in names}
        tables = study.tables.model_copy(update={"measure": read, "compare": None})
        whole = plan(study)
        short = outline(replace(plan(replace(study, tables=tables)), watched=tuple(whole.times.tolist())))
        ears = {some.measure: ear_level(study, some.measure, EAR_NODES) for some in observed.readings}
        return cls(
            free,
            observed,
            animal_level(study, animal, ANIMAL_NODES),
            ears,
            short.plan,
            whole.times,
            short.errors,
        )

    def denser(self) -> Likelihood:
        """The same with twice as many nodes of every level."""
        twice = {name: replace(level, nodes=2 * level.nodes - 1) for name, level in self.ears.items()}
        return replace(self, animal=replace(self.animal, nodes=2 * self.animal.nodes - 1), ears=twice)

    def seeing(self, observed: Observations) -> Likelihood:
        """The same of other observations of the same study."""
        return replace(self, observed=observed)

    def log_posterior(self, deviates: Array) -> Array:
        """Log-posterior of vectors of deviates (lane, number), shape (lane,), up to a constant.

        A vector far out whose simulation gives no number is held for impossible, so that a search turns back from it.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            heights = self.by_animal(deviates).sum(axis=1) - 0.5 * np.sum(deviates**2, axis=1)
        return np.where(np.isfinite(heights), heights, _NEVER)

    def by_animal(self, deviates: Array) -> Array:
        """Log-likelihood of each animal's readings, shape (lane, animal), for deviates (lane, number)."""
        nodes = self.animal.deviates
        logs = np.zeros((len(deviates) * nodes.size, len(self.observed.animals)))
        values = self.predicted(deviates)
        for readings in self.observed.readings:
            logs += self._of_measure(readings, *values[readings.measure])
        return self.animal.integrated(logs.reshape(len(deviates), nodes.size, -1))

    def predicted(self, deviates: Array) -> dict[str, tuple[Columns, Array]]:
        """By measure the columns (lane,) and true values (lane, ear node, arm, time, tone).

        A lane is a vector at a node of susceptibility; neighbours are nodes of one vector.
        """
        nodes = self.animal.deviates
        vectors = {
            n: np.repeat(c, nodes.size) if c.size > 1 else c for n, c in self._vectors(deviates).items()
        }
        columns = {**vectors, **self.animal.columns(vectors, np.tile(nodes, len(deviates)))}
        ears = Cochleae(self.outlined, wide(columns, len(deviates) * nodes.size), self.carried)
        measures = {some.measure for some in self.observed.readings}
        return {name: (ears.columns, values) for name, values in self._measured(ears, measures).items()}

    def _vectors(self, deviates: Array) -> dict[str, Array]:
        return self.free.columns(deviates)

    def _measured(self, ears: Cochleae, names: set[str]) -> dict[str, Array]:
        """True values by measure, shape (lane, ear node, arm, time, tone)."""
        chain, times = self.outlined, self.times
        values: dict[str, list[Array]] = {name: [] for name in names}
        for arm in chain.arms:
            cells = Fate(ears, arm).cells.at(chain.at(times))
            for name in names:
                measure, level = ears.study.tables.measure[name], self.ears[name]
                nodes = []
                for deviate in level.deviates:
                    own = {**ears.columns, **level.columns(ears.columns, np.full(ears.subjects, deviate))}
                    at_node = replace(ears, columns=own)
                    nodes.append(true_value(at_node, measure, cells, np.array(measure.tones), arm, times))
                values[name].append(np.stack(nodes, axis=1))
        return {name: np.stack(arms, axis=2) for name, arms in values.items()}

    def _of_measure(self, readings: Readings, columns: Columns, values: Array) -> Array:
        """Log-likelihood of each animal's readings of a measure, (lane, animal), each ear's own integrated out."""
        study = self.free.study
        bound = endpoint(study, study.tables.measure[readings.measure], columns)
        true = values[:, :, readings.arm, readings.time, readings.tone]
        reading = Reading(readings.reading.value[None, None], readings.reading.censored[None, None])
        logs = np.maximum(bound.log_likelihood(reading, true), _IMPOSSIBLE)
        ears, ear = np.unique(readings.ear, return_inverse=True)
        by_ear = summed(logs, ear, ears.size)
        animal = np.zeros(ears.size, dtype=np.intp)
        animal[ear] = readings.animal
        integrated = self.ears[readings.measure].integrated(by_ear)
        return summed(integrated, animal, len(self.observed.animals))


def wide(columns: Columns, lanes: int) -> dict[str, Array]:
    """Columns of so many lanes, from columns that have them or hold one value for all."""
    return {
        name: column if column.size == lanes else np.full(lanes, column[0])
        for name, column in columns.items()
    }


def summed(values: Array, group: np.ndarray[tuple[int, ...], np.dtype[np.intp]], groups: int) -> Array:
    """Sums of the last axis by group: from shape (..., item) to (..., group)."""
    each = csr_array((np.ones(group.size), (group, np.arange(group.size))), shape=(groups, group.size))
    flat = each @ values.reshape(-1, group.size).T
    return np.asarray(flat.T).reshape(*values.shape[:-1], groups)
