"""A lot from its files to a decision, and from the decision into a study."""

from __future__ import annotations

import json
import re
import shutil
import tomllib

import numpy as np
import pytest
import tomli_w
from typer.testing import CliRunner

from lots import LABEL, counts, record, wells
from otosome.answers.sources import sources
from otosome.cards import make_card
from otosome.catalog import Catalog, get, names
from otosome.cli import app
from otosome.errors import BadInput
from otosome.lots.assessment import assess
from otosome.lots.earlier import Earlier, history, read_history
from otosome.lots.history import RULES
from otosome.lots.reading import read_lot
from otosome.lots.values import lot_values
from otosome.report.lot import certificate
from otosome.study import REFUSED, load
from samples.zetaview import ELEVEN, size_file

CATALOG = Catalog()
STUDY = "cisplatin_guinea_pig"


def verdict_of(found, name):
    (verdict,) = [v for v in found.verdicts if v.test == name]
    return verdict


def otosome_(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def changed(file, **values):
    """The record with other values beside it."""
    values_ = tomllib.loads(file.read_text(encoding="utf-8")) | values
    other = file.with_name(f"other_{len(list(file.parent.iterdir()))}.toml")
    other.write_text(tomli_w.dumps({k: v for k, v in values_.items() if v is not None}), encoding="utf-8")
    return other


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lots")


@pytest.fixture(scope="module")
def good(folder):
    """A lot counted on four days, with three runs of an assay in which it is 0.8 as potent."""
    return record(folder, "good", runs=3, process="vertical_wheel_adipose", stored="30 d")


# Deciding


def test_a_lot_that_holds_its_label_and_passes_every_test_is_released(good):
    found = assess(good, CATALOG)
    assert found.decision == "release"
    assert {v.decision for v in found.verdicts} == {"release"}
    assert verdict_of(found, "particles").consumer < 0.05


def test_one_count_cannot_decide_and_says_how_many_more_would(folder):
    found = assess(record(folder, "once", days=1), CATALOG)
    verdict = verdict_of(found, "particles")
    assert found.decision == "cannot decide"
    assert verdict.more is not None
    assert verdict.accept is None
    assert "would make it decidable" in verdict.reason


def test_a_lot_of_half_its_label_is_refused(folder):
    found = assess(record(folder, "half", count=LABEL / 2), CATALOG)
    assert found.decision == "refuse"
    assert "particles" in found.reason


def test_a_count_without_its_dilution_cannot_be_judged_until_the_line_says_it(folder):
    file = record(folder, "thin", days=0)
    counts(folder / "thin.csv", recorded=False)
    asked = {"file": "thin.csv", "day": "2026-01-01"}
    found = assess(changed(file, count=[asked]), CATALOG)
    assert found.decision == "cannot decide"
    assert "dilution = 1000.0" in verdict_of(found, "particles").reason
    found = assess(changed(file, count=[asked | {"dilution": 1000.0}]), CATALOG)
    assert "of the label" in verdict_of(found, "particles").found
    assert found.counted.belief.quantile(0.5) * 1e3 == pytest.approx(LABEL, rel=0.05)


def test_a_count_without_its_dilution_is_averaged_with_no_other_and_enters_no_study(folder):
    file = record(folder, "half_thin", days=2)
    whole = assess(file, CATALOG).counted.belief.quantile(0.5)
    counts(folder / "half_thin_1.csv", recorded=False, seed=9)
    found = assess(file, CATALOG)
    assert found.decision == "cannot decide"
    assert found.counted.measurements == 1
    assert found.counted.belief.quantile(0.5) == pytest.approx(whole, rel=0.1)
    counts(folder / "half_thin_0.csv", recorded=False, seed=8)
    found = assess(changed(file, protein="40 ug/mL"), CATALOG)
    assert found.counted is None
    base = CATALOG.get("batches", "example_lot").card
    assert found.lot.values["particles"]["value"] == base.parameter("particles", "").given
    assert "purity" not in found.lot.notes[0]
    assert "does not record its dilution" in found.lot.notes[-1]


def test_counts_of_one_day_leave_more_doubt_than_of_four(good):
    values = tomllib.loads(good.read_text(encoding="utf-8"))
    one_day = [one | {"day": "2026-01-01"} for one in values["count"]]
    assert assess(changed(good, count=one_day), CATALOG).decision == "cannot decide"


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("< 0.05 EU/mL", "release"), ("< 0.5 EU/mL", "cannot decide"), ("0.2 EU/mL", "release"),
        ("0.3 EU/mL", "refuse"), ("0.24 EU/mL +/- 20 %", "cannot decide"), ("0.1 EU/mL ± 20 %", "release"),
        ("250 EU/L +/- 1 %", "cannot decide"), (None, "cannot decide"),
    ],
)  # fmt: skip
def test_a_stated_result_is_compared_as_well_as_it_is_known(good, text, decision):
    values = tomllib.loads(good.read_text(encoding="utf-8"))["findings"]
    values = {k: v for k, v in (values | {"endotoxin": text}).items() if v is not None}
    assert verdict_of(assess(changed(good, findings=values), CATALOG), "endotoxin").decision == decision


