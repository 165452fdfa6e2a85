"""Claims: a verdict follows from its rule, a figure from its law, and the table never lies about its age."""

import json
import shlex
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import tomli_w
import typer

from otosome import cli, jobs
from otosome.catalog import SHIPPED, Catalog
from otosome.errors import BadInput
from otosome.evidence import Source
from otosome.report.claims import cards
from otosome.review import claims as claimed
from otosome.review.claims import (
    VERDICTS,
    Claim,
    Ground,
    Laboratory,
    figures,
)
from otosome.review.claims.claim import AT_ODDS
from otosome.review.claims.figures import evidence_hash
from otosome.review.claims.papers import papers
from otosome.review.qualification import known
from otosome.review.question import Question
from otosome.review.synthesis import review
from otosome.roles import Figure
from tools.documents.claims import MARKS, PRIOR_MARKS, contents, headline, page, table

CATALOG = Catalog()
NAMES = CATALOG.names("claims")
CLAIMS = {name: Claim.of(CATALOG.get("claims", name), CATALOG) for name in NAMES}
# Claims whose figure needs no simulated ear.
QUICK = ["no_rejection", "no_tumour", "patient", "production"]
every_claim = pytest.mark.parametrize("name", NAMES)


def formula(name):
    """A claim's formula with the options of its file."""
    return CATALOG.get("claims", name).bind(
        {f"claims.{name}.{k}": [0.0] for k in CLAIMS[name].entry.card.parameters}, ""
    )


@pytest.fixture(scope="module")
def quick():
    return claimed.claims(QUICK)


@every_claim
def test_a_claim_says_who_claims_it_on_what_it_stands_and_what_would_test_it(name):
    claim = CLAIMS[name]
    assert claim.by.link and claim.test.endswith(".")
    assert all(ground.words for ground in claim.stands_on)
    assert all(ground.sources or ground.kind == "none" for ground in claim.stands_on)
    assert {row for ground in claim.stands_on for row in ground.rows} <= set(known(CATALOG))


@every_claim
def test_a_claim_has_a_figure_or_says_what_is_missing(name):
    claim = CLAIMS[name]
    assert (claim.entry.formula is None) == bool(claim.missing)


@every_claim
def test_the_numbers_and_entries_a_claim_names_are_there(name):
    asked = CLAIMS[name].entry.card.stated
    if isinstance(asked.get("study"), str):
        study = Laboratory().study(asked["study"])
        assert study.tables.compare is not None
        named = [*asked.get("hazards", []), *([asked["copies"]] if "copies" in asked else [])]
        assert set(named) <= set(study.parameters)
        assert {asked[key] for key in ("measure", "beside") if key in asked} <= set(study.tables.measure)


def test_every_claim_whose_figure_is_an_effect_of_vesicles_shows_it_under_all_four_priors():
    """A dose, a rate, a share of lots or of knock-outs that differ, and what an aid or an implant gains are none."""
    effects = {"cargo", "cisplatin", "inflammation", "irreversible", "repair", "thresholds", "trials"}
    assert {name for name, claim in CLAIMS.items() if claim.by_prior} == effects
    assert all(CLAIMS[name].entry.formula is not None for name in effects)


def test_a_row_has_a_verdict_of_five_and_a_command_that_names_it(quick):
    assert [row["claim"] for row in quick] == QUICK
    for row in quick:
        assert row["verdict"] in VERDICTS
        assert row["command"].split()[:3] == ["otosome", "claims", row["claim"]]


def test_the_command_of_a_row_is_one_the_command_line_takes(quick):
    app = typer.main.get_command(cli.app)
    for row in quick:
        _, verb, *arguments = shlex.split(row["command"])
        taken = app.commands[verb].make_context(verb, arguments).params
        assert taken["claim"] == [row["claim"]] and taken["ears"] > 1


# Verdicts


def ground(kind, says):
    return Ground("words", kind, says, ())


