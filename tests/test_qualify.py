"""Published cases run again: what an interval, a verdict and a row must be, on cheap cases and by law."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import otosome
from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.forward import through
from otosome.review.qualification import (
    VERDICTS,
    between,
    counts,
    coverage,
    evidence,
    known,
)
from otosome.review.qualification.bench import Bench, Terms, summarise
from otosome.review.qualification.case import Case, cases
from otosome.review.qualification.rerun import Statistic, rerun, study_of
from otosome.review.qualification.text import row_lines, simulated
from otosome.review.qualification.verdict import interval_score, judge
from tools.documents.qualification import stated, write_document

ROOT = Path(__file__).parents[1]
CATALOG = Catalog()
ROWS = [case for name in CATALOG.names("cases") for case in cases(CATALOG.get("cases", name))]
EVIDENCE = {
    "pk": [
        "A1", "A2", "A3", "A4", "A5", "C01", "C02", "C03", "C06", "C09", "C10", "C12", "C13", "C16", "C18a", "C23",
        "C26", "C29",
    ],
    "ear": [
        "A1", "A2", "A3", "A4", "A6", "A7", "A8", "B1", "B2", "B4", "B9", "B10", "B14", "C1", "C3", "C5", "C7", "D1",
        "D3", "D4", "E1",
    ],
    "ev": ["D01", "D02", "D03", "D05", "P1", "P2", "P3", "P4", "P5", "P6", "P7"],
}  # fmt: skip

LEVEL = """
about = "A level in a beaker."
species = "guinea_pig"
rests = []
{head}
[level]
meaning = "concentration"
value = "10 uM"
{spread}
basis = "assumed"
because = "Made up for the test."

[row."pk:T1"]
about = "level in a few"
n = {few}
{measured}

