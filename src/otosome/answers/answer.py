"""What a simulation answers: the benefit with its interval, what it rests on, and what moves it most."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from otosome.answers import stored
from otosome.answers.accuracy import accuracy
from otosome.answers.description import described
from otosome.answers.dose import ByDay, by_day, by_dose
from otosome.answers.exposure import course, exposure
from otosome.answers.headline import BESIDE, benefits_beside, headline
from otosome.answers.sensitivity import sensitivity
from otosome.answers.sources import sources
from otosome.answers.window import has_window, places, window
from otosome.ears import Ears
from otosome.forward import Tick, crossing, simulate
from otosome.study import Compare, Study
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def answer(
    study: Study, table: Ears | pd.DataFrame, workers: int = 2, tick: Tick | None = None
) -> xr.Dataset:
    """Simulate a study and everything its report says.

    ``table``  ears of ``draw``, or the same as a plain table (``Ears.of``)
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
    result, beside = _simulated(study, question, ears, workers, tick)
    with ThreadPoolExecutor(workers) as pool:
        drawn = (
            pool.submit(window, study, question)
            if question and has_window(study)
            else pool.submit(places, study)
        )
        days = pool.submit(_by_day, study, question)
        exact, carried = pool.submit(accuracy, study, result, ears), pool.submit(course, study)
        movers = [] if question is None else sensitivity(study, question, workers)
    stored.write(
        result,
        **vars(described(study)),
        sources=sources(study),
        errors=exact.result(),
        crossing=crossing(study, ears),
        sensitivity=movers,
        drugs=exposure(study, result),
        headline={} if question is None else headline(study, result, question, movers, beside),
        doses=None if question is None else by_dose(study, question),
        days=days.result(),
    )
    pictures = [drawn.result(), carried.result()]
    return xr.merge([result, *pictures], join="exact", combine_attrs="override")


def _simulated(
    study: Study, question: Compare | None, ears: Ears, workers: int, tick: Tick | None
) -> tuple[xr.Dataset, dict[str, Array]]:
    """A simulation, and by name the benefits that stand beside the compared one, computed on the way."""
    if question is None:
        return simulate(study, ears, workers, tick), {}
    whole = simulate(study, ears, workers, tick, also=benefits_beside(study, question))
    names = [name for name in BESIDE if name in whole]
    return whole.drop_vars(names), {name: whole[name].to_numpy() for name in names}


def _by_day(study: Study, question: Compare | None) -> ByDay | None:
    """The benefit by day and dose, of what has a window."""
    return by_day(study, question) if question is not None and has_window(study) else None
