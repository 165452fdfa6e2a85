"""What tells how far a result can be relied on: guard bands drawn as they decide, and credibility from what was run."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import page
from otosome.answers.sources import sources
from otosome.jobs import LotInputs, StudyInputs, assess, run
from otosome.jobs.crediting import credibility
from otosome.lots.belief import Belief
from otosome.lots.release import Risks, acceptance, decide
from otosome.report.guards import guard_lines
from otosome.study import load
from small_study import write

PROGRAMME = Path(__file__).parent.parent / "examples" / "programme"
RISKS = Risks(0.05, 0.05)


def drawn(median, spread, least, most):
    """A test's values as a lot's answer holds them."""
    belief = Belief.student(np.log(median), spread, np.inf)
    decision, inside = decide(belief, least, most, RISKS)
    return {
        "test": "particles",
        "asked": "",
        "found": "",
        "decision": decision,
        "consumer": 1 - inside,
        "accept": acceptance(belief, least, most, RISKS),
        "limits": (least, None if np.isinf(most) else most),
        "known": tuple(belief.quantile(share) for share in (0.05, 0.5, 0.95)),
    }


@given(
    st.floats(0.3, 3.0),
    st.floats(0.01, 0.4),
    st.sampled_from([(0.8, 1.25), (0.0, 1.25), (0.8, np.inf), (0.5, 2.0)]),
)
def test_the_dot_lies_in_the_green_exactly_where_the_test_releases(median, spread, limits):
    (line,) = guard_lines([drawn(median, spread, *limits)])
    green = line.accept is not None and line.accept[0] <= line.known[1] <= line.accept[1]
    near = line.accept is not None and min(abs(line.known[1] - end) for end in line.accept) < 0.02
    assert near or green == (line.decision == "release")
    assert 0 <= line.known[0] <= line.known[1] <= line.known[2] <= 100
    if line.accept is not None:
        assert line.inside[0] <= line.accept[0] <= line.accept[1] <= line.inside[1]
    assert (line.open_low, line.open_high) == (limits[0] == 0, np.isinf(limits[1]))


def test_a_number_without_an_error_has_no_guard_band_and_a_word_no_line():
    plain = {**drawn(1.0, 0.1, 0.8, 1.25), "consumer": None, "accept": None, "known": (1.0, 1.0, 1.0)}
    (line,) = guard_lines([plain, {**plain, "limits": None}, {"test": "of an earlier version"}])
    assert not line.judged
    # By ratios: 1 lies in the middle of 0.8 and 1.25.
    assert line.known[1] == pytest.approx((line.inside[0] + line.inside[1]) / 2, abs=0.02)


def test_the_limits_of_a_lot_are_those_of_its_decision(tmp_path):
    lot = assess(LotInputs(record=PROGRAMME / "lot.toml", out=tmp_path / "lot")).values
    particles = next(test for test in lot["tests"] if test["test"] == "particles")
    # The label is 4e11 particles/mL, its tolerance a fifth either way.
    assert particles["limits"] == pytest.approx([0.8 * 4e11, 1.2 * 4e11])
    count = lot["count"]["particles_per_uL"]
    # 1 uL is a thousandth of 1 mL.
    assert particles["known"] == pytest.approx([1e3 * count[end] for end in ("low", "median", "high")])
    assert 'class="accept"' in (tmp_path / "lot" / "report.html").read_text()
    (rows,) = credibility(tmp_path / "lot").values()
    table = {row.item: row for row in rows}
    assert table["model influence"].done.startswith("none")
    runs = [each for part in lot["potency"].values() for each in part["runs"]]
    assert table["validation: the assays"].done == f"{len(runs)} of {len(runs)} runs fit for use"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("relied")
    study = write(folder, question="Do vesicles before noise keep hearing?")
    run(StudyInputs(study=str(study), subjects=16, seed=3, out=folder / "results" / "small"))
    return folder


def test_a_run_says_what_was_verified_what_its_inputs_are_and_of_whom(folder):
    (rows,) = credibility(folder / "results" / "small").values()
    table = {row.item: row for row in rows}
    assert table["question of interest"].done == "Do vesicles before noise keep hearing?"
    assert "“b” over “a”" in table["context of use"].done
    basis = [row.basis for row in sources(load(folder / "small.toml"))]
    known = sum(each in ("measured", "secondary") for each in basis)
    assert f"{len(basis)} numbers and curves" in table["inputs"].done
    assert f"{round(100 * (1 - known / len(basis)))} % not measured" == table["inputs"].open
    assert table["uncertainty"].done.startswith("16 ears in 2 draws")
    assert table["applicability"].open.startswith("nothing here is of people")
    assert "of the dose" in table["verification: conservation, space and steps"].done


def test_the_record_shows_the_table_and_says_why_a_result_cannot_be_read(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "lab")
    whole = page(tmp_path / "lab")
    client = whole.enter()
    text = client.get(f"/record?result={whole.id('results/small')}").text
    for row in next(iter(credibility(tmp_path / "lab" / "results" / "small").values())):
        assert row.item in text
    (tmp_path / "lab" / "results" / "small" / "answer.json").unlink(missing_ok=True)
    (tmp_path / "lab" / "results" / "small" / "result.nc").unlink()
    broken = client.get(f"/record?result={whole.id('results/small')}")
    assert broken.status_code == 200 and "Not as otosome wrote it" in broken.text
    assert "How far it can be relied on" not in broken.text


def test_no_item_is_blank_on_both_sides(folder):
    for rows in credibility(folder / "results" / "small").values():
        assert all(any(dataclasses.astuple(row)[1:]) for row in rows)
