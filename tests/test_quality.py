"""From a batch to the dose: size classes, vesicles and soluble protein given, potency, measured lots."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

import otosome
from lots import counts as counts_file
from otosome.cards import make_card, read_toml
from otosome.catalog import Catalog, get
from otosome.errors import BadInput
from otosome.laboratory.reading import read_batch
from otosome.lots.batch import Batch, protein_given, vesicles_given
from otosome.lots.counted import drawn_sizes, measured_lot, recognises
from otosome.lots.sizes import classes, lognormal_classes
from otosome.shelves.instruments.nanosight import read

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data"
EXAMPLE = ROOT / "examples" / "nanosight_export.csv"
SHELF = Path(otosome.__file__).parent / "shelves" / "batches"
BASE = read_toml(SHELF / "example_lot.toml")
FRACTIONS = ("vesicle_fraction", "storage_survival", "adsorption_survival", "needle_survival")
positive = st.floats(1e-3, 1e3)


def batch(name: str = "example_lot", **changes: float) -> Batch:
    """A shelf batch at its best values, for one subject."""
    parameters = get("batches", name).parameters("")
    columns = {key: np.array([changes.get(key, p.value)]) for key, p in parameters.items()}
    return Batch.of(name, columns)


def drawn(name: str, subjects: int = 300) -> Batch:
    parameters = get("batches", name).parameters("")
    return Batch.of(name, {key: p.draw(7, 0, subjects) for key, p in parameters.items()})


def lot(file: Path = EXAMPLE, day_to_day: float = 0.15):
    return measured_lot(read(file), BASE, "example_lot", day_to_day, "vestad_2017")


def bound(made) -> Batch:
    """A measured lot at its best values, as the shelf's reader sees it."""
    card = make_card(made.values, "batches", made.name, "measured")
    return Batch.of(
        made.name, {k: np.array([p[""].value]) for k, p in card.parameters.items()}, card.options.class_ratio
    )


# Size classes


@given(st.lists(st.tuples(positive, st.floats(0, 1e9)), min_size=1, max_size=60), st.integers(1, 7))
def test_classes_hold_equal_counts_and_diffuse_as_the_whole_does(bins, n):
    size, count = np.array(bins).T
    count[0] += 1.0
    diameter, weight = classes(size, count, n)
    assert weight == pytest.approx(np.full(n, 1 / n))
    # Diffusion goes as 1/d: its mean over particles is kept exactly.
    assert (weight / diameter).sum() == pytest.approx((count / size).sum() / count.sum())
    assert (np.diff(diameter) >= -1e-9 * diameter[:-1]).all()
    assert diameter[0] >= size.min() * (1 - 1e-9)
    assert diameter[-1] <= size.max() * (1 + 1e-9)


@given(st.lists(st.tuples(positive, st.floats(0, 1e9)), min_size=2, max_size=30), st.randoms())
def test_the_order_of_bins_does_not_matter(bins, chance):
    shuffled = list(bins)
    chance.shuffle(shuffled)
    one, two = (np.array(b).T + np.array([[0.0], [1.0]]) for b in (bins, shuffled))
    assert classes(*one)[0] == pytest.approx(classes(*two)[0])


def test_particles_of_one_size_make_classes_of_that_size():
    assert classes(np.array([100.0]), np.array([5.0]))[0] == pytest.approx([100, 100, 100])
    assert lognormal_classes(np.array([100.0]), np.array([1.0]))[0][:, 0] == pytest.approx([100, 100, 100])


@given(st.floats(50, 300), st.floats(1.0, 2.5), st.integers(1, 6))
@settings(max_examples=30)
def test_lognormal_classes_are_those_of_a_finely_binned_distribution(median, spread, n):
    z = np.linspace(-8, 8, 20_001)
    binned, _ = classes(median * np.exp(np.log(spread) * z), np.exp(-(z**2) / 2), n)
    exact, weight = lognormal_classes(np.array([median]), np.array([spread]), n)
    # The bins are 0.0008 standard deviations wide, and the boundary bin is shared.
    assert exact[:, 0] == pytest.approx(binned, rel=1e-3)
    assert weight.sum() == pytest.approx(1.0)


