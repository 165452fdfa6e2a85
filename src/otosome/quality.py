"""From a batch to the dose: size classes, vesicles given, soluble protein given, relative potency.

A batch is a column per number (``batches/*.toml`` says what each means); a measured batch is the same table
with size and count taken from an instrument export. Vesicles given are the particles of the dose times what
the count errs by, the share that are vesicles, and the shares that survive storage, tubes and needle.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from otosome.evidence import BadInput
from otosome.units import (
    Array,
    Fraction,
    Micrograms,
    Millimetres,
    Particles,
    ParticlesPerMicrogram,
    ParticlesPerMicrolitre,
    Plain,
    convert,
)

if TYPE_CHECKING:
    import pandas as pd

CLASSES = 3
GENERIC = "potency"
EXPORT_SOURCE = "instrument_export"
_NM = convert(1.0, "mm", "nm")
# Least and largest value of a number; others need only be finite and not negative.
_SMALLEST = np.finfo(float).tiny
_RANGE = {
    "diameter": (_SMALLEST, np.inf), "purity": (_SMALLEST, np.inf), "spread": (1.0, np.inf),
    **dict.fromkeys(
        ("vesicle_fraction", "storage_survival", "adsorption_survival", "needle_survival", "soluble_protein"),
        (0.0, 1.0),
    ),
}  # fmt: skip
# Bins of the drawn distribution, nm, and the share of the peak below which its ends are left out.
_DRAWN, _FAINT = 5.0, 1e-3
_TABLE_OR_KEY = re.compile(r"""\[?\[?\s*([A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[\w\s."'-]*(\]|=)""", re.ASCII)


@dataclass(frozen=True)
class Batch:
    """One vesicle product, a column per number; shape (subject,) unless said.

    ``diameter``     of each size class, mm, shape (class, subject)
    ``weight``       share of the particles in each class, same shape, sums to 1 over classes
    ``spread``       geometric standard deviation of the diameters, 1 or more
    ``particles``    counted per uL
    ``count_error``  true particles for each one counted
    ``purity``       particles counted per ug protein
    ``hsp70``        content relative to the reference lot, a marker: what acts is ``potency_of("hsp70")``
    ``potencies``    relative potency by key (``"potency_hsp70"``; ``"potency"`` for all others)
    """

    name: str
    diameter: Millimetres
    weight: Fraction
    spread: Plain
    particles: ParticlesPerMicrolitre
    count_error: Plain
    purity: ParticlesPerMicrogram
    vesicle_fraction: Fraction
    storage_survival: Fraction
    adsorption_survival: Fraction
    needle_survival: Fraction
    soluble_protein: Fraction
    yield_per_cell: Plain
    mirna_copies: Plain
    hsp70: Plain
    potencies: Mapping[str, Array] = field(default_factory=dict)

    @classmethod
    def of(
        cls, name: str, columns: Mapping[str, Array], options: Mapping[str, object] | None = None
    ) -> Batch:
        """A batch from the columns of its entry.

        ``columns``  key of the entry's TOML -> house units, shape (subject,) or (subject, 1, 1)
        ``options``  of the entry; ``class_ratio``, if there, is each class's diameter over the median
        raises       BadInput if a number is missing or cannot be one of a batch
        """
        flat = {key: np.asarray(value, dtype=float).reshape(-1) for key, value in columns.items()}
        wanted = [key for key in cls.__dataclass_fields__ if key not in ("name", "weight", "potencies")]
        _check(name, flat, [*wanted, GENERIC])
        diameter, weight = _sizes(flat["diameter"], flat["spread"], (options or {}).get("class_ratio"), name)
        potencies = {key: value for key, value in flat.items() if key.split("_")[0] == GENERIC}
        rest = {key: flat[key] for key in wanted if key != "diameter"}
        return cls(name=name, diameter=diameter, weight=weight, potencies=potencies, **rest)

    def potency_of(self, mechanism: str) -> Plain:
        """Relative potency of a mechanism, shape (subject,): its own if there is one, else the generic."""
        return self.potencies.get(f"{GENERIC}_{mechanism}", self.potencies[GENERIC])

    @property
    def intact(self) -> Fraction:
        """Vesicles that reach the ear for each true particle of the dose, shape (subject,)."""
        survive = self.storage_survival * self.adsorption_survival * self.needle_survival
        return self.vesicle_fraction * survive


@dataclass(frozen=True)
class Lot:
    """A measured batch: plain values as ``batches/*.toml`` holds them, and what to tell the user."""

    name: str
    values: Mapping[str, object]
    notes: tuple[str, ...]


def recognises(head: bytes) -> bool:
    """Whether a file that begins so may be a batch TOML: its first statement is a key or a table."""
    text = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")
    statements = (line.strip() for line in text.splitlines())
    first = next((line for line in statements if line and not line.startswith("#")), "")
    return _TABLE_OR_KEY.match(first[:200]) is not None


def classes(diameters: Array, counts: Array, n: int = CLASSES) -> tuple[Array, Array]:
    """Classes of equal count, each with the diameter that diffuses as its members do on average.

    A vesicle's diffusion goes as 1/d, so a class's diameter is the harmonic mean of its members': the sum of
    weight / diameter is that of the whole distribution. A bin on a boundary is shared between two classes.

    ``diameters``  any unit, above zero, shape (bin,), in any order
    ``counts``     particles in each bin, not negative, shape (bin,)
    returns        diameters (same unit, rising) and weights (sum 1), each of shape (n,)
    raises         ValueError if nothing is counted or a number is not finite
    """
    order = np.argsort(diameters, kind="stable")
    size, count = np.asarray(diameters, dtype=float)[order], np.asarray(counts, dtype=float)[order]
    if n < 1 or not np.isfinite(size).all() or not np.isfinite(count).all():
        raise ValueError(f"sizes: {n} classes of {size.size} bins; expected 1 or more, and finite numbers")
    if size.size == 0 or size[0] <= 0 or count.min() < 0 or not count.sum() > 0:
        raise ValueError("sizes: expected diameters above zero, counts not negative and one particle or more")
    edges = np.arange(n + 1) / n
    upper = np.cumsum(count / count.sum())
    upper[-1] = 1.0
    lower = np.concatenate([[0.0], upper[:-1]])
    shared = np.minimum(upper, edges[1:, None]) - np.maximum(lower, edges[:-1, None])
    weight = np.maximum(shared, 0.0)
    return weight.sum(axis=1) / (weight / size).sum(axis=1), weight.sum(axis=1)


def lognormal_classes(median: Array, spread: Array, n: int = CLASSES) -> tuple[Array, Array]:
    """The classes of a log-normal distribution of diameters, exactly.

    ``median``  any unit, above zero, shape (subject,)
    ``spread``  geometric standard deviation, 1 or more, shape (subject,)
    returns     diameters (same unit) and weights, each of shape (n, subject)
    """
    sigma = np.log(spread)
    edges = ndtri(np.arange(n + 1) / n)[:, None]
    # E[exp(-sigma z)] between two edges, from the upper tail: no two numbers near one are subtracted.
    tail = ndtr(-(edges + sigma))
    slowness = n * np.exp(sigma**2 / 2) * (tail[:-1] - tail[1:]) / median
    return 1.0 / slowness, np.full(slowness.shape, 1.0 / n)


def vesicles_given(
    batch: Batch,
    *,
    particles: Array | float | None = None,
    protein: Array | float | None = None,
    cells: Array | float | None = None,
    volume: Array | float | None = None,
) -> Particles:
    """Intact vesicles of a dose in each size class.

    ``particles``  counted particles; or
    ``protein``    ug, converted by the batch's purity; or
    ``cells``      producer cells, converted by its yield; or
    ``volume``     uL of the product as it is, where no amount is given
    returns        particles, shape (class, subject), not negative
    raises         BadInput unless there is one amount, or a volume, and none is negative
    """
    counted = _counted(batch, particles, protein, cells, volume)
    return counted * batch.count_error * batch.intact * batch.weight


def protein_given(
    batch: Batch,
    *,
    particles: Array | float | None = None,
    protein: Array | float | None = None,
    cells: Array | float | None = None,
    volume: Array | float | None = None,
) -> Micrograms:
    """Dissolved protein that comes with a dose: the rival explanation of what vesicles seem to do.

    Arguments as in ``vesicles_given``. Nothing is lost on the way (the worst case for the vesicles), and the
    counting error cancels: purity is counted particles over protein, and the dose is counted by the same eye.

    returns  ug, shape (subject,), not negative
    """
    counted = _counted(batch, particles, protein, cells, volume)
    return counted / batch.purity * batch.soluble_protein


def measured_lot(
    particles: pd.DataFrame, base: Mapping[str, object], base_name: str, day_to_day: float, label: str
) -> Lot:
    """A batch whose size and count are those of an instrument export, and all else that of a shelf entry.

    The count is the mean over videos as printed. What it errs by is log-normal, from the standard error of
    the videos (Student's t) and the coefficient of variation between days, added as variances.

    ``particles``   the instrument's tidy table, one sample
    ``base``        plain values of the entry that gives the other numbers, as its TOML holds them
    ``day_to_day``  coefficient of variation of a count from day to day, 0 to 1
    ``label``       source key that states ``day_to_day``
    raises          BadInput if the table holds no particle or more than one sample
    """
    if particles["sample"].nunique() != 1 or not particles["concentration"].sum() > 0:
        raise BadInput("an export holds one sample with particles in it", given=particles["sample"].nunique())
    videos = particles.groupby("replicate", sort=True)
    counts = videos["concentration"].sum().to_numpy(dtype=float)
    medians = np.array([_median(one) for _, one in videos])
    bins = particles.groupby("diameter", sort=True)["concentration"].mean()
    sizes, share = bins.index.to_numpy(dtype=float), bins.to_numpy(dtype=float)
    middle = float(medians.mean())
    place = f"{particles['file'].iloc[0]}, sha256 {str(particles['sha256'].iloc[0])[:12]}"
    values = {
        **{key: value for key, value in base.items() if key not in ("profile", "class_ratio")},
        "about": f"Size and count as measured in {place}; all else is that of {base_name}.",
        "base": base_name,
        "sample": str(particles["sample"].iloc[0]),
        "class_ratio": [float(f"{d / middle:.6g}") for d in classes(sizes, share)[0]],
        "particles": _measured(base, "particles", counts.mean(), "particles/uL", place),
        "diameter": {**_measured(base, "diameter", middle * _NM, "nm", place), **_between(medians * _NM)},
        "spread": _measured(base, "spread", _geometric_deviation(sizes, share), "", place),
        "count_error": _count_error(counts, day_to_day, label),
        "profile": {
            "sizes": {
                **_profile(sizes, share),
                "basis": "measured",
                "source": EXPORT_SOURCE,
                "locator": place,
            }
        },
    }
    notes = (
        f"Size and count of the vesicles come from {place} ({counts.size} videos).",
        f"Purity, vesicle fraction, survival, cargo and potency are those of {base_name!r}, not of this lot.",
        *_warnings(particles),
    )
    return Lot(_name(values["sample"], base_name), values, notes)


def drawn_sizes(batch: Batch, origin: str, profile: Mapping[str, Array] | None = None) -> dict[str, object]:
    """The size distribution and its classes for a figure, of the batch's first subject.

    ``origin``   where it comes from, in words
    ``profile``  ``diameter`` in nm and ``concentration``, as ``measured_lot`` writes it; else a log-normal
    returns      name, origin, diameter (nm), density (peak 1), classes (diameter in nm and weight)
    """
    middle = batch.diameter[:, 0] * _NM
    if profile is not None:
        diameter, density = profile["diameter"], profile["concentration"]
    else:
        sigma = max(float(np.log(batch.spread[0])), 1e-3)  # a single size is drawn as a narrow peak
        # The median of a log-normal, from its mean of 1/d: the classes hold exactly that.
        median = np.exp(sigma**2 / 2) / float((batch.weight[:, 0] / middle).sum())
        diameter = median * np.exp(sigma * np.linspace(-4, 4, 161))
        density = np.exp(-(np.log(diameter / median) ** 2) / (2 * sigma**2)) / diameter
    return {
        "name": batch.name,
        "origin": origin,
        "diameter": [float(f"{d:.5g}") for d in diameter],
        "density": [float(f"{d:.5g}") for d in np.asarray(density) / np.max(density)],
        "classes": [
            {"diameter": float(d), "weight": float(w)}
            for d, w in zip(middle, batch.weight[:, 0], strict=True)
        ],
    }


def _check(name: str, columns: Mapping[str, Array], wanted: list[str]) -> None:
    for key in wanted:
        if key not in columns:
            raise BadInput("a batch lacks a number", file=f"batches.{name}", key=key, allowed=sorted(columns))
    for key, column in columns.items():
        least, most = _RANGE.get(key, (0.0, np.inf))
        if not (np.isfinite(column).all() and (column >= least).all() and (column <= most).all()):
            raise BadInput(
                "is not a number a batch can have", file=f"batches.{name}", key=key,
                given=f"{column.min():g} to {column.max():g}", allowed=f"{least:g} to {most:g}",
                cure="for a fraction, give low and high with shape = 'uniform'" if most == 1 else None,
            )  # fmt: skip


def _sizes(median: Array, spread: Array, ratio: object, name: str) -> tuple[Array, Array]:
    if ratio is None:
        return lognormal_classes(median, spread)
    ratios = list(ratio) if isinstance(ratio, (list, tuple)) else []
    if not 0 < len(ratios) <= 20 or not all(isinstance(r, (int, float)) and 0 < r < np.inf for r in ratios):
        raise BadInput(
            "is not a list of diameters over the median", file=f"batches.{name}", key="class_ratio",
            given=str(ratio), allowed="1 to 20 numbers above zero",
        )  # fmt: skip
    classes_ = np.asarray(ratios, dtype=float)[:, None] * median
    return classes_, np.full(classes_.shape, 1.0 / len(classes_))


def _counted(
    batch: Batch,
    particles: Array | float | None,
    protein: Array | float | None,
    cells: Array | float | None,
    volume: Array | float | None,
) -> Array:
    """Particles of the dose as a count would show them, shape (subject,)."""
    amounts = {"particles": particles, "protein": protein, "cells": cells}
    given = {key: np.asarray(value, dtype=float) for key, value in amounts.items() if value is not None}
    if not given and volume is not None:
        given = {"volume": np.asarray(volume, dtype=float)}
    if len(given) != 1:
        raise BadInput(
            "a dose has one amount, or only a volume", file=f"batches.{batch.name}",
            given=sorted(given) or "none", allowed=[*amounts, "volume"],
        )  # fmt: skip
    ((kind, amount),) = given.items()
    if not (np.isfinite(amount).all() and (amount >= 0).all()):
        raise BadInput(
            "a dose is finite and not negative", file=f"batches.{batch.name}", key=kind, given=str(amount)
        )
    each: dict[str, Array] = {
        "particles": np.ones_like(batch.particles), "protein": batch.purity, "cells": batch.yield_per_cell,
        "volume": batch.particles,
    }  # fmt: skip
    return amount * each[kind]


def _median(video: pd.DataFrame) -> float:
    """Diameter below which half of a video's particles lie, mm."""
    size, count = video["diameter"].to_numpy(dtype=float), video["concentration"].to_numpy(dtype=float)
    return _quantile(size, count, 0.5)


def _quantile(size: Array, count: Array, share: float) -> float:
    """Between bin centres, as the instrument's own D50: half of a bin lies below its centre."""
    middle = np.cumsum(count) - count / 2
    filled = count > 0
    return float(np.interp(share * count.sum(), middle[filled], size[filled]))


def _geometric_deviation(size: Array, count: Array) -> float:
    """Of the log-normal with the same D10 and D90."""
    between = ndtri(0.9) - ndtri(0.1)
    return float((_quantile(size, count, 0.9) / _quantile(size, count, 0.1)) ** (1 / between))


def _measured(base: Mapping[str, object], key: str, value: float, unit: str, place: str) -> dict[str, str]:
    entry = base.get(key)
    if not isinstance(entry, Mapping) or not isinstance(entry.get("meaning"), str):
        raise BadInput("is not the entry of a batch", key=key, cure="take example_lot as the base")
    return {
        "meaning": entry["meaning"], "value": f"{value:.6g} {unit}".strip(), "basis": "measured",
        "source": EXPORT_SOURCE, "locator": place,
    }  # fmt: skip


def _between(values: Array) -> dict[str, str]:
    """5 and 95 % of a mean over videos, in nm; nothing where one video, or none differing, cannot tell."""
    off = _t95(values.size) * values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else 0.0
    middle = values.mean()
    if not off > 1e-5 * middle:
        return {}
    low = max(middle - off, middle**2 / (middle + off))  # a mean of positive numbers is not below zero
    return {"low": f"{low:.6g} nm", "high": f"{middle + off:.6g} nm", "shape": "lognormal"}


def _count_error(counts: Array, day_to_day: float, label: str) -> dict[str, str]:
    relative = counts.std(ddof=1) / np.sqrt(counts.size) / counts.mean() if counts.size > 1 else 0.0
    widened = relative * _t95(counts.size) / ndtri(0.95) if counts.size > 1 else 0.0
    sigma = np.sqrt(np.log1p(widened**2 + day_to_day**2))
    z = float(ndtri(0.95) * sigma)
    band = {"low": f"{np.exp(-z):.6g}", "high": f"{np.exp(z):.6g}", "shape": "lognormal"}
    videos = (
        f"{100 * relative:.1f} % standard error of {counts.size} videos" if counts.size > 1 else "one video"
    )
    return {
        "meaning": "true particles for each one counted", "value": "1",
        **(band if z > 1e-5 else {}),
        "basis": "computed", "source": label,
        "because": f"{videos}, and between days a coefficient of variation of {100 * day_to_day:.0f} %.",
    }  # fmt: skip


def _t95(videos: int) -> float:
    return float(stdtrit(videos - 1, 0.95))


def _profile(size: Array, count: Array) -> dict[str, list[float]]:
    """The measured distribution in bins a figure can show, in nm, without its empty ends."""
    bins = np.floor(size * _NM / _DRAWN).astype(int)
    first = bins.min()
    height = np.bincount(bins - first, weights=count)
    shown = np.flatnonzero(height > _FAINT * height.max())
    part = np.arange(shown[0], shown[-1] + 1)
    return {
        "diameter": [float(d) for d in (part + first + 0.5) * _DRAWN],
        "concentration": [float(f"{c:.5g}") for c in height[part]],
    }


def _warnings(particles: pd.DataFrame) -> tuple[str, ...]:
    """Each warning of the instrument once, with the videos it stands at."""
    flags = particles.groupby("replicate", sort=True)["flag"].first()
    seen: dict[str, list[int]] = {}
    for video, text in flags.items():
        for flag in str(text).split("; ") if text else []:
            seen.setdefault(flag, []).append(int(str(video)))
    notes = [f"The instrument says: {flag} ({_which(videos, flags.size)})." for flag, videos in seen.items()]
    if particles["dilution_applied"].isna().any():
        notes.append(
            "The dilution is not recorded, so the count is taken as printed; if the sample was diluted, the "
            "product holds more by that factor: record it in the instrument's software and export again."
        )
    return tuple(notes)


def _which(videos: list[int], all_: int) -> str:
    if len(videos) == all_:
        return f"all {all_} videos"
    return f"video {', '.join(map(str, videos))} of {all_}"


def _name(sample: object, base_name: str) -> str:
    """A key made of the sample's name, which itself is only text."""
    stem = re.sub(r"[^a-z0-9]+", "_", str(sample).lower()).strip("_")[:40]
    return f"measured_{stem}" if stem else f"measured_{base_name}"
