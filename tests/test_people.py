"""Ears out of a file: one person's own, or those of many, and the cells that could be behind an audiogram."""

from __future__ import annotations

import doctest
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from otosome.answers.answer import answer
from otosome.catalog import Catalog, get
from otosome.errors import BadInput
from otosome.evidence import draw_columns
from otosome.forward import (
    Cochleae,
    came,
    draw,
    observe,
    plan,
    simulate,
)
from otosome.forward.arrival import CANDIDATES, _candidates, again, people
from otosome.model.hearing import arriving, between, left
from otosome.report import page
from otosome.study import load, loads, saves

CATALOG = Catalog()
REAL = Path(__file__).parents[2] / "shared" / "data"
TONES = np.array([0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
STEEP = np.array([10.0, 15.0, 20.0, 40.0, 60.0, 75.0])
real = pytest.mark.skipif(not REAL.is_dir(), reason="real files are not here")

STUDY = """
otosome = "study/1"
species = "human"
[population]
{population}
[[arm]]
name = "nothing"
[measure.hearing]
endpoint = "audiogram"
frequency = {frequency}
at = ["0 d", "7 d"]
{scales}
"""


def readings(ears, tones=TONES, silent=()):
    """An audiogram's columns: levels by ear, with no response at some tones."""
    rows = [
        (ear, tone, level) for ear, levels in ears.items() for tone, level in zip(tones, levels, strict=True)
    ]
    return {
        "quantity": ["audiogram"] * len(rows), "ear": [ear for ear, _, _ in rows],
        "frequency": [float(tone) for _, tone, _ in rows], "value": [float(level) for _, _, level in rows],
        "censored": ["above" if tone in silent else "none" for _, tone, _ in rows],
    }  # fmt: skip


def own(ears, number=2000, ear="left", interpolate=False, seed=3, **how):
    entry = CATALOG.get("populations", "own_audiogram")
    table = draw_columns(entry.parameters("human").values(), seed, 0, number, world=1)
    told = {"ear": ear, "interpolate": interpolate, "readings": readings(ears, **how)}
    return entry.bind(table, "human", **told)


def rates_of(number, seed=3):
    entries = {kind: CATALOG.get("cells", kind) for kind in ("ohc", "ihc", "synapse", "sgn")}
    return {
        kind: entry.columns(draw_columns(entry.parameters("human").values(), seed, 0, number), "human")
        for kind, entry in entries.items()
    }


# The audiogram taken over


def test_the_true_level_lies_about_a_reading_as_readings_lie_about_the_truth():
    # Every truth as likely as any other, read as the endpoint reads it: those read at 45 dB HL.
    entry = get("endpoints", "audiogram")
    numbers = {p.name: np.array([p.value]) for p in entry.parameters("human").values()}
    rng = np.random.default_rng(2)
    truth = rng.uniform(20.0, 70.0, (1, 400_000, 1))
    read = entry.bind(numbers, "human").read(truth, rng.uniform(size=truth.shape)).value
    expected = truth[read == 45.0]
    table = draw_columns(
        CATALOG.get("populations", "own_audiogram").parameters("human").values(), 3, 0, 8000, 1
    )
    table["populations.own_audiogram.error"][:] = 2.5
    bound = CATALOG.get("populations", "own_audiogram").bind(
        table, "human", ear="left", readings=readings({"left": np.full(6, 45.0)})
    )
    found = bound.baseline(TONES)[:, 0]
    # What an audiometer is off all day, 0.2 deviations, makes the drawn ones wider by 2 %.
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert np.quantile(found, share, axis=0) == pytest.approx(np.quantile(expected, share), abs=0.35)
    # Each frequency is read for itself.
    assert np.abs(np.corrcoef(found.T) - np.eye(6)).max() < 0.05


def test_a_level_without_response_lies_beyond_the_loudest_that_was_tested():
    found = own({"left": np.full(6, 90.0)}, silent=(8.0,)).baseline(TONES)[:, 0]
    assert found[:, -1].min() >= 90.0 and found[:, -1].max() <= 120.0
    assert np.median(found[:, -1]) == pytest.approx(105.0, abs=1.0)
    assert np.all(found <= 120.0)


def test_the_better_ear_is_the_one_with_the_lower_mean_over_four_frequencies():
    worse_only_high = STEEP + np.array([0.0, -2.0, -2.0, -2.0, -2.0, 30.0])
    assert own({"left": STEEP, "right": worse_only_high}, ear="better").chosen == "right"
    assert own({"left": STEEP, "right": STEEP}, ear="better").chosen == "left"


THREE = np.array([0.5, 1.0, 4.0])


def test_a_mean_asks_for_each_of_its_frequencies_unless_it_may_interpolate():
    ears = {"left": [10.0, 20.0, 60.0], "right": [10.0, 20.0, 50.0]}
    with pytest.raises(
        BadInput, match=r"needed to tell the better ear .left.; given: 2 kHz.*interpolate = true"
    ):
        _ = own(ears, tones=THREE, ear="better").chosen
    asked = own(ears, tones=THREE, ear="better", interpolate=True)
    assert asked.average("left") == pytest.approx((10.0 + 20.0 + 40.0 + 60.0) / 4)
    assert asked.chosen == "right"
    beyond = own(
        {ear: levels[:2] for ear, levels in ears.items()}, tones=THREE[:2], interpolate=True, ear="better"
    )
    with pytest.raises(BadInput, match="2 kHz"):
        _ = beyond.chosen


def test_between_tested_frequencies_levels_are_linear_in_octaves_and_level_beyond():
    assert np.array_equal(between(TONES, STEEP, TONES), STEEP)
    assert between(TONES, STEEP, np.array([2.0**0.5, 0.1, 20.0])) == pytest.approx([30.0, 10.0, 75.0])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"value": [45.0] * 5}, "columns of one length"),
        ({"value": ["loud"] * 6}, "readings.value: holds numbers"),
        ({"value": [999.0] * 6}, "readings.value: is none of an audiogram; given: 999.0"),
        ({"frequency": [1000.0] * 6}, "readings.frequency: is none of an audiogram; given: 1000.0"),
        ({"ear": ["right"] * 6}, "ear: was not tested; given: left; allowed: right"),
        ({"quantity": ["dpoae"] * 6}, "was not tested"),
        ({"unit": ["dB HL"] * 5}, "columns of one length"),
    ],
)
def test_columns_that_are_no_audiogram_are_refused(change, told):
    entry = CATALOG.get("populations", "own_audiogram")
    numbers = {p.name: np.array([p.value]) for p in entry.parameters("human").values()}
    bound = entry.bind(numbers, "human", ear="left", readings=readings({"left": STEEP}) | change)
    with pytest.raises(BadInput, match=told):
        _ = bound.covered


