"""A study drafted from a table of concentrations: its limit, and which of its lines are to be set."""

import pandas as pd
import pytest

from otosome.laboratory.drug_draft import TO_SET, _limit, _marked


def rows(*below: float) -> pd.DataFrame:
    """A sample above the limit, and some below limits."""
    values = [7.0, *below]
    return pd.DataFrame(
        {"value": values, "censored": ["none"] + ["below"] * len(below), "unit": ["ug/uL"] * len(values)}
    )


@pytest.mark.parametrize(
    ("below", "limit"),
    [
        ((), {}),
        ((0.02,), {"limit": "0.02 ug/uL"}),
        ((0.02, 0.02), {"limit": "0.02 ug/uL"}),
        ((0.02, 0.03), {}),
    ],
)
def test_a_limit_is_stated_where_all_samples_below_one_have_the_same(below, limit):
    assert _limit(rows(*below)) == limit


TEXT = """species = "mouse"
amount = "1 mg/kg"
concentration = "4 mg/mL"
volume = "5 uL"
at = ["0 h"]"""


@pytest.mark.parametrize(
    ("untold", "marked"),
    [([], []), (["species"], [0]), (["dose"], [1, 2]), (["volume", "species"], [0, 3])],
)
def test_the_lines_that_the_table_does_not_tell_are_marked_and_no_other(untold, marked):
    lines = _marked(TEXT, untold).split("\n")
    assert [i for i, line in enumerate(lines) if line.endswith(f"  # {TO_SET}")] == marked
    assert [line.removesuffix(f"  # {TO_SET}") for line in lines] == TEXT.split("\n")
