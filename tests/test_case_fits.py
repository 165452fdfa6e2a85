"""Fits to published cases: exact where the model is a product, the law of a plane, errors of rows, refusals."""

from __future__ import annotations

import csv
import shutil
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri

from otosome import jobs
from otosome.errors import BadInput
from otosome.fitting.file import FITS
from otosome.jobs.fitting import stored_fit
from otosome.report.calibration import case_fit_lines, case_fit_report, methods
from otosome.review.calibration.bench import balanced
from otosome.review.calibration.figure import Figure
from otosome.review.calibration.file import load_case_fit
from otosome.review.calibration.fit import fit_cases
from otosome.review.calibration.linear import Open, conditional, summit
from otosome.review.calibration.sampled import regressed
from otosome.review.qualification.case import Case
from otosome.study.tables.pins import Number

Z95 = float(ndtri(0.95))
CASE = """
about = "A product of two numbers, read in four animals."
species = "mouse"
source = "salt_ma_2001"
locator = "nowhere"

[sought]
meaning = "a factor that is sought"
value = "1"
low = "0.1"
high = "10"
basis = "assumed"
because = "A test."

[beside]
meaning = "a factor known within a factor of two"
value = "2"
low = "1"
high = "4"
basis = "assumed"
because = "A test."

[idle]
meaning = "a factor without effect"
value = "1"
low = "0.5"
high = "2"
basis = "assumed"
because = "A test."

[exact]
meaning = "a factor that is exactly known"
value = "3"
basis = "assumed"
because = "A test."

[row."own:P1"]
about = "the product"
found = "12 uM"
n = 4

[row."own:P2"]
about = "the product, with its error"
found = "12 uM"
se = "1.2 uM"
n = 4

[row."own:P3"]
about = "words"
no_test = "Nothing was printed."

[row."own:P4"]
about = "a bound"
above = "5 uM"
n = 4

[row."own:P5"]
about = "the product by another paper, a hundredfold"
found = "1200 uM"
n = 4
"""
FORMULA = '''
"""A product."""

from dataclasses import dataclass

from otosome.units import Array


@dataclass(frozen=True)
class Product:
    """Four factors of which three count."""

    sought: Array
    beside: Array
    idle: Array
    exact: Array

    def replicate(self, bench):
        """The product, for every row."""
        product = (self.sought * self.beside * self.exact).ravel()
        return {row: product for row in ("own:P1", "own:P2", "own:P4", "own:P5")}
'''
VEIN = """
about = "A dose by vein."
source = "salt_ma_2001"

[given.dose]
solute = "tmpa"
route = "intravenous"
amount = "1 umol"
at = "0 h"

[read.plasma]
of = "plasma"
at = "1 h"

[row."own:P1"]
found = "12 uM"
statistic = { of = "plasma" }
"""
FIT = """
otosome = "fit/1"
title = "A product"
cases = ["own:P1"]
free = ["cases.product.sought"]
because = "One of two factors."

[error."own:P1"]
size = "10 %"
because = "A test."
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "shelves" / "cases").mkdir(parents=True)
    (tmp_path / "shelves" / "cases" / "product.toml").write_text(CASE, encoding="utf-8")
    (tmp_path / "shelves" / "cases" / "product.py").write_text(FORMULA, encoding="utf-8")
    return tmp_path


def written(own, text=FIT):
    file = own / "product.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_of_a_product_each_factor_is_what_the_other_leaves(own):
    """12 = sought x beside x 3: log sought = log 4 - log beside, with the figure's 10 % and the other's range."""
    answer, _ = fit_cases(
        load_case_fit(written(own), (own / "shelves",)), own / "chain.npz", lambda *report: None
    )
    (row,) = answer.numbers
    beside = np.log(2.0) / Z95
    spread = np.hypot(0.1, beside)
    assert row.value == pytest.approx(2.0, rel=1e-6)
    assert row.high / row.value == pytest.approx(np.exp(Z95 * spread), rel=1e-4)
    assert row.linked == {"cases.product.beside": pytest.approx(-beside / spread, abs=6e-4)}
    assert row.alone == pytest.approx((0.1 / spread) ** 2, abs=1e-3)
    (figure,) = answer.figures
    # As fitted the product is met within its error alone: 10 % either way, 5 to 95 %.
    exact = figure.simulated.exact
    assert exact.median == pytest.approx(12.0, rel=0.03)
    assert np.log(exact.high / exact.low) == pytest.approx(2 * Z95 * 0.1, rel=0.2)
    # The same in errors of the figure, as the picture has it: a standard normal's 5 and 95 %.
    ends = np.log([exact.low / 12.0, exact.high / 12.0]) / 0.1
    assert figure.ends == pytest.approx(tuple(ends), abs=0.02)
    assert figure.ends == pytest.approx((-Z95, Z95), abs=0.4)
    assert "known only together with cases.product.beside" in answer.sentences[0]


def test_half_of_the_spread_beside_links_is_stated_where_a_fit_is_narrowed(own):
    """As above with 5 % in place of the figure's 10: the middle and what the other factor adds stay."""
    text = FIT.replace('because = "One', 'narrow = { share = 0.5, because = "It bends." }\nbecause = "One')
    answer, _ = fit_cases(
        load_case_fit(written(own, text), (own / "shelves",)), own / "chain.npz", lambda *report: None
    )
    (row,) = answer.numbers
    beside = np.log(2.0) / Z95
    spread = np.hypot(0.05, beside)
    assert row.value == pytest.approx(2.0, rel=1e-6)
    assert np.log(row.high / row.low) == pytest.approx(2.0 * Z95 * spread, rel=1e-4)
    assert row.linked == {"cases.product.beside": pytest.approx(-beside / spread, abs=6e-4)}
    assert row.alone == pytest.approx((0.05 / spread) ** 2, abs=1e-3)
    # What rows state is drawn beside the figure: 5 % of luck is half of its error.
    (figure,) = answer.figures
    assert figure.ends == pytest.approx((-0.5 * Z95, 0.5 * Z95), abs=0.2)
    assert answer.sentences[0] == "The rows state 50 % of the spread that is left beside links. It bends."
    assert "of whose spread beside links 50 % are stated" in methods(answer)


