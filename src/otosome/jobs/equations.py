"""The equations of a study for a person or a paper."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.units import Json

if TYPE_CHECKING:
    from otosome.answers.equations import Equations


@dataclass(frozen=True)
class Written:
    """The equations of a study; as LaTeX on a terminal where that is asked for."""

    equations: Equations
    latex: bool
    notes: tuple[str, ...]

    def as_dict(self) -> Json:
        """Parts with equations and numbers, and all of it as LaTeX, as ``docs/schemas`` has it."""
        from otosome.report.equations import latex_lines

        answer = asdict(self.equations) | {"latex": "\n".join(latex_lines(self.equations))}
        return {"result": answer, "notes": list(self.notes)}

    def lines(self) -> list[str]:
        """A line for each equation and number, or LaTeX."""
        from otosome.report.equations import latex_lines, text_lines

        return latex_lines(self.equations) if self.latex else text_lines(self.equations)


def equations(study: str, latex: bool = False, shelves: tuple[Path, ...] = ()) -> Written:
    """The equations a study is simulated by; raises BadInput."""
    from otosome.answers.equations import equations as of
    from otosome.study import load

    loaded = load(study, shelves=shelves)
    return Written(of(loaded), latex, () if latex else tuple(loaded.notes))