[row."pk:T1.many"]
about = "level in many"
n = 64
{measured}
"""
FORMULA = '''
"""A beaker."""

from dataclasses import dataclass

from otosome.units import Micromolar


@dataclass(frozen=True)
class Beaker:
    """Its level."""

    level: Micromolar

    def replicate(self, bench):
        """Itself."""
        return {"pk:T1": self.level.ravel(), "pk:T1.many": self.level.ravel()}
'''


def shelf(tmp_path, spread='subjects = "30 %"', measured='found = "10 uM"', few=4, head=""):
    """A catalog with one more observation, which needs no ear."""
    (tmp_path / "cases").mkdir()
    text = LEVEL.format(spread=spread, measured=measured, few=few, head=head)
    (tmp_path / "cases" / "beaker.toml").write_text(text, encoding="utf-8")
    (tmp_path / "cases" / "beaker.py").write_text(FORMULA, encoding="utf-8")
    return Catalog((tmp_path,))


def row_of(rows, name):
    return next(row for row in rows if row.id == name)


@pytest.mark.parametrize("shelf_name", EVIDENCE)
def test_every_row_of_the_evidence_is_an_observation_or_says_why_it_is_no_test(shelf_name):
    ids = known()
    for number in EVIDENCE[shelf_name]:
        assert f"{shelf_name}:{number}" in ids


def test_a_row_that_is_simulated_says_where_it_was_measured_and_its_source_is_there():
    for case in ROWS:
        if case.kind in ("interval", "direction"):
            assert CATALOG.source(case.source).title, case.id
            assert case.locator, case.id


@pytest.mark.parametrize("name", CATALOG.names("cases"))
def test_an_observation_gives_a_finite_number_for_each_of_its_rows(name):
    entry = CATALOG.get("cases", name)
    asked = [case for case in cases(entry) if case.kind != "none"]
    if entry.options.study is not None:
        study = study_of(entry, Terms(CATALOG))
        assert all(Statistic.of_case(case, study, name).arms for case in asked)
    elif asked:
        found = Bench(Terms(CATALOG, 2), entry, 2).replicate()
        assert set(found) == {case.id for case in asked}
        assert all(np.all(np.isfinite(values)) for values in found.values())


@pytest.mark.parametrize("name", CATALOG.names("cases"))
def test_a_row_that_one_of_its_own_numbers_was_calibrated_on_is_no_evidence(name):
    entry = CATALOG.get("cases", name)
    terms = Terms(CATALOG)
    used = study_of(entry, terms) if entry.options.study is not None else Bench(terms, entry, 1)
    told = [
        p.because.split("used, hence")[0] for p in used.parameters.values() if "Calibrated on" in p.because
    ]
    ids = {
        found for text in told for found in re.findall(r"(?:pk|ear|ev):[A-Z]\d+[a-z]?(?:\.[a-z]\w*)?", text)
    }
    for case in cases(entry):
        if case.id in ids:
            assert case.used, case.id


def test_a_tolerance_that_includes_zero_is_called_weak():
    for case in ROWS:
        # A correlation may be none or less, and says as much.
        if case.kind == "interval" and case.unit not in ("dB", "dB HL", "dB SPL") and not case.figure:
            one_deviation = case.value is not None and case.sd is not None and case.value - case.sd <= 0
            if case.band()[0] <= 0 or one_deviation:
                assert case.weak, case.id


def test_what_differs_between_subjects_alone_narrows_with_their_number(tmp_path):
    rows = otosome.qualify(["pk:T1"], worlds=200, catalog=shelf(tmp_path))
    few, many = (row_of(rows, name).simulated for name in ("pk:T1", "pk:T1.many"))
    # A mean of 64 spreads a quarter as far as one of 4; 200 worlds know a width to some 10 %.
    assert (many["high"] - many["low"]) / (few["high"] - few["low"]) == pytest.approx(0.25, rel=0.25)


def test_what_is_not_known_does_not_narrow_with_the_number_of_subjects(tmp_path):
    unknown = 'low = "5 uM"\nhigh = "20 uM"'
    rows = otosome.qualify(["pk:T1"], worlds=100, catalog=shelf(tmp_path, unknown))
    few, many = (row_of(rows, name).simulated for name in ("pk:T1", "pk:T1.many"))
    assert few == pytest.approx(many)


def test_a_simulated_study_taken_as_the_measurement_is_covered_nine_times_in_ten(tmp_path):
    spread = 'low = "7 uM"\nhigh = "14 uM"\nsubjects = "30 %"'
    catalog = shelf(tmp_path, spread)
    entry = catalog.get("cases", "beaker")
    case = cases(entry)[0]

    def statistics(seed):
        bench = Bench(Terms(catalog, 400, seed), entry, 4)
        return summarise(bench.replicate()["pk:T1"], bench, 4, "mean")

    ours = judge(case, statistics(1)).simulated
    theirs = statistics(2)
    covered = np.mean((theirs >= ours["low"]) & (theirs <= ours["high"]))
    # 400 measurements scatter by 1.5 %, the ends of 400 worlds by about as much.
    assert covered == pytest.approx(0.9, abs=0.05)


def test_a_row_is_the_same_alone_or_among_others(tmp_path):
    catalog = shelf(tmp_path, 'low = "7 uM"\nhigh = "14 uM"\nsubjects = "30 %"')
    both = otosome.qualify(["pk:T1"], worlds=20, catalog=catalog)
    alone = otosome.qualify(["pk:T1.many"], worlds=20, catalog=catalog)
    assert alone == [row_of(both, "pk:T1.many")]


def test_a_group_has_as_many_subjects_as_its_own_rows_and_a_row_is_the_same_beside_one_of_more(monkeypatch):
    entry, terms, sizes = CATALOG.get("cases", "ear_b20"), Terms(CATALOG, worlds=2), []
    read = {case.id: case for case in cases(entry)}
    few, many = read["ear:B20.healthy"], read["ear:B20.103_early"]
    few, fewer, most = replace(few, n=5), replace(few, n=3), replace(few, n=many.n, id="most")
    monkeypatch.setattr(
        sys.modules[rerun.__module__],
        "through",
        lambda *given: sizes.append(given[1].size) or through(*given),
    )
    alone = rerun(entry, [few, many], terms)
    assert sizes == [2 * 5, 2 * many.n]
    beside = rerun(entry, [few, many, most], terms)
    assert sizes[2:] == [2 * many.n, 2 * many.n]
    for name, values in alone.items():
        assert values.tobytes() == beside[name].tobytes(), name
    assert not np.any(alone[few.id] == rerun(entry, [fewer, many], terms)[few.id])


def interval(*values, unit="uM", **told):
    case = Case("pk:T", "", "", "", unit=unit, **told)
    return judge(case, np.array(values))


def test_an_interval_agrees_where_it_meets_the_measured_value_with_its_own_error():
    values = np.linspace(8.0, 12.0, 101)
    assert interval(*values, value=10.0).verdict == "agrees"
    assert interval(*values, value=15.0).verdict == "disagrees"
    # 1.645 standard errors of 5 / sqrt(4) reach down to 10.9, below the 95 % of 11.8.
    near = interval(*values, value=15.0, sd=5.0, n=4)
    assert (near.verdict, near.inside) == ("agrees", False)
    assert interval(*values, low=11.0, high=20.0).verdict == "agrees"
    assert interval(*values, low=14.0, high=20.0).verdict == "disagrees"


def test_the_error_of_a_median_comes_from_the_range_of_its_ears_and_is_not_that_range():
    """Log-normal ears, published as so many papers print them: the band holds the true median nine times in ten."""
    rng = np.random.default_rng(1)
    for n in (7, 18):
        ears = np.exp(rng.normal(0.0, 1.5, (4000, n)))
        held = 0
        for some in ears:
            told = {"value": float(np.median(some)), "low": float(some.min()), "high": float(some.max())}
            low, high = Case("pk:T", "", "", "", n=n, summary="median", **told).band()
            held += low <= 1.0 <= high
        # The spread is itself known from few ears only: the share falls short of 0.9 by some hundredths.
        assert held / 4000 == pytest.approx(0.9, abs=0.05)
    unseen = Case("pk:T", "", "", "", value=1.0, low=0.0, high=8.0, n=8, summary="median")
    even = Case("pk:T", "", "", "", value=1.0, low=1 / 8, high=8.0, n=8, summary="median")
    assert unseen.band() == pytest.approx(even.band())


def test_an_interval_too_wide_to_tell_that_meets_the_value_is_uninformative():
    assert interval(1.0, 1.0, 30.0, 30.0, value=2.0).verdict == "uninformative"
    assert interval(0.0, 0.0, 31.0, 31.0, unit="dB", value=2.0).verdict == "uninformative"
    assert interval(0.0, 0.0, 29.0, 29.0, unit="dB", value=2.0).verdict == "agrees"
    assert interval(0.1, 0.1, 0.7, 0.7, unit="%", value=30.0).verdict == "uninformative"
    assert interval(0.1, 0.1, 0.5, 0.5, unit="%", value=30.0).verdict == "agrees"
    assert interval(8.0, 8.0, 20.0, 20.0, value=10.0, sd=2.0, n=4).verdict == "uninformative"


@pytest.mark.parametrize("width", [1.5, 10.5, 1e3, 1e6])
@pytest.mark.parametrize("side", [0.99, 1.01])
def test_an_interval_that_excludes_the_value_disagrees_however_wide_it_is(width, side):
    low, high = 1.0, width
    outside = interval(low, low, high, high, value=low * side if side < 1 else high * side)
    assert (outside.verdict, outside.covers, outside.inside) == ("disagrees", False, False)
    assert outside.sharp is (width <= 10.0)
    # Widening cannot turn it into anything better but by reaching the value.
    wider = interval(low / 2, low / 2, high * 2, high * 2, value=outside.measured["value"])
    assert wider.covers


def test_how_many_intervals_cover_and_how_many_are_sharp_are_counted_for_evidence_and_calibration_apart():
    sharp, wide = (1.0, 1.0, 2.0, 2.0), (1.0, 1.0, 100.0, 100.0)
    rows = [
        interval(*sharp, value=1.5), interval(*sharp, value=5.0), interval(*wide, value=50.0),
        interval(*wide, value=500.0), interval(*wide, value=500.0, used="it"), interval(*sharp, above=0.0),
    ]  # fmt: skip
    both = {"covering": 2, "covering, sharp": 1, "excluding": 2, "excluding, sharp": 1}
    assert coverage(rows)["evidence"] == both
    # In words: of four of evidence two cover and two exclude, one each of them sharp.
    words = "intervals of evidence: 2 cover what was measured (1 of them sharp), 2 exclude it (1 sharp)"
    assert words in row_lines(rows)
    assert sum(coverage(rows)["calibration"].values()) == coverage(rows)["calibration"]["excluding"] == 1


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.95, "agrees"), (0.5, "uninformative"), (0.05, "disagrees")]
)
def test_a_direction_is_as_probable_as_the_worlds_in_which_it_holds(share, verdict):
    values = np.where(np.arange(1000) < 1000 * share, 1.0, -1.0)
    row = interval(*values, above=0.0)
    assert (row.probability, row.verdict) == (share, verdict)
    assert row.as_dict()["calibrated"] is False


def test_the_interval_score_is_the_width_plus_twenty_times_what_is_missed():
    assert interval_score(2.0, 5.0, 4.0) == pytest.approx(3.0)
    assert interval_score(2.0, 5.0, 6.0) == pytest.approx(3.0 + 20.0 * 1.0)
    assert interval_score(2.0, 5.0, 1.5) == pytest.approx(3.0 + 20.0 * 0.5)


def test_columns_on_a_terminal_begin_at_the_same_place_however_long_an_id_is():
    rows = [
        replace(interval(1.0, 2.0, value=1.5), id=name) for name in ("a:1", "a:1.with_a_name_of_some_length")
    ]
    first, second, *_ = row_lines(rows)
    assert first.startswith("agrees  a:1  ")
    begins = first.index(simulated(rows[0]))
    assert begins == second.index(simulated(rows[1])) == second.index("length") + len("length  ")


def test_what_a_sum_leaves_of_nothing_is_written_as_nothing():
    row = interval(-17.7, -2.78e-16, 15.0, value=1.5)
    assert (
        simulated(replace(row, simulated={"low": -17.7, "median": -2.78e-16, "high": 15.0}))
        == "0 (-17.7 to 15) uM"
    )
    # A ratio of many decades loses none of its ends.
    wide = {"low": 5.14e5, "median": 1.07e11, "high": 5.66e15}
    assert simulated(replace(row, simulated=wide)) == "1.07e+11 (5.14e+05 to 5.66e+15) uM"


def test_rows_that_something_was_calibrated_on_count_apart():
    rows = [interval(1.0, 2.0, value=1.5), interval(1.0, 2.0, value=1.5, used="it")]
    told = counts(rows)
    assert told["evidence"]["agrees"] == told["calibration"]["agrees"] == 1
    assert set(told["evidence"]) == set(VERDICTS)


def test_what_transport_must_meet_exactly_it_meets():
    rows = otosome.qualify(["pk:A1", "pk:A2", "pk:A3", "pk:A4", "pk:A5"])
    assert {row.verdict for row in rows} == {"agrees"}


def test_a_case_whose_source_was_withdrawn_is_no_test(tmp_path):
    catalog = shelf(tmp_path, head='source = "gone"')
    (tmp_path / "sources").mkdir()
    gone = 'standing = "withdrawn"\ndate = "2026-01-02"\nreason = "The owner asked."\n'
    (tmp_path / "sources" / "gone.toml").write_text(gone, encoding="utf-8")
    rows = otosome.qualify(["pk:T1"], worlds=2, catalog=catalog)
    assert {row.verdict for row in rows} == {"no test"}
    assert "withdrawn on 2026-01-02" in rows[0].reason


def test_a_case_whose_source_was_retracted_is_no_test_unless_it_is_allowed_by_name(tmp_path):
    catalog = shelf(tmp_path, head='source = "gone"')
    (tmp_path / "sources").mkdir()
    gone = 'title = "A"\nlink = "https://example.org"\nstanding = "retracted"\n'
    gone += 'date = "2026-01-02"\nreason = "Made up."\n'
    (tmp_path / "sources" / "gone.toml").write_text(gone, encoding="utf-8")
    refused = otosome.qualify(["pk:T1"], worlds=5, catalog=catalog)
    allowed = otosome.qualify(["pk:T1"], worlds=5, catalog=catalog, allow_retracted=("gone",))
    assert {row.verdict for row in refused} == {"no test"}
    assert {row.verdict for row in allowed} == {"agrees"}


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        ('found = "10 mm"', "is in another kind of unit than found of the same row; given: 1 uM"),
        ('colour = "red"', "is not a key here"),
        ("", "says what was measured"),
        ('low = "3 uM"\nhigh = "1 uM"', "must rise"),
        ('found = "5 uM"\nlow = "6 uM"\nhigh = "9 uM"', "and holds it"),
        ('expect = ["10 uM"]', "has a tolerance"),
        ('found = "10 uM"\nsummary = "mode"', "is not known"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(tmp_path, measured, words):
    measured = f'se = "1 uM"\n{measured}' if "mm" in measured else measured
    catalog = shelf(tmp_path, measured=measured)
    with pytest.raises(BadInput, match=words):
        otosome.qualify(["pk:T1"], worlds=2, catalog=catalog)


QUIET = """
about = "Mice that are left alone, twice."
source = "cba_jrj_2021"
locator = "made up for the test"

