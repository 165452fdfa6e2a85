"""A review as tables that other programs take: one row an experiment, metafor's columns, and RevMan's."""

from __future__ import annotations

from dataclasses import asdict

from otosome.review.synthesis import Review, Together
from otosome.units import Json

_PLAIN = (
    "experiment",
    "short",
    "year",
    "species",
    "insult",
    "product",
    "place",
    "route",
    "day",
    "frequency",
    "unit",
    "strength",
    "p_is",
    "read",
    "locator",
    "link",
)


def rows(review: Review) -> list[Json]:
    """Every experiment with its effect in each form it was printed in, and its source."""
    return [
        {
            **{key: getattr(row, key) for key in _PLAIN},
            "treated": row.treated,
            "control": row.control,
            "n_treated": row.n[0],
            "n_control": row.n[1],
            "effect": row.effect.text if row.effect else "",
            "g": row.g.value if row.g else None,
            "g_low": row.bounds[0],
            "g_high": row.bounds[2],
        }
        for row in review.rows
    ]


def metafor_rows(review: Review) -> list[Json]:
    """``slab``, ``measure``, ``yi``, ``vi`` as ``metafor::rma(yi, vi)`` takes them, a block for each scale."""
    names = {"dB": "MD", "g": "SMD", "log risk ratio": "RR"}
    return [
        {"slab": name, "measure": names[each.scale], "yi": value, "vi": error**2}
        for each in review.together
        for name, value, error in _effects(each)
    ]


def revman_rows(review: Review) -> list[Json]:
    """Generic inverse variance, as RevMan imports it: study, estimate, standard error."""
    return [
        {
            "Comparison": review.heading,
            "Outcome": each.scale,
            "Study": name,
            "GIV Mean": value,
            "GIV SE": error,
        }
        for each in review.together
        for name, value, error in _effects(each)
    ]


def _effects(each: Together) -> list[tuple[str, float, float]]:
    return list(zip(each.rows, each.values, each.errors, strict=True))


def further_rows(review: Review) -> list[Json]:
    """Every experiment that could be next, under each prior and with every number of animals."""
    return [asdict(row) for row in review.further]
