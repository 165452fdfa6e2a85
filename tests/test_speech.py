"""Speech: what is audible, what is understood of it, and how sure a score can be."""

from __future__ import annotations

import doctest
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from otosome import (
    draw,
    forward,
    observe,
    simulate,
)
from otosome.catalog import get, names
from otosome.errors import BadInput
from otosome.model import speech
from otosome.roles import Ear
from otosome.study import loads
from test_endpoints import cells_with, endpoint

BANDS = get("endpoints", "word_score").card.profile("bands", "human")
CENTRES, BAND = BANDS["frequency"], np.arange(18)
QUIET = np.full(18, speech.SILENCE)
MATERIALS = names("materials")


def bind(shelf, name, **options):
    entry = get(shelf, name)
    table = {p.name: np.array([p.value]) for p in entry.parameters("human").values()}
    return entry.bind(table, "human", **options)


def index(level, spoken=BANDS["normal"], noise=QUIET, gain=0.0, importance=BANDS["importance"]):
    return speech.index(np.asarray(level) + np.zeros(18), spoken, noise, np.asarray(gain), BANDS, importance)


# The index


def test_the_index_of_flat_losses_is_the_standard_s_to_four_digits():
    found = index(np.arange(0.0, 61.0, 10.0)[:, None])
    assert np.allclose(found, [0.9958, 0.9816, 0.95, 0.7015, 0.3823, 0.0807, 0.0], atol=5e-5, rtol=0)


# Printed by sii() of speech-intelligibility-index 1.0.2 for the spectra of `waves`, importance functions 1 to 8;
# by number, as its names are off by one.
THEIRS = [
    0.4106364208473807, 0.397347880422795, 0.4515940675246572, 0.45387936706876264, 0.46200659268032535,
    0.4732139097248099, 0.4429337233484907, 0.39102218817381706,
]  # fmt: skip
OURS = {1: BANDS["importance"], 3: "cid_w22", 4: "nu6", 8: "cst"}


def waves(case):
    """Speech, noise and hearing level that rise and fall along the bands."""
    parts = ((45, 35, 0.7), (20, 40, 0.4), (30, 40, 0.3))
    return (middle + swing * np.sin(BAND * pace + case) for middle, swing, pace in parts)


def importance_of(number):
    told = OURS[number]
    return told if isinstance(told, np.ndarray) else bind("materials", told).importance["weight"]


@pytest.mark.parametrize("number", OURS)
def test_the_index_is_that_of_another_program(number):
    spoken, noise, level = waves(number - 1)
    assert index(level, spoken, noise, importance=importance_of(number)) == pytest.approx(
        THEIRS[number - 1], abs=1e-12
    )


def test_the_index_is_that_of_another_program_wherever_it_is_installed():
    theirs = pytest.importorskip("speech_intelligibility_index.sii")
    rng = np.random.default_rng(5)
    for _ in range(100):
        spoken, noise, level = rng.uniform([0, -20, -10], [80, 80, 90], (18, 3)).T
        number = int(rng.integers(1, 9))
        expected = theirs.sii(spoken, noise, level, number)
        found = index(level, spoken, noise, importance=theirs.band_importance(number))
        assert found == pytest.approx(expected, abs=1e-12)


def test_the_four_efforts_have_the_overall_levels_the_standard_prints():
    # Bands are taken as a third octave about their nominal centres: a tenth of a decibel at most.
    printed = {"normal": 62.35, "raised": 68.34, "loud": 74.85, "shout": 82.30}
    for effort, level in printed.items():
        assert speech.overall(BANDS[effort], CENTRES) == pytest.approx(level, abs=0.1)


@given(st.floats(30.0, 100.0))
def test_a_spectrum_at_a_level_has_that_level_and_its_shape(level):
    moved = speech.at_level(BANDS["normal"], CENTRES, np.asarray(level))
    assert speech.overall(moved, CENTRES) == pytest.approx(level)
    assert np.ptp(moved - BANDS["normal"]) < 1e-9


levels = st.lists(st.floats(-10.0, 120.0), min_size=18, max_size=18).map(np.array)
loudness = st.floats(20.0, 95.0)


@settings(max_examples=60, deadline=None)
@given(levels, st.floats(0.0, 30.0), loudness, loudness)
def test_the_index_stays_from_0_to_1_and_never_rises_with_loss_or_noise(level, more, spoken, noise):
    said, around = (speech.at_level(BANDS["normal"], CENTRES, np.asarray(x)) for x in (spoken, noise))
    found = index(level, said, around)
    assert 0.0 <= found <= 1.0
    assert index(level + more, said, around) <= found + 1e-12
    assert index(level, said, around + more) <= found + 1e-12