def test_the_middle_of_three_classes_is_near_the_median_and_the_others_around_it():
    diameter = lognormal_classes(np.array([96.0]), np.array([1.45]))[0][:, 0]
    assert diameter[1] == pytest.approx(96.0, rel=0.01)
    assert diameter[0] < 70 < 130 < diameter[2]


@pytest.mark.parametrize(
    ("diameters", "counts", "n"),
    [([100.0], [0.0], 3), ([], [], 3), ([0.0], [1.0], 3), ([-1.0, 2.0], [1.0, 1.0], 3), ([1.0], [-1.0], 3),
     ([np.nan], [1.0], 3), ([1.0], [np.inf], 3), ([1.0], [1.0], 0)],
)  # fmt: skip
def test_sizes_without_particles_or_sense_are_refused(diameters, counts, n):
    with pytest.raises(ValueError, match="expected"):
        classes(np.array(diameters), np.array(counts), n)


# Vesicles given


def test_ten_microlitres_of_the_example_lot_hold_what_twenty_micrograms_hold():
    whole = batch(**dict.fromkeys(FRACTIONS, 1.0))
    assert vesicles_given(whole, volume=10.0).sum() == pytest.approx(
        vesicles_given(whole, protein=20.0).sum()
    )


def test_vesicles_are_particles_times_every_share_that_remains():
    one = batch()
    remaining = np.prod([getattr(one, key) for key in FRACTIONS])
    assert vesicles_given(one, particles=1e9).sum() == pytest.approx(1e9 * remaining)
    assert vesicles_given(one, particles=1e9)[:, 0] == pytest.approx(np.full(3, 1e9 * remaining / 3))


@given(st.floats(0, 1e12), st.floats(0, 10))
def test_a_dose_is_proportional_to_its_amount(amount, factor):
    for kind in ("particles", "protein", "cells", "volume"):
        once, more = (vesicles_given(batch(), **{kind: a}) for a in (amount, amount * factor))
        assert more == pytest.approx(once * factor)


@pytest.mark.parametrize("key", FRACTIONS)
def test_a_larger_share_never_gives_fewer_vesicles(key):
    given_ = [vesicles_given(batch(**{key: share}), volume=5.0).sum() for share in (0.0, 0.3, 1.0)]
    assert given_[0] == 0.0
    assert given_ == sorted(given_)


def test_the_same_dose_in_particles_protein_cells_or_volume_is_the_same():
    one = batch()
    counted = 5.0 * one.particles
    doses = [
        {"particles": counted}, {"protein": counted / one.purity}, {"cells": counted / one.yield_per_cell},
        {"volume": 5.0}, {"particles": counted, "volume": 5.0},
    ]  # fmt: skip
    for dose in doses:
        assert vesicles_given(one, **dose) == pytest.approx(vesicles_given(one, volume=5.0))
        assert protein_given(one, **dose) == pytest.approx(protein_given(one, volume=5.0))


def test_twenty_micrograms_of_protein_hold_at_most_that_much_soluble_protein():
    for subject in (batch(), drawn("example_lot")):
        soluble = protein_given(subject, protein=20.0)
        assert (soluble >= 0).all()
        assert (soluble <= 20.0).all()


def test_a_counting_error_moves_the_vesicles_and_not_the_protein_of_a_counted_dose():
    one, off = batch(), batch(count_error=1.25)
    assert vesicles_given(off, particles=1e9) == pytest.approx(1.25 * vesicles_given(one, particles=1e9))
    assert protein_given(off, particles=1e9) == pytest.approx(protein_given(one, particles=1e9))


def test_conversions_are_uncertain_and_so_is_the_dose():
    many = drawn("example_lot")
    spread = {
        kind: np.ptp(np.log10(vesicles_given(many, **{kind: 1.0}).sum(axis=0)))
        for kind in ("particles", "protein", "cells", "volume")
    }
    assert spread["particles"] < spread["protein"]
    assert spread["particles"] < spread["cells"]
    assert spread["cells"] > 1.0


