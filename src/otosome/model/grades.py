"""Audiogram -> grade: averages, and scales of hearing loss as lists of rules.

A scale is data (shelf ``scales``): rules, each of which gives a grade where a level is passed. A grade is the
highest whose rule is met. Every rule asks for a level to be passed upwards, so a worse audiogram never grades
better. Scales are defined on readings, which come in steps of 5 dB; of a true threshold, 20.1 is above 20.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from otosome.errors import BadInput
from otosome.units import (
    Array,
    Decibels,
    DecibelsHL,
    Kilohertz,
    quantity,
)

Grades = NDArray[np.int64]
# kHz. Source: the four-frequency average of the WHO and the Global Burden of Disease study,
# https://www.hear-it.org/Defining-hearing-loss; the high-frequency one, https://doi.org/10.1055/a-2095-7002.
PTA4 = (0.5, 1.0, 2.0, 4.0)
HIGH_PTA = (4.0, 6.0, 8.0)

_RULE_KEYS = ("grade", "of", "at", "over", "run", "above", "reaches", "ears")
_OF, _OVER, _EARS = ("threshold", "shift", "response"), ("any", "all", "mean"), ("worse", "better")


def pure_tone_average(audiogram: DecibelsHL, frequency: Kilohertz, at: Sequence[float] = PTA4) -> DecibelsHL:
    """Mean hearing level over some frequencies.

    ``audiogram``  dB HL, shape (..., frequency), finite
    ``frequency``  kHz, shape (frequency,), rising; holds each of ``at``
    ``at``         kHz
    returns        dB HL, shape (...)
    raises         BadInput for a frequency that was not tested, or an audiogram with gaps
    """
    audiogram, frequency = _checked(audiogram, frequency, "audiogram")
    mean: Array = audiogram[..., _tested(frequency, at, whole=True)].mean(axis=-1)
    return mean


@dataclass(frozen=True)
class Rule:
    """A grade, and the level to be passed for it.

    ``of``       "threshold" (dB HL), "shift" (dB against a baseline) or "response" (lost where there was one)
    ``at``       kHz; none given means every frequency tested
    ``over``     which of them: "any", "all" or their "mean"
    ``run``      so many neighbours among them, in any place, instead of the whole of them; 0 is the whole
    ``above``    the level, to be exceeded (``strict``) or reached
    ``ears``     with two ears: the "worse" or the "better" one must pass
    """

    grade: int
    of: str
    at: tuple[float, ...]
    over: str
    run: int
    level: float
    strict: bool
    ears: str

    @classmethod
    def of_table(cls, table: Mapping[str, object]) -> Rule:
        """A rule from a scale's TOML; raises BadInput for an unknown key or word."""
        for key in table:
            if key not in _RULE_KEYS:
                raise BadInput("is not a key of a rule", key=key, allowed=list(_RULE_KEYS))
        of, over, ears = (
            _word(table, key, words) for key, words in (("of", _OF), ("over", _OVER), ("ears", _EARS))
        )
        if ("above" in table) + ("reaches" in table) != (of != "response"):
            raise BadInput("a rule says the level to be passed once: above, or reaches", key="above")
        unit = "dB HL" if of == "threshold" else "dB"
        text = str(table.get("above", table.get("reaches", "1 dB")))
        at = tuple(quantity(text, "kHz") for text in _texts(table.get("at", [])))
        return cls(
            grade=int(str(table["grade"])),
            of=of,
            at=at,
            over=over,
            run=int(str(table.get("run", 0))),
            level=quantity(text, unit),
            strict="above" in table,
            ears=ears,
        )

    def passes(self, values: Array, frequency: Kilohertz) -> NDArray[np.bool_]:
        """Whether one ear passes.

        ``values``  of what the rule is about, shape (..., frequency)
        returns     shape (...)
        """
        chosen = values[..., _tested(frequency, self.at, whole=self.over != "any")]
        if not self.run:
            return np.asarray(self._passes(chosen))
        if chosen.shape[-1] < self.run:
            return np.zeros(chosen.shape[:-1], dtype=bool)
        windows = np.lib.stride_tricks.sliding_window_view(chosen, self.run, axis=-1)
        return np.asarray(self._passes(windows).any(axis=-1))

    def least(self, frequency: Kilohertz, baseline: DecibelsHL, grid: Decibels) -> DecibelsHL:
        """Lowest reading at each frequency that passes by itself, infinite where none does, dB HL.

        ``baseline``  readings from before, shape (..., frequency), on a ``grid`` (dB) as all readings
        raises        BadInput for a rule that asks for more than one frequency, or for a lost response
        """
        if self.of == "response" or self.over != "any" or self.run:
            raise BadInput(
                "is passed by frequencies together",
                key="rule",
                given=f"grade {self.grade}",
                cure="read it in whole audiograms",
            )
        steps = np.floor(self.level / grid) + 1.0 if self.strict else np.ceil(self.level / grid)
        passing = grid * steps + (baseline if self.of == "shift" else np.zeros_like(baseline))
        least = np.full(passing.shape, np.inf)
        tested = _tested(frequency, self.at, whole=False)
        least[..., tested] = passing[..., tested]
        return least

    def _passes(self, values: Array) -> NDArray[np.bool_]:
        if self.over == "mean":
            return self._over(values.mean(axis=-1))
        passed = self._over(values)
        return np.asarray(passed.any(axis=-1) if self.over == "any" else passed.all(axis=-1))

    def _over(self, values: Array) -> NDArray[np.bool_]:
        return np.asarray(values > self.level if self.strict else values >= self.level)