def test_a_positive_sterility_test_refuses(good):
    values = tomllib.loads(good.read_text(encoding="utf-8"))["findings"]
    found = assess(changed(good, findings=values | {"sterility": "positive"}), CATALOG)
    assert found.decision == "refuse"


@pytest.mark.parametrize("name", names("specifications"))
def test_every_limit_of_a_specification_is_asked_about(name):
    card = get("specifications", name).card
    asked = [test for kind in ("at_most", "at_least", "label") for test in getattr(card.options, kind)]
    beside = {"consumer_risk", "producer_risk", "window_low", "window_high"}
    assert set(card.parameters) - beside == set(asked)


# Potency


def test_a_lot_is_as_potent_as_its_assay_says(good):
    runs, potency = assess(good, CATALOG).potencies["hsp70"]
    assert len(runs) == potency.runs == 3
    assert potency.low < 0.8 < potency.high


def test_a_changed_slope_is_refused_and_has_no_potency(folder):
    file = record(folder, "steep", days=1)
    wells(folder / "steep.csv", slope=2.6)
    asked = {"file": "steep.csv", "reference": "reference", "sample": "lot", "mechanisms": ["hsp70"]}
    found = assess(changed(file, assay=[asked]), CATALOG)
    assert found.potencies["hsp70"][1] is None
    assert "potency_hsp70" not in found.lot.notes[0]
    answer = lot_values(found)["potency"]["hsp70"]
    assert answer["combined"] is None
    assert "r" not in answer["runs"][0]
    assert any("no potency for hsp70" in note for note in found.lot.notes)
    assert "none to report" in certificate(lot_values(found))


def with_runs(good, catalog=CATALOG, specification="nebulised_msc_2025", **runs):
    """The good lot with these runs of its assay instead: a slope for each."""
    asked = []
    for name, slope in runs.items():
        wells(good.parent / f"{name}.csv", r=0.8, slope=slope, seed=int(name[-1]))
        asked.append(
            {"file": f"{name}.csv", "reference": "reference", "sample": "lot", "mechanisms": ["hsp70"]}
        )
    return assess(changed(good, assay=asked, specification=specification), catalog)


def test_a_lot_whose_own_assay_is_invalid_is_not_released_whatever_its_specification_asks(good):
    """The specification that ships has no limit of potency, and every other test of this lot releases it."""
    assert with_runs(good, alike_1=1.2, alike_2=1.2).decision == "release"
    steep = with_runs(good, steep_1=2.6)
    assert steep.decision == "cannot decide"
    assert "do not act alike" in verdict_of(steep, "potency_hsp70").reason
    flat = good.parent / "flat.csv"
    wells(flat, r=0.8)
    rows = flat.read_text(encoding="utf-8").splitlines()
    cut = [
        row if ",lot," in row or k == 0 else row.rsplit(",", 1)[0] + f",1.{k % 7}"
        for k, row in enumerate(rows)
    ]
    flat.write_text("\n".join(cut) + "\n", encoding="utf-8")
    asked = {"file": "flat.csv", "reference": "reference", "sample": "lot", "mechanisms": ["hsp70"]}
    unfit = assess(changed(good, assay=[asked]), CATALOG)
    assert unfit.decision == "cannot decide"
    assert "repeat the assay" in verdict_of(unfit, "potency_hsp70").reason


def test_runs_that_agree_do_not_outweigh_one_in_which_the_lot_acts_otherwise(good, tmp_path):
    mixed = with_runs(good, alike_3=1.2, alike_4=1.2, steep_2=2.6)
    assert mixed.decision == "cannot decide"
    assert verdict_of(mixed, "potency_hsp70").found == "unlike the reference in 1 of 3 runs"
    own = Catalog((limited(tmp_path),))
    assert with_runs(good, own, "own", alike_5=1.2, steep_3=2.6).decision == "cannot decide"
    assert with_runs(good, own, "own", steep_4=2.6, steep_5=2.6).decision == "refuse"


def limited(folder, lists=None, **numbers):
    """Shelves with the specification that ships, with other lists (none where None) and further numbers."""
    card = tomllib.loads((CATALOG._files("specifications")["nebulised_msc_2025"]).read_text(encoding="utf-8"))
    card = {key: value for key, value in {**card, **(lists or {})}.items() if value is not None}
    for key, value in (numbers or {"potency_least": "0.4", "potency_most": "1.6"}).items():
        card[key] = {"meaning": "a limit", "value": value, "basis": "assumed", "because": "a test"}
    (folder / "specifications").mkdir()
    (folder / "specifications" / "own.toml").write_text(tomli_w.dumps(card), encoding="utf-8")
    return folder


