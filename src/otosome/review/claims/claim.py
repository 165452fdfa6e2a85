"""A claim as its entry states it, and the verdict by rule (the rules stand in the package's docstring)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from otosome.catalog import Catalog, Entry
from otosome.errors import BadInput
from otosome.evidence import Source
from otosome.review.qualification import known
from otosome.roles import Figure
from otosome.study.study import texts
from otosome.units import Array

SHELF = "claims"
# Best first: of two grounds the one further right decides.
VERDICTS = ("supported", "direction only", "not measured", "contradicted here")
_IS, _SAYS = ("measured", "direction", "none"), ("for", "against", "open")
_KEYS = ("by", "stands_on", "test", "needs", "built_in", "missing", "study", "uses")
_GROUND_KEYS = ("words", "is", "says", "sources", "rows")
# A ground all of whose sources stand so is none.
_GONE = ("retracted", "withdrawn")
_LINES = ("above", "below")


@dataclass(frozen=True)
class Ground:
    """One thing a claim stands on.

    ``kind``  measured, direction or none;  ``says``  for, against or open
    ``rows``  of the shelf ``observations`` that run it again
    """

    words: str
    kind: str
    says: str
    sources: tuple[Source, ...]
    rows: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The verdict if this were all."""
        told = {
            ("measured", "for"): "supported",
            ("measured", "against"): "contradicted here",
            ("direction", "for"): "direction only",
        }
        gone = self.sources and all(source.standing in _GONE for source in self.sources)
        return "not measured" if gone else told.get((self.kind, self.says), "not measured")


@dataclass(frozen=True)
class Claim:
    """An entry of the shelf ``claims``, read.

    ``needs``     the line its figure must reach for the claim to hold, as (``above`` or ``below``, number)
    ``built_in``  why the figure follows from the structure and decides nothing; empty where it does not
    ``missing``   what is wanting where no figure can be computed yet
    ``uses``      entries its figure rests on beside those of its study (``scales.who_2021``)
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
    entry: Entry

    @classmethod
    def of(cls, entry: Entry, catalog: Catalog) -> Claim:
        """A claim from its entry; raises BadInput naming file, key, what was given and what is allowed."""
        told = _Told(entry)
        told.check()
        grounds = tuple(told.ground(table, catalog) for table in told.tables("stands_on"))
        study = entry.card.options.get("study", "")
        return cls(
            name=entry.name,
            about=entry.card.about,
            by=catalog.source(told.text("by")),
            stands_on=grounds,
            test=told.text("test"),
            needs=told.line(),
            built_in=told.text("built_in", ""),
            missing=told.text("missing", None if entry.formula is None else ""),
            study=study if isinstance(study, str) else "",
            uses=tuple(texts(entry.card.options.get("uses"))),
            entry=entry,
        )

    def figure(self, laboratory: Any) -> Figure | None:
        """The figure now; None where none can be computed yet."""
        if self.entry.formula is None:
            return None
        found = self.entry.bind(_columns(self.entry), "").figure(laboratory)
        if not isinstance(found, Figure) or not all(map(_is_finite, (found, *found.parts))):
            raise BadInput("its formula must give a figure of finite numbers", file=self.entry.card.file)
        return found

    def verdict(self, figure: Figure | None) -> tuple[str, str]:
        """The verdict, and the rule in words that gave it."""
        weakest = max(self.stands_on, key=lambda ground: VERDICTS.index(ground.verdict))
        if weakest.verdict != VERDICTS[-1] and figure is not None and self._beyond(figure):
            side, line = self.needs or ("", 0.0)
            return VERDICTS[-1], f"the claim needs a figure {side} {line:g}, and its whole interval is not"
        return weakest.verdict, f"weakest ground: {weakest.kind}, {weakest.says}"

    def _beyond(self, figure: Figure) -> bool:
        """Whether the figure's whole interval lies on the wrong side of the line the claim needs."""
        if self.needs is None or self.built_in:
            return False
        side, line = self.needs
        return figure.high <= line if side == "above" else figure.low >= line


def _is_finite(figure: Figure) -> bool:
    return all(map(isfinite, (figure.value, figure.low, figure.high)))


def _columns(entry: Entry) -> dict[str, Array]:
    """A claim's own numbers at their best value; its formula asks the laboratory for what is not known of them."""
    return {
        f"{SHELF}.{entry.name}.{key}": np.array([entry.card.parameter(key, "").value])
        for key in entry.card.parameters
    }


@dataclass(frozen=True)
class _Told:
    """What an entry's file says, checked key by key."""

    entry: Entry

    @property
    def file(self) -> str:
        return self.entry.card.file

    def check(self) -> None:
        formula = self.entry.formula
        own = [] if formula is None else list(getattr(formula, "__dataclass_fields__", {}))
        for key in self.entry.card.options:
            if key not in (*_KEYS, *own):
                raise BadInput("is not a key of a claim", file=self.file, key=key, allowed=[*_KEYS, *own])

    def text(self, key: str, default: str | None = None) -> str:
        given = self.entry.card.options.get(key, default)
        if not isinstance(given, str):
            raise BadInput("a claim states it in words", file=self.file, key=key, given=given)
        return given

    def tables(self, key: str) -> list[Mapping[str, Any]]:
        given = self.entry.card.options.get(key)
        if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
            raise BadInput("a claim says on what it stands", file=self.file, key=key, cure=f"add [[{key}]]")
        return given

    def ground(self, table: Mapping[str, Any], catalog: Catalog) -> Ground:
        for key in table:
            if key not in _GROUND_KEYS:
                raise BadInput(
                    "is not a key here", file=self.file, key=f"stands_on.{key}", allowed=list(_GROUND_KEYS)
                )
        for key, allowed in (("is", _IS), ("says", _SAYS)):
            if table.get(key) not in allowed:
                raise BadInput(
                    "is not known", file=self.file, key=f"stands_on.{key}", given=table.get(key), allowed=list(allowed)
                )  # fmt: skip
        keys = table.get("sources", [])
        if not isinstance(table.get("words"), str) or not isinstance(keys, list):
            raise BadInput(
                "says what it is in words, with a list of sources", file=self.file, key="stands_on"
            )
        if table["is"] != "none" and not keys:
            raise BadInput("what is published has a source", file=self.file, key="stands_on.sources")
        sources = tuple(catalog.source(str(key)) for key in keys)
        return Ground(table["words"], table["is"], table["says"], sources, self.rows(table, catalog))

    def rows(self, table: Mapping[str, Any], catalog: Catalog) -> tuple[str, ...]:
        rows = table.get("rows", [])
        if not isinstance(rows, list):
            raise BadInput(
                "is a list of rows of observations", file=self.file, key="stands_on.rows", given=rows
            )
        ids = known(catalog) if rows else []
        for row in rows:
            if row not in ids:
                raise BadInput(
                    "is no row of observations", file=self.file, key="stands_on.rows", given=row, allowed=ids,
                    cure="name one there is, or add the observation",
                )  # fmt: skip
        return tuple(rows)

    def line(self) -> tuple[str, float] | None:
        given = self.entry.card.options.get("needs")
        if given is None:
            return None
        if not isinstance(given, dict) or len(given) != 1 or next(iter(given)) not in _LINES:
            raise BadInput("is one line", file=self.file, key="needs", given=given, allowed=list(_LINES))
        ((side, line),) = given.items()
        if not isinstance(line, int | float) or isinstance(line, bool) or not isfinite(line):
            raise BadInput("is a finite number", file=self.file, key=f"needs.{side}", given=line)
        return side, float(line)
