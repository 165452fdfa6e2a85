"""A part of a lot that cannot be judged says why, and stops nothing else: the rest is decided without it."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from lots import LABEL, record, wells
from otosome.catalog import Catalog, get
from otosome.cli import app
from otosome.lots.assessment import assess
from otosome.lots.curve import fit_logistic, fit_shared_logistic
from otosome.lots.potency import Run, assay_of, combine, measure

CATALOG = Catalog()
ASKED = {"file": "plate.csv", "reference": "reference", "sample": "lot", "mechanisms": ["hsp70"]}
THREE = "".join(
    f"A{n},reference,{2**n},ug/mL,{n / 3:.3f}\nB{n},lot,{2**n},ug/mL,{n / 3 + 0.3 * (-1) ** n:.3f}\n"
    for n in (1, 2, 3)
)
HEAD = "well,sample,dose,unit,response\n"
EMPTY = "sample\n,1,2\nA,,\n\ndose (ug/mL)\n,1,2\nA,,\n"
BMG = "Test name: X\n\nID1: x,ID2: Plate 1\nAbsorbance\n\nRaw Data (450 1)\n\n,1,2\nA,0.1,0.2\n"


UNJUDGED = {
    "no such file": ({"file": "none.csv"}, {}, "none.csv"),
    "lies elsewhere": ({"file": "../plate.csv"}, {}, "outside the record's folder"),
    "no such layout": ({"layout": "layout.csv"}, {}, "new batch writes one"),
    "no plate": ({}, {"plate.csv": "some words\n"}, "neither a long table of wells nor a grid"),
    "empty": ({}, {"plate.csv": ""}, "empty"),
    "no such assay": ({"assay": "elisa"}, {}, "elisa"),
    "no such sample": ({"sample": "lto"}, {}, "not on the plate; given: lto; allowed: lot, reference"),
    "the sample itself": ({"sample": "reference"}, {}, "the reference is the sample itself"),
    "no such column": ({"columns": {"response": "RLU"}}, {}, "RLU"),
    "one dose": ({}, {"plate.csv": HEAD + "A1,reference,1,ug/mL,1\nA2,lot,1,ug/mL,2\n"}, "1 dose in the wells A1"),
    "three wells and a curve": ({}, {"plate.csv": HEAD + THREE}, 'assay = "parallel_line"'),
    "three wells and a line": ({"assay": "parallel_line"}, {"plate.csv": HEAD + THREE}, "ratio of slopes"),
    "no response moves": ({}, {"plate.csv": "flat"}, "no curve"),
    "an empty layout": (
        {"layout": "layout.csv"}, {"plate.csv": BMG, "layout.csv": EMPTY}, "fill them in in layout.csv",
    ),
}  # fmt: skip


def flat(text):
    head, *rows = text.splitlines()
    return "\n".join([head, *(",".join([*row.split(",")[:4], "1.0"]) for row in rows)])


@pytest.mark.parametrize("reason", UNJUDGED)
def test_a_run_that_cannot_be_judged_says_why_and_stops_nothing(tmp_path, reason):
    """A count of half its label is refused whatever the plate; the test of potency cannot be decided."""
    changes, files, words = UNJUDGED[reason]
    wells(tmp_path / "plate.csv")
    for name, text in files.items():
        whole = flat((tmp_path / name).read_text(encoding="utf-8")) if text == "flat" else text
        (tmp_path / name).write_text(whole, encoding="utf-8")
    lot = record(tmp_path, days=4, count=LABEL / 2, assay=[ASKED | changes])
    done = CliRunner().invoke(app, ["quality", str(lot), "--out", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)["result"]
    assert result["decision"] == "refuse"
    by = {test["test"]: test for test in result["tests"]}
    assert by["particles"]["decision"] == "refuse"
    assert by["potency_hsp70"]["decision"] == "cannot decide"
    assert words in by["potency_hsp70"]["reason"]
    assert result["potency"]["hsp70"]["runs"][0]["refused"].split(";")[0] in (
        tmp_path / "out" / "certificate.html"
    ).read_text(encoding="utf-8").replace("&#39;", "'").replace("&#34;", '"')


def test_the_same_plate_named_twice_is_one_run(tmp_path):
    wells(tmp_path / "plate.csv")
    found = assess(record(tmp_path, days=4, assay=[ASKED, ASKED]), CATALOG)
    runs, potency = found.potencies["hsp70"]
    assert "the same file as assay.0.file" in runs[1].refused
    assert potency.runs == 1


def test_a_blank_needs_no_dose(tmp_path):
    """Wells without a dose are left out by their sample; the potency is that of the plate without them."""
    wells(tmp_path / "plate.csv")
    lot = record(tmp_path, days=4, assay=[ASKED])
    without = assess(lot, CATALOG).potencies["hsp70"][1]
    with (tmp_path / "plate.csv").open("a", encoding="utf-8") as file:
        file.write("H1,blank,,,0.05\nH2,blank,n/a,ug/mL,0.06\n")
    found = assess(lot, CATALOG)
    assert found.potencies["hsp70"][1] == without
    assert found.runs[0].plate.left_out == ("H1 (blank without a dose)", "H2 (blank without a dose)")


RESPONSES = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 1e-30, 1e30, -1e30]), st.floats(-3, 3, allow_subnormal=False)
)
PREPARATION = st.integers(1, 8).flatmap(
    lambda n: st.lists(st.tuples(st.integers(-12, 12), RESPONSES), min_size=n, max_size=3 * n)
)
LOOSE = {"determination": 0.0, "replicate_error": 1e9, "window": 0.0, "slope_margin": 1e9,
         "range_margin": 1e9, "lower_margin": 1e9}  # fmt: skip


@given(PREPARATION, PREPARATION, st.sampled_from(["four_parameter", "parallel_line"]), st.booleans())
def test_whatever_the_wells_a_run_has_a_finite_potency_or_says_why(reference, sample, model, loose):
    values = {key: by[""].value for key, by in get("assays", model).card.parameters.items()}
    assay = assay_of(values | LOOSE if loose else values, model)
    (dose, response), (other, effect) = (np.array(rows, dtype=float).T for rows in (reference, sample))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measure(Run("run", 2.0**dose, response, 2.0**other, effect), assay)
        alone, thrice = combine([found]), combine([found, found, found])
    assert (alone is None) == bool(found.refused) == (thrice is None)
    if alone is not None:
        assert 0 < alone.low <= alone.r <= alone.high < np.inf
        assert alone.r == pytest.approx(thrice.r)
    else:
        assert found.cure


@pytest.mark.parametrize("wells_", [1, 2, 3, 4])
def test_as_many_wells_as_numbers_determine_no_curve(wells_):
    x = np.arange(float(wells_))
    assert fit_logistic(x, x**2) is None
    assert fit_shared_logistic(np.r_[x, x], np.r_[x, x**2], np.repeat([0, 1], wells_)) is None or wells_ > 2
