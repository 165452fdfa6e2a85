"""What a simulation answers: the benefit with its interval, what it rests on, and what moves it most."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otosome.answers import stored
from otosome.answers.accuracy import accuracy, begin
from otosome.answers.description import described
from otosome.answers.dose import ByDay, by_day, by_dose
from otosome.answers.exposure import course, exposure
from otosome.answers.headline import BESIDE, benefits_beside, headline
from otosome.answers.sensitivity import sensitivity
from otosome.answers.sources import sources
from otosome.answers.window import has_window, places, window
from otosome.ears import Ears
from otosome.forward import Tick, crossing, simulate
from otosome.model.team import team
from otosome.study import Compare, Study
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def answer(
    study: Study,
    table: Ears | pd.DataFrame,
    workers: int = 2,
    tick: Tick | None = None,
    store: Path | None = None,
) -> xr.Dataset:
    """Simulate a study and everything its report says.

    ``table``  ears of ``draw``, or the same as a plain table (``Ears.of``);  ``store``  as of ``simulate``
    returns  the dataset of ``simulate`` with where each place lies, the window's variables where ``has_window``,
             where drugs go (``along_<solute>``), and in its attributes (``answers.stored``) the headline (empty where
             nothing is compared), the sensitivities, what crosses to the other ear, the numerical errors, the
             description and the sources
    """
    import xarray as xr

    ears = Ears.of(table)
    ears.alike("a report")
    question = study.tables.compare
    if question is not None and study.alike(question.of, question.against):
        question = None  # the notes say so: what was given alike has no difference to be simulated
    with team(workers) as helpers:
        # What no ear drawn decides is begun first, the longest ahead.
        begun = helpers.begin(partial(_part, study, question, ears), list(_PARTS))
        exact = begin(study, ears, helpers)
        result, beside = _simulated(
            study, question, ears, partial(simulate, workers=workers, tick=tick, store=store)
        )
        errors = accuracy(study, result, ears, exact)
        done = {part: task.result() for part, task in zip(_PARTS, begun, strict=True)}
    movers = done["sensitivity"]
    stored.write(
        result,
        **vars(described(study)),
        sources=sources(study),
        errors=errors,
        crossing=done["crossing"],
        sensitivity=movers,
        drugs=exposure(study, result),
        headline={} if question is None else headline(study, result, question, movers, beside),
        doses=done["doses"],
        days=done["days"],
    )
    return xr.merge([result, done["window"], done["course"]], join="exact", combine_attrs="override")


# Parts of an answer that need no ear of the simulation, those that take longest first.
_PARTS: dict[str, Callable[[Study, Compare | None, Ears], Any]] = {
    "sensitivity": lambda study, question, ears: sensitivity(study, question) if question else [],
    "window": lambda study, question, ears: _window(study, question),
    "days": lambda study, question, ears: _by_day(study, question),
    "crossing": lambda study, question, ears: crossing(study, ears),
    "doses": lambda study, question, ears: by_dose(study, question) if question else None,
    "course": lambda study, question, ears: course(study),
}


def _part(study: Study, question: Compare | None, ears: Ears, name: str) -> Any:
    return _PARTS[name](study, question, ears)


def _window(study: Study, question: Compare | None) -> xr.Dataset:
    """The window of what has one, and where each place lies."""
    return window(study, question) if question and has_window(study) else places(study)


def _by_day(study: Study, question: Compare | None) -> ByDay | None:
    """The benefit by day and dose, of what has a window."""
    return by_day(study, question) if question and has_window(study) else None


def _simulated(
    study: Study, question: Compare | None, ears: Ears, simulated: Callable[..., xr.Dataset]
) -> tuple[xr.Dataset, dict[str, Array]]:
    """A simulation, and by name the benefits that stand beside the compared one, computed on the way."""
    if question is None:
        return simulated(study, ears), {}
    whole = simulated(study, ears, also=benefits_beside(study, question))
    names = [name for name in BESIDE if name in whole]
    return whole.drop_vars(names), {name: whole[name].to_numpy() for name in names}
