"""A parameter table: a column per number, a row per ear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from otosome.errors import BadInput
from otosome.evidence import WORLD, Parameter, draw_columns
from otosome.forward.arrival import arrive, enrol
from otosome.study import Study
from otosome.units import LEVELS, Array

if TYPE_CHECKING:
    import pandas as pd


def draw(study: Study, subjects: int = 200, seed: int = 1, world: int = WORLD) -> pd.DataFrame:
    """A parameter table: a column per number, a row per ear.

    ``subjects``  at least 1; row i is the same ear for any number of them
    ``world``     so many neighbours share one draw of everything that is not known
    returns       with the seed in ``attrs``; of a person of whom more was read than the audiogram, ears weighed by
                  it, and in ``effective`` how many candidates counted in each world; of people chosen by a reading,
                  those taken in, and in ``enrolled`` what that does to it (``forward.arrival``)
    """
    import pandas as pd

    if subjects < 1:
        raise BadInput("must be at least 1", key="subjects", given=subjects)
    told: dict[str, object] = {"seed": seed}
    if study.told:
        columns, effective = arrive(study, subjects, seed, world)
        told["effective"] = [float(one) for one in effective]
    elif study.tables.enrolment is not None:
        columns, told["enrolled"] = enrol(study, subjects, seed, world)
    else:
        columns = draw_columns(study.parameters.values(), seed, 0, subjects, world)
    for parameter in study.parameters.values():
        _check_drawn(parameter, columns[parameter.name])
    table = pd.DataFrame(columns)
    table.attrs |= told
    return table


def _check_drawn(parameter: Parameter, values: Array) -> None:
    """A number that is above zero is so in every ear."""
    least = float(np.min(values))
    negative = least < 0 <= parameter.low and parameter.unit not in LEVELS
    if not np.all(np.isfinite(values)) or negative or least <= 0 < parameter.low:
        raise BadInput(
            "is drawn as a number it cannot be", key=parameter.name,
            given=f"{least:g} {parameter.unit}".strip() + f" in ear {np.argmin(values)}",
            cure="give it a narrower range, or a shape that stays above zero (lognormal)",
        )  # fmt: skip


def best(study: Study) -> pd.DataFrame:
    """The parameter table of one ear in which every number has its best value."""
    import pandas as pd

    return pd.DataFrame({name: [p.value] for name, p in study.parameters.items()})