def judged(grounds, needs=None, built_in="", figure=None, bases=("assumed",)):
    """The verdict on a claim made of these grounds."""
    base = CLAIMS["inflammation"]
    made = {**vars(base), "stands_on": tuple(grounds), "needs": needs, "built_in": built_in}
    return Claim(**made).verdict(figure, bases)[0]


def test_each_ground_alone_gives_its_verdict_by_the_rule():
    told = {
        ("measured", "for"): "supported",
        ("measured", "against"): "contradicted",
        ("measured", "open"): "not measured",
        ("direction", "for"): "direction only",
        ("direction", "against"): "not measured",
        ("direction", "open"): "not measured",
        ("none", "for"): "not measured",
        ("none", "open"): "not measured",
    }
    assert {case: judged([ground(*case)]) for case in told} == told


def test_a_ground_whose_sources_are_all_gone_is_none():
    current, gone = Source("a", "A", "link"), Source("b", "B", "link", standing="retracted")
    assert Ground("words", "measured", "for", (current, gone)).verdict == "supported"
    assert Ground("words", "measured", "for", (gone,)).verdict == "not measured"


def test_a_claim_is_as_good_as_its_weakest_ground():
    grounds = [
        ground("measured", "for"),
        ground("direction", "for"),
        ground("none", "open"),
        ground("measured", "against"),
    ]
    order = [verdict for verdict in VERDICTS if verdict != AT_ODDS]
    assert [judged(grounds[: n + 1]) for n in range(4)] == order
    assert [judged(grounds[n::-1]) for n in range(4)] == order


def test_a_figure_lowers_a_verdict_only_where_its_whole_interval_is_beyond_the_line():
    solid = [ground("measured", "for")]
    above, across = Figure(3.0, 2.0, 4.0, "", ""), Figure(1.0, 0.5, 4.0, "", "")
    assert judged(solid, ("below", 1.0), figure=above) == AT_ODDS
    assert judged(solid, ("below", 1.0), figure=across) == "supported"
    assert judged(solid, ("above", 1.0), figure=above) == "supported"
    assert judged(solid, ("above", 5.0), figure=above) == AT_ODDS


def test_a_figure_contradicts_only_where_every_number_behind_it_was_measured():
    solid, beyond = [ground("measured", "for")], Figure(3.0, 2.0, 4.0, "", "")
    assert judged(solid, ("below", 1.0), figure=beyond, bases=("measured", "secondary")) == "contradicted"
    assert judged(solid, ("below", 1.0), figure=beyond, bases=("measured", "direction")) == AT_ODDS
    assert judged([ground("measured", "against")], ("below", 1.0), figure=beyond) == "contradicted"


def test_the_barrier_rests_on_assumed_numbers_and_so_contradicts_nothing():
    assert "assumed" in figures.bases(CLAIMS["barrier"], Laboratory(catalog=CATALOG))
    assert CLAIMS["barrier"].verdict(Figure(9.0, 8.0, 10.0, "times", ""))[0] == AT_ODDS


def test_a_figure_never_lifts_a_verdict_and_one_built_in_decides_nothing():
    beyond = Figure(3.0, 2.0, 4.0, "", "")
    assert judged([ground("none", "open")], ("above", 1.0), figure=beyond) == "not measured"
    assert judged([ground("measured", "for")], ("below", 1.0), "by structure", beyond) == "supported"


# Laws of figures


@pytest.fixture(scope="module")
def ears():
    return Laboratory(ears=2)


def test_without_potency_no_neuron_is_saved():
    null = {
        f"batches.example_lot.potency{m}": 0.0 for m in ("", "_hsp70", "_anti_inflammatory", "_autophagy")
    }
    saved, beside, lost = formula("cisplatin").figure(Laboratory(2, numbers=null)).parts
    assert (saved.low, saved.high) == (beside.low, beside.high) == (0.0, 0.0)
    assert lost.value > 0


