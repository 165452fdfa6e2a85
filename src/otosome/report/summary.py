"""What a result holds for its report: its answers, its measures, its title and question."""

from __future__ import annotations

import json
import tomllib
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from otosome.answers import stored
from otosome.answers.accuracy import Accuracy
from otosome.answers.band import Groups
from otosome.answers.description import ArmContent, Mark, Scale, Sizes
from otosome.answers.exposure import Drugs
from otosome.answers.headline import Headline
from otosome.answers.numbers import amount, is_fraction, number
from otosome.answers.sensitivity import Mover
from otosome.answers.sources import SourceRow
from otosome.answers.therapies import SideBySide
from otosome.study import Measure
from otosome.units import Json

_ATTRIBUTES = (
    "study name version seed species headline sensitivity errors sources marks notes arms sizes scales"
).split()
_VARIABLES = "cells vesicles".split()
_COORDINATES = "arm subject time frequency place cell world lot".split()
# What a study that compares two arms at frequencies brings besides.
_COMPARED = (
    "window_cells window_vesicles window_shift window_vehicle_shift place_distance place_frequency".split()
)
_WINDOW = "window_dose window_time window_frequency".split()


def check(result: xr.Dataset) -> None:
    """Refuse a result that lacks something the report shows.

    raises  ValueError naming everything that is missing
    """
    pictured = "headline" in result.attrs and has_window(result)
    variables = [*_VARIABLES, *(_COMPARED if pictured else [])]
    coordinates = [*_COORDINATES, *(_WINDOW if pictured else [])]
    missing = [f"variable {name!r}" for name in variables if name not in result.variables]
    missing += [f"coordinate {name!r}" for name in coordinates if name not in result.coords]
    missing += [f"attribute {name!r}" for name in _ATTRIBUTES if name not in result.attrs]
    if not missing and not measures(result) and not drugs(result).exposures:
        missing = ["a measure: a variable (arm, subject, time, frequency) with attribute 'endpoint'"]
    if missing:
        raise ValueError(f"this result cannot be reported: it lacks {', '.join(missing)}")


# ---------------------------------------------------------------- answers as they were stored


def attribute(result: xr.Dataset, name: str) -> Any:
    """One of the result's JSON attributes, decoded."""
    return json.loads(result.attrs[name])


def study(result: xr.Dataset) -> Json:
    """The study that was simulated, as its file says it."""
    return _parsed(result.attrs["study"])


@lru_cache(maxsize=4)
def _parsed(text: str) -> Json:
    """A study file's text read once, however many pictures ask for a part of it; nobody changes it."""
    return tomllib.loads(text)


def headline(result: xr.Dataset) -> Headline | None:
    """The comparison of two arms; None where the study compares none."""
    return stored.read(result, "headline", Headline) if result.attrs["headline"] != "{}" else None


def drugs(result: xr.Dataset) -> Drugs:
    """Where drugs went; nothing in a result that follows none."""
    return stored.read(result, "drugs", Drugs) if "drugs" in result.attrs else Drugs.none()


def therapies(result: xr.Dataset) -> SideBySide | None:
    """Therapies side by side; None where the result is of one comparison."""
    return stored.read(result, "therapies", SideBySide) if "therapies" in result.attrs else None


def accuracy(result: xr.Dataset) -> Accuracy:
    """The numerical errors."""
    return stored.read(result, "errors", Accuracy)


def movers(result: xr.Dataset) -> list[Mover]:
    """Numbers that move the answer, most first."""
    return stored.read(result, "sensitivity", list[Mover])


def sources(result: xr.Dataset) -> list[SourceRow]:
    """Every number and curve of the study."""
    return stored.read(result, "sources", list[SourceRow])


def marks(result: xr.Dataset) -> list[Mark]:
    """When each insult happens."""
    return stored.read(result, "marks", list[Mark])


def arms(result: xr.Dataset) -> list[ArmContent]:
    """What each arm gets."""
    return stored.read(result, "arms", list[ArmContent])


def sizes(result: xr.Dataset) -> Sizes | None:
    """The size distribution of the batch; None where there is none."""
    return None if result.attrs["sizes"] == "null" else stored.read(result, "sizes", Sizes)


