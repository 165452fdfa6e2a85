"""Forward: from a batch and an insult to hearing. The only place that knows the whole chain.

Ears go through in blocks of fixed width, padded to full; the knots of time depend on the study alone. So a
subject is the same in every arm, for any number of subjects, block or worker.
"""

from otosome.forward.block import (
    TRANSPORT,
    Block,
    endpoint,
)
from otosome.forward.crossing import crossing
from otosome.forward.drawing import best, draw
from otosome.forward.gradient import gradient
from otosome.forward.planning import (
    Given,
    Plan,
    PlannedArm,
    dosed,
    plan,
    planned,
    use_of,
)
from otosome.forward.reading import observe
from otosome.forward.run import (
    Tick,
    blocks,
    ears_at_once,
    forward,
    simulate,
    through,
)

__all__ = [
    "TRANSPORT", "Block", "Given", "Plan", "PlannedArm", "Tick", "best", "blocks", "crossing", "dosed",
    "draw", "ears_at_once", "endpoint", "forward", "gradient", "observe", "plan", "planned", "simulate",
    "through", "use_of",
]  # fmt: skip
