"""Exposure -> intact, injured, silent and lost cells.

Stress collects what insults produce; each kind of cell is intact, injured (it can recover), silent (alive,
not working) or lost; vesicles act on named rates. Each interval between two knots is two halves with
constant coefficients, chosen so that their exact solutions make one of fourth order; nothing turns negative and
no cell is ever gained. The equations stand in the docstrings
and are this project's own synthesis; their numbers are on the shelves ``cells``, ``insults``,
``mechanisms`` and ``effects``.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from math import sqrt
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otosome.errors import BadInput
from otosome.model.equations import Equation
from otosome.model.lanes import LANES, aligned
from otosome.roles import Action, Ear, Exposure, Insult, Kind, Target
from otosome.units import (
    Array,
    Fraction,
    Hours,
    Micromolar,
    Millimetres,
    ParticlesPerMicrolitre,
    PerHour,
    Plain,
    Unit,
)

Indices = NDArray[np.int64]
CopiesPerMicrolitre = Annotated[Array, Unit("copies/uL")]

KINDS = ("ohc", "ihc", "synapse", "sgn")
LABELS: Mapping[str, str] = {"ohc": "OHC", "ihc": "IHC", "synapse": "synapse", "sgn": "SGN"}
# Where each kind meets vesicles; stress is cleared where the hair cells are.
TISSUES: Mapping[str, str] = {
    "ohc": "organ_of_corti",
    "ihc": "organ_of_corti",
    "synapse": "organ_of_corti",
    "sgn": "rosenthals_canal",
    "stress": "organ_of_corti",
}
# Actions that multiply a helpful rate by 1 + effect, which has no upper end; every other takes or gives a share.
RAISED: tuple[Action, ...] = ("repair", "clear")
_NONE, _ONE, _WHOLE = np.zeros((1, 1, 1)), np.ones((1, 1, 1)), np.ones((1, 1))
_EMPTY = np.empty((0, 0, 0))
# Of a level, as a share of the one at half of the response: far below anything that responds.
_LEAST = 1e-40
# What is of a kind of cell and the same at all times and places, in the order of the compiled loop.
_OWN = ("repair", "silencing", "death", "silent_death", "withdrawn")


class Halves(NamedTuple):
    """How coefficients known on knots become those of the halves of each interval.

    ``lengths``  h, shape (interval,);  ``first``  knot that four weights begin at, (interval,)
    ``weights``  shape (interval, half, 4)
    """

    lengths: Hours
    first: Indices
    weights: Array


def halves(knots: Hours) -> Halves:
    """The two halves of each interval for a solution of fourth order.

    A cubic through four knots between the same two events gives the coefficients at both Gauss points; each
    half takes 1/2 + 1/sqrt(3) of the nearer and the rest of the other. Source: Blanes and Moan 2006 (the scheme
    with two exponentials and fourth order).
    """
    return _halves(np.asarray(knots, float).tobytes())


@lru_cache(maxsize=64)
def _halves(raw: bytes) -> Halves:
    knots = np.frombuffer(raw)
    lengths, width = np.diff(knots), min(4, knots.size)
    first, weights = np.zeros(lengths.size, np.int64), np.zeros((lengths.size, 2, width))
    edges = [0, *(np.flatnonzero(lengths == 0.0) + 1), knots.size]
    near, far = 0.5 + 1.0 / sqrt(3.0), 0.5 - 1.0 / sqrt(3.0)
    for begin, end in pairwise(edges):
        for t in range(begin, end - 1):
            start = max(begin, min(t - 1, end - 4))
            stop = min(start + 4, end)
            # A neighbour much too near would multiply what small error the coefficients have: then a line.
            if np.min(np.diff(knots[start:stop])) < 1e-3 * lengths[t]:
                start, stop = t, t + 2
            points = knots[t] + lengths[t] * (0.5 + np.array([-0.5, 0.5]) / sqrt(3.0))
            basis = np.stack([_lagrange(knots[start:stop], j, points) for j in range(stop - start)], axis=1)
            first[t] = min(start, knots.size - width)
            place = slice(start - first[t], stop - first[t])
            weights[t, :, place] = np.array([[near, far], [far, near]]) @ basis
    return Halves(lengths, first, weights)


def _lagrange(knots: Hours, j: int, at: Hours) -> Array:
    others = np.delete(knots, j)
    return np.prod((at[:, None] - others) / (knots[j] - others), axis=1)


def relax(knots: Hours, source: Array, rate: PerHour, initial: Array | float = 0.0) -> Array:
    """Solve dy/dt = source - rate y on knots: a pool that is filled and emptied.

    ``knots``    h, shape (time,)
    ``source``   unit of y per h, broadcasts to (subject, time, place)
    ``rate``     1/h, broadcasts to the same, not negative
    ``initial``  y at the first knot, broadcasts to (subject, place)
    returns      y, shape (subject, time, place); fourth order in the step, exact for constant coefficients
    """
    from otosome.model import fates

    shape = np.broadcast_shapes(np.shape(source), np.shape(rate), (1, knots.size, 1))
    start = np.broadcast_to(np.asarray(initial, dtype=float), (shape[0], shape[2]))
    result: Array = fates.relax(
        *halves(knots), _full(source, shape), _full(rate, shape), _full(start, start.shape)
    )
    return result[:, :, : shape[2]]


def _full(values: Array, shape: tuple[int, ...]) -> Array:
    """Values broadcast to a shape, its last axis made up to whole vectors."""
    if np.shape(values) == shape and shape[-1] % LANES == 0 and values.flags.c_contiguous:
        return values
    full = aligned(*shape[:-1], -(-shape[-1] // LANES) * LANES)
    full[..., : shape[-1]] = values
    return full


def elapsed(knots: Hours, start: float) -> Hours:
    """Hours since an event on the knots from it on, infinite before; shape (time,).

    Of the knots at the event itself the last is after it, the others before.
    """
    since = np.full(knots.shape, np.inf)
    first = max(int(np.searchsorted(knots, start, side="right")) - 1, 0)
    since[first:] = np.maximum(knots[first:] - start, 0.0)
    return since


def emax(level: Array, half: Array, hill: Array) -> Fraction:
    """Sigmoid response, 0 at level 0, 0.5 at ``half``, towards 1 above it.

    ``level``, ``half``  same unit; level not negative
    ``hill``             steepness, positive
    """
    ratio = level / half
    # A power of zero, or of next to nothing, is slow.
    power: Array = np.maximum(ratio, _LEAST) ** hill
    power *= ratio > 0.0
    power /= 1.0 + power
    return power


@dataclass(frozen=True)
class Trauma:
    """Mechanical damage from the base to where an instrument reached, with the inflammation after it.

    Event-like: each start of the use gives a pulse of direct hazard that fades over ``duration`` and a
    production of stress that fades over ``inflammation``. The use's depth, where stated, replaces ``reach``.
    """

    cells: tuple[Kind, ...]
    damage: PerHour
    duration: Hours
    irritation: PerHour
    inflammation: Hours
    reach: Millimetres
    edge: Millimetres
    needs: tuple[str, ...] = ()

    EQUATIONS: ClassVar[tuple[Equation, ...]] = (
        Equation(
            "beyond", "x * length - reach", "mm", "past the reach; x is 0 at the base and 1 at the apex"
        ),
        Equation("there", "(1 - tanh(beyond / edge)) / 2", "", "1 where the instrument was"),
        Equation("hazard", "damage * there * exp(-since / duration)", "1/h", "of each kind it injures"),
        Equation(
            "production",
            "irritation * there * exp(-since / inflammation)",
            "1/h",
            "of stress; since is what has passed after it, h, and each start adds its own",
        ),
    )

    def hazards(self, ear: Ear, exposure: Exposure) -> dict[str, PerHour]:
        """Direct death rate of each kind it reaches, 1/h, shape (subject, time, place)."""
        hazard = self.damage * self._extent(ear, exposure) * fading(exposure, self.duration)
        return dict.fromkeys(self.cells, hazard)

    def stress(self, ear: Ear, exposure: Exposure) -> PerHour:
        """Production of stress, 1/h, shape (subject, time, place)."""
        return self.irritation * self._extent(ear, exposure) * fading(exposure, self.inflammation)

    def _extent(self, ear: Ear, exposure: Exposure) -> Fraction:
        return touched(past(ear, exposure, self.reach), self.edge)


def past(ear: Ear, exposure: Exposure, reach: Millimetres) -> Millimetres:
    """How far each place lies past an instrument's reach, or the use's depth where stated; below zero where it was."""
    deep = reach if exposure.use.depth is None else exposure.use.depth
    return ear.place[None, None, :] * ear.length[:, None, None] - deep


def touched(beyond: Millimetres, edge: Millimetres) -> Fraction:
    """1 where an instrument was, 0 past it, over an ``edge``."""
    return 0.5 * (1.0 - np.tanh(beyond / edge))


def fading(exposure: Exposure, time: Hours) -> Fraction:
    """Sum over the starts of exp(-elapsed/time); shape (subject, time, 1)."""
    total = np.zeros((1, exposure.knots.size, 1))
    for start in exposure.use.start:
        total = total + np.exp(-elapsed(exposure.knots, start)[None, :, None] / time)
    return total


@dataclass(frozen=True, kw_only=True)
class Agent:
    """What acts on the rates of cells: which it reaches, how far at most, and how fast that builds and fades.

    ``acts``    which kinds each action reaches: prevent (injury), rescue (death of the injured), repair,
                clear (stress; its kind is "stress"), support (neurons without afferents), revive (the silent)
    ``onset``, ``offset``  hours for the effect to build at full signal, and to fade without it
    ``prevent`` ... ``revive``  largest effect of each action, 0 to 1; of repair and clear not below 0
    """

    acts: Mapping[Action, tuple[Target, ...]]
    onset: Hours
    offset: Hours
    prevent: Fraction | None = None
    rescue: Fraction | None = None
    repair: Plain | None = None
    clear: Plain | None = None
    support: Fraction | None = None
    revive: Fraction | None = None

    def __post_init__(self) -> None:
        for name in ("prevent", "rescue", "repair", "clear", "support", "revive", "gate"):
            effect = getattr(self, name, None)
            most = np.inf if name in RAISED else 1.0
            if effect is not None and not (np.all(effect >= 0) and np.all(effect <= most)):
                raise BadInput(
                    "a largest effect is not below 0"
                    if name in RAISED
                    else "a largest effect lies from 0 to 1",
                    key=name,
                    given=f"{np.min(effect):g} to {np.max(effect):g}",
                )

    def effect(self, knots: Hours, signal: Fraction) -> Fraction:
        """Effect E on knots, 0 to 1: dE/dt = signal (1 - E)/onset - E/offset, from none."""
        building = signal / self.onset
        return relax(knots, building, building + 1.0 / self.offset)

    def largest(self, action: Action) -> Fraction:
        """Largest effect of an action; raises ValueError if none is stated."""
        effect: Array | None = getattr(self, action)
        if effect is None:
            raise ValueError(f"acts by {action!r} but states no largest effect {action!r}")
        return effect


@dataclass(frozen=True, kw_only=True)
class Mechanism(Agent):
    """A way in which vesicles act on cells: contact with their surface, or cargo they release, or both.

    ``gates``   others wait for it: it multiplies the effect of all others by 1 - gate (1 - its own effect), so that
                with a gate of 1 nothing is left of theirs without it
    ``ec50``    vesicles of potency 1 at half the signal, particles/uL; ``n50`` copies released, copies/uL
    """

    gates: bool = False
    ec50: ParticlesPerMicrolitre | None = None
    n50: CopiesPerMicrolitre | None = None
    gate: Fraction | None = None

    def signal(self, contact: ParticlesPerMicrolitre, cargo: CopiesPerMicrolitre) -> Fraction:
        """Receptor signal: how strongly vesicles signal to cells, 0 to 1, zero without them.

        ``contact``  relative potency times vesicles where the cells are, particles/uL
        ``cargo``    copies released in the cells, copies/uL; both broadcast to (subject, time, place)
        """
        silence: Array = np.ones(np.broadcast_shapes(np.shape(contact), np.shape(cargo)))
        if self.ec50 is not None:
            silence = silence * _unheard(contact, self.ec50)
        if self.n50 is not None:
            silence = silence * _unheard(cargo, self.n50)
        return 1.0 - silence


@dataclass(frozen=True, kw_only=True)
class DrugEffect(Agent):
    """What a drug does to cells that it reaches, by how much of it is there.

    ``ec50``  concentration at half the signal, uM, where the cells are
    """

    ec50: Micromolar

    def signal(self, concentration: Micromolar) -> Fraction:
        """How strongly cells respond, 0 to 1: c / (c + ec50), zero without the drug.

        ``concentration``  where the cells are, uM, broadcasts to (subject, time, place)
        """
        return 1.0 - _unheard(concentration, self.ec50)


def _unheard(amount: Array, half: Array) -> Fraction:
    present = np.maximum(amount, 0.0)
    return half / (half + present)


@dataclass(frozen=True)
class Protection:
    """What vesicles do to the rates: by action and kind, a factor of shape (subject, time, place).

    ``prevent``, ``rescue`` and ``support`` are what is left of a harmful rate, 0 to 1; ``repair`` and
    ``clear`` multiply a helpful one, 1 and more; ``revive`` is the share of silence that is left, 0 to 1: revival
    goes on at 1 - ``revive`` of its full rate. What is absent is untouched.
    """

    factors: Mapping[tuple[str, str], Array] = field(default_factory=dict)

    def factor(self, action: Action, kind: str) -> Array | float:
        """The factor on one kind's rate; 1 where nothing acts."""
        return self.factors.get((action, kind), 1.0)

    def times(self, other: Protection) -> Protection:
        """Both together: their factors on one rate multiply."""
        factors = dict(self.factors)
        for key, factor in other.factors.items():
            factors[key] = factors[key] * factor if key in factors else factor
        return Protection(factors)


