"""Therapies side by side: what each does to words, to cells and to a life, what it may cost, and how sure that is.

Every ear goes through every arm, so arms differ by what is done in them and by nothing else. An ear's score in
an arm is what it gains there over the study's first arm, in the units a study's preference states, less what the
arm's harms cost. No arm is called best: each has a probability, for one ear drawn and for the mean of a world.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome.answers.accuracy import errors
from otosome.answers.contrast import benefit, interval
from otosome.answers.description import described
from otosome.answers.window import places
from otosome.ears import Ears, Rows
from otosome.errors import BadInput
from otosome.forward import (
    Tick,
    best,
    crossing,
    observe,
    simulate,
)
from otosome.study import Arm, Study
from otosome.units import LEVELS, Array, Quantity, convert, house

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

WORDS = "word_score"
# Without a stated preference so much of the words understood in quiet is worth one.
_TEN_POINTS = Quantity("10 %")
# Scores nearer than this tie: by default a tenth of a point of words, which prints as nothing.
_ALIKE = 0.01
# What the harms weigh beside what is stated: nothing, and ten times as much.
LEANINGS = {"as stated": 1.0, "harms weigh nothing": 0.0, "harms weigh ten times as much": 10.0}
Row = dict[str, Any]


def therapies(
    study: Study, table: Ears | pd.DataFrame, workers: int = 2, tick: Tick | None = None
) -> xr.Dataset:
    """Simulate a study whose arms are therapies and lay them side by side.

    ``table``  ears of ``draw``, or the same as a plain table (``Ears.of``)
    returns  the dataset of ``simulate`` with everything a report says in its attributes, ``therapies`` among them
             (``side_by_side``, as JSON)
    raises   BadInput for a study with one arm, or one that weighs nothing
    """
    _check(study)
    ears = Ears.of(table)
    ears.alike("a comparison")
    result = simulate(study, ears, workers, tick).merge(places(study), join="exact", combine_attrs="override")
    middle = simulate(study, best(study), 1)
    told = {
        **described(study),
        "errors": errors(study, result, ears),
        "crossing": crossing(study, ears),
        "sensitivity": [],
        "headline": {},
        "therapies": side_by_side(study, result, middle, ears),
    }
    result.attrs |= {name: json.dumps(value) for name, value in told.items()}
    return result


def _check(study: Study) -> None:
    if len(study.tables.arm) < 2:
        raise BadInput("has one arm, so there is nothing to compare", file=study.name, key="arm")
    if not worths(study):
        raise BadInput(
            "measures no words understood in quiet, and states nothing else that is worth something",
            file=study.name, key="preference.measures",
            cure=f"add a measure of {WORDS}, or say how much of another measure is worth one",
        )  # fmt: skip


def worths(study: Study) -> dict[str, Quantity]:
    """How much of each measure is worth one: as the study states it, or ten points of words in quiet."""
    stated = study.tables.preference
    if stated is not None and stated.measures:
        return dict(stated.measures)
    return dict.fromkeys(heard(study), _TEN_POINTS)


def heard(study: Study) -> list[str]:
    """The measures of words understood in quiet."""
    return [n for n, m in study.tables.measure.items() if m.endpoint == WORDS and m.noise is None]


def reference(study: Study) -> str:
    """The arm that all others are held against: the first."""
    return study.tables.arm[0].name


def side_by_side(study: Study, result: xr.Dataset, middle: xr.Dataset, ears: Ears) -> Row:
    """Every arm with its measures, cells, harms, quality of life and the probability that it is best.

    ``result``  of ``simulate``;  ``middle``  the same of the one ear in which every number has its best value
    returns     what JSON can hold; intervals are 5 to 95 % of ears, shares are of one
    """
    world = result["world"].to_numpy()
    columns = ears.pick(result["subject"].to_numpy())
    arms = study.tables.arm
    risks = {arm.name: expected(study, arm, columns) for arm in arms}
    scored = {name: scores(study, result, risks, factor) for name, factor in LEANINGS.items()}
    likely = {name: chances(values, world) for name, values in scored.items()}
    rows = [
        {
            "name": arm.name,
            "score": interval(scored["as stated"][number]),
            "best": {name: found[number] for name, found in likely.items()},
            "measures": {m: _measured(study, result, middle, m, arm.name) for m in study.tables.measure},
            "cells": _cells(study, result, middle, arm.name),
            "utilities": _utilities(study, result, columns, arm.name),
            "harms": [_harm(study, name, risk) for name, risk in risks[arm.name].items()],
            "told": _told(result, arm.name),
        }
        for number, arm in enumerate(arms)
    ]
    return {
        "reference": reference(study),
        "ears": result.sizes["subject"],
        "worlds": int(np.unique(world).size),
        "preference": _preference(study),
        "instruments": _instruments(study),
        "arms": rows,
        "ahead": ahead(study, scored["as stated"], likely["as stated"], world),
        "grades": _grades(study, result, ears),
    }


# ---------------------------------------------------------------- what is best


def scores(
    study: Study, result: xr.Dataset, risks: Mapping[str, Mapping[str, Array]], leaning: float = 1.0
) -> Array:
    """What each ear gains in each arm over the reference, less what harms cost, shape (arm, subject).

    ``risks``    by arm and harm, events expected of one person, shape (subject,)
    ``leaning``  a factor on the weight of every harm
    """
    arms = [str(arm) for arm in result.arm.to_numpy()]
    return np.stack([_score(study, result, arm, risks[arm], leaning) for arm in arms])


def _score(study: Study, result: xr.Dataset, arm: str, risks: Mapping[str, Array], leaning: float) -> Array:
    gained = sum(_gain(study, result, name, arm) / _worth(study, result, name) for name in worths(study))
    weights = weighed(study)
    # Fewer events than without, as trials of the gravely ill found, is no gain of a therapy of the ear.
    costs = sum(
        (leaning * weights[harm] * np.maximum(risk, 0.0) for harm, risk in risks.items()),
        np.zeros(result.sizes["subject"]),
    )
    return np.asarray(gained - costs)


def _worth(study: Study, result: xr.Dataset, name: str) -> float:
    unit = str(result[name].attrs["unit"])
    return worths(study)[name].to("dB" if unit in LEVELS else unit)


def _gain(study: Study, result: xr.Dataset, name: str, arm: str) -> Array:
    """What an arm gains over the reference in a measure, in the measure's unit, above zero where better: (subject,)."""
    of, against = (result[name].sel(arm=one).to_numpy() for one in (arm, reference(study)))
    return benefit(study, result, name, of, against)


