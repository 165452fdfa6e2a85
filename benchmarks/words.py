"""A thousand ears understand words: how long.

``python benchmarks/words.py [EARS]`` prints one line; it measures and never fails. The time is processor time of one
thread, the best of seven runs.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from otosome import speech
from otosome.catalog import get
from otosome.evidence import draw_columns

SPECIES = "human"


def measure(ears: int) -> dict[str, Any]:
    """Index and words of ears whose aids each give a gain of their own, in noise: the longest way through."""
    bands = get("endpoints", "word_score").card.profile("bands", SPECIES)
    material, aid = (
        bound(shelf, name, ears) for shelf, name in (("materials", "nu6"), ("devices", "hearing_aid"))
    )
    level = np.random.default_rng(1).uniform(0.0, 90.0, (ears, 1, bands["frequency"].size))
    noise = speech.at_level(bands["normal"], bands["frequency"], np.asarray(55.0))
    took = []
    for _ in range(7):
        start = time.process_time()
        gain = aid.gain(level, bands["frequency"])
        heard = speech.index(level, bands["normal"], noise, gain, bands, material.importance["weight"])
        material.share(heard[..., None])
        took.append(time.process_time() - start)
    return {"ears": ears, "seconds": min(took)}


def bound(shelf: str, name: str, ears: int) -> Any:
    """An entry with its numbers drawn for some ears."""
    entry = get(shelf, name)
    return entry.bind(draw_columns(entry.parameters(SPECIES).values(), 1, 0, ears), SPECIES)


def line(found: dict[str, Any]) -> str:
    """What it took, in a sentence."""
    return (
        f"{found['ears']} aided ears in noise, from hearing levels to words: {1e3 * found['seconds']:.1f} ms"
    )


if __name__ == "__main__":
    print(line(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)))
