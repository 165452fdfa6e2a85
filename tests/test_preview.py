"""A preview is the run of the moved study: the same ears, the same numbers, to the last bit."""

from dataclasses import asdict

import pytest

from otosome.answers.contrast import contrast
from otosome.answers.preview import Position, changes, moved, preview, question_of, sliders
from otosome.errors import BadInput
from otosome.forward import Carried, draw, simulate
from otosome.jobs.previewing import PreviewInputs, previews
from otosome.study import Study, load

EARS = 8
STATED = {
    "otosome": "study/1",
    "title": "Vesicles before noise",
    "question": "?",
    "species": "mouse",
    "mechanisms": ["anti_inflammatory"],
    "until": "5 d",
    "insult": {
        "blast": {
            "entry": "noise",
            "level": "106 dB SPL",
            "band": ["8 kHz", "16 kHz"],
            "duration": "2 h",
            "at": ["0 h"],
        },
        "sham": {"entry": "sham_surgery", "at": ["-24 h"]},
    },
    "treatment": {
        "vehicle": {"batch": "vehicle", "route": "round_window", "volume": "2 uL", "at": ["-24 h"]},
        "vesicles": {
            "batch": "example_lot",
            "route": "round_window",
            "volume": "2 uL",
            "at": ["-24 h", "0 h"],
        },
        "null": {
            "batch": "example_lot",
            "route": "round_window",
            "volume": "2 uL",
            "at": ["-24 h"],
            "potency": 0.0,
        },
    },
    "arm": [
        {"name": "a", "insults": ["blast", "sham"], "treatments": ["vehicle"]},
        {"name": "b", "insults": ["blast", "sham"], "treatments": ["vesicles"]},
        {"name": "c", "insults": ["blast", "sham"], "treatments": ["null"]},
    ],
    "measure": {
        "abr": {"endpoint": "abr_threshold", "frequency": ["8 kHz", "16 kHz"], "at": ["1 d", "5 d"]},
        "synapses": {"endpoint": "cell_count", "cell": "synapse", "frequency": ["12 kHz"], "at": ["5 d"]},
    },
    "compare": {"measure": "abr", "of": "b", "against": "a"},
}


@pytest.fixture(scope="module")
def study():
    return Study.of(STATED)


@pytest.fixture(scope="module")
def ears(study):
    return draw(study, EARS, seed=3)


@pytest.mark.parametrize("position", [Position(-24.0), Position(48.0, 10.0, 3.0)])
def test_a_preview_is_the_run_of_the_moved_study_to_the_last_bit(study, ears, position):
    shown = preview(study, ears, position)
    there = moved(study, position)
    run = simulate(there, draw(there, EARS, seed=3), keep=())
    assert asdict(shown.contrast) == asdict(contrast(there, run, "abr", "b", "a"))
    for answer in shown.arms:
        values = run[answer.measure].sel(arm=answer.arm, time=answer.time, frequency=answer.frequency)
        assert answer.value.exact.median == values.quantile(0.5).item()
    assert {(a.measure, a.arm) for a in shown.arms} == {(m, arm) for m in ("abr", "synapses") for arm in "ab"}


def test_solutions_that_are_shared_change_nothing(study, ears):
    position, carried = Position(-24.0, 3.0, 3.0), Carried()
    preview(study, ears, Position(-24.0, 3.0, 0.3), carried)
    solved = carried.solved
    assert preview(study, ears, position, carried) == preview(study, ears, position)
    assert carried.solved == solved


def test_where_the_study_stands_nothing_is_changed(study):
    assert changes(study, sliders(study).start) == {}
    assert moved(study, sliders(study).start) == study


def test_treatments_and_operations_move_together_and_noise_stays(study):
    stated = changes(study, Position(48.0))
    assert {key: values["at"] for key, values in stated.items()} == {
        ("treatment", "vehicle"): ["2 d"],
        ("treatment", "vesicles"): ["2 d", "3 d"],
        ("treatment", "null"): ["2 d"],
        ("insult", "sham"): ["2 d"],
    }