@pytest.mark.parametrize("share", ["0.0", "1.5"])
def test_a_share_of_the_spread_lies_between_none_and_all(own, share):
    text = FIT.replace('because = "One', f'narrow = {{ share = {share}, because = "A." }}\nbecause = "One')
    with pytest.raises(BadInput, match=r"product\.toml: narrow\.share"):
        load_case_fit(written(own, text), (own / "shelves",))


def test_a_fit_to_cases_is_run_stored_and_shown_and_its_rows_go_into_a_study(own):
    inputs = jobs.FitInputs(fit=written(own), shelves=(own / "shelves",), out=own / "result")
    result = jobs.fit(inputs)
    rows = tomllib.loads((own / "result" / "numbers.toml").read_text(encoding="utf-8"))["numbers"]
    row = rows["cases.product.sought"]
    assert (row["value"], row["shape"], row["basis"]) == ("2", "lognormal", "computed")
    assert Number.model_validate(row).linked == row["linked"]
    assert row["because"].startswith("Calibrated on own:P1; used, hence no evidence. One of two factors.")
    (picture,) = (own / "result" / "figures").glob("*.csv")
    with picture.open(encoding="utf-8") as file:
        drawn = [float(point["x"]) for point in csv.DictReader(file) if point["series"] == "own:P1"]
    (figure,) = result.fit.figures
    assert drawn == pytest.approx([*figure.ends, figure.off], abs=1e-5)
    again = jobs.show(own / "result")
    assert again.as_dict()["result"] == result.as_dict()["result"]
    assert any("cases.product.sought: 2 (" in line for line in again.lines())
    with pytest.raises(BadInput, match="is a fit to published cases, and holds no draws") as refused:
        stored_fit(own / "result")
    assert "numbers.toml" in str(refused.value)


@pytest.mark.parametrize(
    "ends, texts",
    [
        ((0.01234, 0.00456, 0.0341), ("0.012", "0.0046", "0.034")),
        ((51.93, 51.22, 52.55), ("51.93", "51.22", "52.55")),
        ((0.9216, 0.8871, 0.9577), ("0.922", "0.887", "0.958")),
        ((0.0, -1.23, 1.23), ("0", "-1.2", "1.2")),
    ],
)
def test_a_row_has_two_digits_and_more_where_its_range_is_narrow(own, ends, texts):
    """A last digit is a quarter of the range at most, so that rounding is of little account."""
    answer, _ = fit_cases(
        load_case_fit(written(own), (own / "shelves",)), own / "chain.npz", lambda *report: None
    )
    value, low, high = ends
    row = replace(answer.numbers[0], value=value, low=low, high=high).row()
    assert (row["value"], row["low"], row["high"]) == texts


def test_a_part_of_the_spread_is_stated_of_the_same_draws(own):
    """Walkers need not walk again where less of their spread is stated; what is stored on a shelf is another."""
    text = FIT.replace('because = "One', 'narrow = { share = 0.5, because = "It bends." }\nbecause = "One')
    whole, part = (load_case_fit(written(own, each), (own / "shelves",)) for each in (FIT, text))
    assert whole.drawn_hash == part.drawn_hash
    assert whole.data_hash != part.data_hash


def test_what_a_number_hangs_on_is_listed_with_the_largest_share_first(own):
    answer, _ = fit_cases(
        load_case_fit(written(own), (own / "shelves",)), own / "chain.npz", lambda *report: None
    )
    (row,) = answer.numbers
    shares = {"a.b.small": 0.1, "a.b.most": -0.9, "a.b.middle": 0.4}
    page = case_fit_report(replace(answer, numbers=[replace(row, linked=shares)]))
    assert page.index("a.b.most") < page.index("a.b.middle") < page.index("a.b.small")


