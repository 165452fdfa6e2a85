"""What every instrument on the shelf promises, asked of made-up files of its layouts and, where they are, real ones."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laboratory import SAMPLES, samples
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import Export
from otosome.laboratory.tables import MARKS, PARTICLES, READINGS, WAVEFORMS, WELLS

CATALOG = Catalog()
NAMES = CATALOG.names("instruments")
INSTRUMENTS = {name: CATALOG.get("instruments", name).formula() for name in NAMES}
FILES = [(name, sample) for name in NAMES for sample in samples(name)]
REAL = Path(__file__).parents[3] / "shared" / "data"
# Codes of laboratories' software, and what a SAS zero becomes when decoded carelessly.
CODES = (666.0, 888.0, -2147483648.0, 5.397605346934028e-79)
every_file = pytest.mark.parametrize(("name", "sample"), FILES, ids=[f"{n}-{s.name}" for n, s in FILES])


def read(name, sample, content=None):
    return INSTRUMENTS[name].read(sample.export(content))


def tables_of(tables):
    return list(tables.each().values())


def test_every_instrument_has_a_made_up_file_of_each_layout_and_nothing_else_has():
    assert sorted(file.stem for file in SAMPLES.glob("*.py")) == NAMES
    assert all(len(samples(name)) >= 1 for name in NAMES)


@every_file
def test_a_file_is_known_by_its_own_reader_and_by_no_other(name, sample):
    assert [n for n, i in INSTRUMENTS.items() if i.recognises(sample.export().head)] == [name]


@every_file
def test_every_row_and_every_refusal_is_accounted_for(name, sample):
    tables = read(name, sample)
    assert (tables.rows, len(tables.refused)) == (sample.rows, sample.refused), tables.refused
    assert all(one.file == sample.name and one.place and one.reason for one in tables.refused)


@every_file
def test_the_first_row_holds_what_the_file_says(name, sample):
    first = tables_of(read(name, sample))[0].iloc[0]
    for column, value in sample.holds:
        assert first[column] == pytest.approx(value) if isinstance(value, float) else first[column] == value


@every_file
def test_tables_have_the_contract_s_columns_units_and_provenance(name, sample):
    tables = read(name, sample)
    for table, columns in (
        (tables.readings, READINGS),
        (tables.particles, PARTICLES),
        (tables.waveforms, WAVEFORMS),
        (tables.wells, WELLS),
        (tables.marks, MARKS),
    ):
        if table is not None:
            assert tuple(table.columns) == columns
            assert set(table["file"]) == {sample.name}
            assert set(table["sha256"]) == {sample.export().sha256}
    if tables.readings is not None:
        known = {"dB SPL", "dB HL", "uV", "ms", "uM", "ug/uL", "cells", "cells/mm", "per IHC", "mV", "nm", ""}
        assert set(tables.readings["unit"]) <= known
        assert np.isfinite(tables.readings["value"]).all()
    if tables.waveforms is not None:
        assert set(tables.waveforms["unit"]) <= {"dB", "dB SPL"}
        assert (tables.waveforms["rate"] > 0).all()
        assert all(np.isfinite(one).all() and one.size for one in tables.waveforms["samples"])


@every_file
def test_no_response_is_censored_and_no_code_becomes_a_number(name, sample):
    readings = read(name, sample).readings
    if readings is None:
        assert sample.censored == 0
        return
    assert set(readings["censored"]) <= {"none", "above", "below"}
    assert (readings["censored"] != "none").sum() == sample.censored
    assert not np.isin(readings["value"], CODES).any()
    frequency = readings["frequency"].dropna()
    assert ((frequency > 0.05) & (frequency < 200)).all()


@every_file
def test_row_counts_survive_parquet_and_csv(name, sample):
    for table in tables_of(read(name, sample)):
        packed = io.BytesIO()
        table.to_parquet(packed, index=False)
        assert len(pd.read_parquet(packed)) == len(table)
        if "samples" not in table:
            assert len(pd.read_csv(io.StringIO(table.to_csv(index=False)))) == len(table)


@every_file
def test_no_path_or_person_of_the_file_is_kept(name, sample):
    kept = " ".join(str(cell) for table in tables_of(read(name, sample)) for cell in table.to_numpy().ravel())
    assert not any(word in kept for word in ("/home", "C:\\", "someone", "Byron", "1815-12"))


@given(st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_or_changed_anywhere_gives_tables_or_a_refusal(name, data):
    sample = data.draw(st.sampled_from(samples(name)))
    content = bytearray(sample.content)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.one_of(st.integers(0, min(3000, len(content))), st.integers(0, len(content))))
        stop = start + data.draw(st.sampled_from([0, 1, 2, 20, 100_000]))
        piece = st.one_of(
            st.binary(max_size=12),
            st.sampled_from(
                [b"", b"\n", b",", b'"', b"-", b"e99", b"inf", b"\xff\xff", b"1e400", b"-1", b"\0"]
            ),
        )
        content[start:stop] = data.draw(piece) * data.draw(st.sampled_from([1, 1, 1, 300]))
    tables, refusal = None, ""
    try:
        tables = read(name, sample, bytes(content))
    except BadInput as error:
        refusal = str(error)
    if tables is None:
        assert sample.name in refusal
        assert len(refusal) < 2000
    for table in tables_of(tables) if tables else []:
        values = table["value"] if "value" in table else table.get("level", pd.Series(dtype=float))
        assert not np.isinf(values).any()


@given(st.binary(max_size=4096))
def test_no_reader_trips_over_a_beginning(head):
    assert sum(bool(instrument.recognises(head)) for instrument in INSTRUMENTS.values()) <= 1


@pytest.mark.skipif(not REAL.is_dir(), reason="no real files beside the repository (shared/data)")
def test_real_files_are_known_by_one_reader_each():
    # What is made up there shows what no reader knows yet, too.
    files = [
        file
        for folder in REAL.iterdir()
        if folder.is_dir() and folder.name != "small_inputs"
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith(("LICENSE", "README"))
    ]
    for file in files:
        known = [n for n, i in INSTRUMENTS.items() if i.recognises(Export.open(file).head)]
        assert len(known) == ("contrast_ct" not in str(file)), f"{file.name}: {known}"


def test_a_recording_without_an_average_is_refused_and_not_a_defect():
    (sample, *_) = samples("ihs")
    content = sample.content.replace(b"Average", b"Buffer")
    with pytest.raises(BadInput, match="0 columns like"):
        read("ihs", sample, content)


def test_cursors_set_by_hand_are_wave_one_in_microvolt_whatever_unit_they_stand_in():
    (sample,) = [one for one in samples("biosig_csv") if one.name == "cursors.csv"]
    table = read("biosig_csv", sample).readings
    # 900 and -600 nV, 0.5 ms apart; at 80 dB the second cursor lies 2.4 ms behind and is no N1; at 70 dB none was set.
    assert list(table["quantity"]) == ["wave1_latency", "wave1", "wave1_latency"]
    assert list(table["value"]) == [1.5, 1.5, 1.6]
    assert list(table["level"]) == [90.0, 90.0, 80.0]
