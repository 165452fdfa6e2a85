"""Every limit that a specification writes counts, or the file is refused."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from lots import record
from otosome.cards import make_card
from otosome.catalog import Catalog, Entry, names
from otosome.errors import BadInput
from otosome.lots.assessment import assess
from otosome.lots.count import Measurement, Scatter, count, ratio
from otosome.lots.files import Counted
from otosome.lots.measured import Measured, measured_value
from otosome.lots.potency import RunPotency, combine
from otosome.lots.release import overall
from otosome.lots.specification import FILE_TESTS, read_specification
from otosome.lots.verdicts import Stated, beyond, verdicts
from otosome.units import convert, house

RISKS = {"consumer_risk": "5 %", "producer_risk": "5 %"}


def number(value):
    return {"meaning": "a limit", "value": value, "basis": "assumed", "because": "a test"}


def specification(values):
    """A specification from plain values; a number is written as its text alone."""
    tables = {
        key: number(value) if isinstance(value, str) else value
        for key, value in ({**RISKS, **values}).items()
    }
    card = make_card({"about": "A test.", **tables}, "specifications", "own", "own.toml")
    return read_specification(Entry(card, None))


def videos():
    """Five videos whose sizes peak at 100 nm, three quarters of them below 125 nm."""
    diameter = np.arange(20.0, 400.0, 5.0) * convert(1.0, "nm", "mm")
    tables = []
    for video in range(5):
        middle = convert(100.0 + 2 * (video - 2), "nm", "mm")
        share = np.exp(-0.5 * (np.log(diameter / middle) / 0.3) ** 2)
        counts = 4e8 * (1 + 0.02 * (video - 2)) * share / share.sum()
        tables.append(pd.DataFrame({"replicate": video, "diameter": diameter, "concentration": counts}))
    return Counted(pd.concat(tables), "nanosight", "2026-01-01", 0.0, "")


def lot():
    """A lot of 4e11 particles/mL, counted on six days, with three runs of an assay in which it is 0.8 as potent."""
    chance = np.random.default_rng(1)
    scatter = Scatter((0.01, 0.03), (0.01, 0.05))
    counts = [Measurement(f"2026-01-0{day}", 4e8 * np.exp(chance.normal(0, 0.01, 5))) for day in range(1, 7)]
    runs = tuple(
        RunPotency(f"run {k}", (), "", np.log(0.8) + 0.02 * k, 1e-4, 40, 0.7, 0.9) for k in (-1, 0, 1)
    )
    left = ratio(np.array([0.8e8, 0.81e8, 0.79e8]), np.array([4e8, 4.1e8, 3.9e8]), scatter.within)
    return Measured(
        count(counts, scatter),
        "",
        (videos(),),
        convert(4e11, "particles/mL", "particles/uL"),
        left,
        (0.04, 0.05),
        {"hsp70": (runs, combine(runs))},
        {"hsp70": "four_parameter"},
    )


LOT = lot()
# What each test of the files comes to in this lot, in the unit a specification would use.
UNITS = {"particles": "particles/mL", "purity": "particles/ug", "peak_size": "nm"} | dict.fromkeys(
    ("size_window", "not_vesicles"), "%"
)
WINDOW = {"window_low": "50 nm", "window_high": "125 nm"}
OPEN = specification({"size_window_least": "1 %", **WINDOW})
TRUTH = {
    test: convert(measured_value(test, LOT, OPEN, unit).belief.quantile(0.5), house(unit), unit)
    for test, unit in UNITS.items()
} | {"potency": 0.8, "potency_hsp70": 0.8}
STATED = {"endotoxin": "EU/mL", "viability": "%", "residual_dna": "ng/mL", "ph": ""}
WORDS = {"negative": "negative", "absent": "absent", "positive": "positive", "present": "present"}
OPPOSITE = {"negative": "positive", "absent": "present", "positive": "negative", "present": "not detected"}


@dataclass(frozen=True)
class Broken:
    """What is changed so that one limit is not met: tables, findings, and times the label."""

    tables: dict = field(default_factory=dict)
    findings: dict = field(default_factory=dict)
    label: float = 1.0


@dataclass(frozen=True)
class Case:
    """A specification and what a record states, which together release; and each way to break one limit."""

    values: dict
    findings: dict
    broken: list


def stated_case(test, form, value):
    """Tables and finding that are met, and findings that break each limit by a factor of two."""
    unit = STATED[test]
    text = f"{value:g} {unit}".strip()

    def at(factor):
        return {test: f"{factor * value:.6g} {unit} +/- 5 %".strip()}

    plain = {test: f"{2 * value:g} {unit}".strip()}
    if form == "equal":
        tables = {"equal": [test], test: text}
        return Case(tables, {test: text}, [Broken(findings=at(2)), Broken(findings=plain)])
    if form == "range":
        ends = {f"{test}_least": text, f"{test}_most": f"{4 * value:g} {unit}".strip()}
        return Case(ends, at(2), [Broken(findings=at(0.5)), Broken(findings=at(8))])
    tables = {form: [test], test: text} if form.startswith("at_") else {f"{test}_{form}": text}
    good, bad = (2, 0.5) if form in ("at_least", "least") else (0.5, 2)
    exact = {test: f"{bad * value:.6g} {unit}".strip()}
    return Case(tables, at(good), [Broken(findings=at(bad)), Broken(findings=exact)])


def file_case(test, form, factor):
    """Limits that the lot's files meet by a factor, and the same limits on its other side."""
    unit = UNITS.get(test, "")

    def limit(times):
        # A share stays one: its distance from 100 % shrinks instead of growing beyond it.
        value = TRUTH[test] * times
        if unit == "%" and times > 1:
            value = 100 - (100 - TRUTH[test]) / times
        return f"{value:.6g} {unit}".strip()

    key = {"at_least": test, "at_most": test, "least": f"{test}_least", "most": f"{test}_most"}
    lists = {form: [test]} if form.startswith("at_") else {}
    window = WINDOW if test == "size_window" else {}
    if form == "range":
        good = {f"{test}_least": limit(1 / factor), f"{test}_most": limit(factor), **window}
        low = {f"{test}_least": limit(factor), f"{test}_most": limit(2 * factor)}
        high = {f"{test}_least": limit(0.5 / factor), f"{test}_most": limit(1 / factor)}
        return Case(good, {}, [Broken(low), Broken(high)])
    lower = form in ("at_least", "least")
    good, bad = limit(1 / factor if lower else factor), limit(factor if lower else 1 / factor)
    return Case({**lists, key[form]: good, **window}, {}, [Broken({key[form]: bad})])


