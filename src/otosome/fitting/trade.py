"""Samples of a drug and its doses as a data set of the pharmacometric trade: a row per event, units beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from otosome.fitting.diagnostics import Residual

if TYPE_CHECKING:
    import pandas as pd

    from otosome.study import Study
    from otosome.study.tables import DrugUse

COLUMNS = (
    "ID",
    "TIME",
    "AMT",
    "RATE",
    "EVID",
    "MDV",
    "CMT",
    "DV",
    "CENS",
    "GROUP",
    "COMPARTMENT",
    "UNIT",
    "AMT_UNIT",
)


def events(study: Study, samples: Sequence[Residual]) -> pd.DataFrame:
    """Doses and samples of every animal, by time: EVID 1 and 0, CMT 1 the dose, from 2 on the measures as they stand.

    A sample below its limit has that limit as DV and CENS 1. Times are hours.
    """
    import pandas as pd

    drugs = {name: n for n, name in enumerate(study.tables.measure, 2) if study.tables.measure[name].solute}
    own = [row for row in samples if row.measure in drugs]
    rows = list[dict[str, object]]()
    for subject, arm in dict.fromkeys((row.subject, row.arm) for row in own):
        names = next(each.drugs for each in study.tables.arm if each.name == arm)
        rows += [event for name in names for event in _doses(subject, arm, study.tables.drug[name])]
    for row in own:
        fluid = study.tables.measure[row.measure].of or "scala_tympani"
        sample = {
            "ID": row.subject,
            "GROUP": row.arm,
            "TIME": row.time,
            "AMT": 0,
            "RATE": 0,
            "EVID": 0,
            "MDV": 0,
        }
        sample |= {"CMT": drugs[row.measure], "DV": row.value, "CENS": -row.censored, "COMPARTMENT": fluid}
        rows.append({**sample, "UNIT": study.unit(row.measure), "AMT_UNIT": ""})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values(["ID", "TIME", "EVID"], ascending=[True, True, False], kind="stable")


def _doses(subject: str, arm: str, use: DrugUse) -> list[dict[str, object]]:
    """A row each time a drug is given; RATE is AMT over the duration of an infusion, 0 for a dose at once."""
    if use.amount is not None:
        amount, unit = float(use.amount), use.amount.unit
    else:
        assert use.concentration is not None and use.fluid is not None  # a dose is stated whole
        amount = float(use.concentration) * use.fluid
        unit = "pmol" if use.concentration.unit == "uM" else "ug"
    rate = amount / use.span if use.span else 0.0
    dose = {
        "ID": subject,
        "GROUP": arm,
        "AMT": amount,
        "RATE": rate,
        "EVID": 1,
        "MDV": 1,
        "CMT": 1,
        "DV": 0,
        "CENS": 0,
    }
    return [{**dose, "TIME": float(at), "COMPARTMENT": "", "UNIT": "", "AMT_UNIT": unit} for at in use.at]