def scales(result: xr.Dataset) -> dict[str, Scale]:
    """The scales that grade what is measured."""
    return stored.read(result, "scales", dict[str, Scale])


def groups(result: xr.Dataset) -> Groups:
    """The world and the lot of each ear."""
    return Groups.of(result)


# ---------------------------------------------------------------- measures


def has_window(result: xr.Dataset) -> bool:
    """Whether what is compared has frequencies, so that the window shows it."""
    compared = headline(result)
    return compared is not None and bool(compared.frequency)


def measures(result: xr.Dataset) -> list[str]:
    """Names of the variables that hold an endpoint, the compared measure first."""
    named = [str(name) for name, variable in result.data_vars.items() if "endpoint" in variable.attrs]
    compared = headline(result)
    return sorted(named, key=lambda name: compared is None or name != compared.measure)


def measured(result: xr.Dataset, name: str) -> xr.DataArray:
    """A measure at the times and frequencies it was asked for: (arm, subject, time, frequency)."""
    quantity = Measure.model_validate(study(result)["measure"][name])
    return result[name].sel(
        time=np.unique(quantity.at), frequency=np.unique(quantity.tones), method="nearest"
    )


def tonal(result: xr.Dataset, name: str) -> bool:
    """Whether a measure is asked for at frequencies, as a threshold is and a score of words is not."""
    return "frequency" in study(result)["measure"][name]


def assayed(result: xr.Dataset, name: str) -> str:
    """The solute whose concentration a measure is of; empty for what is heard and counted."""
    return str(study(result)["measure"][name].get("solute") or "")


def percent(unit: str) -> bool:
    """Whether values in this unit are fractions, which a reader wants in per cent."""
    return is_fraction(unit)


# ---------------------------------------------------------------- words


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


def title(result: xr.Dataset) -> str:
    """The study's title, or its name as one."""
    return capital(words(study(result).get("title") or result.attrs["name"]))


def capital(text: str) -> str:
    """A text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def question(result: xr.Dataset) -> str:
    """The study's question in one sentence: its own, or one made from what it compares."""
    own, compared = study(result).get("question"), headline(result)
    if own:
        return words(own)
    species = words(result.attrs["species"])
    if compared is None:
        return _open_question(result, species)
    return (
        f"How much does “{compared.of}” keep, compared with “{compared.against}”, "
        f"in a simulated {species} {number(compared.time / 24)} days after the first insult?"
    )


def _open_question(result: xr.Dataset, species: str) -> str:
    """What a study asks that compares nothing: where its drugs go, or what its arms do."""
    if not measures(result):
        names = ", ".join(words(each.solute) for each in drugs(result).followed)
        return f"Where does {names} go in the ear of a simulated {species}?"
    arms = len(result["arm"])
    return f"What {'does 1 arm' if arms == 1 else f'do {arms} arms'} do to the ear of a simulated {species}?"


def benefit_of(result: xr.Dataset, compared: Headline) -> str:
    """What exactly the headline compares, in one sentence."""
    name = result[compared.measure].attrs.get("long_name", words(compared.endpoint))
    tones = ", ".join(number(tone) for tone in compared.frequency)
    over = f", mean over {tones} kHz" if tones else ""
    return (
        f"Benefit of “{compared.of}” over “{compared.against}”: {name}{over}, "
        f"day {number(compared.time / 24)}, each ear against itself."
    )


def verdict(compared: Headline) -> str:
    """What the interval of the benefit allows a reader to say, by the digits that are shown."""
    shown, unit = compared.benefit, compared.unit
    if shown.low > 0:
        return f"Better than “{compared.against}” over the whole interval, under the assumptions shown beside it."
    if shown.high < 0:
        return f"Worse than “{compared.against}” over the whole interval."
    if shown.median == 0 < shown.high:
        most = amount(shown.high, unit)
        return f"Half of the simulated ears keep next to nothing; one in twenty keeps more than {most}."
    if shown.high == 0:
        return "No benefit to speak of over the whole interval."
    return "The interval includes zero."