def word_case(test, kind):
    return Case({kind: [test]}, {test: WORDS[kind]}, [Broken(findings={test: OPPOSITE[kind]})])


def label_case(tolerance):
    return Case({"label": ["particles"], "particles": f"{tolerance} %"}, {}, [Broken(label=4.0)])


FORMS = ["at_least", "at_most", "least", "most", "range"]
VALUES = st.floats(1, 100).map(lambda value: float(f"{value:.4g}"))
CASES = [
    *(st.builds(stated_case, st.just(test), st.sampled_from([*FORMS, "equal"]), VALUES) for test in STATED),
    *(
        st.builds(file_case, st.just(test), st.sampled_from(FORMS), st.floats(1.6, 2.5))
        for test in TRUTH
        if test != "potency_hsp70"
    ),
    *(st.builds(word_case, st.just(test), st.sampled_from(list(WORDS))) for test in ("sterility", "cd9")),
    st.builds(label_case, st.integers(25, 60)),
    st.just(Case({"recorded": ["colour"]}, {"colour": "none"}, [])),
]


def decided(values, findings, measured=LOT):
    return overall(verdicts(specification(values), measured, Stated(findings, {}, "lot.toml")))


def together(cases):
    """The cases that no earlier one shares a table with, their tables (lists gathered by kind) and findings."""
    chosen, values, findings = [], {}, {}
    for case in cases:
        if any(key in values for key, value in case.values.items() if not isinstance(value, list)):
            continue
        chosen.append(case)
        for key, value in case.values.items():
            values[key] = [*values.get(key, []), *value] if isinstance(value, list) else value
        findings |= case.findings
    return chosen, values, findings


