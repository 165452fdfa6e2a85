"""A published figure that numbers are fitted to: a row of a case, its error, and how far a simulation misses it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.answers.numbers import number, unit_text
from otosome.errors import BadInput
from otosome.review.qualification.case import Case, to_paper
from otosome.units import LEVELS, Array, convert, same_kind, split

# What a logarithm is taken of lies above it.
_LEAST = 1e-300


@dataclass(frozen=True)
class Figure:
    """A row of a case as numbers are fitted to it.

    ``low``, ``high``  ends of what meets it, the same where one value is printed, without end beside a bound
    ``error``          standard deviation beyond these ends
    ``ratio``          whether ends and error are of the logarithm
    ``because``        why the error is that, where the paper prints none
    """

    case: Case
    low: float
    high: float
    error: float
    ratio: bool
    because: str = ""

    @classmethod
    def of(cls, case: Case, stated: str = "", because: str = "", ratio: bool = False) -> Figure:
        """A row with a ``stated`` error, or else with the one it prints; raises BadInput for a row without a value.

        ``ratio``  whether the error is of the logarithm where it would else be in the row's unit
        """
        if case.kind in ("none", "exact"):
            what = "is a text" if case.kind == "none" else "is what a formula gives exactly"
            cure = "name a row with found, low and high, above or below"
            raise BadInput(f"{what}, and nothing that was measured", key="cases", given=case.id, cure=cure)
        key = f'error."{case.id}"'
        if not stated:
            printed = cls._printed(case)
            if printed is not None:
                return printed
            cure = 'state size = "25 %" (of the value) or in its unit, and because'
            raise BadInput("is missing: the row prints no error", key=key, given=case.id, cure=cure)
        error, ratio = _size(case, stated, key, ratio)
        if case.kind == "direction":
            low, high = case.above, case.below
        else:
            low, high = (case.low, case.high) if case.value is None else (case.value, case.value)
        if ratio and high is not None and high <= 0:
            own = f"5 {case.unit}".strip()
            cure = f'state an error in the unit of the row: "{own}"'
            raise BadInput("is of a figure without a logarithm", key=key, given=stated, cure=cure)
        return cls(case, _end(low, -np.inf, ratio), _end(high, np.inf, ratio), error, ratio, because)

    @classmethod
    def _printed(cls, case: Case) -> Figure | None:
        """A row whose own error is printed: a standard error, or the range of its ears."""
        if case.value is None:
            return None
        if case.error:
            return cls(case, case.value, case.value, case.error, False)
        middle = _end(case.value, -np.inf, True)
        return cls(case, middle, middle, case.doubt, True) if case.ranged else None

    @property
    def text(self) -> str:
        """What is printed, in its unit."""
        unit, case = unit_text(self.case.unit), self.case
        if case.value is not None:
            text = number(case.value)
        elif case.kind == "interval":
            text = f"{number(case.low)} to {number(case.high)}"
        else:
            text = f"above {number(case.above)}" if case.above is not None else f"below {number(case.below)}"
        return f"{text} {unit}".rstrip()

    @property
    def error_text(self) -> str:
        """Its error, of the value or of its logarithm."""
        return (
            f"{100 * self.error:.0f} %"
            if self.ratio
            else f"{number(self.error, 2)} {unit_text(self.case.unit)}".rstrip()
        )

    def misses(self, values: Array) -> Array:
        """How many errors simulated values (lane,), house units, lie above the figure."""
        own = self.scaled(values)
        high, low = self.high / self.error, self.low / self.error
        return np.asarray(np.maximum(own - high, 0.0) - np.maximum(low - own, 0.0))

    def scaled(self, values: Array) -> Array:
        """Simulated values (lane,), house units, or their logarithms, in errors of the figure."""
        own = to_paper(1.0, self.case.unit) * values
        return np.asarray((np.log(np.maximum(own, _LEAST)) if self.ratio else own) / self.error)


def _end(end: float | None, missing: float, ratio: bool) -> float:
    """An end of a figure, or its logarithm; that of a value of zero, or of what is missing, lies without end."""
    if end is None:
        return missing
    return float(np.log(end)) if ratio and end > 0 else -np.inf if ratio else end


def _size(case: Case, stated: str, key: str, ratio: bool) -> tuple[float, bool]:
    """A stated error in the row's unit; or of the logarithm, as it says or where it is a share of what is none."""
    try:
        size, unit = split(stated)
    except ValueError as error:
        raise BadInput(
            str(error), key=key, given=stated, allowed=["25 %", f"5 {case.unit}".strip()]
        ) from error
    if ratio and unit != "%":
        raise BadInput("is no share, as the error of a ratio is", key=key, given=stated, allowed=["25 %"])
    ratio = ratio or (unit == "%" and case.unit != "%" and case.unit not in LEVELS)
    if not (ratio or same_kind(unit, case.unit)):
        allowed = ["25 %", f"5 {case.unit}".strip()]
        raise BadInput("has another unit than its row", key=key, given=stated, allowed=allowed)
    if size <= 0:
        raise BadInput("an error lies above zero", key=key, given=stated)
    return (size / 100.0, True) if ratio else (convert(size, unit, case.unit), False)
