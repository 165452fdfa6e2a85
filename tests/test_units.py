"""Units at the border: every number a file may state, and everything it may not."""

import copy
import pickle
import time

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otosome import units

PINT = pint.UnitRegistry()
# otosome's spelling, another program's spelling of the same unit, and of the house unit.
AGAINST_PINT = [
    ("nm", "nm", "mm"),
    ("um", "um", "mm"),
    ("cm", "cm", "mm"),
    ("um2", "um^2", "mm^2"),
    ("cm2/s", "cm^2/s", "mm^2/hour"),
    ("cm/s", "cm/s", "mm/hour"),
    ("nL", "nL", "uL"),
    ("mol", "mol", "pmol"),
    ("g/mol", "g/mol", "ug/pmol"),
    ("kg/mol", "kg/mol", "ug/pmol"),
    ("g/L", "g/L", "ug/uL"),
    ("pg/mL", "pg/mL", "ug/uL"),
    ("mg/dL", "mg/dL", "ug/uL"),
    ("mol/L", "mol/L", "umol/L"),
    ("fmol/uL", "fmol/uL", "umol/L"),
    ("mL/kg", "mL/kg", "uL/kg"),
    ("L", "L", "uL"),
    ("nL/min", "nL/min", "uL/hour"),
    ("L/min/m2", "L/min/m^2", "uL/hour/m^2"),
    ("s", "s", "hour"),
    ("d", "day", "hour"),
    ("week", "week", "hour"),
    ("year", "year", "hour"),
    ("1/s", "1/s", "1/hour"),
    ("1/d", "1/day", "1/hour"),
    ("nM", "nmol/L", "umol/L"),
    ("mM", "mmol/L", "umol/L"),
    ("pmol/uL", "pmol/uL", "umol/L"),
    ("uM/h", "umol/L/hour", "umol/L/hour"),
    ("nmol", "nmol", "pmol"),
    ("ng/mL", "ng/mL", "ug/uL"),
    ("mg/kg", "mg/kg", "ug/kg"),
    ("ug", "ug", "ug"),
    ("g", "g", "kg"),
    ("Hz", "Hz", "kHz"),
    ("mPa s", "mPa*s", "Pa*hour"),
    ("kPa", "kPa", "Pa"),
    ("%", "percent", "dimensionless"),
]


@pytest.mark.parametrize(("unit", "theirs", "their_house"), AGAINST_PINT)
def test_a_conversion_agrees_with_another_program(unit, theirs, their_house):
    expected = PINT.Quantity(3.5, theirs).to(their_house).magnitude
    assert units.quantity(f"3.5 {unit}") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("unit", [unit for unit, _, _ in AGAINST_PINT] + units.known())
def test_a_house_unit_is_of_the_same_kind_and_its_own_house_unit(unit):
    house = units.house(unit)
    assert units.same_kind(unit, house)
    assert units.house(house) == house
    assert units.convert(7.0, house, house) == 7.0
    assert units.convert(units.quantity(f"7 {unit}"), house, unit) == pytest.approx(7.0, rel=1e-12)


@pytest.mark.parametrize("level", units.LEVELS)
def test_a_level_is_never_converted(level):
    assert units.quantity(f"20 {level}") == 20.0
    assert units.quantity(f"-5 {level}", level) == -5.0
    for other in set(units.known()) - {level}:
        assert not units.same_kind(level, other)
        with pytest.raises(ValueError, match="expected one convertible to"):
            units.convert(20.0, level, other)


def test_a_dose_per_body_weight_is_not_a_fraction():
    assert units.quantity("12 mg/kg") == 12_000.0
    assert not units.same_kind("mg/kg", "%")
    assert not units.same_kind("mg", "kg")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e9 particles", 2e9),
        (" 5 uL ", 5.0),
        ("-24 h", -24.0),
        (".5", 0.5),
        ("50 %", 0.5),
        ("1.5e-5 cm/s", 0.54),
    ],
)
def test_a_quantity_reads_as_a_paper_writes_it(text, value):
    assert units.quantity(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "uL", "1e999 h", "nan h", "inf", "-inf dB", "1,5 mm", "0x10 mm", "1_000 mm", "٣ mm", "1 mm\n2", "1 2",
        "m**9**9**9", "1 m**9**9**9", "1 mm^9", "1 mm4", "1 mm-1", "1 (mm)", "1 mm*mm", "1 /h", "1 mm/", "1 mm//h",
        "1 M", "1e305 L", "1 dBSPL", "1 dB spl", "1 dB/h", "1 __import__('os')", "1 furlong", "1 " + "mm " * 100,
        "1" * 100, "1 " + "/h" * 30,
    ],
)  # fmt: skip
def test_a_hostile_quantity_is_refused_at_once(text):
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"\S"):
        units.quantity(text)
    # Far above the microseconds it takes, far below a hang.
    assert time.perf_counter() - start < 1.0


