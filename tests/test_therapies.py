"""Therapies side by side: no winner without its probability, and words beside cells."""

from __future__ import annotations

import doctest
import json
import re
from dataclasses import replace
from html import escape as html_escape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from typer.testing import CliRunner

from otosome.answers.scores import TIE, ahead, chances, scores, worths
from otosome.answers.therapies import therapies
from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.evidence import WORLD, draw_columns
from otosome.forward import draw, observe
from otosome.report import page, summary
from otosome.report.terminal import therapy_lines
from otosome.study import loads
from otosome.units import Quantity

ARMS = ("nothing", "an aid", "the same aid")
EARS = 20
VESICLES = {"batch": "example_lot", "route": "intratympanic", "volume": "0.4 mL", "at": ["0 d"]}


def values(**changes):
    """Two weeks of people who hear as age and noise left them, with an aid or without."""
    study = {
        "otosome": "study/1",
        "species": "human",
        "mechanisms": ["hsp70"],
        "until": "14 d",
        "population": {
            "entry": "otologically_normal", "sex": "both", "age": ["70 year", "80 year"],
            "noise_level": "100 dB", "noise_time": "40 year",
        },
        "device": {"aid": {"entry": "hearing_aid"}},
        "arm": [{"name": ARMS[0]}, {"name": ARMS[1], "devices": ["aid"]}, {"name": ARMS[2], "devices": ["aid"]}],
        "measure": {
            "words": {"endpoint": "word_score", "material": "nu6", "at": ["14 d"]},
            "noisy": {
                "endpoint": "word_score", "material": "nu6", "at": ["14 d"],
                "speech": "65 dB SPL", "noise": "60 dB SPL",
            },
            "hearing": {
                "endpoint": "audiogram", "frequency": ["0.5 kHz", "1 kHz", "2 kHz", "4 kHz"],
                "at": ["0 d", "14 d"], "scales": ["who_2021"],
            },
        },
    }  # fmt: skip
    return study | changes


def study_of(**changes):
    return loads(tomli_w.dumps(values(**changes)), "therapies")


@pytest.fixture(scope="module")
def study():
    return study_of()


@pytest.fixture(scope="module")
def result(study):
    return therapies(study, draw(study, EARS, 1))


@pytest.fixture(scope="module")
def beside(result):
    return summary.therapies(result)


def arm(beside, name):
    return next(row for row in beside.arms if row.name == name)


def is_nothing(interval):
    """Whether all of an interval is exactly nothing."""
    return vars(interval.exact) == {"median": 0, "low": 0, "high": 0}


scored = arrays(float, st.tuples(st.integers(2, 5), st.integers(1, 35)), elements=st.floats(-1e3, 1e3))


def tens(scores):
    """Worlds of ten."""
    return np.arange(scores.shape[1]) // WORLD


@given(scored)
@settings(max_examples=60, deadline=None)
def test_some_therapy_is_best_and_no_certainty_outgrows_the_worlds_seen(scores):
    found = chances(scores, tens(scores))
    for of in ("person", "average"):
        shares = [getattr(row, of) for row in found]
        assert sum(share.exact[0] for share in shares) == pytest.approx(1)
        for value, low, high in (share.exact for share in shares):
            assert 0 <= low <= value + 1e-12 and value <= high + 1e-12 and high <= 1
    # Of four worlds alike, one in three may still be another.
    if scores.shape[1] <= 4 * WORLD:
        assert all(row.average.exact[2] > 0.3 for row in found)


