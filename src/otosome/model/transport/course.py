"""Flows in, concentrations out: a block of ears at a time, on the knots of the study."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from otosome.model.lanes import LANES, aligned
from otosome.model.transport.anatomy import Anatomy, window_share
from otosome.model.transport.delivery import Flow, Sample
from otosome.model.transport.grid import Grid
from otosome.model.transport.kernel import (
    RODAS4,
    Indices,
    Record,
    Work,
    advance,
    march,
    room,
    upset,
    write,
)
from otosome.model.transport.move import (
    aspirate,
    cell_of,
    inject,
    perforation,
)
from otosome.model.transport.network import (
    ALONG,
    LUMPED,
    TISSUES,
    Network,
)
from otosome.model.transport.pace import Pace, ends, spread
from otosome.model.transport.pattern import BLOCK
from otosome.model.transport.solute import Solute
from otosome.units import (
    Array,
    Fraction,
    Hours,
    Microlitres,
    Plain,
)

# Knots suit the best values and may be too far apart for a drawn ear. Where the error of time or of splitting, or the
# undershoot, passes these shares of its peak, it does that step again in FINER or FINEST pieces, and where that has
# FAILED, carefully.
LIMITS, FAILED, FINER, FINEST = (1e-2, 3e-8), (0.02, 3e-7), 4, 16
KEEP = (*ALONG, *LUMPED, "vestibule", *(f"{tissue}_inside" for tissue in TISSUES))


@dataclass(frozen=True)
class Transported:
    """Where a solute went.

    ``concentration``  amount/uL of each compartment kept, shape (classes, subject, time, cell): one cell per
                       place, lumped compartments (classes, subject, time); ``<tissue>_inside`` is what cells
                       of the tissue have internalised and not degraded, per uL of the tissue
    ``volume``         uL of each cell of a fluid or tissue along the ear, shape (subject, cell)
    ``dose``           amount given until the last knot, shape (classes, subject)
    ``ledger``         amount at the last knot by compartment and fate, shape (classes, subject)
    ``mass_balance_error`` |ledger - dose| / dose, shape (subject,)
    ``time_error``     embedded error estimate over all steps, relative to the highest concentration,
                       shape (subject,)
    ``sampled``        amount in each sample, in the order asked for, shape (classes, subject, sample)
    ``samples``        mean concentration of each sample, amount/uL, shape (classes, subject, sample)
    """

    knots: Hours
    grid: Grid
    solute: Solute
    concentration: dict[str, Array]
    volume: dict[str, Microlitres]
    dose: Array
    ledger: dict[str, Array]
    mass_balance_error: Plain
    time_error: Plain
    sampled: Array
    samples: Array

    def uptake(self, tissue: str) -> Array:
        """Amount taken up per uL of a tissue and h, shape (classes, subject, time, place).

        raises  KeyError unless the tissue's concentration was kept
        """
        here = self.concentration[tissue]
        capacity, half = (v[:, :, None, None] for v in (self.solute.uptake_capacity, self.solute.uptake_half))
        room = np.where(capacity > 0, half, 1.0) + here.sum(axis=0)
        return np.asarray(capacity * here / room)


def solve(
    anatomy: Anatomy,
    solute: Solute,
    flows: Sequence[Flow],
    knots: Hours,
    keep: Iterable[str] = ("scala_tympani", "organ_of_corti"),
    leak: Plain | None = None,
    refine: int = 1,
    samples: Sequence[Sample] = (),
    networks: dict[Hashable, Network] | None = None,
    pace: Pace | None = None,
) -> Transported:
    """Carry a solute from flows to every fluid and tissue, on the knots.

    ``keep``    compartments whose history is stored: any of ``scala_tympani``, ``scala_vestibuli``,
                ``vestibule``, ``middle_ear``, ``cerebrospinal_fluid``, ``plasma``, ``scala_media``,
                ``organ_of_corti``, ``lateral_wall``, ``rosenthals_canal``; the last three also with
                ``_inside``; ``scala_media`` only of a solute that states how it gets there
    ``leak``    multiplies the exchange of lateral wall with plasma, shape (time,); an interval has the mean
                of its two knots
    ``refine``  equal steps each interval between knots is split into
    ``samples`` perilymph aspirated on the way; it is gone from the ear afterwards. Their ends are events, and
                those that last are windows, of ``schedule``
    ``pace``    of its steps, which pass over knots that are no events of its own; each knot is the end of one without
                it, and where the barrier leaks
    ``networks``  those built of the same ears and solute before, to be used again; what is built anew is added
    raises      ValueError for a compartment that does not exist or is not entered, a sample outside the
                knots, or an event that is not a double knot
    """
    keep = tuple(keep)
    if unknown := set(keep) - set(KEEP):
        raise ValueError(f"keep: no {sorted(unknown)}; there are {KEEP}")
    if "scala_media" in keep and not solute.media:
        raise ValueError("keep: scala_media of a solute that states no media_entry and media_partition")
    _check_events(flows, samples, knots)
    factors = (
        np.ones(knots.size - 1) if leak is None else 0.5 * (np.asarray(leak)[1:] + np.asarray(leak)[:-1])
    )
    # Rounded up so that blocks whose windows differ a little share one elimination. Whole blocks of the matrix, and no
    # window in the last of them: what comes after meets the same however many there are, so an ear keeps its bits.
    reached = int(np.max(np.count_nonzero(window_share(anatomy), axis=1))) + BLOCK - 1
    windows = min(-(-reached // (4 * BLOCK)) * 4 * BLOCK, anatomy.grid.places)
    rows = np.arange(knots.size)
    if pace is not None and leak is None:
        spans = [(flow.start, flow.stop) for flow in flows] + [(drawn.start, drawn.stop) for drawn in samples]
        rows = ends(knots, spans, pace)
    few, factors = knots[rows], factors[: rows.size - 1]
    concentration = {name: _empty(name, solute.classes, anatomy, knots.size) for name in keep}
    runs = []
    built = {} if networks is None else networks
    for first in range(0, anatomy.subjects, LANES):
        run = _Run.start(anatomy, solute, flows, samples, first, windows, (tuple(keep), rows.size), built)
        run.through(few, factors, refine)
        run.hand_over(concentration, spread(run.history, knots, rows))
        runs.append(run)
    return _gather(anatomy, solute, knots, concentration, runs)


def _check_events(flows: Sequence[Flow], samples: Sequence[Sample], knots: Hours) -> None:
    for sample in samples:
        if not knots[0] <= sample.start <= sample.stop <= knots[-1]:
            raise ValueError(
                f"sample of {sample.of} from {sample.start} h to {sample.stop} h is not within "
                f"{knots[0]} h to {knots[-1]} h"
            )
        if any(np.count_nonzero(knots == time) < 2 for time in (sample.start, sample.stop)):
            raise ValueError(
                f"sample of {sample.of}: {sample.start} h or {sample.stop} h is not a double knot; "
                "make both events of schedule"
            )
    for flow in flows:
        for time in (flow.start, flow.stop):
            inside = time < knots[-1] or (time == flow.start and time <= knots[-1])
            if inside and np.count_nonzero(knots == time) < 2:
                raise ValueError(
                    f"flow into {flow.into}: {time} h is not a double knot; make it an event of schedule"
                )


def _empty(name: str, classes: int, anatomy: Anatomy, times: int) -> Array:
    cells = {"vestibule": (anatomy.grid.vestibule,)} | dict.fromkeys(LUMPED, ())
    return np.zeros((classes, anatomy.subjects, times, *cells.get(name, (anatomy.grid.places,))))


def _gather(
    anatomy: Anatomy, solute: Solute, knots: Hours, concentration: dict[str, Array], runs: list[_Run]
) -> Transported:
    def join(parts: list[Array]) -> Array:
        return np.concatenate(parts, axis=-1)[..., : anatomy.subjects]

    ledger = {
        name: join([run.amounts[run.network.nodes.index[name]].sum(axis=1) for run in runs])
        for name in runs[0].network.nodes.index
    }
    dose = join([run.dose for run in runs])
    # One after another: NumPy sums a lone ear's in another order than those of many.
    missing, whole = reduce(np.add, ledger.values()) - dose, dose
    if solute.converts:
        missing, whole = (each.sum(axis=0, keepdims=True) for each in (missing, dose))
    shares = np.divide(np.abs(missing), whole, out=np.zeros_like(whole), where=whole > 0)
    mass_balance_error = np.max(shares, axis=0)
    peak, total = (join([getattr(run.record, name)[0] for run in runs]) for name in ("peak", "error"))
    error = total / np.where(peak > 0, peak, 1.0)
    volume = {name: join([run.network.volume[name] for run in runs]).T for name in runs[0].network.along}
    sampled = join([run.sampled for run in runs]).transpose(0, 2, 1)
    wanted = [np.broadcast_to(sample.volume, (anatomy.subjects,)) for sample in runs[0].samples]
    samples = sampled / np.stack(wanted, axis=1) if wanted else sampled
    return Transported(
        knots,
        anatomy.grid,
        solute,
        concentration,
        volume,
        dose,
        ledger,
        mass_balance_error,
        error,
        sampled,
        samples,
    )


@dataclass
class _Run:
    """A block of ears on its way through the knots; ``amounts`` (node, lane), ``sampled`` (classes, sample, lane).

    A block has always its full width: where ears are fewer, the last of them goes through again.
    """

    network: Network
    flows: Sequence[Flow]
    samples: Sequence[Sample]
    subjects: Indices
    depots: list[int]
    compartments: list[str]
    amounts: Array
    dose: Array
    sampled: Array
    beyond: Fraction
    weight: Array
    record: Record
    work: Work
    middle_ear: Microlitres
    now: Network
    condition: tuple[float, bytes] = field(default=(1.0, b""))

    @classmethod
    def start(
        cls,
        anatomy: Anatomy,
        solute: Solute,
        flows: Sequence[Flow],
        samples: Sequence[Sample],
        first: int,
        windows: int,
        keep: tuple[tuple[str, ...], int],
        built: dict[Hashable, Network],
    ) -> _Run:
        """The block from subject ``first`` on, and room for the history of what is kept at so many knots."""
        subjects = np.minimum(first + np.arange(LANES), anatomy.subjects - 1)
        keys, depots = depots_of(flows, anatomy.grid, subjects)
        kind = (first, windows, tuple(keys))
        if kind not in built:
            built[kind] = Network.build(anatomy, solute, subjects, list(keys.values()), windows)
        network = built[kind].alone()
        index, total = network.nodes.index, network.nodes.total
        beyond = np.zeros((len(samples), solute.classes, LANES))
        for number, sample in enumerate(samples):
            beyond[number] = 1.0 - perforation(sample, anatomy.grid)[1]
        compartments = [name for name in keep[0] if name in index]
        rows = np.concatenate([np.zeros(0, np.int32), *(index[name].ravel() for name in compartments)])
        shown = Record(
            aligned(1, LANES),
            aligned(1, LANES),
            rows.astype(np.int32),
            aligned(rows.size, LANES),
            aligned(keep[1], rows.size, LANES),
        )
        return cls(
            network,
            flows,
            samples,
            subjects,
            depots,
            compartments,
            amounts=aligned(total, LANES),
            dose=np.zeros((solute.classes, LANES)),
            sampled=np.zeros((solute.classes, len(samples), LANES)),
            beyond=beyond,
            weight=network.weight(),
            record=shown,
            work=room(network.pattern, total),
            middle_ear=np.zeros(LANES),
            now=network,
        )

    def through(self, knots: Hours, factors: Plain, refine: int) -> None:
        """Go through all knots: event by event, and between two events as far as nothing changes."""
        i = 0
        while i < knots.size - 1:
            if knots[i + 1] == knots[i]:
                self.happen(knots[i])
                self.settle(factors[i])
                self.note(i + 1, i + 2)
                i += 1
                continue
            self.settle(factors[i])
            stop = i + 1
            if not self.going(self.samples, knots[i]) and not any(
                self.displacing(n) for n in self.going(self.flows, knots[i])
            ):
                while stop < knots.size - 1 and knots[stop + 1] > knots[stop] and factors[stop] == factors[i]:
                    stop += 1
            self.travel(knots, i, stop, refine)
            i = stop

    def settle(self, leak: float) -> None:
        """Rates under the present leak and middle-ear volume; kept while neither changes."""
        condition = (float(leak), self.middle_ear.tobytes())
        if condition != self.condition:
            self.now, self.condition = self.network.under(leak, self.middle_ear), condition
            rooms = [
                np.broadcast_to(self.room(name), (*self.network.nodes.index[name].shape, LANES))
                for name in self.compartments
            ]
            if rooms:
                self.record.dilution[:] = 1.0 / np.concatenate([r.reshape(-1, LANES) for r in rooms])

    def happen(self, time: float) -> None:
        """What happens at once at an event."""
        for number, flow in enumerate(self.flows):
            if flow.start == time and flow.into == "middle_ear":
                volume = _columns(flow.volume, self.subjects)
                self.middle_ear = np.where(volume > 0, volume, self.middle_ear)
            if flow.start == flow.stop == time:
                self.enter(number, 1.0)
        for number, sample in enumerate(self.samples):
            if sample.start == sample.stop == time:
                self.draw(number, 1.0)

    def going(self, those: Sequence[Flow | Sample], time: float) -> list[int]:
        """Flows or samples that last and are under way in the interval that begins at ``time``."""
        return [n for n, flow in enumerate(those) if flow.start <= time < flow.stop]

    def displacing(self, number: int) -> bool:
        """Whether a flow moves fluid."""
        return self.flows[number].displaces and self.depots[number] < 0

    def travel(self, knots: Hours, first: int, last: int, refine: int) -> None:
        """The intervals between two knots. Where fluid moves it is one interval, and in each of its ``refine`` parts
        half the fluid moves, all else happens, the other half moves (Strang 1968)."""
        length = knots[last] - knots[first]
        flows, samples = self.going(self.flows, knots[first]), self.going(self.samples, knots[first])
        moving = [n for n in flows if self.displacing(n)]
        supply = aligned(*self.amounts.shape)

        def share(flow: Flow | Sample) -> float:
            return float(length / (flow.stop - flow.start))

        for n in set(flows) - set(moving):
            amount = self.amount(n) * share(self.flows[n])
            supply[self.target(n)] += amount / length
            self.dose += amount
        lengths = np.diff(knots[first : last + 1])
        if not moving and not samples:
            self.react(lengths, first + 1, refine, supply)
            return
        for _ in range(refine):
            for n in moving:
                self.enter(n, 0.5 * share(self.flows[n]) / refine)
            for n in samples:
                self.draw(n, 0.5 * share(self.samples[n]) / refine)
            self.react(lengths / refine, first + 1, 1, supply)
            for n in reversed(samples):
                self.draw(n, 0.5 * share(self.samples[n]) / refine)
            for n in reversed(moving):
                self.enter(n, 0.5 * share(self.flows[n]) / refine)
        self.note(last, last + 1)

    def react(self, lengths: Hours, first: int, refine: int, supply: Array) -> None:
        """Everything but moving fluid, over intervals; the first ends at knot ``first``.

        A step that uptake has upset is done again, for the lanes that it has upset.
        """
        if not self.amounts.any() and not supply.any():
            return
        now, weight, work = self.now, self.weight, self.work
        done = 0
        while True:
            record = self.record._replace(history=self.record.history[first + done :])
            done += march(
                self.amounts,
                lengths[done:],
                refine,
                now.flux,
                now.pattern,
                RODAS4,
                now.axial,
                supply,
                weight,
                work,
                record,
                LIMITS,
            )
            if done == lengths.size:
                return
            self.mend(float(lengths[done]), refine, supply)
            record = self.record._replace(history=self.record.history[first + done :])
            write(self.amounts, weight, work.error, record, 0)
            done += 1

    def mend(self, length: float, refine: int, supply: Array) -> None:
        """Do an interval again for the lanes it has upset, each by itself: in finer steps, else carefully."""
        now, weight, work, peak = self.now, self.weight, self.work, self.record.peak
        before, error, splitting = work.before.copy(), work.error.copy(), work.splitting.copy()
        for way, pieces, limits in (
            (finer, FINER, LIMITS),
            (finer, FINEST, LIMITS),
            (carefully, FINEST, FAILED),
        ):
            # Careful steps are plain: a choice of schemes is nothing to them.
            judged = error if way is carefully else np.maximum(error, splitting)
            lanes = upset(self.amounts, weight, judged, peak, limits)
            if not lanes.any():
                break
            end, missed = way(now, before, length, pieces * refine, supply, weight, work)
            for values, again in ((self.amounts, end), (error, missed), (splitting, work.splitting)):
                values[:, lanes] = again[:, lanes]
        work.error[:] = error

    def note(self, first: int, last: int) -> None:
        """Write the present state for some knots."""
        nothing = np.zeros((1, LANES))
        for knot in range(first, last):
            write(
                self.amounts,
                self.weight,
                nothing,
                self.record._replace(history=self.record.history[knot:]),
                0,
            )

    def amount(self, number: int) -> Array:
        """All of a flow's amount, shape (classes, lane)."""
        return np.broadcast_to(_columns(self.flows[number].amount, self.subjects), self.dose.shape)

    def target(self, number: int) -> Indices:
        """Node a flow enters, shape (classes,)."""
        flow, index, depot = self.flows[number], self.network.nodes.index, self.depots[number]
        if depot >= 0:
            return index["depot"][:, depot]
        return index[flow.into][:, cell_of(flow.into, flow.at, self.network.grid)]

    def enter(self, number: int, share: float) -> None:
        """A share of a flow enters at once, moving perilymph on if it is injected."""
        flow, amount = self.flows[number], share * self.amount(number)
        self.dose += amount
        if flow.displaces and self.depots[number] < 0:
            inject(self.amounts, self.network, flow, amount, share * _columns(flow.volume, self.subjects))
        else:
            self.amounts[self.target(number)] += amount

    def draw(self, number: int, share: float) -> None:
        """A share of a sample is aspirated at once."""
        sample = self.samples[number]
        volume = share * _columns(sample.volume, self.subjects)
        self.sampled[:, number] += aspirate(self.amounts, self.network, sample, volume, self.beyond[number])

    @property
    def history(self) -> Array:
        """What is kept of these ears where steps end, (time, row, ear): without lanes that only fill the block."""
        return self.record.history[:, :, : int(self.subjects[-1] - self.subjects[0]) + 1]

    def hand_over(self, concentration: dict[str, Array], whole: Array) -> None:
        """Copy what is kept of these ears on all knots, (time, row, ear), to where all ears' is."""
        ears = slice(int(self.subjects[0]), int(self.subjects[-1]) + 1)
        count, start = ears.stop - ears.start, 0
        for name in self.compartments:
            classes, cells = self.network.nodes.index[name].shape
            rows = whole[:, start : start + classes * cells]
            history = rows.reshape(-1, classes, cells, count).transpose(1, 3, 0, 2)
            concentration[name][:, ears] = history[..., 0] if name in LUMPED else history
            start += classes * cells

    def room(self, name: str) -> Array:
        """Volume amounts are divided by; a dry middle ear counts as infinitely diluted."""
        if name == "middle_ear":
            return np.where(self.middle_ear > 0, self.middle_ear, np.inf)[None]
        return self.network.volume[name.removesuffix("_inside")]


