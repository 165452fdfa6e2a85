"""Forecasts: dated questions with a probability or a distribution, sealed by a hash, and scored once they are resolved.

A forecast is never edited: its hash would no longer fit. What happened stands on a shelf of its own.
Log score of a probability: its logarithm; of a number: the log density between the quantiles (Gneiting and Raftery
2007, https://doi.org/10.1198/016214506000001437). Nearer to nothing is better.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from datetime import date

from otosome.catalog import Catalog, Entry
from otosome.errors import BadInput, at
from otosome.roles import ForecastOptions, ResolutionOptions

_ENDS = ("0.05", "0.25", "0.5", "0.75", "0.95")


@dataclass(frozen=True)
class Scored:
    """A forecast, and its score where it is resolved.

    ``expected``   in words;  ``happened``  in words, empty while it is open
    ``score``      log score;  ``covered``  whether a number lay within 5 to 95 %; none for what is open or a chance
    """

    name: str
    about: str
    question: str
    dated: str
    by: str
    how: str
    expected: str
    hash: str
    happened: str
    score: float | None
    covered: bool | None
    overdue: bool


def seal(options: ForecastOptions) -> str:
    """The hash of everything a forecast states but the hash itself."""
    stated = {key: value for key, value in asdict(options).items() if key != "hash"}
    return hashlib.sha256(json.dumps(stated, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:16]


def forecasts(catalog: Catalog, today: date) -> list[Scored]:
    """Every forecast with its score where it is resolved; raises BadInput for one edited, or resolved twice."""
    outcomes: dict[str, ResolutionOptions] = {}
    for name in catalog.names("resolutions"):
        entry = catalog.get("resolutions", name)
        if entry.options.forecast in outcomes:
            raise BadInput(
                "is resolved already", file=entry.card.file, key="forecast", given=entry.options.forecast
            )
        with at(entry.card.file, "source"):
            catalog.source(entry.options.source)
        outcomes[entry.options.forecast] = entry.options
    return [
        _scored(catalog.get("forecasts", name), outcomes.get(name), today)
        for name in catalog.names("forecasts")
    ]


def _scored(entry: Entry[ForecastOptions, object], outcome: ResolutionOptions | None, today: date) -> Scored:
    options = entry.options
    with at(entry.card.file):
        _check(options)
        score, covered = (None, None) if outcome is None else _score(options, outcome)
    return Scored(
        name=entry.name,
        about=entry.card.about,
        question=options.question,
        dated=options.dated,
        by=options.by,
        how=options.how,
        expected=_expected(options),
        hash=options.hash,
        happened="" if outcome is None else _happened(options, outcome),
        score=score,
        covered=covered,
        overdue=outcome is None and date.fromisoformat(options.by) < today,
    )


def _check(options: ForecastOptions) -> None:
    for key in ("dated", "by"):
        try:
            date.fromisoformat(getattr(options, key))
        except ValueError as error:
            raise BadInput("is a day such as 2026-11-29", key=key, given=getattr(options, key)) from error
    if options.by <= options.dated:
        raise BadInput("lies after the day it was dated", key="by", given=options.by)
    if (options.chance is None) == (not options.quantiles):
        raise BadInput("is a chance or quantiles", key="chance")
    if options.quantiles:
        values = [options.quantiles.get(end) for end in _ENDS]
        known = [value for value in values if value is not None]
        if len(options.quantiles) != len(_ENDS) or len(known) != len(_ENDS) or sorted(set(known)) != known:
            raise BadInput(
                "rise from 0.05 to 0.95", key="quantiles", given=dict(options.quantiles), allowed=list(_ENDS)
            )
    if options.hash != seal(options):
        raise BadInput(
            "does not fit what the forecast states: it was edited, or is new",
            key="hash",
            given=options.hash,
            cure=f"a forecast is never edited; of a new one the hash is {seal(options)}",
        )


def _expected(options: ForecastOptions) -> str:
    if options.chance is not None:
        return f"{100 * options.chance:.0f} %"
    low, _, middle, _, high = (options.quantiles[end] for end in _ENDS)
    return f"{middle:g} ({low:g} to {high:g}) {options.unit}".strip()


def _happened(options: ForecastOptions, outcome: ResolutionOptions) -> str:
    if options.chance is not None:
        return "yes" if outcome.happened else "no"
    return f"{outcome.number:g} {options.unit}".strip()


def _score(options: ForecastOptions, outcome: ResolutionOptions) -> tuple[float, bool | None]:
    if options.chance is not None:
        if outcome.happened is None:
            raise BadInput("is resolved by yes or no", key="happened")
        return math.log(options.chance if outcome.happened else 1 - options.chance), None
    if outcome.number is None:
        raise BadInput("is resolved by a number", key="number")
    ends = [options.quantiles[end] for end in _ENDS]
    return math.log(density(outcome.number, ends)), ends[0] <= outcome.number <= ends[-1]


def density(value: float, ends: list[float]) -> float:
    """Density of a number between its quantiles at 5, 25, 50, 75 and 95 %, with exponential tails beyond.

    ``ends``  rising, five of them
    """
    shares = [float(end) for end in _ENDS]
    for low, high, a, b in zip(ends, ends[1:], shares, shares[1:], strict=False):
        if low <= value <= high:
            return (b - a) / (high - low)
    edge, inner = (ends[0], ends[1]) if value < ends[0] else (ends[-1], ends[-2])
    rate = (shares[1] - shares[0]) / abs(inner - edge) / shares[0]
    return shares[0] * rate * math.exp(-rate * abs(value - edge))
