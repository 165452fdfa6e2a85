"""What a result says, as words, rows and positions the page can print."""

import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from otosome.evidence import READ
from otosome.study import Measure

# How far a number can be trusted, best first: the order of every bar, legend and table.
BASES = ("measured", "secondary", "computed", "unverified", "direction", "assumed")
MEANINGS = {
    "measured": "read in the paper or data file",
    "secondary": "read in another paper that cites it",
    "computed": "calculated here from measured numbers",
    "unverified": "reported, but we could not check it",
    "direction": "only the sign is published; the size is a wide guess",
    "assumed": "no source; a reasoned guess with a wide spread",
}
PARAMETERS_SHOWN = 5

_ATTRIBUTES = (
    "study name version seed species headline sensitivity errors sources marks notes arms sizes scales"
).split()
_VARIABLES = "cells vesicles".split()
_COORDINATES = "arm subject time frequency place cell".split()
# What a study that compares two arms at frequencies brings besides.
_COMPARED = (
    "window_cells window_vesicles window_shift window_vehicle_shift place_distance place_frequency".split()
)
_WINDOW = "window_dose window_time window_frequency".split()
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def check(result: xr.Dataset) -> None:
    """Refuse a result that lacks something the report shows.

    raises  ValueError naming everything that is missing
    """
    pictured = has_window(result) if "headline" in result.attrs else False
    variables = [*_VARIABLES, *(_COMPARED if pictured else [])]
    coordinates = [*_COORDINATES, *(_WINDOW if pictured else [])]
    missing = [f"variable {name!r}" for name in variables if name not in result.variables]
    missing += [f"coordinate {name!r}" for name in coordinates if name not in result.coords]
    missing += [f"attribute {name!r}" for name in _ATTRIBUTES if name not in result.attrs]
    if not missing and not measures(result):
        missing = ["a measure: a variable (arm, subject, time, frequency) with attribute 'endpoint'"]
    if missing:
        raise ValueError(f"this result cannot be reported: it lacks {', '.join(missing)}")


def attribute(result: xr.Dataset, name: str) -> Any:
    """One of the result's JSON attributes, decoded."""
    return json.loads(result.attrs[name])


def study(result: xr.Dataset) -> dict[str, Any]:
    """The study that was simulated, as its file says it."""
    return tomllib.loads(result.attrs["study"])


def headline(result: xr.Dataset) -> dict[str, Any]:
    """The comparison of two arms; empty where the study compares none."""
    return dict(attribute(result, "headline"))


def has_window(result: xr.Dataset) -> bool:
    """Whether what is compared has frequencies, so that the window shows it."""
    return bool(headline(result).get("frequency"))


def measures(result: xr.Dataset) -> list[str]:
    """Names of the variables that hold an endpoint, the compared measure first."""
    named = [str(name) for name, variable in result.data_vars.items() if "endpoint" in variable.attrs]
    first = headline(result).get("measure")
    return sorted(named, key=lambda name: name != first)


def measured(result: xr.Dataset, name: str) -> xr.DataArray:
    """A measure at the times and frequencies it was asked for: (arm, subject, time, frequency)."""
    asked = Measure.model_validate(study(result)["measure"][name])
    return result[name].sel(time=np.unique(asked.at), frequency=np.unique(asked.tones), method="nearest")


def tonal(result: xr.Dataset, name: str) -> bool:
    """Whether a measure is asked for at frequencies, as a threshold is and a score of words is not."""
    return "frequency" in study(result)["measure"][name]


def worlds(result: xr.Dataset) -> NDArray[np.intp]:
    """The world each subject lives in, counted from 0: (subject,)."""
    return np.asarray(result["world"].values)


def percent(unit: str) -> bool:
    """Whether values in this unit are fractions, which a reader wants in per cent."""
    return unit in ("", "1", "fraction")


@dataclass(frozen=True)
class Spread:
    """Middle and two bands, each (column,): knowledge across worlds, subjects within a world."""

    middle: NDArray[np.float64]
    knowledge: tuple[NDArray[np.float64], NDArray[np.float64]]
    subjects: tuple[NDArray[np.float64], NDArray[np.float64]]


