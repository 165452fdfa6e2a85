"""Numbers that no measurement can be: refused by row, whatever read them; all that can be stays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from otosome.laboratory.bounds import COLUMNS, VALUES, within
from otosome.laboratory.tables import READINGS, Tables


def readings(**columns):
    rows = max(len(values) for values in columns.values())
    plain = dict.fromkeys(READINGS, "") | {"time": np.nan, "frequency": 8.0, "level": np.nan, "value": 40.0}
    whole = {**plain, "unit": "dB SPL", "file": "a.csv", **columns}
    return pd.DataFrame(whole, index=range(rows))


@pytest.mark.parametrize("column", ["time", "frequency", "level"])
def test_each_end_of_a_column_is_the_last_that_can_be(column):
    bound = COLUMNS[column]
    width = bound.high - bound.low
    numbers = [bound.low, bound.high, bound.low - 1e-6 * width, bound.high + 1e-6 * width, np.nan]
    tables = within(Tables(readings(**{column: numbers})))
    assert tables.readings[column].tolist()[:2] == [bound.low, bound.high]
    assert np.isnan(tables.readings[column].iloc[2])
    assert [line.place for line in tables.refused] == [f"readings, row {k}, {column}" for k in (3, 4)]
    assert all(bound.why in line.reason for line in tables.refused)


@pytest.mark.parametrize("unit", sorted(VALUES))
def test_a_value_is_held_against_the_bound_of_its_own_unit(unit):
    bound = VALUES[unit]
    tables = within(Tables(readings(value=[bound.high, 1.001 * bound.high], unit=[unit, unit])))
    assert tables.readings["value"].tolist() == [bound.high]
    assert len(tables.refused) == 1


def test_a_unit_without_a_bound_and_a_row_of_two_faults():
    tables = within(Tables(readings(value=[1e300, 500.0], unit=["other", "dB SPL"], time=[0.0, 1e9])))
    assert tables.readings["value"].tolist() == [1e300]
    # One row, one refusal.
    assert len(tables.refused) == 1


def test_the_densest_vesicles_and_the_loudest_sound_are_those_of_physics():
    sphere = np.pi / 6 * 0.02**3  # um3 of a vesicle of 20 nm
    packing = np.pi / (3 * np.sqrt(2))
    assert COLUMNS["concentration"].high == pytest.approx(packing / sphere * 1e9, rel=0.03)
    # A sine whose troughs reach an empty space has a peak of one atmosphere.
    loudest = 20 * np.log10(101325 / np.sqrt(2) / 20e-6)
    assert 0 <= COLUMNS["level"].high - loudest < 3.01


def test_particles_keep_their_rows_and_units():
    table = pd.DataFrame({"diameter": [1e-4, 1.0, 100.0], "concentration": [1e5, 1e15, 1e3], "file": "b"})
    table.attrs["units"] = {"diameter": "mm"}
    tables = within(Tables(particles=table))
    assert tables.particles["diameter"].tolist() == [1e-4]
    assert tables.particles.attrs == table.attrs
    assert [line.place for line in tables.refused] == [
        "particles, row 2, concentration",
        "particles, row 3, diameter",
    ]


def test_ears_hear_and_shares_are_within_what_anybody_has_measured():
    """Elephants hear from 16 Hz and bats to 212 kHz; a share of a hundred times the whole is no share."""
    hearing = COLUMNS["frequency"]
    assert (hearing.low, hearing.high) == (0.001, 300.0)
    assert hearing.low < 0.016 and hearing.high > 212.0
    assert (VALUES["%"].low, VALUES["%"].high) == (-1e4, 1e4)
    assert (VALUES["uV"].low, VALUES["uV"].high) == (-1e6, 1e6)
    # Nothing dissolved is nothing, and there is no less.
    assert VALUES["ug/uL"].low == COLUMNS["concentration"].low == 0.0
    assert VALUES["ug/uL"].high == pytest.approx(22.6 * 1000)  # g/mL is 1,000 ug/uL
    assert (COLUMNS["time"].low, COLUMNS["time"].high) == (-10 * 8766, 100 * 8766)


def test_a_table_without_values_is_held_against_its_columns_alone():
    waves = pd.DataFrame({"frequency": [8.0], "level": [200.0], "unit": ["uV"], "file": "c"})
    tables = within(Tables(waveforms=waves))
    assert len(tables.waveforms) == 0
    assert [line.place for line in tables.refused] == ["waveforms, row 1, level"]
