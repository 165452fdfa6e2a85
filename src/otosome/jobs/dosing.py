"""A dose that was sought, read back: its regimens weighed otherwise, and one of them as a study of its own."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from otosome.errors import BadInput, at
from otosome.jobs.drafting import write
from otosome.results import Record
from otosome.trials.choice import front

if TYPE_CHECKING:
    from otosome.trials.regimens import Dose, DoseQuestion, Regimen


@dataclass(frozen=True)
class RegimenRow:
    """A regimen that was computed: as given, hours and particles; mean benefit and cost of adverse events over ears.

    ``low``, ``high``  5 and 95 % of ears of the benefit less adverse events;  ``near``  chance to be near the best
    """

    text: str
    route: str
    particles: float
    first: float
    times: int
    total: float
    benefit: float
    adverse_events: float
    low: float
    high: float
    near: float


@dataclass(frozen=True)
class Weighed:
    """Regimens by a preference: the value of each, those that none betters with fewer particles, and the best.

    ``best``  None where giving nothing is worth as much as any
    """

    values: list[float]
    front: list[int]
    best: int | None


def regimen_rows(folder: Path, record: Record) -> list[RegimenRow]:
    """The regimens of a dose that was sought; raises BadInput where their table is gone."""
    from otosome.trials.regimens import Regimen

    file = folder / f"{record.name}_regimens.csv"
    if not file.is_file():
        raise BadInput("is not there", file=str(file), cure="seek the dose again: otosome optimise")
    every = _every(folder, record)
    rows = []
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            number = {key: float(text) for key, text in row.items() if key not in ("route", "not_bettered")}
            times = int(number["times"])
            regimen = Regimen(row["route"], number["particles"], number["first_h"], times, every)
            rows.append(
                RegimenRow(
                    regimen.text,
                    regimen.route,
                    regimen.particles,
                    regimen.first,
                    times,
                    number["particles_in_all"],
                    number["benefit_mean"],
                    number["adverse_events_cost"],
                    number["net_low"],
                    number["net_high"],
                    number["near_best"],
                )
            )
    return rows


def weighed(rows: Sequence[RegimenRow], adverse_events: float = 1.0, tenfold: float = 0.0) -> Weighed:
    """Regimens by what a person prefers.

    ``adverse_events``    what adverse events weigh, as a multiple of what the dose's file states
    ``tenfold``  what ten times as many particles must bring more, in the unit of the measure
    """
    if not adverse_events >= 0 or not tenfold >= 0:
        raise BadInput("must not be negative", key="adverse_events" if not adverse_events >= 0 else "tenfold")
    gain = np.array([row.benefit - adverse_events * row.adverse_events for row in rows])
    total = np.array([row.total for row in rows])
    worth = gain - tenfold * np.log10(total / total.min())
    best = int(worth.argmax())
    return Weighed(worth.tolist(), front(gain, total).tolist(), best if worth[best] > 0 else None)


def regimen_study(folder: Path, record: Record, number: int, file: Path) -> Path:
    """Write the study a dose was sought in, treated as one of its regimens says; raises BadInput.

    ``number``  of the regimen, from 0;  ``file``  the study's, beside the dose's so that it names the same lots
    """
    import tomli_w

    rows = regimen_rows(folder, record)
    if not 0 <= number < len(rows):
        raise BadInput(
            "is no regimen of this dose", key="regimen", given=number, allowed=f"0 to {len(rows) - 1}"
        )
    question, row = _question(record), rows[number]
    regimen = question.as_given(row.route, row.particles, row.first, row.times)
    write(file, tomli_w.dumps(_compared(question, regimen)))
    return file


def dose_file(record: Record) -> Path:
    """The file that a dose was sought by."""
    return Path(str(record.option("dose")))


def _question(record: Record) -> DoseQuestion:
    """The dose as it was sought; raises BadInput where a file of it is gone, or was changed since."""
    from otosome.catalog import Catalog
    from otosome.trials.regimens import read_dose

    file = dose_file(record)
    if record.option("shelves"):
        raise BadInput(
            "was sought with shelves of your own, and they may hold code",
            file=file.name,
            cure="write the regimen into a study by hand, and run it: otosome run STUDY --shelves DIR",
        )
    question = read_dose(file, Catalog())
    if question.known is not None:
        raise BadInput(
            "draws from a fit, which a study's file does not hold",
            file=file.name,
            cure="write the regimen into the study by hand, and run it: otosome run STUDY --fit FOLDER",
        )
    if not set(question.inputs.values()) <= set(record.inputs.values()):
        raise BadInput(
            "was changed since the dose was sought, it or its study",
            file=file.name,
            cure="seek the dose again, then choose a regimen",
        )
    return question


def _every(folder: Path, record: Record) -> float:
    """How far apart doses are given, h, by the copy of the dose's file in its result."""
    from otosome.cards import checked, read_toml
    from otosome.trials.regimens import Dose as Keys

    file = folder / f"{record.name}.toml"
    with at(str(file)):
        dose: Dose = cast("Dose", checked(Keys, read_toml(file)))
    return 0.0 if dose.every is None else float(dose.every)


def _compared(question: DoseQuestion, regimen: Regimen) -> dict[str, object]:
    """The keys of a study that compares a regimen with the control, as the dose's study has everything else."""
    dose, values = question.dose, question.values
    arms = cast(list[dict[str, object]], values["arm"])
    treatments = cast(dict[str, dict[str, object]], values["treatment"])
    return {
        **{key: value for key, value in values.items() if key != "readings"},
        "title": f"{question.study.tables.title}: {regimen.text}",
        "arm": [arm for arm in arms if arm["name"] in (dose.treated, dose.control)],
        "treatment": treatments | {dose.treatment: treatments[dose.treatment] | question.keys_of(regimen)},
        "compare": {"measure": dose.measure, "of": dose.treated, "against": dose.control},
    }
