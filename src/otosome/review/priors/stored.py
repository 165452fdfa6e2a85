"""Levels that were read in worlds, as the package keeps them: enough to weigh the worlds, and quickly loaded.

A world's numbers are a function of the seed, the number's name and the world alone. So the effects computed once are
those of the same worlds in any other study, and only they are stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from otosome.catalog import Catalog
from otosome.review.experiments.experiment import Experiment, experiments
from otosome.units import Array

STORED = Path(__file__).with_name("worlds.csv")


def arm_of(experiment: Experiment, group: str) -> str:
    """The arm that stands for a group."""
    table = experiment.options.simulate
    return group if table is None else table.same.get(group, group)


def simulated(catalog: Catalog) -> list[Experiment]:
    """The experiments that are in the model, by name."""
    return [e for e in experiments(catalog) if e.options.simulate is not None]


@dataclass(frozen=True)
class Worlds:
    """What experiments would have read in worlds.

    ``levels``    mean thresholds, dB, by ``experiment/arm``, shape (world,)
    ``evidence``  fingerprint of the numbers they were computed with
    """

    levels: dict[str, Array]
    evidence: str

    @property
    def size(self) -> int:
        """How many worlds."""
        return next(iter(self.levels.values())).size

    def benefit(self, experiment: Experiment, treated: str, control: str) -> Array:
        """How much lower the treated group's thresholds lie, dB, shape (world,)."""
        return self.level(experiment, control) - self.level(experiment, treated)

    def level(self, experiment: Experiment, group: str) -> Array:
        """Mean threshold of a group's typical animal, dB, shape (world,)."""
        return self.levels[f"{experiment.name}/{arm_of(experiment, group)}"]

    def has(self, experiment: Experiment) -> bool:
        """Whether an experiment was simulated in these worlds."""
        return any(name.startswith(f"{experiment.name}/") for name in self.levels)


def write(worlds: Worlds, file: Path = STORED) -> None:
    """Write levels to a hundredth of a decibel, a row a world."""
    names = sorted(worlds.levels)
    rows = [f"# {worlds.evidence}", ",".join(names)] + [
        ",".join(f"{worlds.levels[name][row]:.2f}" for name in names) for row in range(worlds.size)
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")


def read(file: Path = STORED) -> Worlds:
    """Worlds that ``write`` has written."""
    mark, head, *rows = file.read_text(encoding="utf-8").splitlines()
    table = np.array([[float(cell) for cell in row.split(",")] for row in rows])
    return Worlds(
        {name: table[:, place] for place, name in enumerate(head.split(","))}, mark.removeprefix("# ")
    )


@lru_cache(maxsize=1)
def shipped() -> Worlds:
    """The worlds that came with the package, read once."""
    return read()


def behind(catalog: Catalog) -> list[str]:
    """Names of the experiments that worlds are weighed by, and that would be were they not withdrawn."""
    return [experiment.name for experiment in simulated(catalog) if shipped().has(experiment)]