def test_a_dose_of_nothing_gains_nothing_on_any_day():
    nothing = Laboratory(2, numbers={"batches.example_lot.particles": 0.0})
    days = formula("irreversible").figure(nothing).parts
    assert len(days) == len(CLAIMS["irreversible"].entry.card.stated["days"])
    assert all(day.low == day.high == 0.0 for day in days)


def test_where_nothing_is_gained_no_action_and_no_cargo_has_a_share():
    nothing = Laboratory(2, numbers={"batches.example_lot.particles": 0.0})
    for name in ("repair", "cargo", "inflammation"):
        figure = formula(name).figure(nothing)
        assert all(part.low == part.high == 0.0 for part in (figure, *figure.parts)), name


def test_the_permeability_needed_rises_as_the_half_effect_concentration_does():
    barrier = formula("barrier")
    route, number = list(barrier.barriers.items())[1]
    needed = []
    for half in (1.0, 2.0):
        laboratory = Laboratory(2, numbers={"mechanisms.hsp70.ec50": half})
        needed.append(barrier.needed(laboratory, route, number))
        study = laboratory.study(barrier.study)
        arm, assumed = laboratory.arm(study, route), study.parameters[number].value

        def reached(ears, laboratory=laboratory, arm=arm):
            return {"reached": barrier._reached(laboratory.fate(ears, arm))}

        # What is needed is that at which the half-effect concentration is reached.
        at = laboratory.run(study, [arm], reached, numbers={number: assumed * needed[-1]})["reached"]
        assert np.allclose(at, 1.0, rtol=0.02)
    one, two = needed
    # A membrane that fills first lets through more than in proportion, or next to nothing whatever it lets through.
    assert np.all(two > one) and np.all(two / one < 2.1)


class Filling:
    """A laboratory whose ears reach ``slope`` times a permeability while there is ``room``, by a closed form."""

    def __init__(self, slope, room):
        self.slope, self.room, self.ears, self.asked = np.array(slope), np.array(room), len(slope), []

    def study(self, question):
        return SimpleNamespace(parameters={"number": SimpleNamespace(value=2.0)})

    def arm(self, study, route):
        return route

    def run(self, study, arms, work, numbers, ears):
        self.asked.append(ears.size)
        at = self.slope[ears] * numbers["number"][ears] / 2.0
        return {"reached": at / (1.0 + at / self.room[ears])}


def test_the_permeability_needed_is_exact_where_a_fluid_fills_by_a_known_law_and_none_where_it_is_full_before():
    slope, room = [1.0, 0.2, 3e3, 5.0, 40.0], [1e9, 3.0, 1.2, 0.3, 1e-3]
    filling = Filling(slope, room)
    needed = formula("barrier").needed(filling, "route", "number")
    # at / (1 + at / room) = 1 where at = 1 / (1 - 1 / room)
    solved = [1.0 / s / (1.0 - 1.0 / r) for s, r in zip(slope[:3], room[:3], strict=True)]
    # What the last round still changed, 1e-6 at most, is less than what the secant leaves after it.
    assert needed[:3] == pytest.approx(solved, rel=1e-6)
    assert np.all(needed[3:] == 1e15)
    # An ear that is settled is not looked into again.
    assert filling.asked[:2] == [5, 5]
    assert filling.asked[-1] < 5
    for n in range(5):
        alone = formula("barrier").needed(Filling(slope[n : n + 1], room[n : n + 1]), "route", "number")
        assert alone.tolist() == needed[n : n + 1].tolist()


def test_the_kinds_of_cell_explain_the_whole_shift(ears):
    figure = formula("cause").figure(ears)
    # With two ears the middle is their mean, so the shares add up.
    assert sum(part.value for part in figure.parts) == pytest.approx(100.0)