def spread(values: NDArray[np.float64], world: NDArray[np.intp]) -> Spread:
    """Median over subjects, 5-95 % of the world means, and around it the 5-95 % within a typical world.

    ``values``  (subject, column), finite
    ``world``   (subject,), any numbers
    returns     Spread of (column,) arrays in the unit of the values
    """
    means = np.stack([values[world == label].mean(axis=0) for label in np.unique(world)])
    middle = np.median(values, axis=0)
    low, high = np.quantile(means, [0.05, 0.95], axis=0)
    ends = [
        np.quantile(values[world == label] - means[label], [0.05, 0.95], axis=0) for label in np.unique(world)
    ]
    below, above = np.median(ends, axis=0)
    return Spread(middle, (low, high), (middle + below, middle + above))


# ---------------------------------------------------------------- words


def number(value: float | str | None, digits: int = 3) -> str:
    """A number as a reader writes it: three digits, a true minus, powers of ten in the air."""
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
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def power(exponent: int) -> str:
    """An exponent in superscript digits."""
    return str(exponent).translate(_SUPERSCRIPTS)


def unit_text(unit: str | None) -> str:
    """A unit as print shows it: u for micro becomes µ."""
    return re.sub(r"\bu(?=[LMgm]\b)", "µ", unit or "")


def amount(value: float | None, unit: str, sign: bool = False) -> str:
    """A value of an endpoint with its unit; fractions are shown in percentage points."""
    if value is None or not math.isfinite(value):
        return "–"
    shown, label = (100 * value, "%") if percent(unit) else (value, unit)
    text = f"{shown:+.0f}" if abs(shown) >= 10 else f"{shown:+.1f}"
    text = text if sign else text.lstrip("+")
    text = "0" if float(text) == 0 else text.replace("-", "−")
    return f"{text} {label}"


def _visible(unit: str) -> float:
    """From here on a printed amount is more than nothing."""
    return 0.0005 if percent(unit) else 0.05


def interval(band: Mapping[str, float], unit: str) -> str:
    """The two ends of a band, the unit said once."""
    low, high = amount(band["low"], unit), amount(band["high"], unit)
    return f"{low.rsplit(' ', 1)[0]} to {high}"


def when(hours: float) -> str:
    """A time against the first insult, in words."""
    if hours == 0:
        return "together with the first insult"
    side = "before" if hours < 0 else "after"
    long = abs(hours) >= 72
    size = abs(hours) / 24 if long else abs(hours)
    unit = "day" if long else "hour"
    return f"{number(size)} {unit}{'' if size == 1 else 's'} {side} the first insult"


def words(name: str) -> str:
    """A file's or species' name as words: underscores and what cannot be printed become spaces."""
    shown = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(shown.replace("_", " ").split())


def difference_unit(unit: str) -> str:
    """The unit of a benefit: the difference of two levels in dB SPL is in dB."""
    return "dB" if unit.startswith("dB") else unit


def title(result: xr.Dataset) -> str:
    """The study's title, or its name as one."""
    return capital(words(study(result).get("title") or result.attrs["name"]))


def capital(text: str) -> str:
    """A text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def question(result: xr.Dataset) -> str:
    """The study's question in one sentence: its own, or one made from what it compares."""
    own, asked = study(result).get("question"), headline(result)
    if own:
        return words(own)
    species = words(result.attrs["species"])
    if not asked:
        return f"What do {len(result['arm'])} arms do to the ear of a simulated {species}?"
    return (
        f"How much does “{asked['of']}” keep, compared with “{asked['against']}”, "
        f"in a simulated {species} {number(asked['time'] / 24)} days after the first insult?"
    )


def benefit_of(result: xr.Dataset) -> str:
    """What exactly the headline compares, in one sentence."""
    asked = headline(result)
    name = result[asked["measure"]].attrs.get("long_name", words(asked["endpoint"]))
    tones = ", ".join(number(tone) for tone in asked["frequency"])
    over = f", mean over {tones} kHz" if tones else ""
    return (
        f"Benefit of “{asked['of']}” over “{asked['against']}”: {name}{over}, "
        f"day {number(asked['time'] / 24)}, each subject against itself."
    )


