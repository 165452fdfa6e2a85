"""Laws of what is off unless asked for: scala media, filled from the lateral wall, and the otic capsule."""

from __future__ import annotations

import numpy as np
import pytest

from otosome.model.transport import (
    Flow,
    Grid,
    schedule,
    solve,
)
from test_transport import CLOSED, KEPT, TUBE, drug, ear, niche, vesicle

FULL = Grid()
# Gentamicin: 1.2 in endolymph and 5.1 ug/mL in perilymph of a rat after six days; the rate is made up.
ENTRY = {"media_partition": 1.2 / 5.1, "media_entry": 0.05}
AREA = {"scala_media_area": 0.1}
KEEP = ("scala_media", "lateral_wall", "scala_tympani", "plasma")


def infusion(stop: float) -> Flow:
    return Flow("plasma", 0.0, stop, np.full((1, 1), 1e6), np.zeros(1))


def test_endolymph_settles_at_its_share_of_perilymph_in_the_wall():
    run = solve(ear(**AREA), drug(loss=0.0, **ENTRY), [infusion(3000.0)], schedule([0.0], 2000.0), KEEP)
    wall = run.concentration["lateral_wall"][0, 0, -1] / 0.8
    assert run.concentration["scala_media"][0, 0, -1] == pytest.approx(wall * 1.2 / 5.1, rel=1e-6)
    assert run.concentration["scala_media"].shape == run.concentration["lateral_wall"].shape
    assert run.mass_balance_error.max() < 1e-10


def test_endolymph_lags_behind_the_wall_and_leaves_by_the_way_back_at_another_rate():
    """Into it at 0.05 per h; out of it at 0.05 x 5.1 / 1.2 per h, once the wall is empty."""
    wall, knots = 1e9 * 17.1, schedule([0.0], 200.0)
    open_ear = ear(**(TUBE | AREA | {"lateral_wall_area": 1e9, "wall_blood_half_time": 0.01}))
    plasma = Flow("plasma", 0.0, 0.0, np.full((1, 1), wall), np.zeros(1))
    run = solve(open_ear, drug(**(KEPT | ENTRY)), [plasma], knots, KEEP)
    seen = run.concentration["scala_media"][0, 0, :, 3]
    driven = run.concentration["lateral_wall"][0, 0, -1, 3] / 0.8
    late = knots > 1.0
    rise = driven * (1.2 / 5.1) * -np.expm1(-0.05 * 5.1 / 1.2 * knots[late])
    assert seen[late] == pytest.approx(rise, rel=0.05)


def test_what_endolymph_loses_to_cells_is_counted_and_lowers_it():
    anatomy, knots = ear(**AREA), schedule([0.0], 300.0)
    kept, lost = (
        solve(anatomy, drug(**ENTRY, **more), [infusion(500.0)], knots, KEEP)
        for more in ({}, {"media_loss": 0.2})
    )
    assert kept.ledger["cleared_scala_media"][0, 0] == 0.0
    assert lost.ledger["cleared_scala_media"][0, 0] > 0.0
    assert np.all(
        lost.concentration["scala_media"][..., -1, :] < kept.concentration["scala_media"][..., -1, :]
    )
    assert lost.mass_balance_error.max() < 1e-10


def test_perilymph_hardly_notices_an_endolymph_that_fills_slowly():
    knots = schedule([0.0], 48.0)
    without = solve(ear(), drug(), [niche(classes=1)], knots, ["scala_tympani"])
    slow = solve(ear(**AREA), drug(media_partition=0.2, media_entry=1e-9), [niche(classes=1)], knots)
    one, two = (run.concentration["scala_tympani"] for run in (without, slow))
    assert np.max(np.abs(one - two)) < 1e-6 * one.max()


def test_an_area_alone_changes_nothing_at_all():
    knots = schedule([0.0], 48.0)
    one, two = (solve(a, vesicle(), [niche()], knots) for a in (ear(), ear(**AREA)))
    for name in one.concentration:
        assert np.array_equal(one.concentration[name], two.concentration[name])
    assert "scala_media" not in one.ledger


def test_classes_that_compete_for_uptake_enter_endolymph_and_close_the_ledger():
    run = solve(
        ear(FULL, **(AREA | CLOSED)), vesicle(**ENTRY), [niche()], schedule([0.0], 240.0), ("scala_media",)
    )
    history = run.concentration["scala_media"]
    assert run.mass_balance_error.max() < 1e-10
    assert history.min() >= -1e-6 * history.max()
    assert np.all(history.max(axis=(1, 2, 3)) > 0)


def test_scala_media_is_kept_only_of_a_solute_that_says_how_it_gets_there():
    knots = schedule([0.0], 1.0)
    with pytest.raises(ValueError, match="media_entry"):
        solve(ear(**AREA), drug(), [niche(classes=1)], knots, ["scala_media"])
    with pytest.raises(ValueError, match="scala_media_area"):
        solve(ear(), drug(**ENTRY), [niche(classes=1)], knots)
    with pytest.raises(ValueError, match="go together"):
        drug(media_entry=0.1)
    with pytest.raises(ValueError, match="go together"):
        drug(media_loss=0.1)
    with pytest.raises(ValueError, match="media_partition"):
        drug(media_partition=0.0, media_entry=0.1)


def test_a_thin_otic_capsule_lets_the_middle_ear_reach_the_apex():
    knots, flow = schedule([0.0], 6.0), [niche(classes=1)]
    thin, bone = {"otic_capsule_width": 0.5}, {"capsule_permeability": 1e-3}
    thick, none, through = (
        solve(ear(**width), drug(**permeability), flow, knots)
        for width, permeability in (({}, bone), (thin, {}), (thin, bone))
    )
    for name, history in thick.concentration.items():
        assert np.array_equal(history, none.concentration[name])
    apex = [run.concentration["scala_tympani"][0, 0, 40, -1] for run in (thick, through)]
    assert apex[1] > 100 * apex[0]
    assert through.mass_balance_error.max() < 1e-10


def test_the_capsule_lets_through_what_area_and_permeability_say():
    """A middle ear too large to fall, a scala too closed to lose: amount = P A c t, before it fills."""
    anatomy = ear(**TUBE, otic_capsule_width=0.5)
    shut = {"round_window_permeability": 0.0, "oval_window_permeability": 0.0, **KEPT}
    flow = Flow("middle_ear", 0.0, 0.0, np.full((1, 1), 1e12), np.array([1e6]))
    run = solve(anatomy, drug(capsule_permeability=1e-4, **shut), [flow], schedule([0.0], 1.0))
    entered = run.ledger["scala_tympani"][0, 0] + run.ledger["scala_vestibuli"][0, 0]
    assert entered == pytest.approx(1e-4 * 0.5 * 17.1 * 1e6, rel=1e-3)