def test_of_a_plane_the_free_numbers_given_all_else_are_exact():
    """P = H'H over free and given: slopes -P_ff^-1 P_fd, covariance P_ff^-1, by hand for three figures."""
    rise = np.array([[2.0, 0.5], [0.0, 1.5], [1.0, -1.0]])
    along = np.array([[0.3, 0.0, 1.0], [0.7, -0.2, 0.0], [0.0, 0.4, 0.5]])
    constant = np.array([1.0, -2.0, 0.5])
    beside = balanced(3, 40, 1)
    normal = conditional(
        lambda own: constant + own @ rise.T + beside.T @ along.T, np.zeros(2), np.ones(2), beside
    )
    precision = rise.T @ rise
    assert normal.still
    assert normal.middle == pytest.approx(-np.linalg.solve(precision, rise.T @ constant))
    assert normal.slopes == pytest.approx(-np.linalg.solve(precision, rise.T @ along))
    assert normal.root @ normal.root.T == pytest.approx(np.linalg.inv(precision))
    assert normal.spread**2 == pytest.approx(
        np.diag(np.linalg.inv(precision)) + np.sum(normal.slopes**2, axis=1)
    )


def test_what_bends_moves_the_middle_of_what_is_drawn_and_not_that_of_the_typical_ear():
    """x + d^2 is measured as 3: over draws of d its mean is x + 1, so x is 2 and hangs on no d."""
    beside = balanced(1, 400, 2)
    normal = conditional(lambda own: own + (beside**2).T - 3.0, np.zeros(1), np.ones(1), beside)
    assert normal.middle == pytest.approx([2.0])
    assert normal.slopes == pytest.approx(np.zeros((1, 1)))


def test_balanced_deviates_have_variance_one_no_correlation_and_no_mean():
    deviates = balanced(7, 60, 3)
    assert deviates @ deviates.T / 60 == pytest.approx(np.eye(7))
    assert deviates.mean(axis=1) == pytest.approx(np.zeros(7), abs=1e-12)
    assert deviates[:, 30:] == pytest.approx(-deviates[:, :30])


ROW = Case("a:1", "a row", "", "", unit="mg/L", value=6.0, n=4)


@pytest.mark.parametrize(
    "case, size, simulated, apart",
    [
        # A standard error is of the value: 6 mg/L is 0.006 ug/uL, one error above it 8 mg/L.
        (replace(ROW, se=2.0), "", 0.008, 1.0),
        (ROW, "25 %", 0.006 * np.exp(-0.5), -2.0),
        (ROW, "2 mg/L", 0.005, -0.5),
        (ROW, "2 ug/mL", 0.010, 2.0),
        # Of a printed range only what lies beyond its ends is off, of a bound only what lies on the other side.
        (replace(ROW, value=None, low=4.0, high=8.0), "1 mg/L", 0.005, 0.0),
        (replace(ROW, value=None, low=4.0, high=8.0), "1 mg/L", 0.011, 3.0),
        (replace(ROW, value=None, low=4.0, high=8.0), "50 %", 0.004 * np.exp(-1.0), -2.0),
        (replace(ROW, value=None, above=4.0), "1 mg/L", 0.001, -3.0),
        (replace(ROW, value=None, above=4.0), "1 mg/L", 0.9, 0.0),
        (replace(ROW, value=None, below=4.0), "1 mg/L", 0.005, 1.0),
        # A share in % states its error in points.
        (replace(ROW, unit="%", value=60.0), "5 %", 0.7, 2.0),
        (replace(ROW, unit="dB", value=20.0), "3 dB", 26.0, 2.0),
    ],
)
def test_a_figure_is_missed_by_so_many_errors(case, size, simulated, apart):
    figure = Figure.of(case, size, "A test.")
    assert figure.misses(np.array([simulated]))[0] == pytest.approx(apart)


@pytest.mark.parametrize("unit, value", [("%", 0.6), ("dB", 60.0)])
def test_an_error_of_a_ratio_is_of_the_logarithm_where_the_row_is_in_percent_or_decibels(unit, value):
    figure = Figure.of(replace(ROW, unit=unit, value=60.0), "25 %", "A test.", ratio=True)
    assert figure.misses(np.array([value * np.exp(0.5)]))[0] == pytest.approx(2.0)


def test_an_error_of_a_ratio_is_a_share():
    with pytest.raises(
        BadInput, match=r"is no share, as the error of a ratio is; given: 3 dB; allowed: 25 %"
    ):
        Figure.of(replace(ROW, unit="dB"), "3 dB", "A test.", ratio=True)