# Cells behind it

SHARES = st.floats(0.0, 1.0)


@given(level=st.floats(-10.0, 118.0), outer=SHARES, hidden=SHARES, lost=st.floats(0.0, 0.34), lone=SHARES)
def test_more_hidden_loss_takes_fibres_and_nothing_else(level, outer, hidden, lost, lone):
    levels, column = np.full((20, 1, 3), level), np.ones((20, 1, 1))
    rates = rates_of(20)
    plain = arriving(levels, outer * column, rates)
    found = left(levels, rates, outer * column, 0.9 * hidden * column, lost * column, lone * column)
    assert all(np.all((share >= 0.0) & (share <= 1.0 + 1e-12)) for share in found.values())
    assert np.array_equal(found["ohc"], plain["ohc"])
    fibres = found["ihc"] * found["synapse"]
    assert np.allclose(fibres, np.minimum(plain["synapse"], 1.0 - 0.9 * hidden))
    assert np.all(found["sgn"] >= found["synapse"] - 1e-12)


def test_an_audiogram_narrows_hair_cells_and_tells_little_of_the_nerve_of_an_ear_that_hears():
    flat = own({"left": np.full(6, 5.0)})
    ear = Cochleae(plan(of(flat=True)), draw(of(flat=True), 1)).ear
    found = flat.arrived(ear, rates_of(2000))
    spread = {
        kind: np.ptp(np.quantile(share, [0.05, 0.95], axis=0), axis=0).mean() for kind, share in found.items()
    }
    assert spread["ohc"] < 0.25
    assert spread["synapse"] > 0.4