@pytest.mark.parametrize("ratio", [-12.0, -6.0, 0.0, 6.0, 12.0])
def test_in_noise_of_its_own_shape_a_normal_ear_gets_a_thirtieth_of_speech_per_decibel(ratio):
    # Level with noise, half of the 30 dB in which speech varies lies above it. Masking from the bands below takes
    # a few hundredths.
    noise = speech.at_level(BANDS["normal"], CENTRES, np.asarray(65.0))
    found = index(0.0, noise + ratio, noise)
    assert (15.0 + ratio) / 30.0 - 0.07 < found <= (15.0 + ratio) / 30.0 + 1e-9


def test_gain_lifts_speech_over_a_threshold_but_not_out_of_noise():
    noise = speech.at_level(BANDS["normal"], CENTRES, np.asarray(65.0))
    assert index(50.0, gain=25.0) - index(50.0) > 0.5
    assert abs(index(0.0, noise=noise, gain=10.0) - index(0.0, noise=noise)) < 0.02


# Words


@pytest.mark.parametrize("name", MATERIALS)
def test_the_bands_of_every_test_together_carry_its_words(name):
    material = bind("materials", name)
    assert np.array_equal(material.importance["frequency"], CENTRES)
    assert np.all(material.importance["weight"] >= 0.0)
    # The table of connected speech has a band more at either end, which third octaves to 8 kHz lack.
    assert material.importance["weight"].sum() == pytest.approx(1.0, abs=0.03 if name == "cst" else 1e-9)


@pytest.mark.parametrize("name", MATERIALS)
def test_more_speech_is_never_understood_less(name):
    share = bind("materials", name).share(np.linspace(0.0, 1.0, 201)[None, None, :]).ravel()
    assert share[0] == 0.0
    assert 0.95 < share[-1] <= 1.0
    assert np.all(np.diff(share) >= 0.0)


def test_sentences_are_understood_at_an_index_at_which_words_are_not():
    half = np.full((1, 1, 1), 0.4)
    assert bind("materials", "cst").share(half).item() > bind("materials", "nu6").share(half).item() + 0.1


def test_a_fibre_more_is_never_a_word_less_and_none_is_no_word():
    fibres = np.linspace(0.0, 1.0, 11)
    for reliance in (0.05, 0.25, 1.0):
        kept = speech.spared(fibres, np.asarray(reliance))
        assert kept[0] == 0.0 and kept[-1] == 1.0
        assert np.all(np.diff(kept) > 0.0)


chances = st.floats(0.0, 1.0)


@given(chances, chances, chances)
def test_two_ways_of_hearing_are_no_worse_than_one_and_no_better_than_two_chances(one, other, independence):
    found = speech.both(*(np.asarray(x) for x in (one, other, independence)))
    assert max(one, other) - 1e-12 <= found <= 1.0 - (1.0 - one) * (1.0 - other) + 1e-12
    assert found == pytest.approx(speech.both(*(np.asarray(x) for x in (other, one, independence))))


# Lowest and highest second score, in words, that does not differ from a first one of 0, 1, 2 ... words: computed by
# the method of Thornton and Raffin, as their table was again by Carney and Schlauch.
PUBLISHED = {
    10: (
        "0 0 0 1 1 1 2 3 4 5 8",
        "2 5 6 7 8 9 9 9 10 10 10",
    ),
    25: (
        "0 0 0 1 1 1 2 2 3 3 4 5 6 7 8 8 9 10 12 13 14 15 16 18 20 23",
        "2 5 7 9 10 11 12 13 15 16 17 17 18 19 20 21 22 22 23 23 24 24 24 25 25 25",
    ),
    50: (
        "0 0 0 0 1 1 1 2 3 3 4 4 5 6 7 7 8 9 10 11 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 32"
        " 33 34 35 37 38 39 41 43 44 47",
        "3 6 7 9 11 12 13 15 16 17 18 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 39 40 41 42 43 43"
        " 44 45 46 46 47 47 48 49 49 49 50 50 50 50",
    ),
    100: (
        "0 0 0 0 1 1 1 2 2 3 4 4 5 6 6 7 8 8 9 10 11 11 12 13 14 14 15 16 17 18 19 19 20 21 22 23 24 25 26 26 27 28"
        " 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 63 64 65"
        " 66 67 68 69 71 72 73 74 75 77 78 79 81 82 83 85 86 88 89 91 92 94 97",
        "3 6 8 9 11 12 14 15 17 18 19 21 22 23 25 26 27 28 29 31 32 33 34 35 36 37 39 40 41 42 43 44 45 46 47 48 49"
        " 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 74 75 76 77 78 79 80 81 81 82 83"
        " 84 85 86 86 87 88 89 89 90 91 92 92 93 94 94 95 96 96 97 98 98 99 99 99 100 100 100 100",
    ),
}  # fmt: skip


