"""What is known of one number: a mixture of Student's distributions on a scale of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtr, stdtr

from otosome.units import Array

Scale = Literal["log", "logit"]


@dataclass(frozen=True)
class Belief:
    """Weights, middles, spreads and freedoms of the parts, all of shape (part,), on the log or logit scale.

    A freedom of infinity is a normal distribution; a spread of zero is a number known exactly.
    """

    weight: Array
    middle: Array
    spread: Array
    freedom: Array
    scale: Scale = "log"

    @classmethod
    def student(cls, middle: float, spread: float, freedom: float, scale: Scale = "log") -> Belief:
        """One part."""
        parameters = [np.array([float(v)]) for v in (1.0, middle, spread, freedom)]
        return cls(parameters[0], parameters[1], parameters[2], parameters[3], scale)

    def below(self, value: float) -> float:
        """Probability that the number lies below this value, or at it."""
        if value <= 0:
            return 0.0
        if self.scale == "logit" and value >= 1:
            return 1.0
        off = (np.log(value) if self.scale == "log" else logit(value)) - self.middle
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(self.spread > 0, off / self.spread, np.where(off >= 0, np.inf, -np.inf))
        share = ndtr(z)
        students = np.isfinite(self.freedom)
        if students.any():
            share = np.where(students, stdtr(np.where(students, self.freedom, 1.0), z), share)
        return float(np.clip(self.weight @ share, 0.0, 1.0))

    def within(self, least: float, most: float) -> float:
        """Probability that the number lies between two values."""
        return max(self.below(most) - self.below(least), 0.0)

    def quantile(self, probability: float) -> float:
        """The value with this probability of the number lying below it."""
        widest = float(self.spread.max())
        if widest == 0:
            return self._value(float(self.middle[0]))
        low, high = float(self.middle.min()) - widest, float(self.middle.max()) + widest
        while self.below(self._value(low)) > probability:
            low -= (high - low) + widest
        while self.below(self._value(high)) < probability:
            high += (high - low) + widest
        return self._value(brentq(lambda z: self.below(self._value(z)) - probability, low, high, xtol=1e-10))

    def moved(self, value: float) -> Belief:
        """The same knowledge of a number whose median is another."""
        to = np.log(value) if self.scale == "log" else logit(value)
        from_ = np.log(self.quantile(0.5)) if self.scale == "log" else logit(self.quantile(0.5))
        return replace(self, middle=self.middle + (to - from_))

    def _value(self, z: float) -> float:
        return float(np.exp(min(z, 700.0))) if self.scale == "log" else float(expit(z))