@pytest.mark.parametrize(
    ("dose", "says"),
    [
        ({}, "one amount"), ({"particles": 1.0, "protein": 1.0}, "one amount"),
        ({"particles": -1.0}, "negative"),
        ({"volume": np.nan}, "finite"), ({"cells": np.array([1.0, -1.0])}, "negative"),
    ],
)  # fmt: skip
def test_a_dose_without_or_with_two_amounts_or_a_negative_one_is_refused(dose, says):
    with pytest.raises(ValueError, match=says):
        vesicles_given(batch(), **dose)


def test_the_vehicle_gives_neither_vesicle_nor_protein_whatever_the_dose():
    for dose in ({"volume": 5.0}, {"particles": 2e9}, {"protein": 20.0}, {"cells": 1e6}):
        assert (vesicles_given(batch("vehicle"), **dose) == 0).all()
        assert (protein_given(batch("vehicle"), **dose) == 0).all()


# Batches


@pytest.mark.parametrize("name", ["example_lot", "vehicle"])
def test_every_batch_states_the_same_numbers_and_its_sources_resolve(name):
    card = get("batches", name).card
    assert set(card.parameters) == set(get("batches", "example_lot").card.parameters)
    for key in card.parameters:
        parameter = card.parameter(key, "")
        if parameter.source is not None:
            assert Catalog().source(parameter.source).title


@pytest.mark.parametrize("name", ["example_lot", "vehicle"])
def test_every_draw_of_a_batch_is_one_a_batch_can_have(name):
    many = drawn(name, 3000)
    assert many.weight.sum(axis=0) == pytest.approx(np.ones(3000))
    assert (many.diameter > 0).all()
    assert (np.diff(many.diameter, axis=0) >= 0).all()
    assert ((many.intact >= 0) & (many.intact <= 1)).all()


def test_lots_differ_in_potency_and_subjects_of_a_lot_do_not():
    potency = drawn("example_lot", 9).potency_of("hsp70")
    assert len(set(potency[:3])) == 3
    assert potency[:3] == pytest.approx(potency[3:6])


def test_a_mechanism_without_its_own_potency_has_the_generic_one():
    one = batch(potency_hsp70=2.0, potency=0.5)
    assert one.potency_of("hsp70") == pytest.approx([2.0])
    assert one.potency_of("neurotrophic") == pytest.approx([0.5])


def test_natural_vesicles_carry_less_than_a_hundredth_of_a_copy_with_the_published_mean_and_spread():
    copies = get("batches", "example_lot").card.parameter("mirna_copies", "")
    sigma = np.sqrt(np.log1p((0.02 / 0.00825) ** 2))
    median = 0.00825 * np.exp(-(sigma**2) / 2)
    z = 1.6448536
    stated = [copies.low, copies.value, copies.high]
    assert stated == pytest.approx(list(median * np.exp(np.array([-z, 0, z]) * sigma)), rel=0.01)


def test_a_batch_that_lacks_a_number_says_which():
    columns = {key: np.ones(2) for key in get("batches", "example_lot").card.parameters if key != "purity"}
    with pytest.raises(ValueError, match=r"batches\.mine: purity: a batch lacks a number"):
        Batch.of("mine", columns)


@pytest.mark.parametrize(("key", "value"), [("vesicle_fraction", 1.2), ("spread", 0.9), ("purity", 0.0)])
def test_a_number_no_batch_can_have_is_refused(key, value):
    with pytest.raises(ValueError, match=f"{key}: is not a number a batch can have"):
        batch(**{key: value})


@pytest.mark.parametrize("ratio", [[], [1.0, -1.0], "wide", ["1"], [float("inf")]])
def test_class_ratios_that_are_no_diameters_are_refused(ratio):
    with pytest.raises(BadInput, match=r"mine\.toml: class_ratio"):
        make_card({"about": "A lot.", "class_ratio": ratio}, "batches", "mine", "mine.toml")


