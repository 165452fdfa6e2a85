"""The next study from an import: as many animals as the exact formula says, and the same by the command line."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nct
from scipy.stats import t as student
from typer.testing import CliRunner

from bench import page
from otosome.cli import app
from otosome.errors import BadInput
from otosome.jobs import ImportInputs, import_
from otosome.jobs.planning import NextStudy, choices, keep, plan

ASKED = NextStudy(quantity="abr_threshold", difference="10 dB", time=336.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two groups of eight mice, one ear and one tone each, read at two times."""
    home = tmp_path_factory.mktemp("plan")
    random = np.random.default_rng(7)
    rows = [
        (f"{group}{n}", group, 8.0, round(value), hours)
        for group, mean in (("a", 30.0), ("b", 50.0))
        for n in range(8)
        for hours, value in ((0.0, 20.0 + 3 * random.normal()), (336.0, mean + 12 * random.normal()))
    ]
    names = ["subject", "group", "frequency_khz", "threshold_db_spl", "time_h"]
    pd.DataFrame(rows, columns=names).to_csv(home / "mice.csv", index=False)
    import_(ImportInputs(paths=(home / "mice.csv",), species="mouse", out=home / "results" / "mice"))
    return home


def sd_of(folder, hours):
    """By hand: the spread of animals about the mean of their group."""
    table = pd.read_parquet(folder / "results" / "mice" / "readings.parquet")
    part = table[table["time"] == hours]
    off = part["value"] - part.groupby("group")["value"].transform("mean")
    return math.sqrt(float((off**2).sum()) / (len(part) - 2))


def power_of(n, sd):
    """Of the two-sample t test, by SciPy's own noncentral t."""
    edge = student.ppf(0.975, 2 * n - 2)
    shift = 10 / (sd * math.sqrt(2 / n))
    return nct.sf(edge, 2 * n - 2, shift) + nct.cdf(-edge, 2 * n - 2, shift)


def test_as_many_animals_as_the_exact_power_asks_for(folder):
    sd = float(f"{sd_of(folder, 336.0):.3g}")
    fewest = next(n for n in range(2, 200) if power_of(n, sd) >= 0.8)
    answer = plan(folder / "results" / "mice", ASKED)
    assert answer.plan.n == {"each group": fewest}
    line = answer.plan.charts[0].series[0]
    for n, shown in zip(line.across[:12], line.up, strict=False):
        assert shown == pytest.approx(power_of(n, sd), abs=1e-6)


def test_another_time_has_its_own_spread_and_a_larger_difference_needs_fewer(folder):
    count = [
        next(iter(plan(folder / "results" / "mice", asked).plan.n.values()))
        for asked in (
            ASKED,
            NextStudy(quantity="abr_threshold", difference="20 dB", time=336.0),
            NextStudy(quantity="abr_threshold", difference="10 dB", time=0.0),
        )
    ]
    assert count[0] > count[1] > count[2]


def test_what_is_kept_is_answered_by_the_command_line_as_the_page_shows_it(folder):
    whole = page(folder)
    client, result = whole.enter(), whole.id("results/mice")
    body = {"result": result, "quantity": "abr_threshold", "difference": "10 dB", "time": 336.0}
    shown = client.post("/api/data/power", json=body).json()
    assert shown["svg"].startswith("<svg") and "spread" in shown["notes"][0]
    kept = client.post("/api/data/plan", json=body).json()
    line = CliRunner().invoke(app, ["trial", str(folder / kept["name"]), "--formula", "--json"])
    (design,) = json.loads(line.stdout)["result"]["designs"]
    assert design["plan"]["headline"] == shown["says"]
    assert design["plan"]["n"] == {"each group": shown["animals"]}
    assert client.get(f"/data?result={result}&show=groups").text.count("The next study") == 1
    wrong = client.post("/api/data/power", json={**body, "difference": "much"})
    assert wrong.status_code == 422 and "difference" in wrong.json()["error"]["key"]


def test_what_was_not_imported_or_lies_elsewhere_is_refused(folder, tmp_path):
    own = choices(folder / "results" / "mice")
    assert [(each.quantity, each.unit) for each in own] == [("abr_threshold", "dB SPL")]
    assert [hours for hours, _ in own[0].times] == [0.0, 336.0]
    with pytest.raises(BadInput, match="too few animals"):
        plan(folder / "results" / "mice", NextStudy(quantity="wave1", difference="1 dB"))
    with pytest.raises(BadInput, match="does not lie beside"):
        keep(folder / "results" / "mice", ASKED, tmp_path / "next.toml")
    assert not (tmp_path / "next.toml").exists()
