"""``otosome trial``: designs from files, what is refused before any work, what a laboratory's own readings say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError
from typer.testing import CliRunner

from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.laboratory import cohorts
from otosome.trials import own_spread
from otosome.trials.answer import answer
from otosome.trials.kinds import Span
from otosome.trials.reading import TEMPLATES, read_design

CATALOG = Catalog()
MINE = """
design = "animal_experiment"
difference = ["10 dB"]
frequencies = ["8 kHz", "16 kHz"]
spread = "12 dB"
ear_correlation = "54 %"
frequency_correlation = "80 %"
day_correlation = "70 %"
"""


def design(tmp_path, text, name="mine.toml"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


def value(plan, name):
    return next(row.value for part in plan.parts for row in part.lines if row.name == name)


def otosome(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_the_template_is_begun_and_answered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert otosome("new", "trial").exit_code == 0
    alone = json.loads(otosome("trial", "my_trial.toml", "--formula", "--json").stdout)
    assert alone["out"] is None
    assert not (tmp_path / "results").exists()
    folder = tmp_path / "results" / "my_trial-trial"
    done = otosome("trial", "my_trial.toml", "--formula", "--json", "--out", folder)
    assert done.exit_code == 0, done.output
    (mine,) = json.loads(done.stdout)["result"]["designs"]
    assert alone["result"]["designs"] == [mine]
    assert {file.name for file in folder.iterdir()} == {
        "answer.json",
        "my_trial.toml",
        "figures",
        "grounds.json",
        "otosome.json",
        "report.html",
    }
    curve = pd.read_csv(folder / "figures" / "my_trial_power.csv")
    assert mine["plan"]["n"]["each group"] > 0
    assert (curve.groupby("series")["y"].diff().dropna() >= 0).all()
    assert "xmlns" in (folder / "figures" / "my_trial_power.svg").read_text(encoding="utf-8")[:200]
    assert otosome("show", folder).exit_code == 0
    assert otosome("check", folder).exit_code == 0


def test_a_size_by_formula_loads_nothing_that_takes_a_second(tmp_path):
    file = design(tmp_path, MINE)
    program = (
        "import sys\nsys.argv = ['otosome', 'trial', sys.argv[1], '--formula']\n"
        "from otosome.cli import main\ntry:\n    main()\nexcept SystemExit as done:\n    assert done.code == 0\n"
        "print('loaded', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True, timeout=120
    )
    loaded = set(done.stdout.split("loaded", 1)[1].split())
    assert loaded.isdisjoint({"scipy.stats", "scipy.optimize", "pandas", "numba", "matplotlib", "xarray"})
    assert "Power: power by animals a group, read" in done.stdout


def test_designs_stand_side_by_side(tmp_path):
    first, other = design(tmp_path, MINE), design(tmp_path, MINE.replace("12 dB", "24 dB"), "other.toml")
    done = otosome("trial", first, other, "--formula", "--json", "--out", tmp_path / "out")
    sizes = [each["plan"]["n"]["each group"] for each in json.loads(done.stdout)["result"]["designs"]]
    assert 3.5 < sizes[1] / sizes[0] < 4.5
    assert "Designs side by side" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_changed_design_no_longer_stands_and_is_answered_again(tmp_path):
    file = design(tmp_path, MINE)
    assert otosome("trial", file, "--formula", "--out", tmp_path / "out").exit_code == 0
    file.write_text(MINE.replace("12 dB", "24 dB"), encoding="utf-8")
    done = otosome("check", tmp_path / "out", "--rerun", "--json")
    (row,) = json.loads(done.stdout)["result"]["rows"]
    assert row["stands"] is False
    assert (Path(row["rerun"]) / "report.html").is_file()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("animal_experiment", "crossover", "mine.toml: design: is not known"),
        ('difference = ["10 dB"]', 'difference = ["0 dB"]', "no size finds a difference that is not there"),
        ('difference = ["10 dB"]', 'difference = ["10 kHz"]', "expected one convertible to dB"),
        ('difference = ["10 dB"]', 'difference = ["10 %"]', "spread: is of another kind than the difference"),
        ('difference = ["10 dB"]', 'difference = ["1 dB", "2 dB", "3 dB"]', "one for all frequencies"),
        ('difference = ["10 dB"]', 'difference = ["0.001 dB"]', "no group of up to 2000 animals reaches this power"),
        ('difference = ["10 dB"]', "", "difference: is missing"),
        ("[", 'ears = 3\n[', "ears"),
        ('spread = "12 dB"', 'spread = "0 dB"', "spread: must lie from"),
        ('spread = "12 dB"', 'spraed = "12 dB"', "spraed"),
        ('spread = "12 dB"', 'power = 0.01\nspread = "12 dB"', "power: is reached by chance alone"),
        ('spread = "12 dB"', 'attrition = "95 %"\nspread = "12 dB"', "attrition: must lie from 0 to 0.9"),
        ('spread = "12 dB"', 'alpha = 1e-12\nspread = "12 dB"', "alpha: should be greater than or equal to 0.000001"),
        ('spread = "12 dB"', 'attrition = "100 %"\nspread = "12 dB"', "attrition: must lie from 0 to 0.9"),
        ('spread = "12 dB"', 'power = 1.0\nspread = "12 dB"', "power: should be less than 1"),
        ('spread = "12 dB"', 'published = 1\nspread = "12 dB"', "published: should be greater than or equal to 2"),
        ('spread = "12 dB"', 'allocation = 10\nspread = "12 dB"', "allocation: is not a key here"),
        ('spread = "12 dB"', 'species = "axolotl"\nspread = "12 dB"', "species: is not known"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_its_file_and_key(tmp_path, old, new, message):
    text = MINE.replace(old, new, 1) if old != "[" else f"ears = 3\n{MINE}"
    done = otosome("trial", design(tmp_path, text), "--formula", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert message in done.output
    assert "mine.toml" in done.output
    assert not (tmp_path / "out").exists()


def test_a_number_the_file_does_not_state_is_the_shelfs_and_is_named(tmp_path):
    question = read_design(design(tmp_path, MINE.replace('spread = "12 dB"\n', "")), CATALOG)
    number = CATALOG.get("designs", "animal_experiment").card.parameter("spread", "mouse")
    assert question.design.spread == number.value
    assert "spread 19.9 dB (computed, cba_jrj_2021)" in question.notes[0]


def import_folder(tmp_path, animals=30, seed=3, sd=12.0, ear=0.5, tone=0.8):
    """Readings as import writes them: two groups far apart, both ears, three frequencies."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(animals):
        group = ("control", "noise")[number % 2]
        shared, own = random.standard_normal(4), random.standard_normal((2, 4))
        for side, name in enumerate(("left", "right")):
            mixed = np.sqrt(ear) * shared + np.sqrt(1 - ear) * own[side]
            for tone_number, frequency in enumerate((8.0, 16.0, 32.0)):
                off = np.sqrt(tone) * mixed[3] + np.sqrt(1 - tone) * mixed[tone_number]
                rows.append(
                    {
                        "subject": f"m{number}", "ear": name, "group": group, "time": 336.0,
                        "quantity": "abr_threshold", "frequency": frequency,
                        "value": (30.0 if group == "control" else 70.0) + sd * off,
                        "unit": "dB SPL", "level": np.nan, "censored": "none",
                    }
                )  # fmt: skip
    folder = tmp_path / "import"
    folder.mkdir()
    pd.DataFrame(rows).to_parquet(folder / "readings.parquet", index=False)
    return folder


