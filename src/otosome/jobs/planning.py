"""The next study from the spread of an import: how many animals, and how its power grows; kept as a design's file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.errors import BadInput
from otosome.jobs.drafting import write

if TYPE_CHECKING:
    import pandas as pd

    from otosome.trials.answer import DesignAnswer

READINGS = "readings.parquet"


@dataclass(frozen=True, kw_only=True)
class NextStudy:
    """What the next study is to find.

    ``quantity``    that was imported, such as ``abr_threshold``;  ``time``  h, if at one time alone
    ``difference``  true difference to be found, with its unit;  ``comparisons``  groups compared with the control
    """

    quantity: str
    difference: str
    time: float | None = None
    comparisons: int = 1
    species: str = "mouse"


@dataclass(frozen=True)
class Choice:
    """A quantity that a next study can be planned for: in which ``unit``, at which ``times`` (h; in words)."""

    quantity: str
    unit: str
    times: list[tuple[float, str]]
    frequencies: list[float]


def choices(folder: Path) -> list[Choice]:
    """The quantities of an import of which enough animals tell how they spread, in a unit that designs compare."""
    import pandas as pd

    from otosome.laboratory.tables import when
    from otosome.trials.own_spread import FEWEST_ANIMALS

    file = folder / READINGS
    if not file.is_file():
        return []
    readings = pd.read_parquet(file)
    readings = readings[(readings["subject"] != "") & (readings["censored"] == "none")]
    rows = []
    for (quantity, unit), part in readings.groupby(["quantity", "unit"], sort=True):
        if part["subject"].nunique() < FEWEST_ANIMALS or not _compared(str(unit)):
            continue
        own = part.dropna(subset=["time"])
        times = sorted(set(zip(own["time"].astype(float), when(own), strict=True)))
        rows.append(Choice(str(quantity), str(unit), times, _tones(part)))
    return rows


def groups_named(folder: Path) -> bool:
    """Whether the files of an import name groups themselves."""
    import pandas as pd

    file = folder / READINGS
    return file.is_file() and bool((pd.read_parquet(file, columns=["group"])["group"] != "").any())


def _compared(unit: str) -> bool:
    return unit.startswith("dB") or unit in ("%", "")


def _tones(readings: pd.DataFrame) -> list[float]:
    return sorted(float(tone) for tone in readings["frequency"].dropna().unique())


def plan(folder: Path, question: NextStudy) -> DesignAnswer:
    """How many animals the next study needs and what it can show, by formula; raises BadInput."""
    from otosome.catalog import Catalog
    from otosome.trials.answer import answer
    from otosome.trials.reading import design_of

    values = _values(folder, question, ".")
    return answer(design_of(values, "next", folder, Catalog(), formula=True))


def keep(folder: Path, question: NextStudy, file: Path) -> Path:
    """Write the next study as a design's file, which ``otosome trial`` answers as ``plan`` does; raises BadInput.

    ``file``  in a folder that holds the import
    """
    import tomli_w

    plan(folder, question)
    try:
        beside = folder.resolve().relative_to(file.parent.resolve()).as_posix()
    except ValueError as error:
        raise BadInput("does not lie beside the import", file=str(file), given=str(folder)) from error
    write(file, tomli_w.dumps(_values(folder, question, beside)))
    return file


def _values(folder: Path, question: NextStudy, beside: str) -> dict[str, object]:
    """The keys of the design's file; the frequencies are those that were read."""
    own = next((each for each in choices(folder) if each.quantity == question.quantity), None)
    if own is None:
        raise BadInput(
            "has too few animals, or a unit that designs do not compare",
            file=str(folder),
            key="quantity",
            given=question.quantity,
            allowed=[each.quantity for each in choices(folder)],
        )
    spread: dict[str, object] = {"folder": beside, "quantity": question.quantity}
    if question.time is not None:
        spread["time"] = question.time
    tones = [f"{tone:g} kHz" for tone in own.frequencies]
    return {
        "design": "animal_experiment",
        "title": f"The next study, by {question.quantity.replace('_', ' ')} of {folder.name}",
        "species": question.species,
        "difference": [question.difference],
        **({"frequencies": tones} if tones else {}),
        "comparisons": question.comparisons,
        "spread_from": spread,
    }