def test_ones_own_specification_may_limit_potency(good, tmp_path):
    found = assess(changed(good, specification="own"), Catalog((limited(tmp_path),)))
    assert verdict_of(found, "potency_hsp70").decision == "release"


@pytest.mark.parametrize(
    ("limit", "decision", "asked"),
    [
        # The assay of this lot tells a potency that is below 0.8 at its upper end and above 0.4 at its lower.
        ({"potency_least": "0.95"}, "refuse", "at least 0.95"), ({"potency_least": "0.4"}, "release", "at least 0.4"),
        ({"potency_most": "0.3"}, "refuse", "at most 0.3"), ({"potency_most": "1.6"}, "release", "at most 1.6"),
    ],
)  # fmt: skip
def test_a_limit_of_potency_counts_with_one_end_as_with_two(good, tmp_path, limit, decision, asked):
    found = assess(changed(good, specification="own"), Catalog((limited(tmp_path, **limit),)))
    verdict = verdict_of(found, "potency_hsp70")
    assert (verdict.decision, verdict.asked) == (decision, f"relative potency {asked}")
    assert found.decision == decision


def test_a_lot_without_an_assay_is_not_released_where_potency_has_one_limit(good, tmp_path):
    found = assess(
        changed(good, specification="own", assay=[]), Catalog((limited(tmp_path, potency_least="0.4"),))
    )
    assert (found.decision, verdict_of(found, "potency").asked) == (
        "cannot decide",
        "relative potency at least 0.4",
    )


@pytest.mark.parametrize("end", ["window_low", "window_high"])
def test_a_size_window_with_one_end_is_open_at_the_other(good, tmp_path, end):
    own = Catalog((limited(tmp_path, {end: None}),))
    assert verdict_of(assess(changed(good, specification="own"), own), "size_window").decision == "release"


# What cannot be used


def refused_with(file, words):
    with pytest.raises(BadInput, match=words):
        assess(file, CATALOG)


def test_a_file_counts_once(good):
    values = tomllib.loads(good.read_text(encoding="utf-8"))
    refused_with(changed(good, count=[values["count"][0]] * 2), "the same file")


def test_a_file_outside_the_records_folder_is_refused(good):
    refused_with(changed(good, count=[{"file": "../../etc/passwd"}]), "outside the record's folder")
    refused_with(changed(good, count=[{"file": "none.csv"}]), "not a file beside the record")


def test_a_dilution_is_said_once(good):
    values = tomllib.loads(good.read_text(encoding="utf-8"))["count"][:1]
    refused_with(changed(good, count=[values[0] | {"dilution": 10.0}]), "records the dilution already")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"otosome": "batch/2"}, "otosome"), ({"label": "4 mL"}, "label"), ({"label": "0 particles/mL"}, "above zero"),
        ({"specification": "none"}, "none"), ({"stored": "-3 d"}, "not negative"), ({"lable": "x"}, "lable.*not a key"),
        ({"protein": "0 ug/mL"}, "protein"), ({"protein": "40 mL"}, "protein"), ({"protein": "< 4 ug/mL"}, "protein"),
        ({"findings": {"particles": "4e10 particles/mL"}}, "particles.*contradict"),
        ({"made": "yesterday"}, "not a day"),
        ({"findings": {"sterility": "fine"}}, "sterility.*not a result"),
        ({"findings": {"endotoxin": "low"}}, "endotoxin"), ({"findings": {"endotoxin": "3 ug"}}, "endotoxin"),
        ({"reporting": {"misev_2023": {"M99": "x"}}}, "M99"), ({"reporting": {"other": {}}}, "other"),
        ({"numbers": {"charm": {"value": "1"}}}, "charm"), ({"numbers": {"purity": {"value": "1 mL"}}}, "purity"),
        ({"process": "none"}, "none"), ({"base": "none"}, "none"), ({"name": "../x"}, "name"),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_is_refused_by_its_key(good, values, words):
    refused_with(changed(good, **values), words)


def test_a_mechanism_that_is_none_or_is_named_twice_is_refused(folder, good):
    asked = {"file": "bad.csv", "reference": "reference", "sample": "lot"}
    wells(folder / "bad.csv")
    refused_with(changed(good, assay=[asked | {"mechanisms": ["charm"]}]), "not a mechanism.*given: charm")
    refused_with(changed(good, assay=[asked | {"mechanisms": ["hsp70", "hsp70"]}]), "named twice")


# The batch


def bound(lot):
    return make_card(lot.values, "batches", lot.name, "lot").parameters