OWN = """
design = "animal_experiment"
difference = ["10 dB"]
frequencies = ["8 kHz", "16 kHz"]
[spread_from]
folder = "import"
quantity = "abr_threshold"
"""


def test_a_laboratorys_own_spread_is_that_of_its_animals_and_not_of_its_groups(tmp_path):
    import_folder(tmp_path, animals=400)
    mine = read_design(design(tmp_path, OWN), CATALOG).design
    # 400 animals: standard errors of 4 % and 0.04.
    assert float(mine.spread) == pytest.approx(12.0, rel=0.08)
    assert float(mine.ear_correlation) == pytest.approx(0.5, abs=0.1)
    assert float(mine.frequency_correlation) == pytest.approx(0.8, abs=0.06)
    low, high = map(float, mine.spread_range)
    assert low < float(mine.spread) < high


def test_a_design_says_what_the_error_of_reading_costs(tmp_path):
    shelf, six, none = (
        answer(read_design(design(tmp_path, MINE + more), CATALOG)).plan
        for more in ("", 'reading_error = "6 dB"\n', 'reading_error = "13 dB"\n')
    )
    # Of 12 dB, two tones at 0.8: a mean of variance 129.6 dB2, of which 3.6 dB read twice leave 6.5 and 6 dB 18.
    share = "share of its variance that is reading, {} each"
    assert value(shelf, share.format("3.6 dB")) == pytest.approx(3.6**2 / 2 / 129.6)
    assert value(six, share.format("6 dB")) == pytest.approx(18 / 129.6)
    exact = "animals a group, were readings without error"
    assert value(six, exact) < value(shelf, exact) < shelf.n["each group"] == six.n["each group"]
    # A mean of two readings of 13 dB has 84.5: still less than the whole.
    assert value(none, exact) < value(six, exact)


