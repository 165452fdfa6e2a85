"""Priors by name: what published results say of worlds, and that it is neither too much nor too little."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.forward import draw
from otosome.review.experiments import experiments
from otosome.review.pooling.likelihood import GRID, Evidence, Outcome, chance
from otosome.review.priors import rows as by_name
from otosome.review.priors.beliefs import beliefs
from otosome.review.priors.posterior import (
    PRIORS,
    SPREAD,
    Result,
    conflicts,
    posterior,
    reconciling,
    results,
)
from otosome.review.priors.stored import STORED, Worlds, read, simulated, write
from otosome.review.priors.stored import shipped as shipped_worlds
from otosome.review.priors.worlds import (
    DRAWS,
    MECHANISMS,
    SEED,
    compute,
    fingerprint,
    numbers,
    study_of,
    uncentred,
)
from otosome.study import load
from otosome.trials.beliefs import fallen, shelf_beliefs

CATALOG = Catalog()
(LIU,) = experiments(CATALOG, ["liu_2023"])
N = 8
CRITICAL = float(t.isf(0.025, 2 * N - 2))


def paper(effects: np.ndarray, significant: bool) -> Result:
    """A paper with eight animals a group that was significant, or was not, in worlds with these effects, in SDs."""
    ends = (CRITICAL, math.inf) if significant else (-math.inf, CRITICAL)
    scale, freedom = math.sqrt(N / 2), 2 * N - 2
    likely = chance([Outcome(*ends, scale, freedom)], GRID)
    sure = chance([Outcome(CRITICAL, math.inf, scale, freedom)], GRID)
    row = Evidence(
        LIU, "neomycin", ("vesicles",), "p", likely, likely * significant, sure, ("first",), "stated"
    )
    return Result(LIU, "neomycin", effects, row)


def worlds_of(benefits: np.ndarray, controls: np.ndarray) -> Worlds:
    levels = {"liu_2023/neomycin": controls, "liu_2023/vesicles": controls - benefits}
    return Worlds(levels, "made up")


@pytest.fixture(scope="module")
def some() -> Worlds:
    rng = np.random.default_rng(5)
    return worlds_of(rng.exponential(9.0, 4000), rng.normal(60, 8, 4000))


def printed_by(benefit: float, rng: np.random.Generator, papers: int = 4) -> list[bool]:
    """What laboratories find whose animals differ by ``SPREAD`` dB."""
    found = []
    for _ in range(papers):
        a, b = rng.normal(benefit, SPREAD, N), rng.normal(0, SPREAD, N)
        found.append((a.mean() - b.mean()) / math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / N) > CRITICAL)
    return found


def quantile(values: np.ndarray, weights: np.ndarray, q: float) -> float:
    order = np.argsort(values)
    return float(np.interp(q, np.cumsum(weights[order]), values[order]))


@pytest.mark.slow
def test_with_papers_of_a_known_effect_the_posterior_covers_it(some):
    """90 % of posteriors' 90 % intervals hold the effect that laboratories were simulated with."""
    rng = np.random.default_rng(41)
    benefits = some.benefit(LIU, "vesicles", "neomycin")
    inside, runs = 0, 300
    for _ in range(runs):
        true = float(rng.exponential(9.0))
        papers = [paper(benefits / SPREAD, better) for better in printed_by(true, rng)]
        weights = posterior("as_printed", some, papers).weights
        inside += quantile(benefits, weights, 0.05) <= true <= quantile(benefits, weights, 0.95)
    assert 0.85 <= inside / runs <= 0.95


@pytest.mark.slow
def test_with_papers_that_print_one_null_in_ten_the_sceptic_covers_it(some):
    rng = np.random.default_rng(43)
    benefits = some.benefit(LIU, "vesicles", "neomycin")
    inside, trusting, runs = 0, 0, 200
    for _ in range(runs):
        true = float(rng.exponential(9.0))
        papers: list[Result] = []
        while len(papers) < 4:
            (better,) = printed_by(true, rng, 1)
            if better or rng.random() < 0.1:
                papers.append(paper(benefits / SPREAD, better))
        for name in ("sceptic", "as_printed"):
            weights = posterior(name, some, papers).weights
            held = quantile(benefits, weights, 0.05) <= true <= quantile(benefits, weights, 0.95)
            inside, trusting = inside + held * (name == "sceptic"), trusting + held * (name == "as_printed")
    assert 0.84 <= inside / runs <= 0.96
    assert trusting < inside


def test_with_all_papers_null_it_returns_to_none(some):
    benefits = some.benefit(LIU, "vesicles", "neomycin")
    before = float(np.median(benefits))
    medians = [
        quantile(benefits, posterior("as_printed", some, [paper(benefits / SPREAD, False)] * k).weights, 0.5)
        for k in (1, 4, 12)
    ]
    assert before > medians[0] > medians[1] > medians[2]
    assert medians[2] < 0.25 * before