def test_more_people_have_a_mild_loss_than_a_moderate_one_and_more_at_greater_age(ears):
    figure = formula("burden").figure(ears)
    mild, moderate = figure.parts[::2], figure.parts[1::2]
    assert figure.low <= figure.high
    assert all(m.value >= w.value for m, w in zip(mild, moderate, strict=True))
    assert np.all(np.diff([part.value for part in mild]) >= 0)


def test_no_event_in_many_leaves_about_three_over_n():
    bounds = formula("no_rejection")
    for n in (100, 1000, 10000):
        assert bounds._bound(n).high == pytest.approx(100 * 3 / n, rel=0.02)
    assert bounds._bound(1).high == pytest.approx(95.0)


def test_a_trial_is_as_large_as_the_textbook_says():
    # Half a standard deviation at 80 % power and 5 % error: 63 (Cohen 1988: 64 with Student's t).
    trial = formula("trials")
    assert trial.patients(np.array([0.5]), np.array([1.0])) == 63
    assert trial.patients(np.array([0.0, -1.0]), np.ones(2)).tolist() == [1e6, 1e6]


def test_lots_and_readings_without_error_stay_on_their_label():
    production = formula("production")
    shares = production.beyond(np.array([1e-6, 0.01, 0.04, 0.16, 1e4]))
    assert shares[0] == pytest.approx(0.0, abs=1e-9) and shares[-1] == pytest.approx(100.0, abs=0.5)
    assert np.all(np.diff(shares) > 0)


def test_the_plateau_begins_where_the_share_of_the_largest_benefit_is_reached():
    dose = formula("dose")
    gains = np.array([[0.0, 1.0, 1.0], [0.0, 1.0, 1.0], [5.0, 1.0, 1.0], [10.0, 1.0, 1.0], [10.0, 1.0, 2.0]])
    found = dose.begins(gains)
    assert np.log10(dose.particles[2]) < found[0] < np.log10(dose.particles[3])
    assert found[1] == np.log10(dose.particles[0])
    assert found[2] > np.log10(dose.particles[3])


def test_mechanisms_alike_are_never_told_apart_and_far_ones_always():
    mechanisms = formula("mechanisms")
    assert mechanisms.apart(np.ones((3, 4)), np.ones(4)).tolist() == [0.0] * 4
    assert mechanisms.apart(np.array([[0.0], [100.0], [200.0]]), np.ones(1)).tolist() == [1.0]


def test_published_experiments_move_a_claim_and_without_effect_nothing_is_gained():
    study = Laboratory().study(CLAIMS["thresholds"].entry.options.study)
    gains = {p: float(np.mean(Laboratory(4, prior=p).effect(study)[0])) for p in ("as_printed", "none")}
    assert abs(gains["none"]) < 1e-9 < gains["as_printed"]


def test_what_papers_did_is_what_the_review_of_the_same_words_says():
    read = papers(CATALOG, CLAIMS["cisplatin"].review)
    whole = review(Question.of("hearing", ["product=vesicles", "insult=cisplatin"]), CATALOG)
    assert {row.short for row in read.rows} == {row.short for row in whole.rows}
    assert read.together == whole.text and read.command.startswith("otosome review hearing --only")
    assert papers(CATALOG, ()) is None


def test_cards_hold_papers_figure_and_test_and_take_words_from_files_as_text(quick, tmp_path):
    row = {**quick[0], "about": "<b>bold</b>", "papers": asdict(papers(CATALOG, CLAIMS["cisplatin"].review))}
    text = cards([row], 1, 40)
    assert "&lt;b&gt;bold" in text and "<b>bold</b>" not in text
    assert all(words in text for words in ("What papers did", "What the model says", "What would settle it"))
    assert all(each["short"] in text for each in row["papers"]["rows"])
    there = tmp_path / "claims.html"
    there.write_text("mine", encoding="utf-8")
    with pytest.raises(BadInput, match="there already"):
        jobs.claims(["no_rejection"], out=there)
    assert there.read_text(encoding="utf-8") == "mine"


