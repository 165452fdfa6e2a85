"""Hearing levels by age, sex and noise at work: ISO 7029:2017 and ISO 1999:2013, with their formulas.

The norms reach from 0.125 to 8 kHz, and for noise from 0.5 to 6 kHz: beyond, there is none, and none is made
up. Where a study asks for it, medians that were measured in another population go on to 16 kHz. All speak of dB
against the median of 18-year-olds, which is audiometric zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from otosome.errors import BadInput
from otosome.model.hearing import arriving, together
from otosome.roles import Ear
from otosome.units import (
    Array,
    Decibels,
    DecibelsHL,
    Fraction,
    Hours,
    Kilohertz,
    Plain,
    quantity,
)

# The standards count in years.
YEAR = quantity("1 year")
# The measured medians beyond the standard's highest frequency are of people up to this age.
OLDEST_BEYOND = 70.0
Curve = Mapping[str, Array]


@dataclass(frozen=True)
class OtologicallyNormal:
    """People who hear as age, sex and noise at work let expect, each standing somewhere among their like.

    ``male``, ``female``  coefficients of ISO 7029, over frequency
    ``noise``             coefficients of ISO 1999, over frequency
    ``beyond``            medians measured above 8 kHz, the same of both sexes, over frequency; spreads as at 8 kHz
    ``extended``          whether those go on where the standard ends, for ages up to 70 years
    ``standing``          standard normal deviate, above zero for worse hearing than the median
    ``age_rank``          the same for where between youngest and oldest a person is, by rank
    ``sex_rank``          the same for sex where a study has both: above zero a woman
    ``outer_share``       part of a loss in dB that outer hair cells cause
    ``lone``              of the neurons whose synapse is gone those that are still there
    ``age``               youngest and oldest, h, in between all are as many; 1 to 80 years
    ``sex``               "male", "female" or "both"
    ``noise_level``       daily noise exposure level L EX,8h, dB, up to 100, over ``noise_time``, h, to 40 years
    Source: ISO 7029:2017 clauses 4.2 to 4.4 and ISO 1999:2013 formulas 1 to 7, both read at second hand; beyond 8 kHz
    Jilek 2014.
    """

    male: Curve
    female: Curve
    noise: Curve
    beyond: Curve
    standing: Plain
    age_rank: Plain
    sex_rank: Plain
    limit: Decibels
    outer_share: Fraction
    lone: Fraction
    age: tuple[Hours | float, Hours | float] = (18.0 * YEAR, 80.0 * YEAR)
    sex: str = "both"
    noise_level: float = 0.0
    noise_time: float = 0.0
    extended: bool = False

    def __post_init__(self) -> None:
        """Refuse a sex, an age or a noise that the standards do not cover."""
        if self.sex not in ("male", "female", "both"):
            raise BadInput("is not known", key="sex", given=self.sex, allowed=["male", "female", "both"])
        if np.any(np.asarray(self.age[0]) > self.age[1]):
            raise BadInput("rises, from the youngest to the oldest", key="age", given="the oldest first")
        for end in self.age:
            _within("age", np.asarray(end) / YEAR, 1.0, OLDEST_BEYOND if self.extended else 80.0, "years")
        _within("noise_time", np.asarray(self.noise_time) / YEAR, 0.0, 40.0, "years")
        _within("noise_level", np.asarray(self.noise_level), 0.0, 100.0, "dB")

    @property
    def ages(self) -> Array:
        """Age of each subject in years, shape (subject,)."""
        youngest, oldest = self.age
        return np.ravel(youngest + (oldest - youngest) * ndtr(self.age_rank)) / YEAR

    @property
    def years(self) -> Array:
        """Years past 18 of each subject; the young hear as at 18, where the norms begin."""
        youngest, oldest = self.age
        age = np.asarray(youngest + (oldest - youngest) * ndtr(self.age_rank)) / YEAR
        return np.maximum(age - 18.0, 0.0)

    @property
    def covered(self) -> tuple[float, float]:
        """Lowest and highest frequency that has a norm, kHz."""
        tables = [
            *(self._table(sex) for sex in ("male", "female")),
            *([self.noise] if self.noise_time > 0 else []),
        ]
        ends = np.array([(table["frequency"][0], table["frequency"][-1]) for table in tables])
        return float(ends[:, 0].max()), float(ends[:, 1].min())

    @property
    def recorded(self) -> None:
        """Its people come from norms: nobody was recorded."""
        return None

    def check(self, frequency: Kilohertz) -> None:
        """Raise BadInput for a frequency that has no norm."""
        self.baseline(frequency)

    def baseline(self, frequency: Kilohertz) -> DecibelsHL:
        """Hearing level each subject arrives with, dB HL, shape (subject, 1, frequency).

        ``frequency``  kHz, shape (frequency,); between the standards' frequencies, by octaves
        raises         BadInput where there is no norm: outside 0.125 to 8 kHz (``extended``: 16 kHz), with noise
                       outside 0.5 to 6 kHz
        """
        return together(self.limit, self.aged(frequency), self.deafened(frequency))

    def arrived(self, ear: Ear, rates: Mapping[str, Mapping[str, Array]]) -> dict[str, Fraction]:
        """Share left of each kind of cell, shape (subject, place), by kind.

        Places beyond the frequencies that have a norm are taken as those at its last one.
        """
        known = np.clip(ear.frequency, *self.covered)
        left = arriving(self.baseline(known), self.outer_share, rates)
        # A neuron outlives its synapse, which the audiogram does not notice: the scarcer of the two counts there.
        lone = np.clip(np.reshape(np.asarray(self.lone), (-1, 1)), 0.0, 1.0)
        return left | {"sgn": left["synapse"] + lone * (1.0 - left["synapse"])}

    def aged(self, frequency: Kilohertz) -> DecibelsHL:
        """The part of age, dB HL, shape (subject, 1, frequency)."""
        heard = {sex: self._aged(self._table(sex), frequency) for sex in self._sexes}
        if self.sex != "both":
            return heard[self.sex]
        return np.where(self.sex_rank > 0, heard["female"], heard["male"])

    @property
    def _sexes(self) -> tuple[str, ...]:
        return ("male", "female") if self.sex == "both" else (self.sex,)

    def _table(self, sex: str) -> Curve:
        """Coefficients of a sex over frequency; where extended, with the medians beyond the standard and its last
        spreads."""
        own: Curve = getattr(self, sex)
        if not self.extended:
            return own
        count = self.beyond["frequency"].size
        return {
            name: np.append(
                column, self.beyond[name] if name in self.beyond else np.repeat(column[-1], count)
            )
            for name, column in own.items()
        }

    def _aged(self, table: Curve, frequency: Kilohertz) -> DecibelsHL:
        years = self.years
        side = np.where(
            self.standing < 0, age_spread(table, years, "lower"), age_spread(table, years, "upper")
        )
        level = _read(table, age_median(table, years) + self.standing * side, frequency)
        return np.minimum(level, self.limit) if self.extended else level

    def deafened(self, frequency: Kilohertz) -> Decibels:
        """The part of noise, dB, not negative, shape (subject, 1, frequency)."""
        if not self.noise_time > 0:
            return np.zeros((1, 1, np.size(frequency)))
        table, level, years = self.noise, np.asarray(self.noise_level), np.asarray(self.noise_time / YEAR)
        lower, upper = (noise_spread(table, level, years, side) for side in ("lower", "upper"))
        level_lost = noise_median(table, level, years) + self.standing * np.where(
            self.standing < 0, lower, upper
        )
        return _read(table, np.where(years > 0, np.maximum(level_lost, 0.0), 0.0), frequency)


def age_median(table: Curve, years: Array) -> Decibels:
    """Median at some ``years`` past 18, dB against the median at 18, last axis the table's frequencies."""
    median: Array = table["a"] * years ** table["b"]
    return median


