"""What no event in a few people leaves possible."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from otosome.roles import Figure

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

# Of the one-sided bound; by it n without an event bound the rate by about 3/n.
_CONFIDENCE = 0.95
_PERCENT = 100.0


@dataclass(frozen=True)
class NoRejection:
    """The largest rate that no event in n people leaves possible, 1 - 0.05^(1/n); 3/n where n is not small.

    ``treated``  numbers of people; the first is how many were reported
    """

    treated: tuple[int, ...]

    def figure(self, laboratory: Laboratory) -> Figure:
        """The bound for those reported, if none of them had a reaction, with larger numbers as parts."""
        parts = tuple(self._bound(n) for n in self.treated)
        return replace(parts[0], words=f"upper bound of the rate: {parts[0].words}", parts=parts)

    def _bound(self, n: int) -> Figure:
        most = _PERCENT * (1.0 - (1.0 - _CONFIDENCE) ** (1.0 / n))
        return Figure(most, 0.0, most, "%", f"if none of {n} {'person' if n == 1 else 'people'} reacts")
