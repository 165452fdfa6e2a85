"""How likely observations are for vectors of free numbers; what differs between animals and ears is integrated out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.sparse import csr_array
from scipy.special import ndtr

from otosome.ears import Columns
from otosome.evidence import Parameter
from otosome.fitting.chances import log_of_comparison, log_of_means, log_of_spreads
from otosome.fitting.free import Free
from otosome.fitting.levels import Level, animal_level, differing, ear_level
from otosome.fitting.lookup import Pairs, tabulated
from otosome.fitting.observations import Observations, Readings, Rows
from otosome.fitting.printed import Compared, Means
from otosome.forward import Carried, Cochleae, Fate, Plan, endpoint, outline, plan, true_value
from otosome.roles import Reading
from otosome.study import Study
from otosome.units import Array

# A reading that a model calls impossible costs this much, so that a spline through its neighbours stays finite.
IMPOSSIBLE = -1e4
_NEVER = -1e12
# An instrument's floor is laid on after splines, which would swing about its kink; they go through values down to here.
_BOTTOMLESS = -1e3
# Nodes whose log-likelihood is so much less than an ear's best have no part in it.
_NEAR = 50.0
# Lanes that go through together.
_TOGETHER = 300
# Readings of one ear by which the error of an instrument is averaged: standard normal deviates and weights.
_LUCK, _SHARES = hermegauss(7)
_SHARES = _SHARES / _SHARES.sum()
# A grid so fine that readings on it follow the truth smoothly.
_FINE = 1e-6
# Threads; what they compute is the same for any number.
_WORKERS = 2
# What is quick near a vector leaves alone where an animal is less probable than so much below its most probable node.
_UNLIKELY = 12.0
# Worlds in which the axes are sought along which animals differ.
_WORLDS = 8


@dataclass(frozen=True)
class Likelihood:
    """The log-likelihood of observations of a study.

    ``animal``    what differs between animals;  ``ears``  by measure, what of its endpoint is each ear's own
    ``outlined``  a plan of few places and knots, with what was observed;  ``times``  every moment of the study, h
    ``errors``    what the outline costs each measure at most, in its unit
    ``near``      by measure, the nodes at which alone ears are computed; at all where there are none
    ``arms``      in which anything was read, by number: no other is simulated
    """

    free: Free
    observed: Observations
    animal: Level
    ears: Mapping[str, Level]
    outlined: Plan
    times: Array
    errors: Mapping[str, float]
    carried: Carried = field(default_factory=Carried, repr=False)
    near: Mapping[str, Near] = field(default_factory=dict, repr=False)
    arms: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls,
        free: Free,
        observed: Observations,
        animal: tuple[str, ...] | None = None,
        left: Observations | None = None,
    ) -> Likelihood:
        """The likelihood of readings under a study's free numbers.

        ``animal``  names what differs between animals;  ``left``  what else is to be foretold
        """
        study = free.study
        names = {some.measure for some in observed.places}
        read = {name: measure for name, measure in study.tables.measure.items() if name in names}
        tables = study.tables.model_copy(update={"measure": read, "compare": None})
        whole = plan(study)
        short = outline(replace(plan(replace(study, tables=tables)), watched=tuple(whole.times.tolist())))
        ears = {name: ear_level(study, name) for name in names}
        arms = observed.arms | (frozenset() if left is None else left.arms)
        alike = cls(free, observed, Level(), ears, short.plan, whole.times, short.errors, arms=arms)
        differ = differing(study, animal)
        return replace(alike, animal=animal_level(differ, alike._slopes(differ)))

    def _slopes(self, numbers: tuple[Parameter, ...]) -> Array:
        """How readings move with the deviate of each number between animals, shape (world and reading, number).

        In worlds drawn of the free numbers; each measure in units of what it varies by.
        """
        lanes = self._vectors(np.random.default_rng(1).normal(size=(_WORLDS, len(self.free.names))))
        slopes = []
        for level in (Level((p,), np.eye(1)) for p in numbers):
            low, high = (
                self._read({**lanes, **level.columns(lanes, np.full((_WORLDS, 1), end))}) for end in (-1, 1)
            )
            slopes.append((high - low).ravel())
        return np.stack(slopes, axis=1) if slopes else np.zeros((0, 0))

    def _read(self, columns: Columns) -> Array:
        """True values at every reading, all measures alike in spread, shape (lane, reading)."""
        ears = Cochleae(self.outlined, columns, self.carried)
        middle = {name: level.size // 2 for name, level in self.ears.items()}
        values = self._measured(ears, set(middle))
        parts = []
        for some in self.observed.places:
            at = self._at(some)
            above = self._above_floor(some.measure, columns, values[some.measure])
            parts.append(above[:, middle[some.measure]][:, at.arm, at.time, at.tone])
        return np.concatenate([part / (part.std() or 1.0) for part in parts], axis=1)

    def denser(self) -> Likelihood:
        """The same with twice as many nodes of every level."""
        twice = {name: level.denser() for name, level in self.ears.items()}
        return replace(self, animal=self.animal.denser(), ears=twice, near={})

    def coarser(self) -> Likelihood:
        """The same with about half as many nodes between animals: quicker, and nearly as right."""
        return replace(self, animal=self.animal.coarser(), near={})

    def around(self, deviates: Array) -> Likelihood:
        """The same, quicker, near a vector of deviates (number,).

        Each animal is computed anew where it may be by its readings, and elsewhere left as likely as there.
        """
        if not self.observed.readings:
            return self
        at = deviates[None]
        predicted, columns = self.predicted(at), self._vectors(at)
        each = {
            some.measure: self._of_nodes(some, columns, self._fine_values(some.measure, columns, predicted))
            for some in self.observed.readings
        }
        of_animal = {name: self._distinct[name].of_animal for name in each}
        logs = sum(summed(own[0], of_animal[name]) for name, own in each.items())
        chance = logs - 0.5 * np.sum(self._fine.deviates**2, axis=1)[:, None]
        probable = chance > chance.max(axis=0) - _UNLIKELY
        near = {}
        for name, own in each.items():
            node, ear = np.nonzero(probable @ of_animal[name].toarray().astype(bool))
            order = np.argsort(ear, kind="stable")
            near[name] = Near(own[0], Pairs(ear[order], node[order]))
        return replace(self, near=near)

    def seeing(self, observed: Observations) -> Likelihood:
        """The same of other observations of the same study."""
        return replace(self, observed=observed, near={})

    def log_posterior(self, deviates: Array) -> Array:
        """Log-posterior of vectors of deviates (lane, number), shape (lane,), up to a constant.

        A vector far out whose simulation gives no number is held for impossible, so that a search turns back from it.
        """
        return self.posterior(deviates, self.terms(deviates))

    def posterior(self, deviates: Array, terms: Array) -> Array:
        """The log-posterior (lane,) of terms (lane, term)."""
        heights = terms.sum(axis=1) - 0.5 * np.sum(deviates**2, axis=1)
        return np.where(np.isfinite(heights), heights, _NEVER)

    def terms(self, deviates: Array) -> Array:
        """Log-likelihood of each animal, given those of its run before it, and of each thing printed, (lane, term)."""
        many = max(_TOGETHER // self.animal.size, 1)
        # As many blocks for each thread.
        parts = _WORKERS * -(-len(deviates) // (many * _WORKERS))
        blocks = np.array_split(deviates, min(parts, len(deviates)))
        with ThreadPoolExecutor(_WORKERS) as pool:
            return np.concatenate(list(pool.map(self._terms, blocks)))

    def _terms(self, deviates: Array) -> Array:
        # Each thread has error states of its own.
        with np.errstate(invalid="ignore", over="ignore"):
            return self._of_block(deviates)

    def _of_block(self, deviates: Array) -> Array:
        predicted = self.predicted(deviates)
        printed = [self._of_printed(deviates, predicted, some)[:, None] for some in self.observed.printed]
        return np.concatenate([self._of_animals(deviates, predicted), *printed], axis=1)

    def _of_animals(self, deviates: Array, predicted: Mapping[str, Array]) -> Array:
        if not self.observed.readings:
            return np.zeros((len(deviates), 0))
        logs = self._at_nodes(deviates, predicted)
        if self.observed.run is None:
            return self._fine.integrated(logs)
        share = self.animal.between_runs(self.free.columns(deviates))
        return self._fine.integrated_by_run(logs, self.observed.run, share)

    def by_animal(self, deviates: Array) -> Array:
        """Log-likelihood of each animal's readings, each animal of a run of its own, shape (lane, animal)."""
        return self._fine.integrated(self._at_nodes(deviates, self.predicted(deviates)))

    def points(self, deviates: Array) -> Array:
        """Where each animal is along its first axis, by what the others of its run read, (lane, point, animal)."""
        if not self.observed.readings or self.observed.run is None or not self.animal.nodes:
            return self.animal.alike(len(deviates), len(self.observed.animals))
        share = self.animal.between_runs(self.free.columns(deviates))
        return self._fine.by_mates(
            self._at_nodes(deviates, self.predicted(deviates)), self.observed.run, share
        )

    def true_values(self, deviates: Array, some: Readings) -> Array:
        """What is true at the places of some readings at each fine node, (lane, node, ear node, reading)."""
        at = self._at(some)
        values = self.predicted(deviates, {some.measure})
        fine = self._fine_values(some.measure, self._vectors(deviates), values)
        return fine[:, :, :, at.arm, at.time, at.tone]

    def animal_mean(self, logs: Array, chance: Array, measure: str) -> Array:
        """Log of the mean over animals and ears of probabilities, (lane, reading).

        ``logs``    at each fine node and ear node, (lane, node and ear node, reading)
        ``chance``  of each point of the animals' first axis, (lane, point, reading)
        """
        lanes, own = len(logs), self.ears[measure]
        of_nodes = own.integrated(logs.reshape(-1, own.size, logs.shape[-1])).reshape(
            lanes, -1, logs.shape[-1]
        )
        return self._fine.weighed(of_nodes, chance)

    def of_printed(self, deviates: Array, printed: Means | Compared) -> Array:
        """Log-likelihood of something that a paper prints, shape (lane,)."""
        return self._of_printed(deviates, self.predicted(deviates), printed)

    def group(self, deviates: Array, where: Readings) -> tuple[Array, Array]:
        """What an animal reads at some places on average, (lane, row), and its covariance, (lane, row, row)."""
        return self._group(deviates, self.predicted(deviates)[where.measure], self._at(where))

    def _of_printed(
        self, deviates: Array, predicted: Mapping[str, Array], printed: Means | Compared
    ) -> Array:
        """Log-likelihood of a group's means, or of a comparison, shape (lane,)."""
        groups = [
            self._group(deviates, predicted[place.measure], self._at(place)) for place in printed.places
        ]
        mean, covariance = groups[0]
        if isinstance(printed, Means):
            of_means = log_of_means(printed.where.reading.value, mean, covariance, printed.n)
            return of_means + log_of_spreads(printed.sd, covariance, printed.n)
        other, others = groups[1]
        both = covariance / printed.n[0] + others / printed.n[1]
        error = np.sqrt(np.diagonal(both, axis1=1, axis2=2))
        together = both / (error[:, :, None] * error[:, None, :])
        rows = error.shape[1]
        shared = (together.sum(axis=(1, 2)) - rows) / max(rows * (rows - 1), 1)
        return log_of_comparison(printed.verdicts, (mean - other) / error, shared, sum(printed.n) - 2)

    def _group(self, deviates: Array, values: Array, at: Readings) -> tuple[Array, Array]:
        """What an animal reads at some places on average, (lane, row), and the covariance of it, (lane, row, row).

        ``values``  at every node, (lane, node, ear node, unlike arm, time, tone)
        """
        lanes, nodes, ears = values.shape[:3]
        values = self._above_floor(at.measure, self._vectors(deviates), values)
        columns = {name: np.repeat(c, nodes) for name, c in self._vectors(deviates).items()}
        bound = endpoint(self.free.study, self.free.study.tables.measure[at.measure], columns)
        # Readings on a grid spread by a twelfth of its square more; a mean of them moves smoothly with the truth.
        grid = getattr(bound, "grid", 0.0)
        if np.any(grid):
            bound = replace(bound, grid=_FINE)  # type: ignore[call-arg,type-var]
        true = values[:, :, :, at.arm, at.time, at.tone].reshape(lanes * nodes, ears, -1)
        read = np.repeat(true, _LUCK.size, axis=1)
        luck = np.broadcast_to(np.tile(ndtr(_LUCK), ears)[:, None], read.shape)
        read = bound.read(read, luck).value.reshape(lanes * nodes, ears, _LUCK.size, -1)

        def over_nodes(of_each: Array) -> Array:
            of_ears = self.ears[at.measure].mean(of_each)
            return self.animal.mean(of_ears.reshape(lanes, nodes, *of_ears.shape[1:]))

        centre = np.einsum("u,leur->ler", _SHARES, read)
        error = np.einsum("u,leur->ler", _SHARES, (read - centre[:, :, None]) ** 2) + grid**2 / 12.0
        mean = over_nodes(centre)
        apart = centre - np.repeat(mean, nodes, axis=0)[:, None]
        covariance = over_nodes(apart[..., :, None] * apart[..., None, :])
        each = np.arange(centre.shape[-1])
        covariance[:, each, each] += over_nodes(error)
        return mean, covariance

    def _at_nodes(self, deviates: Array, predicted: Mapping[str, Array]) -> Array:
        """Log-likelihood of each animal's readings at fine nodes, shape (lane, node, animal)."""
        columns = self._vectors(deviates)
        logs = np.zeros((len(deviates), self._fine.size, len(self.observed.animals)))
        for readings in self.observed.readings:
            values = self._fine_values(readings.measure, columns, predicted)
            logs += self._of_measure(readings, columns, values)
        return logs

    @cached_property
    def _fine(self) -> Level:
        return self.animal.fine()

    def predicted(self, deviates: Array, of: Collection[str] | None = None) -> dict[str, Array]:
        """True values by measure at every node of the animals, (lane, node, ear node, unlike arm, time, tone).

        Where an instrument has a floor, as if it had none.

        ``of``  of these measures; of all that were observed if there are none
        """
        nodes = self.animal.deviates
        vectors = {name: np.repeat(c, self.animal.size) for name, c in self._vectors(deviates).items()}
        columns = {**vectors, **self.animal.columns(vectors, np.tile(nodes, (len(deviates), 1)))}
        ears = Cochleae(self.outlined, columns, self.carried)
        values = self._measured(
            ears, {some.measure for some in self.observed.places} if of is None else set(of)
        )
        return {name: own.reshape(-1, self.animal.size, *own.shape[1:]) for name, own in values.items()}

    def _fine_values(self, measure: str, columns: Columns, predicted: Mapping[str, Array]) -> Array:
        """True values of a measure at fine nodes, from ``predicted``; ``columns`` of vectors, (lane,)."""
        return self._above_floor(measure, columns, self.animal.between(predicted[measure]))

    def _floor(self, measure: str) -> str | None:
        """The number of a measure's endpoint that is a floor for all ears alike; None where there is none."""
        name = f"endpoints.{self.free.study.tables.measure[measure].endpoint}.floor"
        own = {p.name for p in self.ears[measure].numbers}
        return name if name in self.free.study.parameters and name not in own else None

    def _above_floor(self, measure: str, columns: Columns, values: Array) -> Array:
        """True values (lane, ...) of ``predicted``, none below the floor of its instrument."""
        floor = self._floor(measure)
        if floor is None:
            return values
        return np.maximum(values, np.reshape(columns[floor], (-1, *(1,) * (values.ndim - 1))))

    def _vectors(self, deviates: Array) -> dict[str, Array]:
        return wide(self.free.columns(deviates), len(deviates))

    @cached_property
    def unlike(self) -> list[int]:
        """The first of each group of arms that no simulation tells apart, where anything was read in the group."""
        first = _first_alike(self.free.study)
        return sorted({first[arm] for arm in self.arms})

    def _measured(self, ears: Cochleae, names: set[str]) -> dict[str, Array]:
        """True values by measure, as ``predicted`` has them, shape (lane, ear node, unlike arm, time, tone)."""
        chain, times = self.outlined, self.times
        floors = {name: self._floor(name) for name in names}
        values: dict[str, list[Array]] = {name: [] for name in names}
        for arm in (chain.arms[number] for number in self.unlike):
            cells = Fate(ears, arm).cells.at(chain.at(times))
            for name in names:
                measure, level, floor = ears.study.tables.measure[name], self.ears[name], floors[name]
                lowered = {} if floor is None else {floor: np.full(ears.subjects, _BOTTOMLESS)}
                nodes = []
                for deviate in level.deviates:
                    own = level.columns(ears.columns, np.broadcast_to(deviate, (ears.subjects, deviate.size)))
                    at_node = ears.read_by({**own, **lowered})
                    nodes.append(true_value(at_node, measure, cells, np.array(measure.tones), arm, times))
                values[name].append(np.stack(nodes, axis=1))
        return {name: np.stack(arms, axis=2) for name, arms in values.items()}

    def _at(self, readings: Readings) -> Readings:
        """Readings with the numbers of their arms among unlike ones; before anything is done all arms are alike."""
        first = np.array(_first_alike(self.free.study))
        arm = np.searchsorted(self.unlike, first)[readings.arm]
        before = self.times[readings.time] < self.outlined.begins
        return replace(readings, arm=np.where(before, 0, arm))

    @cached_property
    def _distinct(self) -> dict[str, _Distinct]:
        measures, animals = self.free.study.tables.measure, len(self.observed.animals)
        return {
            some.measure: _Distinct.of(
                self._at(some),
                (len(self.unlike), self.times.size, len(measures[some.measure].tones)),
                animals,
            )
            for some in self.observed.readings
        }

    def _of_measure(self, readings: Readings, columns: Columns, values: Array) -> Array:
        """Log-likelihood of each animal's readings of a measure, (lane, node, animal), each ear's own integrated out.

        ``columns``  of vectors, (lane,);  ``values``  (lane, node, ear node, unlike arm, time, tone)
        """
        near = self.near.get(readings.measure)
        of_nodes = None if near is None else self._of_pairs(readings, columns, values, near)
        if of_nodes is None:
            of_nodes = self._of_nodes(readings, columns, values)
        return summed(of_nodes, self._distinct[readings.measure].of_animal)

    def _of_nodes(self, readings: Readings, columns: Columns, values: Array) -> Array:
        """The same of each ear, (lane, node, ear)."""
        own = self.ears[readings.measure]
        lanes, nodes, ear_nodes = values.shape[:3]
        by_ear = self._of_ears(readings.measure, columns, values.reshape(lanes, nodes * ear_nodes, -1))
        each = by_ear.reshape(lanes, nodes, ear_nodes, -1).transpose(2, 0, 1, 3)
        of_nodes = each.max(axis=0)
        # Where an ear next to never is, its best value of what is its own will do.
        near = of_nodes > of_nodes.max(axis=1, keepdims=True) - _NEAR
        if near.any():  # a vector whose simulation gives no number has none
            of_nodes[near] = own.integrated(each[:, near][None])[0]
        return np.asarray(of_nodes)

    def _of_pairs(self, readings: Readings, columns: Columns, values: Array, near: Near) -> Array | None:
        """The same where ears may be, and elsewhere as it was; None where readings cannot be looked up."""
        study, distinct = self.free.study, self._distinct[readings.measure]
        bound = endpoint(study, study.tables.measure[readings.measure], columns)
        lanes, nodes, ear_nodes = values.shape[:3]
        true = values.reshape(lanes, nodes, ear_nodes, -1)
        table = tabulated(
            bound,
            distinct.reading,
            true.reshape(lanes, nodes * ear_nodes, -1),
            distinct.place.size,
            IMPOSSIBLE,
        )
        if table is None:
            return None
        sums = table.sums_at(true, distinct.place, distinct.which, distinct.of_ear, near.pairs)
        of_nodes = np.repeat(near.logs[None], lanes, axis=0)
        own = self.ears[readings.measure].integrated(sums.transpose(0, 2, 1))
        of_nodes[:, near.pairs.node, near.pairs.ear] = own
        return of_nodes

    def _of_ears(self, measure: str, columns: Columns, true: Array) -> Array:
        """Log-likelihood of each ear's readings where it has what is true at each place, (lane, node, place) to ear."""
        study, distinct = self.free.study, self._distinct[measure]
        bound = endpoint(study, study.tables.measure[measure], columns)
        table = tabulated(bound, distinct.reading, true, distinct.place.size, IMPOSSIBLE)
        if table is not None:
            return table.sums(true, distinct.place, distinct.which, distinct.of_ear)
        logs = bound.log_likelihood(distinct.each, true[:, :, distinct.place])
        return summed(np.maximum(logs, IMPOSSIBLE), distinct.of_ear)