def test_significance_does_not_choose_worlds_with_badly_hurt_controls():
    """Where only badly hurt ears can be helped, the controls' own level holds them where they were."""
    rng = np.random.default_rng(9)
    controls = rng.normal(45, 15, 6000)
    benefits = np.clip(controls - 40, 0, None) * rng.random(6000)
    hurt = worlds_of(benefits, controls)
    papers = [paper(benefits / SPREAD, True)] * 3
    weighed = posterior("as_printed", hurt, papers)
    before, after = weighed.controls["liu_2023"]
    likely = np.prod([row.chance(1.0) for row in papers], axis=0)
    without = quantile(controls, likely / likely.sum(), 0.5)
    assert without - before > 10
    assert after - before < 0.2 * (without - before)
    # Among ears hurt alike it still tells which of them vesicles help.
    assert weighed.weights @ benefits > 1.2 * benefits.mean()


def test_the_sceptic_believes_less_than_the_printed_word_and_more_than_nothing(some):
    benefits = some.benefit(LIU, "vesicles", "neomycin")
    papers = [paper(benefits / SPREAD, True)] * 3
    means = {name: float(posterior(name, some, papers).weights @ benefits) for name in PRIORS}
    assert means["as_printed"] > means["sceptic"] > 0
    assert means["as_printed"] > means["mechanism"] == pytest.approx(benefits.mean())


def test_few_worlds_are_tempered_and_very_few_refused():
    rng = np.random.default_rng(3)
    benefits = np.concatenate([rng.normal(0, 0.3, 1950), rng.normal(25, 1, 50)])
    rare = worlds_of(benefits, np.full(2000, 60.0))
    weighed = posterior("as_printed", rare, [paper(benefits / SPREAD, True)] * 3)
    assert weighed.tempered < 1
    assert weighed.effective == pytest.approx(100, rel=1e-6)
    alone = worlds_of(np.concatenate([np.zeros(1998), [30.0, 31.0]]), np.full(2000, 60.0))
    with pytest.raises(BadInput, match="too few worlds"):
        posterior("as_printed", alone, [paper(alone.benefit(LIU, "vesicles", "neomycin") / SPREAD, True)] * 5)


def test_worlds_are_drawn_in_proportion_to_their_weights(some):
    benefits = some.benefit(LIU, "vesicles", "neomycin")
    weighed = posterior("as_printed", some, [paper(benefits / SPREAD, True)] * 2)
    chosen = weighed.draw(4000, 1)
    assert benefits[chosen].mean() == pytest.approx(float(weighed.weights @ benefits), rel=0.01)
    assert np.array_equal(chosen, weighed.draw(4000, 1))


def test_conflicts_name_what_the_mechanism_cannot_explain_and_numbers_that_would(some):
    rng = np.random.default_rng(2)
    reach = rng.random(4000)
    benefits = np.where(reach > 0.9, 25.0, 0.2)
    far = worlds_of(benefits, np.full(4000, 60.0))
    papers = [paper(benefits / SPREAD, True), paper(benefits / SPREAD, True)]
    rows = conflicts(far, papers)
    assert all(row.chance["none"] < row.chance["mechanism"] < row.chance["as_printed"] for row in rows)
    assert rows[0].chance["none"] == pytest.approx(0.025, abs=1e-3)
    first, second = reconciling(papers, {"reach": reach, "idle": rng.random(4000)}, 2)
    assert (first.number, first.end) == ("reach", "high")
    assert first.times == pytest.approx(10, rel=0.15)
    assert second.times < 1.3


# ---------------------------------------------------------------- the shipped worlds


def test_the_shipped_worlds_hold_every_experiment_that_is_simulated():
    worlds = read()
    assert worlds.size >= 500
    assert all(worlds.has(experiment) for experiment in simulated(CATALOG))
    assert all(np.all(np.isfinite(level)) for level in worlds.levels.values())


def test_worlds_are_written_and_read_to_a_hundredth(tmp_path, some):
    write(some, tmp_path / "w.csv")
    again = read(tmp_path / "w.csv")
    for name, level in some.levels.items():
        np.testing.assert_allclose(again.levels[name], level, atol=0.0051)
    assert again.evidence == some.evidence


def test_the_stored_worlds_are_of_the_numbers_of_now():
    assert read(STORED).evidence == fingerprint(CATALOG), "write them anew: python -m tools.worlds"


def test_a_few_worlds_computed_now_are_those_that_are_stored():
    if by_name.Published.of(CATALOG).stale:
        pytest.skip("the shelves' numbers have moved since; python -m tools.worlds")
    stored, now = read(STORED), compute(CATALOG, DRAWS)
    for name, level in now.levels.items():
        np.testing.assert_allclose(stored.levels[name][:DRAWS], level, atol=0.02)


def test_half_effects_are_as_wide_as_known_and_centred_on_no_experiment():
    study = load("cisplatin_guinea_pig")
    wide = uncentred(study)
    for name in MECHANISMS:
        before, after = (s.parameters[f"mechanisms.{name}.ec50"] for s in (study, wide))
        assert after.low < before.low < before.high < after.high
        assert after.source is None
    own = replace(study, tables=study.tables.model_copy(update={"numbers": wide.tables.numbers}))
    assert uncentred(own).tables.numbers == own.tables.numbers


