"""Every number from a source against a second reading of it, by someone who had not opened the entry.

``tests/second/README.md`` says how a second reading is made. ``pytest tests/test_second_reading.py -s`` prints
the numbers that have none yet: they are provisional. ``python tests/test_second_reading.py`` writes the list of
the others that the package carries.
"""

import csv
import dataclasses
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from otosome import catalog, evidence, units

SECOND = Path(__file__).parent / "second"
CATALOG = catalog.Catalog()
# Parts of a standard deviation between the middle and 5 or 95 %.
Z95 = 1.6448536269514722
# How many standard deviations the ends of a reading's range lie from its value.
DEVIATIONS = {"1 SD": 1.0, "2 SD": 2.0}
RANGES = {"as printed", "as computed", *DEVIATIONS}
READ = evidence.READ
LIST = catalog.SHIPPED / "second.txt"


def shelved():
    """Every number there is, by full name and species variant."""
    return {
        (parameter.name, parameter.species): parameter
        for shelf in catalog.SHELVES
        for name in CATALOG.names(shelf)
        for by_species in CATALOG.get(shelf, name).card.parameters.values()
        for parameter in by_species.values()
    }


def curves():
    """Every curve that claims a source, by full name and species variant."""
    return {
        (curve.name, curve.species): curve
        for shelf in catalog.SHELVES
        for name in CATALOG.names(shelf)
        for by_species in CATALOG.get(shelf, name).card.profiles.values()
        for curve in by_species.values()
        if curve.basis in READ
    }


def rows(file):
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


NUMBERS = shelved()
CURVE_FILES = ("curves", "standards")
READINGS = [
    row for file in sorted(SECOND.glob("*.csv")) if file.stem not in CURVE_FILES for row in rows(file)
]
CURVES = [row for stem in CURVE_FILES for row in rows(SECOND / f"{stem}.csv")]
# The house unit of what a curve runs along; the ones missing here have a test of their own.
ALONG = {"distance": "mm", "frequency": "kHz"}


def key_of(reading):
    return reading["parameter"], reading["species"]


def read_twice():
    """Names of the numbers and curves of which two readings agree."""
    keys = {key_of(reading) for reading in READINGS if not reading["open"]}
    return {".".join(filter(None, key)) for key in keys | {(row["curve"], row["species"]) for row in CURVES}}


def sourced():
    """Every number and curve that claims a source, by its name with the species."""
    numbers = [parameter for parameter in NUMBERS.values() if parameter.basis in READ]
    return {evidence.full_name(told): told for told in (*numbers, *curves().values())}


def provisional():
    """Names of numbers and curves that claim a source and were read once, or twice with an open disagreement."""
    return sorted(sourced().keys() - read_twice())


def listed():
    """What the package's list holds: a line for each number and curve read twice, its name and hash."""
    twice = {name: told for name, told in sourced().items() if name in read_twice()}
    return "".join(f"{name} {told.hash}\n" for name, told in sorted(twice.items()))


every_reading = pytest.mark.parametrize(
    "reading", READINGS, ids=[".".join(filter(None, key_of(reading))) for reading in READINGS]
)


def digits(text):
    """Half a unit in the last digit of a quantity as printed, in the quantity's own unit."""
    number = text.split(maxsplit=1)[0]
    exponent = Decimal(number).as_tuple().exponent
    assert isinstance(exponent, int)
    return 0.5 * 10.0**exponent


def in_unit(text, unit):
    """A printed quantity and half its last digit, in a unit."""
    value, given = units.split(text)
    return units.convert(value, given, unit), units.convert(digits(text), given, unit) * (1 + 1e-6)


def of_the_shelf(reading):
    key = key_of(reading)
    assert key in NUMBERS, (
        f"no shelf holds {'.'.join(key)}: a reading follows a number that is renamed or gone"
    )
    return NUMBERS[key]


def reach(parameter):
    """5 and 95 % of a number in one animal and lot: what is not known, and the spreads on top."""
    value, low, high = parameter.value, parameter.low, parameter.high
    spread = Z95 * math.hypot(parameter.subjects, parameter.lots)
    if parameter.additive or not spread or low <= 0:
        spread *= 1 if parameter.additive else abs(value)
        return value - math.hypot(value - low, spread), value + math.hypot(high - value, spread)
    below, above = math.hypot(math.log(value / low), spread), math.hypot(math.log(high / value), spread)
    return value * math.exp(-below), value * math.exp(above)


