"""Drugs against which vesicles are compared: what each does in a study, by how much of it is given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.forward import best, evaluate, plan
from otosome.model.injury import Protection
from otosome.study import Study, load

# How each is given to people around one infusion of cisplatin; amounts are moved below.
GIVEN = {
    "thiosulfate": {"route": "intravenous", "amount": "16000 mg/m2", "at": ["8 h"]},
    "dexamethasone": {"route": "intratympanic", "amount": "4 mg", "volume": "0.4 mL", "at": ["-1 h"]},
    "d_methionine": {"route": "oral", "amount": "7000 mg", "at": ["-1 h"]},
    "ebselen": {"route": "oral", "amount": "400 mg", "at": ["-1 h"]},
    "bimokalner": {"route": "intratympanic", "amount": "1 mg", "volume": "0.4 mL", "at": ["-1 h"]},
}
SHARES = np.array([0.0, 1e-2, 1.0, 1e2, 1e4, 1e6])


def study(solute, insults=("course",)):
    """Three days of a person who gets cisplatin and a drug."""
    return Study.of(
        {
            "otosome": "study/1",
            "species": "human",
            "mechanisms": [],
            "insult": {
                "course": {
                    "entry": "cisplatin",
                    "route": "intravenous",
                    "amount": "400 mg/m2",
                    "duration": "2 h",
                    "at": ["0 h"],
                }
            },
            "drug": {"own": {"solute": solute, **GIVEN[solute]}},
            "arm": [
                {"name": "alone", "insults": list(insults)},
                {"name": "shielded", "insults": list(insults), "drugs": ["own"]},
            ],
            "measure": {"hearing": {"endpoint": "audiogram", "frequency": ["8 kHz"], "at": ["-2 h", "3 d"]}},
        }
    )


def levels(of, shares):
    """Hearing levels at the end alone and with the drug, dB HL, at shares of its dose."""
    chain = plan(of)
    columns = dict(best(of))
    amount = float(of.tables.drug["own"].amount)
    columns["drug.own.amount"] = amount * shares
    wide = {name: np.broadcast_to(column, shares.shape) for name, column in columns.items()}
    values = evaluate(chain, wide, [72.0])["hearing"][:, :, 0, 0]
    return values[:, 0], values[:, 1]


@pytest.fixture(scope="module", params=GIVEN)
def doses(request):
    alone, shielded = levels(study(request.param), SHARES)
    return request.param, alone, shielded


def test_none_of_a_drug_is_no_drug_and_more_of_it_never_shields_less(doses):
    _, alone, shielded = doses
    # An injection of fluid that holds nothing only washes out, which moves a tenth of a decibel at most.
    assert shielded[0] == pytest.approx(alone[0], abs=0.1)
    gain = alone - shielded
    assert np.all(np.diff(gain) >= -1e-6)
    assert gain[-1] > 1.0


def test_what_a_drug_shields_saturates(doses):
    name, alone, shielded = doses
    gain = alone - shielded
    # What thiosulfate cannot undo is what platinum did before it came; what others do has a largest effect.
    assert gain[-1] - gain[-2] < 0.05 * gain[-1], name
    assert gain[-1] < alone[0]


@pytest.mark.parametrize("solute", GIVEN)
def test_a_drug_does_nothing_to_an_ear_that_nothing_harms(solute):
    alone, shielded = levels(study(solute, insults=()), SHARES[[2]])
    assert shielded == pytest.approx(alone, abs=1e-9)


def test_a_drug_whose_effect_is_knocked_out_is_only_fluid():
    whole = study("dexamethasone")
    arms = [arm.model_copy(update={"without": ["dexamethasone"]}) for arm in whole.tables.arm]
    out = replace(whole, tables=whole.tables.model_copy(update={"arm": arms}))
    alone, shielded = levels(out, SHARES[[2]])
    assert shielded == pytest.approx(alone, abs=0.1)
    _, works = levels(whole, SHARES[[2]])
    assert works[0] < shielded[0] - 1.0


def test_a_prodrug_acts_by_what_it_becomes():
    assert load("compare_protectants_child").effects == (
        "bimokalner",
        "d_methionine",
        "dexamethasone",
        "ebselen",
    )
    assert load("intravenous_guinea_pig").effects == ()


def test_an_effect_is_of_a_solute_of_the_shelf(tmp_path):
    (tmp_path / "effects").mkdir()
    shipped = (Catalog().file("effects", "ebselen")).read_text(encoding="utf-8")
    (tmp_path / "effects" / "own.toml").write_text(shipped.replace('of = "ebselen"', 'of = "water"'), "utf-8")
    with pytest.raises(BadInput, match="names nothing on solutes"):
        Catalog((tmp_path,)).get("effects", "own")


def test_protections_together_multiply():
    half, whole = np.full((1, 1, 1), 0.5), np.full((1, 1, 1), 3.0)
    both = Protection({("prevent", "ohc"): half}).times(
        Protection({("prevent", "ohc"): half, ("clear", "stress"): whole})
    )
    assert both.factor("prevent", "ohc") == pytest.approx(0.25)
    assert both.factor("clear", "stress") == pytest.approx(3.0)


def test_the_caution_of_every_drug_is_a_note_of_the_study_that_gives_it():
    notes = load("compare_protectants_child").notes
    assert any(
        note.startswith("thiosulfate:") and "tumour" in note and "not computed" in note for note in notes
    )


def test_a_drug_through_the_eardrum_may_leave_a_hole():
    compared = load("compare_protectants_child")
    assert compared.adverse_events(compared.arm("dexamethasone")) == {"perforation": 4}
    assert compared.adverse_events(compared.arm("thiosulfate")) == {}