@dataclass(frozen=True)
class Near:
    """Log-likelihoods of a measure for one vector, (node, ear), and the pairs that are computed anew near it."""

    logs: Array
    pairs: Pairs


@dataclass(frozen=True)
class _Distinct:
    """Readings of one measure that differ in place or value, each once; ears and animals by which of them they have.

    ``place``    arm, time and tone as one number, (distinct,);  ``reading``  values that differ, (1, 1, value)
    ``which``    of these values each has, (distinct,)
    ``of_ear``   how often each ear has each, (ear, distinct);  ``of_animal``  whose ear each is, (animal, ear)
    """

    place: Rows
    reading: Reading
    which: Rows
    of_ear: csr_array
    of_animal: csr_array

    @classmethod
    def of(cls, readings: Readings, shape: tuple[int, int, int], animals: int) -> _Distinct:
        """``shape``  how many unlike arms, times and tones there are."""
        place = np.ravel_multi_index((readings.arm, readings.time, readings.tone), shape)
        value, censored = readings.reading.value, readings.reading.censored
        values, which = np.unique(np.stack([value, censored]), axis=1, return_inverse=True)
        each, number = np.unique(np.stack([place, which.reshape(-1)]), axis=1, return_inverse=True)
        ears, ear = np.unique(readings.ear, return_inverse=True)
        animal = np.zeros(ears.size, dtype=np.intp)
        animal[ear] = readings.animal
        return cls(
            each[0],
            Reading(values[0][None, None], values[1][None, None]),
            each[1],
            _counts(ear, number.reshape(-1), (ears.size, each.shape[1])),
            _counts(animal, np.arange(ears.size), (animals, ears.size)),
        )

    @property
    def each(self) -> Reading:
        """The reading of each, shape (1, 1, distinct)."""
        return Reading(self.reading.value[:, :, self.which], self.reading.censored[:, :, self.which])


def _counts(row: Rows, column: Rows, shape: tuple[int, int]) -> csr_array:
    return csr_array((np.ones(row.size), (row, column)), shape=shape)


def _first_alike(study: Study) -> list[int]:
    """Of each arm the first that is the same but for its name."""
    names = [arm.name for arm in study.tables.arm]
    return [next(n for n, name in enumerate(names) if study.alike(name, own)) for own in names]


def wide(columns: Columns, lanes: int) -> dict[str, Array]:
    """Columns of so many lanes, from columns that have them or hold one value for all."""
    return {
        name: column if column.size == lanes else np.full(lanes, column[0])
        for name, column in columns.items()
    }


def summed(values: Array, whose: csr_array) -> Array:
    """Sums of the last axis by whose they are, (whose, item): from shape (..., item) to (..., whose)."""
    flat = whose @ values.reshape(-1, values.shape[-1]).T
    return np.asarray(flat.T).reshape(*values.shape[:-1], -1)