def of(
    flat=False, levels=STEEP, frequency='["1 kHz", "4 kHz"]', scales="", tones=TONES, ears=("left",), **told
):
    """A study of one person."""
    heard = np.full(6, 5.0) if flat else levels
    columns = readings(dict.fromkeys(ears, heard), tones)
    lines = {"entry": '"own_audiogram"', "ear": '"left"'} | told
    text = [f"{key} = {value}" for key, value in lines.items()]
    text += ["[population.readings]", *(f"{key} = {column!r}" for key, column in columns.items())]
    return loads(STUDY.format(population="\n".join(text), frequency=frequency, scales=scales))


def test_a_study_of_a_person_runs_again_from_its_explicit_form():
    study = of()
    again = loads(saves(study))
    assert again.tables.population == study.tables.population
    few = draw(study, 5)
    assert all(np.array_equal(few[name], column) for name, column in draw(again, 5).items())


WHO = 'scales = ["who_2021"]'
NEEDED = '["0.5 kHz", "1 kHz", "2 kHz", "4 kHz"]'


def test_a_grade_is_refused_where_a_frequency_it_needs_was_not_tested_unless_asked_for():
    told = {"tones": THREE, "levels": STEEP[[1, 2, 4]], "frequency": NEEDED, "scales": WHO}
    with pytest.raises(BadInput, match=r"measure\.hearing\.frequency: was not tested; given: 2 kHz"):
        of(**told)
    assert of(**told, interpolate="true").tables.population.interpolate


# What else was read of the ear

WORDS = """
[measure.words]
endpoint = "word_score"
material = "nu6"
at = ["0 d"]
"""


def told(level, *more, words=WORDS):
    """A study of a person with a flat loss, of whom more was read: quantity, kHz, value, censored."""
    columns = readings({"left": np.full(6, level)})
    for quantity, tone, value, censored in more:
        row = {"quantity": quantity, "ear": "left", "frequency": tone, "value": value, "censored": censored}
        for key, cell in row.items():
            columns[key].append(cell)
    text = ['entry = "own_audiogram"', 'ear = "left"', "[population.readings]"]
    text += [f"{key} = {column!r}" for key, column in columns.items()]
    return loads(STUDY.format(population="\n".join(text), frequency='["1 kHz"]', scales="") + words)


def cells_of(study, number=60):
    """Mean share of each kind along the duct, of each ear, and the study's words as they came."""
    table = draw(study, number, seed=5)
    block = Cochleae(plan(study), table)
    _, words = came(block, study.tables.measure["words"], np.array([1.0]))
    return {kind: share.mean(axis=1) for kind, share in block.arrived.items()}, words.ravel(), table


EMITS = [("dpoae", tone, 4.0, "none") for tone in (1.0, 2.0, 4.0)]
SILENT = [("dpoae", tone, -15.0, "below") for tone in (1.0, 2.0, 4.0)]


def test_emissions_tell_of_outer_hair_cells():
    emits, silent = (cells_of(told(35.0, *more))[0] for more in (EMITS, SILENT))
    assert np.median(emits["ohc"]) > np.median(silent["ohc"]) + 0.1
    # Of one loss, what the hair cells do not explain is the nerve's.
    assert np.median(emits["synapse"]) < np.median(silent["synapse"])


def test_words_far_below_the_audiogram_tell_of_a_nerve_that_it_hides():
    (poor, heard, _), (good, *_), (before, expected, _) = (
        cells_of(told(10.0, *more))
        for more in ([("words", 0.0, 64.0, "none")], [("words", 0.0, 100.0, "none")], [])
    )
    assert np.median(poor["synapse"]) < 0.6 * np.median(before["synapse"])
    assert np.median(good["synapse"]) >= np.median(before["synapse"])
    assert abs(np.median(heard) - 64.0) < abs(np.median(expected) - 64.0)
    assert np.median(poor["ohc"]) == pytest.approx(np.median(before["ohc"]), abs=0.05)


WAVE = """
[measure.wave]
endpoint = "wave1"
level = "80 dB SPL"
frequency = ["4 kHz"]
at = ["0 d"]
"""


def test_a_small_first_wave_tells_of_a_nerve_that_the_audiogram_hides():
    small, large = (
        cells_of(told(10.0, ("wave", 4.0, height, "none"), words=WORDS + WAVE))[0] for height in (0.3, 0.8)
    )
    assert np.median(small["synapse"]) < np.median(large["synapse"]) - 0.1