def test_a_reading_error_beyond_the_whole_spread_says_nothing_and_one_of_none_is_refused(tmp_path):
    plan = answer(read_design(design(tmp_path, f'{MINE}reading_error = "17 dB"\n'), CATALOG)).plan
    with pytest.raises(StopIteration):
        value(plan, "animals a group, were readings without error")
    with pytest.raises(BadInput):
        read_design(design(tmp_path, f'{MINE}reading_error = "0 dB"\n'), CATALOG)


RUNS = 'run_animals = 5\nrun_share = "67 %"\n'


def test_a_design_counts_runs_and_says_so(tmp_path):
    alone, apart, blocked = (
        answer(read_design(design(tmp_path, MINE + more), CATALOG)).plan
        for more in ("", RUNS, f'{RUNS}runs = "blocked"\n')
    )
    assert any("not split" in note for note in alone.notes)
    assert not apart.notes
    assert apart.n["each group"] > 3 * alone.n["each group"]
    assert alone.n["each group"] > 2 * blocked.n["each group"]
    assert f"in {apart.n['each group'] // 5} exposure runs of 5 a group" in apart.headline
    assert value(apart, "design effect of runs") == pytest.approx(1 + 4 * 0.67)
    assert value(apart, "animals a group, were runs not split") == alone.n["each group"]
    assert value(apart, "animals a group, if every run held every group") == blocked.n["each group"]
    assert value(blocked, "animals a group, if each group had runs of its own") == apart.n["each group"]
    assert "The exposure run is the unit of the test" in apart.analysis
    # Six animals show less where they were exposed together: 12 dB grow by the root of the design effect.
    shown = "smallest difference seen that is significant"
    assert value(apart, shown) == pytest.approx(value(alone, shown) * np.sqrt(1 + 4 * 0.67))


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("run_animals = 5\n", "run_share"),
        ('run_share = "67 %"\n', "run_animals"),
        ('runs = "blocked"\n', "run_animals"),
        ('run_animals = 5\nrun_share = "100 %"\n', "run_share"),
        ('run_animals = 0\nrun_share = "67 %"\n', "run_animals"),
        (f'{RUNS}runs = "together"\n', "runs"),
    ],
)
def test_runs_that_are_half_stated_or_impossible_are_refused(tmp_path, more, key):
    with pytest.raises(BadInput) as refusal:
        read_design(design(tmp_path, MINE + more), CATALOG)
    assert refusal.value.key == key


def own_runs(folder, sheet):
    """The import's table of spreads, as import writes it beside its readings."""
    readings = pd.read_parquet(folder / "readings.parquet").assign(flag="")
    cohorts.spread(readings, cohorts.Runs(sheet, "run" if sheet else "")).to_csv(
        folder / "spread.csv", index=False
    )


def test_a_laboratorys_own_runs_are_counted_and_files_without_any_say_not_split(tmp_path):
    folder = import_folder(tmp_path, animals=400, ear=0.99, tone=0.99)
    file, random = folder / "readings.parquet", np.random.default_rng(3)
    rows = pd.read_parquet(file)
    runs = {f"m{k}": f"{k % 2}-{k // 10}" for k in range(400)}
    of_runs = {run: 12.0 * random.standard_normal() for run in sorted(set(runs.values()))}
    rows["value"] += rows["subject"].map(runs).map(of_runs)
    rows.to_parquet(file, index=False)
    question = read_design(design(tmp_path, OWN), CATALOG)
    assert question.design.exposed is None
    assert any("not split" in note for note in question.notes)
    own_runs(folder, {})
    assert read_design(design(tmp_path, OWN), CATALOG).design.exposed is None
    own_runs(folder, runs)
    question = read_design(design(tmp_path, OWN), CATALOG)
    exposed = question.design.exposed
    # As much between runs as within them, of 40 runs a group: a standard error of 6 points.
    assert exposed.animals == 5
    assert exposed.share == pytest.approx(0.5, abs=0.12)
    assert any("exposure runs of some 5 animals (by run)" in note for note in question.notes)
    at_another_time = OWN.replace('"abr_threshold"', '"abr_threshold"\ntime = 336.0')
    assert read_design(design(tmp_path, at_another_time), CATALOG).design.exposed == exposed