def test_a_measured_lot_carries_what_was_measured_and_the_rest_of_its_base(good):
    found = assess(good, CATALOG)
    numbers = bound(found.lot)
    base = get("batches", "example_lot").card.parameters
    assert numbers["particles"][""].value * 1e3 == pytest.approx(LABEL, rel=0.05)
    error = numbers["count_error"][""]
    assert (error.low, error.high) == pytest.approx(
        [found.counted.belief.quantile(p) / found.counted.belief.quantile(0.5) for p in (0.05, 0.95)],
        rel=1e-4,
    )
    assert numbers["potency_hsp70"][""].value == pytest.approx(found.potencies["hsp70"][1].r, rel=1e-4)
    # A lot that was measured no longer differs as lots of its process do.
    assert numbers["potency_hsp70"][""].lots == 0 < base["potency_hsp70"][""].lots
    assert numbers["purity"][""].value == base["purity"][""].value
    # Thirty days at 0.2 a year.
    assert numbers["storage_survival"][""].value == pytest.approx(np.exp(-0.2 * 30 / 365.25), rel=1e-5)
    assert len(found.lot.values["class_ratio"]) == 3


def test_what_detergent_leaves_is_taken_off_the_vesicles(folder, good):
    counts(folder / "before.csv", LABEL, seed=31)
    counts(folder / "after.csv", LABEL / 5, seed=32)
    found = assess(changed(good, detergent={"before": "before.csv", "after": "after.csv"}), CATALOG)
    fraction = bound(found.lot)["vesicle_fraction"][""]
    assert fraction.value == pytest.approx(0.8, abs=0.02)
    assert 0.6 < fraction.low < fraction.value < fraction.high < 1


def test_protein_and_count_give_the_purity(good):
    found = bound(assess(changed(good, protein="40 ug/mL +/- 10 %"), CATALOG).lot)["purity"][""]
    assert found.value == pytest.approx(LABEL / 40, rel=0.05)
    # At least as wide as the protein's own error.
    assert found.high / found.value > np.exp(1.64 * 0.1)


def test_ones_own_number_takes_the_place_of_the_bases(good):
    own = {"value": "2e10 particles/ug", "basis": "assumed", "because": "a test"}
    assert bound(assess(changed(good, numbers={"purity": own}), CATALOG).lot)["purity"][""].value == 2e10


def test_a_record_goes_into_a_study_and_its_sources_show_it(good):
    study = load(STUDY, batch=good)
    (treatment,) = {t.batch for t in study.tables.treatment.values() if "good" in t.batch}
    rows = {row.parameter: row for row in sources(study)}
    potency = rows[f"batches.{treatment}.potency_hsp70"]
    assert (potency.basis, potency.source) == ("measured", "potency_assay")
    assert "good_run_0.csv" in potency.locator
    assert rows[f"batches.{treatment}.count_error"].basis == "computed"
    assert rows[f"batches.{treatment}.count_error"].because.startswith("4 counts on 4 days")
    assert read_lot(good, CATALOG).values["decision"] == "release"


def test_a_refused_lot_runs_only_despite_its_quality_and_says_so_first(folder):
    file = record(folder, "refused", count=LABEL / 2)
    with pytest.raises(BadInput, match="--despite-quality"):
        load(STUDY, batch=file)
    study = load(STUDY, batch=file, despite_quality=True)
    assert study.notes[0].startswith(REFUSED)


def test_a_lot_that_cannot_be_decided_runs_and_says_so(folder):
    study = load(STUDY, batch=record(folder, "open", days=1))
    assert "neither released nor refused" in study.notes[0]


# The command line


def test_sources_say_that_another_potency_stands_in_for_one_the_assay_does_not_report(good):
    wells(good.parent / "steep_6.csv", r=0.8, slope=2.6)
    asked = {"file": "steep_6.csv", "reference": "reference", "sample": "lot", "mechanisms": ["hsp70"]}
    done = otosome_("sources", STUDY, "--batch", changed(good, assay=[asked]), "--json")
    assert done.exit_code == 0, done.output
    assert any("no potency for hsp70" in note for note in json.loads(done.stdout)["notes"])
    assert "no potency for hsp70" in done.stderr


