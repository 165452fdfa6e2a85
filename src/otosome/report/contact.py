"""A contact sheet of what was imported: readings, level series with thresholds, size distributions, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome.laboratory.series import series_of
from otosome.units import Array, convert

if TYPE_CHECKING:
    import pandas as pd

    from otosome.laboratory.intake import Intake

MOST_PANELS, MOST_SERIES, MOST_SIZES, MOST_REFUSED = 40, 60, 40, 500
COLOURS, INK = (
    7,
    6,
)  # groups that have a colour of their own, further ones are grey; what has no group is in ink
WIDE, HIGH = 220.0, 300.0  # drawing units of a level series
LEFT, TOP = 34.0, 10.0
LARGEST = 1e3  # nm drawn of a size distribution
# Thresholds of a published program beside those of people: evidence on 6,959 pairs of 351 mice.
BAR = "a published program beside people: +0.3 dB, SD 6.2 dB, 68 % within 5 dB, 91 % within 10 dB (ABRpresto, mice)"
SHOWN = 200  # points of a curve
_HERE = Path(__file__).parent


def contact_sheet(results: Intake) -> str:
    """The sheet as one HTML text that loads nothing; names from files are text and nothing else."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    series = list(series_of(results.waveforms)) if len(results.waveforms) else []
    estimated = {_key(row): row for _, row in results.estimated.iterrows()} if len(results.estimated) else {}
    samples = (
        list(results.particles.dropna(subset=["diameter"]).groupby(["file", "replicate"]))
        if len(results.particles)
        else []
    )
    refused, panels = _refused(results), list(_panels(results.readings))
    environment = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("contact.html.jinja").render(
        counts=[(name, count) for name, count in _counts(results) if count],
        kinds=_kinds(results.readings),
        groups=_groups(results.readings),
        named=COLOURS,
        panels=panels[:MOST_PANELS],
        more_panels=max(0, len(panels) - MOST_PANELS),
        notes=results.notes,
        files=sorted(results.files.items()),
        series=[
            _series(name, waves, estimated.get(_key(waves.iloc[0]))) for name, waves in series[:MOST_SERIES]
        ],
        more_series=max(0, len(series) - MOST_SERIES),
        sizes=[_size(bins) for _, bins in samples[:MOST_SIZES]],
        more_sizes=max(0, len(samples) - MOST_SIZES),
        agreement=_agreement(results.estimated),
        refused=refused[:MOST_REFUSED],
        more_refused=max(0, len(refused) - MOST_REFUSED),
        wide=WIDE,
        high=HIGH,
        left=LEFT,
        top=TOP,
    )


def _counts(results: Intake) -> list[tuple[str, int]]:
    return [
        ("files read", len(results.files)),
        ("readings", len(results.readings)),
        ("particle rows", len(results.particles)),
        ("waveforms", len(results.waveforms)),
        ("thresholds from waveforms", len(results.estimated)),
        ("refused", len(results.refused)),
    ]


def _kinds(readings: pd.DataFrame) -> list[tuple[str, ...]]:
    """Of each quantity: its name and unit, how many readings of how many subjects, and its median."""
    return [
        (
            *map(str, key),
            f"{len(rows)} of {rows['subject'].nunique()}",
            f"{rows['value'].median():.3g}",
            f"{(rows['censored'] != 'none').sum()}",
        )
        for key, rows in readings.groupby(["quantity", "unit"], sort=True)
    ]


def _groups(readings: pd.DataFrame) -> list[tuple[int, str]]:
    """Colour and name of each group; one without a name is none."""
    names = sorted({str(name) for name in readings["group"]} - {""})
    return [(min(number, COLOURS), name) for number, name in enumerate(names)]


