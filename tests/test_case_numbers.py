"""Numbers that fits to published cases gave: the ear of best values holds what was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

from otosome.catalog import Catalog, get
from otosome.fitting.file import FITS
from otosome.model import hearing
from otosome.review.calibration.bench import balanced
from otosome.review.calibration.file import load_case_fit
from otosome.review.qualification.bench import Bench, Terms
from otosome.review.qualification.case import cases
from otosome.shelves.populations.otologically_normal import age_median

FITTED = (
    "cisplatin_supply_fall",
    "dexamethasone_absorbed",
    "methylprednisolone_blood",
    "methylprednisolone_windows",
)


def simulated(name):
    """A case's rows in the ear of best values, house units."""
    bench = Bench(Terms(Catalog()), get("cases", name), 1, drawn=False)
    return {row: float(values[0]) for row, values in bench.replicate().items()}


def figures(name):
    return {case.id: case for case in cases(get("cases", name))}


def test_the_rat_of_best_values_holds_gentamicin_as_measured_in_plasma_perilymph_and_endolymph():
    """The case runs its own study: what the shipped fits found stands there too."""
    found, asked = simulated("pk_c16"), figures("pk_c16")
    for row in ("pk:C16", "pk:C16.perilymph", "pk:C16.endolymph"):
        # 10 % are allowed; ug/uL in mg/L.
        assert 1e3 * found[row] == pytest.approx(asked[row].value, rel=0.1)


def test_the_person_of_best_values_holds_the_steroid_as_measured_by_eardrum_and_vein():
    found, asked = simulated("pk_c10"), figures("pk_c10")
    for row in ("pk:C10", "pk:C10.vein_low", "pk:C10.vein_high"):
        # The middle of what is drawn was put at the figure; the ear of best values lies within three of its errors.
        assert abs(np.log(1e3 * found[row] / asked[row].value)) < 3.0 * asked[row].doubt, row


def test_the_best_ear_has_what_was_measured_behind_the_round_window():
    values = simulated("pk_c03")
    # Within one standard error of each. The ratio is no measurement but the authors' own fit, read as 20 to 80. It is
    # missed (10; 2.7 to 52 as drawn): where blood supplies the apex less, as cisplatin asks, it clears less too.
    assert values["pk:C03"] == pytest.approx(330.0, abs=52.0)
    assert values["pk:C03.apex"] == pytest.approx(15.0, abs=15.0)
    assert 10.0 < values["pk:C03.steady"] < 80.0


def test_the_printed_permeability_is_impossible():
    pinned = {
        "solutes.tmpa.oval_window_permeability": np.zeros(1),
        "solutes.tmpa.round_window_permeability": np.array([1.9e-8 * 36000.0]),
    }
    bench = Bench(Terms(Catalog()), get("cases", "pk_c03"), 1, drawn=False, pinned=pinned)
    # By the round window alone the tip would read less than a hundredth of the 330 uM it read.
    assert bench.replicate()["pk:C03"][0] < 3.3


# Solutes that follow the tracer; of large ones only the high end of the window does: the tracer's value or, of
# vesicles, its own high end, times the ratio of a protein and of a 50-nm vesicle.
SMALL = ("cisplatin", "dexamethasone", "gadolinium", "gentamicin", "iohexol", "methylprednisolone")
LARGE = {"protein": ("value", 0.115), "dextran": ("value", 0.115), "vesicle": ("high", 0.013)}


def solute(name, key):
    return get("solutes", name).card.parameter(key, "guinea_pig")


def two_digits(value):
    return pytest.approx(value, rel=0.05)


@pytest.mark.parametrize("name", SMALL)
def test_windows_of_small_solutes_follow_the_tracer_by_the_ratio_of_diffusion_coefficients(name):
    ratio = solute(name, "diffusion").value / solute("tmpa", "diffusion").value
    window = solute("tmpa", "round_window_permeability").value
    # As shelves state two digits.
    assert solute(name, "round_window_permeability").value == two_digits(window * ratio)


@pytest.mark.parametrize("name", LARGE)
def test_windows_of_large_solutes_end_at_the_tracer_by_the_ratio(name):
    end, ratio = LARGE[name]
    follower = solute(name, "round_window_permeability")
    assert follower.high == two_digits(getattr(solute("tmpa", "round_window_permeability"), end) * ratio)
    assert follower.value == two_digits(np.sqrt(follower.low * follower.high))


@pytest.mark.parametrize("name", (*SMALL, "protein", "dextran"))
def test_dispersions_follow_the_tracer_by_the_inverse_ratio_and_its_square(name):
    """Fluid that mixes all alike adds the more against diffusion, the slower it is; spreading across a flow, by the
    square (Taylor 1953), at most a vesicle's 100."""
    ratio = solute("tmpa", "diffusion").value / solute(name, "diffusion").value
    tracer, follower = solute("tmpa", "dispersion"), solute(name, "dispersion")
    assert follower.value == two_digits(tracer.value * ratio)
    assert follower.low == two_digits(tracer.low * ratio)
    assert follower.high == two_digits(min(tracer.high * ratio**2, 100.0))


