"""Draws of a fit beside its file: shares, middle and spread against a plane by hand, rows that name a fit, refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from otosome.cards import read_card
from otosome.catalog import get
from otosome.errors import BadInput
from otosome.evidence import draw_columns
from otosome.fitting.joint import PLAIN, RATIO, SHIPPED, Joint, read, row_of, shelf_name, stored

Z95 = 1.6448536269514722
SCALES = {"a.b.ratio": RATIO, "a.b.plain": PLAIN}
BESIDE = ("c.d.strong", "c.d.faint", "c.d.both")
MIDDLE = np.array([np.log(3.0), -2.0])
SLOPES = np.array([[-0.4, 0.01, -0.3], [0.0, -0.004, 0.2]])
ROOT = np.array([[0.5, 0.0], [0.24, 0.32]])
# Of the first 0.16 + 0.09 + 0.25, of the second 0.04 + 0.0576 + 0.1024.
SPREAD = np.sqrt([0.5001, 0.200016])


def joint(draws=900, own=None, **changes) -> Joint:
    luck = np.random.default_rng(4)
    own = luck.standard_normal((draws, 3)) if own is None else own
    plane = changes.get("plane", (MIDDLE, SLOPES, ROOT))
    return stored("of a test", SCALES, BESIDE, plane, own, luck.standard_normal((len(own), 2)))


@pytest.fixture
def shelf(tmp_path) -> Path:
    """A shelf of one's own with a fit's draws, of the number insults.own.one given two others."""
    (tmp_path / "fits").mkdir()
    (tmp_path / "insults").mkdir()
    few = replace(joint(), free={"insults.own.one": RATIO, "insults.own.two": PLAIN})
    (tmp_path / "fits" / "mine.csv").write_text(few.text, encoding="utf-8")
    return tmp_path


def test_shares_are_those_of_the_plane_whatever_luck_the_draws_had():
    """By hand, each part over its number's spread; what is fainter than a few hundred draws can tell is left out."""
    shares = joint().shares
    assert dict(shares["a.b.ratio"]) == pytest.approx(
        {"c.d.strong": -0.4 / SPREAD[0], "c.d.both": -0.3 / SPREAD[0]}, abs=6e-4
    )
    assert dict(shares["a.b.plain"]) == pytest.approx(
        {"c.d.both": 0.2 / SPREAD[1], "a.b.ratio": 0.24 / SPREAD[1]}, abs=6e-4
    )


def test_ends_are_those_of_the_number_where_all_else_is_as_its_shelf_has_it():
    """Also where the draws of all else are narrower and elsewhere, as those of a posterior are."""
    own = 0.5 + 0.3 * np.random.default_rng(2).standard_normal((900, 3))
    for drawn in (joint(), joint(own=own)):
        low, middle, high = np.log(drawn.ends["a.b.ratio"])
        assert middle == pytest.approx(MIDDLE[0], abs=1e-3)
        assert (high - middle, middle - low) == pytest.approx([Z95 * SPREAD[0]] * 2, rel=1e-3)
        assert drawn.ends["a.b.plain"] == pytest.approx(
            [-2.0 - Z95 * SPREAD[1], -2.0, -2.0 + Z95 * SPREAD[1]], rel=1e-3
        )


def test_draws_are_few_and_more_than_four_a_number():
    assert joint().draws.shape == (200, 4)
    many = 60
    own = np.random.default_rng(1).standard_normal((900, many))
    plane = (MIDDLE[:1], np.full((1, many), 0.2), ROOT[:1, :1])
    luck = np.random.default_rng(3).standard_normal((900, 1))
    names = tuple(f"c.d.n{k}" for k in range(many))
    wide = stored("of a test", {"a.b.ratio": RATIO}, names, plane, own, luck)
    assert wide.draws.shape == (4 * (many + 1), many + 1)
    assert joint(draws=90).draws.shape == (90, 4)