def chances(scores: Array, world: Rows) -> list[Row]:
    """Probability that each arm has the highest score; arms that tie share it.

    ``scores``    (arm, subject), higher is better
    ``world``   which world each subject lives in, shape (subject,)
    returns     for each arm ``one`` (an ear drawn) and ``average`` (the mean of a world), each with the value and
                95 % that as many worlds leave open
    """
    means = _means(scores, world)
    one, average = _highest(scores), _highest(means)
    return [
        {"one": _open(float(p), means.shape[1]), "average": _open(float(q), means.shape[1])}
        for p, q in zip(one, average, strict=True)
    ]


def ahead(study: Study, scores: Array, likely: Sequence[Row], world: Rows) -> Row:
    """By how much the arm likeliest best on average is ahead of the next: a sure gain can be next to none.

    ``scores``  (arm, subject);  ``likely``  of ``chances``
    returns     the names of both (``of``, ``over``), and the difference of their means in a world (``by``)
    """
    means = _means(scores, world)
    order = sorted(range(len(means)), key=lambda arm: (-likely[arm]["average"]["value"], -means[arm].mean()))
    first = order[0]
    second = max(order[1:], key=lambda arm: means[arm].mean())
    arms = study.tables.arm
    return {"of": arms[first].name, "over": arms[second].name, "by": interval(means[first] - means[second])}


def _means(scores: Array, world: Rows) -> Array:
    """Mean of each world, shape (arm, world)."""
    _, place = np.unique(world, return_inverse=True)
    return np.stack([np.bincount(place, row) / np.bincount(place) for row in scores])


def _highest(scores: Array) -> Array:
    """Share of columns in which each row is the highest, ties shared: (row,)."""
    top = scores >= scores.max(axis=0) - _ALIKE
    return np.asarray((top / top.sum(axis=0)).mean(axis=1))


def _open(share: float, worlds: int) -> Row:
    """A share, and 95 % of what it may be after so many worlds (Jeffreys' interval)."""
    from scipy.special import betaincinv

    low, high = (betaincinv(worlds * share + 0.5, worlds * (1 - share) + 0.5, end) for end in (0.025, 0.975))
    # The interval of none and of all is taken to the end, as Brown, Cai and DasGupta do.
    return {
        "value": share,
        "low": float(low) if share > 0 else 0.0,
        "high": float(high) if share < 1 else 1.0,
    }


# ---------------------------------------------------------------- harms


def expected(study: Study, arm: Arm, columns: Mapping[str, Array]) -> dict[str, Array]:
    """Events of each harm that an arm brings, expected of one person beyond none at all, shape (subject,)."""
    return {
        name: study.adverse_event(name, columns).excess(times)
        for name, times in study.adverse_events(arm).items()
    }


def weighed(study: Study) -> dict[str, float]:
    """What one event of each harm costs: as the study's preference has it, or the harm's own weight."""
    stated = {} if study.tables.preference is None else study.tables.preference.harms
    names = {name for arm in study.tables.arm for name in study.adverse_events(arm)}
    own = {name: study.parameters[f"harms.{name}.weight"].value for name in sorted(names)}
    return own | {name: weight for name, weight in stated.items() if name in own}


