"""A contact sheet of what was imported: readings, level series with thresholds, size distributions, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome.laboratory.series import series_of
from otosome.report.imported import Agreement, Drawing, agreement, order_of, over_frequency, rows_of_pairs
from otosome.units import Array, convert

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Environment

    from otosome.laboratory.intake import Intake

MOST_PANELS, MOST_SERIES, MOST_SIZES, MOST_REFUSED = 40, 60, 40, 500
WIDE, HIGH = 220.0, 300.0  # drawing units of a level series
LEFT, TOP = 34.0, 10.0
LARGEST = 1e3  # nm drawn of a size distribution
SHOWN = 200  # points of a curve
_HERE = Path(__file__).parent


def contact_sheet(results: Intake) -> str:
    """The sheet as one HTML text that loads nothing; names from files are text and nothing else."""
    series = list(series_of(results.waveforms)) if len(results.waveforms) else []
    estimated = {_key(row): row for _, row in results.estimated.iterrows()} if len(results.estimated) else {}
    samples = (
        list(results.particles.dropna(subset=["diameter"]).groupby(["file", "replicate"]))
        if len(results.particles)
        else []
    )
    refused, panels = _refused(results), drawings(results)
    compared = agreement(results.estimated)
    return (
        _environment()
        .get_template("contact.html.jinja")
        .render(
            counts=[(name, count) for name, count in _counts(results) if count],
            kinds=_kinds(results.readings),
            panels=panels[:MOST_PANELS],
            more_panels=max(0, len(panels) - MOST_PANELS),
            notes=results.notes,
            files=sorted(results.files.items()),
            series=[
                _series(name, waves, estimated.get(_key(waves.iloc[0])))
                for name, waves in series[:MOST_SERIES]
            ],
            more_series=max(0, len(series) - MOST_SERIES),
            sizes=[_size(bins) for _, bins in samples[:MOST_SIZES]],
            more_sizes=max(0, len(samples) - MOST_SIZES),
            agreement=compared,
            agreement_svg=compared.drawing().svg if compared else "",
            refused=refused[:MOST_REFUSED],
            more_refused=max(0, len(refused) - MOST_REFUSED),
            wide=WIDE,
            high=HIGH,
            left=LEFT,
            top=TOP,
        )
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


def drawings(results: Intake) -> list[Drawing]:
    """The groups of an import over frequency, a drawing a quantity and time."""
    return list(over_frequency(results.readings, order_of(results.readings, results.groups)))


def comparison(shown: Agreement) -> str:
    """A page of thresholds from waveforms beside those set by hand, pair by pair."""
    template = _environment().get_template("comparison.html.jinja")
    return template.render(shown=shown, drawing=shown.drawing(), rows=rows_of_pairs(shown))


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined)


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