def test_draws_of_numbers_above_zero_are_values_in_their_own_units():
    values = joint().draws[:, 0]
    assert values.min() > 0
    # The mean of the logarithm differs from the middle by the luck of others' 200 deviates.
    assert np.log(values).mean() == pytest.approx(MIDDLE[0], abs=4 * SPREAD[0] / np.sqrt(200))


def test_the_luck_of_a_draw_stays_its_own():
    """Where nothing else bears, a draw is its luck through the root: what was skewed stays skewed, on the same side."""
    luck = np.random.default_rng(5).standard_normal((200, 2)) ** 2
    plane = (MIDDLE, np.zeros((2, 3)), ROOT)
    drawn = stored("of a test", SCALES, BESIDE, plane, np.zeros((200, 3)), luck).draws
    assert np.corrcoef(np.log(drawn[:, 0]), luck[:, 0])[0, 1] == pytest.approx(1.0, abs=1e-9)
    assert np.corrcoef(drawn[:, 1], luck[:, 1])[0, 1] > 0.7


def test_a_table_of_draws_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(joint().text, encoding="utf-8")
    again = read(file)
    assert (again.origin, again.free, again.beside) == ("of a test", SCALES, ("c.d.strong", "c.d.both"))
    assert again.draws == pytest.approx(joint().draws, rel=1e-3)
    for name, shares in joint().shares.items():
        assert dict(again.shares[name]) == pytest.approx(dict(shares), abs=2e-3)


def test_a_table_that_is_written_anew_is_read_anew(tmp_path):
    """A fit that is run again writes its draws in the same place."""
    file = tmp_path / "mine.csv"
    file.write_text(joint().text, encoding="utf-8")
    before = read(file)
    file.write_text(joint(plane=(MIDDLE + 1.0, SLOPES, ROOT)).text, encoding="utf-8")
    ratio, plain = (np.array([read(file).ends[name], before.ends[name]]) for name in SCALES)
    assert np.log(ratio[0] / ratio[1]) == pytest.approx([1.0] * 3, abs=2e-3)
    assert plain[0] - plain[1] == pytest.approx([1.0] * 3, abs=2e-3)


def test_an_entry_that_names_a_fit_is_linked_by_its_draws(shelf):
    row = 'meaning = "a test"\nvalue = "3"\nlow = "1"\nhigh = "9"\nbasis = "assumed"\nbecause = "A test."\n'
    text = (
        f'about = "A test."\n[one]\n{row}fit = "mine"\n[two.mouse]\nvalue = "-2"\nlow = "-3"\nhigh = "-1"\n'
    )
    text = text.replace("[two.mouse]", '[two]\nmeaning = "a test"\n[two.mouse]')
    text += 'basis = "assumed"\nbecause = "A test."\nfit = "mine"\n'
    file = shelf / "insults" / "own.toml"
    file.write_text(text, encoding="utf-8")
    card = read_card(file, "insults")
    one, two = card.parameter("one", ""), card.parameter("two", "mouse")
    assert (one.fit, two.fit) == ("mine", "mine")
    assert dict(one.linked) == pytest.approx(
        {"c.d.strong": -0.4 / SPREAD[0], "c.d.both": -0.3 / SPREAD[0]}, abs=2e-3
    )
    assert dict(two.linked)["insults.own.one"] == pytest.approx(0.24 / SPREAD[1], abs=2e-3)


def test_worlds_drawn_of_numbers_that_name_a_fit_correlate_as_its_draws_do():
    """Numbers of the shipped words test: the correlation of both over 4,000 worlds is that of the fit's own draws."""
    numbers = [get("materials", "nu6").card.parameter(key, "human") for key in ("q", "n")]
    worlds = draw_columns(numbers, 1, 0, 4000, world=1)
    drawn = read(SHIPPED / "fits" / "words_nu6.csv").draws[:, :2]
    own = np.corrcoef(np.log([worlds[p.name] for p in numbers]))[0, 1]
    assert own == pytest.approx(np.corrcoef(np.log(drawn.T))[0, 1], abs=0.05)


