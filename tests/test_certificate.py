"""A certificate that can be filed: everything on it, nothing of the machine, and text that is never markup."""

from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pytest

from lots import FINDINGS, LABEL, record
from otosome.catalog import Catalog
from otosome.lots.assessment import assess
from otosome.lots.belief import Belief
from otosome.lots.history import ewma
from otosome.lots.text import probable, stake_lines
from otosome.lots.values import _belief, _chart, _ratio, lot_values
from otosome.report.certificate import certificate_pdf, conclusion, heads, risk
from otosome.report.lot import certificate

FILLED = {
    "product": "Vesicles <b>of cells</b> & α",
    "sample": "vial 12",
    "made": "2026-03-30",
    "tested": "2026-04-02",
    "methods": {"endotoxin": "kinetic LAL, reader 2"},
}


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    lots = {
        "release": record(folder, "good", runs=2, **FILLED),
        "refuse": record(folder, "half", count=LABEL / 2, findings={**FINDINGS, "colour": "none"}, **FILLED),
        "cannot decide": record(folder, "once", days=1),
    }
    return {decision: lot_values(assess(file, Catalog())) for decision, file in lots.items()}


def text_of(pdf, folder):
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler is not installed")
    (folder / "page.pdf").write_bytes(pdf)
    done = subprocess.run(
        ["pdftotext", "-layout", folder / "page.pdf", "-"], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(("decision", "mark"), [("release", "✓"), ("refuse", "✗"), ("cannot decide", "?")])
def test_each_decision_stands_in_word_mark_and_colour(values, decision, mark, tmp_path):
    lot = values[decision]
    assert lot["decision"] == decision
    page = certificate(lot)
    assert f'<p class="decision {decision.replace(" ", "-")}">{mark} {decision.capitalize()}</p>' in page
    assert f"{mark} {decision.capitalize()}" in text_of(certificate_pdf(lot), tmp_path)


def test_both_forms_hold_all_that_a_certificate_needs(values, tmp_path):
    lot = values["refuse"]
    page, pdf = certificate(lot), text_of(certificate_pdf(lot), tmp_path)
    flat = re.sub(r"\s+", " ", pdf)
    for word in ("vial 12", "2026-03-30", "2026-04-02", "4e+11 particles/mL", "nebulised_msc_2025"):
        assert word in page and word in flat
    # Method, source of the limit, files with hashes, results beyond the specification, signatures, page numbers.
    assert "kinetic LAL, reader 2" in page and "kinetic LAL" in flat
    assert "nebulised_msc_2025, Table 1" in page
    assert "colour" in page and "colour" in flat
    for file in lot["files"]:
        assert file["sha256"] in page and file["sha256"] in flat
        assert "/" not in file["name"] and "\\" not in file["name"]
    for word in ("Tested by", "Reviewed by", "Decided by", "Signature"):
        assert word in page and word in flat
    assert "Page 1 of 2" in flat and "Page 2 of 2" in flat
    assert conclusion(lot) == "Outside the limits: particles."


def test_a_certificate_names_no_place_of_the_machine_and_no_line_to_add(values, tmp_path):
    for lot in values.values():
        for page in (certificate(lot), text_of(certificate_pdf(lot), tmp_path)):
            assert "/tmp" not in page and str(tmp_path.parent) not in page
            assert "add under" not in page and "[findings]" not in page


def test_a_field_that_the_record_lacks_is_not_stated(values):
    assert dict(heads(values["cannot decide"]))["Product"] == "not stated"
    assert "not stated" in certificate(values["cannot decide"])


def test_a_name_in_a_record_stays_text(values, tmp_path):
    page, pdf = certificate(values["release"]), text_of(certificate_pdf(values["release"]), tmp_path)
    assert "&lt;b&gt;of cells&lt;/b&gt; &amp; α" in page
    assert "Vesicles <b>of cells</b> & α" in pdf


def test_the_same_lot_gives_the_same_file(values):
    assert certificate_pdf(values["release"]) == certificate_pdf(values["release"])


def test_a_risk_is_never_rounded_to_none_or_to_certainty():
    assert [risk(p) for p in (None, 1e-9, 0.0312, 1 - 1e-9)] == ["–", "below 0.1 %", "3.12 %", "above 99.9 %"]


def test_a_ratio_of_two_beliefs_is_that_of_log_normal_numbers():

    ours, theirs = Belief.student(1.0, 0.3, np.inf), Belief.student(-0.5, 0.4, np.inf)
    both, off = _ratio(ours, theirs), 1.6449 * np.hypot(0.3, 0.4)
    assert both == pytest.approx(
        {"low": np.exp(1.5 - off), "median": np.exp(1.5), "high": np.exp(1.5 + off)}, rel=1e-3
    )


def test_over_a_number_known_exactly_a_ratio_has_the_ends_of_the_other_and_turned_round_their_inverses():
    lopsided = Belief(
        np.array([0.7, 0.3]), np.array([0.0, 1.0]), np.array([0.1, 0.5]), np.array([np.inf, np.inf])
    )
    ends = {name: lopsided.quantile(p) for name, p in (("low", 0.05), ("median", 0.5), ("high", 0.95))}
    two = Belief.student(np.log(2.0), 0.0, np.inf)
    assert _belief(lopsided) == ends
    assert _ratio(lopsided, two) == pytest.approx({name: end / 2 for name, end in ends.items()})
    turned = {"low": 2 / ends["high"], "median": 2 / ends["median"], "high": 2 / ends["low"]}
    assert _ratio(two, lopsided) == pytest.approx(turned)


@pytest.mark.parametrize(
    ("probability", "words"),
    [(1.0, "above 0.999"), (0.9995, "above 0.999"), (0.998, "0.998"), (0.5, "0.5"), (0.002, "0.002"),
     (0.0005, "below 0.001"), (0.0, "below 0.001")],
)  # fmt: skip
def test_no_probability_is_rounded_to_certainty(probability, words):
    assert probable(probability) == f"probability {words}"


def test_a_new_lot_stands_among_its_own_limits_and_beside_no_earlier_ones():
    lots = np.log([1.0, 1.2, 0.9, 1.1])
    chart = _chart(ewma(lots, float(np.log(5.0))), ("a", "b", "c", "d"))
    new, (low, high) = chart["new"], (chart["low"], chart["high"])
    assert (new["value"], new["low"], new["high"]) == (chart["values"][4], low[4], high[4])
    # Limits of an exponentially weighted mean widen with every lot.
    assert np.all(np.diff(high) > 0) and np.all(np.diff(low) < 0) and new["high"] > high[3]
    assert new["outside"] and chart["outside"] == []
    assert chart["centre"] == pytest.approx(np.exp(lots.mean()))
    assert _chart(ewma(lots), ("a", "b", "c", "d"))["new"] is None


@pytest.mark.parametrize(
    ("reach", "words"),
    [(1.0, "1 vesicles reach"), (2.3, "2.3 vesicles reach"), (0.96, "0.96 of a vesicle reaches")],
)
def test_what_reaches_the_ear_is_counted_from_one_whole_vesicle(reach, words):
    limit = {"limit": "potency", "change": 0.04, "low": -1.0, "high": 2.0}
    stakes = {
        "unit": "dB",
        "ears": 8,
        "study": "mine",
        "benefit": 3.0,
        "low": 1.0,
        "high": 5.0,
        "reach": reach,
    }
    *_, last = stake_lines(stakes | {"limits": [limit]})
    assert words in last and last.startswith("no limit changes hearing, because at this dose")
    *_, last = stake_lines(stakes | {"limits": [limit | {"change": 0.06}]})
    assert last.startswith("at this dose")