def test_the_command_decides_and_writes_certificate_report_and_tables(good, tmp_path):
    out = tmp_path / "lot"
    done = otosome_("quality", good, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    (line,) = done.stdout.splitlines()
    answer = json.loads(line)
    assert answer["result"]["decision"] == "release"
    assert len(answer["inputs"]) == 8
    certificate = (out / "certificate.html").read_text(encoding="utf-8")
    assert "Release" in certificate and "<script" not in certificate
    assert (out / "certificate.pdf").read_bytes().startswith(b"%PDF")
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "good_run_0.csv" in report and "<svg" in report
    # Of a reporting checklist that the record says nothing of, nobody asks anything.
    assert "MISEV" not in report.upper()
    assert {file.name for file in (out / "figures").iterdir()} >= {"sizes.svg", "sizes.csv"}
    assert (out / "wells.csv").read_text(encoding="utf-8").count("\n") == 1 + 3 * 48
    # The batch as it goes into a study is a file of its own that runs.
    assert load(STUDY, batch=out / "batch.toml").notes == load(STUDY).notes
    again = otosome_("quality", good, "--out", out)
    assert again.exit_code == 2 and "--force" in again.stderr


def test_a_plate_that_cannot_be_read_is_named_with_its_well_and_the_rest_is_judged(folder):
    file = record(folder, "welled", days=4)
    wells(folder / "welled.csv")
    text = (folder / "welled.csv").read_text(encoding="utf-8").replace("B2,", "B1,", 1)
    (folder / "welled.csv").write_text(text, encoding="utf-8")
    asked = {"file": "welled.csv", "reference": "reference", "sample": "lot", "mechanisms": ["hsp70"]}
    found = assess(changed(file, assay=[asked]), CATALOG)
    assert "welled.csv: well B1: is there twice" in found.left_out[0].words
    assert verdict_of(found, "particles").decision == "release"
    assert verdict_of(found, "potency_hsp70").decision == "cannot decide"
    assert "well B1: is there twice" in found.reason


def test_a_count_that_cannot_be_read_is_named_and_the_count_stands_on_the_others(folder, good):
    record(folder, "spoilt", days=4)
    whole = assess(folder / "spoilt.toml", CATALOG)
    (folder / "spoilt_3.csv").write_text("NTA Experiment Summary File\ncut short", encoding="utf-8")
    found = assess(folder / "spoilt.toml", CATALOG)
    assert (found.counted.measurements, whole.counted.measurements) == (3, 4)
    assert [one.file for one in found.left_out] == ["spoilt_3.csv"]
    assert found.left_out[0].words in found.lot.notes
    width = [
        np.log(lot.counted.belief.quantile(0.95) / lot.counted.belief.quantile(0.05))
        for lot in (found, whole)
    ]
    assert width[0] > width[1]


def test_a_video_that_is_unreliable_is_left_out_and_named(folder):
    file = record(folder, "shaky", days=1)
    text = (folder / "shaky_0.csv").read_text(encoding="utf-8")
    other = text.replace("surement,OK,OK,OK", "surement,OK,OK,Unreliable")
    assert other != text
    (folder / "shaky_0.csv").write_text(other, encoding="utf-8")
    found = assess(file, CATALOG)
    assert found.left_out[0].place.startswith("video 3")
    assert found.counts[0].counts().size == 4


def test_two_files_of_one_lot_that_contradict_each_other_are_named_with_both_values(folder):
    file = record(folder, "torn", days=2)
    counts(folder / "torn_1.csv", 10 * LABEL, seed=9)
    both = r"torn_0.csv: 4[.\d]*e\+11 particles/mL and torn_1.csv: [34][.\d]*e\+12 particles/mL"
    refused_with(file, f"contradict each other.*{both}")


def test_a_specification_may_lie_beside_the_record_and_the_draft_is_one(folder, tmp_path):
    out = tmp_path / "lot" / "mine.toml"
    file = record(tmp_path / "lot", runs=3, r=1.0, specification="mine.toml")
    assert otosome_("new", "specification", "--out", out).exit_code == 0
    assert 'specification = "mine.toml"' in out.read_text(encoding="utf-8")
    findings = {
        "viability": "95 % +/- 1 %",
        "endotoxin": "0.1 EU/mL",
        "sterility": "negative",
        "mycoplasma": "absent",
    }
    findings |= {"cd9": "positive", "cd63": "present", "cd81": "detected", "protein": "40 ug/mL"}
    found = assess(changed(file, findings=findings, protein="40 ug/mL +/- 10 %"), CATALOG)
    assert found.decision == "release", found.reason
    assert str(out) in found.inputs
    # Every test of the draft is answered, and every limit of it counts.
    assert {v.test for v in found.verdicts} == {
        "particles", "viability", "endotoxin", "size_window", "purity", "potency_hsp70", *findings
    }  # fmt: skip


@pytest.mark.parametrize("choice", ["--copy", "--reference"])
def test_files_from_elsewhere_are_copied_or_referenced_by_choice(tmp_path, choice):
    (tmp_path / "raw").mkdir()
    (tmp_path / "lot").mkdir()
    counts(tmp_path / "raw" / "count.csv")
    wells(tmp_path / "raw" / "plate.csv")
    names = [tmp_path / "raw" / name for name in ("count.csv", "plate.csv")]
    out = tmp_path / "lot" / "lot.toml"
    refused = otosome_("new", "batch", *names, "--out", out)
    assert refused.exit_code == 2 and "--copy" in refused.stderr and "--reference" in refused.stderr
    done = otosome_("new", "batch", *names, "--out", out, choice)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "lot" / "count.csv").exists() == (choice == "--copy")
    found = assess(out, CATALOG)
    assert found.counted is not None and found.potencies["anti_inflammatory"][1] is not None