def test_an_entry_of_ones_own_may_name_a_fit_of_the_package(shelf):
    shipped = get("materials", "nu6").card.parameter("n", "human")
    row = row_of({"fit": "words_nu6", "value": "3"}, "materials.nu6.n", shelf / "fits")
    assert row == {"fit": "words_nu6", "value": "3", "linked": dict(shipped.linked)}
    assert shipped.linked


def test_a_sum_that_is_known_is_still_known_when_its_parts_are_drawn_from_their_rows(shelf):
    """Of three numbers the sum of logarithms is measured, 1 within 0.1, and of none more: each keeps its range."""
    luck = np.random.default_rng(3).standard_normal((4000, 3))
    first, third = 1.4 * luck[:, 0], luck[:, 2]
    draws = np.exp(np.transpose([first, 1.0 + 0.1 * luck[:, 1] - first - third]))
    names = ("insults.own.one", "insults.own.two")
    known = Joint(
        "of a test", dict.fromkeys(names, RATIO), ("insults.own.three",), np.column_stack([draws, third])
    )
    (shelf / "fits" / "sum.csv").write_text(known.text, encoding="utf-8")
    origin = 'meaning = "a test"\nbasis = "assumed"\nbecause = "A test."\n'
    text = 'about = "A test."\n' + "".join(
        f'[{name.split(".")[2]}]\n{origin}value = "{middle}"\nlow = "{low}"\nhigh = "{high}"\nfit = "sum"\n'
        for name, (low, middle, high) in known.ends.items()
    )
    text += f'[three]\n{origin}value = "0"\nlow = "{-Z95}"\nhigh = "{Z95}"\nshape = "normal"\n'
    (shelf / "insults" / "own.toml").write_text(text, encoding="utf-8")
    card = read_card(shelf / "insults" / "own.toml", "insults")
    drawn = draw_columns([card.parameter(key, "") for key in ("one", "two", "three")], 1, 0, 4000, world=1)
    one, two, three = (drawn[f"insults.own.{key}"] for key in ("one", "two", "three"))
    total = np.log(one) + np.log(two) + three
    # Drawn each by itself they would spread by 2.4.
    assert total.mean() == pytest.approx(1.0, abs=0.02)
    assert total.std() == pytest.approx(0.1, rel=0.2)
    assert np.log(one).std() == pytest.approx(1.4, rel=0.05)


def test_an_entry_that_was_copied_hangs_on_what_the_first_one_does(shelf):
    """A new entry is begun as a copy of one of the package: its numbers are others, and as uncertain together."""
    shipped = get("insults", "noise").card.parameter("irritation_doubling", "mouse")
    row = row_of({"fit": "noise_mouse", "value": "3"}, "insults.drill.irritation_doubling", shelf / "fits")
    assert row["linked"] == dict(shipped.linked) != {}
    # A number of that name on another shelf is none of these.
    with pytest.raises(BadInput, match="did not free the number"):
        row_of({"fit": "noise_mouse"}, "cells.drill.irritation_doubling", shelf / "fits")
    with pytest.raises(BadInput, match="did not free the number"):
        row_of({"fit": "noise_mouse"}, "cells.drill.repair", shelf / "fits")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"fit": "other"}, "fit: has no draws; given: other; allowed: .*mine"),
        ({"fit": "../mine"}, "fit: is the name of a fit; given: ../mine"),
        (
            {"fit": "my-fit 2"},
            'given: my-fit 2; .*name the draws fits/my_fit_2.csv, and write fit = "my_fit_2"',
        ),
        ({"fit": "mine.csv"}, 'given: mine.csv; .*write fit = "mine"'),
        ({"fit": 3}, "fit: is the name of a fit; given: 3"),
        ({"fit": ""}, "fit: is the name of a fit"),
        ({"fit": "mine", "linked": {"a.b.c": 0.5}}, "linked: the draws of the fit say what"),
    ],
)
def test_a_row_that_names_no_fit_with_draws_is_refused(shelf, row, message):
    with pytest.raises(BadInput, match=message):
        row_of(row, "insults.own.one", shelf / "fits")


