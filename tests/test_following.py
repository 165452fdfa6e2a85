"""People followed for adverse events, simulated: laws of their years and events, the formula, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gamma
from typer.testing import CliRunner

from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.trials.following import Followed, Following, followed
from otosome.trials.reading import read_design
from otosome.units import Quantity

CATALOG = Catalog()
# 500 people for 4 years at 10 events in 1,000 years: 20 are expected.
DESIGN = Following(years=4.0, rate=0.01, ratio=2.0, alpha=0.05, n=500)
MINE = """
design = "safety"
people = 500
years = 4.0
rate = 0.01
[followed]
n = 500
trials = 400
adverse_event = "vesicle_reaction"
ratios = { "as printed" = [1.0, 1.0, 1.0], sceptic = [1.0, 1.5, 3.0] }
"""


def rows(asked, excess=None):
    return {row.belief: row for row in followed(asked, DESIGN, excess)[0].operating}


def test_trials_exclude_a_ratio_as_often_as_the_formula_says(tmp_path):
    ran = rows(Followed(trials=4000))
    file = tmp_path / "mine.toml"
    file.write_text(MINE, encoding="utf-8")
    design = read_design(file, CATALOG).design
    # Poisson, 20 expected without it and 40 with; 4,000 trials err by 0.8 and 0.35 %.
    assert ran["none"].positive.exact[0] == pytest.approx(design.excluded(2000.0), abs=0.02)
    assert ran["2 times"].positive.exact[0] == pytest.approx(0.0425, abs=0.012)
    assert ran["2 times"].positive.exact[0] < 0.06
    assert ran["none"].bias == pytest.approx(0.0, abs=0.012)
    assert ran["none"].coverage >= 0.94
    # Of a true ratio of one, the lower limit lies above it as seldom as alpha says.
    assert ran["none"].wrong <= 0.06


def test_who_is_lost_is_followed_for_the_years_of_an_exponential():
    _, people = followed(Followed(n=200_000, trials=100, lost=Quantity("20 %")), DESIGN, None)
    rate = -np.log(0.8)
    # Mean of a time that is cut at 4 years: (1 - exp(-4 rate)) / rate, and 0.8^4 are there at the end.
    assert people["years"].mean() == pytest.approx((1 - 0.8**4) / rate, rel=0.005)
    assert 1 - people["lost"].mean() == pytest.approx(0.8**4, abs=0.005)


def test_rates_that_differ_between_people_leave_the_mean_and_widen_the_count():
    _, people = followed(Followed(n=200_000, trials=100, between=2.0), DESIGN, None)
    mean = 0.04
    # A gamma mixture of Poissons: variance mean + (mean x 2)^2.
    assert people["events"].mean() == pytest.approx(mean, rel=0.06)
    assert people["events"].var() == pytest.approx(mean + (2 * mean) ** 2, rel=0.1)


def test_a_harm_of_the_shelf_adds_its_events_to_the_background():
    risk = CATALOG.get("adverse_events", "vesicle_reaction").card.parameter("risk", "human")
    ran = rows(Followed(trials=2000), risk)
    # Once in 4 years, at 0.01 a year: a risk of 2.7 % makes the ratio 1 + 0.027 / 0.04.
    assert ran["mechanism"].estimate.exact.median == pytest.approx(1 + risk.value / 0.04, abs=0.1)
    assert (
        ran["none"].positive.exact[0] > ran["mechanism"].positive.exact[0] > ran["2 times"].positive.exact[0]
    )


def test_the_limits_are_garwoods():
    # Upper 95 % limit of a mean with 3 seen: the 95th percentile of a gamma of shape 4.
    assert DESIGN.limit(np.array([3.0]), np.array([100.0]))[0] == pytest.approx(gamma.ppf(0.95, 4), rel=1e-9)
    assert DESIGN.least(np.array([3.0, 0.0]), np.array([100.0, 100.0])) == pytest.approx(
        [gamma.ppf(0.05, 3), 0.0]
    )


def test_people_are_followed_by_the_command_line(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(MINE, encoding="utf-8")
    done = CliRunner().invoke(app, ["trial", str(file), "--out", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.output
    (mine,) = json.loads(done.stdout)["result"]["designs"]
    beliefs = [row["belief"] for row in mine["simulated"]["operating"]]
    assert beliefs == ["none", "2 times", "mechanism", "as printed", "sceptic"]
    assert mine["simulated"]["flow"][0]["enrolled"] == 500
    people = pd.read_csv(tmp_path / "out" / "mine_subjects.csv")
    assert list(people.columns) == ["subject", "years", "events", "lost"]
    assert len(people) == 500
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "400 trials of 500 people for 4 years" in page
    assert "positive trials are type I errors" in page


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"vesicle_reaction"', '"hiccups"', "followed.adverse_event"),
        ('"vesicle_reaction"', '"fever"', "followed.adverse_event"),
        ("[1.0, 1.5, 3.0]", "[3.0, 1.5, 1.0]", "followed.ratios.sceptic"),
        ("sceptic =", "none =", "followed.ratios.none"),
        ("n = 500", "n = 0", "followed.n"),
        ("n = 500", 'n = 500\nlost = "100 %"', "followed.lost"),
        ("n = 500", "n = 500\nbetween = -1.0", "followed.between"),
        ("people = 500", "people = 0", "people"),
        ("rate = 0.01", "rate = -0.01", "rate"),
        ("rate = 0.01", "rate = 0.01\nratio = 1.0", "ratio"),
    ],
)
def test_people_who_cannot_be_followed_are_refused_before_any_work(tmp_path, old, new, key):
    file = tmp_path / "mine.toml"
    assert old in MINE
    file.write_text(MINE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInput) as refusal:
        read_design(file, CATALOG)
    assert (refusal.value.key or "").startswith(key)