@dataclass(frozen=True)
class OneEar:
    """One ear of a person: its audiogram, the one from before, and where a response was lost."""

    audiogram: DecibelsHL
    baseline: DecibelsHL | None = None
    lost: NDArray[np.bool_] | None = None

    def values(self, frequency: Kilohertz) -> dict[str, Decibels]:
        """What a rule may be about, each of shape (..., frequency)."""
        threshold = np.asarray(self.audiogram, dtype=float)
        before = threshold if self.baseline is None else np.asarray(self.baseline, dtype=float)
        lost = np.zeros_like(threshold) if self.lost is None else np.asarray(self.lost, dtype=float)
        shift = threshold - before
        return {"threshold": threshold, "shift": shift, "response": np.broadcast_to(lost, shift.shape)}


@dataclass(frozen=True)
class Scale:
    """A scale of hearing loss.

    ``labels``  of its grades, best first; a grade is an index into them
    ``needs``   frequencies without which it does not grade
    ``rule``    its rules, as the TOML holds them
    """

    labels: tuple[str, ...]
    needs: tuple[str, ...]
    rule: tuple[Mapping[str, object], ...]

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules, read."""
        return tuple(Rule.of_table(table) for table in self.rule)

    @property
    def needed(self) -> tuple[float, ...]:
        """kHz without which it does not grade."""
        return tuple(quantity(text, "kHz") for text in self.needs)

    @property
    def asks_baseline(self) -> bool:
        """Whether it judges shifts, and so needs an audiogram from before."""
        return any(rule.of == "shift" for rule in self.rules)

    def grade(
        self,
        audiogram: DecibelsHL,
        frequency: Kilohertz,
        baseline: DecibelsHL | None = None,
        lost: NDArray[np.bool_] | None = None,
        other: OneEar | None = None,
    ) -> Grades:
        """Grade of each audiogram: the highest whose rule is met, else 0.

        ``audiogram``  dB HL, shape (..., frequency), finite; no response stands at the loudest level tested
        ``frequency``  kHz, shape (frequency,), rising
        ``baseline``   the same ear before, dB HL, broadcasts; asked for by scales of shifts
        ``lost``       where a response there was is no longer one, same shape; none given means nowhere
        ``other``      the person's other ear; none given means that both are alike
        returns        indices into ``labels``, shape (...)
        raises         BadInput for a frequency or baseline that is missing, or a gap in an audiogram
        """
        ears = [OneEar(audiogram, baseline, lost), *([other] if other is not None else [])]
        for ear in ears:
            self._check(ear, np.asarray(frequency, dtype=float))
        values = [ear.values(np.asarray(frequency, dtype=float)) for ear in ears]
        worst = np.zeros(np.shape(audiogram)[:-1], dtype=np.int64)
        for rule in self.rules:
            passed = [rule.passes(value[rule.of], np.asarray(frequency, dtype=float)) for value in values]
            together = np.logical_or if rule.ears == "worse" else np.logical_and
            worst = np.maximum(worst, np.where(together.reduce(passed), rule.grade, 0))
        return worst

    def least(self, grade: str, frequency: Kilohertz, baseline: DecibelsHL, grid: Decibels) -> DecibelsHL:
        """Lowest reading at each frequency that by itself has a grade or a worse one, infinite where none has, dB HL.

        ``baseline``, ``grid``  as a rule has them
        raises                  BadInput where a rule asks for more than one frequency
        """
        rules = [rule for rule in self.rules if rule.grade >= self.labels.index(grade)]
        return np.asarray(np.min([rule.least(frequency, baseline, grid) for rule in rules], axis=0))

    def _check(self, ear: OneEar, frequency: Kilohertz) -> None:
        _checked(ear.audiogram, frequency, "audiogram")
        _tested(frequency, self.needed, whole=True)
        if ear.baseline is not None:
            _checked(np.broadcast_to(ear.baseline, np.shape(ear.audiogram)), frequency, "baseline")
        elif self.asks_baseline:
            raise BadInput("this scale judges shifts", key="baseline", cure="give the audiogram from before")


def _checked(audiogram: DecibelsHL, frequency: Kilohertz, key: str) -> tuple[Array, Array]:
    values, heard = np.asarray(audiogram, dtype=float), np.asarray(frequency, dtype=float)
    if heard.ndim != 1 or values.shape[-1:] != heard.shape or np.any(np.diff(heard) <= 0):
        raise BadInput(
            "frequencies rise and are as many as the audiogram's last axis", key=key, given=values.shape
        )
    if not np.all(np.isfinite(values)):
        raise BadInput(
            "has gaps (a value that is no number)",
            key=key,
            cure="leave the frequency out; no response stands at the loudest level tested",
        )
    return values, heard


def _tested(frequency: Kilohertz, wanted: Sequence[float], whole: bool) -> NDArray[np.intp]:
    """Indices of the wanted frequencies; ``whole`` asks for every one, none wanted means all that were tested."""
    if not wanted:
        return np.arange(np.size(frequency))
    near = np.isclose(np.asarray(frequency)[:, None], np.asarray(wanted)[None, :], rtol=1e-3)
    missing = [f"{f:g} kHz" for f, there in zip(wanted, near.any(axis=0), strict=True) if not there]
    if missing and whole:
        raise BadInput(
            f"was not tested at {missing[0]}", key="frequency", given=[f"{f:g} kHz" for f in frequency]
        )
    return np.flatnonzero(near.any(axis=1))


def _word(table: Mapping[str, object], key: str, words: tuple[str, ...]) -> str:
    word = str(table.get(key, words[0]))
    if word not in words:
        raise BadInput("is not known", key=key, given=word, allowed=list(words))
    return word


def _texts(value: object) -> list[str]:
    return [str(text) for text in value] if isinstance(value, (list, tuple)) else []