def test_the_dose_is_that_of_the_batch_and_the_potency_that_of_the_treated_arm(study):
    stated = changes(study, Position(-24.0, 3.0, 0.5))
    nominal = (
        float(
            study.batch("example_lot").columns(
                {name: [p.value] for name, p in study.parameters.items()}, "mouse"
            )["particles"][0]
        )
        * 2.0
    )
    assert stated == {
        ("treatment", "vesicles"): {"amount": f"{3 * nominal:.4g} particles", "potency": 0.5},
        ("treatment", "null"): {"amount": f"{3 * nominal:.4g} particles"},
    }


def test_no_dose_is_after_the_end_and_nearest_places_come_first(study):
    places = sliders(study)
    # The second dose follows a day after the first and before the end, on day 4.
    assert max(places.days) == 72.0 and places.start == Position(-24.0)
    with pytest.raises(BadInput, match="is no place"):
        places.check(Position(97.0))
    order = list(places.near(places.start))
    assert order[0] == places.start and len(set(order)) == len(order)
    assert len(order) == len(places.days) + len(places.doses) + len(places.potencies) - 2
    assert [p.day for p in order[1:3]] == [-48.0, 0.0]


def test_a_study_that_compares_nothing_or_gives_nothing_is_refused(study):
    with pytest.raises(BadInput, match="gives no vesicles"):
        question_of(Study.of({key: value for key, value in STATED.items() if key != "compare"}))
    with pytest.raises(BadInput, match="gives no vesicles"):
        question_of(
            Study.of(
                STATED
                | {
                    "arm": [*STATED["arm"], {"name": "n", "insults": ["blast"]}],
                    "compare": {"measure": "abr", "of": "n", "against": "a"},
                }
            )
        )


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Previews of a study file, filled."""
    import tomli_w

    home = tmp_path_factory.mktemp("preview")
    stated = {**STATED, "until": "0 d", "measure": {"abr": {**STATED["measure"]["abr"], "at": ["0 d"]}}}
    stated["treatment"] = {n: {**t, "at": t["at"][:1]} for n, t in STATED["treatment"].items()}
    (home / "s.toml").write_text(tomli_w.dumps(stated))
    return previews(PreviewInputs(study=str(home / "s.toml"), folder=home / "kept", subjects=EARS, seed=3))


def test_what_is_kept_is_what_was_computed_and_a_line_cut_short_is_computed_again(bench, monkeypatch):
    from otosome.answers import preview as module

    monkeypatch.setattr(module, "DOSES", (1.0, 10.0))
    monkeypatch.setattr(module, "POTENCIES", (0.0, 1.0))
    start = bench.sliders.start
    assert bench.answers() == {} and bench.window(start) is None
    bench.fill(start)
    whole = bench.answers()
    assert set(whole) == set(bench.sliders.near(start))
    there = Position(-48.0)
    shown = asdict(preview(bench.study, bench.ears, there))
    assert whole[there]["contrast"]["benefit"]["exact"] == shown["contrast"]["benefit"]["exact"]
    assert bench.window(start)["doses"] == list(bench.sliders.days)
    text = bench.file.read_text()
    bench.file.write_text(text[:-40])
    assert len(bench.answers()) == len(whole) - 1
    bench.fill(start)
    assert bench.answers() == whole


def test_a_preview_is_written_as_a_study_that_runs_to_the_same(bench, tmp_path):
    position = Position(-48.0, 10.0, 3.0)
    file = bench.write(position, tmp_path / "there.toml")
    there = load(file)
    assert there.tables == moved(load(bench.inputs.study), position).tables
    with pytest.raises(BadInput):
        bench.write(position, file)


def test_another_number_seed_or_prior_is_kept_apart(bench):
    study, folder = bench.inputs.study, bench.inputs.folder
    others = [
        PreviewInputs(study=study, folder=folder, subjects=EARS, seed=4),
        PreviewInputs(study=study, folder=folder, subjects=EARS + 1, seed=3),
        PreviewInputs(study=study, folder=folder, subjects=EARS, seed=3, prior="sceptic"),
    ]
    assert len({bench.key, *(previews(inputs).key for inputs in others)}) == 4