@pytest.mark.parametrize("ends", [{"value": 0.0}, {"value": None, "below": 0.0}])
def test_an_error_of_the_logarithm_is_refused_where_a_figure_has_none(ends):
    """Everything would lie without end above it; in the row's own unit it is a figure as any other."""
    with pytest.raises(BadInput, match=r'without a logarithm; given: 25 %; .*of the row: "5 mg/L"'):
        Figure.of(replace(ROW, **ends), "25 %", "A test.")
    assert Figure.of(replace(ROW, **ends), "2 mg/L", "A test.").misses(np.array([0.003])) == pytest.approx(
        1.5
    )


def test_the_range_of_single_ears_is_an_error_of_the_logarithm():
    case = replace(ROW, low=1.5, high=24.0, n=12, summary="median")
    assert Figure.of(case).misses(np.array([0.006 * np.exp(case.doubt)]))[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    "of, to, words",
    [
        ('["own:P1"]', '["own:P9"]', "cases.1: is no row of a case; given: own:P9"),
        ('["own:P1"]', '["own:P1", "own:P1"]', "cases.2: is named twice; given: own:P1"),
        (
            '["own:P1"]',
            '["own:P1", "own:P3"]',
            "cases: is a text, and nothing that was measured; given: own:P3",
        ),
        ('["own:P1"]', '["own:P2"]', 'error."own:P1": is of a row that is not fitted; given: own:P1'),
        ('["own:P1"]', '["own:P1", "own:P4"]', 'error."own:P4": is missing: the row prints no error'),
        ('["own:P1"]', '["own:P1", "ear:B9"]', 'error."ear:B9": is missing: the row prints no error'),
        ("product.sought", "product.saught", "free.1: is no number that these cases read"),
        ("product.sought", "product.exact", "free.1: is exactly known, so that it has no room"),
        ('sought"]', 'sought", "cases.product.sought"]', "free.2: is named twice"),
        ("product.sought", "product.idle", "free: the rows leave a free number open"),
        (
            '"10 %"',
            '"10 dB"',
            'error."own:P1": has another unit than its row; given: 10 dB; allowed: 25 %, 5 uM',
        ),
        ('"10 %"', '"ten"', "error.\"own:P1\": 'ten' is not a number"),
        ('"10 %"', '"0 uM"', 'error."own:P1": an error lies above zero; given: 0 uM'),
        (
            'title = "A product"',
            "draws = 4",
            "draws: are too few for all that is drawn; given: 4; allowed: 6",
        ),
        ('title = "A product"', 'study = "a.toml"', "study: is not a key here"),
    ],
)
def test_a_fit_that_cannot_be_is_refused_with_key_value_and_cure(own, of, to, words):
    assert of in FIT
    with pytest.raises(BadInput) as refused:
        fit_cases(
            load_case_fit(written(own, FIT.replace(of, to)), (own / "shelves",)),
            own / "chain.npz",
            lambda *report: None,
        )
    assert f"product.toml: {words}" in str(refused.value)


def refused(own, text):
    with pytest.raises(BadInput) as refusal:
        fit_cases(
            load_case_fit(written(own, text), (own / "shelves",)), own / "chain.npz", lambda *report: None
        )
    return refusal.value


def test_a_free_number_that_moves_nothing_is_named_alone_with_one_that_would(own):
    refusal = refused(own, FIT.replace('sought"]', 'sought", "cases.product.idle"]'))
    assert refusal.given == ["cases.product.idle"]
    assert "these rows move most with cases.product.beside" in str(refusal)


def test_free_numbers_that_a_row_tells_only_together_are_named_together(own):
    refusal = refused(own, FIT.replace('sought"]', 'sought", "cases.product.beside"]'))
    assert refusal.given == ["cases.product.sought", "cases.product.beside"]
    assert "only together, and not apart" in str(refusal)


def test_of_two_papers_that_contradict_each_other_the_middle_is_taken_and_neither_is_met(own):
    """12 and 1200, each within 10 %: the product is their geometric mean, and a sentence says so of both rows."""
    text = FIT.replace('["own:P1"]', '["own:P1", "own:P5"]')
    text += '[error."own:P5"]\nsize = "10 %"\nbecause = "A test."\n'
    file = load_case_fit(written(own, text), (own / "shelves",))
    answer, _ = fit_cases(file, own / "chain.npz", lambda *report: None)
    assert answer.numbers[0].value == pytest.approx(20.0, rel=1e-3)
    assert any("outside its range on the shelf (0.1 to 10)" in sentence for sentence in answer.sentences)
    assert [
        figure.row for figure in answer.figures if f"{figure.row} is not met" in " ".join(answer.sentences)
    ] == [
        "own:P1",
        "own:P5",
    ]


def test_a_figure_that_no_value_meets_ends_the_search_with_the_number_that_runs_off():
    """tanh x is never 3: every step goes further, and the second is not taken."""
    beside = balanced(1, 20, 1)
    unheld = conditional(lambda own: np.tanh(own) - 3.0, np.zeros(1), np.ones(1), beside)
    assert isinstance(unheld, Open)
    assert unheld.numbers == [0] and unheld.away > 1.0 and not unheld.faint


