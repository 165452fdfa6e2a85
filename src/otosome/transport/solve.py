"""Flows in, concentrations out: a block of ears at a time, on the knots of the study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from otosome.transport.anatomy import Anatomy, window_share
from otosome.transport.delivery import Flow, Sample
from otosome.transport.grid import Grid
from otosome.transport.kernel import RODAS4, Indices, advance
from otosome.transport.move import aspirate, cell_of, inject, perforation
from otosome.transport.network import ALONG, LUMPED, TISSUES, Network
from otosome.transport.solute import Solute
from otosome.units import Array, Fraction, Hours, Microlitres, Plain

# Ears that go through the kernel together: few enough for the cache, enough to fill vector registers.
BLOCK = 16
# A step is done again, in CAREFUL pieces, where its error or undershoot passes these shares of the peak.
UPSET, UNDERSHOOT, CAREFUL = 0.02, 1e-9, 16
KEEP = (*ALONG, *LUMPED, "vestibule", *(f"{tissue}_inside" for tissue in TISSUES))


@dataclass(frozen=True)
class Transported:
    """Where a solute went.

    ``concentration``  amount/uL of each compartment kept, shape (classes, subject, time, cell): one cell per
                       place, lumped compartments (classes, subject, time); ``<tissue>_inside`` is what cells
                       of the tissue have internalised and not degraded, per uL of the tissue
    ``volume``         uL of each cell of a fluid or tissue along the ear, shape (subject, cell)
    ``given``          amount given until the last knot, shape (classes, subject)
    ``ledger``         amount at the last knot by compartment and fate, shape (classes, subject)
    ``closure``        |ledger - given| / given, shape (subject,)
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
    given: Array
    ledger: dict[str, Array]
    closure: Plain
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
    # Rounded up so that blocks whose windows differ a little share one elimination.
    reached = int(np.max(np.count_nonzero(window_share(anatomy), axis=1)))
    windows = min(-(-reached // 8) * 8, anatomy.grid.places)
    blocks = [slice(s, min(s + BLOCK, anatomy.subjects)) for s in range(0, anatomy.subjects, BLOCK)]
    runs = [_Run.start(anatomy, solute, flows, samples, subjects, windows) for subjects in blocks]
    kept = {name: _empty(name, solute.classes, anatomy, knots.size) for name in keep}
    for run in runs:
        run.through(knots, factors, refine, kept)
    return _gather(anatomy, solute, knots, kept, runs)


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
    anatomy: Anatomy, solute: Solute, knots: Hours, kept: dict[str, Array], runs: list[_Run]
) -> Transported:
    def join(parts: list[Array]) -> Array:
        return np.concatenate(parts, axis=-1)

    ledger = {
        name: join([run.amounts[run.network.nodes.index[name]].sum(axis=1) for run in runs])
        for name in runs[0].network.nodes.index
    }
    given = join([run.given for run in runs])
    missing = np.abs(np.sum(list(ledger.values()), axis=0) - given)
    closure = np.max(np.divide(missing, given, out=np.zeros_like(given), where=given > 0), axis=0)
    error = join([run.error / np.where(run.peak > 0, run.peak, 1.0) for run in runs])
    volume = {name: join([run.network.volume[name] for run in runs]).T for name in runs[0].network.along}
    sampled = join([run.sampled for run in runs]).transpose(0, 2, 1)
    wanted = [np.broadcast_to(sample.volume, (anatomy.subjects,)) for sample in runs[0].samples]
    samples = sampled / np.stack(wanted, axis=1) if wanted else sampled
    return Transported(
        knots, anatomy.grid, solute, kept, volume, given, ledger, closure, error, sampled, samples
    )


@dataclass
class _Run:
    """A block of ears on its way through the knots; ``amounts`` (node, lane), ``sampled`` (classes, sample, lane)."""

    network: Network
    flows: Sequence[Flow]
    samples: Sequence[Sample]
    subjects: slice
    depots: list[int]
    amounts: Array
    given: Array
    sampled: Array
    beyond: Fraction
    peak: Array
    error: Array
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
        subjects: slice,
        windows: int,
    ) -> _Run:
        keys, depots = _depots(flows, anatomy.grid, subjects)
        network = Network.build(anatomy, solute, subjects, list(keys.values()), windows)
        lanes = network.flux.rate.shape[1]
        amounts = np.zeros((network.nodes.total, lanes))
        given = np.zeros((solute.classes, lanes))
        sampled = np.zeros((solute.classes, len(samples), lanes))
        beyond = np.zeros((len(samples), solute.classes, lanes))
        for number, sample in enumerate(samples):
            beyond[number] = 1.0 - perforation(sample, anatomy.grid)[1]
        peak, error, middle_ear = np.zeros((3, lanes))
        return cls(
            network,
            flows,
            samples,
            subjects,
            depots,
            amounts,
            given,
            sampled,
            beyond,
            peak,
            error,
            middle_ear,
            network,
        )

    def through(self, knots: Hours, factors: Plain, refine: int, kept: dict[str, Array]) -> None:
        """Go through all knots, writing the compartments kept."""
        weight = self.network.weight()
        for i, (start, stop) in enumerate(pairwise(knots)):
            if stop == start:
                self.happen(start)
            else:
                self.settle(factors[i])
                self.travel(start, stop, refine, weight)
            self.peak = np.maximum(self.peak, np.max(self.amounts * weight, axis=0))
            self.record(i + 1, kept)

    def settle(self, leak: float) -> None:
        """Rates under the present leak and middle-ear volume; kept while neither changes."""
        condition = (float(leak), self.middle_ear.tobytes())
        if condition != self.condition:
            self.now, self.condition = self.network.under(leak, self.middle_ear), condition

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

    def travel(self, start: float, stop: float, refine: int, weight: Array) -> None:
        """One interval: half the fluid moves, all else happens, the other half moves (Strang 1968)."""
        going = [
            n for n, f in enumerate(self.flows) if f.start <= start < stop <= f.stop and f.start < f.stop
        ]
        shares = {n: (stop - start) / (self.flows[n].stop - self.flows[n].start) for n in going}
        moving = [n for n in going if self.flows[n].displaces and self.depots[n] < 0]
        drawn = {
            n: (stop - start) / (s.stop - s.start)
            for n, s in enumerate(self.samples)
            if s.start <= start < stop <= s.stop
        }
        supply = np.zeros_like(self.amounts)
        for n in set(going) - set(moving):
            amount = self.amount(n) * shares[n]
            supply[self.target(n)] += amount / (stop - start)
            self.given += amount
        for n in moving:
            self.enter(n, 0.5 * shares[n])
        for n, share in drawn.items():
            self.draw(n, 0.5 * share)
        self.error += self.react(stop - start, refine, supply, weight)
        for n, share in reversed(drawn.items()):
            self.draw(n, 0.5 * share)
        for n in reversed(moving):
            self.enter(n, 0.5 * shares[n])

    def react(self, length: float, refine: int, supply: Array, weight: Array) -> Array:
        """Everything but moving fluid; the error of each lane. Steps that uptake has upset are done again."""
        if not self.amounts.any() and not supply.any():
            return np.zeros_like(self.error)
        before, now, ledger = self.amounts.copy(), self.now, self.network.nodes.ledger
        error = advance(self.amounts, length, refine, now.flux, now.pattern, RODAS4, supply, ledger, weight)
        if now.flux.site.size == 0:
            return error
        present = self.amounts * weight
        peak = np.maximum(self.peak, np.max(before * weight, axis=0))
        sound = (error <= UPSET * peak) & (np.min(present, axis=0) >= -UNDERSHOOT * peak)
        upset = np.flatnonzero(~sound & (peak > 0))
        if upset.size:
            self.amounts[:, upset], error[upset] = carefully(
                now, before[:, upset], length, refine, supply[:, upset], weight[:, upset], upset
            )
        return error

    def amount(self, number: int) -> Array:
        """All of a flow's amount, shape (classes, lane)."""
        return np.broadcast_to(_columns(self.flows[number].amount, self.subjects), self.given.shape)

    def target(self, number: int) -> Indices:
        """Node a flow enters, shape (classes,)."""
        flow, index, depot = self.flows[number], self.network.nodes.index, self.depots[number]
        if depot >= 0:
            return index["depot"][:, depot]
        return index[flow.into][:, cell_of(flow.into, flow.at, self.network.grid)]

    def enter(self, number: int, share: float) -> None:
        """A share of a flow enters at once, moving perilymph on if it is injected."""
        flow, amount = self.flows[number], share * self.amount(number)
        self.given += amount
        if flow.displaces and self.depots[number] < 0:
            inject(self.amounts, self.network, flow, amount, share * _columns(flow.volume, self.subjects))
        else:
            self.amounts[self.target(number)] += amount

    def draw(self, number: int, share: float) -> None:
        """A share of a sample is aspirated at once."""
        sample = self.samples[number]
        volume = share * _columns(sample.volume, self.subjects)
        self.sampled[:, number] += aspirate(self.amounts, self.network, sample, volume, self.beyond[number])

    def record(self, time: int, kept: dict[str, Array]) -> None:
        """Write the concentrations of the compartments kept."""
        for name, history in kept.items():
            if name not in self.network.nodes.index:
                continue
            present = self.amounts[self.network.nodes.index[name]] / self.room(name)
            moved = present.transpose(0, 2, 1)
            history[:, self.subjects, time] = moved[:, :, 0] if name in LUMPED else moved

    def room(self, name: str) -> Array:
        """Volume amounts are divided by; a dry middle ear counts as infinitely diluted."""
        if name == "middle_ear":
            return np.where(self.middle_ear > 0, self.middle_ear, np.inf)[None]
        return self.network.volume[name.removesuffix("_inside")]


