"""The equations of a study for a person or a paper."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from otosome.errors import BadInput
from otosome.jobs.study import StudyInputs, fitted
from otosome.jobs.watch import SILENT, Watch
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.answers.equations import Equations


@dataclass(frozen=True)
class Written:
    """The equations of a study."""

    equations: Equations
    notes: tuple[str, ...]

    def as_dict(self) -> Json:
        """Parts with equations and numbers, and all of it as LaTeX, as ``docs/schemas`` has it."""
        from otosome.report.equations import latex_lines

        answer = asdict(self.equations) | {"latex": "\n".join(latex_lines(self.equations))}
        return {"result": answer, "notes": list(self.notes)}

    def lines(self) -> list[str]:
        """A line for each equation and number, and after them all as LaTeX."""
        from otosome.report.equations import latex_lines, text_lines

        return [*text_lines(self.equations), "", *latex_lines(self.equations)]


def equations(inputs: StudyInputs, watch: Watch = SILENT) -> Written:
    """The equations a study is simulated by, with its numbers; nothing is simulated. Raises BadInput."""
    from otosome.answers.equations import equations as of

    for key in ("against", "prior", "out"):
        if getattr(inputs, key) is not None:
            raise BadInput("belongs to otosome run", key=f"--{key}", given=str(getattr(inputs, key)))
    study = inputs.load()
    if inputs.fit is not None:
        study, _ = fitted(study, inputs.fit)
    return Written(of(study), tuple(study.notes))