def test_the_readme_shows_the_benefit_under_every_prior():
    part = asdict(Figure(3.0, 1.0, 9.0, "dB", "benefit in a world"))
    figure = {**asdict(Figure(90.0, 50.0, 99.0, "%", "words")), "parts": [part]}
    others = dict.fromkeys(("mechanism", "sceptic", "none"), figure)
    lines = headline([{"claim": "thresholds", "figure": figure, "by_prior": others}]).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == [
        "as printed",
        "mechanism",
        "sceptic",
        "none",
    ]
    assert all("3.00 dB (1.00 to 9.00)" in line for line in lines[2:])


# Refusals


def test_an_unknown_claim_is_named_with_the_ones_there_are():
    with pytest.raises(BadInput, match="no 'miracle'") as error:
        claimed.claims(["miracle"])
    assert error.value.allowed == NAMES


GROUND = {"words": "w", "is": "measured", "says": "for", "sources": ["who_2021"]}
STATED = {
    "about": "Said.",
    "by": "who_2021",
    "test": "Look.",
    "missing": "All.",
    "stands_on": [GROUND],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"by": "nobody"}, "no source 'nobody'"),
        ({"verdict": "supported"}, "is not an option of claims"),
        ({"needs": {"near": 3}}, "needs.near"),
        ({"stands_on": [{"words": "w", "is": "measured", "says": "maybe"}]}, "is not known"),
        ({"stands_on": [{"words": "w", "is": "measured", "says": "for"}]}, "has a source"),
        ({"stands_on": [{"words": "w", "is": "none", "says": "for", "colour": "red"}]}, "is not a key here"),
        (
            {"stands_on": [GROUND | {"rows": ["ear:E4", "ear:E404"]}]},
            "no row of a case; given: ear:E404",
        ),
        ({"stands_on": [GROUND | {"rows": "ear:E4"}]}, "rows: must be a list"),
        ({"stands_on": []}, "stands_on: holds too few"),
        ({"test": 3}, "test: must be text in quotes"),
        ({"needs": {"above": "much"}}, "needs.above: must be a number"),
    ],
)
def test_a_claim_that_is_not_one_is_refused_by_key(tmp_path, change, message):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "mine.toml").write_text(tomli_w.dumps(STATED | change), encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        claimed.claims(["mine"], shelves=(tmp_path,))


@pytest.mark.parametrize("row", known(CATALOG)[::9])
def test_a_claim_may_stand_on_any_row_there_is(tmp_path, row):
    (tmp_path / "claims").mkdir()
    stated = STATED | {"stands_on": [GROUND | {"rows": [row]}]}
    (tmp_path / "claims" / "mine.toml").write_text(tomli_w.dumps(stated), encoding="utf-8")
    catalog = Catalog((tmp_path,))
    assert Claim.of(catalog.get("claims", "mine"), catalog).stands_on[0].rows == (row,)


def test_a_claim_of_ones_own_is_judged_by_the_same_rule(tmp_path):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "mine.toml").write_text(tomli_w.dumps(STATED), encoding="utf-8")
    (row,) = claimed.claims(["mine"], shelves=(tmp_path,))
    assert (row["verdict"], row["figure"], row["missing"]) == ("supported", None, "All.")


@pytest.mark.parametrize("found", ["3", "None", "Figure(float('nan'), 0.0, 1.0, 'dB', 'words')"])
def test_a_formula_of_ones_own_gives_a_figure_of_finite_numbers(tmp_path, found):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "mine.toml").write_text(tomli_w.dumps(STATED), encoding="utf-8")
    code = f"""
from dataclasses import dataclass
from otosome.roles import Figure
from tools.documents.claims import MARKS, contents, page, table
@dataclass(frozen=True)
class Mine:
    def figure(self, laboratory):
        return {found}
"""
    (tmp_path / "claims" / "mine.py").write_text(code, encoding="utf-8")
    with pytest.raises(BadInput, match="figure of finite numbers"):
        claimed.claims(["mine"], shelves=(tmp_path,))