def carefully(
    network: Network, amounts: Array, length: float, refine: int, supply: Array, weight: Array, lanes: Indices
) -> tuple[Array, Array]:
    """An interval in short steps with linear uptake, for the few lanes in which uptake runs dry within a step.

    Each step is linear, so that it cannot overshoot: first with what competes at its start, then again with the
    mean of its start and that first end, which makes it second order. No lane is treated by its companions.

    ``amounts``  at the start, (node, lane)
    returns      amounts at the end, and the error, the difference of both passes, shape (lane,)
    """
    flux, pattern, ledger = network.flux, network.pattern, network.nodes.ledger
    rate, capacity, half = (
        np.ascontiguousarray(v[..., lanes]) for v in (flux.rate, flux.capacity, flux.half)
    )
    linear = flux._replace(rate=rate, capacity=capacity, half=half, competition=0.0)
    step, error = length / (CAREFUL * refine), np.zeros(lanes.size)

    def attempt(competing: Array) -> Array:
        end = amounts.copy()
        rated = linear._replace(half=half + competing[:, None])
        advance(end, step, 1, rated, pattern, RODAS4, supply, ledger, weight)
        return end

    for _ in range(CAREFUL * refine):
        start = np.maximum(amounts[flux.site].sum(axis=1), 0.0)
        first = attempt(start)
        amounts = attempt(0.5 * (start + np.maximum(first[flux.site].sum(axis=1), 0.0)))
        error += np.max(np.abs(amounts - first) * weight, axis=0)
    return amounts, error