def _each_limit_alone_refuses(places, data):
    cases, values, findings = together([data.draw(CASES[place]) for place in places])
    assert decided(values, findings)[0] == "release"
    for broken in (broken for case in cases for broken in case.broken):
        far = replace(LOT, label=LOT.label * broken.label)
        answer = decided({**values, **broken.tables}, {**findings, **broken.findings}, far)
        assert answer[0] == "refuse"


PLACES = st.lists(st.sampled_from(range(len(CASES))), min_size=1, max_size=8, unique=True)


@settings(max_examples=12, deadline=None)
@given(PLACES, st.data())
def test_each_limit_broken_alone_refuses_whatever_the_specification(places, data):
    _each_limit_alone_refuses(places, data)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(PLACES, st.data())
def test_of_two_hundred_specifications_each_limit_broken_alone_refuses(places, data):
    _each_limit_alone_refuses(places, data)


@pytest.mark.parametrize("test", sorted(FILE_TESTS))
def test_every_test_of_the_files_has_a_limit_of_its_own_kind_of_unit(test):
    own = {"size_window": WINDOW}.get(test, {})
    unit = UNITS.get(test, "")
    limits = specification({f"{test}_least": f"0.5 {unit}".strip(), **own}).limits
    assert limits[test].least == pytest.approx(convert(0.5, unit, house(unit)) if unit else 0.5)
    with pytest.raises(BadInput, match=f"{test}.*another kind of unit"):
        specification({f"{test}_least": "3 d", **own})


# What cannot be used


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"potency_leest": "0.95"}, r"potency_leest.*no test uses.*given: 0.95.*is it potency_least\?"),
        ({"cd63": "95 %"}, "cd63.*no test uses"),
        ({"window_low": "50 nm"}, "window_low.*no test uses"),
        ({"at_leest": ["viability"]}, r"at_leest.*is not an option of specifications.*is it at_least\?"),
        ({"limits": {"x": 1}}, "limits"),
        ({"at_least": ["viability"]}, r"viability.*lacks its limit.*\[viability\]"),
        (
            {"at_least": ["a"], "at_most": ["a"], "a": "1"},
            r"at_most.*names a test that at_least names.*\[a_least\]",
        ),
        ({"positive": ["cd9"], "negative": ["cd9"]}, "cd9"),
        ({"positive": ["cd9"], "cd9_least": "95 %"}, "cd9.*stands in a list of tests without one"),
        ({"positive": ["cd9"], "cd9": "95 %"}, "cd9.*'positive', which compares no number"),
        ({"at_least": ["potency_least"], "potency_least": "1"}, r"potency_least.*counts without a list"),
        ({"at_least": ["a"], "a": "1", "a_least": "2"}, "a_least.*limits a test that has this limit"),
        ({"at_least": ["a"], "a": "0.2", "a_least": "0.5"}, "a_least.*limits a test that has this limit"),
        ({"at_most": ["a"], "a": "0.2", "a_most": "0.5"}, "a_most.*limits a test that has this limit"),
        ({"equal": ["a"], "a": "1", "a_most": "2"}, "a_most.*limits a test that has this limit"),
        (
            {"potency_least": "1.6", "potency_most": "0.4"},
            "not below the upper.*given: at least 1.6, at most 0.4",
        ),
        ({"potency_least": "1", "potency_most": "1"}, 'not below the upper.*equal = ."potency".'),
        (
            {"endotoxin_least": "1 EU/mL", "endotoxin_most": "3 mg"},
            "endotoxin_most.*units of one kind.*given: 3 mg.*1 EU/mL",
        ),
        ({"potency_least": "-0.4"}, "potency_least.*not below zero.*given: -0.4"),
        ({"at_least": ["particles"], "particles": "7 nm"}, "particles.*another kind of unit.*7 nm"),
        ({"size_window_least": "150 %", **WINDOW}, "size_window.*a share.*0 to 100 %"),
        ({"size_window_least": "90 %"}, "size_window.*has an end"),
        ({"size_window_least": "90 %", "window_low": "9 ug"}, "window_low.*a diameter"),
        (
            {"size_window_least": "90 %", "window_low": "90 nm", "window_high": "50 nm"},
            "window_low.*90 nm, 50 nm",
        ),
        ({"label": ["protein"], "protein": "20 %"}, "label.*no label claims it.*given: protein"),
        ({"label": ["particles"], "particles": "2e10 particles/mL"}, "particles.*as a share"),
        ({"consumer_risk": "60 %"}, "consumer_risk.*below 50 %"),
        ({"consumer_risk": {**number("5 %"), "low": "1 %", "high": "9 %", "shape": "uniform"}}, "one number"),
        ({"at_least": 3}, "at_least.*must be a list"),
    ],
)
def test_a_specification_that_cannot_be_is_refused(values, words):
    with pytest.raises(BadInput, match=words):
        specification(values)