[study]
species = "mouse"
arm = [{{ name = "one" }}, {{ name = "other" }}]
measure.abr = {{ endpoint = "abr_threshold", frequency = ["8 kHz", "16 kHz"], at = ["-1 d", "1 d"] }}

[row."ear:T1"]
about = "one group against the other"
found = "0 dB"
n = 10
statistic = {{ measure = "abr", of = "one", against = "other" }}

[row."ear:T1.since"]
about = "a group against itself a day before"
found = "{found}"
n = 10
statistic = {statistic}
"""
SINCE = '{ measure = "abr", of = "one", since = "-1 d", over = "max" }'


def quiet(tmp_path, statistic=SINCE):
    (tmp_path / "cases").mkdir()
    # The share of a group with a grade is a per cent.
    text = QUIET.format(statistic=statistic, found="0 %" if "scale" in statistic else "0 dB")
    (tmp_path / "cases" / "quiet.toml").write_text(text, encoding="utf-8")
    return Catalog((tmp_path,))


def test_two_groups_left_alone_differ_by_chance_alone_and_share_no_subject(tmp_path):
    rows = otosome.qualify(["ear:T1"], worlds=30, catalog=quiet(tmp_path))
    between, since = (row_of(rows, name).simulated for name in ("ear:T1", "ear:T1.since"))
    assert between["low"] < 0.0 < between["high"]
    # Readings err by some 6 dB, ten at two frequencies by 1.3, two such groups by 1.9 dB and what ears differ by.
    assert between["high"] - between["low"] > 2.0
    # The worse of two frequencies is above zero more often than not.
    assert since["median"] > 0.0
    assert since["high"] - since["low"] < 15.0


@pytest.mark.parametrize(
    ("statistic", "words"),
    [
        ('{ measure = "abr", of = "nobody" }', "allowed: one, other"),
        ('{ measure = "dpoae", of = "one" }', "allowed: abr"),
        ('{ of = "one" }', "is missing"),
        ('{ measure = "abr", of = "one", by = "guess" }', "allowed: difference, ratio"),
        ('{ measure = "abr", of = "one", sum = "x" }', "is not a key of a statistic"),
        ('{ measure = "abr", of = "one", at = "5 d" }', "is not measured then"),
        ('{ measure = "abr", of = "one", frequency = ["4 kHz"] }', "is not measured there"),
        (
            '{ measure = "abr", of = "one", since = "-1 d", weights = [1, -0.5] }',
            "are one for each frequency that is listed",
        ),
        ('{ measure = "abr", of = "one", weights = 1 }', "weights are a list of numbers such as"),
        (
            '{ measure = "abr", of = "one", scale = "brock", grade = "9", since = "-1 d" }',
            "allowed: 0, 1, 2, 3, 4",
        ),
    ],
)
def test_a_statistic_that_a_study_cannot_give_is_refused(tmp_path, statistic, words):
    with pytest.raises(BadInput, match=words):
        otosome.qualify(["ear:T1"], worlds=2, catalog=quiet(tmp_path, statistic))


def test_an_unknown_row_names_those_there_are():
    with pytest.raises(BadInput, match=r"is no row of a case; given: pk:C4; allowed: .*pk:C34"):
        otosome.qualify(["pk:C4"])


def test_the_command_prints_rows_and_one_object(tmp_path):
    shelf(tmp_path)
    asked = ["qualify", "pk:T1", "pk:C12", "--worlds", "5", "--shelves", str(tmp_path)]
    told = CliRunner().invoke(app, [*asked, "--json"])
    assert told.exit_code == 0
    answer = json.loads(told.stdout)
    assert [row["id"] for row in answer["result"]["rows"]] == ["pk:C12", "pk:T1", "pk:T1.many"]
    assert set(answer["result"]["rows"][1]["simulated"]) == {"low", "median", "high"}
    assert answer["result"]["rows"][0]["verdict"] == "no test"
    lines = CliRunner().invoke(app, asked).stdout
    assert "agrees" in lines
    assert "pk:T1.many" in lines


def test_a_document_holds_every_row_and_what_it_rests_on(tmp_path):
    catalog = shelf(tmp_path)
    rows = otosome.qualify(["pk:T1", "pk:C12"], worlds=5, catalog=catalog)
    file = tmp_path / "validation.md"
    write_document(file, rows, catalog, 5)
    assert stated(file) == (evidence(catalog), [row.id for row in rows])
    assert file.with_suffix(".png").stat().st_size > 1000


def test_the_document_of_the_project_is_of_the_evidence_as_it_is():
    mark, rows = stated(ROOT / "docs" / "validation.md")
    assert rows == known(), "write it anew: make docs"
    assert mark == evidence(), "write it anew: make docs"


@pytest.mark.parametrize(
    "found",
    ["None", "{}", "{'pk:T1': self.level.ravel()[:1]}", "{'pk:T1': self.level.ravel() * float('inf')}"],
)
def test_a_formula_of_ones_own_finds_a_finite_number_for_each_ear(tmp_path, found):
    catalog = shelf(tmp_path)
    code = FORMULA.replace('{"pk:T1": self.level.ravel(), "pk:T1.many": self.level.ravel()}', found)
    assert found in code
    (tmp_path / "cases" / "beaker.py").write_text(code, encoding="utf-8")
    with pytest.raises(BadInput, match="finite numbers"):
        otosome.qualify(["pk:T1"], worlds=3, catalog=catalog)


def test_a_tolerance_of_another_kind_is_refused(tmp_path):
    catalog = shelf(tmp_path, measured='expect = ["10 uM"]\ntolerance = "1 h"')
    with pytest.raises(BadInput, match="tolerance"):
        known(catalog)


def test_figures_between_subjects_come_back_from_made_up_readings():
    rng = np.random.default_rng(0)
    worlds, runs, each, tones = 40, 40, 5, 4
    run = 3.0 * rng.standard_normal((worlds, runs, 1, 1))
    animal = 2.0 * rng.standard_normal((worlds, runs, each, 1))
    noise = rng.standard_normal((worlds, runs, each, tones))
    slope = np.linspace(0.0, 12.0, tones)
    values = (run + animal + noise + slope).reshape(worlds, runs * each, tones)
    number = np.broadcast_to(np.repeat(np.arange(runs), each), (worlds, runs * each))
    assert between.spread(values).mean() == pytest.approx(np.sqrt(14.0), rel=0.03)
    assert between.correlation(values).mean() == pytest.approx(13.0 / 14.0, abs=0.01)
    assert between.correlation(values, -values + 100.0).mean() == pytest.approx(-1.0)
    assert between.shape(values).mean() == pytest.approx(12.0, abs=0.1)
    # The mean over frequencies has a quarter of the readings' variance.
    assert between.run(values, number).mean() == pytest.approx(9.0 / (9.0 + 4.0 + 0.25), abs=0.03)
    mixed = rng.permuted(number, axis=1)
    assert between.run(values, mixed).mean() < 0.05
    assert not np.any(between.run(values, np.zeros_like(number)))
    assert not np.any(between.correlation(np.ones((2, 5, 3))))


def test_a_correlation_that_could_be_nearly_anything_is_uninformative_and_one_that_excludes_disagrees():
    case = Case("x", "", "s", "l", value=0.9, se=0.02, n=9, statistic={"figure": "correlation"})
    assert judge(case, np.linspace(-0.4, 0.95, 50)).verdict == "uninformative"
    assert judge(case, np.linspace(0.5, 0.95, 50)).verdict == "agrees"
    row = judge(case, np.linspace(-0.95, 0.5, 50))
    assert (row.verdict, row.kind) == ("disagrees", "correlation")