def test_draws_whose_file_no_row_can_name_are_not_offered(shelf):
    (shelf / "fits" / "mine.csv").rename(shelf / "fits" / "my-fit.csv")
    with pytest.raises(BadInput, match=r"as fits/my_fit\.csv") as refusal:
        row_of({"fit": "my_fit"}, "insults.own.one", shelf / "fits")
    assert "my-fit" not in str(refusal.value)


def test_a_row_whose_fit_did_not_free_it_is_refused_with_what_it_freed(shelf):
    with pytest.raises(BadInput, match=r"did not free the number; given: mine; allowed: insults\.own\.one, "):
        row_of({"fit": "mine"}, "insults.own.three", shelf / "fits")


HEAD = "# of a test\n# free: ratio\na.b.c,d.e.f\n"
LINES = "1,0.5\n2,-0.5\n3,0.1\n4,1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no table of draws"),
        ("a.b.c\n1\n", "is no table of draws"),
        (HEAD.replace("ratio", "ratios") + LINES, "is no table of draws"),
        (HEAD.replace("ratio", "ratio, ratio, plain") + LINES, "is no table of draws"),
        (HEAD.replace("d.e.f", "a.b.c") + LINES, "is no table of draws"),
        (HEAD.replace("d.e.f", "f") + LINES, "is no table of draws"),
        (
            HEAD + LINES + "5,x\n",
            "line 8: every draw has a number under each name; given: 5,x; allowed: 2 finite",
        ),
        (HEAD + "1,2,3\n" * 4, "line 4: every draw has a number under each name; given: 1,2,3"),
        (HEAD + LINES + "\nnan,1\n", "line 9: every draw has a number under each name; given: nan,1"),
        (HEAD, "has too few draws; given: 0; allowed: 4 and more"),
        (HEAD.replace(",", ";") + LINES.replace(",", ";"), "is no table of draws; .*with commas between"),
        (HEAD + "1,0.5\n2,-0.5\n3,0.1\n", "has too few draws; given: 3; allowed: 4 and more"),
        (HEAD + LINES + "-1,1\n", "a.b.c: is a ratio, and lies above zero; given: -1.0"),
        (HEAD + "1,1\n2,2\n3,3\n4,4\n", "are one number, or do not differ"),
        (HEAD + "1,0.5\n1,-0.5\n1,0.1\n1,1\n", "are one number, or do not differ"),
    ],
)
def test_what_is_no_table_of_draws_is_refused_with_its_file(tmp_path, text, message):
    file = tmp_path / "wrong.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=f"wrong.csv: .*{message}|wrong.csv: {message}"):
        read(file)


@pytest.mark.parametrize("padded", ["# free: ratio,", "# free: ratio, "])
def test_a_table_that_excel_saved_is_read(tmp_path, padded):
    """With its mark at the beginning, Windows line ends, and short lines filled up."""
    text = (HEAD + LINES).replace("# of a test", "# of a test,").replace("# free: ratio", padded)
    file = tmp_path / "excel.csv"
    file.write_bytes(text.replace("a.b.c,d", "a.b.c, d").replace("\n", "\r\n").encode("utf-8-sig"))
    plain = tmp_path / "plain.csv"
    plain.write_text(HEAD + LINES, encoding="utf-8")
    saved, as_written = read(file), read(plain)
    assert (saved.origin, saved.free, saved.beside) == (as_written.origin, as_written.free, as_written.beside)
    assert saved.draws == pytest.approx(as_written.draws)
    assert saved.shares == as_written.shares


def test_a_name_of_a_file_becomes_one_that_a_shelf_takes():
    assert shelf_name("my fit-2.b") == "my_fit_2_b"