def _panels(readings: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A drawing of each quantity at each time: medians of the groups over frequency, on the same axes at all times.

    Of a quantity read at several levels the level read most often is drawn.
    """
    if not len(readings):
        return
    colours = {name: colour for colour, name in _groups(readings)}
    words = readings["flag"].astype(str).str.extract(r"timepoint: ([^;]*)")[0].fillna("")
    hours = readings["time"].map(lambda hour: f"{hour:g} h" if np.isfinite(hour) else "")
    known = readings.assign(when=hours.where(hours != "", words), order=readings["time"].fillna(-np.inf))
    for (quantity, unit), rows in known.dropna(subset=["frequency"]).groupby(["quantity", "unit"], sort=True):
        level = rows["level"].mode().max()
        shown = rows if np.isnan(level) else rows[rows["level"] == level]
        middle = shown.groupby(["order", "when", "group", "frequency"])["value"].median().reset_index()
        if middle["frequency"].nunique() > 1:
            counts = {key: len(part) for key, part in shown.groupby(["order", "when"])}
            drawn, ends = _placed(middle)
            for (order, when), now in drawn.groupby(["order", "when"], sort=True):
                yield {
                    "name": ", ".join(filter(None, (str(quantity).replace("_", " "), str(when)))),
                    "said": f"{unit}{'' if np.isnan(level) else f' at {level:g} dB'}; {counts[order, when]} readings",
                    "lines": [
                        (colours.get(str(group), INK), list(zip(part["x"], part["y"], strict=True)))
                        for group, part in now.groupby("group", sort=False)
                    ],
                    **ends,
                }


def _placed(middle: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Where each median is drawn, over the logarithm of frequency, and what stands at the ends of both axes."""
    frequency, value = (
        np.log(middle["frequency"].to_numpy(dtype=float)),
        middle["value"].to_numpy(dtype=float),
    )
    across = LEFT + 4 + (frequency - frequency.min()) / np.ptp(frequency) * (WIDE - 8)
    up = 94 - (value - value.min()) / (float(np.ptp(value)) or 1.0) * 84
    ends = {
        "ends": [f"{end:g} kHz" for end in (middle["frequency"].min(), middle["frequency"].max())],
        "reach": [f"{end:.3g}" for end in (value.max(), value.min())],
    }
    return middle.assign(x=across.round(1), y=up.round(1)), ends


def _refused(results: Intake) -> list[dict[str, str]]:
    """A line for each file and reason: the first place and how many more there are; refused.csv has them all."""
    places_by: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for line in results.refused:
        places_by.setdefault((line.file, line.reason), []).append((line.place, line.given))
    return [
        {
            "file": file,
            "place": places[0][0] + (f" and {len(places) - 1} more" if len(places) > 1 else ""),
            "given": places[0][1],
            "reason": reason,
        }
        for (file, reason), places in places_by.items()
    ]


def _key(row: pd.Series) -> tuple[object, ...]:
    frequency = float(row["frequency"])
    stimulus = "click" if np.isnan(frequency) else frequency
    return row["file"], row["subject"], row["ear"], str(row["recorded"])[:10], stimulus


def _series(name: str, series: pd.DataFrame, threshold: pd.Series | None) -> dict[str, Any]:
    """Waveforms one above the other, loudest on top, and where the threshold lies between them."""
    waves = [np.asarray(wave, dtype=float) for wave in series["samples"]]
    levels = series["level"].to_numpy(dtype=float)
    apart = HIGH / (len(waves) + 1)
    largest = max(float(np.ptp(wave)) for wave in waves) or 1.0
    base = TOP + HIGH - apart * (1 + np.arange(len(waves)))
    curves = [
        {
            "level": f"{level:g}",
            "y": round(float(y), 1),
            "points": _points(wave - wave.mean(), largest / (2 * apart), y),
        }
        for wave, level, y in zip(waves, levels, base, strict=True)
    ]
    tick, band, words = None, None, "no threshold"
    if threshold is not None:
        unit = threshold["unit"]
        low, tick, high = (float(np.interp(threshold[key], levels, base)) for key in ("low", "value", "high"))
        band = (round(high, 1), round(low - high, 1))
        words = f"{threshold['value']:.0f} {unit} ({_end(threshold['low'])} to {_end(threshold['high'])})"
        if threshold["censored"] != "none":
            words = f"{threshold['censored']} {threshold['value']:.0f} {unit}"
    return {
        "name": name,
        "file": series["file"].iloc[0],
        "curves": curves,
        "tick": tick,
        "band": band,
        "said": f"{words}; {waves[0].size / float(series['rate'].iloc[0]):.3g} ms across",
    }


def _end(value: float) -> str:
    return f"{round(value):d}" if np.isfinite(value) else "beyond the levels tested"


def _points(wave: Array, scale: float, base: float) -> str:
    """A polyline across the drawing, thinned to what a screen shows."""
    step = max(1, wave.size // SHOWN)
    thin = wave[::step]
    across = LEFT + np.linspace(0, WIDE, thin.size)
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, base - thin / scale, strict=True))


