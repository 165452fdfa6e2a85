"""MATLAB files: what is read whichever way it lies, and what is refused before it is built."""

import io
import struct
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import Export
from otosome.laboratory.mapping import Meaning
from otosome.laboratory.matlab import variables
from otosome.laboratory.reading import contents
from otosome.laboratory.records import Field, meaning_of
from otosome.laboratory.tables import FEWEST_SAMPLES
from samples.matlab_records import LEVELS, TIME, WAVES, mat


def waveforms(voltage="", **content):
    export = Export("a.mat", mat(**content), voltage=voltage)
    return contents(export, Catalog(), Meaning()).tables.waveforms


ABOUT = {"freq_hz": 16000.0, "fs_kHz": 20.0}


@pytest.mark.parametrize(("name", "scale"), [("nV", 1e3), ("uV", 1.0), ("mV", 1e-3), ("V", 1e-6)])
def test_the_same_waves_in_four_units_are_the_same_microvolts(name, scale):
    table = waveforms(rec={**ABOUT, "units": name, "level": LEVELS, "data": WAVES * scale})
    assert np.allclose(np.array(list(table["samples"])), WAVES)


def test_a_unit_that_is_nowhere_stated_is_asked_for_and_may_be_given():
    content = {"rec": {**ABOUT, "level": LEVELS, "data": WAVES * 1e3}}
    with pytest.raises(BadInput, match="--voltage"):
        waveforms(**content)
    assert np.allclose(waveforms("nV", **content)["samples"][0], WAVES[0])


def test_axes_are_told_by_their_lengths():
    grid = np.stack([WAVES, 2 * WAVES])  # frequency, level, sample
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        about = {"Frequencies_kHz": [8.0, 32.0], "SPL_levels": LEVELS, "SampleRate_Hz": 2e4}
        table = waveforms(abr_uV=np.transpose(grid, order), **about)
        own = table[(table["frequency"] == 32.0) & (table["level"] == 60.0)].iloc[0]
        assert np.allclose(own["samples"], 2 * WAVES[2])


def test_axes_that_could_be_either_are_refused():
    square = np.tile(WAVES[0][:40], (40, 1))
    with pytest.raises(BadInput, match="40 x 40"):
        waveforms(data_uV=square, level=np.arange(40.0), freq_khz=8.0, fs=2e4)


@pytest.mark.parametrize(
    "dt", [{"dt_us": 50.0}, {"dt": 5e-5}, {"time_s": TIME / 1e3}, {"Sampling_Freq": 2e4}]
)
def test_rates_periods_and_times_say_the_same(dt):
    table = waveforms(data_uV=WAVES, level=LEVELS, stim="click", **dt)
    assert table["rate"].iloc[0] == pytest.approx(20.0)
    assert np.isnan(table["frequency"].iloc[0])


def packed(kind, dimensions, *parts):
    """A matrix of a class with these dimensions, as version 5 writes it."""
    flags = struct.pack("<IIII", 6, 8, kind, 0)
    size = struct.pack(f"<II{len(dimensions)}i", 5, 4 * len(dimensions), *dimensions)
    size += b"\0" * (-len(size) % 8)
    body = flags + size + struct.pack("<II8s", 1, 1, b"a") + b"".join(parts)
    return (
        b"MATLAB 5.0 MAT-file".ljust(124)
        + struct.pack("<HH", 0x100, 0x4D49)
        + struct.pack("<II", 14, len(body))
        + body
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (packed(3, (1, 1)), "an object"),
        (packed(16, (1, 1)), "a function"),
        (packed(17, (1, 1)), "an object"),
        (packed(1, (2**30, 2)), "entries in a variable"),
        (packed(2, (-1, -1)), "entries in a variable"),
        (packed(6, (2**30, 2**30)), "entries in a variable"),
        (packed(6, (1, 1))[:150], "without its size"),
    ],
)
def test_what_is_no_data_or_too_much_of_it_is_refused_before_it_is_built(content, says):
    with pytest.raises(BadInput, match=says):
        variables(Export("a.mat", content))


def test_what_unpacks_to_more_than_a_file_may_hold_is_refused():
    body = zlib.compress(b"\0" * 60_000_000)
    content = packed(6, (1, 1))[:128] + struct.pack("<II", 15, len(body)) + body
    with pytest.raises(BadInput, match="unpacked"):
        variables(Export("a.mat", content))


def test_objects_deep_inside_a_struct_are_refused():
    stream = io.BytesIO()
    savemat(stream, {"a": {"b": {"c": [1.0, 2.0]}}})
    content = stream.getvalue()
    place = content.rindex(struct.pack("<II", 6, 8)) + 8
    with pytest.raises(BadInput, match="an object"):
        variables(Export("a.mat", content[:place] + b"\x11" + content[place + 1 :]))


def test_a_file_of_version_7_3_is_named_with_what_to_do():
    with pytest.raises(BadInput, match="-v7"):
        contents(Export("a.mat", b"MATLAB 7.3 MAT-file, Platform".ljust(600, b"\0")), Catalog(), Meaning())


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("Stim", "frequency"),
        ("Stim_1", "frequency"),
        ("stim freq 2", "frequency"),
        ("SPL_levels", "level"),
        ("dB3", "level"),
        ("SampleRate_Hz", "rate"),
        ("sampling_interval_of_the_mean", ""),
        ("sampleInterval_us", "period"),
        ("nAvgs", "sweeps"),
        ("MouseID", "subject"),
        ("data_nV", "samples"),
        ("abr", "samples"),
        ("Avg 2", "samples"),
        ("comment", ""),
        ("7", ""),
    ],
)
def test_a_field_means_what_its_words_say_without_its_numbers(name, meaning):
    assert meaning_of(Field(name, np.zeros(FEWEST_SAMPLES))) == meaning
    # One sample less is no waveform.
    shorter = meaning_of(Field(name, np.zeros(FEWEST_SAMPLES - 1)))
    assert shorter == ("" if meaning == "samples" else meaning)


def test_a_recording_that_states_no_sweeps_has_none_and_another_has_the_first_of_its_own():
    alone = {"data_uV": WAVES, "level": LEVELS, "stim": "click", "fs": 2e4}
    assert waveforms(**alone)["sweeps"].isna().all()
    assert (waveforms(**alone, sweeps=np.array([512.0, 1.0]))["sweeps"] == 512.0).all()