def test_more_readings_leave_fewer_candidates_and_none_leaves_all():
    one, three = (np.mean(draw(told(35.0, *SILENT[:n]), 60, seed=5).selection["candidates"]) for n in (1, 3))
    assert 1.0 <= three < one < 10 * CANDIDATES
    assert "candidates" not in draw(told(35.0), 5).selection


def test_an_ear_weighed_is_the_same_for_any_number_of_ears():
    study = told(35.0, *EMITS)
    few, many = (draw(study, number, seed=5) for number in (14, 40))
    assert few == many.take(slice(14))
    assert draw(study, seed=5, rows=slice(17, 23)) == many.take(slice(17, 23))


def test_candidates_are_drawn_again_as_often_as_they_weigh():
    # The promise of systematic resampling: each count is the expected one but for less than one.
    weights = np.random.default_rng(3).dirichlet(np.full(50, 0.3))
    counts = np.bincount(again(weights, 20, 1, 0), minlength=50)
    assert np.all(np.abs(counts - 20 * weights) < 1.0)


def test_what_nothing_reads_is_told_and_another_unit_is_refused(tmp_path):
    rows = "subject,ear,quantity,frequency,value,unit\nann,left,audiogram,1,30,dB HL\n"
    study = load(study_of_file(tmp_path, rows + "ann,left,tymp,,1.2,\n"))
    assert any("Not used of heard.csv: tymp." in note for note in study.notes)
    with pytest.raises(BadInput, match="a reading of dpoae is in another unit; given: uV; allowed: dB SPL"):
        load(study_of_file(tmp_path, rows + "ann,left,dpoae,1,3,uV\n"))


@pytest.mark.parametrize(
    ("row", "told_so"),
    [
        (
            ("dpoae", 0.0, 3.0, "none"),
            "a reading of dpoae has a frequency; given: 0.0; allowed: 0.05 to 30 kHz",
        ),
        (
            ("dpoae", 1.0, 3.0, "loud"),
            "readings.censored: is not known; given: loud; allowed: below, none, above",
        ),
    ],
)
def test_a_reading_that_is_none_is_refused(row, told_so):
    with pytest.raises(BadInput, match=told_so):
        told(35.0, row)


def test_a_score_that_no_ear_has_is_refused():
    study = told(10.0, ("words", 0.0, 180.0, "none"))
    with pytest.raises(BadInput, match="no ear that hears so could have been read so"):
        draw(study, 5)


def test_a_result_says_what_cells_the_ears_came_with_and_how_many_candidates_count():
    study = told(35.0, *EMITS)
    result = simulate(study, draw(study, 20, seed=5), workers=1)
    assert result.arrived.dims == ("subject", "cell", "place")
    # Nothing injures them: what is counted at the end is what came.
    assert np.allclose(result.arrived, result.cells.sel(arm="nothing"), atol=1e-6)
    assert "candidates count" in result.attrs["notes"]


def test_the_last_outer_hair_cells_hold_more_where_more_are_left_and_nothing_where_none_are():
    flat, deaf = (told(level, words="") for level in (20.0, 110.0))
    first, last = (
        simulate(study, draw(study, 40, seed=5), workers=1).spare.median("subject").item()
        for study in (flat, deaf)
    )
    # Some 15 dB of a 55 dB ceiling are gone, and at 110 dB HL all of it.
    assert first > 30.0
    assert last < 3.0


# Files


def study_of_file(folder, content, name="heard.csv", entry="own_audiogram", **told):
    (folder / name).write_text(content, encoding="utf-8")
    lines = {"entry": f'"{entry}"', "ear": '"left"', "audiogram": f'"{name}"'} | told
    population = "\n".join(f"{key} = {value}" for key, value in lines.items())
    file = folder / "study.toml"
    file.write_text(STUDY.format(population=population, frequency='["1 kHz"]', scales=""), encoding="utf-8")
    return file


LONG = "subject,ear,frequency_hz,threshold_db_hl\nann,left,500,20\nann,left,1000,30\nann,left,4000,55\n"


def test_the_audiogram_a_study_names_is_taken_into_it(tmp_path):
    study = load(study_of_file(tmp_path, LONG))
    assert study.tables.population.readings["value"] == [20.0, 30.0, 55.0]
    assert len(study.inputs) == 2
    (tmp_path / "heard.csv").unlink()
    assert loads(saves(study)).tables.population == study.tables.population


