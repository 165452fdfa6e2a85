"""What a simulation answers: the benefit with its interval, what it rests on, and what moves it most."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from otosome.answers.accuracy import errors
from otosome.answers.description import described
from otosome.answers.efficacy import efficacies
from otosome.answers.headline import headline
from otosome.answers.sensitivity import sensitivity
from otosome.answers.window import has_window, places, window
from otosome.ears import Ears
from otosome.forward import Tick, crossing, simulate
from otosome.study import Study

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def answer(
    study: Study, table: Ears | pd.DataFrame, workers: int = 2, tick: Tick | None = None
) -> xr.Dataset:
    """Simulate a study and everything its report says.

    ``table``  ears of ``draw``, or the same as a plain table (``Ears.of``)
    returns  the dataset of ``simulate`` with where each place lies, the window's variables where ``has_window``,
             and the headline, the sensitivities, what crosses to the other ear, the numerical errors and the
             sources as JSON attributes
    """
    ears = Ears.of(table)
    ears.alike("a report")
    result = simulate(study, ears, workers, tick)
    asked = study.tables.compare
    with ThreadPoolExecutor(workers) as pool:
        seen = (
            pool.submit(window, study, asked) if asked and has_window(study) else pool.submit(places, study)
        )
        erred = pool.submit(errors, study, result, ears)
        moved = [] if asked is None else sensitivity(study, asked, workers)
    told = {
        **described(study),
        "errors": erred.result(),
        "crossing": crossing(study, ears),
        "sensitivity": moved,
        "headline": {},
    }
    if asked is not None:
        changed = efficacies(study, result, asked, ears, workers)
        told["headline"] = headline(study, result, asked, moved, changed)
    result.attrs |= {name: json.dumps(value) for name, value in told.items()}
    return result.merge(seen.result(), join="exact", combine_attrs="override")
