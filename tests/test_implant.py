"""An electrode's words and a graft's vesicles: laws, and the published figures they were set on or can miss."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from otosome.catalog import get
from otosome.evidence import draw_columns
from otosome.forward import draw, simulate
from otosome.model import transport
from otosome.model.injury import KINDS, Cells
from otosome.review.qualification import qualify
from otosome.roles import Ear
from otosome.study import loads

PEOPLE = 20_000
DAY = 24.0
LATE = np.array([5.0 * 365.0 * DAY])


def implant(people=PEOPLE, known=True):
    """An implant of people who differ; of what is not known each has a draw of their own, unless it is ``known``."""
    entry = get("devices", "cochlear_implant")
    parameters = entry.parameters("human").values()
    if known:
        parameters = [dataclasses.replace(p, low=p.value, high=p.value, shape="fixed") for p in parameters]
    return entry.bind(draw_columns(parameters, 1, 0, people, 1), "human")


def best(**options):
    parameters = get("devices", "cochlear_implant").parameters("human").values()
    return get("devices", "cochlear_implant").bind(
        {p.name: np.array([p.value]) for p in parameters}, "human", **options
    )


def ear_of(people=1):
    place = (np.arange(40) + 0.5) / 40
    return Ear("human", place, 20.0 * 10.0 ** (-2.1 * place), np.full(people, 31.5), {})


def cells_with(neurons):
    """Cells of which only neurons are told: shares by (subject, time, place)."""
    whole = np.ones_like(neurons)
    none = dict.fromkeys(KINDS, np.zeros_like(neurons))
    return Cells(dict.fromkeys(KINDS, whole) | {"sgn": neurons}, none, none, whole, {})


def scores(device, came, now=None):
    """Words of each person after all learning, where neurons are ``came`` and then ``now``."""
    return device.understood(came[:, None], (came if now is None else now)[:, None])[:, 0]


def survivors(people=PEOPLE, seed=1):
    """Shares of neurons of deaf ears: about half, spread by half."""
    return np.clip(0.45 * np.exp(np.random.default_rng(seed).normal(0.0, 0.5, people)), 0.0, 1.0)


def test_no_sound_before_activation_and_then_words_are_learned_towards_a_plateau():
    device, ear = best(), ear_of()
    since = np.concatenate([[-DAY, 0.0, 27.0 * DAY], np.geomspace(29.0, 2000.0, 30) * DAY])
    words = device.electric(ear, cells_with(np.full((1, since.size, 40), 0.5)), since)[0]
    assert np.all(words[:3] == 0.0)
    assert np.all(np.diff(words[3:]) > 0)
    # Two exponentials between the first sound, whose odds are a part of all, and all learning.
    days = np.array([10.0, 100.0, 700.0])
    heard = device.electric(ear, cells_with(np.full((1, 3, 40), 0.5)), (28.0 + days) * DAY)[0]
    most = device.electric(ear, cells_with(np.full((1, 1, 40), 0.5)), np.array([1e7 * DAY]))[0].item()
    ceiling, part, soon, lasting, late = (
        getattr(device, n).item() for n in ("ceiling", "immediate", "learning", "lasting", "late_learning")
    )
    odds = part * most / (ceiling - most)
    first = ceiling * odds / (1.0 + odds)
    left = (1 - lasting) * np.exp(-days * DAY / soon) + lasting * np.exp(-days * DAY / late)
    assert heard == pytest.approx(most - (most - first) * left, rel=1e-9)


def test_a_good_user_is_good_from_the_first_day_and_learns_for_more_than_a_year():
    ear, since = ear_of(), np.array([29.0, 28.0 + 365.0, 28.0 + 3 * 365.0]) * DAY
    poor, good = (
        replace(best(), person=np.full((1, 1, 1), z)).electric(
            ear, cells_with(np.full((1, 3, 40), 0.5)), since
        )[0]
        for z in (-1.0, 2.0)
    )
    # A fifth of all words and a quarter of what will be, where a poor user begins next to none.
    assert good[0] > 0.2 and good[0] / good[2] > 0.25
    assert poor[0] < 0.05 and poor[0] / poor[2] < 0.15
    assert poor[2] - poor[1] > 0.01


def test_no_neuron_no_word_and_more_neurons_never_fewer_words():
    device, ear = best(arrived=cells_with(np.full((1, 1, 40), 0.6))), ear_of()
    shares = np.linspace(0.0, 1.0, 21)[None, :, None] * np.ones((1, 21, 40))
    words = device.electric(ear, cells_with(shares), np.full(21, LATE[0]))[0]
    assert words[0] == 0.0
    assert np.all(np.diff(words) > 0)
    assert np.all(words <= np.ravel(device.ceiling))
    nothing = best(arrived=cells_with(np.zeros((1, 1, 40))))
    assert nothing.electric(ear, cells_with(np.zeros((1, 1, 40))), LATE) == 0.0


def test_only_neurons_that_the_electrode_reaches_count():
    ear, apical = ear_of(), np.full((1, 1, 40), 0.5)
    apical[:, :, 30:] = 0.0
    short, long = best(depth=20.0), best(depth=31.0)
    assert short.reached(ear, cells_with(apical)) == pytest.approx(0.5)
    assert long.reached(ear, cells_with(apical)) < 0.4
    # A depth short of the first place still meets that place.
    assert best(depth=0.01).reached(ear, cells_with(apical)) == 0.5


def test_three_in_four_adults_understand_more_than_42_percent_of_words():
    words = scores(implant(), survivors())
    heard = np.random.default_rng(1).binomial(50, words) / 50
    # Boisvert 2020 (E4); what was set on it is the median of this very distribution.
    assert np.mean(heard > 0.42) == pytest.approx(0.75, abs=0.02)
    # 21.9 points in 48 implants (O'Connell 2017), chance in a list included.
    assert 100.0 * heard.std() == pytest.approx(21.9, abs=1.5)


def test_between_people_words_hardly_go_with_neurons():
    came = survivors()
    words = np.random.default_rng(2).binomial(50, scores(implant(), came)) / 50
    assert 0.0 < np.corrcoef(came, words)[0, 1] < 0.2


def two_ears(device, people, seed):
    """Differences of neurons (by a third) and of scores on 50 words between the two ears of each person."""
    rng = np.random.default_rng(seed)
    middle = survivors(people, seed)
    apart = np.exp(rng.normal(0.0, 0.33 / np.sqrt(2.0), (2, people)))
    ears = [
        dataclasses.replace(device, ear=rng.normal(size=(people, 1, 1)), path=rng.normal(size=(people, 1, 1)))
        for _ in range(2)
    ]
    neurons = [middle * a for a in apart]
    heard = [rng.binomial(50, scores(one, middle, now)) / 50 for one, now in zip(ears, neurons, strict=True)]
    return neurons[1] - neurons[0], heard[1] - heard[0]


def test_of_two_ears_of_one_person_the_one_with_more_neurons_hears_better():
    assert np.corrcoef(*two_ears(implant(), PEOPLE, 3))[0, 1] > 0.4
    # In groups of six, each a draw of all that is not known, the published 0.934 (E8) is no rare thing.
    groups = [two_ears(with_one_world(6, seed), 6, seed) for seed in range(300)]
    found = np.array([np.corrcoef(*pair)[0, 1] for pair in groups])
    low, high = np.quantile(found, [0.05, 0.95])
    assert low < 0.934 < high
    assert high - low > 0.5, "six people tell little"


def with_one_world(people, seed):
    entry = get("devices", "cochlear_implant")
    return entry.bind(draw_columns(entry.parameters("human").values(), seed, 0, people, people), "human")


def test_an_electrode_that_left_the_scala_tympani_gives_fewer_words():
    inside, outside = (dataclasses.replace(best(), path=np.full((1, 1, 1), z)) for z in (1.0, -3.0))
    came = np.array([0.5])
    assert scores(outside, came) < scores(inside, came)


def test_it_amplifies_nothing_and_a_graft_has_no_electrode():
    level = np.full((1, 2, 3), 60.0)
    graft = grafted()
    assert not np.any(best().gain(level, np.ones(3))) and not np.any(graft.gain(level, np.ones(3)))
    assert graft.electric(ear_of(), cells_with(np.ones((1, 1, 40))), LATE) is None


def grafted(**changed):
    parameters = get("devices", "cell_graft").parameters("human").values()
    told = {p.name.rpartition(".")[2]: p.value for p in parameters} | changed
    return get("devices", "cell_graft").bind(
        {f"devices.cell_graft.{key}": np.array([value]) for key, value in told.items()}, "human"
    )


@dataclasses.dataclass(frozen=True)
class Anywhere:
    subjects: int = 1


def test_a_graft_secretes_what_its_living_cells_do_in_their_lifetime():
    graft = grafted(taken=0.2, secretion=50.0, half_life=100.0)
    dose = transport.Dose(-24.0, -24.0, np.array([[6e4], [4e4]]), np.zeros(1))
    (flow,) = graft.flows(dose, Anywhere())
    assert flow.start == flow.stop == -24.0 and not flow.displaces
    # N s / k in all, and N s an hour at first, whatever the classes.
    assert np.allclose(flow.amount.sum(axis=0), 0.2 * 1e5 * 50.0 * 100.0 / np.log(2.0))
    assert np.allclose((flow.amount * flow.release).sum(axis=0), 0.2 * 1e5 * 50.0)
    assert np.allclose(flow.amount[0] / flow.amount[1], 1.5)


def test_a_coat_gives_off_all_that_is_on_it_along_the_electrode():
    device = best()
    dose = transport.Dose(0.0, 0.0, np.array([[3e8], [6e8]]), np.zeros(1))
    flows = device.flows(dose, Anywhere())
    assert np.allclose(sum(flow.amount for flow in flows), dose.amount)
    assert [flow.at for flow in flows] == list(device.coated)
    assert all(flow.into == "scala_tympani" and not flow.displaces for flow in flows)


COATED = """
otosome = "study/1"
species = "human"
[population]
entry = "otologically_normal"
sex = "both"
age = ["60 year", "80 year"]
[device.bare]
entry = "cochlear_implant"
depth = "20 mm"
[device.coated]
entry = "cochlear_implant"
depth = "20 mm"
batch = "example_lot"
amount = "1e9 particles"
[[arm]]
name = "bare"
devices = ["bare"]
[[arm]]
name = "coated"
devices = ["coated"]
[measure.words]
endpoint = "word_score"
material = "nu6"
at = ["21 d"]
"""


def test_a_coated_electrode_brings_its_vesicles_by_the_same_way_as_any_dose():
    study = loads(COATED)
    result = simulate(study, draw(study, 4, seed=1), workers=1)
    reached = result["vesicles"]
    assert not np.any(reached.sel(arm="bare"))
    assert np.all(reached.sel(arm="coated").max("place") > 0)
    # Where the coat lies they are more than beside it.
    for place in get("devices", "cochlear_implant").card.stated["coated"]:
        beside, here, beyond = (
            reached.sel(arm="coated").sel(place=place + off, method="nearest") for off in (-0.06, 0.0, 0.06)
        )
        assert np.all(here > beside) and np.all(here > beyond)
    assert np.all(result["mass_balance_error"] < 1e-10)
    # They may be answered as any dose is.
    bare, coated = (study.adverse_events(study.arm(name)) for name in ("bare", "coated"))
    assert coated == bare | {"vesicle_reaction": 1}
    # What vesicles save is never negative: same ears, same electrode.
    saved = result["cells"].sel(arm="coated") - result["cells"].sel(arm="bare")
    assert saved.min() >= -1e-6


def test_published_cases_of_implants_come_out_as_they_did_or_say_why_not():
    rows = {row.id: row for row in qualify(["ear:E4", "ear:E5", "ear:E8", "ear:E10"], worlds=6)}
    agree = {"ear:E4", "ear:E4.gain", "ear:E4.early", "ear:E5", "ear:E10", "ear:E10.s12"}
    assert {rows[row].verdict for row in agree} == {"agrees"}
    # A review's lower quartile is another clinic's mean: both cannot be met.
    assert rows["ear:E4.mean"].simulated["median"] > rows["ear:E4.mean"].measured["value"]
    assert rows["ear:E4.mean"].why
    # Six people: the published correlation is possible, and so is nearly any other.
    six = rows["ear:E8"].simulated
    assert six["high"] - six["low"] > 0.4
