"""A claim as its entry states it, and the verdict by rule (the rules stand in the package's docstring)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import isfinite
from typing import Final

import numpy as np

from otosome.catalog import Catalog, Entry
from otosome.errors import BadInput, at
from otosome.evidence import Source
from otosome.review.claims.laboratory import Calculation, Laboratory
from otosome.review.qualification import known
from otosome.roles import ClaimOptions, Figure, Grounds
from otosome.units import Array

SHELF: Final = "claims"
# Best first: of two grounds the one further right decides.
AT_ODDS, CONTRADICTED = "at odds with our assumptions", "contradicted"
VERDICTS = ("supported", "direction only", "not measured", AT_ODDS, CONTRADICTED)
# Bases of numbers that nobody measured.
_UNMEASURED = ("assumed", "direction", "unverified")
# A ground all of whose sources stand so is none.
_GONE = ("retracted", "withdrawn")


@dataclass(frozen=True)
class Ground:
    """One thing a claim stands on.

    ``kind``  measured, direction or none;  ``says``  for, against or open
    ``rows``  of the shelf ``cases`` that run it again
    """

    words: str
    kind: str
    says: str
    sources: tuple[Source, ...]
    rows: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The verdict if this were all."""
        verdicts = {
            ("measured", "for"): "supported",
            ("measured", "against"): CONTRADICTED,
            ("direction", "for"): "direction only",
        }
        gone = self.sources and all(source.standing in _GONE for source in self.sources)
        return "not measured" if gone else verdicts.get((self.kind, self.says), "not measured")


@dataclass(frozen=True)
class Claim:
    """An entry of the shelf ``claims``, read.

    ``needs``     the line its figure must reach for the claim to hold, as (``above`` or ``below``, number)
    ``built_in``  why the figure follows from the structure and decides nothing; empty where it does not
    ``missing``   what is wanting where no figure can be computed yet
    ``uses``      entries its figure rests on beside those of its study (``scales.who_2021``)
    ``review``    question and filters of what papers did;  ``by_prior``  whether its figure is asked of every prior
    """

    name: str
    about: str
    by: Source
    stands_on: tuple[Ground, ...]
    test: str
    needs: tuple[str, float] | None
    built_in: str
    missing: str
    study: str
    uses: tuple[str, ...]
    review: tuple[str, ...]
    by_prior: bool
    entry: Entry[ClaimOptions, object]

    @classmethod
    def of(cls, entry: Entry[ClaimOptions, object], catalog: Catalog) -> Claim:
        """A claim from its entry; raises BadInput naming file, key, what was given and what is allowed."""
        options = entry.options
        if entry.formula is None and not options.missing:
            raise BadInput(
                "says what is wanting for a figure, where it has no formula",
                file=entry.card.file,
                key="missing",
            )
        return cls(
            name=entry.name,
            about=entry.card.about,
            by=catalog.source(options.by),
            stands_on=tuple(_ground(entry, grounds, catalog) for grounds in options.stands_on),
            test=options.test,
            needs=None if options.needs is None else next(iter(options.needs.items())),
            built_in=options.built_in,
            missing=options.missing,
            study=options.study if isinstance(options.study, str) else "",
            uses=options.uses,
            review=options.review,
            by_prior=options.by_prior,
            entry=entry,
        )

    def figure(self, laboratory: Laboratory) -> Figure | None:
        """The figure now; None where none can be computed yet."""
        if self.entry.formula is None:
            return None
        formula = self.entry.bind(_columns(self.entry), "")
        figure = formula.figure(laboratory) if isinstance(formula, Calculation) else None
        if not isinstance(figure, Figure) or not all(map(_is_finite, (figure, *figure.parts))):
            raise BadInput("its formula must give a figure of finite numbers", file=self.entry.card.file)
        return figure

    def verdict(self, figure: Figure | None, bases: Collection[str] = ("assumed",)) -> tuple[str, str]:
        """The verdict, and the rule in words that gave it.

        ``bases``  of the numbers that the figure rests on: where some were not measured it contradicts nothing
        """
        weakest = max(self.stands_on, key=lambda ground: VERDICTS.index(ground.verdict))
        if weakest.verdict != CONTRADICTED and figure is not None and self._beyond(figure):
            side, line = self.needs or ("", 0.0)
            why = f"the claim needs a figure {side} {line:g}, and its whole interval is not"
            if set(bases) & set(_UNMEASURED):
                return AT_ODDS, f"{why}; the figure rests on assumed numbers"
            return CONTRADICTED, why
        return weakest.verdict, f"weakest ground: {weakest.kind}, {weakest.says}"

    def _beyond(self, figure: Figure) -> bool:
        """Whether the figure's whole interval lies on the wrong side of the line the claim needs."""
        if self.needs is None or self.built_in:
            return False
        side, line = self.needs
        return figure.high <= line if side == "above" else figure.low >= line


def _is_finite(figure: Figure) -> bool:
    return all(map(isfinite, (figure.value, figure.low, figure.high)))


def _columns(entry: Entry[ClaimOptions, object]) -> dict[str, Array]:
    """A claim's own numbers at their best value; its formula asks the laboratory for what is not known of them."""
    return {
        f"{SHELF}.{entry.name}.{key}": np.array([entry.card.parameter(key, "").value])
        for key in entry.card.parameters
    }


def _ground(entry: Entry[ClaimOptions, object], grounds: Grounds, catalog: Catalog) -> Ground:
    with at(entry.card.file, "stands_on"):
        if grounds.kind != "none" and not grounds.sources:
            raise BadInput("what is published has a source", key="sources")
        ids = known(catalog) if grounds.rows else []
        for row in grounds.rows:
            if row not in ids:
                raise BadInput(
                    "is no row of a case",
                    key="rows",
                    given=row,
                    allowed=ids,
                    cure="name one there is, or add the case",
                )
    sources = tuple(catalog.source(key) for key in grounds.sources)
    return Ground(grounds.words, grounds.kind, grounds.says, sources, grounds.rows)
