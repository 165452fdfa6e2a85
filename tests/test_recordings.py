"""psiexperiment recordings: a folder is one recording, averaged trial by trial; hostile ones are refused."""

import json

import numpy as np
import pytest

import recordings
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.intake import intake
from otosome.laboratory.recording import open_export
from otosome.laboratory.zarr import Signal
from otosome.shelves.instruments.psi_recording import PsiRecording

CATALOG = Catalog()
WAVE, ROWS = recordings.signal()


@pytest.fixture
def folder(tmp_path):
    return recordings.write(tmp_path / recordings.NAME, WAVE, ROWS)


def waveforms(folder):
    return PsiRecording().read(open_export(folder)).waveforms


def test_a_folder_is_one_recording_of_its_subject_and_ear(folder):
    read = intake([folder.parent], CATALOG, species="mouse")
    assert list(read.files.items()) == [(recordings.NAME, "psi_recording")]
    assert read.refused == []
    whole = read.waveforms[read.waveforms["part"] == ""]
    assert list(whole["level"]) == list(recordings.LEVELS)
    assert set(whole["subject"]) == {"M1"}
    assert set(whole["ear"]) == {"left"}
    assert set(whole["recorded"]) == {"2022-06-01T12:00"}
    assert set(whole["frequency"]) == {16.0}
    assert set(whole["sweeps"]) == {64.0}
    row = read.estimated.iloc[0]
    assert row["censored"] == "none"
    assert (
        45.0 < row["value"] < 60.0
    )  # the response begins at 45 dB and rises above the noise of 64 sweeps soon after
    assert "single records or buffers used" in row["flag"]


def test_an_average_is_that_of_its_trials_in_either_polarity(folder):
    table = waveforms(folder)
    own = table[(table["level"] == 70.0) & (table["part"] == "")].iloc[0]
    trials = {1: [], -1: []}
    for start, _, level, polarity, _ in ROWS:
        if level == 70.0:
            first = round(start * recordings.RATE) - 125  # 5 ms before
            cut = WAVE[first : first + len(own["samples"])]
            trials[polarity].append(cut - cut.mean())
    expected = (np.mean(trials[1], axis=0) + np.mean(trials[-1], axis=0)) / 2
    assert own["onset"] == pytest.approx(5.0)
    assert np.allclose(own["samples"], 1e6 * expected, rtol=0, atol=1e-9)
    parts = table[(table["level"] == 70.0) & (table["part"] != "")]
    assert np.allclose(np.mean(list(parts["samples"]), axis=0), own["samples"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("chunk", [700, 1000, 9973, 10**6])
def test_where_chunks_end_changes_nothing(tmp_path, chunk):
    other = waveforms(recordings.write(tmp_path / "a", WAVE, ROWS, chunk=chunk))
    first = waveforms(recordings.write(tmp_path / "b", WAVE, ROWS))
    assert np.array_equal(np.array(list(other["samples"])), np.array(list(first["samples"])))


def test_a_trial_beyond_its_threshold_of_rejection_is_left_out(tmp_path):
    wave, rows = WAVE.copy(), [(*row[:4], 1e-4) for row in ROWS]
    first = round(rows[5][0] * recordings.RATE)
    wave[first + 50 : first + 60] += 1e-2 * np.sin(np.arange(10))
    table = waveforms(recordings.write(tmp_path / "a", wave, rows))
    assert "trials rejected" in table["flag"].iloc[0]
    loudest = table[(table["level"] == 80.0) & (table["part"] == "")].iloc[0]
    assert loudest["sweeps"] < 64.0
    assert np.ptp(loudest["samples"]) < 5.0


def test_clicks_have_no_frequency_and_channels_beyond_the_first_are_not_read(tmp_path):
    rows = [(row[0], row[2], row[3]) for row in ROWS]
    names = "t0 target_click_level target_click_polarity"
    table = waveforms(recordings.write(tmp_path / "a", WAVE, rows, channels=2, names=names))
    assert table["frequency"].isna().all()
    assert table["flag"].str.startswith("click").all()
    tones = waveforms(recordings.write(tmp_path / "b", WAVE, ROWS))
    assert np.allclose(np.array(list(table["samples"])), np.array(list(tones["samples"])), rtol=0, atol=1e-9)


def numcodecs_codec(name, **options):
    import numcodecs

    codec = getattr(numcodecs, name)(**options)
    return lambda data: (bytes(codec.encode(data)), codec.get_config())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Blosc", {"cname": "lz4", "shuffle": 1}),
        ("Blosc", {"cname": "zstd", "shuffle": 2}),
        ("Zstd", {}),
        ("LZ4", {}),
        ("GZip", {}),
    ],
)
def test_every_codec_gives_the_same_signal(tmp_path, name, options):
    recordings.write(tmp_path / "a", WAVE, ROWS, pack=numcodecs_codec(name, **options))
    blocks = [block for _, block in Signal.open(tmp_path / "a" / "eeg.zarr").blocks()]
    assert np.array_equal(np.concatenate(blocks), WAVE)