def test_numbers_of_a_world_are_those_the_experiments_were_computed_with():
    study = study_of(LIU, CATALOG)
    carried, acting = draw(study, 6, SEED, world=2), draw(study, 3 * DRAWS, SEED, world=1)
    drawn = numbers(study, range(3 * DRAWS))
    assert {"mechanisms.hsp70.ec50", "solutes.vesicle.round_window_permeability"} <= set(drawn)
    for name in drawn:
        own = acting[name] if name.startswith("mechanisms") else np.repeat(carried[name][::2], DRAWS)
        assert np.array_equal(drawn[name], own), name


def withdrawn(folder: Path, key: str) -> Catalog:
    (folder / "sources").mkdir()
    (folder / "sources" / f"{key}.toml").write_text(
        'standing = "withdrawn"\ndate = "2026-01-01"\nreason = "Withdrawn."\n', encoding="utf-8"
    )
    return Catalog((folder,))


def test_an_experiment_that_is_withdrawn_says_nothing_any_more(tmp_path):
    before = {row.experiment.name for row in results(read(), experiments(CATALOG))}
    after = {row.experiment.name for row in results(read(), experiments(withdrawn(tmp_path, "liu_neomycin")))}
    assert before - after == {"liu_2023"}


def test_beliefs_of_trials_are_those_of_the_shipped_worlds(tmp_path):
    """The design's numbers, to two digits, are the quantiles of one more experiment like the published ones."""
    assert fallen(CATALOG) == []
    for name, ends in beliefs(CATALOG).items():
        shelf = [float(text.removesuffix(" dB")) for text in shelf_beliefs(CATALOG)[name]]
        assert shelf == pytest.approx([float(f"{end:.2g}") for end in ends], abs=0.006), name


def test_beliefs_are_weighed_anew_without_an_experiment_that_was_withdrawn(tmp_path):
    shipped, without = shelf_beliefs(CATALOG), withdrawn(tmp_path, "liu_neomycin")
    now = shelf_beliefs(without)
    assert fallen(without) == ["Liu 2023: its source is withdrawn"]
    assert now["as_printed"] != shipped["as_printed"]
    printed = results(shipped_worlds(), [e for e in experiments(CATALOG) if e.name != "liu_2023"])
    weights = posterior("as_printed", shipped_worlds(), printed).weights
    names = sorted({row.experiment.name for row in printed})
    each = [SPREAD * np.mean([r.effects for r in printed if r.experiment.name == n], axis=0) for n in names]
    mixed = quantile(np.concatenate(each), np.tile(weights, len(each)) / len(each), 0.5)
    assert float(now["as_printed"][1].removesuffix(" dB")) == pytest.approx(mixed, rel=0.02)


def test_twice_the_ears_or_worlds_move_the_median_by_less_than_a_tenth_of_its_interval():
    worlds = shipped_worlds()
    printed = results(worlds, experiments(CATALOG))
    benefit = np.mean([row.effects for row in printed], axis=0)
    for name in ("as_printed", "mechanism", "sceptic"):
        weighed = posterior(name, worlds, printed)
        low, high = (quantile(benefit, weighed.weights, q) for q in (0.05, 0.95))
        moved = [
            abs(np.median(benefit[weighed.draw(40, seed)]) - np.median(benefit[weighed.draw(20, seed + 99)]))
            for seed in range(30)
        ]
        assert np.quantile(moved, 0.9) < 0.1 * (high - low), name
    # Half of the worlds, of two draws of transport in turn, weighed by themselves.
    half = np.arange(worlds.size) // DRAWS % 2 == 0
    few = Worlds({key: level[half] for key, level in worlds.levels.items()}, worlds.evidence)
    of_few = results(few, experiments(CATALOG))
    weights = {
        n: posterior("as_printed", w, p).weights
        for n, w, p in (("few", few, of_few), ("all", worlds, printed))
    }
    medians = quantile(benefit[half], weights["few"], 0.5), quantile(benefit, weights["all"], 0.5)
    ends = [quantile(benefit, weights["all"], q) for q in (0.05, 0.95)]
    assert abs(medians[0] - medians[1]) < 0.1 * (ends[1] - ends[0])


def test_a_prior_that_is_none_is_refused_by_name():
    with pytest.raises(BadInput, match="no prior") as refusal:
        by_name.check_prior("hope")
    assert refusal.value.allowed == list(PRIORS)


def test_under_none_vesicles_do_nothing_and_under_the_printed_word_more_than_by_mechanism_alone():
    study = load("cisplatin_guinea_pig")
    rows = {row.name: row for row in by_name.by_prior(study, "sceptic", 12, 1).rows}
    assert next(iter(rows)) == "sceptic"
    assert abs(rows["none"].benefit.exact.median) < 0.05
    assert rows["as_printed"].benefit.exact.high >= rows["mechanism"].benefit.exact.median
    assert rows["as_printed"].effective >= 30
