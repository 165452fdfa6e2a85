"""Studies drawn at random from the shelves: each is computed whole, or refused in words before anything is computed."""

from __future__ import annotations

import random

import numpy as np
import pytest

from otosome import draw, simulate
from otosome.errors import BadInput
from otosome.study import Study

LOCAL = ("round_window", "intracochlear", "intratympanic", "posterior_canal", "cisterna")
SYSTEMIC = ("intravenous", "intraperitoneal", "subcutaneous")
MECHANISMS = (
    "anti_apoptotic",
    "anti_inflammatory",
    "antioxidant",
    "autophagy",
    "hsp70",
    "loaded_mirna",
    "neurotrophic",
)
RODENTS = ("guinea_pig", "mouse", "rat")


def insults(die: random.Random, species: str) -> dict[str, dict[str, object]]:
    """No insult, or one or two of a kind that the species has."""
    drawn: dict[str, dict[str, object]] = {}
    for number in range(die.choice((0, 1, 1, 1, 2))):
        kind = die.choice(("cisplatin", "aminoglycoside", "noise", "sham_surgery", "implantation"))
        use: dict[str, object] = {"entry": kind, "at": ["0 h"] if not drawn else [f"{die.randint(0, 40)} h"]}
        if kind in ("cisplatin", "aminoglycoside"):
            use |= {"route": die.choice(SYSTEMIC), "amount": f"{10 ** die.uniform(-2, 0.9):.3g} mg/kg"}
        elif kind == "noise":
            low = die.uniform(1.0, 8.0)
            use |= {
                "level": f"{die.uniform(60, 118):.1f} dB SPL",
                "band": [f"{low:.2f} kHz", f"{low * die.uniform(1.1, 3):.2f} kHz"],
                "duration": f"{10 ** die.uniform(-1, 0.9):.2g} h",
            }
        drawn[f"i{number}"] = use
    return drawn


def treatments(die: random.Random) -> dict[str, dict[str, object]]:
    """Vesicles or their vehicle by any route, before, with or after what they are given for."""
    drawn: dict[str, dict[str, object]] = {}
    for number in range(die.choice((0, 1, 1, 1, 2))):
        route = die.choice(LOCAL + SYSTEMIC)
        use: dict[str, object] = {
            "batch": die.choice(("example_lot", "example_lot", "vehicle")),
            "route": route,
            "volume": f"{10 ** die.uniform(-1, 1):.2g} uL",
            "at": [f"{die.choice((-24, -1, 0, 3, 30))} h"],
        }
        if use["batch"] != "vehicle" and die.random() < 0.5:
            use["amount"] = f"{10 ** die.uniform(3, 9):.3g} particles"
        if die.random() < 0.3:
            use["potency"] = die.choice((0.0, 0.3, 2.0))
        drawn[f"t{number}"] = use
    return drawn


def measures(die: random.Random, species: str) -> dict[str, dict[str, object]]:
    """One to three things measured, at one to three moments and frequencies."""
    choice = ["cell_count"] + (["audiogram"] if species == "human" else ["abr_threshold", "dpoae", "wave1"])
    drawn: dict[str, dict[str, object]] = {}
    for number in range(die.choice((1, 1, 2, 3))):
        kind = die.choice(choice)
        top = 8.0 if species == "human" else 30.0
        use: dict[str, object] = {
            "endpoint": kind,
            "frequency": [f"{die.uniform(2.1, top):.2f} kHz" for _ in range(die.choice((1, 2)))],
            "at": [f"{at} h" for at in sorted(die.sample(range(48), die.choice((1, 2))))],
        }
        if kind == "audiogram":
            use["frequency"] = [die.choice(("0.5 kHz", "1 kHz", "4 kHz", "8 kHz"))]
        if kind == "cell_count":
            use["cell"] = die.choice(("OHC", "IHC", "SGN", "synapse"))
        if kind == "wave1":
            use["level"] = f"{die.choice((60, 80))} dB SPL"
        drawn[f"m{number}"] = use
    return drawn


def study(seed: int) -> dict[str, object]:
    """The keys of one study file."""
    die = random.Random(seed)
    species = die.choice((*RODENTS, "human"))
    suffered, given = insults(die, species), treatments(die)
    arms: list[dict[str, object]] = [{"name": "all", "insults": list(suffered), "treatments": list(given)}]
    arms += [{"name": "untreated", "insults": list(suffered)}] if given else []
    return {
        "otosome": "study/1",
        "title": f"drawn by {seed}",
        "question": "Does it compute?",
        "species": species,
        "mechanisms": die.sample(MECHANISMS, die.randint(0, 3)),
        "until": "48 h",
        "insult": suffered,
        "treatment": given,
        "arm": arms,
        "measure": measures(die, species),
    }


def computed(seed: int) -> bool:
    """Whether a drawn study is valid; it is then computed, and its numbers are looked at."""
    try:
        asked = Study.of(study(seed), name=f"drawn_{seed}")
    except BadInput:
        return False
    again = Study.of(asked.as_dict(), name=asked.name)
    assert again.as_dict() == asked.as_dict()
    result = simulate(asked, draw(asked, 2, seed=seed), workers=1)
    for name, values in result.data_vars.items():
        if np.issubdtype(values.dtype, np.floating):
            assert np.isfinite(values).all(), f"{name} of the study drawn by {seed}"
    assert float(result["mass_balance_error"].max()) < 1e-6
    return True


def test_studies_drawn_at_random_compute_or_are_refused_in_words():
    assert sum(computed(seed) for seed in range(6)) >= 2


@pytest.mark.slow
def test_a_thousand_studies_drawn_at_random_compute_or_are_refused_in_words():
    assert sum(computed(seed) for seed in range(1000)) >= 500