@pytest.mark.parametrize("name", names("specifications"))
def test_shipped_specifications_say_nothing_that_is_not_asked(name):
    entry = Catalog().get("specifications", name)
    asked = read_specification(entry)
    lists = [
        getattr(entry.options, kind) for kind in ("at_most", "at_least", "negative", "positive", "recorded")
    ]
    assert set(asked.tests) == {test for tests in lists for test in tests} | set(entry.options.label)


# What files and record say


def test_a_count_has_its_own_limit_without_a_label():
    own = specification({"at_least": ["particles"], "particles": "3e11 particles/mL"})
    (verdict,) = verdicts(own, LOT, Stated({}, {}, "lot.toml"))
    assert (verdict.decision, verdict.asked) == ("release", "at least 3e11 particles/mL")
    assert verdict.found.startswith("4e+11 (3.")
    assert "particles/mL, 6 counts on 6 days" in verdict.found
    assert verdict.method == "particle count, nanosight"


def test_a_verdict_carries_the_consumers_risk_outside_and_the_producers_inside():
    own = specification({"particles_least": "3.9e11 particles/mL"})
    (verdict,) = verdicts(own, LOT, Stated({}, {}, "lot.toml"))
    outside = LOT.counted.belief.below(3.9e8)
    assert (verdict.consumer, verdict.producer) == pytest.approx((outside, 1 - outside))
    assert outside < 0.4


def test_a_count_that_cannot_decide_says_how_many_more_would():
    own = specification({"particles_least": "3.95e11 particles/mL"})
    (verdict,) = verdicts(own, LOT, Stated({}, {}, "lot.toml"))
    assert verdict.decision == "cannot decide"
    assert verdict.more is not None


def test_a_result_beyond_the_specification_is_shown_and_a_near_miss_is_named():
    own, stated = (
        specification({"at_most": ["endotoxin"], "endotoxin": "1 EU/mL"}),
        {"endotoxn": "0.1 EU/mL", "colour": "none"},
    )
    assert beyond(own, stated) == stated
    (verdict,) = verdicts(own, LOT, Stated(stated, {}, "lot.toml"))
    assert verdict.decision == "cannot decide"
    assert "'endotoxn', which nothing asks for" in verdict.reason


def test_a_stated_count_that_contradicts_the_files_is_refused_with_both_values():
    own = specification({"particles_least": "3e11 particles/mL"})
    with pytest.raises(BadInput, match=r"contradict.*given: 4e10 particles/mL.*4e\+11"):
        verdicts(own, LOT, Stated({"particles": "4e10 particles/mL"}, {}, "lot.toml"))
    (verdict,) = verdicts(own, LOT, Stated({"particles": "4.1e11 particles/mL +/- 5 %"}, {}, "lot.toml"))
    assert verdict.decision == "release"
    assert "stated: 4.1e11" in verdict.found