def test_ears_go_in_pairs():
    with pytest.raises(BadInput, match="go in pairs"):
        claimed.claims(["no_tumour"], ears=3)


# The table


def test_the_table_and_the_page_hold_every_row_in_one_line_each(quick):
    lines = table(quick).splitlines()
    assert len(lines) == 2 + len(quick)
    assert all(line.count(" | ") == 2 for line in lines[2:])
    text = page(quick, "made so")
    assert all(f"## {row['claim']}: " in text and row["command"] in text for row in quick)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.1034, 1e-5, 4.64, "dB"), "0.10 dB (0.00 to 4.64)"),
        ((-7.0, -35.6, 34.3, "%"), "-7.0 % (-35.6 to 34.3)"),
        ((-0.001, -0.002, 0.3, "dB"), "0.00 dB (0.00 to 0.30)"),
        ((4.5e-6, 0.0, 0.0361, "%"), "4.5e-6 % (0 to 0.036)"),
        ((0.0, 0.0, 0.0, "dB"), "0.00 dB (0.00 to 0.00)"),
        ((790.0, 1.95, 1e6, "patients"), "790 patients (1.9 to 1.0e6)"),
        ((2.3e7, 0.0, 3e13, "times"), "2.3e7 times (0 to 3.0e13)"),
    ],
)
def test_a_figure_is_printed_with_the_digits_it_is_worth(numbers, text):
    assert claimed.figure_text(asdict(Figure(*numbers, words=""))) == text


def test_a_readme_without_the_marks_has_no_place_for_the_table(quick):
    with pytest.raises(ValueError, match="not found"):
        contents(quick, "no marks here\n", evidence_hash())


def test_a_table_is_written_between_the_marks_and_says_when_it_is_stale(tmp_path, monkeypatch, quick):
    readme = "\n".join(["before", *("\nold\n".join(marks) for marks in (MARKS, PRIOR_MARKS)), "after", ""])
    once = contents(quick, readme, evidence_hash())
    text = once["readme"]
    assert contents(quick, text, evidence_hash()) == once
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert text.count(table(quick)) == 1
    monkeypatch.setattr(figures, "STORED", tmp_path / "figures.json")
    (tmp_path / "figures.json").write_text(once["figures"], encoding="utf-8")
    assert claimed.stored()["rows"] == json.loads(json.dumps(quick))
    assert not claimed.stored()["stale"]
    old = {**json.loads(once["figures"]), "evidence": "of old"}
    (tmp_path / "figures.json").write_text(json.dumps(old), encoding="utf-8")
    assert claimed.stored()["stale"]


def test_what_figures_rest_on_is_watched_and_nothing_else_is():
    watched = {f"{f.parent.name}/{f.name}" for f in figures._evidence(CATALOG)}
    assert {f"claims/{name}.toml" for name in NAMES} <= watched
    assert {f"mechanisms/{name}.toml" for name in CATALOG.names("mechanisms")} <= watched
    assert {"studies/cisplatin_guinea_pig.toml", "solutes/vesicle.toml", "scales/who_2021.toml"} <= watched
    assert {"sources/msc_trials_2020.toml", "insults/cisplatin.py", "instruments/nanosight.toml"} <= watched
    assert "insults/aminoglycoside.toml" not in watched


def test_the_kept_table_holds_every_claim_and_is_not_stale():
    kept = claimed.stored()
    assert [row["claim"] for row in kept["rows"]] == NAMES
    readme = (SHIPPED.parents[2] / "README.md").read_text(encoding="utf-8")
    assert table(kept["rows"]) in readme
    assert not kept["stale"], f"evidence is {evidence_hash()}: write the table anew: make docs"