def verdict(asked: Mapping[str, Any]) -> str:
    """What the interval of the benefit allows a reader to say, by the digits that are shown."""
    unit = difference_unit(asked["unit"])
    step = _visible(unit)
    low, median, high = (asked["benefit"][end] for end in ("low", "median", "high"))
    if low >= step:
        return f"Better than “{asked['against']}” over the whole interval, under the assumptions shown beside it."
    if high < -step:
        return f"Worse than “{asked['against']}” over the whole interval."
    if abs(median) < step <= high:
        most = amount(high, unit)
        return f"Half of the simulated subjects keep next to nothing; one in twenty keeps more than {most}."
    if high < step:
        return "No benefit to speak of over the whole interval."
    return "The interval includes zero."


def exactness(errors: Mapping[str, Any], subjects: int) -> str:
    """The numerical errors in one plain sentence."""
    flagged = errors["flagged"]
    verb = "was" if flagged == 1 else "were"
    ears = (
        "no ear was flagged"
        if flagged == 0
        else f"{flagged} of {subjects} ears {verb} flagged for time steps that may be too coarse"
    )
    ledger = f"what was given is accounted for to {number(errors['ledger'], 2)} of the dose, and {ears}."
    if errors.get("measure"):
        off = number(errors["measure"]["time"], 2)
        ledger = f"steps three times as fine move the compared measure by {off} {errors['measure']['unit']}; {ledger}"
    if not errors["total"]:
        return capital(ledger)
    first = "Twice the places, and steps half as long, move the vesicles of the best-value ear in sum by"
    return f"{first} {_cost(errors['total'])}{_drawn_cost(errors['drawn'])}. {capital(ledger)}"


def _cost(error: Mapping[str, float | None]) -> str:
    moved, apex = error["peak"], error["apex_log10"]
    peak = "no number" if moved is None else f"{number(100 * moved, 2)} % of the peak"
    return peak if apex is None else f"{peak} and {number(apex, 2)} powers of ten at the apex"


def _drawn_cost(drawn: Mapping[str, Any]) -> str:
    if drawn["ears"] == 0:
        return ""
    median, worst = (
        _cost({n: both[end] for n, both in drawn["total"].items()}) for end in ("median", "worst")
    )
    return f"; those of {_ears(drawn)} by {median}{'' if drawn['ears'] == 1 else f' (median), by {worst} (worst)'}"


def _ears(drawn: Mapping[str, Any]) -> str:
    return f"{drawn['ears']} drawn ear{'' if drawn['ears'] == 1 else 's'}"


def limits(errors: Mapping[str, Any]) -> str:
    """Whether the errors stay within their limits, and what it means where they do not; empty without vesicles."""
    beyond, drawn = errors["beyond"], errors["drawn"]
    if beyond is None:
        return ""
    allowed = _cost(errors["limits"])
    ears = ["the best-value ear"] if beyond["best"] else []
    ears += [f"{beyond['drawn']} of {_ears(drawn)}"] if beyond["drawn"] else []
    if not ears:
        return f"The errors of vesicles are within their limits, {allowed}."
    peak, apex = (
        max(errors["total"][name] or 0.0, drawn["total"][name]["worst"] or 0.0)
        for name in ("peak", "apex_log10")
    )
    closest = [f"no closer than {number(100 * peak, 2)} % of their peak"] * (peak > errors["limits"]["peak"])
    if apex > errors["limits"]["apex_log10"]:
        closest.append(f"at the apex no closer than by a factor of {number(10**apex)}")
    finer = 2 * errors["fineness"]
    cure = f"; fineness = {finer} in the study, in four times the time, comes closer" if finer <= 8 else ""
    return (
        f"Beyond the limits, {allowed}: {' and '.join(ears)}. Read concentrations of vesicles in such an ear "
        f"{', and '.join(closest)}{cure}."
    )


