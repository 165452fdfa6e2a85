"""Forecasts: dated questions about what will be published, and how well the resolved ones did."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.units import Json

if TYPE_CHECKING:
    from otosome.review.forecasts import Scored


@dataclass(frozen=True)
class Forecasts:
    """Every forecast, open or resolved."""

    rows: list[Scored]

    @property
    def mean_score(self) -> float | None:
        """The mean log score of those that are resolved."""
        scores = [row.score for row in self.rows if row.score is not None]
        return sum(scores) / len(scores) if scores else None

    @property
    def coverage(self) -> float | None:
        """The share of resolved numbers within 5 to 95 %."""
        inside = [row.covered for row in self.rows if row.covered is not None]
        return sum(inside) / len(inside) if inside else None

    def as_dict(self) -> Json:
        """The forecasts for a machine, as ``docs/schemas`` has them."""
        rows = [asdict(row) for row in self.rows]
        return {
            "result": {"rows": rows, "mean_score": self.mean_score, "coverage": self.coverage},
            "notes": [],
        }

    def lines(self) -> list[str]:
        """A few lines a forecast, and how the resolved ones did."""
        from otosome.report.terminal import forecast_lines

        return forecast_lines(self.as_dict()["result"])


def forecast(shelves: tuple[Path, ...] = ()) -> Forecasts:
    """Every forecast on the shelf, scored where it is resolved; raises BadInput for one that was edited."""
    from otosome.catalog import Catalog
    from otosome.review.forecasts import forecasts

    return Forecasts(forecasts(Catalog(shelves), datetime.now(UTC).date()))