def test_one_step_too_long_is_taken_back_and_the_search_ends_where_the_figure_is_met():
    """e^x = 1 from x = -2: the first step goes 6.4 too far, the later ones end at 0."""
    beside = balanced(1, 20, 1)
    normal = conditional(lambda own: np.exp(own) - 1.0, np.array([-2.0]), np.ones(1), beside)
    assert not isinstance(normal, Open)
    assert normal.middle[0] == pytest.approx(0.0, abs=0.03)


def test_draws_that_are_left_out_are_as_many_as_slopes_need(own):
    text = FIT.replace('["own:P1"]', '["ear:B9"]').replace('"own:P1"', '"ear:B9"')
    text = text.replace("cases.product.sought", "insults.noise.irritation").replace("10 %", "3 dB")
    file = load_case_fit(written(own, text), (own / "shelves",))
    assert file.draws == max(240, 2 * len(file.simulated.owners) + 2) > 240
    assert load_case_fit(written(own), (own / "shelves",)).draws == 240


def test_a_shelf_of_data_beside_the_file_is_read_unnamed_and_one_of_code_is_not(own):
    with pytest.raises(BadInput, match="comes with code"):
        load_case_fit(written(own))
    (own / "shelves" / "cases" / "product.py").unlink()
    (own / "shelves" / "cases" / "product.toml").write_text(VEIN, encoding="utf-8")
    text = FIT.replace("cases.product.sought", "solutes.tmpa.plasma_clearance")
    assert load_case_fit(written(own, text)).simulated.figures[0].case.value == 12.0


def test_an_error_that_a_fit_states_takes_the_place_of_a_printed_one(own):
    stated = load_case_fit(written(own, FIT.replace("own:P1", "own:P2")), (own / "shelves",))
    (figure,) = stated.simulated.figures
    assert (figure.error, figure.ratio, figure.because) == (0.1, True, "A test.")
    text, _, _ = FIT.replace("own:P1", "own:P2").partition("[error")
    (figure,) = load_case_fit(written(own, text), (own / "shelves",)).simulated.figures
    assert (figure.error, figure.ratio, figure.because) == (1.2, False, "")


def test_what_was_thought_before_is_weighed_with_the_figure(own):
    """Two normals: 4 with the figure's 10 % and the other's factor, and before 1 within a factor of 1.2 (5 to 95 %)."""
    before = FIT + '\n[numbers."cases.product.sought"]\nvalue = "1"\nlow = "0.8333333"\nhigh = "1.2"\n'
    before += 'basis = "assumed"\nbecause = "A test."\n'
    answer, _ = fit_cases(
        load_case_fit(written(own, before), (own / "shelves",)), own / "chain.npz", lambda *report: None
    )
    (row,) = answer.numbers
    prior, beside = np.log(1.2) / Z95, np.log(2.0) / Z95
    weight = 0.1**-2 / (0.1**-2 + prior**-2)
    assert np.log(row.value) == pytest.approx(weight * np.log(2.0), rel=1e-4)
    spread = np.hypot((0.1**-2 + prior**-2) ** -0.5, weight * beside)
    assert np.log(row.high / row.value) / Z95 == pytest.approx(spread, rel=1e-4)
    assert answer.thought == ["cases.product.sought"]


@pytest.mark.parametrize(
    "name, ends, words",
    [
        ("beside", 'low = "1"\nhigh = "4"', "numbers.cases.product.beside: is not free"),
        ("sought", "", "numbers.cases.product.sought: has no range; given: 2"),
        ("sought", 'low = "-1"\nhigh = "4"', "numbers.cases.product.sought: must lie above zero; given: -1"),
    ],
)
def test_what_was_thought_before_is_of_a_free_number_and_has_a_range(own, name, ends, words):
    stated = (
        f'\n[numbers."cases.product.{name}"]\nvalue = "2"\n{ends}\nbasis = "assumed"\nbecause = "A test."\n'
    )
    with pytest.raises(BadInput) as refused:
        load_case_fit(written(own, FIT + stated), (own / "shelves",))
    assert f"product.toml: {words}" in str(refused.value)


POSTERIOR = """
posterior = { walkers = 32, steps = 400 }
[numbers."cases.product.sought"]
value = "1"
low = "0.8333333"
high = "1.2"
basis = "assumed"
because = "A test."
"""


