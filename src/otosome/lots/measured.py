"""What a lot's own files say of the tests that they can answer: each number with its error, or what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from otosome.lots.belief import Belief
from otosome.lots.count import Count, share
from otosome.lots.files import Counted
from otosome.lots.potency import Potency, RunPotency
from otosome.lots.specification import Specification
from otosome.units import Array, convert, house

_COUNTS_MISSING = "add a [[count]] with its file and day"


@dataclass(frozen=True)
class Measured:
    """What the files of a lot hold that a specification may ask about.

    ``counted``     the count, None where there is none whose dilution is known; then ``undiluted`` has the line to add
    ``uncounted``, ``unleft``  why files of counts, or of the control with detergent, are left out; empty where none is
    ``tables``      every file of counts of the fresh lot
    ``label``       particles/uL that the vial claims, None where it claims none
    ``remaining``   share of the particles that detergent leaves, None without that control
    ``protein``     ug/uL with its coefficient of variation (None where not stated), None where not measured
    ``potencies``   by mechanism: every run, and the runs combined (None where none counts)
    ``assays``      by mechanism: the assays' names
    """

    counted: Count | None
    undiluted: str
    tables: tuple[Counted, ...]
    label: float | None
    remaining: Belief | None = None
    protein: tuple[float, float | None] | None = None
    potencies: Mapping[str, tuple[tuple[RunPotency, ...], Potency | None]] = field(default_factory=dict)
    assays: Mapping[str, str] = field(default_factory=dict)
    protein_stated: str = ""
    uncounted: str = ""
    unleft: str = ""

    @property
    def instrument(self) -> str:
        """The instrument that counted, in words; empty where none did."""
        return ", ".join(sorted({table.instrument for table in self.tables}))


@dataclass(frozen=True)
class Value:
    """One test's number as the files say it.

    ``belief``  in house units; None where the files cannot tell, and ``cure`` says what would
    ``text``    in words, with unit and 5 to 95 % interval
    """

    text: str
    method: str
    belief: Belief | None = None
    cure: str = ""


def measured_value(test: str, measured: Measured, specification: Specification, unit: str) -> Value | None:
    """What the files say of a test; None where they hold nothing of its kind.

    ``unit``  in which to show it
    """
    reader = _READERS.get(test)
    return None if reader is None else reader(measured, specification, unit)


def shown(belief: Belief, unit: str) -> str:
    """A median with 5 and 95 %, in a unit of the reader's choice."""
    low, middle, high = (convert(belief.quantile(p), house(unit), unit) for p in (0.05, 0.5, 0.95))
    if unit == "%":
        return f"{middle:.3g} % ({low:.3g} to {high:.3g} %)"
    return f"{middle:.3g} ({low:.3g} to {high:.3g}){f' {unit}' if unit else ''}"


def _particles(measured: Measured, _: Specification, unit: str) -> Value:
    if measured.undiluted:
        return Value("a dilution is not recorded", _counting(measured), cure=measured.undiluted)
    if measured.counted is None:
        return _nothing("nothing was counted", measured.uncounted, _COUNTS_MISSING)
    words = f"{shown(measured.counted.belief, unit)}, {measured.counted.taken}"
    return Value(words, _counting(measured), measured.counted.belief)


def _nothing(words: str, left_out: str, missing: str) -> Value:
    """No result: the files of it are left out, or the record names none."""
    return Value("no file of it can be used" if left_out else words, "", cure=left_out or missing)


def _counting(measured: Measured) -> str:
    return f"particle count, {measured.instrument}"


def _purity(measured: Measured, specification: Specification, unit: str) -> Value:
    count = _particles(measured, specification, "particles/mL")
    if measured.protein is None:
        return Value("no protein is stated", count.method, cure='add: protein = "40 ug/mL +/- 10 %"')
    if count.belief is None:
        return count
    amount, error = measured.protein
    belief = replace(
        count.belief,
        middle=count.belief.middle - np.log(amount),
        spread=np.hypot(count.belief.spread, error or 0.0),
    )
    exact = "" if error else "; no error of the protein is stated"
    method = f"{count.method}, over {measured.protein_stated} of protein"
    return Value(f"{shown(belief, unit)}{exact}", method, belief)


def _not_vesicles(measured: Measured, _: Specification, unit: str) -> Value:
    if measured.remaining is None:
        cure = "add [detergent] with the files before and after"
        return _nothing("no control with detergent", measured.unleft, cure)
    return Value(
        shown(measured.remaining, unit),
        f"particles that detergent leaves, {measured.instrument}",
        measured.remaining,
    )


def _size_window(measured: Measured, specification: Specification, unit: str) -> Value:
    low, high = specification.window

    def inside(diameter: Array, concentration: Array) -> float:
        within = (diameter >= low) & (diameter <= high)
        return float(concentration[within].sum() / concentration.sum())

    shares = _by_video(measured, inside)
    belief = share(dict(enumerate(shares)))
    return _sizes(shares, belief, measured, unit)


def _peak_size(measured: Measured, _: Specification, unit: str) -> Value:
    peaks = _by_video(measured, lambda diameter, concentration: float(diameter[concentration.argmax()]))
    belief = None
    if peaks.size > 1:
        logs = np.log(peaks)
        belief = Belief.student(logs.mean(), logs.std(ddof=1) / np.sqrt(logs.size), logs.size - 1)
    return _sizes(peaks, belief, measured, unit)


def _by_video(measured: Measured, of: Callable[[Array, Array], float]) -> Array:
    """A number of the size distribution of every video, shape (video,)."""
    videos = [video for table in measured.tables for _, video in table.table.groupby("replicate", sort=True)]
    columns = (
        (video["diameter"].to_numpy(dtype=float), video["concentration"].to_numpy(dtype=float))
        for video in videos
    )
    return np.array([of(*pair) for pair in columns])


def _sizes(values: Array, belief: Belief | None, measured: Measured, unit: str) -> Value:
    method = f"sizes of particles, {measured.instrument}"
    if not values.size:
        return _nothing("nothing was sized", measured.uncounted, _COUNTS_MISSING)
    if belief is None:
        words = f"{convert(float(values[0]), house(unit), unit):.3g} {unit}".strip()
        return Value(words, method, cure="one video cannot tell how far it errs: measure more videos")
    words = f"{shown(belief, unit)}, {values.size} videos; differences between days are not in it"
    return Value(words, method, belief)


_READERS: Mapping[str, Callable[[Measured, Specification, str], Value]] = {
    "particles": _particles,
    "purity": _purity,
    "not_vesicles": _not_vesicles,
    "size_window": _size_window,
    "peak_size": _peak_size,
}