def test_a_file_that_is_neither_counts_nor_a_plate_does_not_stop_a_new_record(tmp_path):
    counts(tmp_path / "count.csv")
    (tmp_path / "notes.txt").write_text("some words", encoding="utf-8")
    out = tmp_path / "lot.toml"
    done = otosome_("new", "batch", tmp_path / "count.csv", tmp_path / "notes.txt", "--out", out)
    assert done.exit_code == 0
    assert '# "notes.txt" is left out' in out.read_text(encoding="utf-8")
    assert assess(out, CATALOG).counted is not None
    alone = otosome_("new", "batch", tmp_path / "notes.txt", "--out", tmp_path / "b.toml")
    assert alone.exit_code == 2 and "a plate of wells" in alone.stderr


def test_a_new_record_is_written_from_its_files_and_can_be_assessed(tmp_path):
    counts(tmp_path / "count.csv", recorded=False)
    wells(tmp_path / "plate.csv")
    file = tmp_path / "lot_7.toml"
    done = otosome_("new", "batch", tmp_path / "count.csv", tmp_path / "plate.csv", "--out", file)
    assert done.exit_code == 0, done.output
    found = assess(file, CATALOG)
    assert found.decision == "cannot decide"
    assert found.potencies["anti_inflammatory"][1] is not None
    assert "dilution" in file.read_text(encoding="utf-8")
    assert otosome_("new", "batch", tmp_path / "none.csv", "--out", tmp_path / "b.toml").exit_code == 2
    assert otosome_("new", "batch", "--out", file).exit_code == 2


def test_a_lot_may_be_counted_by_zetaview_and_never_by_single_positions(tmp_path):
    """Its size file counts 500 times its bins; of eleven positions only a median is known."""
    (tmp_path / "count.txt").write_bytes(size_file())
    file = tmp_path / "lot.toml"
    assert otosome_("new", "batch", tmp_path / "count.txt", "--out", file).exit_code == 0
    found = assess(file, CATALOG)
    centres = np.arange(2.5, 302.5, 5.0)
    printed = 500 * 1e4 * np.round(100 * np.exp(-(((centres - 100) / 40) ** 2))).sum()
    assert found.counted.belief.quantile(0.5) == pytest.approx(printed / 1e3, rel=1e-3)
    assert any("Dilution 500: applied here" in note for note in found.lot.notes)
    (tmp_path / "positions.txt").write_text(ELEVEN, encoding="latin-1")
    done = otosome_("new", "batch", tmp_path / "positions.txt", "--out", tmp_path / "b.toml")
    assert done.exit_code == 2 and "no size distribution" in done.stderr


def test_a_name_in_a_file_stays_text(tmp_path):
    wells(tmp_path / "plate.csv", names=("ref", '<b>=x"]'))
    file = tmp_path / "lot.toml"
    text = (tmp_path / "plate.csv").read_text(encoding="utf-8").replace('<b>=x"]', '"<b>=x""]"')
    (tmp_path / "plate.csv").write_text(text, encoding="utf-8")
    assert otosome_("new", "batch", tmp_path / "plate.csv", "--out", file).exit_code == 0
    assert otosome_("quality", file, "--out", tmp_path / "out").exit_code == 0
    assert "<b>=x" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    """Four earlier lots, counted and assayed twice each."""
    place = tmp_path_factory.mktemp("history") / "past"
    for k, (off, r) in enumerate([(0.1, 0.9), (-0.1, 1.1), (0.05, 1.0), (-0.03, 0.8)]):
        record(place, f"past_{k}", days=2, runs=2, count=LABEL * np.exp(off), r=r, seed=k + 2,
               made=f"2026-01-{k + 1:02d}")  # fmt: skip
    return place


def test_earlier_lots_chart_the_new_one(good, past, tmp_path):
    done = otosome_("quality", good, "--history", past, "--reference", past / "past_0.toml",
                    "--out", tmp_path / "out", "--json")  # fmt: skip
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)["result"]
    assert [one["quantity"] for one in answer["history"]["series"]] == ["particles", "potency_hsp70"]
    assert answer["history"]["lots"] == ["past_0", "past_1", "past_2", "past_3"]
    counted = answer["history"]["series"][0]
    for chart in counted["charts"]:
        assert chart["baseline"] == 4 and len(chart["values"]) == len(chart["low"]) == 5
        assert chart["new"]["value"] == chart["values"][-1] and not chart["new"]["outside"]
    # Limits are those of earlier lots alone: mean and three standard deviations of their logarithms.
    logs = np.log(counted["values"])
    shewhart = counted["charts"][0]
    assert np.log(shewhart["high"]) == pytest.approx(np.full(5, logs.mean() + 3 * logs.std(ddof=1)))
    assert shewhart["values"][-1] == pytest.approx(counted["new"])
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    page = (tmp_path / "out" / "history.html").read_text(encoding="utf-8")
    assert "lies inside the limits of 4 earlier lots" in page and "The ring is this lot" in page
    assert all(rule in page for rule in RULES)
    ratio = answer["reference"]["count_ratio"]
    assert ratio["low"] < np.exp(-0.1) < ratio["high"]
    assert answer["reference"]["potency_ratio"]["hsp70"]["low"] < 0.8 / 0.9 < 1.2
    assert answer["history"]["conclusion"].startswith("Lot good is like the 4 lots before it")
    assert answer["history"]["conclusion"] in report
    # The page begins with it.
    assert re.findall("<h[1-4]>(.*?)</h", page)[0] == answer["history"]["conclusion"]
    few = otosome_("quality", good, "--history", past / "nowhere")
    assert few.exit_code == 2