def test_the_range_of_a_spread_covers_the_true_one_nine_times_in_ten(tmp_path):
    covered = 0
    for seed in range(40):
        (tmp_path / str(seed)).mkdir()
        import_folder(tmp_path / str(seed), animals=12, seed=seed)
        low, high = read_design(design(tmp_path / str(seed), OWN), CATALOG).design.spread_range
        covered += float(low) < 12.0 < float(high)
    # Of 40, at 90 %: 36 give or take 2; readings of one animal add, so it covers a little more.
    assert covered >= 31


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"import"', '"nowhere"'), "readings.parquet: is not there"),
        (lambda text: text.replace("abr_threshold", "dpoae"), "was not imported"),
        (lambda text: f"{text}time = 5.0\n", "nothing was read then"),
        (lambda text: text.replace("[spread", 'spread = "12 dB"\n[spread'), "is stated, and read from"),
    ],
    ids=["folder", "quantity", "time", "stated twice"],
)
def test_own_readings_that_do_not_fit_are_refused(tmp_path, change, message):
    import_folder(tmp_path)
    with pytest.raises(BadInput, match=message):
        read_design(design(tmp_path, change(OWN)), CATALOG)


def test_a_table_that_lacks_a_column_or_is_larger_than_any_laboratorys_is_refused(tmp_path, monkeypatch):
    folder = import_folder(tmp_path)
    file = folder / "readings.parquet"
    whole = pd.read_parquet(file)
    whole.drop(columns="censored").to_parquet(file, index=False)
    with pytest.raises(BadInput, match="not a table of readings") as wrong:
        read_design(design(tmp_path, OWN), CATALOG)
    assert wrong.value.key.endswith("censored")
    whole.to_parquet(file, index=False)
    monkeypatch.setattr(own_spread, "MOST_ROWS", len(whole))
    read_design(design(tmp_path, OWN), CATALOG)
    monkeypatch.setattr(own_spread, "MOST_ROWS", len(whole) - 1)
    with pytest.raises(BadInput, match="not a table of readings"):
        read_design(design(tmp_path, OWN), CATALOG)


def test_too_few_animals_say_nothing_of_their_spread(tmp_path):
    import_folder(tmp_path, animals=3)
    with pytest.raises(BadInput, match="too few animals"):
        read_design(design(tmp_path, OWN), CATALOG)


def test_the_templates_numbers_are_worked_out_once_more(tmp_path):
    plan = answer(read_design(TEMPLATES / "animal_experiment.toml", CATALOG)).plan
    read, entered = (value(plan, f"animals a group, {word}") for word in ("read", "entered"))
    # 19.9 dB, three frequencies at 0.81: the mean spreads by 19.9 sqrt((1 + 2 x 0.81) / 3) = 18.60 dB.
    assert value(plan, "spread between animals of what is tested") == pytest.approx(18.597, abs=1e-3)
    assert entered == np.ceil(read / 0.9)


def test_a_lot_that_is_not_there_is_refused_before_any_work(tmp_path):
    text = MINE + (
        '[simulate]\nstudy = "noise_mouse"\ntreated = "106 dB + vesicles"\ncontrol = "106 dB + vehicle"\n'
        'measure = "abr"\nat = "14 d"\nn = 6\nbatch = "nowhere.toml"\n'
    )
    with pytest.raises(BadInput, match=r"nowhere\.toml"):
        read_design(design(tmp_path, text), CATALOG)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda rows: rows.drop(columns=["ear"]), "ear"),
        (lambda rows: pd.concat([rows, rows.head(1)]), "rows"),
    ],
    ids=["a column missing", "too many rows"],
)
def test_a_file_that_is_no_table_of_readings_or_too_long_is_refused(tmp_path, monkeypatch, change, key):
    file = import_folder(tmp_path) / "readings.parquet"
    rows = pd.read_parquet(file)
    monkeypatch.setattr(own_spread, "MOST_ROWS", len(rows))
    read_design(design(tmp_path, OWN), CATALOG)
    change(rows).to_parquet(file, index=False)
    with pytest.raises(BadInput, match="is not a table of readings") as refusal:
        read_design(design(tmp_path, OWN), CATALOG)
    assert refusal.value.key == key


