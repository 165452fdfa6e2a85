"""Where a dose goes, and what to measure next: shares sum to one, and what a reading tells is what theory says."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from typer.testing import CliRunner

from otosome.catalog import SHELVES, Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.study import Study, load
from otosome.trials import delivery
from otosome.trials.delivery import STILL, arm_of, destinations, ledger, measurements, narrowings
from otosome.trials.next_experiment import Candidate, Kind, _shown, informs, next_experiment, now, ranked

STUDY = load("noise_mouse")
CATALOG = Catalog()


@pytest.fixture(autouse=True)
def few_numbers(monkeypatch):
    """Only numbers of solutes are moved here: those of routes, species and batches take longer and add nothing."""
    monkeypatch.setattr(delivery, "_CARRYING", ("solutes",))


@pytest.fixture(scope="module")
def shares():
    return destinations(STUDY, arm_of(STUDY), 6, 1, 1)["vesicles"]


def test_all_that_is_given_goes_somewhere_and_nothing_comes_from_nowhere(shares):
    assert np.sum(list(shares.values()), axis=0) == pytest.approx(1.0, abs=1e-6)
    assert all(np.all(values >= -1e-9) for values in shares.values())


def test_what_is_given_into_a_vein_spills_nothing_and_ends_with_the_body():
    vein = load("intravenous_guinea_pig")
    by_solute = destinations(vein, arm_of(vein), 4, 1, 1)
    for given in by_solute.values():
        assert given["spilt, or never reached the body"] == pytest.approx(0.0, abs=1e-9)
        assert given["left the middle ear, swallowed"].max() < 0.01
        assert np.all(given["taken from blood by the body"] + given[STILL] > 0.5)


def test_numbers_are_ranked_by_how_far_they_move_what_arrives_and_a_known_one_moves_nothing():
    rows = narrowings(STUDY, arm_of(STUDY), "vesicles", 1)
    assert [row.part for row in rows] == sorted((row.part for row in rows), reverse=True)
    assert sum(row.part for row in rows) <= 1.0 + 1e-9
    window = "solutes.vesicle.round_window_permeability"
    assert rows[0].parameter.name == window
    # More permeable, more arrives.
    assert rows[0].at_high > 10 * rows[0].at_low
    pinned = {"value": "1e-7 cm/s", "basis": "assumed", "because": "as if it had been measured"}
    known = Study.of({**STUDY.as_dict(), "numbers": {window: pinned}}, name="noise_mouse")
    assert window not in [row.parameter.name for row in narrowings(known, arm_of(known), "vesicles", 1)]


def test_every_number_of_a_measurement_is_of_some_shelf_and_every_unknown_of_vesicles_can_be_measured():
    known = {
        key
        for shelf in SHELVES
        for name in CATALOG.names(shelf)
        for key in CATALOG.get(shelf, name).card.parameters
    }
    for name in CATALOG.names("measurements"):
        assert set(CATALOG.get("measurements", name).options.numbers) <= known, name
    for key, by_species in CATALOG.get("solutes", "vesicle").card.parameters.items():
        if any(number.low < number.high for number in by_species.values()):
            assert key in measurements(STUDY), key


def test_of_two_measurements_of_a_number_the_cheaper_is_named():
    # Perilymph of animals over ten days tells it too, a dish over four days is cheaper.
    assert measurements(STUDY)["loss"] == "incubated_perilymph"


def test_a_study_that_gives_nothing_has_no_ledger():
    whole = STUDY.as_dict()
    bare = {**whole, "arm": [{"name": "106 dB", "insults": whole["arm"][1]["insults"]}], "treatment": {}}
    bare.pop("compare")
    with pytest.raises(BadInput, match="gives neither vesicles nor a drug"):
        ledger(Study.of(bare), 4, 1, 1)


def test_what_a_reading_tells_of_a_normal_benefit_is_the_square_of_their_correlation():
    random = np.random.default_rng(5)
    true = random.normal(8.0, 4.0, 4000)
    for noise in (1.0, 4.0, 8.0):
        read = true + noise * random.standard_normal(true.size)
        narrows, right = informs(true, read, 10.0)
        assert narrows == pytest.approx(16.0 / (16.0 + noise**2), abs=0.03)
        # The chance of being right, by numbers: where the posterior mean stands to the limit.
        mean = 8.0 + narrows * (read - 8.0)
        assert right == pytest.approx(((mean >= 10.0) == (true >= 10.0)).mean(), abs=0.02)


def test_without_an_experiment_the_likelier_side_is_right_as_often_as_it_is_likely():
    for worth, right in ((0.5, 1.0), (1.5, 0.75), (2.5, 0.5), (3.5, 0.75), (4.0, 0.75), (9.0, 1.0)):
        true = np.array([1.0, 2.0, 3.0, 4.0])
        assert now(true, worth) == right
        # Nor does it matter which side is called better, where no world lies on the limit.
        assert worth == 4.0 or now(-true, -worth) == right


def test_a_reading_that_tells_nothing_narrows_nothing_and_one_that_tells_all_narrows_all():
    random = np.random.default_rng(6)
    true = random.normal(8.0, 4.0, 200)
    narrows, right = informs(true, random.standard_normal(200), 10.0)
    assert narrows < 0.03
    assert right == pytest.approx(now(true, 10.0), abs=0.05)
    assert informs(true, true, 10.0)[0] == pytest.approx(1.0)
    assert informs(true, np.zeros(200), 10.0) == (0.0, now(true, 10.0))


def test_more_animals_narrow_more_and_the_measure_that_follows_the_benefit_comes_first():
    random = np.random.default_rng(7)
    true = random.normal(8.0, 4.0, 600)
    near = Kind("near", 1.0, 24.0, true, np.full(600, 6.0))
    far = Kind("far", 1.0, 24.0, random.normal(8.0, 4.0, 600), np.full(600, 6.0))
    rows = ranked(true, [far, near], 10.0, 1)
    assert rows[0].measure == "near"
    own = sorted((row for row in rows if row.measure == "near"), key=lambda row: row.animals)
    assert all(a.narrows <= b.narrows + 0.01 for a, b in pairwise(own))
    # Two groups of n that spread by 6 dB: the mean difference errs by 6 root(2/n).
    for row in own:
        assert row.narrows == pytest.approx(16.0 / (16.0 + 72.0 / row.animals), abs=0.06)


def test_a_choice_of_experiments_needs_a_comparison_and_enough_ears():
    with pytest.raises(BadInput, match="too few"):
        next_experiment(STUDY, 8, 1, 1)
    with pytest.raises(BadInput, match="compares no treatment"):
        next_experiment(load("compare_protectants_child"), 100, 1, 1)


@pytest.mark.parametrize(("verb", "ears"), [("ledger", 4), ("next", 48)])
def test_the_command_line_answers_with_a_page_and_rows(tmp_path, verb, ears):
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app, [verb, "noise_mouse", "--subjects", str(ears), "--out", str(out), "--json"]
    )
    assert done.exit_code == 0, done.output
    (design,) = json.loads(done.stdout)["result"]["designs"]
    assert design["design"] == verb
    assert {"report.html", f"noise_mouse_{verb}.csv", "noise_mouse.toml"} <= {f.name for f in out.iterdir()}
    shown = CliRunner().invoke(app, ["show", str(out)])
    assert shown.exit_code == 0
    assert design["plan"]["headline"] in shown.output
    refused = CliRunner().invoke(app, [verb, "noise_mouse", "--prior", "none", "--out", str(tmp_path / "b")])
    assert refused.exit_code == 2


def test_of_each_kind_the_fewest_animals_that_tell_nine_tenths_of_the_most_are_shown():
    def one(measure, animals, narrows, dose=1.0):
        return Candidate(measure, dose, 24.0, animals, narrows, 0.5)

    candidates = [
        one("abr", 20, 0.50), one("abr", 12, 0.45), one("abr", 8, 0.449), one("counts", 9, 0.60),
        one("counts", 6, 0.55), one("abr", 6, 0.70, dose=2.0), one("words", 6, 0.0),
    ]  # fmt: skip
    shown = [(each.measure, each.dose, each.animals) for each in _shown(candidates)]
    # Those that tell most first; what tells nothing is not shown.
    assert shown == [("abr", 2.0, 6), ("counts", 1.0, 6), ("abr", 1.0, 12)]


def test_vesicles_are_to_reach_the_organ_of_corti_and_a_drug_the_fluid_it_is_measured_in():
    assert delivery.target_of(delivery.VESICLES) == "organ_of_corti"
    assert delivery.target_of("dexamethasone") == "scala_tympani"


def test_where_vesicles_go_and_where_a_drug_goes_is_headed_so_and_nothing_of_no_share_is_listed():
    shares = {"nowhere": np.zeros(3), "a little": np.full(3, 0.2), "most": np.full(3, 0.8)}
    heads = {}
    for solute in (delivery.VESICLES, "sodium_thiosulfate"):
        where, _ = delivery._parts(STUDY, solute, shares, [])
        heads[solute] = where.heading
        assert [line.name for line in where.lines] == ["most", "a little"]
    assert heads == {
        delivery.VESICLES: "Where vesicles go",
        "sodium_thiosulfate": "Where sodium thiosulfate goes",
    }