def test_a_batch_toml_is_told_from_an_export_by_its_content():
    assert recognises((SHELF / "example_lot.toml").read_bytes()[:512])
    assert recognises(b"\xef\xbb\xbf# mine\n\n[diameter]\nvalue = '96 nm'\n")
    assert not recognises(EXAMPLE.read_bytes()[:512])
    assert not recognises(b"Original File:\tx.avi\tSection:")
    assert not recognises(b'{"a": 1}')
    assert not recognises(b"")
    assert not recognises(b"\x89PNG\r\n\x1a\n" + b"a" * 10_000)


# A batch from an export


def test_a_measured_lot_has_the_size_and_count_of_its_file():
    card = make_card(lot().values, "batches", lot().name, "measured")
    assert card.parameter("particles", "").value == pytest.approx(4.02e8, rel=5e-3)
    assert card.parameter("particles", "").basis == "measured"
    # D50 as printed under Size Data.
    assert card.parameter("diameter", "").value == pytest.approx(96.2e-6, rel=2e-3)
    assert card.parameter("spread", "").value == pytest.approx(1.45, abs=0.02)


def test_classes_of_a_measured_lot_diffuse_as_its_bins_do():
    table, made = read(EXAMPLE), bound(lot())
    mean = (table["concentration"] / table["diameter"]).sum() / table["concentration"].sum()
    # Ratios are written with six digits.
    assert (made.weight / made.diameter).sum() == pytest.approx(mean, rel=1e-4)


def test_a_measured_lot_says_that_all_else_is_its_bases():
    made = lot()
    changed = {
        "about",
        "base",
        "sample",
        "class_ratio",
        "particles",
        "diameter",
        "spread",
        "count_error",
        "profile",
    }
    assert {key for key in made.values if made.values[key] != BASE.get(key)} == changed
    assert made.values["base"] == "example_lot"
    assert any("nanosight_export.csv" in note for note in made.notes)
    assert any("'example_lot', not of this lot" in note for note in made.notes)


def test_every_source_of_a_measured_lot_resolves_and_it_survives_being_written():
    made = lot()
    assert tomllib.loads(tomli_w.dumps(made.values)) == made.values
    card = make_card(made.values, "batches", made.name, "measured")
    for key in card.parameters:
        parameter = card.parameter(key, "")
        assert parameter.source is None or Catalog().source(parameter.source)


def test_the_count_errs_by_its_videos_and_by_the_day():
    def error(day_to_day):
        return make_card(lot(day_to_day=day_to_day).values, "batches", "x", "x").parameter("count_error", "")

    one, none = error(0.15), error(0.0)
    # 1.6449 standard deviations of the log; the videos add little to 15 % between days.
    assert np.log(one.high) == pytest.approx(1.6449 * np.sqrt(np.log1p(0.15**2)), rel=0.01)
    assert one.low * one.high == pytest.approx(1.0, rel=1e-5)
    # Student's t with four degrees of freedom on a standard error of 0.5 %.
    counts = read(EXAMPLE).groupby("replicate")["concentration"].sum()
    assert np.log(none.high) == pytest.approx(2.132 * counts.sem() / counts.mean(), rel=0.01)


def test_one_video_alone_has_the_error_of_the_day():
    table = read(EXAMPLE)
    made = measured_lot(table[table["replicate"] == 2], BASE, "example_lot", 0.15, "vestad_2017")
    card = make_card(made.values, "batches", "x", "x")
    assert card.parameter("diameter", "").shape == "fixed"
    assert np.log(card.parameter("count_error", "").high) == pytest.approx(
        1.6449 * np.sqrt(np.log1p(0.15**2)), rel=1e-4
    )


def test_warnings_and_an_unrecorded_dilution_reach_the_user():
    table = read(EXAMPLE)
    flag = "Dilution factor: Not recorded"
    table = table.assign(
        dilution_applied=np.nan, flag=np.where(table["replicate"] == 2, f"{flag}; Brightness: low", flag)
    )
    notes = measured_lot(table, BASE, "example_lot", 0.15, "vestad_2017").notes
    assert f"Flagged in {EXAMPLE.name}: {flag} (every video used)." in notes
    assert f"Flagged in {EXAMPLE.name}: Brightness: low (video 2)." in notes


