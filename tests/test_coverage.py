"""The map of what was measured: every outcome in one field, gaps where no experiment is, the figure, the page."""

from __future__ import annotations

import csv
import io
import re
from xml.etree import ElementTree

import pytest

from bench import page
from otosome import jobs
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.jobs.reviewing import evidence_map
from otosome.page.rooms.evidence import _written
from otosome.report.coverage import map_figure, map_svg
from otosome.review.coverage import AXES, UNSTATED, _moment, _read_on, coverage, findings
from otosome.review.experiments import experiments

EVERY = experiments(Catalog())
ROWS = findings(EVERY)
PAIRS = [(down, across) for down in AXES for across in AXES if down != across]


def test_every_outcome_of_an_experiment_that_counts_is_a_finding():
    wanted = [e.name for e in EVERY if not e.why_out for _ in e.options.outcome]
    assert [row.experiment for row in ROWS] == wanted


@pytest.mark.parametrize(("down", "across"), PAIRS)
def test_each_finding_lies_in_its_field_and_no_field_holds_another(down, across):
    drawn = coverage(ROWS, down, across)
    pairs = {(row.experiment, getattr(row, down), getattr(row, across)) for row in ROWS}
    marks = [(mark.experiment, *field) for field, own in drawn.fields.items() for mark in own]
    assert sorted(marks) == sorted(pairs)
    assert {(row, column) for row in drawn.rows for column in drawn.columns} >= set(drawn.fields)
    filled = [field for field in drawn.fields if UNSTATED not in field]
    assert drawn.gaps == drawn.stated - len(filled)


def test_a_mark_is_better_where_every_outcome_of_the_field_is():
    drawn = coverage(ROWS, "product", "endpoint")
    marks = {(mark.experiment, field): mark.direction for field, own in drawn.fields.items() for mark in own}
    # Hill 2008 has an outcome that is better and one that is not; Hamernik 2008 found nothing, Pandit 2011 did.
    assert marks["hill_2008", ("steroid", "threshold")] == "mixed"
    assert marks["hamernik_2008", ("antioxidant", "threshold")] == "none"
    assert marks["pandit_2011", ("live cells", "threshold")] == "better"


def test_what_nobody_measured_is_a_column_all_the_same():
    only = [row for row in ROWS if row.product == "nucleotide"]
    drawn = coverage(only, "endpoint", "read_on")
    assert len(drawn.rows) == 6
    assert drawn.columns == ("up to 3 d", "4 to 14 d", "15 to 30 d", "after 30 d")
    assert drawn.gaps == 23


@pytest.mark.parametrize(
    ("when", "moment"),
    [
        ("", UNSTATED),
        ("14 d", UNSTATED),  # how long, and not when
        ("0 d", "at the time"),
        ("with it", "at the time"),
        ("before each dose", "before"),
        ("30 min before", "before"),
        ("2 d before to 2 d after", "before and after"),
        ("1 h after", "within a day after"),
        ("24 h after", "within a day after"),
        ("25 h after", "more than a day after"),
        ("7 d after", "more than a day after"),
        ("90 min after", "within a day after"),
        ("after", "after, day not stated"),
    ],
)
def test_the_moment_is_seen_from_the_insult(when, moment):
    assert _moment(when) == moment


@pytest.mark.parametrize(
    ("day", "read"),
    [
        ("", UNSTATED),
        ("3 d", "up to 3 d"),
        ("73 h", "4 to 14 d"),
        ("14 d", "4 to 14 d"),
        ("21 d", "15 to 30 d"),
        ("720 d", "after 30 d"),
    ],
)
def test_days_of_reading_are_laid_together(day, read):
    assert _read_on(day) == read


def test_the_figure_has_a_dot_for_each_mark_and_a_field_for_each_pair():
    drawn = coverage(ROWS, "product", "moment")
    (axes,) = map_figure(drawn).axes
    kinds = [type(part).__name__ for part in axes.patches]
    assert kinds.count("Circle") == sum(map(len, drawn.fields.values()))
    assert kinds.count("Rectangle") == len(drawn.rows) * len(drawn.columns)
    halves = sum(mark.direction == "mixed" for own in drawn.fields.values() for mark in own)
    assert kinds.count("Wedge") == halves > 0
    assert map_svg(drawn) == map_svg(drawn)


@pytest.mark.parametrize("sides", [("dose", "dose"), ("colour", "dose"), ("dose", "colour")])
def test_a_side_that_there_is_not_is_refused(sides):
    with pytest.raises(BadInput, match=r"across|down"):
        coverage(ROWS, *sides)
    with pytest.raises(BadInput, match="place"):
        evidence_map(place="the moon")


def test_a_review_writes_the_map_of_its_question(tmp_path):
    jobs.review(jobs.ReviewInputs(question="neurons", out=tmp_path / "review"))
    with (tmp_path / "review" / "map.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert rows and {row["endpoint"] for row in rows} == {"neurons"}
    assert ElementTree.parse(tmp_path / "review" / "map.svg").getroot().tag.endswith("svg")
    assert (tmp_path / "review" / "map.pdf").read_bytes().startswith(b"%PDF")


def test_the_page_shows_the_map_and_what_is_behind_each_dot_and_gap(tmp_path):
    client = page(tmp_path).enter()
    text = client.get("/evidence?part=map").text
    drawn = coverage(ROWS)
    dots = re.findall(r'<a class="dot \w+" href="([^"]+)"', text)
    gaps = re.findall(r'<a class="hole" href="([^"]+)"', text)
    assert (len(dots), len(gaps)) == (sum(map(len, drawn.fields.values())), drawn.gaps)
    behind = client.get(next(link for link in dots if "yang_2022" in link).replace("&amp;", "&")).text
    assert behind.count("heat-shocked") == 2 and "https://doi.org/" in behind
    assert "A gap: " in client.get(gaps[0].replace("&amp;", "&")).text
    wrong = client.get("/evidence?part=map&down=dose&across=dose&place=x")
    assert wrong.status_code == 200 and "is no place of the map" in wrong.text


def test_the_map_is_moment_as_a_table_and_a_figure(tmp_path):
    client = page(tmp_path).enter()
    table = client.get("/api/map.csv?place=people")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["experiment"] for row in rows] == [row.experiment for row in ROWS if row.place == "people"]
    drawing = client.get("/api/map.svg?down=product&across=dose")
    assert drawing.content == map_svg(coverage(ROWS, "product", "dose"))
    assert "attachment" in drawing.headers["content-disposition"]
    assert client.get("/api/map.csv?down=dose&across=dose").status_code == 422


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ("8.7e12 particles (2.0e9 to 1.5e13)", "8.7×10¹² particles (2.0×10⁹ to 1.5×10¹³)"),
        ("3.3e-4 dB", "3.3×10⁻⁴ dB"),
        ("-7.0 % (-36.0 to 35.0)", "−7.0 % (−36.0 to 35.0)"),
        ("on 2026-11-29, blood-labyrinth, DA-9801", "on 2026-11-29, blood-labyrinth, DA-9801"),
        ("cells.sgn.death 0.003", "cells.sgn.death 0.003"),
    ],
)
def test_numbers_of_claims_are_written_as_reports_write_them(plain, written):
    assert _written(plain) == written


def test_a_long_list_of_sources_is_folded_and_all_are_there(tmp_path):
    text = page(tmp_path).enter().get("/evidence?part=sources").text
    rows = text.count("data-doubt=")
    assert text.count("data-folded") == rows - 25
    assert f"Show all {rows} sources" in text