def age_spread(table: Curve, years: Array, side: str) -> Decibels:
    """Half-normal standard deviation above ("upper": worse) or below ("lower") the median, dB, by years past 18."""
    powers = [table[f"{side}_{power}"] * years**power for power in range(6)]
    sum_of_powers: Array = np.sum(powers, axis=0)
    return sum_of_powers


def noise_median(table: Curve, level: Decibels, years: Array) -> Decibels:
    """Median permanent shift after some ``years`` of noise at a ``level``, dB, not negative.

    ``years``  up to 40; below 10 extrapolated from 10 by lg(years + 1), formula 3
    """
    long = (table["u"] + table["v"] * np.log10(np.maximum(years, 10.0))) * _excess(table, level)
    return np.maximum(np.minimum(np.log10(years + 1.0) / np.log10(11.0), 1.0) * long, 0.0)


def noise_spread(table: Curve, level: Decibels, years: Array, side: str) -> Decibels:
    """Half-normal standard deviation of the shift above or below its median, dB, not negative.

    The standard extrapolates medians below 10 years and says nothing of spreads there: their logarithm is
    taken as it stands, down to a year.
    """
    logarithm = np.log10(np.maximum(years, 1.0))
    deviation = (table[f"{side}_x"] + table[f"{side}_y"] * logarithm) * _excess(table, level)
    return np.maximum(deviation, 0.0)


def _excess(table: Curve, level: Decibels) -> Array:
    """Square of what a level exceeds each frequency's own by; none below it."""
    excess: Array = np.maximum(level - table["level"], 0.0) ** 2
    return excess


def _read(table: Curve, values: Decibels, frequency: Kilohertz) -> Decibels:
    """Values (subject, 1, the table's frequencies) at other frequencies, linear in octaves; refuses those beyond."""
    known, wanted = table["frequency"], np.asarray(frequency, dtype=float)
    beyond = wanted[(wanted < known[0] * (1 - 1e-9)) | (wanted > known[-1] * (1 + 1e-9))]
    if beyond.size:
        raise BadInput(
            "the standard has no norm there",
            key="frequency",
            given=f"{beyond[0]:g} kHz",
            allowed=f"{known[0]:g} to {known[-1]:g} kHz",
        )
    right = np.clip(np.searchsorted(known, wanted), 1, known.size - 1)
    octaves = np.log2(known)
    share = np.clip((np.log2(wanted) - octaves[right - 1]) / np.diff(octaves)[right - 1], 0.0, 1.0)
    # Written so that a frequency of the table keeps its value to the last bit.
    between: Array = values[..., right - 1] * (1.0 - share) + values[..., right] * share
    return between


def _within(key: str, values: Array, low: float, high: float, unit: str) -> None:
    values = np.asarray(values)
    beyond = values[(values < low) | (values > high)]
    if beyond.size:
        raise BadInput(
            "lies outside what the standard covers",
            key=key,
            given=f"{beyond[0]:g} {unit}",
            allowed=f"{low:g} to {high:g} {unit}",
        )
