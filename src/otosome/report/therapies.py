"""Therapies side by side as one page: pictures first, then tables; no therapy without its probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import xarray as xr

from otosome.report import figures, window
from otosome.report.figures import Panel
from otosome.report.summary import (
    Axis,
    amount,
    attribute,
    axis,
    interval,
    measured,
    number,
    words,
)

Row = dict[str, Any]
# From a point of words on it is hearing better; a thousandth of the cells, and a change that prints as 0, is none.
_WORDS, _CELLS, _NOTHING = 1.0, 0.001, 0.05
_PER = 1000  # people whose harms are counted


def side_by_side(result: xr.Dataset, readings: pd.DataFrame) -> Row:
    """What the template prints of a result of ``otosome.answers.therapies``."""
    told = attribute(result, "therapies")
    colours = figures.arm_colours(result)
    scored = [name for name, row in _measures(told).items() if row["endpoint"] == "word_score"]
    audiogram = next((m for m, row in _measures(told).items() if row["unit"] == "dB HL"), None)
    return {
        "colours": colours,
        "reference": told["reference"],
        "ears": told["ears"],
        "worlds": told["worlds"],
        "likely": _likely(told, colours),
        "preference": _preference(told),
        "leanings": list(told["arms"][0]["best"]),
        "leaning_rows": [_leanings(arm) for arm in told["arms"]],
        "tale": [{"name": arm["name"], "says": _tale(arm)} for arm in told["arms"] if not _is(told, arm)],
        "dots": _dots(told, colours),
        "course": [panel for name in scored for panel in figures.over_time(result, name)],
        "audiograms": figures.by_frequency(result, readings, audiogram) if audiogram else [],
        "day": 0.0
        if audiogram is None
        else float(measured(result, audiogram)["time"][-1]) / window.HOURS_A_DAY,
        "cochleogram": figures.cochleogram(result),
        "harms": _harms(told, colours),
        "harm_notes": list({row["harm"]: row for arm in told["arms"] for row in arm["harms"]}.values()),
        "told": [_told(arm) for arm in told["arms"] if arm["told"]["blood"]["high"] > 0],
        "lives": _lives(told, colours),
        "grades": told["grades"],
    }


def _measures(told: Row) -> dict[str, Row]:
    measures: dict[str, Row] = told["arms"][0]["measures"]
    return measures


def _is(told: Row, arm: Row) -> bool:
    return bool(arm["name"] == told["reference"])


# ---------------------------------------------------------------- how likely


def _likely(told: Row, colours: Mapping[str, str]) -> Row:
    rows = []
    scale = Axis(-0.02, 1.04, (0.0, 0.25, 0.5, 0.75, 1.0))
    for arm in told["arms"]:
        found = arm["best"]["as stated"]
        average, one = found["average"], found["one"]
        rows.append(
            {
                "label": arm["name"], "swatch": True, "colour": colours[arm["name"]],
                "low": scale.at(average["low"]), "high": scale.at(average["high"]),
                "median": scale.at(average["value"]), "other": scale.at(one["value"]),
                "value": _percent(average["value"]), "range": f"one person: {_percent(one['value'])}",
            }
        )  # fmt: skip
    return {"axis": scale, "rows": rows, "says": likeliest(told)}


def likeliest(told: Row) -> str:
    """Which therapies may be best on average, each with its probability, in one or two sentences."""
    ranked = sorted(told["arms"], key=lambda arm: -arm["best"]["as stated"]["average"]["value"])
    first, *others = [arm for arm in ranked if arm["best"]["as stated"]["average"]["value"] > 0]
    found = first["best"]["as stated"]["average"]
    text = (
        f"Under the preference stated below, “{first['name']}” is best on average over people with a probability of "
        f"{_percent(found['value'])} ({_percent(found['low'])} to {_percent(found['high'])})"
    )
    rest = [f"“{arm['name']}” {_percent(arm['best']['as stated']['average']['value'])}" for arm in others[:3]]
    one = max(told["arms"], key=lambda arm: arm["best"]["as stated"]["one"]["value"])
    share = _percent(one["best"]["as stated"]["one"]["value"])
    lead = told["ahead"]
    by, low, high = (number(round(lead["by"][end], 2), 2) for end in ("median", "low", "high"))
    return (
        f"{text}{'; ' if rest else ''}{', '.join(rest)}. It is worth {by} ({low} to {high}) more than the next, "
        f"“{lead['over']}”. For one person drawn, “{one['name']}” is best with {share}: "
        "people differ, and so does what we do not know."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _leanings(arm: Row) -> Row:
    """What a therapy is worth, and the probability that it is best on average for each leaning."""
    low, median, high = (number(round(arm["score"][end], 2), 2) for end in ("low", "median", "high"))
    shares = [_percent(row["average"]["value"]) for row in arm["best"].values()]
    return {"name": arm["name"], "worth": f"{median} ({low} to {high})", "shares": shares}


def _preference(told: Row) -> str:
    stated = told["preference"]
    worth = "; ".join(
        f"{amount_} of “{words(name)}” is worth 1" for name, amount_ in stated["measures"].items()
    )
    costs = ", ".join(f"{words(name)} {number(weight)}" for name, weight in stated["harms"].items())
    whose = (
        "The study states what counts"
        if stated["stated"]
        else "The study states no preference, so by default"
    )
    return f"{whose}: {worth}. {f'One event costs: {costs}.' if costs else 'No harm is counted.'} Nothing else counts."


# ---------------------------------------------------------------- words and cells


def _tale(arm: Row) -> str:
    """What a therapy does to words and to cells, in one line."""
    scored = [row for row in arm["measures"].values() if row["endpoint"] == "word_score"]
    better = any(row["gain"]["median"] >= _WORDS for row in scored)
    return f"{'; '.join([*map(_words_gained, scored), _cells_saved(arm, better)])}."


def _cells_saved(arm: Row, better: bool) -> str:
    """What becomes of the cells that may change most: where most ears lose none, a few can lose much."""
    saved = {kind: cell["saved"] for kind, cell in arm["cells"].items()}
    most = max(saved, key=lambda kind: max(abs(end) for end in saved[kind].values()))
    if max(abs(end) for end in saved[most].values()) < _CELLS:
        return "hears better, no cell saved" if better else "no cell saved or lost"
    middle, ends = amount(saved[most]["median"], "", sign=True), interval(saved[most], "").removesuffix(" %")
    kind = figures.KINDS.get(most, most).lower()
    return f"{kind} {middle} ({ends})"


def _words_gained(row: Row) -> str:
    if max(abs(end) for end in row["gain"].values()) < _NOTHING:
        return f"no word gained {_where(row)}"
    gained = amount(row["gain"]["median"], "points", sign=True)
    return f"{gained} of words {_where(row)} ({interval(row['gain'], 'points').removesuffix(' points')})"


def _where(row: Row) -> str:
    return f"in noise of {row['noise']}" if row["noise"] else "in quiet"


def _dots(told: Row, colours: Mapping[str, str]) -> list[Panel]:
    """A panel for every word score and every kind of cell: a line for each therapy."""
    panels = [
        figures.dot_panel(
            f"{words(name).capitalize()}: words understood {_where(row)}, %",
            [
                (arm["name"], arm["measures"][name]["ears"], arm["measures"][name]["middle"][0])
                for arm in told["arms"]
            ],
            colours,
        )
        for name, row in _measures(told).items()
        if row["endpoint"] == "word_score"
    ]
    for kind in told["arms"][0]["cells"]:
        found = [(arm["name"], arm["cells"][kind]) for arm in told["arms"]]
        rows = [
            (name, {end: 100 * cell["ears"][end] for end in cell["ears"]}, 100 * cell["middle"])
            for name, cell in found
        ]
        panels.append(figures.dot_panel(f"{figures.KINDS.get(kind, kind)} left, %", rows, colours))
    return panels


# ---------------------------------------------------------------- harms and quality of life


def _told(arm: Row) -> Row:
    """What the ear and blood are told by an arm's vesicles, in words."""
    ear, blood = (
        f"{number(signal['median'], 2)} ({number(signal['low'], 2)} to {number(signal['high'], 2)})"
        for signal in (arm["told"]["organ of Corti"], arm["told"]["blood"])
    )
    return {"name": arm["name"], "ear": ear, "blood": blood}