def deviation_of(reading, parameter):
    """Mean and standard deviation that the evidence gives, in the shelf's unit."""
    mean, _ = in_unit(reading["value"], parameter.unit)
    return mean, (in_unit(reading["high"], parameter.unit)[0] - mean) / DEVIATIONS[reading["range"]]


def lognormal(mean, deviation):
    """Median and standard deviation of the logarithm of the lognormal with this mean and deviation."""
    of_log = math.sqrt(math.log1p((deviation / mean) ** 2))
    return mean / math.exp(of_log**2 / 2), of_log


def middle(reading, parameter):
    """The best value as the evidence has it and half its last digit: the median, where a mean has a deviation
    and the shelf's number is lognormal.
    """
    value, last = in_unit(reading["value"], parameter.unit)
    if reading["range"] in DEVIATIONS and parameter.shape == "lognormal":
        value, _ = lognormal(*deviation_of(reading, parameter))
    return value, last


def ends(reading, parameter):
    """5 and 95 % as the evidence has them, each with half its last digit, in the shelf's unit.

    Ends that are standard deviations away are those of a normal, or of a lognormal of that mean and deviation
    where the shelf's number is lognormal.
    """
    low, below = in_unit(reading["low"], parameter.unit)
    high, above = in_unit(reading["high"], parameter.unit)
    if reading["range"] in DEVIATIONS:
        mean, deviation = deviation_of(reading, parameter)
        low, high = mean - Z95 * deviation, mean + Z95 * deviation
        if parameter.shape == "lognormal":
            median, of_log = lognormal(mean, deviation)
            low, high = median * math.exp(-Z95 * of_log), median * math.exp(Z95 * of_log)
    return low, below, high, above


def disagreements(reading):
    """What the shelf and the second reading differ in, in words; empty where they agree."""
    parameter = of_the_shelf(reading)
    found = []
    if reading["value"]:
        value, last = middle(reading, parameter)
        if abs(parameter.value - value) > last:
            found.append(f"shelf {parameter.given}, second reading {reading['value']}")
    if not reading["low"]:
        return found
    low, below, high, above = ends(reading, parameter)
    if not reading["value"] and not low - below <= parameter.value <= high + above:
        found.append(f"shelf {parameter.given}, second reading {reading['low']} to {reading['high']}")
    lowest, highest = reach(parameter)
    # What is positive by nature has no range that ends at zero.
    if (low > 0 or parameter.low <= 0) and lowest > low + below:
        found.append(f"shelf from {lowest:.4g}, evidence from {low:.4g} {parameter.unit}")
    if highest < high - above:
        found.append(f"shelf to {highest:.4g}, evidence to {high:.4g} {parameter.unit}")
    return found


@every_reading
def test_a_reading_says_where_it_was_read(reading):
    assert reading["source"]
    assert reading["marking"]
    assert bool(reading["low"]) == bool(reading["high"]) == bool(reading["range"])
    assert not reading["range"] or reading["range"] in RANGES
    assert reading["value"] or reading["low"]


def test_a_number_is_read_a_second_time_only_once():
    keys = [key_of(reading) for reading in READINGS]
    assert sorted(keys) == sorted(set(keys))


@every_reading
def test_a_number_read_twice_still_claims_a_source(reading):
    basis = of_the_shelf(reading).basis
    assert basis in READ, (
        f"it is {basis} now: what was read does not hold it any more, so take the reading out"
    )


@every_reading
def test_both_readings_agree_unless_a_disagreement_is_written_down_as_open(reading):
    found = disagreements(reading)
    if reading["open"]:
        assert found, "the readings agree now: take the remark out of the column `open`"
    else:
        assert not found, "; ".join(found)


def test_the_first_wave_grows_as_in_the_file_it_was_read_from():
    read = [row for row in CURVES if row["curve"] == "endpoints.wave1.growth"]
    curve = CATALOG.get("endpoints", "wave1").card.profile("growth", "")
    by_level = dict(zip(curve["level"], curve["amplitude"], strict=True))
    assert sorted(by_level) == sorted(float(row["at"]) for row in read)
    # The file's scale is not a voltage: only ratios count.
    loudest = max(read, key=lambda row: float(row["at"]))
    scale = float(loudest["value"]) / by_level[float(loudest["at"])]
    for row in read:
        assert by_level[float(row["at"])] * scale == pytest.approx(
            float(row["value"]), abs=digits(row["value"])
        )


