"""Transport solved once: ears that carry a solute alike share a solution, and so do vectors that differ downstream."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from otosome.forward.planning import Drawing, Plan
from otosome.model import transport
from otosome.units import Array

# Solutions are kept up to so many bytes; a larger one is kept alone.
ROOM = 2**29
# Ears and solutes whose networks are kept: a block's drug, its vesicles and their protein.
NETWORKS = 4
Lanes = NDArray[np.intp]
Whole = TypeVar("Whole", transport.Solute, transport.Flow)


@dataclass(frozen=True)
class Steps:
    """When transport is followed, and what is drawn from the ear on the way.

    ``knots``  h, shape (time,);  ``refine``  steps to an interval;  ``samples``  of perilymph
    ``pace``   of the steps of a solute past what is no event of its own
    """

    knots: Array
    refine: int
    samples: tuple[transport.Sample, ...]
    pace: transport.Pace

    @classmethod
    def of(cls, plan: Plan, drawing: Drawing | None = None) -> Steps:
        """Those of a plan's ears from which some samples are drawn; of every ear where none are named."""
        drawing = drawing or plan.drawings[0]
        growth = 1.0 + (plan.growth - 1.0) / plan.refine
        pace = transport.Pace(
            plan.first / plan.refine, growth, plan.longest / plan.refine, plan.late / plan.refine
        )
        knots = plan.knots[: np.searchsorted(plan.knots, drawing.until, side="right")]
        return cls(knots, plan.refine, tuple(plan.samples[n][1] for n in drawing.all), pace)


@dataclass
class Carried:
    """Solutions of transport by all they depend on: anatomy, solute, flows, steps, and what is kept of them.

    Handed on from one vector of numbers to the next, it solves only what differs: a vector that changes a number of
    a mechanism, a cell or an endpoint reuses all. Where room is short, what was not asked for longest goes.

    ``room``    bytes;  ``solved``  how many solutions were computed
    """

    room: int = ROOM
    solved: int = 0
    _known: dict[Hashable, transport.Transported] = field(default_factory=dict, repr=False)
    _networks: dict[Hashable, dict[Hashable, transport.Network]] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        """For another process, which solves for itself."""
        return Carried, (self.room,)

    def solve(
        self,
        anatomy: transport.Anatomy,
        solute: transport.Solute,
        flows: Sequence[transport.Flow],
        steps: Steps,
        keep: Sequence[str],
    ) -> transport.Transported:
        """What ``transport.solve`` gives, solved for ears that differ only, and only if it is not known."""
        first, lane = different(anatomy, solute, flows)
        some = first.size < lane.size
        own = anatomy.take(first) if some else anatomy
        carried = _part(solute, first) if some else solute
        inflow = [_part(flow, first) if some else flow for flow in flows]
        of = frozen((own, carried))
        key = (of, frozen((inflow, steps, tuple(keep))))
        known = self._recall(key)
        if known is None:
            known = transport.solve(
                own,
                carried,
                inflow,
                steps.knots,
                keep=keep,
                refine=steps.refine,
                samples=steps.samples,
                networks=self._built(of),
                pace=steps.pace,
            )
            self._remember(key, known)
        return spread(known, lane, solute) if some else known

    def _built(self, of: Hashable) -> dict[Hashable, transport.Network]:
        """The networks of some ears and a solute, which arms that give it otherwise share; those of a few are kept."""
        with self._lock:
            networks = self._networks.pop(of, {})
            self._networks[of] = networks
            while len(self._networks) > NETWORKS:
                del self._networks[next(iter(self._networks))]
            return networks

    def _recall(self, key: Hashable) -> transport.Transported | None:
        with self._lock:
            known = self._known.pop(key, None)
            if known is not None:
                self._known[key] = known
            return known

    def _remember(self, key: Hashable, solution: transport.Transported) -> None:
        with self._lock:
            self.solved += 1
            self._known[key] = solution
            while len(self._known) > 1 and sum(map(_size, self._known.values())) > self.room:
                del self._known[next(iter(self._known))]


def frozen(value: object) -> Hashable:
    """A value of dataclasses, mappings, sequences, arrays and plain values as one that is equal where all of it is."""
    if isinstance(value, np.ndarray):
        return (value.shape, value.tobytes())
    if is_dataclass(value):
        return (type(value).__name__, *(frozen(getattr(value, f.name)) for f in fields(value)))
    if isinstance(value, Mapping):
        return tuple((name, frozen(part)) for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(frozen, value))
    assert isinstance(value, Hashable)
    return value


def different(
    anatomy: transport.Anatomy, solute: transport.Solute, flows: Sequence[transport.Flow]
) -> tuple[Lanes, Lanes]:
    """The first of each set of ears that are alike in all of it, and for each ear the set it is of, counted from 0."""
    subjects = anatomy.subjects
    each = np.arange(subjects)
    if subjects == 1:
        return each, each
    values = [getattr(anatomy, f.name) for f in fields(anatomy) if f.name != "grid"]
    rows = [
        np.broadcast_to(v, (subjects, *v.shape[1:])).reshape(subjects, -1) for v in values if v is not None
    ]
    by_class = [getattr(solute, f.name) for f in solute.stated]
    by_class += [column for flow in flows for column in (flow.amount, flow.volume, flow.release)]
    rows += [
        np.broadcast_to(v, (*v.shape[:-1], subjects)).reshape(-1, subjects).T
        for v in by_class
        if v is not None
    ]
    # Equal bits are equal numbers; a zero of either sign is solved for itself.
    sets: dict[bytes, int] = {}
    lane = [sets.setdefault(row.tobytes(), len(sets)) for row in np.concatenate(rows, axis=1)]
    _, first = np.unique(lane, return_index=True)
    return (each, each) if first.size == subjects else (first, np.array(lane))


def spread(solution: transport.Transported, lane: Lanes, solute: transport.Solute) -> transport.Transported:
    """A solution of the ears that differ for all, each with that of its own set; ``solute`` that of all ears."""

    def wide(values: Array, axis: int) -> Array:
        if values.shape[axis] == 1:
            return np.broadcast_to(values, (*values.shape[:axis], lane.size, *values.shape[axis + 1 :]))
        return np.take(values, lane, axis)

    return replace(
        solution,
        solute=solute,
        concentration={name: wide(values, 1) for name, values in solution.concentration.items()},
        volume={name: wide(values, 0) for name, values in solution.volume.items()},
        dose=wide(solution.dose, 1),
        ledger={name: wide(values, 1) for name, values in solution.ledger.items()},
        mass_balance_error=wide(solution.mass_balance_error, 0),
        time_error=wide(solution.time_error, 0),
        sampled=wide(solution.sampled, 1),
        samples=wide(solution.samples, 1),
    )


def _part(whole: Whole, ears: Lanes) -> Whole:
    """A solute or a flow of some ears; its arrays have the ear last."""
    columns = {f.name: getattr(whole, f.name) for f in fields(whole)}
    some: dict[str, Any] = {
        n: c[..., ears] for n, c in columns.items() if isinstance(c, np.ndarray) and c.shape[-1] > 1
    }
    return replace(whole, **some)


def _size(solution: transport.Transported) -> int:
    return sum(values.nbytes for values in solution.concentration.values())