def test_draws_of_the_posterior_give_the_same_row_as_the_plane_where_the_model_is_a_product(own):
    """By hand as above: the joint posterior is normal, and given the other factor the first has the figure's 10 %."""
    text = FIT.replace('because = "One of two factors."\n', 'because = "One of two factors."\n' + POSTERIOR)
    file = load_case_fit(written(own, text), (own / "shelves",))
    answer, _ = fit_cases(file, own / "chain.npz", lambda *report: None)
    (row,) = answer.numbers
    prior, beside = np.log(1.2) / Z95, np.log(2.0) / Z95
    weight = 0.1**-2 / (0.1**-2 + prior**-2)
    spread = np.hypot((0.1**-2 + prior**-2) ** -0.5, weight * beside)
    assert answer.method == "posterior"
    # Some hundred effective draws: a mean errs by a twentieth of the spread, a spread by a tenth.
    assert np.log(row.value) == pytest.approx(weight * np.log(2.0), abs=0.1 * spread)
    assert np.log(row.high / row.low) / (2.0 * Z95) == pytest.approx(spread, rel=0.1)
    assert row.linked["cases.product.beside"] == pytest.approx(-weight * beside / spread, abs=0.03)
    # What the figure's error and what was thought before leave of it together.
    assert row.alone * spread**2 == pytest.approx((0.1**-2 + prior**-2) ** -1, rel=0.25)
    assert not answer.settled or max(answer.mixing.rhat) < 1.05


POINT = FIT.replace('title = "A product"', 'draws = 0\nthought = "shelf"')


def test_with_all_else_at_its_best_value_a_number_is_what_figure_and_shelf_say_of_it(own):
    """Two normals of log sought: log 2 within the figure's 10 %, as the other is 2; by the shelf 0 within log 10."""
    answer, _ = fit_cases(
        load_case_fit(written(own, POINT), (own / "shelves",)), own / "chain.npz", lambda *report: None
    )
    (row,) = answer.numbers
    weight = 0.1**-2 / (0.1**-2 + (np.log(10.0) / Z95) ** -2)
    spread = 0.1 * np.sqrt(weight)
    assert np.log(row.value) == pytest.approx(weight * np.log(2.0), rel=1e-4)
    assert np.log(row.high / row.low) == pytest.approx(2.0 * Z95 * spread, rel=2e-3)
    assert (row.linked, row.alone) == ({}, pytest.approx(1.0))
    assert (answer.method, answer.settled, answer.draws, answer.beside) == ("least squares", True, 0, 0)
    assert answer.thought == ["cases.product.sought"]
    assert case_fit_lines(answer)[0].endswith("from 1 published figure, given all else at its best value")
    assert "least squares with all else at its best value" in methods(answer)


def test_numbers_that_only_a_product_tells_are_linked_by_least_squares_as_the_plane_links_them(own):
    """log sought + log beside = log 4 within 10 %: by hand the posterior's covariance and its Cholesky root."""
    text = POINT.replace('sought"]', 'sought", "cases.product.beside"]')
    answer, _ = fit_cases(
        load_case_fit(written(own, text), (own / "shelves",)), own / "chain.npz", lambda *report: None
    )
    widths = np.log([10.0, 2.0]) / Z95
    covariance = np.linalg.inv(np.full((2, 2), 0.1**-2) + np.diag(widths**-2.0))
    middle = covariance @ (np.full(2, np.log(4.0) * 0.1**-2) + np.array([0.0, np.log(2.0)]) * widths**-2.0)
    assert [np.log(row.value) for row in answer.numbers] == pytest.approx(middle, rel=1e-3)
    share = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert answer.numbers[1].linked == {"cases.product.sought": pytest.approx(share, abs=0.01)}
    spreads = [np.log(row.high / row.low) / (2.0 * Z95) for row in answer.numbers]
    assert spreads == pytest.approx(np.sqrt(np.diag(covariance)), rel=2e-3)


def test_least_squares_end_where_what_bends_is_missed_least():
    """A valley of Rosenbrock with its floor at (1, 1), curved as its slopes there are."""
    top = summit(lambda own: np.stack([10.0 * (own[:, 1] - own[:, 0] ** 2), 1.0 - own[:, 0]], axis=1), 2)
    assert not isinstance(top, Open)
    assert top.still
    assert top.at == pytest.approx([1.0, 1.0], abs=1e-6)
    rise = np.array([[-20.0, 10.0], [-1.0, 0.0]])
    assert top.root @ top.root.T == pytest.approx(np.linalg.inv(rise.T @ rise), rel=1e-4)


def test_with_all_else_at_its_best_value_what_figures_leave_open_is_named(own):
    text = POINT.replace('\nthought = "shelf"', "").replace('sought"]', 'sought", "cases.product.idle"]')
    refusal = refused(own, text)
    assert refusal.given == ["cases.product.idle"]
    assert "free another: otosome list cases tells what rows rest on" in str(refusal)


def test_a_fit_file_with_a_hyphen_is_known_again_by_the_name_that_its_rows_bear(own):
    """The number says fit = "my_product", as the fit my-product.toml has it written."""
    file = own / "my-product.toml"
    file.write_text(POINT, encoding="utf-8")
    answer, joint = fit_cases(
        load_case_fit(file, (own / "shelves",)), own / "chain.npz", lambda *report: None
    )
    assert answer.numbers[0].fit == "my_product"
    again = own / "again"
    shutil.copytree(own / "shelves", again / "shelves")
    (again / "shelves" / "fits").mkdir()
    (again / "shelves" / "fits" / "my_product.csv").write_text(joint.text, encoding="utf-8")
    by_fit = 'basis = "computed"\nsource = "salt_ma_2001"\nfit = "my_product"\n'
    case = again / "shelves" / "cases" / "product.toml"
    case.write_text(CASE.replace('basis = "assumed"\n', by_fit, 1), encoding="utf-8")
    shutil.copy(file, again)
    with pytest.raises(BadInput, match="is the shelf's by this very fit"):
        load_case_fit(again / file.name, (again / "shelves",))