def test_an_unknown_unit_names_the_known_ones():
    with pytest.raises(ValueError, match="'furlong' is not known; known are nm, um, mm"):
        units.quantity("1 furlong")


def test_a_wrong_unit_names_the_right_one():
    with pytest.raises(ValueError, match="unit is 'h'; expected one convertible to 'uL'"):
        units.quantity("1 h", "uL")


_NUMBERS = st.floats(allow_nan=True, allow_infinity=True).map(repr) | st.text("0123456789+-.eE ", max_size=12)
_UNITS = st.lists(st.sampled_from([*units.known(), "/", " ", "^", "2", "9", "**"]), max_size=8).map("".join)


@given(st.text() | st.builds("{} {}".format, _NUMBERS, _UNITS))
def test_any_text_is_a_finite_number_or_a_value_error(text):
    try:
        value = units.quantity(text)
    except ValueError:
        return
    assert isinstance(value, float)
    assert abs(value) < float("inf")


@given(st.floats(-1e12, 1e12), st.sampled_from([unit for unit, _, _ in AGAINST_PINT]))
def test_a_value_survives_the_way_there_and_back(value, unit):
    there = units.convert(value, unit, units.house(unit))
    assert units.convert(there, units.house(unit), unit) == pytest.approx(value, rel=1e-12)


@given(
    st.floats(-1e12, 1e12),
    st.sampled_from(["h", "min", "d", "mg/kg", "ug", "particles", "dB SPL", "dB HL", "%"]),
)
def test_a_quantity_is_its_number_in_house_units_and_keeps_its_text(value, unit):
    text = f"{value!r} {unit}"
    quantity = units.Quantity(text)
    assert float(quantity) == units.quantity(text)
    assert quantity.unit == units.house(unit)
    assert quantity.text == str(quantity) == text
    assert quantity.to(unit) == pytest.approx(value, rel=1e-15)
    for again in (copy.deepcopy(quantity), pickle.loads(pickle.dumps(quantity))):
        assert (again, again.text, again.unit) == (quantity, text, quantity.unit)


def test_quantities_are_equal_where_value_and_unit_are():
    assert units.Quantity("60 min") == units.Quantity("1 h") == 1.0
    assert hash(units.Quantity("60 min")) == hash(units.Quantity("1 h"))
    assert units.Quantity("100 ug") != units.Quantity("100 particles")
    assert units.Quantity("30 dB SPL") != units.Quantity("30 dB HL")


def test_a_quantity_goes_to_no_unit_of_another_kind():
    assert units.Quantity("60 %").to("%") == 60.0
    with pytest.raises(ValueError, match="expected one convertible to 'kHz'"):
        units.Quantity("2 h").to("kHz")


@pytest.mark.parametrize(
    ("hours", "text"),
    [(336.0, "14 d"), (-24.0, "-1 d"), (24.0, "1 d"), (36.0, "36 h"), (2.5, "2.5 h"), (0.0, "0 h")],
)
def test_a_moment_is_written_in_whole_days_or_in_hours(hours, text):
    assert units.moment(hours) == text


@pytest.mark.parametrize(
    ("text", "expected", "house"),
    [
        # 420 g/mol are 420 ug/umol; a gram of drug in a litre is a microgram in a microlitre.
        ("420 g/mol", 420e-6, "ug/pmol"),
        ("2 g/L", 2.0, "ug/uL"),
        ("2 mg/kg", 2e3, "ug/kg"),
        ("3 mL/kg", 3e3, "uL/kg"),
        ("250 g", 0.25, "kg"),
    ],
)
def test_grams_weigh_a_substance_per_mole_and_per_volume_and_else_a_body(text, expected, house):
    assert units.quantity(text) == pytest.approx(expected, rel=1e-12)
    assert units.Quantity(text).unit == house