def test_a_signal_that_zarr_itself_wrote_is_read_in_both_formats(tmp_path):
    zarr = pytest.importorskip("zarr")
    for number in (2, 3):
        array = zarr.create_array(
            store=str(tmp_path / f"{number}.zarr"), data=WAVE, chunks=(30_000,), zarr_format=number
        )
        array.attrs["fs"] = recordings.RATE
        blocks = [block for _, block in Signal.open(tmp_path / f"{number}.zarr").blocks()]
        assert np.array_equal(np.concatenate(blocks), WAVE)


HOSTILE = [
    ({"dtype": "|O", "filters": [{"id": "pickle"}]}, "array"),
    ({"filters": [{"id": "pickle"}]}, "array"),
    ({"compressor": {"id": "pickle"}}, "array"),
    ({"shape": [10**15], "chunks": [10**15]}, "shape"),
    ({"chunks": [0]}, "shape"),
    ({"chunks": [10**9]}, "shape"),
    ({"shape": [-1]}, "shape"),
    ({"shape": "x"}, "shape"),
    ({"chunks": [15_000]}, "bytes"),
]


@pytest.mark.parametrize(("change", "says"), HOSTILE)
def test_an_array_that_is_no_plain_numbers_is_refused(folder, change, says):
    file = folder / "eeg.zarr" / ".zarray"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(BadInput, match=says):
        waveforms(folder)


def test_a_chunk_that_unpacks_to_more_than_its_size_is_refused(folder):
    packed, _ = recordings.zlib_codec(b"\0" * 50_000_000)
    (folder / "eeg.zarr" / "0").write_bytes(packed)
    with pytest.raises(BadInput, match="bytes"):
        waveforms(folder)


@pytest.mark.parametrize(
    "header", [(2**31, 8, 100), (160_000, 8, 10**6), (160_000, 2**31, 116), (160_000, 0, 116)]
)
def test_a_chunk_of_blosc_whose_sizes_are_not_its_own_is_refused(tmp_path, header):
    folder = recordings.write(tmp_path / "a", WAVE, ROWS, pack=numcodecs_codec("Blosc"))
    (folder / "eeg.zarr" / "0").write_bytes(recordings.blosc_header(*header) + b"\1" * 100)
    with pytest.raises(BadInput, match="sizes"):
        waveforms(folder)


@pytest.mark.parametrize("sample", [np.nan, np.inf, 1e200])
def test_a_sample_that_is_none_is_refused_before_it_is_averaged(tmp_path, sample):
    wave = WAVE.copy()
    wave[3000] = sample
    with pytest.raises(BadInput, match="sample"):
        waveforms(recordings.write(tmp_path / "a", wave, ROWS))


@pytest.mark.parametrize("rate", [0, -1.0, 5000.0, 1e9, "25000", None, True])
def test_a_rate_at_which_no_response_can_be_sampled_is_refused(folder, rate):
    (folder / "eeg.zarr" / ".zattrs").write_text(json.dumps({"fs": rate}))
    with pytest.raises(BadInput, match="fs"):
        waveforms(folder)


@pytest.mark.parametrize("start", ["1e300", "-1", "nan"])
def test_a_trial_at_a_time_that_no_recording_reaches_is_refused(folder, start):
    file = folder / "erp_metadata.csv"
    head, first, rest = file.read_text().split("\n", 2)
    row = dict(zip(head.split(","), first.split(","), strict=True)) | {"t0": start}
    file.write_text("\n".join([head, ",".join(row.values()), rest]))
    with pytest.raises(BadInput, match="t0"):
        waveforms(folder)


def test_links_and_missing_chunks_are_refused_and_never_followed(folder, tmp_path):
    chunk = folder / "eeg.zarr" / "1"
    outside = tmp_path / "outside"
    outside.write_bytes(chunk.read_bytes())
    chunk.unlink()
    with pytest.raises(BadInput, match="no file"):
        waveforms(folder)
    chunk.symlink_to(outside)
    with pytest.raises(BadInput, match="no file"):
        waveforms(folder)


def test_trials_alone_and_an_array_alone_say_what_is_missing(folder, tmp_path):
    (folder / "erp_metadata.csv").rename(tmp_path / "erp_metadata.csv")
    with pytest.raises(BadInput, match=r"eeg\.zarr"):
        intake([tmp_path / "erp_metadata.csv"], CATALOG)
    with pytest.raises(BadInput, match=r"only files are read"):
        intake([folder], CATALOG)