def test_an_audiogram_takes_the_place_of_whatever_people_a_study_names(tmp_path):
    (tmp_path / "heard.csv").write_text(LONG.replace("1000", "2000"), encoding="utf-8")
    given = tmp_path / "heard.csv"
    with pytest.raises(BadInput, match="was not tested; given: 1 kHz"):
        load("cisplatin_human", audiogram=given, ear="left")
    (tmp_path / "heard.csv").write_text(
        "subject,l_air_500,l_air_1000,l_air_2000,l_air_3000,l_air_4000,l_air_6000,l_air_8000\n"
        "ann,10,10,20,30,50,50,60\n"
    )
    study = load("cisplatin_human", audiogram=given, ear="left")
    assert study.tables.population.entry == "own_audiogram"
    assert not any("otologically_normal" in name for name in study.parameters)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (LONG.replace("db_hl", "db_spl"), "given: dB SPL; allowed: dB HL"),
        ("subject,quantity,frequency,value,unit\nann,audiogram,1,30,dB SPL\n", "given: dB SPL; allowed: dB HL"),
        ("subject,quantity,frequency,value,unit\nann,dpoae,1,3,dB SPL\n", "holds no audiogram"),
        (LONG + "ben,left,1000,30\n", "holds 2 people; allowed: ann, ben; name one"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_person_s_audiogram_in_hearing_levels_is_refused(tmp_path, content, told):
    with pytest.raises(BadInput, match=told):
        load(study_of_file(tmp_path, content))


def test_whose_ear_it_is_is_asked_of_an_audiogram_only():
    with pytest.raises(BadInput, match=r"ear: is about an audiogram, and none is given"):
        load("compare_moderate_loss", ear="left")


def test_a_level_that_is_none_counts_as_not_tested_and_is_told(tmp_path):
    study = load(study_of_file(tmp_path, LONG.replace("500,20", "500,ten")))
    assert any("could not be read" in note and "ten" in note for note in study.notes)


@pytest.mark.parametrize(
    ("level", "reason"), [("abc", "is neither a level nor a word for none"), ("900", "a code, not a level")]
)
@pytest.mark.parametrize("ear", ['"left"', '"better"'])
def test_who_lacks_a_level_that_could_not_be_read_is_told_so_with_the_levels_allowed(
    tmp_path, level, reason, ear
):
    asked = study_of_file(tmp_path, LONG.replace("1000,30", f"1000,{level}"), ear=ear)
    with pytest.raises(BadInput) as refused:
        load(asked)
    told = str(refused.value)
    assert "was not tested" in told and "as far as heard.csv can be read" in told
    assert f'threshold_db_hl "{level}": {reason}' in told
    assert "write hearing levels of -30 to 130 dB HL there" in refused.value.cure
    # A blank says neither "not tested" nor "no response".
    with pytest.raises(BadInput, match=r"was not tested.*a blank.*no mark that there was no response"):
        load(study_of_file(tmp_path, LONG.replace("1000,30", "1000,"), ear=ear))


def test_a_level_beyond_any_audiometer_is_refused_with_the_levels_there_are(tmp_path):
    with pytest.raises(BadInput, match=r"145\": a code, not a level.*-30 to 130 dB HL"):
        load(study_of_file(tmp_path, LONG.replace("1000,30", "1000,145")))


def test_a_level_at_no_frequency_counts_as_not_tested_and_is_told(tmp_path):
    text = LONG + "ann,left,xyz,30\n"
    study = load(study_of_file(tmp_path, text))
    assert study.tables.population.readings["value"] == [20.0, 30.0, 55.0]
    assert any('"xyz"' in note and "1 level at no frequency" in note for note in study.notes)


def test_a_file_outside_the_study_s_folder_is_refused(tmp_path):
    (tmp_path / "inside").mkdir()
    file = study_of_file(tmp_path / "inside", LONG, audiogram='"../heard.csv"')
    (tmp_path / "heard.csv").write_text(LONG)
    with pytest.raises(BadInput, match=r"population\.audiogram: lies outside the study's folder"):
        load(file)


def test_of_several_people_the_one_named_is_taken_and_another_is_refused(tmp_path):
    both = LONG + "ben,left,500,1\nben,left,1000,2\n"
    study = load(study_of_file(tmp_path, both, person='"ben"'))
    assert study.tables.population.readings["value"] == [1.0, 2.0]
    with pytest.raises(BadInput, match="person: is not in the file; given: eve; allowed: ann, ben"):
        load(study_of_file(tmp_path, both, person='"eve"'))


def test_a_loss_that_bone_conduction_does_not_share_is_told(tmp_path):
    air = "ear,frequency_hz,threshold_db_hl,pathway\nleft,500,40,air\nleft,1000,40,air\n"
    study = load(study_of_file(tmp_path, air + "left,500,10,bone\nleft,1000,35,bone\n"))
    assert any("Bone conduction of the left ear" in note and "at 0.5 kHz:" in note for note in study.notes)


# Many people

MANY = "subject,ear,frequency_hz,threshold_db_hl\n" + "".join(
    f"p{n},{ear},{tone},{1.5 * n + 0.5 * worse + 0.5 * (tone // 1000)}\n"
    for n in range(40)
    for ear, worse in (("left", n % 2), ("right", 1 - n % 2))
    for tone in (500, 1000, 2000, 4000)
)


def survey(folder, number, content=MANY, **told):
    study = load(study_of_file(folder, content, entry="recorded", **{"ear": '"better"'} | told))
    table = draw(study, number, seed=4)
    return study.population(table)


def test_people_are_drawn_with_equal_chances_each_by_the_better_ear(tmp_path):
    sample = survey(tmp_path, 20_000)
    assert sample.levels.shape == (40, 4)
    assert np.array_equal(sample.levels[:, 1], 1.5 * np.arange(40) + 0.5)
    # Ranks of a world lean to one side; over two thousand worlds each end is drawn somewhat more.
    counts = np.bincount(sample.drawn, minlength=40) / 20_000
    assert counts.min() > 0.015 and counts.max() < 0.045


def test_who_lacks_a_level_is_left_out_and_counted(tmp_path):
    study = load(study_of_file(tmp_path, MANY + "q,left,500,20\n", entry="recorded"))
    assert len(study.tables.population.readings["1 kHz"]) == 40
    assert any("40 of 41 people" in note for note in study.notes)


def test_the_better_ear_of_many_asks_for_every_frequency_of_the_mean(tmp_path):
    without = "".join(line for line in MANY.splitlines(keepends=True) if ",2000," not in line)
    with pytest.raises(BadInput, match="is needed to tell the better ear, and was not tested; given: 2 kHz"):
        survey(tmp_path, 5, without)
    assert survey(tmp_path, 5, without, interpolate="true").levels.shape == (40, 3)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"1 kHz": [10.0], "2 kHz": [10.0, 20.0]}, "columns of one length"),
        ({"one": [10.0]}, "is no frequency; given: one"),
        ({"1 kHz": [500.0]}, "are hearing levels"),
        ({}, "holds nobody"),
    ],
)
def test_columns_that_are_no_people_are_refused(columns, told):
    entry = CATALOG.get("populations", "recorded")
    numbers = {p.name: np.array([p.value]) for p in entry.parameters("human").values()}
    bound = entry.bind(numbers, "human", ear="left", readings=columns)
    with pytest.raises(BadInput, match=told):
        _ = bound.covered, bound.levels