def error_rows(errors: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The errors of space, of time and of both, as rows of a table; none without vesicles."""
    if not errors["total"]:
        return []
    parts = {"space": "Twice the places", "time": "Steps half as long", "total": "Sum of both"}
    measured = {"peak": (100.0, " %", "of the peak"), "apex_log10": (1.0, "", "powers of ten at the apex")}
    return [
        {
            "moved": f"{heading}, {what}",
            "shown": [
                "–" if value is None else f"{number(factor * value, 2)}{unit}"
                for value in (errors[part][name], *errors["drawn"][part][name].values())
            ],
        }
        for part, heading in parts.items()
        for name, (factor, unit, what) in measured.items()
    ]


# ---------------------------------------------------------------- rows with positions


@dataclass(frozen=True)
class Axis:
    """A horizontal axis whose positions are percentages of the width."""

    low: float
    high: float
    ticks: tuple[float, ...]
    unit: str = ""

    def at(self, value: float) -> float:
        """The position of a value, 0 to 100 %, held at the ends."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 3)

    def label(self, tick: float) -> str:
        """A tick's number; the last one names the unit."""
        factor, unit = (100, "%") if percent(self.unit) else (1, self.unit)
        text = number(factor * tick)
        return f"{text} {unit}" if tick == self.ticks[-1] else text


def axis(values: Iterable[float | None], unit: str = "", least: float = 0.0) -> Axis:
    """An axis that holds all finite values and zero and is ``least`` wide or wider, with ticks at round numbers."""
    from matplotlib.ticker import MaxNLocator

    finite = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    short = max(least - (high - low), 0.0) / 2
    low, high = low - short, high + short
    room = 0.06 * (high - low) or 1.0
    low, high = low - room, high + room
    ticks = [float(tick) for tick in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)]
    return Axis(low, high, tuple(tick for tick in ticks if low <= tick <= high), unit)


def comparison(result: xr.Dataset) -> tuple[Axis, list[dict[str, Any]]]:
    """The benefit, its two spreads, the efficacy prior halved and doubled, the null twin and the other
    treated arms, on one axis.
    """
    asked = headline(result)
    unit = difference_unit(asked["unit"])
    rows: list[dict[str, Any]] = [
        {"kind": "main", "label": f"{asked['of']} against {asked['against']}", "band": asked["benefit"]},
        {"kind": "thin", "label": "spread between subjects", "band": asked["between_subjects"]},
        {"kind": "thin", "label": "spread between lots", "band": asked["between_lots"]},
        {"kind": "thin", "label": "what we do not know", "band": asked["knowledge"]},
        {"kind": "other", "label": "Efficacy prior halved", "band": asked["halved"]},
        {"kind": "other", "label": "Efficacy prior doubled", "band": asked["doubled"]},
        {
            "kind": "null",
            "label": "Null vesicles: same particles, no effect by construction",
            "band": asked["null_benefit"],
        },
    ]
    rows += [{"kind": "arm", "label": arm, "band": gain(result, arm)} for arm in _also_treated(result)]
    # One world is one guess at everything: what is not known has no spread in it.
    alone = asked["knowledge"]["worlds"] < 2
    rows = [row for row in rows if row["band"] and not (alone and row["band"] is asked["knowledge"])]
    ends = (row["band"].get(end) for row in rows for end in ("low", "median", "high"))
    # What is printed as nothing must not look like something.
    scale = axis(ends, unit, least=20 * _visible(unit))
    for row in rows:
        row.update(_positions(row["band"], scale, unit))
    return scale, rows


def gain(result: xr.Dataset, arm: str) -> dict[str, float]:
    """Benefit of any arm against the compared one, over all subjects: median, 5 and 95 %."""
    asked = headline(result)
    # A score without frequencies stands at each of them.
    tones = asked["frequency"] or result["frequency"].values[:1]
    last = result[asked["measure"]].sel(time=asked["time"], frequency=tones, method="nearest")
    difference = (last.sel(arm=arm) - last.sel(arm=asked["against"])).mean("frequency").values
    sign = 1 if last.attrs.get("better", "lower") == "higher" else -1
    low, median, high = (float(end) for end in np.quantile(sign * difference, [0.05, 0.5, 0.95]))
    return {"low": low, "median": median, "high": high}


def _also_treated(result: xr.Dataset) -> list[str]:
    """Arms that get a treatment and are not already in the headline."""
    asked = headline(result)
    shown = {asked["of"], asked["against"], asked["null"]}
    return [
        arm["name"] for arm in attribute(result, "arms") if arm["treatments"] and arm["name"] not in shown
    ]


def _positions(band: Mapping[str, float], scale: Axis, unit: str) -> dict[str, Any]:
    median = band.get("median")
    return {
        "low": scale.at(band["low"]),
        "high": scale.at(band["high"]),
        "median": None if median is None else scale.at(median),
        "value": "" if median is None else amount(median, unit, sign=True),
        "interval": interval(band, unit),
    }