@pytest.mark.parametrize(
    ("text", "form", "decision"),
    [
        ("< 0.5 EU/mL", "most", "release"),
        ("< 2 EU/mL", "most", "cannot decide"),
        ("> 2 EU/mL", "most", "refuse"),
        ("> 2 EU/mL", "least", "release"),
        ("< 0.5 EU/mL", "least", "refuse"),
        ("> 0.5 EU/mL", "least", "cannot decide"),
    ],
)
def test_a_bound_decides_where_all_that_it_leaves_is_on_one_side(text, form, decision):
    assert decided({f"endotoxin_{form}": "1 EU/mL"}, {"endotoxin": text})[0] == decision


def test_a_number_with_an_error_is_never_shown_to_be_equal():
    assert decided({"equal": ["ph"], "ph": "7"}, {"ph": "7 +/- 1 %"})[0] == "cannot decide"
    assert decided({"equal": ["ph"], "ph": "7"}, {"ph": "7"})[0] == "release"


@pytest.mark.parametrize(
    ("unlike", "limited", "decision"),
    [(3, True, "refuse"), (1, True, "cannot decide"), (3, False, "cannot decide")],
)
def test_a_lot_unlike_the_reference_in_every_run_is_refused_where_potency_is_limited(
    unlike, limited, decision
):
    runs = LOT.potencies["hsp70"][0]
    changed = tuple(
        replace(run, unlike=k < unlike, refused="unlike" if k < unlike else "") for k, run in enumerate(runs)
    )
    lot_ = replace(LOT, potencies={"hsp70": (changed, combine(changed))})
    own = specification({"potency_least": "0.7"} if limited else {"recorded": ["protein"]})
    found = verdicts(own, lot_, Stated({"protein": "2 ug"}, {}, "lot.toml"))
    assert [v.decision for v in found if v.test == "potency_hsp70"] == [decision]


def test_limits_of_every_potency_and_of_one_mechanism_both_count():
    assert decided({"potency_least": "0.5", "potency_hsp70_least": "0.6"}, {})[0] == "release"
    assert decided({"potency_least": "0.5", "potency_hsp70_least": "0.95"}, {})[0] == "refuse"
    assert decided({"potency_least": "0.95", "potency_hsp70_least": "0.6"}, {})[0] == "refuse"
    assert decided({"potency_mirna_least": "0.5"}, {})[0] == "cannot decide"
    with pytest.raises(BadInput, match="no number meets both"):
        decided({"potency_least": "0.9", "potency_hsp70_most": "0.5"}, {})


@pytest.mark.parametrize(("least", "decision"), [("0.95", "refuse"), ("0.4", "release")])
def test_a_lot_below_ones_own_limit_of_potency_is_refused(tmp_path, least, decision):
    shipped = Catalog()._files("specifications")["nebulised_msc_2025"]
    card = tomllib.loads(shipped.read_text(encoding="utf-8")) | {"potency_least": number(least)}
    (tmp_path / "specifications").mkdir()
    (tmp_path / "specifications" / "own.toml").write_text(tomli_w.dumps(card), encoding="utf-8")
    file = record(tmp_path / "lot", runs=3, specification="own")
    assert assess(file, Catalog((tmp_path,))).decision == decision


def test_the_counts_of_a_file_are_the_sums_of_its_videos_in_their_order():
    rows = {"replicate": [3, 1, 2, 1, 3], "concentration": [1.0, 10.0, 100.0, 20.0, 4.0]}
    counted = Counted(pd.DataFrame(rows), "nta", "2026-01-02", 0.0, "")
    assert counted.counts().tolist() == [30.0, 100.0, 5.0]
    assert counted.measurement().counts.tolist() == [30.0, 100.0, 5.0]
    assert counted.measurement().day == "2026-01-02"