def protect(
    knots: Hours,
    mechanisms: Mapping[str, Mechanism],
    contact: Mapping[str, ParticlesPerMicrolitre],
    potency: Mapping[str, Plain] | None = None,
    cargo: Mapping[str, CopiesPerMicrolitre] | None = None,
    without: Iterable[str] = (),
) -> Protection:
    """What vesicles do to each kind of cell through every mechanism.

    ``mechanisms``  by name
    ``contact``     vesicles by tissue (``organ_of_corti``, ``rosenthals_canal``), particles/uL, shape
                    (subject, time, place), size classes summed
    ``potency``     relative potency of the lot by mechanism, broadcasts to (subject, 1, 1); 1 where absent
    ``cargo``       copies released by tissue, copies/uL, same shape; none where absent
    ``without``     mechanisms knocked out: they have no effect. A knocked-out gate stays shut.
    """
    effects = _Effects(knots, mechanisms, contact, potency or {}, cargo or {}, frozenset(without))
    factors: dict[tuple[str, str], Array] = {}
    for name, mechanism in mechanisms.items():
        for action, kinds in mechanism.acts.items():
            for kind in kinds:
                tissue = TISSUES[kind]
                now = effects.of(name, tissue) * effects.opened(name, tissue)
                _multiply(factors, mechanism, action, kind, now)
    return Protection(factors)


