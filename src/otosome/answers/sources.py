"""Every number a study rests on, with its paper or the reason it was assumed."""

from __future__ import annotations

from dataclasses import dataclass

from otosome.catalog import Catalog
from otosome.evidence import Curve, Parameter, provisional
from otosome.study import Study


@dataclass(frozen=True)
class Grounds:
    """What a number or curve stands on, and how its source stands; empty texts where no source is named."""

    basis: str
    provisional: bool
    source: str | None
    title: str
    link: str
    standing: str
    date: str
    reason: str
    superseded_by: str
    locator: str | None
    because: str | None
    species: str
    hash: str


@dataclass(frozen=True)
class SourceRow(Grounds):
    """A number or a curve of a study; ``value``, ``low`` and ``high`` are None for a curve.

    ``given``   as its entry or the study has it, with the unit written there
    ``linked``  numbers it is drawn together with
    ``fit``     the fit it comes from
    """

    parameter: str
    meaning: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    given: str
    linked: str
    fit: str = ""


def sources(study: Study) -> list[SourceRow]:
    """Every number and curve a study rests on, with its paper or the reason it was assumed."""
    numbers = [number_row(p, study.catalog) for p in study.parameters.values()]
    curves = [
        SourceRow(
            **vars(grounds(c, study.catalog)),
            parameter=c.name,
            meaning=c.meaning,
            value=None,
            unit="",
            low=None,
            high=None,
            given=f"a curve of {c.points} points",
            linked="",
            fit="",
        )
        for c in study.curves.values()
    ]
    return numbers + curves


def number_row(number: Parameter, catalog: Catalog) -> SourceRow:
    """A number with its paper or the reason it was assumed."""
    return SourceRow(
        **vars(grounds(number, catalog)),
        parameter=number.name,
        meaning=number.meaning,
        value=number.value,
        unit=number.unit,
        low=number.low,
        high=number.high,
        given=number.given,
        linked=", ".join(name for name, _ in number.linked),
        fit=number.fit,
    )


def grounds(stated: Parameter | Curve, catalog: Catalog) -> Grounds:
    """What a number or curve stands on."""
    source = None if stated.source is None else catalog.source(stated.source)
    return Grounds(
        basis=stated.basis,
        provisional=provisional(stated),
        source=stated.source,
        title="" if source is None else source.title,
        link="" if source is None else source.link,
        standing="" if source is None else source.standing,
        date="" if source is None else source.date,
        reason="" if source is None else source.reason,
        superseded_by="" if source is None else source.superseded_by,
        locator=stated.locator,
        because=stated.because,
        species=stated.species,
        hash=stated.hash,
    )
