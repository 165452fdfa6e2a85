"""Every figure of a page is a file too, with the numbers it is drawn from."""

import csv

import numpy as np
import pytest

from otosome.jobs import StudyInputs, run
from otosome.report.drawing import canvas, svg_text
from otosome.report.saved import save_page
from test_help import QUICK

ACROSS = np.array([1.0, 2.0, 4.0])


def drawn(name="one figure", label="=cmd()"):
    with canvas(300, 200) as (figure, axes):
        axes.plot(ACROSS, 10 * ACROSS, label=label)
        axes.fill_between(ACROSS, ACROSS, 3 * ACROSS, label="band")
        axes.scatter([2.5], [7.0], label="dots")
        axes.imshow([[1.0, 2.0], [3.0, 4.0]], extent=(0, 2, 0, 2), aspect="auto")
        axes.axhline(5.0)
        axes.set(xlabel="time (d)", ylabel="threshold <dB>")
        return svg_text(figure, name)


def rows_of(file):
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def rows(tmp_path):
    save_page(f"<html>{drawn()}</html>", tmp_path / "page.html")
    return rows_of(tmp_path / "figures" / "one_figure.csv")


def points(rows, kind):
    return [(float(row["x"]), float(row["y"])) for row in rows if row["kind"] == kind]


def test_a_figures_table_holds_what_is_drawn_and_nothing_that_only_rules_the_panel(rows):
    assert points(rows, "Line2D") == [(1.0, 10.0), (2.0, 20.0), (4.0, 40.0)]
    assert points(rows, "PathCollection") == [(2.5, 7.0)]
    area = [kind for kind in {row["kind"] for row in rows} if kind.startswith(("FillBetween", "Poly"))]
    assert {(1.0, 1.0), (4.0, 4.0), (4.0, 12.0), (1.0, 3.0)} <= set(points(rows, *area))
    # Row 0 of an image is at the top.
    values = {(float(row["x"]), float(row["y"])): float(row["value"]) for row in rows if row["value"]}
    assert values == {(0.5, 1.5): 1.0, (1.5, 1.5): 2.0, (0.5, 0.5): 3.0, (1.5, 0.5): 4.0}
    assert {row["panel"] for row in rows} == {"threshold <dB> over time (d)"}


def test_a_label_is_text_in_a_spreadsheet(rows):
    assert [row["series"] for row in rows if row["kind"] == "Line2D"] == ["'=cmd()"] * 3


def test_a_page_keeps_its_pictures_and_leaves_their_numbers_to_the_tables(tmp_path):
    save_page(f"<p>before</p>{drawn()}<p>after</p>", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<svg" in text and "<desc" not in text and "PathCollection" not in text
    alone = (tmp_path / "figures" / "one_figure.svg").read_text(encoding="utf-8")
    assert alone.startswith('<svg xmlns="http://www.w3.org/2000/svg"') and "<desc" not in alone


def test_a_name_from_a_file_is_a_plain_file_in_the_folder_and_no_other(tmp_path):
    page = "".join(drawn(name) for name in ("../../etc/passwd", "etc passwd", "</svg><script>", "µ"))
    (tmp_path / "inner").mkdir()
    save_page(page, tmp_path / "inner" / "page.html")
    assert {file.name for file in tmp_path.iterdir()} == {"inner"}
    stems = {file.stem for file in (tmp_path / "inner" / "figures").iterdir()}
    assert stems == {"etc_passwd", "etc_passwd_2", "svg_script", "figure"}


def test_a_result_has_every_picture_of_its_report_beside_its_numbers(tmp_path):
    run(StudyInputs(study=str(QUICK), subjects=2, out=tmp_path / "out"))
    files = sorted((tmp_path / "out" / "figures").iterdir())
    pictures = [file.stem for file in files if file.suffix == ".svg"]
    assert len(pictures) >= 4
    assert pictures == [file.stem for file in files if file.suffix == ".csv"]
    assert all(len(rows_of(file)) > 1 for file in files if file.suffix == ".csv")
    assert "<desc" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
