"""Cells -> shifts and wave I: the relations the field knows, through the public functions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otosome.catalog import get
from otosome.model.hearing import (
    amplifier_shift,
    apart,
    arriving,
    growth,
    heard,
    inner_loss,
    inner_shift,
    outer_loss,
    outer_shift,
    recruiting,
    shift,
    strial_shift,
    together,
    wave1,
)
from otosome.model.injury import KINDS, Cells
from otosome.roles import Ear

PLACES = (np.arange(64) + 0.5) / 64
MAP = 9.8 * (10 ** (0.92 * (1 - PLACES)) - 0.68)
EAR = Ear("mouse", PLACES, MAP, np.array([7.0]), {"place_spread": np.array([0.04])})
FREQUENCY = np.array([8.0, 16.0, 32.0])


def rates_of(species: str = "mouse") -> dict[str, dict[str, np.ndarray]]:
    found = {}
    for kind in (*KINDS, "stria"):
        parameters = get("cells", kind).parameters(species)
        found[kind] = {key: np.array([p.value]) for key, p in parameters.items()}
    return found


def cells_with(
    stria: float = 1.0, silent: dict[str, float] | None = None, **lost: float | np.ndarray
) -> Cells:
    """Two knots of an ear that lost these fractions of each kind; ``silent`` live but do not work."""
    quiet = {kind: np.full((1, 2, PLACES.size), (silent or {}).get(kind, 0.0)) for kind in KINDS}
    flat = np.ones((1, 2, PLACES.size))
    intact = {kind: flat - flat * lost.get(kind, 0.0) - quiet[kind] for kind in KINDS}
    return Cells(intact, dict.fromkeys(KINDS, 0.0 * flat), quiet, stria * flat, rates_of())


def quiet_shift(**lost: float) -> float:
    return float(shift(EAR, cells_with(**lost), FREQUENCY)[0, -1, 1])


def test_a_whole_ear_hears_as_before():
    assert np.all(np.abs(shift(EAR, cells_with(), FREQUENCY)) < 1e-12)


def test_outer_hair_cells_one_third_gone_cost_about_25_dB_and_never_more_than_the_ceiling():
    assert quiet_shift(ohc=0.35) == pytest.approx(25.0, abs=0.1)
    assert quiet_shift(ohc=1.0) == pytest.approx(55.0, abs=0.1)


def test_pure_inner_hair_cell_loss_is_hardly_heard_until_four_in_five_are_gone():
    # chinchilla case ear:C1: 40 and 60 % have little effect in quiet, more than 80 % some
    assert quiet_shift(ihc=0.4) < quiet_shift(ihc=0.6) < 5.0
    assert quiet_shift(ihc=0.9) > 3 * quiet_shift(ihc=0.6)


def test_synapse_loss_at_100_dB_hides_behind_normal_thresholds_but_not_behind_wave_one():
    cells = cells_with(synapse=0.45)
    profile = get("endpoints", "wave1").card.profile("growth", "mouse")
    wave = wave1(EAR, cells, FREQUENCY, 80.0, profile["level"], profile["amplitude"], 80.0)
    assert quiet_shift(synapse=0.45) < 5.0
    assert np.all(wave < 0.56)


def test_silent_inner_hair_cells_count_as_lost_though_a_histologist_sees_them():
    silent = cells_with(silent={"ihc": 0.9})
    assert np.allclose(silent.counted("ihc"), 1.0)
    assert np.allclose(shift(EAR, silent, FREQUENCY), shift(EAR, cells_with(ihc=0.9), FREQUENCY))


def test_a_dead_stria_costs_about_its_ceiling():
    # 22.5 dB of the amplifier and 7.5 of inner hair cells, which add as H + N - H N / 120.
    assert quiet_shift(stria=0.0) == pytest.approx(22.5 + 7.5 - 22.5 * 7.5 / 120.0)


def test_an_amplifier_that_is_gone_cannot_be_lost_again_with_its_battery():
    """A dead stria then costs what it costs inner hair cells, at most 20 log10(150 / 60) = 8 dB, and no more."""
    both, cells, battery = (
        float(amplifier_shift(cells_with(stria=stria, ohc=lost))[0, 0, 0])
        for stria, lost in ((0.0, 1.0), (1.0, 1.0), (0.0, 0.0))
    )
    assert both == pytest.approx(cells) == pytest.approx(55.0)
    assert battery == pytest.approx(0.75 * 30.0)
    more = quiet_shift(stria=0.0, ohc=1.0) - quiet_shift(ohc=1.0)
    assert more == pytest.approx(7.5 * (1.0 - 55.0 / 120.0))
    assert more < 20.0 * np.log10(150.0 / 60.0)


def test_small_losses_of_hair_cells_and_battery_add():
    def lost(stria, ohc):
        return float(amplifier_shift(cells_with(stria=stria, ohc=ohc))[0, 0, 0])

    assert lost(0.99, 0.01) == pytest.approx(lost(0.99, 0.0) + lost(1.0, 0.01), rel=0.01)


def test_a_fibre_lost_with_its_synapse_is_not_lost_twice():
    both = cells_with(synapse=0.5, sgn=0.5).afferents()
    assert np.allclose(both, cells_with(synapse=0.5).afferents())


_LOSS = st.floats(0.0, 1.0)


@settings(max_examples=200)
@given(
    losses=st.tuples(_LOSS, _LOSS),
    anchor=st.floats(0.05, 0.95),
    at_anchor=st.floats(1.0, 50.0),
    ceiling=st.floats(51.0, 120.0),
)
def test_the_outer_part_rises_from_nothing_to_its_ceiling_whatever_its_anchor(
    losses, anchor, at_anchor, ceiling
):
    less, more = sorted(losses)
    found = outer_shift(np.array([0.0, less, more, anchor, 1.0]), ceiling, anchor, at_anchor)
    assert found[0] == 0.0
    assert found[1] <= found[2] + 1e-9
    assert found[3] == pytest.approx(at_anchor)
    assert found[4] == pytest.approx(ceiling)


@settings(max_examples=100)
@given(losses=st.tuples(_LOSS, _LOSS), knee=st.floats(0.5, 0.95))
def test_the_inner_part_rises_smoothly_through_its_knee(losses, knee):
    less, more = sorted(losses)
    found = inner_shift(np.array([0.0, less, more, knee, 1.0]), knee, 5.0, 60.0)
    assert found[0] == 0.0
    assert found[1] <= found[2] + 1e-9
    assert found[3] == pytest.approx(5.0)
    assert found[4] == pytest.approx(60.0)
    around = inner_shift(knee + np.array([-1e-6, 0.0, 1e-6]), knee, 5.0, 60.0)
    assert abs(np.diff(around, 2)[0]) < 1e-6


@settings(max_examples=100)
@given(
    loss=_LOSS,
    anchor=st.floats(0.05, 0.95),
    at_anchor=st.floats(1.0, 50.0),
    knee=st.floats(0.5, 0.95),
    at_knee=st.floats(0.5, 20.0),
    ceiling=st.floats(51.0, 120.0),
)
def test_the_loss_behind_a_shift_is_the_loss_that_costs_it(loss, anchor, at_anchor, knee, at_knee, ceiling):
    # In dB, as that is what is promised: where the curve is flat many losses cost nearly the same.
    outer = outer_shift(np.array([0.0, loss, 1.0]), ceiling, anchor, at_anchor)
    lost = outer_loss(outer, ceiling, anchor, at_anchor)
    assert np.allclose(outer_shift(lost, ceiling, anchor, at_anchor), outer, atol=1e-8)
    assert lost[0] == 0.0 and lost[2] == pytest.approx(1.0)
    inner = inner_shift(np.array([0.0, loss, 1.0]), knee, at_knee, ceiling)
    lost = inner_loss(inner, knee, at_knee, ceiling)
    assert np.allclose(inner_shift(lost, knee, at_knee, ceiling), inner, atol=1e-8)
    assert lost[0] == 0.0 and lost[2] == pytest.approx(1.0)


@given(whole=st.floats(-20.0, 119.0), part=st.floats(0.0, 119.0))
def test_what_is_apart_comes_together_again(whole, part):
    assert together(120.0, apart(120.0, whole, part), part) == pytest.approx(whole, abs=1e-9)


def test_the_cells_an_ear_arrives_with_have_its_hearing_level_whatever_share_is_theirs():
    # A flat loss, so that the places a tone excites are alike; up to the 87.5 dB that both ceilings explain.
    for level in (0.0, 3.0, 12.0, 31.0, 64.0, 87.0):
        for share in (0.0, 0.37, 0.65, 1.0):
            left = arriving(np.full((1, 1, PLACES.size), level), np.full((1, 1, 1), share), rates_of())
            cells = cells_with(**{kind: 1.0 - fraction[:, None] for kind, fraction in left.items()})
            assert np.allclose(shift(EAR, cells, FREQUENCY), level, atol=1e-9)
    whole = arriving(np.full((1, 1, PLACES.size), -9.0), np.full((1, 1, 1), 0.65), rates_of())
    assert all(np.all(fraction == 1.0) for fraction in whole.values())


def test_outer_hair_cells_lost_on_top_of_a_loss_cost_less_than_both_in_full_and_no_less_than_the_worse():
    # An insult takes a share of the cells that are left. It does not hold for nerve fibres, whose curve is steep
    # once four in five are gone: there a loss that a whole ear hides is heard.
    for level in (5.0, 20.0, 40.0, 70.0):
        left = arriving(np.full((1, 1, PLACES.size), level), np.full((1, 1, 1), 0.65), rates_of())
        for lost in (0.1, 0.4, 0.9):
            alone = quiet_shift(ohc=lost)
            remaining = {kind: fraction[:, None] for kind, fraction in left.items()}
            remaining["ohc"] = remaining["ohc"] * (1.0 - lost)
            cells = cells_with(**{kind: 1.0 - fraction for kind, fraction in remaining.items()})
            both = shift(EAR, cells, FREQUENCY)[0, 0]
            assert np.all(both >= max(level, alone) - 1e-9)
            assert np.all(both <= level + alone + 1e-9)


def test_an_old_ear_has_lost_outer_hair_cells_and_most_fibres_as_counted():
    # Case ear:B14 at 20 dB, what a man of 60 hears at 4 kHz: 30 to 40 % of outer hair cells and more than 60 %
    # of fibres. By its wide anchor the first is a weak test: a fifth to a half.
    left = arriving(np.full((1, 1, 1), 20.0), np.full((1, 1, 1), 0.65), rates_of("human"))
    assert 0.5 < left["ohc"].item() < 0.9
    assert left["sgn"].item() < 0.4


def test_the_strial_part_never_passes_its_ceiling():
    found = strial_shift(np.linspace(1.0, 0.0, 11), 40.0, 30.0)
    assert found[0] == 0.0
    assert np.all(np.diff(found) >= 0)
    assert found[-1] == 30.0


def test_a_tone_hears_its_own_place():
    loss = np.where(np.abs(PLACES - EAR.place_of(np.array([16.0]))) < 0.15, 0.8, 0.0)
    found = shift(EAR, cells_with(ohc=loss), np.array([6.0, 16.0, 48.0]))[0, -1]
    assert found[1] > 40.0
    assert found[0] < 1.0
    assert found[2] < 1.0


def test_smoothing_keeps_what_is_flat_and_never_overshoots():
    flat = np.full((1, 3, PLACES.size), 7.0)
    assert np.allclose(heard(EAR, flat, FREQUENCY), 7.0)
    ragged = np.random.default_rng(1).uniform(0, 50, (1, 3, PLACES.size))
    found = heard(EAR, ragged, FREQUENCY)
    assert found.shape == (1, 3, 3)
    assert ragged.min() <= found.min()
    assert found.max() <= ragged.max()


def test_a_frequency_beyond_the_map_is_read_at_its_end():
    base = shift(EAR, cells_with(ohc=np.linspace(0.8, 0.0, PLACES.size)), np.array([MAP[0], 500.0]))
    assert base[0, -1, 0] == base[0, -1, 1]


def test_the_grid_hardly_matters():
    def at(places: int) -> np.ndarray:
        place = (np.arange(places) + 0.5) / places
        ear = Ear("mouse", place, 9.8 * (10 ** (0.92 * (1 - place)) - 0.68), np.array([7.0]), EAR.columns)
        return heard(ear, (60.0 * np.exp(-3 * place))[None, None, :], FREQUENCY)

    assert np.allclose(at(48), at(384), atol=0.1)


def test_each_subject_has_its_own_spread():
    wide = Ear("mouse", PLACES, MAP, np.array([7.0, 7.0]), {"place_spread": np.array([0.01, 0.3])})
    edge = np.where(PLACES < 0.5, 40.0, 0.0) * np.ones((2, 1, PLACES.size))
    found = heard(wide, edge, np.array([64.0, MAP[-1]]))
    assert found[0, 0, 0] == pytest.approx(40.0)
    assert 20.0 < found[1, 0, 0] < 40.0
    assert found[0, 0, 1] == pytest.approx(0.0, abs=1e-9)
    assert 0.0 < found[1, 0, 1] < 20.0


def test_growth_passes_through_the_measured_points_and_ends_in_silence():
    profile = get("endpoints", "wave1").card.profile("growth", "guinea_pig")
    levels, amplitudes = profile["level"], profile["amplitude"]
    # compound action potential of case ear:C7
    assert np.allclose(growth(np.array([25.0, 50.0, 80.0]), levels, amplitudes), [2.6, 25.1, 68.3])
    rising = growth(np.linspace(-20, 100, 121), levels, amplitudes)
    assert rising[0] == 0.0
    assert np.all(np.diff(rising) >= 0)
    assert rising[-1] == 68.3


def test_wave_one_of_a_whole_ear_is_whole_and_of_a_deaf_ear_nothing():
    profile = get("endpoints", "wave1").card.profile("growth", "mouse")
    curve = profile["level"], profile["amplitude"], 80.0
    assert np.allclose(wave1(EAR, cells_with(), FREQUENCY, 80.0, *curve), 1.0)
    assert not np.any(wave1(EAR, cells_with(ohc=1.0, ihc=1.0), FREQUENCY, 80.0, *curve))


def test_recruitment_draws_out_what_lies_between_threshold_and_the_level_where_it_ends():
    level = np.linspace(20.0, 100.0, 161)
    heard_as = recruiting(level, 20.0, np.array(30.0), 80.0)
    # Its own threshold is heard as a healthy one, the end as itself, and beyond it nothing changes.
    assert heard_as[level == 50.0] == pytest.approx(20.0)
    assert np.array_equal(heard_as[level >= 80.0], level[level >= 80.0])
    assert np.all(np.diff(heard_as) > 0)
    assert np.allclose(np.diff(heard_as)[level[:-1] < 79.9], 0.5 * 60.0 / 30.0)
    assert np.allclose(recruiting(level, 20.0, np.array(0.0), 80.0), level)


def test_at_80_dB_wave_one_counts_afferents_whatever_the_threshold():
    profile = get("endpoints", "wave1").card.profile("growth", "mouse")
    curve = profile["level"], profile["amplitude"], 80.0
    hurt = cells_with(ohc=0.6, synapse=0.3)
    assert np.all(shift(EAR, hurt, FREQUENCY) > 30.0)
    assert np.allclose(wave1(EAR, hurt, FREQUENCY, 80.0, *curve), 0.7)
    assert np.all(wave1(EAR, hurt, FREQUENCY, 60.0, *curve) < 0.7)


def test_wave_one_grows_only_beside_a_stretch_whose_outer_hair_cells_fail():
    profile = get("endpoints", "wave1").card.profile("growth", "mouse")
    curve = profile["level"], profile["amplitude"], 80.0
    # Lost everywhere alike there is no beside.
    assert np.allclose(wave1(EAR, cells_with(ohc=0.6), FREQUENCY, 80.0, *curve, release=0.5), 1.0)
    base = np.where(EAR.place < 0.35, 1.0, 0.0)[None, None, :]
    partial = cells_with(ohc=base)
    low = np.array([EAR.frequency[-5]])
    assert np.allclose(wave1(EAR, partial, low, 80.0, *curve, release=0.5), 1.5, atol=0.02)