def finer(
    network: Network, amounts: Array, length: float, pieces: int, supply: Array, weight: Array, work: Work
) -> tuple[Array, Array]:
    """An interval in some shorter steps: amounts at its end, (node, lane), and the error, shape (1, lane)."""
    end = aligned(*amounts.shape)
    end[:] = amounts
    advance(end, length, pieces, network.flux, network.pattern, RODAS4, network.axial, supply, weight, work)
    return end, work.error.copy()


def carefully(
    network: Network, amounts: Array, length: float, pieces: int, supply: Array, weight: Array, work: Work
) -> tuple[Array, Array]:
    """An interval in short plain steps with linear uptake, for lanes in which uptake runs dry within a step.

    Each step is linear, so that it cannot overshoot: first with what competes at its start, then again with the
    mean of its start and that first end, which makes it second order. No lane is treated by its companions.

    ``amounts``  at the start, (node, lane)
    returns      amounts at the end, and the error, the difference of both passes, shape (1, lane)
    """
    flux, axial = network.flux, network.axial._replace(smooth=network.axial.plain)
    half = aligned(*flux.half.shape)
    linear = flux._replace(half=half, competition=0.0)
    step, error = length / pieces, np.zeros((1, LANES))

    def attempt(competing: Array) -> Array:
        end = aligned(*amounts.shape)
        end[:] = amounts
        half[:] = flux.half + competing
        advance(end, step, 1, linear, network.pattern, RODAS4, axial, supply, weight, work)
        return end

    for _ in range(pieces):
        start = np.maximum(network.competing(amounts), 0.0)
        first = attempt(start)
        amounts = attempt(0.5 * (start + np.maximum(network.competing(first), 0.0)))
        error += np.max(np.abs(amounts - first) * weight, axis=0, keepdims=True)
    return amounts, error


