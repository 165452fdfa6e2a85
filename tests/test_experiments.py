"""Published experiments: what an entry may say, what it becomes as an effect, and what looks wrong in it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.review.experiments import DOMAINS, SYRCLE, experiments
from otosome.review.experiments.effects import averaged, correction, effects, one_arm, standardised
from otosome.review.experiments.flags import check_once, flags

SHIPPED = experiments(Catalog())
every = pytest.mark.parametrize("experiment", SHIPPED, ids=[e.name for e in SHIPPED])

HEAD = """
about = "A made-up experiment."
source = "liu_neomycin"
read = "abstract"
checked = { by = "a person", on = "2026-01-31" }
unit = "animal"
[subject]
species = "mouse"
[insult]
kind = "noise"
[group.control]
about = "noise alone"
n = 8
[group.low]
about = "noise and a little"
n = 8
product = "vesicles"
[group.high]
about = "noise and more"
n = 8
product = "vesicles"
"""
LOW = """
[outcome.low]
of = "threshold"
treated = "low"
control = "control"
strength = "means"
direction = "better"
unit = "dB"
mean = { low = 40.0, control = 50.0 }
spread = { low = 8.0, control = 6.0 }
spread_is = "SD"
"""
HIGH = LOW.replace("low", "high").replace("= 40.0", "= 30.0")
WEAK = """
[outcome.weak]
of = "threshold"
treated = "low"
control = "control"
strength = "p"
direction = "better"
p_below = 0.05
p_is = "stated"
"""


def written(tmp_path: Path, text: str, name: str = "mine"):
    folder = tmp_path / "experiments"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    (experiment,) = experiments(Catalog((tmp_path,)), [name])
    return experiment


# ---------------------------------------------------------------- every entry


def test_at_least_25_experiments_are_shipped_and_count():
    assert sum(not e.why_out for e in SHIPPED) >= 25


@every
def test_an_experiment_says_how_far_it_was_read_where_and_by_whom(experiment):
    assert experiment.options.locator
    assert experiment.source.title
    assert experiment.source.link.startswith("http")
    assert experiment.options.read != "draft"
    assert experiment.options.checked is not None


@every
def test_an_experiment_compares_a_treated_group_or_says_that_nothing_is_compared(experiment):
    options = experiment.options
    assert any(group.product for group in options.group.values())
    used = {name for o in options.outcome.values() for name in (o.treated, o.control)}
    assert set(options.group) <= used
    assert all(o.control for o in options.outcome.values()) or "compar" in options.note


@every
def test_what_a_reader_assumed_is_said_in_the_note(experiment):
    options = experiment.options
    assumed = any(o.p_is == "assumed" for o in options.outcome.values())
    assert not assumed or "assumed" in options.note


@every
def test_a_published_sign_is_the_sign_of_its_numbers(experiment):
    options = experiment.options
    for key, outcome in options.outcome.items():
        for scale in ("dB", "log risk ratio"):
            for effect in effects(experiment, [key], scale):
                if outcome.direction == "better":
                    assert effect.value > 0
                elif outcome.direction == "none":
                    assert abs(effect.value) < 2 * effect.error


@every
def test_bias_is_judged_by_the_items_of_the_subject(experiment):
    assert experiment.items == (DOMAINS if experiment.options.subject.species == "human" else SYRCLE)
    assert set(experiment.options.bias) <= set(experiment.items)


def test_no_group_stands_in_two_files():
    check_once(SHIPPED)


# ---------------------------------------------------------------- what is refused, with its field


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ("spread = { low = 8.0", "spread = { low = -8.0", "outcome.low.spread.low", "above zero"),
        ('little"\nn = 8', 'little"\nn = 1', "outcome.low.spread.low", "one unit"),
        ('control = "control"', 'control = "low"', "outcome.low.control", "counts once"),
        ('unit = "dB"', 'unit = "sone"', "outcome.low.unit", "not known"),
        ('"SD"', '"variance"', "outcome.low.spread_is", "not known"),
        ('source = "liu_neomycin"', 'source = "nobody"', "source", "no source"),
        ('treated = "low"', 'treated = "lower"', "outcome.low.treated", "no group"),
        ('treated = "low"', 'treated = "control"', "outcome.low.control", "counts once"),
        ('"animal"', '"cage"', "unit", "not known"),
        ('strength = "means"', 'strength = "direction"', "outcome.low.mean", "not what direction states"),
        ("[insult]", '[bias.colour]\nanswer = "yes"\n[insult]', "bias", "no item"),
        ("[insult]", '[bias.missing]\nanswer = "yes"\n[insult]', "bias.missing.because", "rests on"),
        ('"2026-01-31"', '"yesterday"', "checked.on", "is a day"),
        (", control = 50.0 }", " }", "outcome.low.mean.control", "missing"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_field(tmp_path, old, new, key, says):
    whole = HEAD + LOW
    assert old in whole
    with pytest.raises(BadInput, match=says) as refusal:
        written(tmp_path, whole.replace(old, new, 1))
    assert refusal.value.file is not None
    assert refusal.value.file.endswith("mine.toml")
    assert refusal.value.key == key


@pytest.mark.parametrize("p", ["0.0", "1.0", "1.5", "-0.1"])
@pytest.mark.parametrize("key", ["p", "p_below", "p_above"])
def test_a_p_lies_between_none_and_all(tmp_path, key, p):
    text = (HEAD + WEAK).replace("p_below = 0.05", f"{key} = {p}")
    with pytest.raises(BadInput, match="between 0 and 1") as refusal:
        written(tmp_path, text)
    assert refusal.value.key == f"outcome.weak.{key}"


def test_a_p_needs_counts_and_says_whose_it_is(tmp_path):
    with pytest.raises(BadInput, match="needed beside a p"):
        written(tmp_path, (HEAD + WEAK).replace('alone"\nn = 8', 'alone"'))
    with pytest.raises(BadInput, match="whether the paper states it"):
        written(tmp_path, (HEAD + WEAK).replace('p_is = "stated"\n', ""), "whose")


def test_an_entry_of_a_withdrawn_source_or_unchecked_counts_nowhere(tmp_path):
    assert written(tmp_path, HEAD + LOW).why_out == ""
    unread = HEAD.replace('checked = { by = "a person", on = "2026-01-31" }\n', "")
    assert "checked" in written(tmp_path, unread + LOW, "unread").why_out
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "gone.toml").write_text(
        'standing = "withdrawn"\ndate = "2026-01-01"\nreason = "The authors withdrew it."\n', encoding="utf-8"
    )
    out = written(tmp_path, HEAD.replace("liu_neomycin", "gone") + LOW, "gone")
    assert "withdrawn" in out.why_out


# ---------------------------------------------------------------- effects


def test_a_difference_of_means_and_its_standardised_form(tmp_path):
    (effect,) = effects(written(tmp_path, HEAD + LOW), ["low"], "dB")
    assert effect.value == pytest.approx(10.0)
    assert effect.variance == pytest.approx(64 / 8 + 36 / 8)
    (g,) = effects(written(tmp_path, HEAD + LOW, "again"), ["low"], "g")
    # The pooled SD of 8 and 6 at equal counts is the root of 50; Hedges' factor for 14 degrees of freedom 0.9453.
    assert g.value == pytest.approx(0.9453 * 10 / math.sqrt(50), rel=1e-4)
    assert g.variance == pytest.approx(2 / 8 + g.value**2 / 32)


def test_hedges_factor_takes_away_the_bias_of_small_groups():
    rng = np.random.default_rng(7)
    n, effect, runs = 4, 1.2, 40_000
    values = rng.normal(size=(runs, 2, n)) + np.array([effect, 0.0])[:, None]
    spread = np.sqrt(values.var(axis=2, ddof=1).mean(axis=1))
    d = (values[:, 0].mean(axis=1) - values[:, 1].mean(axis=1)) / spread
    error = (correction(2 * n - 2) * d).std() / math.sqrt(runs)
    assert (correction(2 * n - 2) * d).mean() == pytest.approx(effect, abs=4 * error)
    assert abs(d.mean() - effect) > 20 * error


@pytest.mark.parametrize(
    ("is_", "by"), [("SD", 1.0), ("SEM", math.sqrt(8)), ("95 %", math.sqrt(8) / t.ppf(0.975, 7))]
)
def test_a_spread_means_what_it_is_called(tmp_path, is_, by):
    (effect,) = effects(written(tmp_path, HEAD + LOW.replace('"SD"', f'"{is_}"')), ["low"], "dB")
    assert effect.variance == pytest.approx(by**2 * (64 / 8 + 36 / 8))


def test_ears_of_one_animal_are_less_than_animals(tmp_path):
    (animals,) = effects(written(tmp_path, HEAD + LOW), ["low"], "dB")
    (ears,) = effects(written(tmp_path, HEAD.replace('"animal"', '"ear"') + LOW, "ears"), ["low"], "dB")
    # Readings of two ears correlate by 0.54, so a pair is worth 2 / 1.54 animals.
    assert ears.variance == pytest.approx(1.54 * animals.variance)


def test_a_shared_control_enters_once_and_its_error_is_not_averaged_away(tmp_path):
    (effect,) = effects(written(tmp_path, HEAD + LOW + HIGH), ["low", "high"], "dB")
    assert effect.value == pytest.approx(15.0)
    # Simulated: the mean of two arms against one control.
    rng = np.random.default_rng(3)
    control = rng.normal(50, 6, (60_000, 8)).mean(axis=1)
    arms = [rng.normal(mean, 8, (60_000, 8)).mean(axis=1) for mean in (40, 30)]
    simulated = (control - arms[0] + control - arms[1]).var() / 4
    assert effect.variance == pytest.approx(simulated, rel=0.02)
    assert effect.n == (16.0, 8.0)


def test_two_independent_controls_are_two_effects(tmp_path):
    head = HEAD + '[group.other]\nabout = "noise alone, again"\nn = 8\n'
    high = (
        HIGH.replace('control = "control"', 'control = "other"')
        .replace("control = 50", "other = 50")
        .replace("control = 6", "other = 6")
    )
    assert len(effects(written(tmp_path, head + LOW + high), ["low", "high"], "dB")) == 2


@pytest.mark.parametrize("within", [0.0, 0.3, 1.0])
def test_frequencies_of_one_animal_are_one_animal(tmp_path, within):
    rows = effects(written(tmp_path, HEAD + LOW), ["low"], "dB")
    both = one_arm([rows[0], rows[0]], within)
    assert both.variance == pytest.approx(rows[0].variance * (1 + within) / 2)
    assert averaged([both], within).variance == pytest.approx(both.variance)


def test_events_become_a_risk_ratio_with_the_delta_methods_error(tmp_path):
    (e,) = experiments(Catalog(), ["brock_2018"])
    (effect,) = effects(e, ["brock"], "log risk ratio")
    assert math.exp(-effect.value) == pytest.approx((18 / 55) / (29 / 46))
    rng = np.random.default_rng(5)
    a, b = rng.binomial(55, 18 / 55, 200_000), rng.binomial(46, 29 / 46, 200_000)
    ok = (a > 0) & (b > 0)
    assert effect.variance == pytest.approx(np.log((b[ok] / 46) / (a[ok] / 55)).var(), rel=0.08)


def test_a_standardised_difference_of_nothing_has_the_error_of_its_counts():
    assert standardised(0.0, 3.0, (5, 20)) == (0.0, pytest.approx(1 / 5 + 1 / 20))


# ---------------------------------------------------------------- what looks wrong


def test_a_sem_taken_for_an_sd_is_seen(tmp_path):
    looks = flags(
        written(tmp_path, HEAD + LOW.replace("low = 8.0, control = 6.0", "low = 1.6, control = 1.2"))
    )
    assert [flag.field for flag in looks] == ["outcome.low.spread"]
    assert "SEM" in looks[0].words
    assert flags(written(tmp_path, HEAD + LOW, "sound")) == []


def test_a_p_that_does_not_follow_from_the_numbers_is_seen_with_what_would_give_it(tmp_path):
    text = HEAD + LOW + 'p_below = 0.001\np_is = "stated"\n'
    (look,) = flags(written(tmp_path, text))
    assert look.field == "outcome.low.p_below"
    # t = 10 / sqrt(12.5) on 14 degrees of freedom.
    assert f"{2 * t.sf(10 / math.sqrt(12.5), 14):.2g}" in look.words
    assert flags(written(tmp_path, text.replace("0.001", "0.05"), "right")) == []


def test_ears_counted_as_animals_would_explain_the_electrode_paper():
    (e,) = experiments(Catalog(), ["huang_2021"])
    assert any("two ears of each animal" in flag.words for flag in flags(e))


def test_a_paper_entered_under_two_names_would_count_twice(tmp_path):
    """A sheet calls each experiment's source after it, so only the link says that it is one paper."""
    for name in ("mine", "again"):
        (tmp_path / "sources").mkdir(exist_ok=True)
        (tmp_path / "sources" / f"{name}_source.toml").write_text(
            'title = "Mine"\nlink = "https://doi.org/10.1000/ONE"\nstanding = "current"\n'.replace(
                "ONE", "one" if name == "again" else "ONE"
            ),
            encoding="utf-8",
        )
    for text, key in ((LOW, "outcome.low.mean.low"), (WEAK, "outcome.weak.treated")):
        mine, again = (
            written(tmp_path, HEAD.replace("liu_neomycin", f"{name}_source") + text, f"{name}_{key[8:12]}")
            for name in ("mine", "again")
        )
        with pytest.raises(BadInput, match="count twice") as refusal:
            check_once([mine, again])
        assert refusal.value.key == key


def test_a_control_entered_in_two_files_would_count_twice(tmp_path):
    one = written(tmp_path, HEAD + LOW, "one")
    two = written(tmp_path, HEAD + HIGH, "two")
    with pytest.raises(BadInput, match="count twice") as refusal:
        check_once([one, two])
    assert refusal.value.key == "outcome.high.mean.control"
    check_once([one, written(tmp_path, HEAD + HIGH.replace("control = 50.0", "control = 51.0"), "three")])
