"""From columns of numbers to what is measured, with NumPy alone: the core of fits, trials and loops of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from otosome.ears import Columns
from otosome.errors import BadInput
from otosome.forward.carried import Carried
from otosome.forward.cochleae import Cochleae
from otosome.forward.drawing import draw
from otosome.forward.endpoints import true_value
from otosome.forward.fate import Fate
from otosome.forward.planning import Plan
from otosome.model.injury import KINDS, Cells
from otosome.model.lanes import LANES
from otosome.roles import Use
from otosome.units import Array, Hours

# Keys of a study's tables that columns may set lane by lane and that move knots.
_TIMING = {"insult": ("onset", "duration"), "drug": ("onset", "duration"), "treatment": ("onset",)}
# An outline has a site at least every so many widths of what a tone excites, out to so many, and steps that grow so.
_SPACING, _REACH = 1.0, 2.5
_FIRST, _GROWTH, _LONGEST = 0.5, 1.7, 48.0
# Numbers in one history of a block of lanes: some tens of such histories stay where they are quick to reach.
_ROOM = 2**15
Rows = NDArray[np.intp]


def evaluate(
    plan: Plan, columns: Columns, at: Sequence[float] | Hours, carried: Carried | None = None
) -> dict[str, Array]:
    """True values of every measure of a plan. A lane is one vector of numbers in one exposure.

    ``columns``  by full name every number of the study, shape (lane,) or (1,), in house units. Besides, what differs
                 between exposures: ``insult.<name>.level`` (dB SPL), ``band_low`` and ``band_high`` (kHz), ``amount``
                 (in the house unit of the one stated), ``onset`` and ``duration`` (h: the first time is moved there,
                 with the others after it); the last three of ``drug.<name>``; ``treatment.<name>.amount`` and ``onset``
    ``at``       moments that the plan measures or watches, h, shape (time,)
    ``carried``  solutions of transport, handed on from vector to vector: what differs downstream only reuses them
    returns      by measure, shape (lane, arm, time, frequency), at the measure's own frequencies
    raises       BadInput for a number that is missing, a column that is none of these, or a moment that is not planned
    """
    lanes = max(column.size for column in columns.values())
    stated = _check(plan, columns, at, lanes)
    wide = {n: c if c.size == lanes else np.broadcast_to(c, (lanes,)) for n, c in columns.items()}
    shared = Carried() if carried is None else carried
    joined: dict[str, Array] = {}
    for rows, timed in _blocks(_timings(plan, wide, stated)):
        some = wide if rows.size == lanes else {name: column[rows] for name, column in wide.items()}
        for name, values in measures(Cochleae(timed, some, shared), at).items():
            if name not in joined:
                joined[name] = np.empty((lanes, *values.shape[1:]))
            joined[name][rows] = values
    return joined


def measures(ears: Cochleae, at: Sequence[float] | Hours) -> dict[str, Array]:
    """True values of every measure of some ears, by measure, shape (ear, arm, time, frequency), at its frequencies."""
    plan, times = ears.plan, np.asarray(at, dtype=float)
    by_arm: dict[str, list[Array]] = {}
    for arm in plan.arms:
        cells = Fate(ears, arm).cells.at(plan.at(times))
        for name, measure in ears.study.tables.measure.items():
            by_arm.setdefault(name, []).append(
                true_value(ears, measure, cells, np.array(measure.tones), arm, times)
            )
    return {name: np.stack(values, axis=1) for name, values in by_arm.items()}


def _check(plan: Plan, columns: Columns, at: Iterable[float], lanes: int) -> set[str]:
    """The columns that are no numbers of the study but say what an exposure is."""
    numbers = plan.study.parameters
    if missing := numbers.keys() - columns.keys():
        raise BadInput("is a number of the study and no column", key=min(missing))
    extra = columns.keys() - numbers.keys()
    allowed = _exposures(plan) if extra else []
    for name in sorted(extra - set(allowed)):
        raise BadInput("is no number of the study and no key of its exposures", key=name, allowed=allowed)
    for name, column in columns.items():
        if column.shape not in ((lanes,), (1,)):
            raise BadInput("is not one value for each lane", key=name, given=column.shape, allowed=(lanes,))
    planned = {*plan.times.tolist(), *plan.watched}
    for moment in at:
        if float(moment) not in planned:
            raise BadInput(
                "is no moment the plan measures or watches",
                key="at",
                given=f"{moment:g} h",
                allowed=[f"{t:g} h" for t in sorted(planned)],
            )
    return extra


def _exposures(plan: Plan) -> list[str]:
    """The columns that may set what an exposure is: when it is, and how much of what is stated."""
    insults = {i.name: i.use for arm in plan.arms for i in arm.insults if i.name}
    drugs = {(d.table, d.name): d.drug for arm in plan.arms for d in arm.drugs}
    treatments = {t.name: t.treatment for arm in plan.arms for t in arm.treatments}
    keys = {f"insult.{name}": [*_TIMING["insult"], *_stated(use)] for name, use in insults.items()}
    for (table, name), drug in drugs.items():
        own = keys.setdefault(f"{table}.{name}", [*_TIMING[table]])
        own += ["amount"] if drug.amount is not None else []
    keys |= {
        f"treatment.{name}": [*_TIMING["treatment"], *(["amount"] if use.amount is not None else [])]
        for name, use in treatments.items()
    }
    return sorted(f"{name}.{key}" for name, some in keys.items() for key in some)


def _stated(use: Use) -> list[str]:
    """What of a noise is stated, and so may be set."""
    level = [] if use.level is None else ["level"]
    return level if use.band is None else [*level, "band_low", "band_high"]


def _timings(plan: Plan, columns: Columns, stated: Iterable[str]) -> Iterator[tuple[Rows, Plan]]:
    """Lanes with the same times, and the plan with these times; knots are shared by all lanes that go together.

    ``stated``  the columns that say what an exposure is
    """
    moved = [name for name in sorted(stated) if name.split(".")[2] in _TIMING.get(name.split(".")[0], ())]
    lanes = next(iter(columns.values())).size
    if not moved:
        yield np.arange(lanes), plan
        return
    times, group = np.unique(np.stack([columns[n] for n in moved]), axis=1, return_inverse=True)
    for number, moments in enumerate(times.T):
        timing = tuple(zip(moved, map(float, moments), strict=True))
        yield np.flatnonzero(group.reshape(-1) == number), plan.timed(timing)


def _blocks(groups: Iterable[tuple[Rows, Plan]]) -> Iterator[tuple[Rows, Plan]]:
    """The same in blocks of lanes whose histories stay in fast memory; what is carried goes through whole."""
    for rows, plan in groups:
        size = rows.size * plan.knots.size * plan.place.size
        parts = 1 if carries(plan) else min(-(-size // _ROOM), rows.size)
        for some in np.array_split(rows, parts):
            yield some, plan


def carries(plan: Plan) -> bool:
    """Whether an arm of a plan is given anything that transport carries."""
    return any(arm.lot or arm.drugs for arm in plan.arms)


@dataclass(frozen=True)
class Outline:
    """A plan with few places and knots and only the cells that are read, and what that costs each measure.

    ``errors``  by measure, the largest difference from the whole plan over some ears, in the measure's unit
    """

    plan: Plan
    errors: Mapping[str, float]


def outline(plan: Plan, ears: Columns | None = None) -> Outline:
    """A plan for many evaluations: places round the measured frequencies, and only the kinds of cells that are read.

    What is carried keeps its places and knots, as a solute is not local; where nothing is, steps are longer too. A
    measure without frequencies, such as words, keeps all places.

    ``ears``  that the error is stated for, a column (ear,) per number; eight drawn ones where none are given
    """
    columns = draw(plan.study, 8, seed=1) if ears is None else ears
    whole = Cochleae(plan, columns)
    short = replace(plan, sites=_sites(whole), kinds=_kinds(whole))
    if not carries(plan):
        short = replace(short, first=_FIRST, growth=_GROWTH, longest=_LONGEST)
    both = [measures(Cochleae(steps, columns), plan.times) for steps in (plan, short)]
    errors = {name: float(np.max(np.abs(both[1][name] - values))) for name, values in both[0].items()}
    return Outline(short, errors)


def _sites(ears: Cochleae) -> tuple[float, ...] | None:
    """Places evenly along the stretch that the measured frequencies excite; None where a measure has none."""
    quantities = ears.study.tables.measure.values()
    if any(measure.frequency is None for measure in quantities):
        return None
    width = float(np.mean(ears.species["place_spread"]))
    centres = ears.ear.place_of(ears.plan.frequencies)
    first, last = max(centres.min() - _REACH * width, 0.0), min(centres.max() + _REACH * width, 1.0)
    # Whole vectors: what would be missing from the last costs as much as what is there.
    count = LANES * int(np.ceil((last - first) / (_SPACING * width) / LANES))
    edges = np.linspace(first, last, count + 1)
    return tuple(0.5 * (edges[1:] + edges[:-1]))


class _Read(dict[str, Array]):
    """Cells by kind that note which kinds are asked for."""

    def __init__(self, values: Mapping[str, Array], read: set[str]) -> None:
        super().__init__(values)
        self._read = read

    def __getitem__(self, kind: str) -> Array:
        self._read.add(kind)
        return super().__getitem__(kind)


def _kinds(ears: Cochleae) -> tuple[str, ...]:
    """The kinds of cells that the measures of a study read."""
    read: set[str] = set()
    came = ears.arrival
    cells = Cells(
        _Read(came.intact, read), _Read(came.injured, read), _Read(came.silent, read), came.stria, came.rates
    )
    for arm in ears.plan.arms:
        for measure in ears.study.tables.measure.values():
            true_value(ears, measure, cells, np.array(measure.tones), arm, np.zeros(1))
    return tuple(kind for kind in KINDS if kind in read)
