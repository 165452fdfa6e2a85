"""The numbers that a fit sets free, each as the standard normal deviate of its own prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from otosome.errors import BadInput
from otosome.evidence import RUNS, SUBJECTS, Parameter, near
from otosome.study import Study
from otosome.units import Array

# A spread's own 5 and 95 %: so many times less and more.
_FACTOR = 2.0
# A deviate beyond it has a probability of one in double precision, and a number without end.
_FARTHEST = 8.0


@dataclass(frozen=True)
class Free:
    """Free numbers of a study. A deviate of 0 is the best value, of ±1.645 the shelf's 5 and 95 %, whatever the shape.

    Their priors are the shelves' own (or what the study states in ``[numbers]``): independent standard normals in
    deviates. A number that is linked to a free one follows it; all others stand at their best value. A spread between
    animals or runs is free by the name of its number with ``.subjects`` or ``.runs``.
    """

    study: Study
    names: tuple[str, ...]

    @classmethod
    def of(cls, study: Study, names: Sequence[str]) -> Free:
        """The numbers of these names; raises BadInput for one that is unknown, named twice or exactly known."""
        known = numbers_of(study)
        for number, name in enumerate(names):
            key = f"free.{number + 1}"
            if name not in known:
                raise BadInput(
                    "is no number of the study",
                    key=key,
                    given=name,
                    allowed=near(name, known) or sorted(known),
                )
            if name in names[:number]:
                raise BadInput("is named twice", key=key, given=name)
            if known[name].shape == "fixed":
                raise BadInput(
                    "is exactly known, so that its prior leaves no room",
                    key=key,
                    given=name,
                    cure=f'give it a range in the study: [numbers."{name}"] with value, low, high, basis and because',
                )
        return cls(study, tuple(names))

    @cached_property
    def numbers(self) -> tuple[Parameter, ...]:
        """The numbers themselves."""
        known = numbers_of(self.study)
        return tuple(known[name] for name in self.names)

    @cached_property
    def followers(self) -> tuple[Parameter, ...]:
        """Numbers that are not free and linked to one that is."""
        free = set(self.names)
        every = self.study.parameters.values()
        return tuple(p for p in every if p.name not in free and free & {name for name, _ in p.linked})

    def values(self, deviates: Array) -> dict[str, Array]:
        """Columns (lane,) of the free numbers and their followers; ``deviates`` (lane, number) are the numbers' own."""
        own = dict(zip(self.names, deviates.T, strict=True))
        none = np.zeros(len(deviates))
        return {
            p.name: p.quantile(ndtr(np.clip(p.mix(lambda name: own.get(name, none)), -_FARTHEST, _FARTHEST)))
            for p in (*self.numbers, *self.followers)
        }

    def columns(self, deviates: Array) -> dict[str, Array]:
        """Every number of the study, shape (lane,), or (1,) for one that stands at its best value."""
        return {**self.study.best_values, **self.values(deviates)}


def numbers_of(study: Study) -> dict[str, Parameter]:
    """The numbers of a study, and the spreads of these between subjects and between runs as numbers of their own."""
    numbers = dict(study.parameters)
    for p in study.parameters.values():
        spreads = ((SUBJECTS, p.subjects), (RUNS, p.runs))
        numbers |= {f"{p.name}.{kind}": _spread(p, kind, own) for kind, own in spreads if own}
    return numbers


def _spread(p: Parameter, kind: str, own: float) -> Parameter:
    unit = p.unit if p.additive else ""
    return Parameter(
        name=f"{p.name}.{kind}",
        meaning=f"spread between {kind} of: {p.meaning}",
        value=own,
        unit=unit,
        low=own / _FACTOR,
        high=own * _FACTOR,
        shape="lognormal",
        basis="assumed",
        given=f"{own:g} {unit}".strip(),
        because="No shelf states how well a spread is known: half of it to twice.",
    )