def protect_by_drugs(
    knots: Hours,
    effects: Mapping[str, DrugEffect],
    concentration: Mapping[str, Mapping[str, Micromolar]],
) -> Protection:
    """What drugs do to each kind of cell.

    ``effects``        by name
    ``concentration``  by the same name, of its drug by tissue, uM, shape (subject, time, place)
    """
    factors: dict[tuple[str, str], Array] = {}
    for name, drug in effects.items():
        built = {where: drug.effect(knots, drug.signal(c)) for where, c in concentration[name].items()}
        for action, kinds in drug.acts.items():
            for kind in kinds:
                _multiply(factors, drug, action, kind, built[TISSUES[kind]])
    return Protection(factors)


def _multiply(
    factors: dict[tuple[str, str], Array], agent: Agent, action: Action, kind: str, effect: Fraction
) -> None:
    change = agent.largest(action) * effect
    factor = 1.0 + change if action in RAISED else 1.0 - change
    factors[action, kind] = factors.get((action, kind), _ONE) * factor


@dataclass
class _Effects:
    """Effects of mechanisms by name and tissue, each computed once."""

    knots: Hours
    mechanisms: Mapping[str, Mechanism]
    contact: Mapping[str, Array]
    potency: Mapping[str, Array]
    cargo: Mapping[str, Array]
    without: frozenset[str]
    known: dict[tuple[str, str], Array] = field(default_factory=dict)

    def of(self, name: str, tissue: str) -> Fraction:
        mechanism = self.mechanisms[name]
        if (name, tissue) not in self.known:
            self.known[name, tissue] = mechanism.effect(self.knots, self._signal(name, mechanism, tissue))
        return self.known[name, tissue]

    def _signal(self, name: str, mechanism: Mechanism, tissue: str) -> Fraction:
        vesicles = self.contact[tissue]
        if name in self.without:
            return np.zeros_like(vesicles)
        cargo = self.cargo.get(tissue, np.zeros_like(vesicles))
        potency = self.potency.get(name, _ONE)
        return mechanism.signal(potency * vesicles, potency * cargo)

    def opened(self, of: str, tissue: str) -> Fraction:
        """How much of one mechanism's effect the gates of the others let through, 0 to 1."""
        opened = _ONE
        for name, gate in self.mechanisms.items():
            if gate.gates and gate.gate is not None and name != of:
                opened = opened * (1.0 - gate.gate * (1.0 - self.of(name, tissue)))
        return opened