def test_how_far_the_subjects_stand_for_the_recorded_is_told(tmp_path):
    study = load(study_of_file(tmp_path, MANY, entry="recorded", ear='"better"'))
    table = draw(study, 2000, seed=4)
    found = people(study, table)
    assert found["people"] == 40
    # As many as there are, were all drawn equally often; two thousand draws come near.
    assert 30.0 < found["effective"] <= 40.0
    assert max(found["apart"]) < 0.1
    few = draw(study, 10, seed=4)
    assert people(study, few)["effective"] <= 10.0


def test_how_far_the_subjects_stand_for_their_norm_is_told():
    population = 'entry = "otologically_normal"\nsex = "male"\nage = "70 year"'
    study = loads(STUDY.format(population=population, frequency='["1 kHz"]', scales=""), "norm")
    few, many = (people(study, draw_columns(study.parameters.values(), 1, 0, n, 1)) for n in (20, 4000))
    assert (few["people"], few["effective"], many["effective"]) == (None, 20.0, 4000.0)
    # Half of the norm's people stand at or below the standard's own median.
    norm = study.population(
        draw_columns([replace(p, shape="fixed", subjects=0.0) for p in study.parameters.values()], 0, 0, 1)
    )
    median = norm.baseline(np.array(many["frequency"]))[0, 0]
    assert np.allclose(many["recorded"][1], median, atol=1.0)
    # Two samples of 4,000 lie less than 3.6 % apart with 99 %; the worlds' own shifts of a third widen that a little.
    assert max(many["apart"]) < 0.06 < max(few["apart"])