def _harms(told: Row, colours: Mapping[str, str]) -> list[Row]:
    """For each therapy that brings any, its harms in events per so many people, all on one axis."""
    found = {arm["name"]: [(words(r["harm"]), r["events"]) for r in arm["harms"]] for arm in told["arms"]}
    return _bars({name: rows for name, rows in found.items() if rows}, colours, _PER, f"per {_PER:,}")


def _lives(told: Row, colours: Mapping[str, str]) -> list[Row]:
    """For each instrument what each therapy gains, all on one axis, and how the instrument's number was had."""
    found = {
        name: [(arm["name"], arm["utilities"][name]) for arm in told["arms"] if not _is(told, arm)]
        for name in told["instruments"]
    }
    groups = _bars(found, colours, 1.0, "utility")
    return [{**told["instruments"][group["name"]], **group} for group in groups]


def _bars(
    groups: Mapping[str, Sequence[tuple[str, Mapping[str, float]]]],
    colours: Mapping[str, str],
    factor: float,
    unit: str,
) -> list[Row]:
    """Groups of intervals on one axis; a row or its whole group has the colour of the therapy it is named after."""
    bands = [band for rows in groups.values() for _, band in rows]
    if not bands:
        return []
    scale = axis((factor * end for band in bands for end in band.values()), unit)
    return [
        {
            "name": name,
            "axis": scale,
            "rows": [
                {
                    "label": label, "swatch": label in colours, "colour": colours.get(label) or colours[name],
                    "low": scale.at(factor * band["low"]), "high": scale.at(factor * band["high"]),
                    "median": scale.at(factor * band["median"]), "other": None,
                    "value": number(factor * band["median"], 2),
                    "range": f"{number(factor * band['low'], 2)} to {number(factor * band['high'], 2)}",
                }
                for label, band in rows
            ],
        }
        for name, rows in groups.items()
    ]  # fmt: skip
