"""The figure for print: every group and contrast of the table, the same bytes for the same table."""

import numpy as np
import pytest

from otosome.laboratory.groups import group_means
from otosome.report.drawing import style
from otosome.report.groups import COLOURS, group_figure, look, save_groups
from test_groups import table

MEAN = {"vehicle": 50.0, "low": 44.0, "high": 35.0}


@pytest.fixture
def means():
    """Three groups of four animals at two times: 20 dB before all, then each its own."""
    random = np.random.default_rng(8)
    rows = [
        {"subject": f"{group}{animal}", "group": group, "time": time, "frequency": tone, "value": value}
        for group, mean in MEAN.items()
        for animal in range(4)
        for time, level in ((-24.0, 20.0), (336.0, mean))
        for tone in (8.0, 16.0)
        for value in [level + random.normal(0, 1)]
    ]
    return group_means(table(rows).assign(flag=""), ["vehicle", "low", "high"])


def test_a_group_is_compared_with_the_first_of_the_study_at_the_same_time(means):
    contrasts = means[means["against"] != ""].set_index(["time", "group"])
    assert set(contrasts["against"]) == {"vehicle"}
    assert list(dict.fromkeys(means["group"])) == ["vehicle", "low", "high"]
    for (time, group), row in contrasts.iterrows():
        true = MEAN[group] - MEAN["vehicle"] if time == "14 d" else 0.0
        # Four animals, two tones, 1 dB: an error of 0.5 dB; four of them.
        assert row["mean"] == pytest.approx(true, abs=2.0)
        assert row["low"] < row["mean"] < row["high"]


def test_every_mean_and_contrast_is_drawn_with_its_bar(means):
    with style():
        figure = group_figure(means)
    left, right = figure.axes
    for axes, rows in ((left, means[means["against"] == ""]), (right, means[means["against"] != ""])):
        drawn = sorted(float(y) for line in axes.containers for y in line[0].get_ydata())
        assert drawn == pytest.approx(sorted(rows["mean"]))
        assert [text.get_text() for text in axes.get_xticklabels()] == ["-1 d", "14 d"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        f"{group} (n = 4)" for group in MEAN
    ]


def test_eight_groups_have_colours_and_markers_of_their_own():
    assert len({look(i) for i in range(8)}) == len({look(i)[0] for i in range(8)}) == len(COLOURS) == 8
    assert look(8) == look(20)


def test_the_same_table_gives_the_same_files(means, tmp_path):
    for name in ("one", "two"):
        save_groups(means, tmp_path / name)
    for ending in ("svg", "pdf"):
        first, second = (tmp_path / f"{name}.{ending}" for name in ("one", "two"))
        assert first.read_bytes() == second.read_bytes()
    assert (tmp_path / "one.svg").read_text().count("<text") > 10
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")