def test_the_report_shows_the_ear_as_it_came_and_what_is_left_to_save():
    study = told(35.0, *EMITS, words="")
    table = draw(study, 20, seed=5)
    result = answer(study, table)
    shown = page(result, observe(study, result, table))
    assert "The ear as it came" in shown
    assert "left to save" in shown and "Were the last outer hair cells lost too" in shown
    for kind in (
        "Outer hair cells",
        "Inner hair cells",
        "Synapses per inner hair cell",
        "Spiral ganglion neurons",
    ):
        assert f"<h4>{kind}</h4>" in shown


# Real files


@real
def test_people_of_a_survey_are_drawn_as_the_survey_has_them(tmp_path):
    file = REAL / "audiograms_nhanes" / "AUX_G_first_2250.csv"
    sample = survey(tmp_path, 4000, file.read_text(encoding="utf-8"))
    drawn = sample.baseline(sample.frequency)[:, 0]
    # Recorded in steps of 5 dB: spread out again over the step, as drawn ones are.
    spread = sample.levels + np.random.default_rng(1).uniform(-2.5, 2.5, sample.levels.shape)
    for column, recorded in zip(drawn.T, spread.T, strict=True):
        assert np.quantile(column, [0.1, 0.5, 0.9]) == pytest.approx(
            np.quantile(recorded, [0.1, 0.5, 0.9]), abs=2.0
        )
        assert ks_2samp(column, recorded).statistic < 0.06


@real
def test_a_real_audiogram_without_2_kHz_asks_before_it_is_interpolated():
    file = REAL / "audiogram_xml" / "aud_001.xml"
    with pytest.raises(BadInput, match=r"needed to tell the better ear.*2 kHz"):
        load("cisplatin_human", audiogram=file)
    study = load("cisplatin_human", audiogram=file, interpolate=True)
    assert study.tables.population.interpolate


# Two ears

GIVEN = """
[insult.loud]
entry = "noise"
at = ["0 h"]
level = "112 dB SPL"
band = ["1 kHz", "2 kHz"]
duration = "2 h"
[treatment.vesicles]
batch = "example_lot"
route = "{route}"
volume = "0.4 mL"
at = ["-1 d"]
[[arm]]
name = "noise"
insults = ["loud"]
[[arm]]
name = "noise + vesicles"
insults = ["loud"]
treatments = ["vesicles"]
[measure.hearing]
endpoint = "audiogram"
frequency = ["0.5 kHz", "1 kHz", "2 kHz", "4 kHz"]
at = ["-2 d", "7 d"]
scales = ["who_2021"]
"""


def two_ears(other, route="intratympanic", left=STEEP, right=STEEP - 8.0):
    columns = readings({"left": left, "right": right})
    text = [
        *STUDY.splitlines()[:3],
        "[population]",
        'entry = "own_audiogram"',
        'ear = "left"',
        f'other = "{other}"',
    ]
    text += ["[population.readings]", *(f"{key} = {column!r}" for key, column in columns.items())]
    return loads("\n".join(text) + GIVEN.format(route=route))


def test_the_other_ear_is_spared_what_only_reaches_one():
    treated, spared, blood = (
        study.other()
        for study in (two_ears("treated"), two_ears("untreated"), two_ears("untreated", "intravenous"))
    )
    assert [arm.treatments for arm in treated.tables.arm] == [[], ["vesicles"]]
    assert [arm.treatments for arm in spared.tables.arm] == [[], []]
    assert [arm.treatments for arm in blood.tables.arm] == [[], ["vesicles"]]
    # Noise reaches both.
    assert all(arm.insults == ["loud"] for arm in spared.tables.arm)
    assert spared.ear == "right"


