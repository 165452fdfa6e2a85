"""Exposure -> intact, injured, silent and lost cells.

Stress collects what insults produce; each kind of cell is intact, injured (it can recover), silent (alive,
not working) or lost; vesicles act on named rates. Between two knots the coefficients are their means and the
solution is exact: second order, never negative, no cell ever gained. The equations stand in the docstrings
and are this project's own synthesis; their numbers are on the shelves ``cells``, ``insults``, ``mechanisms``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import exp, expm1, sqrt
from typing import Annotated, Literal

import numpy as np
from numba import njit

from otosome.evidence import BadInput
from otosome.roles import Ear, Exposure, Insult
from otosome.units import Array, Fraction, Hours, Millimetres, ParticlesPerMicrolitre, PerHour, Plain, Unit

Action = Literal["prevent", "rescue", "repair", "clear", "support"]
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
_NONE, _ONE, _WHOLE = np.zeros((1, 1, 1)), np.ones((1, 1, 1)), np.ones((1, 1))


@njit(cache=True, nogil=True)
def _relax(knots: Array, source: Array, rate: Array, initial: Array) -> Array:  # pragma: no cover
    """dy/dt = source - rate y on knots, exact for the mean source and rate of each interval."""
    subjects, times, places = source.shape
    y = np.empty((subjects, times, places))
    for i in range(subjects):
        for n in range(places):
            y[i, 0, n] = initial[i, n]
        for t in range(1, times):
            step = knots[t] - knots[t - 1]
            for n in range(places):
                x = 0.5 * (rate[i, t - 1, n] + rate[i, t, n]) * step
                mean = 0.5 * (source[i, t - 1, n] + source[i, t, n])
                gain = -expm1(-x) / x if x > 1e-8 else 1.0 - 0.5 * x
                y[i, t, n] = y[i, t - 1, n] * exp(-x) + mean * step * gain
    return y


@njit(cache=True, nogil=True)
def _decline(
    knots: Array,
    harm: Array,
    repair: Array,
    silencing: Array,
    death: Array,
    silent_death: Array,
    removal: Array,
    initial: Array,
) -> tuple[Array, Array, Array]:  # pragma: no cover
    """Intact a, injured b and silent e on knots, from ``initial`` intact and the rest lost.

    da/dt = -harm a + repair b, db/dt = harm a - (repair + silencing + death) b,
    de/dt = silencing b - silent_death e, and ``removal`` takes from all three. The 2x2 exponential of (a, b)
    is written without differences of like numbers, so that every entry of it is a sum of positive terms.
    """
    subjects, times, places = harm.shape
    intact = np.zeros((subjects, times, places))
    injured = np.zeros((subjects, times, places))
    silent = np.zeros((subjects, times, places))
    for i in range(subjects):
        for n in range(places):
            intact[i, 0, n] = initial[i, n]
        for t in range(1, times):
            step = knots[t] - knots[t - 1]
            for n in range(places):
                a, b, e = intact[i, t - 1, n], injured[i, t - 1, n], silent[i, t - 1, n]
                alpha = 0.5 * (harm[i, t - 1, n] + harm[i, t, n])
                gone = 0.5 * (removal[i, t - 1, n] + removal[i, t, n])
                if step > 0.0 and (alpha > 0.0 or b > 0.0 or e > 0.0):
                    rho = 0.5 * (repair[i, t - 1, n] + repair[i, t, n])
                    kappa = 0.5 * (silencing[i, t - 1, n] + silencing[i, t, n])
                    lethal = kappa + 0.5 * (death[i, t - 1, n] + death[i, t, n])
                    half = 0.5 * (rho + lethal - alpha)
                    q = sqrt(half * half + alpha * rho)
                    total = 0.5 * (alpha + rho + lethal) + q
                    slow = alpha * lethal / total if total > 0.0 else 0.0
                    grown = exp(-slow * step)
                    shape = -expm1(-2.0 * q * step) / (2.0 * q) if q > 0.0 else step
                    fast = grown * exp(-2.0 * q * step)
                    mix = grown * shape
                    a_next = (fast + mix * max(q + half, 0.0)) * a + mix * rho * b
                    b_next = mix * alpha * a + (fast + mix * max(q - half, 0.0)) * b
                    left = max(a + b - a_next - b_next, 0.0)
                    entered = left * kappa / lethal if lethal > 0.0 else 0.0
                    x = silent_death[i] * step
                    kept = -expm1(-x) / x if x > 1e-8 else 1.0 - 0.5 * x
                    a, b, e = a_next, b_next, e * exp(-x) + entered * kept
                if gone > 0.0:
                    remain = exp(-gone * step)
                    a, b, e = a * remain, b * remain, e * remain
                intact[i, t, n], injured[i, t, n], silent[i, t, n] = a, b, e
    return intact, injured, silent


def relax(knots: Hours, source: Array, rate: PerHour, initial: Array | float = 0.0) -> Array:
    """Solve dy/dt = source - rate y on knots: a pool that is filled and emptied.

    ``knots``    h, shape (time,)
    ``source``   unit of y per h, broadcasts to (subject, time, place)
    ``rate``     1/h, broadcasts to the same, not negative
    ``initial``  y at the first knot, broadcasts to (subject, place)
    returns      y, shape (subject, time, place); second order in the step, exact for constant coefficients
    """
    shape = np.broadcast_shapes(np.shape(source), np.shape(rate), (1, knots.size, 1))
    start = np.broadcast_to(np.asarray(initial, dtype=float), (shape[0], shape[2]))
    result: Array = _relax(knots, _full(source, shape), _full(rate, shape), np.ascontiguousarray(start))
    return result


def _full(values: Array, shape: tuple[int, ...]) -> Array:
    return np.ascontiguousarray(np.broadcast_to(values, shape), dtype=np.float64)


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
    ratio = (np.maximum(level, 0.0) / half) ** hill
    return ratio / (1.0 + ratio)


@dataclass(frozen=True)
class Trauma:
    """Mechanical damage from the base to where an instrument reached, with the inflammation after it.

    Event-like: each start of the use gives a pulse of direct hazard that fades over ``duration`` and a
    production of stress that fades over ``inflammation``. The use's depth, where stated, replaces ``reach``.
    """

    cells: tuple[str, ...]
    damage: PerHour
    duration: Hours
    irritation: PerHour
    inflammation: Hours
    reach: Millimetres
    edge: Millimetres
    needs: tuple[str, ...] = ()

    def hazards(self, ear: Ear, exposure: Exposure) -> dict[str, PerHour]:
        """Direct death rate of each kind it reaches, 1/h, shape (subject, time, place)."""
        hazard = self.damage * self._extent(ear, exposure) * _fading(exposure, self.duration)
        return dict.fromkeys(self.cells, hazard)

    def stress(self, ear: Ear, exposure: Exposure) -> PerHour:
        """Production of stress, 1/h, shape (subject, time, place)."""
        return self.irritation * self._extent(ear, exposure) * _fading(exposure, self.inflammation)

    def _extent(self, ear: Ear, exposure: Exposure) -> Fraction:
        reach = self.reach if exposure.use.depth is None else exposure.use.depth
        distance = ear.place[None, None, :] * ear.length[:, None, None]
        return 0.5 * (1.0 + np.tanh((reach - distance) / self.edge))


def _fading(exposure: Exposure, time: Hours) -> Fraction:
    """Sum over the starts of exp(-elapsed/time); shape (subject, time, 1)."""
    total = np.zeros((1, exposure.knots.size, 1))
    for start in exposure.use.start:
        total = total + np.exp(-elapsed(exposure.knots, start)[None, :, None] / time)
    return total


@dataclass(frozen=True)
class Mechanism:
    """A way in which vesicles act on cells: contact with their surface, or cargo they release, or both.

    ``acts``    which kinds each action reaches: prevent (injury), rescue (death of the injured), repair,
                clear (stress; its kind is "stress"), support (neurons without afferents)
    ``gates``   it has no action of its own but multiplies the signal of all others, by 1 - gate (1 - effect)
    ``ec50``    vesicles of potency 1 at half the signal, particles/uL; ``n50`` copies released, copies/uL
    ``onset``, ``offset``  hours for the effect to build at full signal, and to fade without it
    ``prevent`` ... ``support``  largest effect of each action, 0 to 1
    """

    acts: Mapping[Action, tuple[str, ...]]
    onset: Hours
    offset: Hours
    gates: bool = False
    ec50: ParticlesPerMicrolitre | None = None
    n50: CopiesPerMicrolitre | None = None
    prevent: Fraction | None = None
    rescue: Fraction | None = None
    repair: Fraction | None = None
    clear: Fraction | None = None
    support: Fraction | None = None
    gate: Fraction | None = None

    def __post_init__(self) -> None:
        for name in ("prevent", "rescue", "repair", "clear", "support", "gate"):
            effect = getattr(self, name)
            if effect is not None and not (np.all(effect >= 0) and np.all(effect <= 1)):
                raise BadInput(
                    "a largest effect lies from 0 to 1",
                    key=name,
                    given=f"{np.min(effect):g} to {np.max(effect):g}",
                )

    def signal(self, contact: ParticlesPerMicrolitre, cargo: CopiesPerMicrolitre) -> Fraction:
        """How strongly cells are told, 0 to 1, zero without vesicles.

        ``contact``  relative potency times vesicles where the cells are, particles/uL
        ``cargo``    copies released in the cells, copies/uL; both broadcast to (subject, time, place)
        """
        silence: Array = np.ones(np.broadcast_shapes(np.shape(contact), np.shape(cargo)))
        if self.ec50 is not None:
            silence = silence * _unheard(contact, self.ec50)
        if self.n50 is not None:
            silence = silence * _unheard(cargo, self.n50)
        return 1.0 - silence

    def effect(self, knots: Hours, signal: Fraction) -> Fraction:
        """Effect E on knots, 0 to 1: dE/dt = signal (1 - E)/onset - E/offset, from none."""
        told = signal / self.onset
        return relax(knots, told, told + 1.0 / self.offset)

    def largest(self, action: Action) -> Fraction:
        """Largest effect of an action; raises ValueError if the mechanism states none."""
        found: Array | None = getattr(self, action)
        if found is None:
            raise ValueError(f"mechanism acts by {action!r} but states no largest effect {action!r}")
        return found


def _unheard(amount: Array, half: Array) -> Fraction:
    present = np.maximum(amount, 0.0)
    return half / (half + present)


@dataclass(frozen=True)
class Protection:
    """What vesicles do to the rates: by action and kind, a factor of shape (subject, time, place).

    ``prevent``, ``rescue`` and ``support`` are what is left of a harmful rate, 0 to 1; ``repair`` and
    ``clear`` multiply a helpful one, 1 and more. What is absent is untouched.
    """

    factors: Mapping[tuple[str, str], Array] = field(default_factory=dict)

    def factor(self, action: Action, kind: str) -> Array | float:
        """The factor on one kind's rate; 1 where nothing acts."""
        return self.factors.get((action, kind), 1.0)


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
    ``without``     mechanisms knocked out: they give no signal. A knocked-out gate stays shut.
    """
    effects = _Effects(knots, mechanisms, contact, potency or {}, cargo or {}, frozenset(without))
    factors: dict[tuple[str, str], Array] = {}
    for name, mechanism in mechanisms.items():
        for action, kinds in mechanism.acts.items():
            for kind in kinds:
                now = effects.of(name, TISSUES[kind])
                _multiply(factors, mechanism, action, kind, now)
    return Protection(factors)


def _multiply(
    factors: dict[tuple[str, str], Array], mechanism: Mechanism, action: Action, kind: str, effect: Fraction
) -> None:
    change = mechanism.largest(action) * effect
    factor = 1.0 + change if action in ("repair", "clear") else 1.0 - change
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
    found: dict[tuple[str, str], Array] = field(default_factory=dict)

    def of(self, name: str, tissue: str) -> Fraction:
        mechanism = self.mechanisms[name]
        if (name, tissue) not in self.found:
            signal = self._signal(name, mechanism, tissue)
            if not mechanism.gates:
                signal = signal * self._opened(tissue)
            self.found[name, tissue] = mechanism.effect(self.knots, signal)
        return self.found[name, tissue]

    def _signal(self, name: str, mechanism: Mechanism, tissue: str) -> Fraction:
        vesicles = self.contact[tissue]
        if name in self.without:
            return np.zeros_like(vesicles)
        cargo = self.cargo.get(tissue, np.zeros_like(vesicles))
        potency = self.potency.get(name, _ONE)
        return mechanism.signal(potency * vesicles, potency * cargo)

    def _opened(self, tissue: str) -> Fraction:
        """How far the gates let others through, 0 to 1."""
        opened = _ONE
        for name, gate in self.mechanisms.items():
            if gate.gates and gate.gate is not None:
                opened = opened * (1.0 - gate.gate * (1.0 - self.of(name, tissue)))
        return opened


@dataclass(frozen=True)
class Harm:
    """What all insults of an arm do together: productions and hazards add.

    ``production``  of stress, 1/h, shape (subject, time, place)
    ``hazards``     direct, by kind, 1/h, same shape
    """

    production: PerHour
    hazards: Mapping[str, PerHour]


def harm(ear: Ear, knots: Hours, insults: Iterable[tuple[Insult, Exposure]]) -> Harm:
    """Add up the insults of an arm.

    ``insults``  each with the exposure it reads; none gives no harm
    """
    shape = (ear.length.size, knots.size, ear.place.size)
    production: Array = np.zeros(shape)
    hazards: dict[str, Array] = {}
    for insult, exposure in insults:
        production = production + insult.stress(ear, exposure)
        for kind, hazard in insult.hazards(ear, exposure).items():
            hazards[kind] = hazards.get(kind, _NONE) + np.broadcast_to(hazard, shape)
    return Harm(production, hazards)


@dataclass(frozen=True)
class Cells:
    """Fractions of each kind of cell, by kind, shape (subject, time, place), 0 to 1.

    ``intact``, ``injured``, ``silent``  the rest is lost; a synapse is one of a *surviving* inner hair cell
    ``stria``   strial function, same shape, 0 to 1
    ``rates``   the shelf ``cells``: by kind and key, shape (subject,) or (subject, 1, 1)
    """

    intact: Mapping[str, Fraction]
    injured: Mapping[str, Fraction]
    silent: Mapping[str, Fraction]
    stria: Fraction
    rates: Mapping[str, Mapping[str, Array]]

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
        """Fraction a histologist would count: every cell alive."""
        return self.intact[kind] + self.injured[kind] + self.silent[kind]

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
    harm: Harm,
    clearance: PerHour,
    protection: Protection | None = None,
    strial: bool = True,
    arrived: Mapping[str, Fraction] | None = None,
) -> Cells:
    """Fate of every kind of cell and of the stria under an arm's insults and its vesicles.

    ``knots``       h, shape (time,)
    ``rates``       the shelf ``cells``: by kind (ohc, ihc, synapse, sgn, stria) and key, (subject,) columns
    ``harm``        production of stress and direct hazards, 1/h, shape (subject, time, place)
    ``clearance``   of stress, 1/h, (subject,) column
    ``protection``  from ``protect``; none given means no vesicles
    ``strial``      whether the stria suffers (rodents)
    ``arrived``     share of each kind the ear arrives with, intact, 0 to 1, broadcasts to (subject, place);
                    all of a kind that is not named. Neurons without a synapse then have died before: only
                    what loses its connection from here on starves
    returns         cells on the knots, shape (subject, time, place)
    """
    protection = protection or Protection()
    arrived = arrived or {}
    stressed = stress(knots, harm.production, clearance, protection)
    states = {}
    for kind in ("ohc", "ihc", "synapse"):
        states[kind] = _fate(knots, kind, rates[kind], stressed, harm, protection, _NONE, arrived)
    alive = np.sum(states["ihc"], axis=0) * np.sum(states["synapse"], axis=0)
    connected = np.divide(alive, alive[:, :1], out=np.ones_like(alive), where=alive[:, :1] > 0)
    lone = _column(rates["sgn"]["starvation"]) * np.maximum(1.0 - connected, 0.0)
    lone = lone * protection.factor("support", "sgn")
    states["sgn"] = _fate(knots, "sgn", rates["sgn"], stressed, harm, protection, lone, arrived)
    return Cells(
        intact={kind: state[0] for kind, state in states.items()},
        injured={kind: state[1] for kind, state in states.items()},
        silent={kind: state[2] for kind, state in states.items()},
        stria=_stria(knots, rates["stria"], stressed) if strial else np.ones_like(stressed),
        rates=rates,
    )


def _fate(
    knots: Hours,
    kind: str,
    rates: Mapping[str, Array],
    stressed: Plain,
    harm: Harm,
    protection: Protection,
    removal: PerHour,
    arrived: Mapping[str, Fraction],
) -> tuple[Fraction, Fraction, Fraction]:
    """Intact, injured and silent fractions of one kind."""
    direct = harm.hazards.get(kind, _NONE)
    injury = _column(rates["frailty"]) * (_column(rates["sensitivity"]) * stressed + direct)
    deadly = emax(stressed, _column(rates["half_stress"]), _column(rates["hill"]))
    shape = stressed.shape
    state: tuple[Array, Array, Array] = _decline(
        knots,
        _full(injury * protection.factor("prevent", kind), shape),
        _full(_column(rates["repair"]) * protection.factor("repair", kind), shape),
        _full(_column(rates["silencing"]) * deadly, shape),
        _full(_column(rates["death"]) * deadly * protection.factor("rescue", kind), shape),
        np.broadcast_to(np.ravel(rates["silent_death"]), shape[:1]).astype(float),
        _full(removal, shape),
        _full(arrived.get(kind, _WHOLE), (shape[0], shape[2])),
    )
    return state


def _stria(knots: Hours, rates: Mapping[str, Array], stressed: Plain) -> Fraction:
    """Strial function v on knots: dv/dt = recovery (1 - v) - injury s v, from 1."""
    recovery = _column(rates["recovery"])
    # The same equation for what is missing keeps an unharmed stria at exactly 1.
    hurt = _column(rates["injury"]) * stressed
    return 1.0 - relax(knots, hurt, hurt + recovery)
