"""A thousand ears understand words: how long.

``python -m tools.benchmark.words [EARS]`` prints two lines; it measures and never fails. The time is
processor time of one thread, the best of seven runs. The ears wear aids, each with a gain of its
own, and hear in noise: the longest way.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from otosome.catalog import Catalog, get
from otosome.evidence import draw_columns
from otosome.model.injury import KINDS, Cells
from otosome.model.transport import Grid
from otosome.roles import Ear

SPECIES = "human"
NOISE, WORN = 55.0, np.array([1.0])


def measure(ears: int) -> dict[str, float]:
    """Seconds from hearing levels to the index, and from cells to words."""
    aid, audiogram, material = (
        bound(ears, *one.split("."))
        for one in ("devices.hearing_aid", "endpoints.audiogram", "materials.nu6")
    )
    score = bound(
        ears, "endpoints", "word_score", audiogram=audiogram, material=material, noise=NOISE, devices=((aid, WORN),)
    )  # fmt: skip
    ear, cells = heard(ears)
    level = score.level(ear, cells)
    return {
        "hearing levels to the index": best(lambda: score.index(level, score.gain(level))),
        "cells to words": best(lambda: score.value(ear, cells, np.ones(1))),
    }


def bound(ears: int, shelf: str, name: str, **options: object) -> Any:
    """An entry with its numbers drawn for some ears."""
    entry = get(shelf, name)
    return entry.bind(draw_columns(entry.parameters(SPECIES).values(), 1, 0, ears), SPECIES, **options)


def heard(ears: int) -> tuple[Ear, Cells]:
    """Ears of the species, each place with some of its cells."""
    place = Grid().place
    card = Catalog().get("species", SPECIES)
    columns = card.columns(draw_columns(card.parameters(SPECIES).values(), 1, 0, ears), SPECIES)
    tonotopy = bound(1, "maps", card.options.map)
    ear = Ear(SPECIES, place, tonotopy.frequency(place)[0, 0], columns["scala_tympani_length"], columns)
    left = np.random.default_rng(1).uniform(0.1, 1.0, (ears, 1, place.size))
    none = dict.fromkeys(KINDS, np.zeros_like(left))
    rates = {}
    for kind in (*KINDS, "stria"):
        entry = get("cells", kind)
        rates[kind] = entry.columns(draw_columns(entry.parameters(SPECIES).values(), 1, 0, ears), SPECIES)
    return ear, Cells(dict.fromkeys(KINDS, left), none, none, np.ones_like(left), rates)


def best(work: Callable[[], object], runs: int = 7) -> float:
    """Processor time of the fastest of some runs, s."""
    took = []
    for _ in range(runs):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return min(took)


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for what, seconds in measure(number).items():
        print(f"{number} aided ears in noise, from {what}: {1e3 * seconds:.1f} ms")