def test_each_ear_keeps_its_own_audiogram_and_an_untreated_one_is_the_same_in_both_arms():
    study = two_ears("untreated")
    table = draw(study, 10, seed=2)
    result = simulate(study, table, workers=1)
    before, after = (result.other_hearing.sel(time=time) for time in (-48.0, 168.0))
    assert np.all(after >= before - 1e-9)
    assert float((result.hearing.sel(time=-48.0) - before).mean()) == pytest.approx(8.0, abs=1.0)
    assert np.array_equal(after.sel(arm="noise"), after.sel(arm="noise + vesicles"))
    sheet = observe(study, result, table)
    first = (
        sheet[(sheet["quantity"] == "audiogram") & (sheet["time"] == -48.0)].groupby("ear")["value"].mean()
    )
    assert first["left"] - first["right"] == pytest.approx(8.0, abs=1.5)


@pytest.mark.parametrize(
    ("first", "last", "worlds"), [(0, 5, [0]), (3, 7, [0, 1]), (5, 15, [1, 2]), (9, 10, [1])]
)
def test_candidates_are_so_many_for_each_ear_of_the_worlds_that_are_asked_for_and_no_others(
    first, last, worlds
):
    candidates = _candidates(two_ears("treated"), first, last, 1, 5, None)
    each, counts = np.unique(candidates.world, return_counts=True)
    assert each.tolist() == worlds
    assert set(counts) == {CANDIDATES * 5}


def test_who_grades_by_the_better_ear_and_a_lost_ear_does_not_worsen_them():
    study = two_ears("untreated", left=np.full(6, 100.0), right=np.full(6, 5.0))
    table = draw(study, 10, seed=2)
    sheet = observe(study, simulate(study, table, workers=1), table)
    grades = sheet[(sheet["quantity"] == "who_2021") & (sheet["time"] == -48.0)]["value"]
    assert np.all(grades == 0.0)


def test_a_frequency_the_other_ear_was_not_tested_at_is_refused():
    columns = readings({"left": STEEP})
    extra = readings({"right": STEEP[:3]}, tones=TONES[:3])
    text = [
        *STUDY.splitlines()[:3],
        "[population]",
        'entry = "own_audiogram"',
        'ear = "left"',
        "[population.readings]",
    ]
    text += [f"{key} = {columns[key] + extra[key]!r}" for key in columns]
    with pytest.raises(BadInput, match=r"measure\.hearing\.frequency: was not tested; given: 2 kHz"):
        loads("\n".join(text) + GIVEN.format(route="intratympanic"))


# The document

DOCUMENT = Path(__file__).parent.parent / "docs" / "people.md"

CHOSEN = """
otosome = "study/1"
species = "human"
{enrolment}
[[arm]]
name = "nothing"
[measure.words]
endpoint = "word_score"
material = "nu6"
at = ["0 d"]
"""


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_examples_of_the_document_run_as_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (heard,) = blocks("csv")
    (tmp_path / "me.csv").write_text(heard, encoding="utf-8")
    study, recovery, enrolment = blocks("toml")
    (tmp_path / "study.toml").write_text(f"{study}\n{recovery}", encoding="utf-8")
    assert load(tmp_path / "study.toml").tables.recovery.entered.text == "3 d"
    (tmp_path / "many.toml").write_text(CHOSEN.format(enrolment=enrolment), encoding="utf-8")
    assert load(tmp_path / "many.toml").tables.enrolment.highest.text == "60 %"
    of_one = enrolment.replace('"words"', '"hearing"').replace("%", "dB HL")
    (tmp_path / "one.toml").write_text(f"{study}\n{of_one}", encoding="utf-8")
    with pytest.raises(BadInput, match="this study is of one"):
        load(tmp_path / "one.toml")
    (example,) = blocks("python")
    test = doctest.DocTestParser().get_doctest(example, {}, "people.md", None, 0)
    assert doctest.DocTestRunner().run(test).failed == 0


def test_every_study_the_document_names_takes_the_audiogram_it_gives(tmp_path):
    (heard,) = blocks("csv")
    (tmp_path / "me.csv").write_text(heard, encoding="utf-8")
    (commands,) = blocks("sh")
    named = re.findall(r"otosome (?:run|compare) (\w+) --audiogram me.csv --ear left", commands)
    assert len(named) == 2
    for name in named:
        assert load(name, audiogram=tmp_path / "me.csv", ear="left").ear == "left"
