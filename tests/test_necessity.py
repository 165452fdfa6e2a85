"""A test of necessity, as a study states it: a receptor that all effects wait for, blocked in an arm."""

from __future__ import annotations

import numpy as np

from otosome.answers.contrast import benefits
from otosome.answers.late import most
from otosome.forward import draw, observe, simulate
from otosome.study import Study, loads

RECEPTOR = """about = "VEGF on vesicles through its receptor VEGFR2: what a blocker of it abolishes."
gates = true
acts = {}
ec50 = { meaning = "vesicles at half the signal", value = "20 particles/uL", basis = "assumed", because = "a test" }
onset = { meaning = "time to build up", value = "1 h", basis = "assumed", because = "a test" }
offset = { meaning = "time to fade", value = "300 h", basis = "assumed", because = "a test" }

[gate]
meaning = "share of the other mechanisms' effect that waits for VEGFR2"
value = "1"
basis = "assumed"
because = "A blocker abolished all effects of pericytes' vesicles on neurons in culture (doi 10.7554/eLife.83486)."
"""
STUDY = """otosome = "study/1"
species = "mouse"
strain = "cba_caj"
mechanisms = ["hsp70", "anti_inflammatory", "vegf_receptor"]
until = "14 d"
insult.noise = { entry = "noise", level = "106 dB SPL", band = ["8 kHz", "16 kHz"], duration = "2 h", at = ["0 h"] }
treatment.vesicles = { batch = "example_lot", route = "round_window", volume = "2 uL", at = ["-1 d"] }
treatment.vehicle = { batch = "vehicle", route = "round_window", volume = "2 uL", at = ["-1 d"] }
arm = [
    { name = "vehicle", insults = ["noise"], treatments = ["vehicle"] },
    { name = "vesicles", insults = ["noise"], treatments = ["vesicles"] },
    { name = "vesicles and blocker", insults = ["noise"], treatments = ["vesicles"], without = ["vegf_receptor"] },
]
measure.abr = { endpoint = "abr_threshold", frequency = ["16 kHz"], at = ["14 d"] }
compare = { measure = "abr", of = "vesicles", against = "vehicle" }
"""


def test_a_blocked_receptor_that_all_waits_for_abolishes_the_benefit_in_every_ear(tmp_path):
    shelf = tmp_path / "mechanisms"
    shelf.mkdir()
    (shelf / "vegf_receptor.toml").write_text(RECEPTOR)
    study = loads(STUDY, "blocker.toml", shelves=(tmp_path,))
    columns = most(study, dict(draw(study, 10, seed=1)))
    question = study.tables.compare
    free = benefits(study, question, columns)
    blocked = benefits(study, question.model_copy(update={"of": "vesicles and blocker"}), columns)
    assert np.all(free > 1.0)
    assert np.array_equal(blocked, np.zeros_like(blocked))


def test_the_second_ear_of_an_animal_is_its_right_one():
    study = Study.of(
        {
            "otosome": "study/1",
            "species": "mouse",
            "strain": "cba_caj",
            "cohort": {"ears": 2, "animals": 2},
            "arm": [{"name": "quiet"}],
            "measure": {"abr": {"endpoint": "abr_threshold", "frequency": ["16 kHz"], "at": ["1 d"]}},
        }
    )
    table = draw(study, 6, seed=1)
    readings = observe(study, simulate(study, table, workers=1), table)
    assert readings.sort_values("subject")["ear"].tolist() == ["left", "right"] * 3