def test_an_earlier_lot_that_cannot_be_read_is_listed_and_the_others_stand(past, tmp_path):
    shutil.copytree(past, tmp_path / "past")
    (tmp_path / "past" / "torn.toml").write_text('otosome = "batch/1"\nname = "torn', encoding="utf-8")
    text = (tmp_path / "past" / "past_0.toml").read_text(encoding="utf-8")
    (tmp_path / "past" / "undated.toml").write_text(
        "\n".join(line for line in text.splitlines() if not line.startswith("made")), encoding="utf-8"
    )
    earlier = read_history(tmp_path / "past", CATALOG)
    assert len(earlier.lots) == 4
    assert "torn.toml: is not valid TOML" in earlier.left_out[0]
    assert 'undated.toml lacks the day it was made: made = "2026-03-31"' in earlier.left_out[1]
    assert set(earlier.left_out) <= set(history(earlier, None, CATALOG).notes)


def test_a_lot_unlike_those_before_it_lies_outside_their_charts(folder, past, tmp_path):
    file = record(folder, "double", count=2 * LABEL, seed=9)
    done = otosome_("quality", file, "--history", past, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert re.search(
        r"particles/uL, Shewhart: this lot \(.*\) lies outside the limits of 4 earlier", done.stdout
    )
    assert "Lot double is unlike the 4 lots before it: particles: one lot beyond three" in done.stdout
    answer = json.loads((tmp_path / "out" / "lot.json").read_text(encoding="utf-8"))["history"]["series"][0]
    logs = np.log(answer["values"])
    path = 0.8 * np.log(answer["charts"][1]["values"][3]) + 0.2 * np.log(answer["new"])
    share = 0.2 / 1.8 * (1 - 0.8**10)
    off = (path - logs.mean()) / (logs.std(ddof=1) * np.sqrt(share))
    assert answer["charts"][1]["new"]["outside"] == (abs(off) > 2.86)
    assert np.log(answer["charts"][1]["values"][-1]) == pytest.approx(path)


def test_counts_of_another_instrument_are_no_history_of_this_one(past, tmp_path):
    (tmp_path / "count.txt").write_bytes(size_file())
    file = tmp_path / "lot.toml"
    assert otosome_("new", "batch", tmp_path / "count.txt", "--out", file).exit_code == 0
    found = history(
        Earlier(tuple(assess(one, CATALOG) for one in sorted(past.glob("*.toml")))),
        assess(file, CATALOG),
        CATALOG,
    )
    assert [one.quantity for one in found.series] == ["potency_hsp70"]
    assert "not counted by zetaview: past_0, past_1" in found.notes[0]


def test_stored_lots_show_a_trend_and_a_shelf_life(tmp_path):
    lots = []
    for k in range(3):
        file = record(tmp_path, f"stored_{k}", days=1, seed=k + 20, made=f"2026-01-0{k + 1}")
        values_ = tomllib.loads(file.read_text(encoding="utf-8"))
        for month in (1, 2, 3):
            name = f"stored_{k}_{month}.csv"
            counts(tmp_path / name, LABEL * 0.97**month, seed=10 * k + month + 300)
            values_["count"].append(
                {"file": name, "day": f"2026-0{month + 1}-01", "stored": f"{30 * month} d"}
            )
        file.write_text(tomli_w.dumps(values_), encoding="utf-8")
        lots.append(assess(file, CATALOG))
    found = history(Earlier(tuple(lots)), None, CATALOG).stability
    assert found is not None
    assert found.low < -np.log(0.97) / (30 * 24) < found.high
    # Older counts do not enter the decision.
    assert lots[0].counted.measurements == 1


def test_a_process_is_told_as_one_object():
    done = otosome_(
        "quality",
        "--process",
        "vertical_wheel_adipose",
        "--lots",
        5,
        "--against",
        "flask_umbilical",
        "--json",
    )
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)["result"]
    assert 0 <= answer["released"]["median"] <= 1
    assert answer["change"]["harvest"]["ratio"]["median"] < 1
    assert otosome_("quality", "--process", "none").exit_code == 2
    assert otosome_("quality").exit_code == 2
    assert otosome_("quality", "--process", "flask_umbilical", "--lots", 1).exit_code == 2


