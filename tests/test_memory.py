"""Memory hardly grows with ears: what a run keeps of each lies in files, and is read as far as it is asked for."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import re
import shutil
import tracemalloc
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import tomli_w
import xarray as xr
from xarray.core.indexing import LazilyIndexedArray

from otosome import jobs
from otosome.errors import BadInput
from otosome.forward import best, draw, measure, observe, observed, reading, simulate
from otosome.results import netcdf, open_result, readings, scratch, writing
from otosome.results.dataset import write_data
from otosome.study import Measure, loads
from small_study import STUDY

# All that an ear has at places, at every hour that is measured.
LARGE = {"intact", "injured", "silent", "stria", "cells", "vesicles", "protein"}
HOURS = [f"{hour} h" for hour in (1, 2, 3, 4)]
MEASURES = {"abr": STUDY["measure"]["abr"] | {"at": HOURS}}
# Noise alone, which carries nothing and is soon computed.
NOISE = {
    **{key: value for key, value in STUDY.items() if key not in ("treatment", "mechanisms", "compare")},
    "arm": [{"name": "a", "insults": ["blast"]}, {"name": "b", "insults": []}],
    "measure": MEASURES,
}


@pytest.fixture(scope="module")
def study():
    return loads(tomli_w.dumps(NOISE), "noise")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A stored run of some ears."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "noise.toml").write_text(tomli_w.dumps(NOISE), encoding="utf-8")
    return jobs.run(jobs.StudyInputs(study=str(folder / "noise.toml"), subjects=12, out=folder / "out"))


def lies_in_a_file(variable):
    return isinstance(variable.variable._data, LazilyIndexedArray)


# In files as in memory


def test_ears_laid_into_files_are_those_in_memory_to_the_bit(study, tmp_path):
    """One of them cannot be computed, one is no number, and the last block is not full."""
    ears = draw(study, 19, seed=3)
    death = np.where(ears.ear == 4, np.nan, ears["cells.ohc.death"])
    ears = ears.assign(**{"cells.ohc.death": np.where(ears.ear == 10, 1e300, death)})
    whole, laid = simulate(study, ears), simulate(study, ears, store=tmp_path)
    assert laid.sizes["subject"] == 17
    assert {name for name in laid.data_vars if lies_in_a_file(laid[name])} == LARGE
    assert not any(lies_in_a_file(whole[name]) for name in whole.data_vars)
    assert list(whole.variables) == list(laid.variables)
    assert laid.identical(whole)
    assert laid.isel(subject=[16, 2], place=slice(None, None, -3)).identical(
        whole.isel(subject=[16, 2], place=slice(None, None, -3))
    )


def test_an_endpoint_is_measured_of_ears_in_files_and_another_process_reads_them(study, tmp_path):
    ears = draw(study, 9, seed=3)
    whole, laid = simulate(study, ears), simulate(study, ears, store=tmp_path)
    asked = Measure.model_validate({"endpoint": "dpoae", "frequency": ["8 kHz"], "at": ["2 h", "4 h"]})
    assert measure(study, laid, ears, asked).identical(measure(study, whole, ears, asked))
    assert len(pickle.dumps(laid["intact"])) < 20_000 < laid["intact"].nbytes
    assert pickle.loads(pickle.dumps(laid["intact"])).identical(whole["intact"])


def test_readings_are_the_same_however_many_are_made_at_once(study, monkeypatch):
    ears = draw(study, 9, seed=3)
    result = simulate(study, ears)
    whole = observe(study, result, ears)
    monkeypatch.setattr(reading, "_ROWS", 17)
    pieces = list(observed(study, result, ears))
    # Of one ear are eight.
    assert {len(piece) for piece in pieces} == {16, 8}
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole)
    assert len(whole) == 9 * 2 * 2 * 4


def test_a_table_of_readings_is_the_same_however_many_rows_are_held_at_once(study, tmp_path, monkeypatch):
    ears = draw(study, 9, seed=3)
    whole = observe(study, simulate(study, ears), ears)
    parts = [whole[start : start + 10].reset_index(drop=True) for start in range(0, len(whole), 10)]
    monkeypatch.setattr(readings, "_ROWS", 25)
    file = tmp_path / "readings.parquet"
    seen = readings.write_readings(file, parts, lambda table: table[table["frequency"] == 8.0])
    pd.testing.assert_frame_equal(pd.read_parquet(file), whole)
    pd.testing.assert_frame_equal(seen, whole[whole["frequency"] == 8.0].reset_index(drop=True))
    held = list(readings.read_readings(file))
    assert [len(table) for table in held] == [30, 30, 30, 30, 24]
    pd.testing.assert_frame_equal(pd.concat(held, ignore_index=True), whole)
    assert readings.count(file) == len(whole)


def objects(file):
    """Every group and variable of a file of HDF5, by its path."""
    found = {"/": file}
    file.visititems(lambda name, each: found.__setitem__(name, each))
    return found


# What says which library wrote a file, and references to places in it.
OWN = {"_NCProperties", "REFERENCE_LIST", "DIMENSION_LIST"}


def said(each):
    """What a group or variable says, in its order, but for what NetCDF keeps to itself."""
    texts = {name: repr(np.asarray(value).tolist()) for name, value in each.attrs.items()}
    return [(name, text) for name, text in texts.items() if name[:2] != "_N" and name != name.upper()]


def test_a_file_written_in_pieces_is_object_by_object_the_one_that_xarray_writes_at_once(
    run, tmp_path, monkeypatch
):
    ears = run.data.compute()
    groups = {
        "/": xr.Dataset(attrs={"title": "ä", "seed": 1, "share": 0.5}),
        "ears": ears,
        "rows": xr.Dataset({"text": ("row", np.array(["a", "", "ä"], object)), "n": ("row", [1, 2, 3])}),
        "none": xr.Dataset({"x": ("nothing", np.zeros(0)), "y": (("two", "nothing"), np.zeros((2, 0)))}),
        "words": xr.Dataset(
            {"word": ("word", ["x", "y"]), "flag": ("word", [True, False]), "one": ((), 2.0)}
        ),
    }
    heads = groups | {"ears": ears.isel(subject=slice(0, 1)), "rows": groups["rows"].isel(row=slice(0, 1))}
    monkeypatch.setattr(netcdf, "_AT_ONCE", ears.nbytes // 5)
    texts, numbers = (groups["rows"][name].to_numpy() for name in ("text", "n"))
    rows = [(part, {"text": texts[part], "n": numbers[part]}) for part in (slice(0, 2), slice(2, 3))]
    pieces = {"ears": list(netcdf.of_ears(ears, "subject")), "rows": rows}
    assert len(pieces["ears"]) == 6
    netcdf.write_large(tmp_path / "pieces.nc", heads, {"subject": 12, "row": 3}, pieces)
    whole = xr.DataTree.from_dict({f"/{name.strip('/')}": group for name, group in groups.items()})
    whole.to_netcdf(tmp_path / "whole.nc", engine="h5netcdf")
    files = [tmp_path / "pieces.nc", tmp_path / "whole.nc"]
    with xr.open_datatree(files[0], engine="h5netcdf") as one, xr.open_datatree(files[1]) as other:
        assert one.identical(other)
    with h5py.File(files[0]) as one, h5py.File(files[1]) as other:
        mine, theirs = objects(one), objects(other)
        assert mine.keys() == theirs.keys()
        for name, each in mine.items():
            twin = theirs[name]
            assert set(each.attrs) == set(twin.attrs) and said(each) == said(twin), name
            for attribute in set(each.attrs) - OWN:
                assert each.attrs.get_id(attribute).dtype == twin.attrs.get_id(attribute).dtype
                assert (
                    np.array_equal(each.attrs[attribute], twin.attrs[attribute]) or attribute == "_FillValue"
                )
            if isinstance(each, h5py.Group):
                assert list(each) == list(twin), name
                continue
            assert (each.shape, each.dtype, each.maxshape) == (twin.shape, twin.dtype, twin.maxshape), name
            scales = [
                [[scale.name for scale in dim.values()] for dim in which.dims] for which in (each, twin)
            ]
            assert scales[0] == scales[1], name
    # The netCDF library of another maker tells its files by this.
    with h5py.File(files[0]) as one:
        assert re.fullmatch(rb"version=2,otosome=[^,]+,hdf5=[\d.]+,h5py=[\d.]+", one.attrs["_NCProperties"])


# Read as far as it is asked for


def test_a_stored_result_is_read_as_far_as_it_is_asked_for(run):
    file = run.folder / "result.nc"
    tracemalloc.start()
    try:
        stored = open_result(run.folder)
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        ear = stored["intact"].isel(arm=1, subject=[3, 9]).to_numpy()
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert {name for name in stored.data_vars if lies_in_a_file(stored[name])} == LARGE
    # Ears 3 to 9 of one arm of two are read, and 3 and 9 remain.
    part = stored["intact"].nbytes * 7 / 24
    assert ear.nbytes < part < peak < 2 * part < 0.7 * stored["intact"].nbytes
    with h5py.File(file) as opened:
        assert np.array_equal(ear, opened["cells/intact"][1][[3, 9]])


def test_a_result_that_was_replaced_since_it_was_opened_is_not_read_as_the_other(run, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "out")
    stored = open_result(folder)
    assert stored["cells"].equals(run.data["cells"])
    os.utime(folder / "result.nc", (0, 0))
    with pytest.raises(BadInput, match=r"was replaced after it was opened.*open it again"):
        stored["cells"].to_numpy()
    (folder / "result.nc").unlink()
    with pytest.raises(BadInput, match="cannot be read"):
        stored["cells"].to_numpy()


def test_nothing_is_left_beside_a_result(run):
    assert not [path for path in run.folder.parent.iterdir() if "part" in path.name]
    assert not [path for path in run.folder.rglob("*") if path.suffix == ".raw"]


# The law


def peak_of(study, folder, subjects):
    """The most that a simulation and its files hold at once, bytes, and what is stored."""
    ears = draw(study, subjects, seed=1)
    tracemalloc.start()
    try:
        with writing(folder) as part, scratch(part) as room:
            result = simulate(study, ears, workers=1, store=room)
            result.attrs["sources"] = "[]"
            file = part / "readings.parquet"
            readings.write_readings(file, observed(study, result, ears), lambda rows: rows[:0])
            write_data(result, file, part)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return peak, (folder / "result.nc").stat().st_size


def test_the_memory_of_a_result_grows_by_far_less_than_what_it_stores(study, run, tmp_path, monkeypatch):
    """In pieces that are small beside so few ears; a run before has imported what there is."""
    for module, name, size in (
        (netcdf, "_AT_ONCE", 1 << 18),
        (readings, "_ROWS", 128),
        (reading, "_ROWS", 128),
    ):
        monkeypatch.setattr(module, name, size)
    few, many = 32, 128
    (small, stored), (large, more) = (peak_of(study, tmp_path / str(ears), ears) for ears in (few, many))
    each, kept = (large - small) / (many - few), (more - stored) / (many - few)
    assert kept > 70_000
    assert each < 10_000


# Trouble


class Full(BytesIO):
    """A disk that takes so many bytes."""

    room = 0

    def write(self, data):
        if self.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def files_open():
    return h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE)


def test_a_full_disk_is_an_error_and_not_the_end_of_the_program(run, monkeypatch):
    """A file that HDF5 could not close would end the program later, when what it was written to is gone."""
    heads = {"ears": run.data.isel(subject=slice(0, 1)).compute()}
    pieces = list(netcdf.of_ears(run.data.compute(), "subject"))
    size, before = (run.folder / "result.nc").stat().st_size, files_open()
    for room in [*range(0, 40_000, 3_333), *np.linspace(0.1, 0.8, 4) * size]:
        disk = Full()
        disk.room = int(room)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", lambda *_, disk=disk, **__: disk)
            with pytest.raises(OSError, match="No space left"):
                netcdf.write_large(Path("x.nc"), heads, {"subject": 12}, {"ears": pieces})
        gc.collect()
        assert files_open() == before


def test_every_ear_is_there_where_there_is_one(study, tmp_path):
    ear = best(study)
    assert simulate(study, ear, store=tmp_path).identical(simulate(study, ear))
