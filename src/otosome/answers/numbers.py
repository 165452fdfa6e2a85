"""How a number is written: rounded once, and the same on the terminal, in a page and for a program.

An endpoint's value has a tenth below ten and none from ten on; a fraction is written in per cent; utilities,
events and concentrations have two digits that count.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from otosome.units import LEVELS, Array

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
UTILITY, EVENTS, WORTH = "utility", "per 1,000 people", "worth"
_COUNTED = {UTILITY, EVENTS, "uM"}
# Units that are clear from where a number stands.
_UNWRITTEN = {UTILITY, EVENTS, WORTH}


@dataclass(frozen=True)
class Exact:
    """Median, 5 and 95 % before rounding."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Interval:
    """Median, 5 and 95 % as they are printed, in ``unit``; ``text`` is how every output writes them."""

    median: float
    low: float
    high: float
    unit: str
    text: str
    exact: Exact


@dataclass(frozen=True)
class Share:
    """A part of the whole, 0 to 1, as it is printed."""

    value: float
    text: str
    exact: float


@dataclass(frozen=True)
class ShareInterval:
    """A share with its 95 % interval, 0 to 1, as printed: ``n`` independent draws leave it open."""

    value: float
    low: float
    high: float
    n: int
    text: str
    exact: tuple[float, float, float]


def is_fraction(unit: str) -> bool:
    """Whether values in this unit are fractions, which a reader wants in per cent."""
    return unit in ("", "1", "fraction")


def difference(unit: str) -> str:
    """The unit of a difference: two levels differ by dB."""
    return "dB" if unit in LEVELS or unit.startswith("dB") else unit


def rounded(value: float, unit: str) -> float:
    """A value of an endpoint as it is printed, in its own unit; a number already rounded stays as it is."""
    if not math.isfinite(value):
        return value
    if unit in _COUNTED:
        return float(f"{value:.1e}") + 0.0
    factor = 100 if is_fraction(unit) else 1
    tenth = round(factor * value, 1)
    # Plus zero: nothing must not read -0.
    return (tenth if abs(tenth) < 10 else float(round(factor * value))) / factor + 0.0


def amount(value: float | None, unit: str, sign: bool = False) -> str:
    """A value of an endpoint with its unit, a fraction in per cent; ``sign`` writes the plus of a gain."""
    if value is None or not math.isfinite(value):
        return "–"
    label = "" if unit in _UNWRITTEN else "%" if is_fraction(unit) else unit_text(unit)
    return f"{_digits(rounded(value, unit), unit, sign)} {label}".rstrip()


def _digits(value: float, unit: str, sign: bool = False) -> str:
    """The digits of a rounded value."""
    if unit in _COUNTED:
        text = number(value, 2)
    else:
        shown = 100 * value if is_fraction(unit) else value
        text = _minus(f"{shown:.0f}" if abs(round(shown, 1)) >= 10 or shown == 0 else f"{shown:.1f}")
    return f"+{text}" if sign and value > 0 else text


def span(low: float, high: float, unit: str) -> str:
    """The two ends of an interval, the unit written once."""
    ends = amount(high, unit)
    return f"{_digits(rounded(low, unit), unit)} to {ends}"


def visible(value: float, unit: str) -> bool:
    """Whether a value prints as more than nothing."""
    return rounded(value, unit) != 0


def interval(values: Array, unit: str, gain: bool = False) -> Interval:
    """Median, 5 and 95 % of the values, shape (ear,); a gain is written with its sign."""
    low, median, high = (float(end) for end in np.quantile(values, [0.05, 0.5, 0.95]))
    return written(median, low, high, unit, gain)


def written(median: float, low: float, high: float, unit: str, gain: bool = False) -> Interval:
    """An interval from its exact numbers."""
    ends = f"{_digits(rounded(low, unit), unit)} to {_digits(rounded(high, unit), unit)}"
    text = f"{amount(median, unit, sign=gain)} ({ends})"
    shown = [rounded(value, unit) for value in (median, low, high)]
    return Interval(shown[0], shown[1], shown[2], unit, text, Exact(median, low, high))


def significant(values: Array, unit: str) -> Interval:
    """Median, 5 and 95 % of values of any size, shape (ear,), with two digits that count: concentrations, times."""
    low, median, high = (float(end) for end in np.quantile(values, [0.05, 0.5, 0.95]))
    text = f"{number(median, 2)} {unit_text(unit)}".rstrip() + f" ({number(low, 2)} to {number(high, 2)})"
    shown = [float(f"{value:.1e}") for value in (median, low, high)]
    return Interval(shown[0], shown[1], shown[2], unit, text, Exact(median, low, high))


def share(value: float) -> Share:
    """A share in whole per cent; some is never written as none, nor nearly all as all."""
    return Share(_hundredth(value), _percent(value), float(value))


def share_interval(successes: float, n: int) -> ShareInterval:
    """The share of so many among ``n`` independent draws, with Jeffreys' 95 % interval.

    The interval of none and of all is taken to the end (Brown, Cai and DasGupta, Statistical Science 2001).
    """
    from scipy.special import betaincinv

    value = successes / n
    low, high = (
        float(betaincinv(successes + 0.5, n - successes + 0.5, probability)) for probability in (0.025, 0.975)
    )
    low, high = (low if successes > 0 else 0.0), (high if successes < n else 1.0)
    ends = f"{_percent(low).removesuffix(' %')} to {_percent(high)}"
    text = f"{_percent(value)} ({ends})"
    return ShareInterval(_hundredth(value), _hundredth(low), _hundredth(high), n, text, (value, low, high))


def _hundredth(value: float) -> float:
    return round(value, 2) + 0.0


def _percent(value: float) -> str:
    if 0 < value <= 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= value < 1 - 1e-12 else f"{100 * value:.0f} %"


# ---------------------------------------------------------------- numbers of any size


def number(value: float | str | None, digits: int = 3) -> str:
    """A number as a reader writes it: so many digits, a true minus, powers of ten in the air."""
    if isinstance(value, str):
        return value
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if -3 <= int(exponent) < 5:
        places = max(0, digits - 1 - int(exponent))
        return _short(f"{float(f'{mantissa}e{exponent}'):.{places}f}")
    head = _short(mantissa)
    head = head.removesuffix("1") if head in ("1", "−1") else f"{head}×"
    return f"{head}10{power(int(exponent))}"


def _short(text: str) -> str:
    return _minus(text.rstrip("0").rstrip(".") if "." in text else text)


def _minus(text: str) -> str:
    return text.replace("-", "−")


def power(exponent: int) -> str:
    """An exponent in superscript digits."""
    return str(exponent).translate(_SUPERSCRIPTS)


def unit_text(unit: str | None) -> str:
    """A unit as print shows it: u for micro becomes µ."""
    return re.sub(r"\bu(?=[LMgm]\b)", "µ", unit or "")