def _columns(values: Array, subjects: slice) -> Array:
    return values if values.shape[-1] == 1 else values[..., subjects]


def _depots(
    flows: Sequence[Flow], places: Grid, subjects: slice
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
) -> dict[str, dict[str, float]]:
    """What grid and steps cost, from the same ears solved on ``grid.doubled()`` and with ``refine=2``.

    ``at``    h at which the apex is compared, e.g. the end of dosing plus a day
    returns   for "space" and "time": "peak", the largest difference of concentration in scala tympani or
              organ of Corti relative to its peak; "apex_log10", the largest difference of its decimal
              logarithm in scala tympani at the apex, where both are positive
    """
    return {"space": _differ(coarse, space, at), "time": _differ(coarse, time, at)}


def _differ(coarse: Transported, fine: Transported, at: float) -> dict[str, float]:
    peak = 0.0
    moment = int(np.searchsorted(coarse.knots, at, side="right")) - 1
    names = [n for n in ("scala_tympani", "organ_of_corti") if n in coarse.concentration]
    for name in names:
        one, two = (_total(t, name, coarse.grid.places) for t in (coarse, fine))
        top = np.max(np.abs(two), axis=(1, 2))
        difference = np.max(np.abs(one - two), axis=(1, 2))
        peak = max(peak, float(np.max(difference / np.where(top > 0, top, 1.0))))
    one, two = (_total(t, "scala_tympani", coarse.grid.places)[:, moment, -1] for t in (coarse, fine))
    seen = (one > 0) & (two > 0)
    apex = np.abs(np.log10(one[seen]) - np.log10(two[seen]))
    return {"peak": peak, "apex_log10": float(np.max(apex, initial=0.0))}


def _total(run: Transported, name: str, places: int) -> Array:
    """Concentration over all classes on a grid of fewer places, shape (subject, time, place)."""
    total = run.concentration[name].sum(axis=0)
    parts = total.shape[-1] // places
    weight = run.volume[name][:, None, :]
    shape = (*total.shape[:-1], places, parts)
    weights = np.broadcast_to(weight, total.shape).reshape(shape)
    return np.asarray((total.reshape(shape) * weights).sum(axis=-1) / weights.sum(axis=-1))