@pytest.mark.parametrize("line", ["narrow = 0.5", "within = true", "posterior = 800"])
def test_a_table_that_is_written_as_one_value_is_refused_with_how_it_is_written(own, line):
    refusal = refused(own, FIT.replace('title = "A product"', line))
    key = line.partition(" ")[0]
    assert (refusal.key, refusal.cure) == (key, f"write [{key}], and its keys below")


def test_what_a_number_is_by_this_very_fit_is_not_what_was_thought_before(own):
    """The fit's own draws beside its row on another shelf of one's own."""
    file = load_case_fit(written(own, POINT), (own / "shelves",))
    _, joint = fit_cases(file, own / "chain.npz", lambda *report: None)
    again = own / "again"
    shutil.copytree(own / "shelves", again / "shelves")
    (again / "shelves" / "fits").mkdir()
    (again / "shelves" / "fits" / "product.csv").write_text(joint.text, encoding="utf-8")
    case = again / "shelves" / "cases" / "product.toml"
    by_fit = 'basis = "computed"\nsource = "salt_ma_2001"\nfit = "product"\n'
    case.write_text(CASE.replace('basis = "assumed"\n', by_fit, 1), encoding="utf-8")
    with pytest.raises(
        BadInput, match=r"thought: is the shelf's by this very fit; given: cases\.product\.sought"
    ):
        load_case_fit(written(again, POINT), (again / "shelves",))


def test_a_posterior_without_draws_of_all_else_is_refused(own):
    text = FIT.replace('title = "A product"', "draws = 0\nposterior = { walkers = 32, steps = 40 }")
    with pytest.raises(
        BadInput, match=r"draws: a posterior is of all else as well, .*; given: 0; allowed: 6 and more"
    ):
        load_case_fit(written(own, text), (own / "shelves",))


def test_a_posterior_too_is_laid_beside_figures_in_draws_that_outnumber_all_else(own):
    """Fewer cannot be made free of correlation: what is simulated would be no number."""
    text = FIT.replace('title = "A product"', "draws = 4\nposterior = { walkers = 32, steps = 40 }")
    with pytest.raises(BadInput, match=r"draws: are too few for all that is drawn; given: 4; allowed: 6 and"):
        load_case_fit(written(own, text), (own / "shelves",))


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("posterior = { walkers = 32, steps = 40 }", "numbers: a posterior needs what was thought before"),
        ("within = { rounds = 8 }", "numbers: within needs what was thought before"),
        (
            "posterior = { walkers = 32, steps = 40 }\nwithin = { rounds = 8 }",
            "within: stands beside posterior, another way",
        ),
    ],
)
def test_a_posterior_asks_what_was_thought_before_and_so_does_what_lies_within_it(own, way, words):
    text = FIT.replace('title = "A product"', way)
    with pytest.raises(BadInput, match=words):
        load_case_fit(written(own, text), (own / "shelves",))


def test_two_species_are_fitted_together_by_numbers_that_both_have_alike():
    """Synapses of mice are spared in part by what noise showed; those of guinea pigs are as their shelf has them."""
    rows = load_case_fit(FITS / "cisplatin_rodents.toml").simulated
    spared = "cells.synapse.spared"
    assert rows.by_case["ear_b4"][spared].value > 0.0 == rows.by_case["ear_b26"][spared].value
    assert rows.by_case["ear_b4"]["cells.ohc.death"].hash == rows.by_case["ear_b26"]["cells.ohc.death"].hash
    assert len(rows.owners) == len(set(rows.owners))
    # What only one of them has is drawn for both: no row of the other asks for it.
    assert {"species.mouse.stress_clearance", "species.guinea_pig.stress_clearance"} < set(rows.owners)


def test_regressed_draws_give_slopes_and_what_is_left():
    luck = np.random.default_rng(4).standard_normal((4000, 5))
    free = np.array([1.0, -2.0]) + luck[:, :3] @ np.array([[0.5, 0.0], [-1.0, 0.7], [0.0, 0.0]])
    free = free + luck[:, 3:] @ np.array([[0.3, 0.2], [0.0, 0.4]])
    normal = regressed(free, luck[:, :3])
    assert normal.middle == pytest.approx([1.0, -2.0], abs=0.03)
    assert normal.slopes == pytest.approx(np.array([[0.5, -1.0, 0.0], [0.0, 0.7, 0.0]]), abs=0.03)
    assert normal.root == pytest.approx(np.array([[0.3, 0.0], [0.2, 0.4]]), abs=0.02)


