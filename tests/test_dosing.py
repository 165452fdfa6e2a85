"""A dose that was sought, weighed otherwise and opened as a study: laws of the choice, and the study's own numbers."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import page
from otosome.errors import BadInput
from otosome.forward import draw, simulate
from otosome.jobs import DoseInputs, optimise
from otosome.jobs.dosing import RegimenRow, regimen_rows, regimen_study, weighed
from otosome.results import record_of
from otosome.study import load
from small_study import write_dose


def row(benefit, adverse_events, total):
    return RegimenRow("", "round_window", total, 0.0, 1, total, benefit, adverse_events, 0.0, 0.0, 0.0)


MANY = st.lists(
    st.builds(row, st.floats(-5, 30), st.floats(0, 10), st.floats(1e6, 1e13)), min_size=1, max_size=12
)


@given(MANY, st.floats(0, 5), st.floats(0, 5))
def test_what_harms_weigh_never_chooses_a_regimen_with_more_of_them(rows, weight, more):
    """Monotone comparative statics: of two optima, that of the heavier weight has no more adverse event."""
    first, second = weighed(rows, weight), weighed(rows, weight + more)
    if first.best is not None and second.best is not None:
        assert rows[second.best].adverse_events <= rows[first.best].adverse_events + 1e-9
    assert first.best is not None or second.best is None


@given(MANY, st.floats(0, 5), st.floats(0, 5))
def test_what_particles_must_bring_never_chooses_more_of_them(rows, price, more):
    first, second = weighed(rows, 1.0, price), weighed(rows, 1.0, price + more)
    if first.best is not None and second.best is not None:
        assert rows[second.best].total <= rows[first.best].total * (1 + 1e-9)


@given(MANY, st.floats(0, 3), st.floats(0, 3))
def test_the_chosen_regimen_stands_on_the_front_and_is_worth_the_most(rows, adverse_events, tenfold):
    own = weighed(rows, adverse_events, tenfold)
    fewest = min(each.total for each in rows)
    worth = [
        each.benefit - adverse_events * each.adverse_events - tenfold * np.log10(each.total / fewest)
        for each in rows
    ]
    assert own.values == pytest.approx(worth)
    assert (own.best is None) == (max(worth) <= 0)
    if own.best is not None:
        same = [n for n, value in enumerate(worth) if value >= max(worth) - 1e-9]
        assert own.best in same
        assert set(same) & set(own.front)


def test_a_negative_weight_is_refused():
    for adverse_events, tenfold in ((-1.0, 0.0), (1.0, -1.0), (float("nan"), 0.0)):
        with pytest.raises(BadInput, match="must not be negative"):
            weighed([row(1.0, 0.0, 1e9)], adverse_events, tenfold)


@pytest.fixture(scope="module")
def sought(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dose")
    optimise(DoseInputs(dose=write_dose(folder), out=folder / "results" / "dose"))
    return folder


@pytest.fixture
def folder(sought, tmp_path):
    shutil.copytree(sought, tmp_path / "lab")
    file = tmp_path / "lab" / "results" / "dose" / "otosome.json"
    file.write_text(file.read_text().replace(str(sought), str(tmp_path / "lab")))
    return tmp_path / "lab"


def test_as_it_was_sought_the_front_and_the_best_are_those_of_the_answer(folder):
    import pandas as pd

    out = folder / "results" / "dose"
    own = weighed(regimen_rows(out, record_of(out)))
    table = pd.read_csv(out / "dose_regimens.csv")
    assert sorted(own.front) == np.flatnonzero(table["not_bettered"]).tolist()
    assert own.values == pytest.approx(table["sought"].tolist())


def test_a_regimen_as_a_study_gives_the_benefit_that_the_dose_was_sought_by(folder):
    out = folder / "results" / "dose"
    rows = regimen_rows(out, record_of(out))
    number = int(np.argmax([each.benefit for each in rows]))
    study = load(regimen_study(out, record_of(out), number, folder / "there.toml"))
    result = simulate(study, draw(study, 4, seed=1, world=2), workers=1, keep=())
    read = result["abr"].isel(time=-1).mean("frequency")
    apart = (read.sel(arm="a") - read.sel(arm="b")).to_numpy()
    assert rows[number].benefit == pytest.approx(apart.mean(), rel=1e-6)
    assert rows[number].benefit > 0


def test_no_study_is_written_of_a_dose_that_was_changed_since_or_of_no_regimen(folder):
    out = folder / "results" / "dose"
    record = record_of(out)
    with pytest.raises(BadInput, match="is no regimen of this dose"):
        regimen_study(out, record, 4, folder / "there.toml")
    with pytest.raises(BadInput, match="may hold code"):
        regimen_study(
            out, replace(record, options={**record.options, "shelves": ["x"]}), 0, folder / "t.toml"
        )
    study = folder / "small.toml"
    study.write_text(study.read_text().replace("106 dB SPL", "100 dB SPL"))
    with pytest.raises(BadInput, match="was changed since"):
        regimen_study(out, record, 0, folder / "there.toml")
    assert not (folder / "there.toml").exists()


def test_the_page_weighs_as_the_library_and_writes_the_study_beside_the_dose(folder):
    whole = page(folder)
    client, result = whole.enter(), whole.id("results/dose")
    shown = client.get(f"/trial?result={result}")
    assert shown.status_code == 200 and "What a dose gains" in shown.text
    rows = regimen_rows(folder / "results" / "dose", record_of(folder / "results" / "dose"))
    answer = client.get(f"/api/trial/front?result={result}&adverse_events=0&tenfold=2").json()
    own = weighed(rows, 0.0, 2.0)
    assert answer == {"values": own.values, "front": own.front, "best": own.best}
    names = [
        client.post("/api/trial/regimen", json={"result": result, "regimen": 1}).json()["name"]
        for _ in range(2)
    ]
    assert names == ["dose_regimen_2.toml", "dose_regimen_2_2.toml"]
    assert float(load(folder / names[0]).tables.treatment["vesicles"].amount) == rows[1].particles
    wrong = client.get(f"/api/trial/front?result={whole.id('dose.toml')}")
    assert wrong.status_code == 422 and "is no dose" in wrong.json()["error"]["message"]
    assert client.get(f"/api/trial/front?result={result}&adverse_events=-1").status_code == 422


def test_a_result_from_elsewhere_writes_nothing_outside_the_folder(folder, tmp_path):
    file = folder / "results" / "dose" / "otosome.json"
    (tmp_path / "else").mkdir()
    file.write_text(file.read_text().replace(str(folder / "dose.toml"), str(tmp_path / "else" / "dose.toml")))
    whole = page(folder)
    answer = whole.enter().post("/api/trial/regimen", json={"result": whole.id("results/dose"), "regimen": 0})
    assert answer.status_code == 422 and "not sought in this folder" in answer.json()["error"]["message"]
    assert not list((tmp_path / "else").iterdir())