@pytest.mark.parametrize("words", PUBLISHED)
def test_critical_differences_are_the_published_ones(words):
    for found, published in zip(speech.critical_difference(words), PUBLISHED[words], strict=True):
        assert list(found) == [int(word) for word in published.split()]


@pytest.mark.parametrize("words", [0, -1, 2.5, np.nan, np.inf])
def test_there_is_no_critical_difference_of_a_list_that_is_none(words):
    with pytest.raises(BadInput, match=r"words: .*allowed: whole, from 1 on"):
        speech.critical_difference(words)


@pytest.mark.parametrize("chance", [0.0, 1.0, -0.1, np.nan])
def test_there_is_no_critical_difference_at_a_chance_that_is_none(chance):
    with pytest.raises(BadInput, match="chance: is no chance"):
        speech.critical_difference(50, chance)


@given(st.integers(1, 40), st.floats(0.001, 0.999))
def test_a_score_never_differs_from_itself(words, chance):
    low, high = speech.critical_difference(words, chance)
    right = np.arange(words + 1)
    assert np.all((low >= 0) & (low <= right) & (right <= high) & (high <= words))


@pytest.mark.parametrize("words", [10, 25, 50, 100])
def test_of_two_lists_of_one_person_about_one_in_twenty_pairs_differ(words):
    # Scores are whole words and the angle is a transform, so the rate is not one in twenty to the digit.
    low, high = speech.critical_difference(words)
    right = np.arange(words + 1)
    for chance in (0.1, 0.3, 0.5, 0.8, 0.95):
        shares = binom.pmf(right, words, chance)
        same = sum(p * shares[a : b + 1].sum() for p, a, b in zip(shares, low, high, strict=True))
        assert 0.005 < 1.0 - same < 0.085


# The hearing aid


def test_the_rule_gives_the_published_gain_for_a_flat_loss():
    aid = bind("devices", "hearing_aid")
    gain = aid.prescribed(np.full((1, 1, 6), 40.0), aid.rule["frequency"])
    assert np.allclose(gain, [1.4, 10.4, 19.4, 17.4, 16.4, 16.4])


def test_a_severe_loss_gets_more_than_the_common_part_of_a_moderate_one():
    aid = bind("devices", "hearing_aid")
    moderate, severe = (aid.prescribed(np.full((1, 1, 6), x), aid.rule["frequency"]) for x in (60.0, 80.0))
    # 60 dB more in sum, at 0.116 and not at 0.05 of each; and 0.31 of 20 dB.
    assert np.allclose(severe - moderate, 60.0 * 0.116 + 20.0 * 0.31)


@settings(max_examples=50, deadline=None)
@given(levels, st.floats(0.0, 20.0))
def test_gain_is_never_negative_never_falls_with_loss_and_stays_below_what_an_ear_bears(level, more):
    aid = bind("devices", "hearing_aid")
    less, gain = (aid.gain(x[None, None, :], CENTRES) for x in (level, level + more))
    assert gain.shape == (1, 1, 18)
    assert np.all(less >= 0.0)
    assert np.all(gain >= less - 1e-9)
    assert np.all(gain <= min(aid.most.item(), (aid.loudest - aid.spoken).item()) + 1e-12)


def test_the_rule_is_that_of_another_program_wherever_it_is_installed():
    nalr = pytest.importorskip("clarity.enhancer.nalr")
    from clarity.utils.audiogram import Audiogram

    aid, rate, taps = bind("devices", "hearing_aid"), 16000.0, 510
    hertz = aid.rule["frequency"] * 1e3
    for level in (np.full(6, 40.0), np.array([20.0, 25.0, 30.0, 45.0, 60.0, 65.0]), np.full(6, 85.0)):
        filtered, _ = nalr.NALR(taps, rate).build(Audiogram(level, hertz))
        phase = np.exp(-2j * np.pi * np.outer(hertz, np.arange(filtered.size)) / rate)
        expected = 20 * np.log10(np.abs(phase @ filtered))
        # Their filter of 510 taps rounds the corners of the curve by a third of a decibel.
        found = aid.prescribed(level[None, None, :], aid.rule["frequency"])[0, 0]
        assert np.allclose(found, expected, atol=0.5)


