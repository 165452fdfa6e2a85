"""Forecasts: sealed, resolved apart, and scored."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest
from scipy.integrate import quad

from otosome import jobs
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.review.forecasts import density, forecasts, seal

TODAY = date(2027, 1, 1)
CHANCE = """
about = "A made-up forecast."
question = "Will it rain?"
dated = "2026-01-01"
by = "2026-12-31"
how = "by looking out of the window"
because = "It often does."
chance = 0.8
hash = "HASH"
"""
FALLING = 'quantiles = { "0.05" = 1.0, "0.25" = 0.0, "0.5" = 2.0, "0.75" = 3.0, "0.95" = 4.0 }'
NUMBER = CHANCE.replace(
    "chance = 0.8",
    'unit = "dB"\nquantiles = { "0.05" = 0.0, "0.25" = 2.0, "0.5" = 3.0, "0.75" = 5.0, "0.95" = 9.0 }',
)


def shelf(folder, text, name="mine", outcome=""):
    for part in ("forecasts", "resolutions"):
        (folder / part).mkdir(exist_ok=True)
    file = folder / "forecasts" / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    hash_now = seal(Catalog((folder,)).get("forecasts", name).options)
    # An entry is read once under its name, so the sealed one stands beside.
    file.unlink()
    (folder / "forecasts" / f"{name}_sealed.toml").write_text(
        text.replace("HASH", hash_now), encoding="utf-8"
    )
    if outcome:
        (folder / "resolutions" / f"{name}.toml").write_text(
            f'about = "What happened."\nforecast = "{name}_sealed"\n'
            f'on = "2026-06-01"\nsource = "brock_2018"\n{outcome}\n',
            encoding="utf-8",
        )
    return {row.name: row for row in forecasts(Catalog((folder,)), TODAY)}[f"{name}_sealed"]


def test_three_dated_forecasts_are_shipped_sealed_and_open():
    rows = forecasts(Catalog(), date(2026, 11, 30))
    assert len(rows) >= 3
    assert all(row.hash and row.how and not row.overdue for row in rows)
    assert jobs.forecast().mean_score is None


def test_an_edit_of_a_forecast_shows(tmp_path):
    row = shelf(tmp_path, CHANCE)
    file = tmp_path / "forecasts" / "edited.toml"
    file.write_text(CHANCE.replace("0.8", "0.9").replace("HASH", row.hash), encoding="utf-8")
    with pytest.raises(BadInput, match="was edited") as refusal:
        forecasts(Catalog((tmp_path,)), TODAY)
    assert (refusal.value.file, refusal.value.key) == ("edited.toml", "hash")


@pytest.mark.parametrize(("happened", "score"), [("true", math.log(0.8)), ("false", math.log(0.2))])
def test_a_chance_is_scored_by_its_logarithm(tmp_path, happened, score):
    row = shelf(tmp_path, CHANCE, outcome=f"happened = {happened}")
    assert row.score == pytest.approx(score)
    assert row.covered is None
    assert not row.overdue


def test_a_forecast_past_its_day_is_overdue_until_it_is_resolved(tmp_path):
    assert shelf(tmp_path, CHANCE).overdue


@pytest.mark.parametrize(("number", "covered"), [(4.0, True), (9.5, False), (-1.0, False)])
def test_a_number_is_scored_by_its_density_and_covered_within_its_ends(tmp_path, number, covered):
    row = shelf(tmp_path, NUMBER, outcome=f"number = {number}")
    assert row.covered is covered
    assert row.score == pytest.approx(math.log(density(number, [0, 2, 3, 5, 9])))


def test_a_density_is_one_in_all_and_has_its_quantiles():
    ends = [0.0, 2.0, 3.0, 5.0, 9.0]
    whole = quad(lambda x: density(x, ends), -60, 80, points=ends, limit=400)[0]
    below = quad(lambda x: density(x, ends), -60, 3.0, points=ends[:3], limit=400)[0]
    assert whole == pytest.approx(1.0, abs=1e-6)
    assert below == pytest.approx(0.5, abs=1e-6)
    assert np.isfinite(math.log(density(1e2, ends)))


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"2026-12-31"', '"2025-12-31"', "by"),
        ('"2026-01-01"', '"new year"', "dated"),
        ("chance = 0.8", "", "chance"),
        ("chance = 0.8", FALLING, "quantiles"),
    ],
)
def test_a_forecast_that_cannot_be_is_refused_with_its_field(tmp_path, old, new, key):
    with pytest.raises(BadInput) as refusal:
        shelf(tmp_path, CHANCE.replace(old, new))
    assert refusal.value.key == key


def test_the_wrong_kind_of_resolution_and_a_second_one_are_refused(tmp_path):
    with pytest.raises(BadInput, match="yes or no"):
        shelf(tmp_path, CHANCE, outcome="number = 1.0")
    (tmp_path / "resolutions" / "mine.toml").unlink()
    (tmp_path / "forecasts" / "mine_sealed.toml").unlink()
    shelf(tmp_path, CHANCE, "again", "happened = true")
    text = (tmp_path / "resolutions" / "again.toml").read_text(encoding="utf-8")
    (tmp_path / "resolutions" / "twice.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match="resolved already"):
        forecasts(Catalog((tmp_path,)), TODAY)
