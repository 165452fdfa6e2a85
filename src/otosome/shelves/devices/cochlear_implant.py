"""Words through an electrode: who hears, with how many neurons, and after how much practice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logit, ndtr

from otosome.model.injury import Cells
from otosome.model.transport import Anatomy, Dose, Flow
from otosome.roles import Ear
from otosome.units import (
    Array,
    Decibels,
    DecibelsHL,
    Fraction,
    Hours,
    Kilohertz,
    Millimetres,
    PerHour,
    Place,
    Plain,
)


@dataclass(frozen=True)
class CochlearImplant:
    """Words through an electrode: odds of a word that person, ear and neurons multiply, learned with time.

    The share of words understood after all learning is ``ceiling`` odds / (1 + odds). Its odds are those of a
    ``typical`` user times a factor of the person, one of the ear, one where the electrode left the scala tympani, and
    neurons to two powers: what persons came with, against a typical share, to the power ``between``, and what is left
    of that, to the power ``within``. So people differ for many reasons and hardly by their neurons, while of two ears
    of one person, or of one ear with and without a treatment, the one with more neurons hears better. No neuron, no
    word. At the first sound the odds are an ``immediate`` part of that, so a good user, whose odds are large, is good
    from the first day; of the words between, a ``lasting`` share comes with the time constant ``late_learning`` and
    the others with ``learning``.

    ``person``, ``ear``, ``path``  standard normal deviates; a person's two ears share the first
    ``depth``    mm of the electrode, in place of its own ``length``: it meets the neurons from the base to there
    ``arrived``  the cells the ear came with, at one moment; without them all it lacks of a typical ear counts
                 as between people
    ``coated``   places of the duct where its coat, if it has one, lies: 0 base to 1 apex
    """

    typical: Fraction
    ceiling: Fraction
    neurons: Fraction
    between: Plain
    within: Plain
    person: Plain
    person_spread: Plain
    ear: Plain
    ear_spread: Plain
    path: Plain
    excursion: Fraction
    excursion_cost: Fraction
    activation: Hours
    immediate: Fraction
    learning: Hours
    lasting: Fraction
    late_learning: Hours
    length: Millimetres
    release: PerHour
    coated: tuple[Place, ...]
    brings: str = ""
    depth: float | None = None
    arrived: Cells | None = None

    def gain(self, level: DecibelsHL, frequency: Kilohertz) -> Decibels:
        """None: it amplifies nothing."""
        return np.zeros_like(level)

    def electric(self, ear: Ear, cells: Cells, since: Hours) -> Fraction:
        """Share of words (monosyllables in quiet) understood through the electrode, 0 to 1, (subject, time).

        ``cells``  shape (subject, time, place);  ``since``  h from its insertion, shape (time,)
        """
        now = self.reached(ear, cells)
        came = now if self.arrived is None else self.reached(ear, self.arrived)
        practice = np.asarray(since, dtype=float)[None, :] - _flat(self.activation)
        return np.where(practice > 0.0, self.words(came, now, np.maximum(practice, 0.0)), 0.0)

    def reached(self, ear: Ear, cells: Cells) -> Fraction:
        """Share of the neurons along the electrode that are alive, shape (subject, time)."""
        deep = self.length if self.depth is None else self.depth
        distance = ear.place * ear.length[:, None, None]
        width = np.gradient(ear.place) if ear.place.size > 1 else np.ones(1)
        along = width * (distance <= np.maximum(deep, distance[:, :, :1]))
        alive: Array = (cells.counted("sgn") * along).sum(axis=2) / along.sum(axis=2)
        return alive

    def words(self, came: Fraction, now: Fraction, practice: Hours) -> Fraction:
        """Share of words after some hours with sound, 0 to ``ceiling``, shape (subject, time).

        ``came``, ``now``  as ``understood`` has them;  ``practice``  h, not negative, broadcasts to the same
        """
        first, whole = self.understood(came, now, _flat(self.immediate)), self.understood(came, now)
        lasting = _flat(self.lasting)
        early, late = (np.exp(-practice / _flat(time)) for time in (self.learning, self.late_learning))
        return whole - (whole - first) * ((1.0 - lasting) * early + lasting * late)

    def understood(self, came: Fraction, now: Fraction, part: Fraction | float = 1.0) -> Fraction:
        """Share of words after all learning, 0 to ``ceiling``, in the shape of ``now``, (subject, time).

        ``came``, ``now``  shares of neurons the ear came with and has, 0 to 1
        ``part``           of the odds, 0 to 1
        """
        left = np.divide(now, came, out=np.zeros(np.broadcast_shapes(came.shape, now.shape)), where=came > 0)
        odds = np.exp(_flat(self.standing)) * (came / _flat(self.neurons)) ** _flat(self.between)
        odds = odds * left ** _flat(self.within) * part
        return _flat(self.ceiling) * odds / (1.0 + odds)

    @property
    def standing(self) -> Plain:
        """Logarithm of the odds of a word in this ear with a typical share of neurons, shape (subject, 1, 1)."""
        outside = ndtr(self.path) < self.excursion
        own = self.person_spread * self.person + self.ear_spread * self.ear
        return logit(self.typical / self.ceiling) + own + np.where(outside, np.log(self.excursion_cost), 0.0)

    def flows(self, dose: Dose, anatomy: Anatomy) -> Sequence[Flow]:
        """What a coat releases into the scala tympani along it, at once exhausted by a constant share an hour.

        ``dose``  its amount in all, by size class, shape (classes, subject)
        """
        share = np.asarray(dose.amount) / len(self.coated)
        dry = np.zeros(anatomy.subjects)
        release = np.broadcast_to(np.ravel(self.release), dry.shape)
        return [
            Flow("scala_tympani", dose.start, dose.start, share, dry, at=place, release=release)
            for place in self.coated
        ]


def _flat(values: Array) -> Array:
    """A bound number, (subject, 1, 1), beside (subject, time)."""
    return np.asarray(values)[:, :, 0]
