"""How far a result of any verb can be relied on, item by item after ASME V&V 40 and ICH M15."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otosome.jobs import showing
from otosome.jobs.fitting import FitResult
from otosome.jobs.lots import Lot
from otosome.jobs.study import StudyResult
from otosome.jobs.trials import OPTIMISE, Trial

if TYPE_CHECKING:
    from otosome.trials.credibility import Item


def credibility(folder: Path) -> dict[str, tuple[Item, ...]]:
    """Tables of credibility by the title of what they are of; none for a result that decides nothing of an ear.

    raises  BadInput where the folder holds no result
    """
    from otosome.report import credible, summary

    result = showing.show(folder)
    if isinstance(result, StudyResult):
        return {summary.title(result.data): credible.of_study(result.data)}
    if isinstance(result, FitResult):
        return {result.record.name: credible.of_fit(result.as_dict()["result"], result.record.name)}
    if isinstance(result, Lot):
        return {result.values["lot"]: credible.of_lot(result.values)}
    if isinstance(result, Trial):
        return _of_designs(result)
    return {}


def _of_designs(result: Trial) -> dict[str, tuple[Item, ...]]:
    from otosome.report import credible
    from otosome.trials.credibility import Item

    if result.record.verb == OPTIMISE:
        return {each["title"]: credible.of_dose(each) for each in result.designs}
    tables = {
        each["title"]: tuple(Item(**row) for row in each.get("credibility", ())) for each in result.designs
    }
    return {title: rows for title, rows in tables.items() if rows}