@dataclass(frozen=True)
class Injury:
    """What all insults of an arm do together: productions and hazards add.

    ``production``  of stress, 1/h, shape (subject, time, place)
    ``hazards``     direct, by kind, 1/h, same shape
    ``losses``      cells that go without having been injured first, by kind, 1/h, same shape
    """

    production: PerHour
    hazards: Mapping[str, PerHour]
    losses: Mapping[str, PerHour] = field(default_factory=dict)


def injury(ear: Ear, knots: Hours, insults: Iterable[tuple[Insult, Exposure]]) -> Injury:
    """Add up the insults of an arm.

    ``insults``  each with the exposure it reads; none gives no injury. An insult that makes cells go without
                 injuring them first has a method ``losses``, with the arguments of ``hazards``
    """
    shape = (ear.length.size, knots.size, ear.place.size)
    production: Array = np.zeros(shape)
    hazards: dict[str, Array] = {}
    losses: dict[str, Array] = {}
    for insult, exposure in insults:
        production += insult.stress(ear, exposure)
        lost = getattr(insult, "losses", None)
        both = [(hazards, insult.hazards)] + ([] if lost is None else [(losses, lost)])
        for total, rates in both:
            for kind, rate in rates(ear, exposure).items():
                whole = np.broadcast_to(rate, shape)
                total[kind] = total[kind] + whole if kind in total else whole
    return Injury(production, hazards, losses)