def test_ears_that_are_one_correlate_wholly_and_mirrored_ones_not_at_all():
    """Of pairs (x, x) the intraclass correlation is 1, of (x, -x) -1, of (x, y) that of Fisher's own sum."""
    x, y = np.array([1.0, -2.0, 3.0, -2.0]), np.array([2.0, 1.0, -4.0, 1.0])

    def correlation(first, second):
        rows = [
            {
                "subject": f"m{k}",
                "group": "a",
                "time": 0.0,
                "level": 0.0,
                "frequency": 8.0,
                "ear": ear,
                "off": off,
            }
            for ear, values in (("left", first), ("right", second))
            for k, off in enumerate(values)
        ]
        return own_spread._correlation(pd.DataFrame(rows), "ear")

    assert correlation(x, x) == pytest.approx(1.0)
    assert correlation(x, -x) == pytest.approx(-1.0)
    # Either order of every pair: the plain correlation of all pairs and all pairs turned round.
    both = np.corrcoef(np.concatenate([x, y]), np.concatenate([y, x]))[0, 1]
    assert correlation(x, y) == correlation(y, x) == pytest.approx(both)
    assert correlation(x[:3], y[:3]) is None  # three pairs are too few


def test_a_deviation_of_few_animals_is_that_of_a_sample_and_its_range_that_of_chi_square(tmp_path):
    part = pd.DataFrame(
        {
            "subject": [f"m{k}" for k in range(6)], "group": ["a"] * 3 + ["b"] * 3, "animals": 3,
            "off": [-3.0, 0.0, 3.0, -1.0, 2.0, -1.0],
        }
    )  # fmt: skip
    sd, freedom, animals = own_spread._between(part)
    pooled = np.sqrt((np.var([-3, 0, 3], ddof=1) + np.var([-1, 2, -1], ddof=1)) / 2)
    assert (sd, freedom, animals) == (pytest.approx(pooled), 4.0, 6)
    low, high = own_spread._interval(sd, freedom)
    # Of four degrees of freedom 5 and 95 % of chi-square are 0.711 and 9.488.
    assert (low, high) == (
        pytest.approx(sd * np.sqrt(4 / 9.488), 1e-3),
        pytest.approx(sd * np.sqrt(4 / 0.711), 1e-3),
    )


@pytest.mark.parametrize(("span", "sound"), [(438300, True), (0, True), (438301, False), (-1, False)])
def test_nothing_is_planned_beyond_fifty_years(span, sound):
    """A year has 8766 h."""
    if sound:
        assert float(TypeAdapter(Span).validate_python(f"{span} h")) == span
    else:
        with pytest.raises(ValidationError):
            TypeAdapter(Span).validate_python(f"{span} h")


@pytest.mark.parametrize(
    "text",
    [
        'design = "parallel"\ncompares = "shares"\nshare = "49.9999 %"\nagainst = "50 %"',
        'design = "parallel"\ncompares = "times"\nratio = 0.999999\nmedian = "1 year"\naccrual = "1 year"\n'
        'follow_up = "1 year"',
        'design = "parallel"\ndifference = "1e-6 dB"\nspread = "12 dB"',
        'design = "paired_ears"\ndifference = "7 dB"\nspread = "10 dB"\ncrossover = "99.9 %"',
        'design = "safety"\npeople = 11\nyears = 1.0\nrate = 1e-12',
        'design = "safety"\npeople = 11\nyears = 1.0\nrate = 0.05\nratio = 1.000001',
    ],
    ids=["shares", "times", "means", "crossover", "rare", "ratio"],
)
def test_a_design_that_nobody_could_carry_out_is_refused(tmp_path, text):
    done = otosome("trial", design(tmp_path, text), "--formula")
    assert done.exit_code == 2
    assert "mine.toml: " in done.output
    assert "no group" in done.output


def test_a_harm_and_a_benefit_of_one_size_take_as_many_animals_and_no_power_is_written_as_certain(tmp_path):
    plans = [
        answer(read_design(design(tmp_path, MINE.replace("10 dB", text)), CATALOG)).plan
        for text in ("10 dB", "-10 dB")
    ]
    assert plans[0].n == plans[1].n
    sure = answer(read_design(design(tmp_path, f"power = 0.999\n{MINE}"), CATALOG)).plan
    assert "a power of >99 %" in sure.headline


def test_a_loss_of_people_is_taken_from_pairs_and_from_groups_alike(tmp_path):
    text = 'design = "paired_ears"\ndifference = "7 dB"\nspread = "10 dB"\n'
    whole, lost = (
        answer(read_design(design(tmp_path, text + more), CATALOG)).plan
        for more in ("", 'attrition = "50 %"\n')
    )
    for name in ("people, entered", "people in two groups instead"):
        assert value(lost, name) == pytest.approx(2 * value(whole, name), abs=2)
