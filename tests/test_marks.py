"""Marks set by hand: nothing is lost or changed, readers do not see each other, an import takes them as they are."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from level_series import LEVELS, export, imported
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.jobs import ImportInputs, import_
from otosome.jobs.marking import AUTOMATIC, marking
from otosome.laboratory.animals import Animals
from otosome.laboratory.intake import intake
from otosome.laboratory.marks import History, SeriesName, Value, add, beside
from otosome.laboratory.traces import traces

SERIES = [
    SeriesName(
        subject=s, ear="left", frequency=f, recorded="2024-05-31", unit="dB", file="a.csv", sha256="ab"
    )
    for s, f in (("m1", 8.0), ("m2", None))
]


def threshold(file, reader, value, series=SERIES[0]):
    return add(file, reader, series=series, quantity="abr_threshold", after=Value(value=value))


def values(history, reader):
    return {place[0]: line.after.value for place, (_, line) in history.standing(reader).items()}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """An import of four level series."""
    home = tmp_path_factory.mktemp("marks")
    imported(home)
    return home


@pytest.fixture
def bench_of(bench, tmp_path):
    """The same, with a history of its own."""
    whole = marking(bench / "import")

    class Beside(type(whole)):
        file = tmp_path / "import.marks.jsonl"

    return Beside(whole.folder, whole.record, whole.traces)


# -- the history


def test_a_new_mark_says_what_stood_before_and_an_undo_brings_it_back(tmp_path):
    file = tmp_path / "h"
    for value in (30.0, 40.0):
        threshold(file, "A", value)
    history = History.read(file)
    assert [(line.before, line.after.value) for line in history.lines.values()] == [
        (None, 30.0),
        (Value(value=30.0), 40.0),
    ]
    add(file, "A", "undo", undoes=2)
    assert values(History.read(file), "A") == {SERIES[0].key: 30.0}
    add(file, "A", "undo", undoes=3)
    assert values(History.read(file), "A") == {SERIES[0].key: 40.0}
    assert len(file.read_text().splitlines()) == 4


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.integers(20, 90), st.just("undo"), st.just("redo")), max_size=12))
def test_undo_and_redo_walk_a_reader_s_marks_as_an_editor_does(tmp_path_factory, steps):
    """Against two stacks, the usual model of an editor."""
    file = tmp_path_factory.mktemp("h") / "h"
    done, back = [], []
    for step in steps:
        history = History.read(file)
        if step == "undo":
            number = history.latest("A")
            assert (number is None) == (not done)
            if done:
                back.append(done.pop())
                add(file, "A", "undo", undoes=number)
        elif step == "redo":
            number = history.recall("A")
            assert (number is None) == (not back)
            if back:
                done.append(back.pop())
                add(file, "A", "undo", undoes=number)
        else:
            done.append(float(step))
            back.clear()
            threshold(file, "A", float(step))
        assert values(History.read(file), "A") == ({SERIES[0].key: done[-1]} if done else {})


def test_what_is_written_is_what_is_read(tmp_path):
    """A threshold of a tone and of a click, below and above all levels, wave I, and none of either."""
    file = tmp_path / "h"
    for series in SERIES:
        for censored in ("none", "above", "below"):
            value = Value(value=30.0, censored=censored)
            add(file, "A", series=series, quantity="abr_threshold", after=value)
            line = History.read(file).standing("A")[series.key, "abr_threshold", None][1]
            assert (line.series, line.after) == (series, value)
        wave = Value(value=1.5, latency=1.4, trough=1.9)
        add(file, "A", series=series, quantity="wave1", level=80.0, after=wave)
        assert History.read(file).standing("A")[series.key, "wave1", 80.0][1].after == wave
        add(file, "A", series=series, quantity="abr_threshold")
    assert {place[1] for place in History.read(file).standing("A")} == {"wave1"}
    assert not History.read(file).damaged


def test_a_line_cut_short_anywhere_is_named_and_all_others_stand(tmp_path):
    file = tmp_path / "h"
    threshold(file, "A", 30.0)
    threshold(file, "A", 40.0, SERIES[1])
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first + 1, len(whole) - 1):
        file.write_bytes(whole[:cut])
        history = History.read(file)
        assert history.damaged == (2,) and "line 2" in history.notes[0]
        assert values(history, "A") == {SERIES[0].key: 30.0}
    number = threshold(file, "A", 50.0)
    history = History.read(file)
    assert number == 3 and history.damaged == (2,)
    assert values(history, "A") == {SERIES[0].key: 50.0}
    assert history.lines[3].before.value == 30.0


def test_writers_at_once_lose_no_line(tmp_path):
    file = tmp_path / "h"
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda n: threshold(file, f"R{n % 4}", 20.0 + n), range(40)))
    history = History.read(file)
    assert sorted(numbers) == list(history.lines) == list(range(1, 41)) and not history.damaged
    assert {line.after.value for line in history.lines.values()} == {20.0 + n for n in range(40)}


@pytest.mark.parametrize(
    "change",
    [
        {"undoes": 9},
        {"does": "erase"},
        {"reader": ""},
        {"reader": "A\u0007"},
        {"to": {"value": "40"}},
        {"to": {"value": 40.0, "because": "x"}},
        {"level": 40.0},
        {"series": None},
        {"otosome": "marks/2"},
    ],
)
def test_a_line_that_says_nothing_clear_is_left_out(tmp_path, change):
    file = tmp_path / "h"
    threshold(file, "A", 30.0)
    line = json.loads(file.read_text())
    assert History.of(json.dumps({**line, "reader": "B"}), "h").readers == ["B"]
    assert History.of(json.dumps(line | change), "h").damaged == (1,)


def test_a_file_of_which_thousands_of_lines_are_no_marks_is_no_history(tmp_path):
    file = tmp_path / "h"
    threshold(file, "A", 30.0)
    whole = file.read_text()
    assert len(History.of("x\n" * 1000 + whole, "h").damaged) == 1000
    with pytest.raises(BadInput, match="no history of marks"):
        History.of("x\n" * 1001 + whole, "h")


def test_nobody_undoes_the_mark_of_another_or_one_that_is_undone(tmp_path):
    file = tmp_path / "h"
    threshold(file, "A", 30.0)
    with pytest.raises(BadInput, match="no current mark of this reader"):
        add(file, "B", "undo", undoes=1)
    add(file, "A", "undo", undoes=1)
    with pytest.raises(BadInput, match="no current mark of this reader"):
        add(file, "A", "undo", undoes=1)
    assert len(file.read_text().splitlines()) == 2
    # Written by hand into the file it is no line either.
    forged = json.dumps({**json.loads(file.read_text().splitlines()[1]), "reader": "B"})
    assert History.of(file.read_text() + forged, "h").damaged == (3,)


def test_a_link_is_not_written_through(tmp_path):
    (tmp_path / "other").write_text("")
    (tmp_path / "h").symlink_to(tmp_path / "other")
    with pytest.raises(BadInput, match="link"):
        threshold(tmp_path / "h", "A", 30.0)
    assert (tmp_path / "other").read_text() == ""


# -- readers


def test_a_blinded_reader_sees_waveforms_and_nothing_of_others(bench_of):
    keys = list(bench_of.traces)
    bench_of.mark("A", keys[0], 40.0)
    bench_of.turn("B", "blind")
    sight = bench_of.sight("B")
    whole = json.dumps([sight["series"], bench_of.changes("B")])
    assert sight["blind"] and sight["readers"] == ["B"]
    assert all(series["automatic"] is None and not series["marks"] for series in sight["series"])
    for secret in ('"A"', '"55"', "a.csv", "55 "):
        assert secret not in whole
    bench_of.mark("B", keys[0], 50.0)
    assert [line["to"].get("value") for line in bench_of.changes("B")] == [50.0, None]
    bench_of.turn("B", "open")
    assert set(bench_of.sight("B")["series"][0]["marks"]) == {"A", "B"}
    assert bench_of.sight("B")["series"][0]["automatic"] is not None


def test_agreement_counts_what_was_marked_blinded_and_follows_from_the_differences(bench_of):
    keys = list(bench_of.traces)
    first, apart = (30.0, 40.0, 50.0, 60.0), (-4.0, 1.0, 7.0, 20.0)
    for key, value in zip(keys, first, strict=True):
        bench_of.mark("A", key, value)
    bench_of.turn("B", "blind")
    for key, value, difference in zip(keys, first, apart, strict=True):
        bench_of.mark("B", key, value + difference)
    bench_of.turn("B", "open")
    bench_of.mark("B", keys[0], 30.0)  # now that A's are known
    shown = bench_of.agreement("A", "B")
    assert shown.bias == pytest.approx(np.mean(apart)) and shown.spread == pytest.approx(
        np.std(apart, ddof=1)
    )
    assert shown.near == (0.5, 0.75) and shown.names == ("B", "A")
    assert bench_of.agreement("B", "A").bias == pytest.approx(-np.mean(apart))
    assert sorted(shown.pairs["difference"]) == sorted(apart)
    bench_of.mark("A", keys[3], "above")
    assert len(bench_of.agreement("A", "B").pairs) == 3
    own = [trace.automatic.threshold.value for trace in list(bench_of.traces.values())[:3]]
    assert bench_of.agreement(AUTOMATIC, "A").bias == pytest.approx(np.mean(np.subtract(first[:3], own)))
    with pytest.raises(BadInput, match="marked nothing"):
        bench_of.agreement("A", "C")


def test_the_lead_s_marks_stand_and_a_blinded_reader_takes_no_lead(bench_of):
    key = next(iter(bench_of.traces))
    bench_of.mark("A", key, 40.0)
    bench_of.turn("B", "blind")
    assert bench_of.history.lead == "A"
    with pytest.raises(BadInput, match="blinded"):
        bench_of.turn("B", "lead")
    bench_of.turn("B", "open")
    bench_of.turn("B", "lead")
    assert bench_of.history.lead == "B"
    with pytest.raises(BadInput, match="does not read blinded"):
        bench_of.turn("B", "open")


@pytest.mark.parametrize("value", [19.0, 91.0, float("nan"), "loud"])
def test_a_threshold_beyond_the_levels_is_refused(bench_of, value):
    with pytest.raises(BadInput):
        bench_of.mark("A", next(iter(bench_of.traces)), value)
    assert not bench_of.history.lines


@pytest.mark.parametrize(
    ("level", "wave"), [(55.0, (1.6, 2.0)), (90.0, (2.0, 1.6)), (90.0, (0.2, 2.0)), (90.0, (1.6, 99.0))]
)
def test_a_wave_that_is_none_is_refused(bench_of, level, wave):
    with pytest.raises(BadInput):
        bench_of.mark("A", next(iter(bench_of.traces)), level=level, wave=wave)
    assert not bench_of.history.lines


def test_wave_one_marked_where_it_was_estimated_is_as_it_was_estimated(bench_of):
    for trace in bench_of.traces.values():
        for level, wave in trace.automatic.waves.items():
            own = trace.wave(level, wave.latency, wave.trough)
            assert own.value == pytest.approx(wave.value, abs=1e-4)
            assert own.latency == pytest.approx(wave.latency, abs=1e-4)


# -- an import with them


def test_the_estimates_that_are_shown_are_those_of_the_import(bench):
    readings = pd.read_parquet(bench / "import" / "readings.parquet")
    table = pd.read_parquet(bench / "import" / "thresholds.parquet")
    whole = marking(bench / "import")
    assert [t.automatic.threshold.value for t in whole.traces.values()] == list(table["value"])
    waves = [w.value for t in whole.traces.values() for w in t.automatic.waves.values()]
    assert sorted(waves) == sorted(readings.loc[readings["quantity"] == "wave1", "value"])
    assert [t.levels.tolist() for t in whole.traces.values()] == [list(LEVELS)] * 4


@pytest.fixture(scope="module")
def applied(bench, tmp_path_factory):
    """The import with marks, the marking they are of, and the tables before and after."""
    home = tmp_path_factory.mktemp("applied")
    shutil.copytree(bench / "import", home / "import")
    whole = marking(home / "import")
    keys = list(whole.traces)
    whole.mark("A", keys[0], 42.5)
    whole.mark("A", keys[1], "above")
    whole.mark("A", keys[2], 33.0)
    whole.undo("A")
    whole.mark("B", keys[3], 20.0)
    whole.mark("A", keys[0], level=90.0, wave=(1.6, 2.05))
    then = _tables(home / "import")
    whole.apply()
    return whole, then, _tables(home / "import")


def _tables(folder):
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in ("readings", "thresholds")}


def test_marks_take_the_place_of_estimates_and_change_nothing_else(applied):
    whole, then, now = applied
    keys = list(whole.traces)

    def of(table, key, quantity="abr_threshold"):
        name = whole.traces[key].name
        own = (table["subject"] == name.subject) & (table["frequency"] == name.frequency)
        return table[own & (table["quantity"] == quantity)] if "quantity" in table else table[own]

    first, second = (of(now["readings"], key).iloc[0] for key in keys[:2])
    assert (first["value"], first["censored"], first["flag"]) == (42.5, "none", "by hand: A")
    assert (first["file"], len(of(now["readings"], keys[0]))) == ("a.csv", 1)
    assert (second["value"], second["censored"]) == (90.0, "above")
    for key in keys[2:]:
        same = [of(table["readings"], key) for table in (then, now)]
        pd.testing.assert_frame_equal(*(table.reset_index(drop=True) for table in same))
    # Estimates stand beside, with the mark as the one by hand.
    assert of(now["thresholds"], keys[0])["manual"].tolist() == [42.5]
    assert list(now["thresholds"]["value"]) == list(then["thresholds"]["value"])
    # Wave I by hand: its amplitude is that of the trace between the two moments.
    trace = whole.traces[keys[0]]
    at = [int(np.abs(trace.time - moment).argmin()) for moment in (1.6, 2.05)]
    waves = of(now["readings"], keys[0], "wave1")
    assert waves["level"].tolist() == [90.0]
    assert waves["value"].iloc[0] == pytest.approx(np.subtract(*trace.responses[-1][at]), abs=1e-4)


def test_marks_applied_are_what_the_command_line_imports(applied, tmp_path):
    whole, _, _ = applied
    exports = whole.inputs().paths[0]
    assert whole.command[:4] == ("otosome", "import", str(exports), str(whole.file))
    import_(ImportInputs(paths=(exports, whole.file), species="mouse", out=tmp_path / "again"))
    names = sorted(
        file.name for file in (tmp_path / "again").iterdir() if file.suffix in (".csv", ".parquet")
    )
    assert "readings.csv" in names
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (whole.folder / name).read_bytes(), name
    # Once more, with the history among the files already.
    again = marking(whole.folder)
    assert again.inputs().paths.count(whole.file.resolve()) == 1
    assert list(again.traces) == list(whole.traces)


def test_a_mark_is_of_its_own_file_s_series_alone(tmp_path):
    """Two sessions of a day in two files: one marked, the other stays as it was estimated."""
    files = [export(tmp_path / name, {"55": {8: 35}}, seed) for name, seed in (("a.csv", 1), ("b.csv", 7))]
    read = intake(files, Catalog(), species="mouse")
    first, second = traces(read.waveforms, read.estimated, {})
    history = beside(tmp_path / "import")
    threshold(history, "A", 50.0, first.name)
    readings = intake([*files, history], Catalog(), species="mouse").readings
    own = readings[readings["quantity"] == "abr_threshold"].set_index("file")["value"]
    assert own.to_dict() == {first.name.file: 50.0, second.name.file: second.automatic.threshold.value}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sha256": "ab"}, "recording is not among"),
        ({"ear": "left"}, "recording is not"),
        ({"unit": "dB SPL"}, "in dB now"),
    ],
)
def test_a_mark_whose_recording_is_not_there_is_refused_by_name(tmp_path, change, reason):
    file = export(tmp_path / "a.csv", {"55": {8: 35}})
    read = intake([file], Catalog())
    (trace,) = traces(read.waveforms, read.estimated, {})
    threshold(beside(tmp_path / "import"), "A", 50.0, trace.name.model_copy(update=change))
    again = intake([file, beside(tmp_path / "import")], Catalog())
    assert [line.reason for line in again.refused if reason in line.reason and "55" in line.place]
    assert again.readings.drop(columns="sha256").equals(read.readings.drop(columns="sha256"))


def test_a_file_that_the_animals_sheet_names_keeps_its_marks_under_the_new_name(tmp_path):
    file = export(tmp_path / "a.csv", {"": {8: 35}})
    read = intake([file], Catalog())
    (trace,) = traces(read.waveforms, read.estimated, {})
    threshold(beside(tmp_path / "import"), "A", 50.0, trace.name)
    sheet = tmp_path / "animals.csv"
    sheet.write_text("subject,file,group\nm7,a.csv,vehicle\n")
    named = intake([file, beside(tmp_path / "import")], Catalog(), Animals.read(sheet)).readings
    own = named[named["quantity"] == "abr_threshold"]
    assert own[["subject", "group", "value"]].to_numpy().tolist() == [["m7", "vehicle", 50.0]]


def test_an_import_without_waveforms_has_nothing_to_mark(tmp_path):
    table = Path(tmp_path / "r.csv")
    table.write_text("subject,quantity,value,unit\nm1,abr_threshold,40,dB SPL\n")
    import_(ImportInputs(paths=(table,), out=tmp_path / "import"))
    with pytest.raises(BadInput, match="no waveforms"):
        marking(tmp_path / "import")