def _columns(values: Array, subjects: Indices) -> Array:
    return values if values.shape[-1] == 1 else values[..., subjects]


def depots_of(
    flows: Sequence[Flow], places: Grid, subjects: Indices
) -> tuple[dict[tuple[str, bytes], tuple[str, Array]], list[int]]:
    """Depots, one for each compartment and rate of release, and the number of each flow's (-1: none)."""
    keys: dict[tuple[str, bytes], tuple[str, Array]] = {}
    numbers = []
    for flow in flows:
        if flow.release is None:
            numbers.append(-1)
            continue
        into = f"{flow.into}:{cell_of(flow.into, flow.at, places)}"
        key = (into, flow.release.tobytes())
        keys.setdefault(key, (into, _columns(flow.release, subjects)))
        numbers.append(list(keys).index(key))
    return keys, numbers


def errors(
    coarse: Transported, space: Transported, time: Transported, at: float
) -> dict[str, dict[str, Plain]]:
    """What grid and steps cost each ear, from the same ears solved on ``grid.finer(2)`` and with ``refine=2``.

    ``at``    h at which the apex is compared, e.g. the end of dosing plus a day
    returns   for "space" and "time", shape (subject,): "peak", the largest difference of concentration in scala
              tympani or a tissue, of those kept, relative to its peak there; "apex_log10", the difference of its
              decimal logarithm in scala tympani at the apex, NaN where one of both is not positive
    """
    return {"space": _differ(coarse, space, at), "time": _differ(coarse, time, at)}


