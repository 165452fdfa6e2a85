"""Where the grids of a plate begin: runs of consecutive column numbers behind a cell that is none."""

import pytest

from otosome.laboratory.plates import MOST_COLUMNS, _heads


@pytest.mark.parametrize(
    ("row", "heads"),
    [
        (["", "1", "2", "3"], [(1, [1, 2, 3])]),
        (["<>", "01", "02", "", "x", "4", "5"], [(1, [1, 2]), (5, [4, 5])]),
        (["", "1.0", "2.0"], [(1, [1, 2])]),
        (["", "7"], [(1, [7])]),
        (["", "7", "x"], []),
        (["1", "2", "3"], []),
        (["", "0", "1", "2"], [(2, [1, 2])]),
        (["", "0", "x"], []),
        (["", "2", "1", "0"], []),
        (["", "1", "2", "4", "5", "6"], [(1, [1, 2]), (3, [4, 5, 6])]),
        (["", "1.5", "2.5"], []),
        ([], []),
    ],
)
def test_heads_are_consecutive_numbers_from_one_on_behind_another_cell(row, heads):
    assert list(_heads(row)) == heads


def test_no_plate_has_more_columns_than_the_largest():
    numbers = list(range(1, MOST_COLUMNS + 1))
    assert list(_heads(["", *map(str, numbers)])) == [(1, numbers)]
    assert list(_heads(["", *map(str, [*numbers, MOST_COLUMNS + 1])])) == []
    # 1,536 wells are 32 rows of 48.
    assert MOST_COLUMNS == 48