@given(scored, st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_a_therapy_that_gains_more_in_every_ear_is_never_less_likely_best(scores, which):
    which %= scores.shape[0]
    more = scores.copy()
    more[which] += 1.0
    before, after = (chances(some, tens(scores))[which] for some in (scores, more))
    assert after.person.exact[0] >= before.person.exact[0]
    assert after.average.exact[0] >= before.average.exact[0]


@pytest.mark.parametrize(("ahead_by", "share"), [(0.005, 0.5), (TIE, 0.5), (0.06, 0.5), (2 * TIE, 1.0)])
def test_therapies_that_differ_by_a_tenth_or_less_tie_and_share_their_probability(ahead_by, share):
    # Three worlds, in each of which the second is ahead by so much.
    first, second = chances(np.stack([np.zeros(30), np.full(30, ahead_by)]), np.repeat([0, 1, 2], 10))
    assert (first.average.exact[0], second.average.exact[0]) == (1 - share, share)
    assert (first.person.exact[0], second.person.exact[0]) == (1 - share, share)


def test_the_interval_of_a_share_is_jeffreys():
    # Brown, Cai and DasGupta, Statistical Science 2001: of 5 in 10 worlds, 0.224 to 0.776.
    scores = np.repeat(np.stack([np.arange(10) % 2, (np.arange(10) + 1) % 2]).astype(float), WORLD, axis=1)
    (row, _) = chances(scores, tens(scores))
    assert row.average.exact == pytest.approx((0.5, 0.224, 0.776), abs=5e-4)
    assert row.average.text == "50 % (22 to 78 %)"


def test_a_sure_gain_can_be_next_to_none_and_says_so():
    # In every world the second is ahead of the first by 0.1 and of the third by 3.
    scores = np.repeat([[0.9], [1.0], [-2.0]], 40, axis=1)
    found = ahead(ARMS, scores, chances(scores, tens(scores)), tens(scores))
    assert (found.of, found.over) == (ARMS[1], ARMS[0])
    assert found.by.text == "+0.1 (0.1 to 0.1)"


def test_arms_that_are_alike_share_their_probability(beside):
    one, same = arm(beside, ARMS[1]), arm(beside, ARMS[2])
    assert one.best == same.best
    assert one.best["as stated"].average.exact[0] <= 0.5


def test_an_aid_gains_words_and_saves_no_cell(beside):
    aided = arm(beside, ARMS[1])
    assert aided.measures["words"].gain.exact.median > 0
    assert all(is_nothing(cell.saved) for cell in aided.cells.values())
    assert is_nothing(aided.measures["hearing"].gain)


def test_the_reference_gains_nothing_by_definition(beside):
    reference = arm(beside, beside.reference)
    assert beside.reference == ARMS[0]
    assert is_nothing(reference.score)
    assert all(is_nothing(gained) for gained in reference.utilities.values())


def test_the_one_ear_of_best_values_lies_among_the_people(beside):
    for row in beside.arms:
        words = row.measures["words"]
        assert words.ears.low - 10 <= words.best_value[0] <= words.ears.high + 10


def test_grades_are_shares_of_all_people_with_n_and_interval(beside):
    (scale,) = beside.grades
    assert scale.scale == "who_2021"
    assert list(scale.shares) == list(ARMS)
    for shares in scale.shares.values():
        assert sum(share.exact[0] for share in shares) == pytest.approx(1)
        assert {share.n for share in shares} == {EARS}
        assert all(share.exact[1] <= share.exact[0] <= share.exact[2] for share in shares)


def test_what_is_worth_something_is_ten_points_of_words_in_quiet_unless_stated(study):
    assert {name: worth.text for name, worth in worths(study).items()} == {"words": "10 %"}
    stated = study_of(preference={"measures": {"hearing": "10 dB"}})
    assert worths(stated) == {"hearing": Quantity("10 dB")}


def test_a_score_counts_what_is_stated_in_its_own_units(study, result):
    none = {name: {} for name in ARMS}
    points = result["words"].sel(arm=ARMS[1], time=336.0, frequency=1.0) - result["words"].sel(
        arm=ARMS[0], time=336.0, frequency=1.0
    )
    assert scores(study, result, none)[1] == pytest.approx(points.to_numpy() / 10)
    noisy = study_of(preference={"measures": {"noisy": "5 %"}})
    gained = (result["noisy"].sel(arm=ARMS[1]) - result["noisy"].sel(arm=ARMS[0])).sel(
        time=336.0, frequency=1.0
    )
    assert scores(noisy, result, none)[1] == pytest.approx(gained.to_numpy() / 5)


def test_a_harm_lowers_the_score_by_its_weight_and_its_risk(study, result, monkeypatch):
    monkeypatch.setattr("otosome.answers.scores.weighed", lambda study: {"fever": 3.0})
    none = {name: {} for name in ARMS}
    risks = none | {ARMS[1]: {"fever": np.full(EARS, 0.2)}}
    less = scores(study, result, none) - scores(study, result, risks)
    assert less[1] == pytest.approx(np.full(EARS, 0.6))
    assert scores(study, result, none)[1] - scores(study, result, risks, leaning=10)[1] == pytest.approx(
        np.full(EARS, 6)
    )
    assert np.all(less[[0, 2]] == 0)


def test_quality_of_life_is_named_by_its_instrument_and_differs_between_them(beside):
    aided = arm(beside, ARMS[1]).utilities
    assert set(aided) == set(beside.instruments) == set(Catalog().names("utilities"))
    assert aided["hui3"].exact.median > aided["eq5d"].exact.median


def test_an_implants_published_gain_in_utility_is_within_what_words_give():
    """0.210 by HUI3 from one implant (doi 10.1186/s12913-021-06271-0, table 2), and 35 to 55 points of words (75 % of
    adults above 42 % of words, doi 10.1371/journal.pone.0232421); the shelf's numbers are of people with aids.
    """
    entry = Catalog().get("utilities", "hui3")
    drawn = draw_columns(entry.parameters("").values(), 1, 0, 400, 1)
    low, high = np.quantile(drawn["utilities.hui3.gain"] / drawn["utilities.hui3.words"], [0.05, 0.95])
    assert 0.35 * low < 0.210 < 0.55 * high
    gain, words = (entry.card.parameter(key, "").value for key in ("gain", "words"))
    assert 0.35 < 0.210 / (gain / words) < 0.55


def test_the_two_instruments_asked_the_same_people():
    catalog = Catalog()
    numbers = [p for name in ("hui3", "eq5d") for p in catalog.get("utilities", name).parameters("").values()]
    drawn = draw_columns(numbers, 1, 0, 400, 1)
    words = [drawn[f"utilities.{name}.words"] for name in ("hui3", "eq5d")]
    assert np.corrcoef(np.log(words))[0, 1] > 0.99


def test_one_arm_and_nothing_of_worth_are_refused():
    with pytest.raises(BadInput, match="one arm"):
        therapies(study_of(arm=[{"name": "alone"}]), None)
    deaf = study_of(measure={name: one for name, one in values()["measure"].items() if name != "words"})
    with pytest.raises(BadInput, match="no words understood in quiet"):
        therapies(deaf, None)


# The page and the command


def shown(result, study):
    readings = observe(study, result, draw(study, EARS, 1))
    return page(result, readings)


class Text(HTMLParser):
    """What a reader sees of a page, and the classes of what carries it."""

    def __init__(self):
        super().__init__()
        self.seen, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.seen.append(data)

    @classmethod
    def of(cls, html):
        reader = cls()
        reader.feed(html)
        return " ".join(" ".join(reader.seen).split()), reader.tags


def test_the_page_names_no_therapy_best_without_its_probability(result, study, beside):
    text, _ = Text.of(shown(result, study))
    for row in beside.arms:
        for chance in row.best.values():
            assert chance.average.text in text
    assert "winner" not in text.lower()
    assert f"more than the next, “{beside.ahead.over}”" in text
    assert "hears better, no cell saved" in text
    assert "Not for treating anyone" in text


def test_the_terminal_and_the_page_write_the_same_numbers(result, study, beside):
    text, _ = Text.of(shown(result, study))
    lines = "\n".join(therapy_lines(beside))
    for row in beside.arms:
        for both in (row.score.text, row.best["as stated"].average.text):
            assert both in text and both in lines
    assert beside.ahead.by.text in text and beside.ahead.by.text in lines
    for shares in beside.grades[0].shares.values():
        assert all(share.text in text for share in shares)


def test_the_page_says_what_counts_and_which_instrument_asked(result, study):
    text, _ = Text.of(shown(result, study))
    assert "10 % of “words” is worth 1" in text
    assert all(label in text for label in ("HUI3", "EQ-5D"))
    assert "None of these therapies brings an adverse event that is on the shelf" in text


def test_the_page_loads_nothing_and_runs_nothing(result, study):
    html = shown(result, study)
    _, tags = Text.of(html)
    assert not [tag for tag, _ in tags if tag in ("script", "link", "iframe", "object", "img")]
    assert not [attrs for _, attrs in tags if "style" in attrs or any(key.startswith("on") for key in attrs)]


def test_names_of_arms_are_text_only():
    hostile = "<script>alert(1)</script>"
    arms = [{"name": hostile}, {"name": "an aid", "devices": ["aid"]}]
    study = study_of(arm=arms)
    result = therapies(study, draw(study, EARS, 1))
    html = shown(result, study)
    assert hostile not in html
    assert html_escape(hostile) in html


def test_the_command_says_one_object_and_writes_a_folder_that_can_be_shown(tmp_path):
    file = tmp_path / "side_by_side.toml"
    treated = {
        "treatment": {"ev": VESICLES},
        "arm": [*values()["arm"], {"name": "vesicles", "treatments": ["ev"]}],
    }
    file.write_text(tomli_w.dumps(values(**treated)), encoding="utf-8")
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["compare", str(file), "--subjects", "4", "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["command"] == "compare"
    assert [row["name"] for row in answer["result"]["therapies"]["arms"]] == [*ARMS, "vesicles"]
    assert [row["adverse_event"] for row in answer["result"]["therapies"]["arms"][-1]["adverse_events"]] == [
        "perforation",
        "vesicle_reaction",
    ]
    again = CliRunner().invoke(app, ["show", str(out), "--json"])
    assert json.loads(again.stdout)["result"]["therapies"] == answer["result"]["therapies"]
    # The explicit study holds the adverse events' and utilities' numbers too.
    explicit = [
        "compare",
        str(out / "study.toml"),
        "--subjects",
        "4",
        "--out",
        str(tmp_path / "b"),
        "--json",
    ]
    assert json.loads(CliRunner().invoke(app, explicit).stdout)["result"] == answer["result"]
    said = CliRunner().invoke(app, ["show", str(out)]).stdout
    # No probability without its interval, and none of few worlds without a warning.
    stated = [
        row["best"]["as stated"][of]
        for row in json.loads(again.stdout)["result"]["therapies"]["arms"]
        for of in ("average", "person")
    ]
    written = re.findall(r"with ([<>\d]+ % \([<>\d]+ to [<>\d]+ %\))", said)
    assert written == [share["text"] for share in stated]
    assert "1 world, each one draw of what is not known: too few to tell 95 % from certain" in said
    assert "cells saved: OHC 0 % (0 to 0)" in said
    assert "more on average than the next" in said


@pytest.mark.parametrize("worlds", [1, 6, 19, 20, 200])
def test_the_command_warns_where_the_step_of_a_probability_is_more_than_five_percent(beside, worlds):
    said = "\n".join(therapy_lines(replace(beside, worlds=worlds)))
    assert ("too few to tell 95 % from certain" in said) == (1 / worlds > 0.05)


def test_a_study_without_words_is_refused_with_a_cure(tmp_path):
    done = CliRunner().invoke(
        app, ["compare", "cisplatin_guinea_pig", "--subjects", "1", "--json", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 2
    error = json.loads(done.stdout)["error"]
    assert error["key"] == "preference.measures"
    assert "word_score" in error["cure"]


# The document

DOCUMENT = Path(__file__).parent.parent / "docs" / "compare.md"


def test_the_study_of_the_document_compares():
    (study,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    made = loads(study, "document")
    beside = summary.therapies(therapies(made, draw(made, 2, 1)))
    assert beside.preference.measures == {"quiet": "10 %", "noisy": "20 %"}
    assert beside.preference.adverse_events["perforation"] == 1.0
    assert [row.adverse_event for row in arm(beside, "vesicles").adverse_events] == [
        "perforation",
        "vesicle_reaction",
    ]


def test_the_examples_of_the_document_are_as_printed():
    found = doctest.testfile(str(DOCUMENT), module_relative=False)
    assert found.attempted > 5
    assert found.failed == 0
