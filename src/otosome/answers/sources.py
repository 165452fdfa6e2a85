"""Every number a study rests on, with its paper or the reason it was assumed."""

from __future__ import annotations

from typing import Any

from otosome.catalog import Catalog
from otosome.evidence import Curve, Parameter, provisional
from otosome.study import Study


def sources(study: Study) -> list[dict[str, Any]]:
    """Every number and curve a study rests on, with its paper or the reason it was assumed.

    returns  a row each; ``value``, ``low`` and ``high`` are None for a curve
    """
    numbers = [
        {
            "parameter": p.name, "meaning": p.meaning, "value": p.value, "unit": p.unit, "low": p.low, "high": p.high,
            "given": p.given, "linked": ", ".join(name for name, _ in p.linked), **sourced(p, study.catalog),
        }
        for p in study.parameters.values()
    ]  # fmt: skip
    curves = [
        {
            "parameter": c.name, "meaning": c.meaning, "value": None, "unit": "", "low": None, "high": None,
            "given": f"a curve of {c.points} points", "linked": "", **sourced(c, study.catalog),
        }
        for c in study.curves.values()
    ]  # fmt: skip
    return numbers + curves


def sourced(told: Parameter | Curve, catalog: Catalog) -> dict[str, Any]:
    """What a row says of where a number or curve comes from, and how its source stands."""
    source = None if told.source is None else catalog.source(told.source)
    kept = ("title", "link", "standing", "date", "reason", "superseded_by")
    return {
        "basis": told.basis, "provisional": provisional(told), "source": told.source,
        **{key: "" if source is None else getattr(source, key) for key in kept},
        "locator": told.locator, "because": told.because, "species": told.species, "hash": told.hash,
    }  # fmt: skip