@dataclass(frozen=True)
class Cells:
    """Fractions of each kind of cell, by kind, shape (subject, time, place), 0 to 1.

    ``intact``, ``injured``, ``silent``  the rest is lost; a synapse is one of a *surviving* inner hair cell
    ``stria``   strial function, same shape, 0 to 1
    ``rates``   the shelf ``cells``: by kind and key, shape (subject,) or (subject, 1, 1)
    ``tones``   what tones met of them so far (``hearing.once``)
    """

    intact: Mapping[str, Fraction]
    injured: Mapping[str, Fraction]
    silent: Mapping[str, Fraction]
    stria: Fraction
    rates: Mapping[str, Mapping[str, Array]]
    tones: dict[Hashable, tuple[object, Array]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def rate(self, kind: str, key: str) -> Array:
        """A number of the shelf ``cells`` as a column, shape (subject, 1, 1)."""
        return _column(self.rates[kind][key])

    def function(self, kind: str) -> Fraction:
        """Working fraction of a kind: intact, and what the injured and the silent still do."""
        return (
            self.intact[kind]
            + self.rate(kind, "injured_function") * self.injured[kind]
            + self.rate(kind, "silent_function") * self.silent[kind]
        )

    def counted(self, kind: str) -> Fraction:
        """Fraction a histologist would count: every cell alive. A silent synapse has come apart and is none."""
        there = self.intact[kind] + self.injured[kind]
        return there if kind == "synapse" else there + self.silent[kind]

    def afferents(self) -> Fraction:
        """Fraction of nerve fibres that carry sound: a working inner hair cell, synapse and neuron.

        A fibre needs its synapse and its neuron, and a neuron dies for want of its synapse: the
        scarcer counts.
        """
        return self.function("ihc") * np.minimum(self.function("synapse"), self.function("sgn"))

    def at(self, index: Array | slice) -> Cells:
        """The same cells at some of the knots."""
        intact, injured, silent = (
            {kind: values[:, index] for kind, values in state.items()}
            for state in (self.intact, self.injured, self.silent)
        )
        return Cells(intact, injured, silent, self.stria[:, index], self.rates)


def _column(values: Array) -> Array:
    return np.reshape(np.asarray(values, dtype=float), (-1, 1, 1))


def stress(knots: Hours, production: PerHour, clearance: PerHour, protection: Protection) -> Plain:
    """Stress on knots: ds/dt = production - clearance (1 + clear) s, from none.

    ``production``  1/h, shape (subject, time, place)
    ``clearance``   1/h, shape (subject,) or (subject, 1, 1)
    returns         no unit, shape (subject, time, place); 1 is about what a damaging insult reaches
    """
    return relax(knots, production, _column(clearance) * protection.factor("clear", "stress"))


def survive(
    knots: Hours,
    rates: Mapping[str, Mapping[str, Array]],
    injury: Injury,
    clearance: PerHour,
    protection: Protection | None = None,
    strial: bool = True,
    arrived: Mapping[str, Fraction] | None = None,
    kinds: Collection[str] = KINDS,
) -> Cells:
    """Fate of every kind of cell and of the stria under an arm's insults and its vesicles.

    ``knots``       h, shape (time,)
    ``rates``       the shelf ``cells``: by kind (ohc, ihc, synapse, sgn, stria) and key, (subject,) columns
    ``injury``      production of stress and direct hazards, 1/h, shape (subject, time, place)
    ``clearance``   of stress, 1/h, (subject,) column
    ``protection``  from ``protect``; none given means no vesicles
    ``strial``      whether the stria suffers (rodents)
    ``arrived``     share of each kind the ear arrives with, intact, 0 to 1, broadcasts to (subject, place);
                    all of a kind that is not named. Neurons without a synapse then have died before: only
                    what loses its connection from here on starves
    ``kinds``       the kinds that are followed, with those that they depend on
    returns         cells on the knots, shape (subject, time, place)
    """
    protection = protection or Protection()
    arrived = arrived or {}
    stressed = stress(knots, injury.production, clearance, protection)
    states = {}
    for kind in (
        kind for kind in ("ohc", "ihc", "synapse") if kind in kinds or (kind != "ohc" and "sgn" in kinds)
    ):
        states[kind] = _fate(knots, kind, rates[kind], stressed, injury, protection, _NONE, arrived)
    if "sgn" in kinds:
        # A synapse that has come apart connects nothing.
        alive = _alive(states["ihc"]) * (states["synapse"][0] + states["synapse"][1])
        bare = alive[:, :1] <= 0.0
        connected = (alive + bare) / (alive[:, :1] + bare)
        starved = _starved(knots, rates["sgn"]["starvation"], connected, protection)
        states["sgn"] = _fate(knots, "sgn", rates["sgn"], stressed, injury, protection, starved, arrived)
    return Cells(
        intact={kind: state[0] for kind, state in states.items()},
        injured={kind: state[1] for kind, state in states.items()},
        silent={kind: state[2] for kind, state in states.items()},
        stria=_stria(knots, rates["stria"], stressed) if strial else np.ones_like(stressed),
        rates=rates,
    )


def _alive(states: tuple[Fraction, Fraction, Fraction]) -> Fraction:
    intact, injured, silent = states
    alive: Array = intact + injured
    alive += silent
    return alive


def _starved(knots: Hours, starvation: Array, connected: Fraction, protection: Protection) -> PerHour:
    """Rate at which neurons die for want of a connection, per neuron left: none but the lone ones starve."""
    rate = _column(starvation) * protection.factor("support", "sgn")
    without = np.maximum(1.0 - connected, 0.0)
    dead = relax(knots, rate * without, rate)
    return rate * np.maximum(without - dead, 0.0) / np.maximum(1.0 - dead, np.finfo(float).tiny)


def _fate(
    knots: Hours,
    kind: str,
    rates: Mapping[str, Array],
    stressed: Plain,
    injury: Injury,
    protection: Protection,
    removal: PerHour,
    arrived: Mapping[str, Fraction],
) -> tuple[Fraction, Fraction, Fraction]:
    """Intact, injured and silent fractions of one kind; what is ``spared`` is never injured, and goes with the rest.

    A ``withdrawn`` share of the synapses that die only come apart, and are silent. Silent cells come back to injured
    ones by vesicles alone, and not while stress that kills goes on.
    """
    from otosome.model import fates

    susceptibility = _column(rates["susceptibility"])
    rate = susceptibility * _column(rates["sensitivity"]) * stressed
    if kind in injury.hazards:
        rate += susceptibility * injury.hazards[kind]
    deadly = emax(stressed, _column(rates["half_stress"]), _column(rates["hill"]))
    shape = stressed.shape
    acts: tuple[Action, ...] = ("prevent", "repair", "rescue")
    prevented, mended, rescued = (protection.factors.get((act, kind)) for act in acts)
    spared = _column(rates.get("spared", _NONE))
    removed = removal + _worn(knots, rates, stressed, injury.losses.get(kind, _NONE))
    whole = np.broadcast_to(arrived.get(kind, _WHOLE), (shape[0], shape[2]))
    state: tuple[Array, Array, Array] = fates.decline(
        *halves(knots),
        _full(rate if prevented is None else rate * prevented, shape),
        _full(deadly, shape),
        np.stack([np.broadcast_to(np.ravel(rates.get(key, _NONE)), shape[:1]) for key in _OWN], axis=1),
        _EMPTY if mended is None else _full(mended - 1.0, shape),
        _EMPTY if rescued is None else _full(deadly * rescued, shape),
        _revival(kind, rates, deadly, protection),
        _full(removed, shape) if removed.any() else _EMPTY,
        _full(whole * (1.0 - spared[:, 0]), whole.shape),
    )
    intact, injured, silent = (part[:, :, : shape[2]] for part in state)
    if not spared.any():
        return intact, injured, silent
    lasting = (
        relax(knots, np.zeros(shape), removed, whole * spared[:, 0])
        if removed.any()
        else whole[:, None] * spared
    )
    return intact + lasting, injured, silent


def _worn(knots: Hours, rates: Mapping[str, Array], stressed: Plain, losses: PerHour) -> PerHour:
    """Rate of slow loss: up to 1 + ``wear`` times as fast after stress, half of that once ``worn`` of it is past."""
    if "wear" not in rates or not losses.any():
        return losses
    past = relax(knots, stressed, _NONE)
    worn: PerHour = losses * (1.0 + _column(rates["wear"]) * past / (past + _column(rates["worn"])))
    return worn


def _revival(kind: str, rates: Mapping[str, Array], deadly: Fraction, protection: Protection) -> PerHour:
    """Rate at which vesicles bring silent cells back, shape (subject, time, place); empty where none do."""
    silence = protection.factor("revive", kind)
    if "revival" not in rates or np.all(silence == 1.0):
        return _EMPTY
    return _full(_column(rates["revival"]) * (1.0 - silence) * (1.0 - deadly), deadly.shape)


def _stria(knots: Hours, rates: Mapping[str, Array], stressed: Plain) -> Fraction:
    """Strial function v on knots: dv/dt = recovery (1 - v) - injury s v, from 1."""
    recovery = _column(rates["recovery"])
    # The same equation for what is missing keeps an unharmed stria at exactly 1.
    hurt = _column(rates["injury"]) * stressed
    return 1.0 - relax(knots, hurt, hurt + recovery)