# The score of an ear


@dataclass(frozen=True)
class Everyone:
    """A population whose every ear arrives with one flat loss, known from 0.25 to 8 kHz."""

    loss: float
    covered: tuple[float, float] = (0.25, 8.0)

    def baseline(self, frequency):
        assert np.all((frequency >= 0.25) & (frequency <= 8.0))
        return np.full((1, 1, frequency.size), self.loss)


@dataclass(frozen=True)
class Electrode:
    """An electrode through which half of all words are heard from its start on."""

    share: float = 0.5

    def gain(self, level, frequency):
        return np.zeros_like(level)

    def electric(self, ear, cells, since):
        return np.where(since >= 0, self.share, 0.0)[None, :]

    def flows(self, dose, anatomy):
        return []


PLACES = (np.arange(48) + 0.5) / 48
EAR = Ear(
    "human", PLACES, 0.1654 * (10 ** (2.1 * (1 - PLACES)) - 0.88), np.array([33.0]), {"place_spread": np.array([0.04])}
)  # fmt: skip
# Three moments: before a device is worn, as it begins, later.
SINCE = np.array([-24.0, 0.0, 2000.0])


def score(material="nu6", loss=None, **options):
    people = None if loss is None else Everyone(loss)
    heard = endpoint("audiogram", "human", population=people)
    return endpoint(
        "word_score",
        "human",
        material=bind("materials", material),
        audiogram=heard,
        population=people,
        **options,
    )


def words(formula, **lost):
    return formula.value(EAR, cells_with(**lost), np.array([1.0]))[0, :, 0]


def test_a_whole_ear_understands_nearly_every_word_in_quiet():
    # Published: 95 to 100 % of W-22 words from 40 dB HL on.
    assert np.all(words(score()) > 95.0)
    assert np.all(words(score("cid_w22")) > 95.0)


def test_words_follow_the_index_where_all_fibres_are_there():
    formula = score(loss=40.0)
    expected = 100 * formula.material.share(index(40.0, importance=formula.material.importance["weight"]))
    assert words(formula)[0] == pytest.approx(expected.item())


def test_words_fall_with_noise_with_loss_and_with_fibres():
    assert words(score(noise=62.0))[0] < words(score())[0]
    assert words(score(loss=50.0))[0] < words(score(loss=30.0))[0]
    assert words(score(), ohc=0.9)[0] < words(score(), ohc=0.3)[0]
    assert words(score(), synapse=0.6)[0] < words(score())[0]


def test_a_hidden_loss_costs_words_in_noise_before_it_costs_thresholds():
    quiet, noisy = score(), score(noise=60.0)
    shift = quiet.level(EAR, cells_with(synapse=0.5)) - quiet.level(EAR, cells_with())
    assert np.all(shift < 5.0)
    lost = [(words(formula) - words(formula, synapse=0.5))[0] for formula in (quiet, noisy)]
    assert 0.0 < 2.0 * lost[0] < lost[1]


def test_an_aid_is_heard_from_when_it_is_worn_on_and_saves_no_cell():
    aid = bind("devices", "hearing_aid")
    before, at, after = words(score(loss=50.0, devices=((aid, SINCE),)), ohc=0.2)
    without = words(score(loss=50.0), ohc=0.2)[0]
    assert before == pytest.approx(without)
    assert at == after > without + 20.0


def test_an_electrode_adds_to_what_the_ear_hears_itself_and_less_in_noise():
    worn = ((Electrode(), SINCE),)
    deaf = words(score(loss=110.0, devices=worn))
    assert deaf == pytest.approx([0.0, 50.0, 50.0])
    partly = words(score(loss=45.0, devices=worn))
    own = words(score(loss=45.0))[0]
    assert partly[0] == pytest.approx(own)
    assert max(own, 50.0) < partly[2] < 100.0
    noisy = words(score(loss=110.0, devices=worn, noise=55.0))
    assert 0.0 < noisy[2] < 45.0


def test_an_electrode_s_share_is_of_monosyllables_only():
    with pytest.raises(BadInput, match="monosyllables"):
        words(score("cst", loss=110.0, devices=((Electrode(), SINCE),)))