@pytest.mark.parametrize("material", ["nu6", "w22"])
def test_words_of_the_best_ear_rise_with_level_as_published(material):
    values = {row.removeprefix(f"ear:E11.{material}"): value for row, value in simulated("ear_e11").items()}
    assert 0.041 < values[""] < 0.049
    assert values["_half"] == pytest.approx(21.0, abs=2.5)
    assert values["_spondees"] == pytest.approx(0.95, abs=0.02)
    assert 0.95 < values["_loud"] < 1.0


def test_the_best_mouse_has_the_published_course_after_noise():
    noise = load_case_fit(FITS / "noise_mouse.toml")
    best = {p.name: np.array([p.value]) for p in noise.numbers}
    misses = noise.simulated.misses(best, np.zeros((len(noise.simulated.owners), 1)))
    # Two and a half errors: an ear of middle numbers is no middle ear, where the numbers are linked.
    assert np.max(np.abs(misses)) < 2.5


def test_the_best_mouse_loses_its_hearing_cycle_by_cycle_from_the_base_and_the_best_guinea_pig_in_part():
    rodents = load_case_fit(FITS / "cisplatin_rodents.toml")
    best = {p.name: np.array([p.value]) for p in rodents.numbers}
    misses = rodents.simulated.misses(best, np.zeros((len(rodents.simulated.owners), 1)))
    assert np.max(np.abs(misses)) < 2.5


@pytest.mark.parametrize(
    ("name", "middle", "least"), [("noise_mouse", 0.75, 0.3), ("cisplatin_rodents", 0.75, 0.45)]
)
def test_animals_as_shelves_draw_them_have_the_published_course(name, middle, least):
    """Within two errors of each row: shares of draws as they were, less a tenth for chance."""
    file = load_case_fit(FITS / f"{name}.toml")
    rows, free = file.simulated, [p.name for p in file.numbers]
    own = balanced(len(rows.owners) + len(free), 340, 1)
    by_name = dict(zip([*rows.owners, *free], own, strict=True))
    none = np.zeros(340)
    drawn = {p.name: p.quantile(ndtr(p.mix(lambda name: by_name.get(name, none)))) for p in file.numbers}
    met = np.mean(np.abs(rows.misses(drawn, own[: len(rows.owners)])) < 2.0, axis=0)
    shares = dict(zip((figure.case.id for figure in rows.figures), met, strict=True))
    assert np.median(met) > middle, shares
    assert met.min() > least, shares


@pytest.mark.parametrize("species", ["guinea_pig", "rat", "human"])
def test_other_species_clear_stress_as_mice_do_with_a_range_half_as_wide_again(species):
    mouse = get("species", "mouse").card.parameter("stress_clearance", "mouse")
    other = get("species", species).card.parameter("stress_clearance", species)
    assert other.value == mouse.value
    assert (other.low, other.high) == (two_digits(mouse.low / 1.5), two_digits(mouse.high * 1.5))
    # What it shares with the mouse is the mouse's own deviate, which is nearly all of what is not known of the mouse.
    share = np.log(mouse.high / mouse.low) / np.log(2.25 * mouse.high / mouse.low)
    own = np.sqrt(1 - sum(s**2 for _, s in mouse.linked))
    assert own > 0.99
    assert dict(other.linked) == pytest.approx({"species.mouse.stress_clearance": share * own}, abs=0.01)


@pytest.mark.parametrize("name", FITTED)
def test_what_shelves_draw_meets_the_figure_a_number_was_put_at(name):
    file = load_case_fit(FITS / Path(f"{name}.toml"))
    for entry, rows in file.simulated.cases:
        made = Bench(Terms(Catalog(), 64, 3), entry, 1).replicate([figure.case for figure in rows])
        for figure in rows:
            # The middle of 64 draws errs by some tenth of their spread; several rows share one number.
            assert abs(np.median(figure.misses(made[figure.case.id]))) < 1.7
    for number in file.numbers:
        assert number.linked
        assert "used, hence no evidence" in number.because


def test_the_cells_of_ageing_people_give_the_hearing_of_their_age():
    """ear:B14: past 60, 35 % of outer hair cells and 60 % of axons lost over 0.25 to 8 kHz.

    The ears were of people between 60 and 89, so the mean shift must lie between the medians of ISO 7029 at 60 and
    at 80, where the standard ends. A weak test: the shift that 35 % costs was itself rounded from such norms.
    """

    def number(kind: str, key: str) -> float:
        return float(get("cells", kind).card.parameter(key, "human").value)

    outer = hearing.outer_shift(
        np.array(0.35), *(number("ohc", key) for key in ("ceiling", "anchor_loss", "anchor_shift"))
    )
    inner = hearing.inner_shift(
        np.array(0.6), *(number("ihc", key) for key in ("knee", "knee_shift", "ceiling"))
    )
    shift = hearing.together(number("ohc", "limit"), outer, inner)
    for sex in ("male", "female"):
        table = get("populations", "otologically_normal").card.profile(sex, "human")
        within = (table["frequency"] >= 0.25) & (table["frequency"] <= 8.0)
        young, old = (age_median(table, np.array(age - 18.0))[within].mean() for age in (60.0, 80.0))
        assert young < shift < old