ERROR_OF_CYCLE = '[error."ear:B4.cycle2"]\nsize = "3 dB"\nbecause = "A test."\n'
QUIET = """
about = "Mice that heard noise or none."
source = "fernandez_2015"
locator = "nowhere"

[study]
species = "mouse"
insult.noise = { entry = "noise", level = "100 dB SPL", band = ["8 kHz", "16 kHz"], duration = "2 h", at = ["0 h"] }
arm = [{ name = "no noise" }, { name = "noise", insults = ["noise"] }]
measure.abr = { endpoint = "abr_threshold", frequency = ["22.6 kHz"], at = ["-1 d", "1 d"] }
measure.all = { endpoint = "abr_threshold", frequency = ["8 kHz", "22.6 kHz"], at = ["-1 d", "1 d"] }

[row."own:low"]
about = "at 8 kHz"
below = "10 dB"
statistic = { measure = "all", of = "noise", since = "-1 d", frequency = ["8 kHz"] }

[row."own:high"]
about = "at 22.6 kHz"
below = "10 dB"
statistic = { measure = "all", of = "noise", since = "-1 d", frequency = ["22.6 kHz"] }

[row."own:both"]
about = "at 22.6 kHz, less half of what it is at 8 kHz"
above = "10 dB"
statistic = { measure = "all", of = "noise", since = "-1 d", frequency = ["22.6 kHz", "8 kHz"], weights = [1, -0.5] }

[row."own:Q1"]
about = "shift without noise"
found = "0 dB"
n = 6
statistic = { measure = "abr", of = "no noise", since = "-1 d", at = "1 d" }

[row."own:Q2"]
about = "shift a day after noise"
found = "40 dB"
n = 6
statistic = { measure = "abr", of = "noise", since = "-1 d", at = "1 d" }

[row."own:Q3"]
about = "spread between mice"
found = "10 dB"
n = 6
statistic = { measure = "abr", of = "noise", at = "1 d", figure = "spread" }
"""


def quiet(own, rows):
    (own / "shelves" / "cases" / "quiet.toml").write_text(QUIET, encoding="utf-8")
    errors = "".join(f'[error."{row}"]\nsize = "3 dB"\nbecause = "A test."\n' for row in rows)
    free = 'free = ["insults.noise.irritation"]\ndraws = 300\n'
    text = f'otosome = "fit/1"\ncases = [{", ".join(map(repr, rows))}]\n{free}{errors}'
    return load_case_fit(written(own, text.replace("'", '"')), (own / "shelves",)).simulated


def test_rows_of_a_study_are_those_of_its_typical_animal_without_errors_of_reading(own):
    rows = quiet(own, ["own:Q1", "own:Q2"])
    irritation = rows.numbers["insults.noise.irritation"]
    values = rows.values(
        {irritation.name: np.array([irritation.low, irritation.high])}, np.zeros((len(rows.owners), 2))
    )
    assert values["own:Q1"] == pytest.approx(np.zeros(2), abs=1e-9)
    low, high = values["own:Q2"]
    assert 0.0 < low < high < 80.0
    moving = {rows.owners[k] for k in rows.moving({irritation.name: irritation.value})}
    # What decides after a noise moves the figure, and where a drug would go does not.
    assert "cells.ohc.injured_function" in moving
    assert "species.mouse.aqueduct_outflow" in rows.owners
    assert "species.mouse.aqueduct_outflow" not in moving


def test_a_statistic_may_weigh_frequencies_in_the_order_in_which_it_lists_them(own):
    rows = quiet(own, ["own:low", "own:high", "own:both"])
    loud = {"insults.noise.irritation": np.full(1, rows.numbers["insults.noise.irritation"].high)}
    values = rows.values(loud, np.zeros((len(rows.owners), 1)))
    assert values["own:high"] > values["own:low"] + 1.0
    assert values["own:both"] == pytest.approx(values["own:high"] - 0.5 * values["own:low"], rel=1e-9)


def test_a_row_that_tells_how_animals_differ_is_refused(own):
    with pytest.raises(BadInput, match=r"product.toml: cases: tells how ears differ, .*given: own:Q3"):
        quiet(own, ["own:Q3"])


def test_cases_are_not_fitted_together_by_a_number_that_each_has_otherwise(own):
    """Mice of one strain differ less in what injures their outer hair cells than guinea pigs do."""
    text = FIT.replace('["own:P1"]', '["ear:B4.cycle2", "ear:B26.base"]').replace("own:P1", "ear:B26.base")
    text = text.replace("cases.product.sought", "cells.ohc.susceptibility") + ERROR_OF_CYCLE
    with pytest.raises(
        BadInput, match=r"cases: reads another .* than the other cases, as of another species or strain"
    ):
        load_case_fit(written(own, text), (own / "shelves",))