def _harm(study: Study, name: str, risk: Array) -> Row:
    entry = study.catalog.get("harms", name)
    return {
        "harm": name,
        "about": entry.card.about,
        "counted": entry.options.counted,
        "note": entry.options.note,
        "events": interval(risk),
        "weight": weighed(study)[name],
    }


def _told(result: xr.Dataset, arm: str) -> Row:
    """Strongest signal that vesicles give in the ear and in blood, 0 to 1: what shields one may shield a tumour."""
    told = result["told"].sel(arm=arm)
    return {str(w): interval(told.sel(where=w).to_numpy()) for w in told["where"].to_numpy()}


def _preference(study: Study) -> Row:
    return {
        "stated": study.tables.preference is not None,
        "measures": {name: worth.text for name, worth in worths(study).items()},
        "harms": weighed(study),
    }


# ---------------------------------------------------------------- words, cells, quality of life


def _measured(study: Study, result: xr.Dataset, middle: xr.Dataset, name: str, arm: str) -> Row:
    """A measure in an arm at its last time: the ear of best values by frequency, all ears, and the gain."""
    asked = study.tables.measure[name]
    chosen = np.isin(result.frequency.to_numpy(), asked.tones)
    time = int(np.searchsorted(result.time.to_numpy(), max(asked.at)))
    ends = [one[name].sel(arm=arm).to_numpy()[:, time, chosen] for one in (result, middle)]
    return {
        "unit": result[name].attrs["unit"],
        "endpoint": asked.endpoint,
        "cell": asked.cell,
        "noise": None if asked.noise is None else asked.noise.text,
        "frequency": None if asked.frequency is None else result.frequency.to_numpy()[chosen].tolist(),
        "middle": ends[1][0].tolist(),
        "ears": interval(ends[0].mean(axis=1)),
        "gain": interval(_gain(study, result, name, arm)),
    }


def _cells(study: Study, result: xr.Dataset, middle: xr.Dataset, arm: str) -> Row:
    """Cells counted at the end, mean along the duct, and how many more there are than in the reference."""
    found = {}
    for kind in map(str, result["cell"].to_numpy()):
        left, against = (
            result["cells"].sel(cell=kind, arm=one).to_numpy().mean(axis=-1, dtype=float)
            for one in (arm, reference(study))
        )
        one = float(middle["cells"].sel(cell=kind, arm=arm).to_numpy().mean(dtype=float))
        found[kind] = {"middle": one, "ears": interval(left), "saved": interval(left - against + 0.0)}
    return found


def _utilities(study: Study, result: xr.Dataset, columns: Mapping[str, Array], arm: str) -> Row:
    """Quality of life gained, by instrument: the utility of a share of words, times the words gained in quiet."""
    names = valued(study)
    if not names:
        return {}
    words = heard(study)[0]
    unit = str(result[words].attrs["unit"])
    gained = convert(1.0, unit, house(unit)) * _gain(study, result, words, arm)
    return {name: interval(gained * per_word(study, name, columns)) for name in names}


def valued(study: Study) -> list[str]:
    """The instruments that can value a study: all there are, where it measures words understood in quiet."""
    return study.catalog.names("utilities") if heard(study) else []


def _instruments(study: Study) -> dict[str, Row]:
    """The instruments that value what is heard, with what each is and why its number is what it is."""
    entries = {name: study.catalog.get("utilities", name) for name in valued(study)}
    return {
        name: {
            "label": entry.options.label,
            "about": entry.card.about,
            "because": entry.card.parameter("gain", "").because,
            "gain": entry.card.parameter("gain", "").value,
        }
        for name, entry in entries.items()
    }


def per_word(study: Study, name: str, columns: Mapping[str, Array]) -> Array:
    """Utility that an instrument gives to understanding all words rather than none, shape (subject,)."""
    numbers = study.catalog.get("utilities", name).columns(columns, study.tables.species)
    return numbers["gain"] / numbers["words"]


def _grades(study: Study, result: xr.Dataset, ears: Ears) -> list[Row]:
    """The share of people in each grade of each scale by their last readings, by arm."""
    scales = described(study)["scales"]
    if not scales:
        return []
    readings = observe(study, result, ears)
    return [
        {"scale": name, **scale, "shares": _shares(readings, name, scale["labels"])}
        for name, scale in scales.items()
    ]


def _shares(readings: pd.DataFrame, scale: str, labels: list[str]) -> dict[str, list[float]]:
    seen = readings[readings["quantity"] == scale]
    last = seen[seen["time"] == seen["time"].max()]
    return {
        str(arm): [float((rows["value"] == step).mean()) for step in range(len(labels))]
        for arm, rows in last.groupby("group", sort=False)
    }
