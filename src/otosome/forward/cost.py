"""What a simulation will take, before it is begun."""

from __future__ import annotations

from dataclasses import dataclass

from otosome.errors import BadInput
from otosome.forward.planning import plan
from otosome.forward.simulation import ears_at_once
from otosome.model.injury import KINDS
from otosome.study import Study

# Processor time of an ear in an arm, for each step in time and each place along the cochlea: measured once on five
# shipped studies, 60 to 190 us a step for 80 places. A forecast, not a benchmark.
_SECONDS = 1.5e-6
_BYTES = 8
LONGEST_SECONDS = 3600.0
LARGEST_BYTES = 8e9
_STATES = 3


@dataclass(frozen=True)
class Cost:
    """A forecast: ``seconds`` on the workers there are, and ``size`` of the result on disk, bytes."""

    seconds: float
    size: float

    def __str__(self) -> str:
        return f"about {_time(self.seconds)} and {self.size / 1e9:.1f} GB"


def forecast(study: Study, ears: int, workers: int = 2) -> Cost:
    """What ``simulate`` will take, within a factor of about two on a processor of 2020 to 2025."""
    chain = plan(study)
    width = ears_at_once(chain)
    lanes = width * -(-ears // width) * len(chain.arms)
    places = chain.places.places
    states = chain.times.size * (_STATES * len(KINDS) + 1) + len(KINDS) + 2
    return Cost(
        lanes * chain.knots.size * places * _SECONDS / workers,
        float(ears * len(chain.arms) * states * places * _BYTES),
    )


def check_cost(study: Study, ears: int) -> Cost:
    """The forecast; raises BadInput where it passes an hour or 8 GB."""
    cost = forecast(study, ears)
    if cost.seconds > LONGEST_SECONDS or cost.size > LARGEST_BYTES:
        raise BadInput(
            "is a long run",
            file=study.name,
            given=f"{cost}: {ears} ears, {len(study.tables.arm)} arms, {plan(study).times.size} moments",
            allowed=f"up to {_time(LONGEST_SECONDS)} and {LARGEST_BYTES / 1e9:.0f} GB without a word",
            cure="take fewer --subjects, arms or moments, or --insist",
        )
    return cost


def _time(seconds: float) -> str:
    """Seconds, minutes, hours or days, in words."""
    for size, unit in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