def test_each_limit_is_told_in_decibels_of_the_same_ears(good):
    from otosome.lots.stakes import stakes

    found = stakes(assess(good, CATALOG), good, STUDY, CATALOG, ears=2)
    by = {stake.limit: stake for stake in found.limits}
    assert found.unit == "dB"
    # The limit is the label's, whatever was counted.
    counted = assess(good, CATALOG).counted.belief.quantile(0.5)
    assert by["truth at label -20 %"].value == pytest.approx(0.8 * LABEL / 1e3 / counted, rel=1e-4)
    # More vesicles, more potency and fresher vesicles never do less.
    assert by["truth at label -20 %"].change <= by["truth at label +20 %"].change
    low, high = (by[f"potency hsp70 at the {end} end of its 95 % interval"] for end in ("lower", "upper"))
    assert low.change <= 0 <= high.change
    assert (
        by["given the day it is made"].change >= by["given at the end of its shelf life (80 % left)"].change
    )


def test_what_a_limit_is_worth_is_said_in_numbers_a_person_can_use(good):
    from dataclasses import asdict

    from otosome.lots.stakes import stakes
    from otosome.lots.text import stake_lines

    values = asdict(stakes(assess(good, CATALOG), good, STUDY, CATALOG, ears=2))
    lines = stake_lines(values)
    assert "e-0" not in " ".join(lines[:-1]) and " 0.0 dB" in lines[1]
    assert values["reach"] > 0
    assert lines[-1].startswith("no limit changes hearing, because at this dose")
    assert f"{values['reach']:.2g}" in lines[-1]
    far = {**values, "limits": [{**values["limits"][0], "change": -2.34, "low": -4.0, "high": 0.04}]}
    assert stake_lines(far)[1].endswith(": -2.3 dB (-4.0 dB to 0.0 dB)")
    assert not stake_lines(far)[-1].startswith("no limit")


AIDED = """
otosome = "study/1"
species = "human"
[population]
entry = "otologically_normal"
sex = "both"
age = "70 year"
[device.aid]
entry = "hearing_aid"
[device.plain]
entry = "cochlear_implant"
[device.coated]
entry = "cochlear_implant"
batch = "example_lot"
amount = "1e9 particles"
[treatment.empty]
batch = "vehicle"
route = "intratympanic"
volume = "0.3 mL"
at = ["0 d"]
[[arm]]
name = "aid"
devices = ["aid"]
[[arm]]
name = "plain"
devices = ["plain"]
[[arm]]
name = "coated"
devices = ["coated"]
[[arm]]
name = "vehicle"
treatments = ["empty"]
[measure.words]
endpoint = "word_score"
material = "nu6"
at = ["14 d"]
"""


def test_a_lot_that_a_device_releases_is_at_stake_as_one_that_is_given(good, tmp_path):
    from otosome.lots.stakes import stakes

    study = tmp_path / "coated.toml"
    compared = '[compare]\nmeasure = "words"\nof = "coated"\nagainst = "plain"\n'
    study.write_text(AIDED + compared, encoding="utf-8")
    found = stakes(assess(good, CATALOG), good, str(study), CATALOG, ears=2)
    by = {stake.limit: stake.change for stake in found.limits}
    # The same electrode in the same ears: what its coat saves is never negative, nor do more vesicles do less.
    assert found.low >= 0
    assert by["potency hsp70 at the lower end of its 95 % interval"] <= 0
    assert by["potency hsp70 at the upper end of its 95 % interval"] >= 0


@pytest.mark.parametrize("of", ["aid", "plain", "vehicle"])
def test_nothing_is_at_stake_in_an_arm_that_gets_no_vesicles_and_it_says_which_do(good, tmp_path, of):
    from otosome.lots.stakes import stakes

    study = tmp_path / "compared.toml"
    against = "plain" if of == "aid" else "aid"
    compared = f'[compare]\nmeasure = "words"\nof = "{of}"\nagainst = "{against}"\n'
    study.write_text(AIDED + compared, encoding="utf-8")
    with pytest.raises(BadInput, match=f"gets no vesicles.*given: {of}; allowed: coated") as refused:
        stakes(assess(good, CATALOG), good, str(study), CATALOG, ears=2)
    assert refused.value.key == "compare.of" and "device that releases" in refused.value.cure
    study.write_text(AIDED, encoding="utf-8")
    with pytest.raises(BadInput, match="compares no arms"):
        stakes(assess(good, CATALOG), good, str(study), CATALOG, ears=2)