def _size(bins: pd.DataFrame) -> dict[str, Any]:
    diameter = bins["diameter"].to_numpy(dtype=float) * convert(1.0, "mm", "nm")
    number = bins["concentration"].to_numpy(dtype=float)
    shown = diameter <= LARGEST
    height = number[shown] / max(float(number.max()), 1e-300)
    step = max(1, height.size // SHOWN)
    points = [
        f"{LEFT + d / LARGEST * WIDE:.1f},{100 - 90 * h:.1f}"
        for d, h in zip(diameter[shown][::step], height[::step], strict=True)
    ]
    first = bins.iloc[0]
    name = f"{first['sample'] or first['file']}, {first['replicate']}"
    per_ml = float(number.sum()) * convert(1.0, "particles/uL", "particles/mL")
    return {"name": name, "points": " ".join(points), "total": f"{per_ml:.3g}", "flag": first["flag"]}


def _agreement(estimated: pd.DataFrame) -> dict[str, Any] | None:
    """Thresholds from waveforms against those set by hand (Bland and Altman): bias and limits of agreement.

    Differences are in dB whatever the levels refer to; the axis is of the reference that most pairs have, and pairs
    of another are left out and counted.
    """
    both = (
        estimated[estimated["manual"].notna() & (estimated["censored"] == "none")]
        if len(estimated)
        else estimated
    )
    unit = "" if both.empty else str(both["unit"].mode().iloc[0])
    others = int((both["unit"] != unit).sum())
    both = both[both["unit"] == unit]
    if len(both) < 2:
        return None
    middle = (both["value"] + both["manual"]).to_numpy(dtype=float) / 2
    apart = (both["value"] - both["manual"]).to_numpy(dtype=float)
    bias, spread = float(apart.mean()), float(apart.std(ddof=1))
    low, high = bias - 1.96 * spread, bias + 1.96 * spread
    reach = max(10.0, float(np.abs(apart).max()), -low, high)
    across = LEFT + (middle - middle.min()) / max(float(np.ptp(middle)), 1e-9) * WIDE
    near = [f"{(np.abs(apart) <= limit).mean():.0%} within {limit:g} dB" for limit in (5, 10)]
    return {
        "beside": f"SD {spread:.1f} dB, {near[0]}, {near[1]}; {BAR}",
        "points": [
            (round(float(x), 1), round(80 - 70 * float(d) / reach, 1))
            for x, d in zip(across, apart, strict=True)
        ],
        "lines": [(round(80 - 70 * line / reach, 1), f"{line:+.1f}") for line in (low, bias, high)],
        "ends": (f"{middle.min():.0f}", f"{middle.max():.0f}"),
        "said": f"{bias:+.1f} dB, limits {low:+.1f} to {high:+.1f} dB, {len(both)} pairs in {unit}"
        + (f"; {others} in another reference left out" if others else ""),
    }
