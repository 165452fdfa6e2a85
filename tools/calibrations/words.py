"""Transfer functions of two lists of monosyllables, weighed by how normal ears' words rise with level in quiet.

The papers that fitted a transfer function were read as abstracts, which print no constants. What was read is what
normal ears do in quiet: words rise by 4.1 to 4.9 % per dB (20 to 80 %), the NU-6 and W-22 recordings alike; half are
understood at 28 dB SPL in an earphone, and some 95 % at 32 dB above the threshold for spondees, which is 14.5 dB SPL;
W-22 words reach 95 to 100 % from 40 dB HL on. An ear of 0 dB HL and the index of the standard then leave two
numbers of Fletcher's form to be found. An earphone's level is taken as 7 dB above that of speech in the open: an
assumption, and with it levels are known to 2.5 dB.

One measured slope stands apart and is not used: 3.1 % per dB over a hundred W-22 words, in steps of 8 dB (Wilson and
Carter 2001). Functions found in noise are held to be steeper by others; the ranges do not reach there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from otosome.catalog import get
from otosome.evidence import Parameter
from otosome.model import speech
from otosome.units import Array
from tools.calibrations.weigh import (
    Posterior,
    Row,
    as_drawn,
    between,
    link,
    near,
    prior,
    row,
    shares,
    show,
    weigh,
    write,
)

SPECIES = "human"
LEVELS = np.arange(-5.0, 75.0, 0.5)
# dB SPL in the open: half of the words, 32 dB above the threshold of spondees, 40 dB HL.
HALF, SPONDEES, LOUD = 28.0 - 7.0, 14.5 + 32.0 - 7.0, 40.0 + 20.0 - 7.0
# Points per dB: the mean of what was read of each list, and how far its papers lie apart.
SLOPES = {"nu6": (4.45, 0.3), "cid_w22": (4.45, 0.4)}
READ = {
    "nu6": ("beattie_1977", "abstract; also Wilson 1990, 4.5 % per dB by another speaker"),
    "cid_w22": (
        "beattie_raffin_1985",
        "abstract; also Beattie 1977 and Heckendorf 1997, 4.4 and 4.1 % per dB",
    ),
}
FITTED = {"nu6": "studebaker_1993", "cid_w22": "studebaker_1991"}
FREE = {
    f"materials.{name}.{key}": ends
    for name in SLOPES
    for key, ends in (("q", ("0.2 ", "1.5 ")), ("n", ("0.7 ", "7 ")))
}


def priors() -> dict[str, Parameter]:
    """Scale and power of each list's transfer function."""
    return {name: prior(name, SPECIES, *ends) for name, ends in FREE.items()}


@lru_cache(maxsize=2)
def audible(name: str) -> Array:
    """The index of a normal ear in quiet at each level, by a list's importance."""
    bands = get("endpoints", "word_score").card.profile("bands", SPECIES)
    weight = get("materials", name).card.profile("importance", SPECIES)["weight"]
    spoken = speech.at_level(bands["normal"], bands["frequency"], LEVELS[:, None])
    quiet, still = np.full_like(bands["normal"], speech.SILENCE), np.zeros_like(spoken)
    return np.array([speech.index(still[0], one, quiet, still[0], bands, weight) for one in spoken])


def figures(table: Mapping[str, Array]) -> dict[str, Array]:
    """Slope in % per dB, level of half of the words, and shares at two levels, of each list."""
    found: dict[str, Array] = {}
    for name in SLOPES:
        q, n = (table[f"materials.{name}.{key}"][:, None] for key in ("q", "n"))
        understood = (1.0 - 10.0 ** (-audible(name) / q)) ** n
        fifth, half, most = (
            np.array([np.interp(share, one, LEVELS) for one in understood]) for share in (0.2, 0.5, 0.8)
        )
        # A draw that is beyond all levels has no slope: as steep as one step tells.
        found[f"{name}, slope"] = 60.0 / np.maximum(most - fifth, LEVELS[1] - LEVELS[0])
        found[f"{name}, half"] = half
        for title, level in (("at 32 dB SL", SPONDEES), ("at 40 dB HL", LOUD)):
            found[f"{name}, {title}"] = np.array([np.interp(level, LEVELS, one) for one in understood])
    return found


def targets(table: Mapping[str, Array]) -> dict[str, Array]:
    """How well draws meet each figure: log-likelihoods."""
    found, fits = figures(table), {}
    for name, (slope, error) in SLOPES.items():
        fits[f"{name}, slope"] = near(found[f"{name}, slope"], slope, error)
        fits[f"{name}, half"] = near(found[f"{name}, half"], HALF, 2.5)
        # Words rise by a point or less per dB up there: 2.5 dB and the word "approximately".
        fits[f"{name}, at 32 dB SL"] = near(found[f"{name}, at 32 dB SL"], 0.95, 0.02)
        fits[f"{name}, at 40 dB HL"] = between(found[f"{name}, at 40 dB HL"], 0.95, 1.0, 0.01)
    return fits


def log_likelihood(table: Mapping[str, Array]) -> Array:
    """How well draws meet all of them."""
    return np.sum(list(targets(table).values()), axis=0)


def rows(posterior: Posterior) -> dict[str, Row]:
    """The rows the calibration proposes; the two lists have nothing in common."""
    known, found = priors(), {}
    for name, (source, locator) in READ.items():
        free = [number for number in FREE if number.split(".")[1] == name]
        alone = replace(posterior, deviates={number: posterior.deviates[number] for number in free})
        linked = link(alone, free)
        because = (
            "Calibrated on the rise of normal ears' words with level in quiet (tools/calibrations/words.py); used, "
            "hence no evidence. "
            f"The paper that fitted the function ({FITTED[name]}) was read as an abstract, without constants."
        )
        for number in free:
            made = row(linked, known[number], "", because, source=source, locator=locator)
            found[number] = {key: said for key, said in made.items() if said}
    return found


def main() -> None:
    """Calibrate, print, and with ``--write`` put the rows on their shelves."""
    known = priors()
    posterior = weigh(known, log_likelihood)
    proposed = rows(posterior)
    print(show(proposed))
    drawn = as_drawn(known, proposed)
    for title, table in (("as calibrated", posterior.values), ("as shelves draw the rows", drawn)):
        for name, values in figures(table).items():
            print(f"# {title}, {name}: 5, 50 and 95 %", np.quantile(values, [0.05, 0.5, 0.95]).round(3))
    print(shares(targets(posterior.values), targets(drawn)))
    if "--write" in sys.argv[1:]:
        write(proposed)


if __name__ == "__main__":
    main()
