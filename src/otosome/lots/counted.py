"""A measured lot: the batch whose size and count an instrument counted, and its size distribution drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri, stdtrit

from otosome.errors import BadInput
from otosome.lots.batch import Batch
from otosome.lots.sizes import classes, geometric_deviation, quantile
from otosome.units import Array, convert

if TYPE_CHECKING:
    import pandas as pd

EXPORT_SOURCE = "instrument_export"
_NM = convert(1.0, "mm", "nm")
# Bins of the drawn distribution, nm, and the share of the peak below which its ends are left out.
_DRAWN, _FAINT = 5.0, 1e-3
_TABLE_OR_KEY = re.compile(r"""\[?\[?\s*([A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[\w\s."'-]*(\]|=)""", re.ASCII)


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
    medians = np.array([_median(video) for _, video in videos])
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
        "spread": _measured(base, "spread", geometric_deviation(sizes, share), "", place),
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
        *(f"Flagged in {particles['file'].iloc[0]}: {warning}." for warning in warnings_of(particles)),
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


def _median(video: pd.DataFrame) -> float:
    """Diameter below which half of a video's particles lie, mm."""
    size, count = video["diameter"].to_numpy(dtype=float), video["concentration"].to_numpy(dtype=float)
    return quantile(size, count, 0.5)


def _measured(base: Mapping[str, object], key: str, value: float, unit: str, place: str) -> dict[str, str]:
    entry = base.get(key)
    if not isinstance(entry, Mapping) or not isinstance(entry.get("meaning"), str):
        raise BadInput("is not the entry of a batch", key=key, cure="take example_lot as the base")
    return {
        "meaning": entry["meaning"],
        "value": f"{value:.6g} {unit}".strip(),
        "basis": "measured",
        "source": EXPORT_SOURCE,
        "locator": place,
    }


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
        "meaning": "true particles for each one counted",
        "value": "1",
        **(band if z > 1e-5 else {}),
        "basis": "computed",
        "source": label,
        "because": f"{videos}, and between days a coefficient of variation of {100 * day_to_day:.0f} %.",
    }


def _t95(videos: int) -> float:
    return float(stdtrit(videos - 1, 0.95))


def _profile(size: Array, count: Array) -> dict[str, list[float]]:
    """The measured distribution in bins a figure can show, in nm, without its empty ends.

    Bins wider than those stay as they are, each over its width: between them would be gaps.
    """
    if size.size > 1 and np.median(np.diff(size)) * _NM > _DRAWN:
        density = count / np.gradient(size)
        return {
            "diameter": [float(f"{d:.6g}") for d in size * _NM],
            "concentration": [float(f"{c:.5g}") for c in density / _NM],
        }
    bins = np.floor(size * _NM / _DRAWN).astype(int)
    first = bins.min()
    height = np.bincount(bins - first, weights=count)
    shown = np.flatnonzero(height > _FAINT * height.max())
    part = np.arange(shown[0], shown[-1] + 1)
    return {
        "diameter": [float(d) for d in (part + first + 0.5) * _DRAWN],
        "concentration": [float(f"{c:.5g}") for c in height[part]],
    }


def warnings_of(particles: pd.DataFrame) -> tuple[str, ...]:
    """Each warning of the instrument once, with the videos it stands at."""
    flags = particles.groupby("replicate", sort=True)["flag"].first()
    flagged: dict[str, list[str]] = {}
    for video, text in flags.items():
        for flag in str(text).split("; ") if text else []:
            flagged.setdefault(flag, []).append(str(video))
    return tuple(f"{flag}{_which(videos, flags.size)}" for flag, videos in flagged.items())


def _which(videos: list[str], used: int) -> str:
    if used == 1:
        return ""
    if len(videos) == used:
        return " (every video used)"
    return f" (video{'' if len(videos) == 1 else 's'} {', '.join(videos)})"


def _name(sample: object, base_name: str) -> str:
    """A key made of the sample's name, which itself is only text."""
    stem = re.sub(r"[^a-z0-9]+", "_", str(sample).lower()).strip("_")[:40]
    return f"measured_{stem}" if stem else f"measured_{base_name}"
