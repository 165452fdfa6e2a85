"""Forward: from a batch and an insult to hearing. The only place that knows the whole chain.

A dose is carried to cells (``carried``), cells meet their fate (``fate``), and endpoints are read of cells
(``measure``). ``simulate`` does all of it for a table of ears, ``evaluate`` for columns of numbers.

Ears go through in blocks of fixed width, padded to full; the knots of time depend on the study alone. So a
subject is the same in every arm, for any number of subjects, block or worker.
"""

from otosome.forward.carried import Carried
from otosome.forward.cochleae import Cochleae
from otosome.forward.crossing import crossing
from otosome.forward.depot import is_large
from otosome.forward.dosing import dosed
from otosome.forward.drawing import best, draw
from otosome.forward.endpoints import came, endpoint, measure, true_value
from otosome.forward.evaluation import Outline, evaluate, outline
from otosome.forward.fate import Fate
from otosome.forward.planning import (
    Plan,
    PlannedArm,
    PlannedTreatment,
    plan,
    planned,
)
from otosome.forward.reading import observe, observed
from otosome.forward.simulation import Tick, blocks, ears_at_once, simulate, through
from otosome.forward.slopes import Jacobian, jacobian

__all__ = [
    "Carried",
    "Cochleae",
    "Fate",
    "Jacobian",
    "Outline",
    "Plan",
    "PlannedArm",
    "PlannedTreatment",
    "Tick",
    "best",
    "blocks",
    "came",
    "crossing",
    "dosed",
    "draw",
    "ears_at_once",
    "endpoint",
    "evaluate",
    "is_large",
    "jacobian",
    "measure",
    "observe",
    "observed",
    "outline",
    "plan",
    "planned",
    "simulate",
    "through",
    "true_value",
]