def test_scores_are_binomial_in_the_words_of_the_list():
    formula = score()
    uniform = (np.arange(4000)[None, :, None] + 0.5) / 4000
    truth = np.full(uniform.shape, 62.0)
    found = formula.read(truth, uniform).value
    assert np.all(np.isin(np.round(found / 2.0, 9), np.arange(51)))
    assert found.mean() == pytest.approx(62.0, abs=0.05)
    assert found.std() == pytest.approx(100 * np.sqrt(0.62 * 0.38 / 50), rel=0.01)
    every = replace(formula.read(truth[:, :51], uniform[:, :51]), value=np.arange(51.0)[None, :, None] * 2.0)
    assert np.exp(formula.log_likelihood(every, truth[:, :51])).sum() == pytest.approx(1.0)


DOCUMENT = Path(__file__).parent.parent / "docs" / "speech.md"
STUDY, OWN = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
TONES = """
[measure.tones]
endpoint = "audiogram"
frequency = ["1 kHz", "4 kHz"]
at = ["90 d"]
"""


def test_the_examples_of_the_document_print_what_it_says():
    found = doctest.testfile(str(DOCUMENT), module_relative=False)
    assert found.attempted > 10 and found.failed == 0


def own_list(folder, text=OWN):
    (folder / "materials").mkdir()
    (folder / "materials" / "own.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_list_of_one_s_own_is_measured_as_the_document_writes_it(tmp_path):
    study = loads(STUDY.replace('"nu6"', '"own"'), "own", shelves=(own_list(tmp_path),))
    table = draw(study, 3, 1)
    result = simulate(study, table)
    assert np.all(result["quiet"] > 0.0)
    read = observe(study, result, table)
    assert np.all(np.isin(read[read["measure"] == "quiet"]["value"], 5.0 * np.arange(21)))


def test_a_list_with_bands_of_its_own_is_refused(tmp_path):
    odd = OWN.replace("frequency = [0.16,", "frequency = [0.15,")
    study = loads(STUDY.replace('"nu6"', '"own"'), "own", shelves=(own_list(tmp_path, odd),))
    with pytest.raises(BadInput, match="third octaves"):
        simulate(study, draw(study, 1, 1))


def test_in_a_study_the_aided_understand_more_and_have_the_same_cells():
    study = loads(STUDY + TONES, "aided")
    result = simulate(study, draw(study, 20, 3))
    quiet, noisy = (result[name].sel(frequency=1.0).to_numpy()[:, :, 0] for name in ("quiet", "noisy"))
    assert np.all(quiet[1] >= quiet[0])
    assert np.median(quiet[1] - quiet[0]) > 3.0
    # An aid lifts noise with speech.
    assert np.median(noisy[1] - noisy[0]) < np.median(quiet[1] - quiet[0])
    assert np.array_equal(result["cells"][0], result["cells"][1])
    assert np.array_equal(result["tones"][0], result["tones"][1])


def test_a_person_understands_the_same_words_in_blocks_of_any_size(monkeypatch):
    study = loads(STUDY, "aided")
    table = draw(study, 7, 3)
    whole = simulate(study, table, workers=1)
    monkeypatch.setattr(forward.simulation, "BLOCK", 3)
    parted = simulate(study, table, workers=1)
    assert all(np.array_equal(whole[name], parted[name]) for name in ("quiet", "noisy"))


def test_speech_masks_itself_twenty_four_decibels_below_its_own_spectrum():
    """ANSI S3.5-1997, 4.3.2.1, in quiet; noise above that masks in its own right."""
    frequency = np.array([0.25, 0.5, 1.0, 2.0])
    spoken, quiet = np.array([40.0, 35.0, 30.0, 25.0]), np.full(4, -80.0)
    assert speech.masking(spoken, quiet, frequency)[0] == pytest.approx(16.0)
    assert speech.masking(spoken + 7.0, quiet, frequency)[0] == pytest.approx(23.0)
    loud = speech.masking(spoken, np.array([30.0, -80.0, -80.0, -80.0]), frequency)
    assert loud[0] == pytest.approx(30.0)
    # Upwards alone, less the farther: 0.6 (30 + 10 lg 250 - 6.353) - 80 = -51.4 dB an octave, from 0.89 of a band.
    over = 30.0 - 51.42 * 3.32 * np.log10(0.89 * 2.0)
    assert loud[1] == pytest.approx(10 * np.log10(10 ** (over / 10) + 10**-8), abs=0.05)
    assert speech.masking(spoken, np.array([-80.0, -80.0, -80.0, 30.0]), frequency)[:3] == pytest.approx(
        speech.masking(spoken, quiet, frequency)[:3]
    )