@pytest.mark.parametrize(
    ("name", "species"), sorted({(r["curve"], r["species"]) for r in CURVES if r["along"] in ALONG})
)
def test_both_readings_of_a_curve_agree_point_by_point(name, species):
    read = [row for row in CURVES if (row["curve"], row["species"]) == (name, species)]
    shelf, entry, key = name.split(".")
    curve = CATALOG.get(shelf, entry).card.profile(key, species)
    along = read[0]["along"]
    first = units.quantity(read[0]["at"], ALONG[along])
    # A distance counts from where the curve begins.
    shift = first - curve[along][0] if along == "distance" else 0.0
    assert {row["quantity"] for row in read} == curve.keys() - {along}
    assert len({row["at"] for row in read}) == len(curve[along])
    for row in read:
        off = np.abs(curve[along] + shift - units.quantity(row["at"], ALONG[along]))
        # The first and last cuts of the human scala lie 0.01 mm inside its ends.
        assert off.min() <= 0.02 * (along == "distance") + 1e-9, f"no point at {row['at']}"
        value, last = units.split(row["value"])[0], digits(row["value"])
        assert abs(curve[row["quantity"]][off.argmin()] - value) <= last * (1 + 1e-6), (
            row["at"],
            row["quantity"],
        )


def along_the_scala(angle):
    """Distance from the base at a cochlear angle, as the guinea pig's entry says it assumed: mm."""
    return 0.7 * np.minimum(angle / 45, 1) + 16.4 * np.expm1(-0.0015 * angle) / np.expm1(-0.0015 * 1080)


def test_the_scala_tympani_of_the_guinea_pig_holds_what_was_digitised():
    read = [row for row in CURVES if row["curve"] == "species.guinea_pig.scala_tympani"]
    curve = CATALOG.get("species", "guinea_pig").card.profile("scala_tympani", "")
    for row in read:
        stretch = np.linspace(0, along_the_scala(float(row["at"])), 2001)
        held = np.trapezoid(np.interp(stretch, curve["distance"], curve["area"]), stretch)
        # Digitised to 0.05 uL, which is what agreement can mean.
        assert held == pytest.approx(in_unit(row["value"], "uL")[0], abs=0.05), f"at {row['at']} degrees"


def test_what_has_not_been_read_twice_is_listed_as_provisional():
    names = provisional()
    print(f"\n{len(read_twice())} numbers and curves from a source have been read twice and agree.")
    print(
        "open:",
        *(f"{r['parameter']}: {'; '.join(disagreements(r))}" for r in READINGS if r["open"]),
        sep="\n  ",
    )
    print(f"provisional, {len(names)}:", *names, sep="\n  ")
    assert {".".join(filter(None, key_of(r))) for r in READINGS if r["open"]} <= set(names)
    assert {row["curve"] for row in CURVES} <= {name for name, _ in curves()}


def test_the_package_carries_the_list_of_what_was_read_twice():
    assert LIST.read_text(encoding="utf-8") == listed(), (
        "run: python tests/test_second_reading.py, which writes the list anew, and commit it with the number"
    )
    once = [name for name, told in sourced().items() if evidence.provisional(told)]
    assert sorted(once) == provisional()


def test_a_number_is_provisional_again_once_it_is_another():
    name = next(iter(evidence.read_twice()))
    told = sourced()[name]
    moved = {"value": 1.5 * told.value} if isinstance(told, evidence.Parameter) else {"source": "another"}
    assert not evidence.provisional(told)
    assert evidence.provisional(dataclasses.replace(told, **moved))
    assert not evidence.provisional(dataclasses.replace(told, basis="assumed", **moved))


def test_every_range_ends_where_a_number_is_drawn_between():
    """The two ends a reading is held against are those that draws reach."""
    for parameter in NUMBERS.values():
        if (
            parameter.basis in READ
            and parameter.shape in ("normal", "lognormal")
            and parameter.low < parameter.high
        ):
            ends = evidence.Parameter.quantile(parameter, np.array([0.05, 0.95]))
            assert ends == pytest.approx([parameter.low, parameter.high])


if __name__ == "__main__":
    LIST.write_text(listed(), encoding="utf-8")