def grades(result: xr.Dataset, readings: pd.DataFrame) -> list[dict[str, Any]]:
    """The share of subjects in each grade of each scale, a row per arm, by their last readings.

    returns  name, about, labels, and rows of arm and shares in % (one for each label)
    """
    found = []
    for name, scale in attribute(result, "scales").items():
        seen = readings[readings["quantity"] == name]
        last = seen[seen["time"] == seen["time"].max()]
        steps = range(len(scale["labels"]))
        rows = [
            {
                "arm": arm,
                "shares": [
                    100 * float((last.loc[last["group"] == arm, "value"] == step).mean()) for step in steps
                ],
            }
            for arm in map(str, result["arm"].values)
        ]
        found.append({"name": name, **scale, "rows": rows})
    return found


def movers(result: xr.Dataset) -> tuple[Axis, list[dict[str, Any]]]:
    """The numbers that move the answer most, as bars on one axis."""
    unit = difference_unit(headline(result)["unit"])
    rows = attribute(result, "sensitivity")[:PARAMETERS_SHOWN]
    scale = axis((row[end] for row in rows for end in ("at_low", "at_high")), unit)
    return scale, [_mover(row, scale, unit) for row in rows]


def _mover(row: Mapping[str, Any], scale: Axis, unit: str) -> dict[str, Any]:
    ends = sorted([scale.at(row["at_low"]), scale.at(row["at_high"])])
    return {
        **row,
        "left": ends[0],
        "width": round(ends[1] - ends[0], 3),
        "low_position": scale.at(row["at_low"]),
        "high_position": scale.at(row["at_high"]),
        "low_value": f"{number(row['low'])} {unit_text(row['unit'])}".strip(),
        "high_value": f"{number(row['high'])} {unit_text(row['unit'])}".strip(),
        "at_low_value": amount(row["at_low"], unit),
        "at_high_value": amount(row["at_high"], unit),
    }


def shares(parts: Mapping[str, float]) -> list[dict[str, Any]]:
    """A stacked bar: each basis present with its share of the whole, start and width in %."""
    total = sum(parts.values()) or 1.0
    rows, start = [], 0.0
    for basis in (name for name in BASES if parts.get(name)):
        width = 100 * parts[basis] / total
        rows.append(
            {
                "basis": basis,
                "start": round(start, 3),
                "width": round(width, 3),
                "amount": parts[basis],
                "meaning": MEANINGS[basis],
            }
        )
        start += width
    return rows


def source_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every number with value, range, basis and a link where there is one, by name."""
    return [_source_row(row) for row in sorted(rows, key=lambda row: str(row["parameter"]))]


def _source_row(row: Mapping[str, Any]) -> dict[str, Any]:
    known = row["low"] is not None and row["high"] is not None
    value = row["given"] if row["value"] is None else f"{number(row['value'])} {unit_text(row['unit'])}"
    return {
        **row,
        "shown": value.strip(),
        "range": f"{number(row['low'])} to {number(row['high'])}" if known else "",
        "href": address(row["link"]),
    }


def standing(row: Mapping[str, Any]) -> str:
    """How a row's source stands where it is not simply current: since when, why, and what takes its place."""
    changed = row["standing"] not in (None, "", "current")
    since = f"{row['standing']} since {row['date']}: {row['reason']}" if changed else ""
    later = f"superseded by {row['superseded_by']}" if row["superseded_by"] else ""
    return "; ".join(filter(None, (since, later)))


def read_once(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many of the numbers that name a source are provisional, and what that means, in one sentence or two."""
    sourced = [row for row in rows if row["basis"] in READ]
    once = sum(row["provisional"] for row in sourced)
    return (
        f"{once} of {len(sourced)} numbers and curves that name a source are provisional: read in it once, and not yet "
        "compared with a second, independent transcription. What is assumed has nothing to compare."
    )


def address(link: str | None) -> str | None:
    """The web address of a source, or nothing where the link is not one."""
    text = (link or "").strip()
    doi = re.fullmatch(r"(?:doi:\s*|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S+)", text, re.IGNORECASE)
    if doi:
        return f"https://doi.org/{doi[1]}"
    return text if re.match(r"https?://[^\s]+$", text, re.IGNORECASE) else None