def test_an_export_without_its_dilution_is_taken_as_printed_and_says_so(tmp_path):
    counts_file(tmp_path / "thin.csv", recorded=False)
    notes = read_batch(tmp_path / "thin.csv", Catalog()).notes
    assert any("count is taken as printed" in note for note in notes)


@pytest.mark.parametrize("sample", ["", "../../etc/passwd", "=1+1", "[table]\nx = 1", "Ünïcode", "a" * 500])
def test_a_strange_sample_name_makes_a_plain_key_and_stays_text(sample):
    table = read(EXAMPLE).assign(sample=sample)
    made = measured_lot(table, BASE, "example_lot", 0.15, "vestad_2017")
    assert made.name.isascii()
    assert made.name.replace("_", "").isalnum()
    assert len(made.name) < 60
    assert made.values["sample"] == sample


def test_a_table_of_two_samples_or_of_none_is_refused():
    table = read(EXAMPLE)
    two = pd.concat([table, table.assign(sample="other")])
    for wrong in (two, table.iloc[:0], table.assign(concentration=0.0)):
        with pytest.raises(ValueError, match="one sample with particles"):
            measured_lot(wrong, BASE, "example_lot", 0.15, "vestad_2017")


def test_an_entry_that_is_no_batch_cannot_be_the_base():
    with pytest.raises(ValueError, match="particles: is not the entry of a batch"):
        measured_lot(read(EXAMPLE), {"about": "x"}, "mine", 0.15, "vestad_2017")


@pytest.mark.parametrize(
    ("folder", "file", "median", "tolerance"),
    [
        # 3.2 prints D50 by a convention of its own, up to 1.5 nm below that of 3.4.
        ("nta_nanosight", "beads.csv", 96.4, 1.5),
        ("nta_nanosight", "beads2.csv", 99.8, 0.1),
        ("nta_nanosight_vesicles", "ATCC_24h_C_LS 2020-09-18 11-36-53-ExperimentSummary.csv", 168.1, 0.1),
        ("nta_nanosight_vesicles", "HOT1A3_144h_B_LS 2020-09-21 11-54-59-ExperimentSummary.csv", 146.2, 0.1),
        ("nta_nanosight_vesicles", "MIT_24h_C_LS 2020-09-23 11-05-54-ExperimentSummary.csv", 166.9, 0.1),
    ],
)
def test_a_real_file_becomes_a_batch_with_the_median_it_prints(folder, file, median, tolerance):
    path = REAL / folder / file
    if not path.is_file():
        pytest.skip(f"{file} is not here: it is not ours to pass on")
    made = lot(path)
    card = make_card(made.values, "batches", made.name, "measured")
    assert 1e6 * card.parameter("diameter", "").value == pytest.approx(median, abs=tolerance)
    assert (vesicles_given(bound(made), volume=5.0) > 0).all()


# The figure


def test_the_drawn_distribution_of_an_entry_peaks_at_its_mode():
    sizes = drawn_sizes(batch(), "invented")
    density = np.array(sizes["density"])
    assert density.max() == pytest.approx(1.0)
    mode = 96 * np.exp(-(np.log(1.45) ** 2))
    assert np.array(sizes["diameter"])[density.argmax()] == pytest.approx(mode, rel=0.02)
    assert sum(size["weight"] for size in sizes["classes"]) == pytest.approx(1.0)


def test_the_drawn_distribution_of_a_measured_lot_is_the_measured_one():
    made = lot()
    card = make_card(made.values, "batches", made.name, "measured")
    sizes = drawn_sizes(bound(made), "measured", card.profile("sizes", ""))
    assert sizes["diameter"] == made.values["profile"]["sizes"]["diameter"]
    assert 80 < sizes["diameter"][int(np.argmax(sizes["density"]))] < 100
    assert len(sizes["diameter"]) < 250


def test_a_batch_of_one_size_is_drawn_as_one_narrow_peak():
    single = replace(batch(spread=1.0), name="single")
    assert np.ptp(drawn_sizes(single, "invented")["diameter"]) < 1.0