def _differ(coarse: Transported, fine: Transported, at: float) -> dict[str, Plain]:
    peaks = []
    moment = int(np.searchsorted(coarse.knots, at, side="right")) - 1
    for name in (n for n in ("scala_tympani", *TISSUES) if n in coarse.concentration):
        fewer, more = (_total(t, name, coarse.grid.places) for t in (coarse, fine))
        top = np.max(np.abs(more), axis=(1, 2))
        peaks.append(np.max(np.abs(fewer - more), axis=(1, 2)) / np.where(top > 0, top, 1.0))
    fewer, more = (_total(t, "scala_tympani", coarse.grid.places)[:, moment, -1] for t in (coarse, fine))
    positive = (fewer > 0) & (more > 0)
    logarithms = [
        np.log10(value, out=np.full(value.shape, np.nan), where=positive) for value in (fewer, more)
    ]
    return {"peak": np.max(peaks, axis=0), "apex_log10": np.abs(logarithms[0] - logarithms[1])}


def _total(run: Transported, name: str, places: int) -> Array:
    """Concentration over all classes on a grid of fewer places, shape (subject, time, place)."""
    total = run.concentration[name].sum(axis=0)
    parts = total.shape[-1] // places
    weight = run.volume[name][:, None, :]
    shape = (*total.shape[:-1], places, parts)
    weights = np.broadcast_to(weight, total.shape).reshape(shape)
    return np.asarray((total.reshape(shape) * weights).sum(axis=-1) / weights.sum(axis=-1))
