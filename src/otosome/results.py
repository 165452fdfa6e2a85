"""A result folder: written beside and renamed, never over anything that is not otosome's own."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otosome import __version__
from otosome.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from otosome.laboratory.intake import Intake
    from otosome.lots.assessment import Assessment

MARK = "study.json"


def is_ours(folder: Path) -> bool:
    """Whether a folder is a result that otosome wrote."""
    mark = folder / MARK
    if not mark.is_file() or mark.stat().st_size > 1_000_000:
        return False
    try:
        values = json.loads(mark.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return False
    return isinstance(values, dict) and "otosome" in values


def check_free(folder: Path, force: bool) -> None:
    """Refuse a folder that must not be written; raises BadInput."""
    try:
        _check_free(folder, force)
    except OSError as error:
        raise BadInput(
            f"cannot be used ({error.strerror})", file=str(folder), cure="name another --out"
        ) from error


def _check_free(folder: Path, force: bool) -> None:
    if not folder.exists():
        if folder.is_symlink():
            raise BadInput("is a link to nowhere", file=str(folder), cure="remove it, or name another --out")
        return
    if not folder.is_dir():
        raise BadInput("is a file, not a folder", file=str(folder), cure="name another --out")
    if folder.resolve() == Path.cwd():
        raise BadInput(
            "is the folder you work in, and would be put in another's place", file=str(folder),
            cure="name a folder below it",
        )  # fmt: skip
    if not any(folder.iterdir()):
        return
    if not is_ours(folder):
        raise BadInput(
            f"holds something that is not otosome's (no {MARK}); it is never replaced",
            file=str(folder),
            cure="name another --out",
        )
    if not force:
        raise BadInput(
            "holds an earlier result", file=str(folder), cure="--force moves it aside, --out names another"
        )


@contextmanager
def writing(folder: Path, force: bool = False) -> Iterator[Path]:
    """A new folder to fill; it takes the name ``folder`` only once everything is written.

    An earlier result is moved aside to ``folder.old`` (``.old2`` and so on) and an interruption leaves it where
    it was. One writer at a time.

    raises  BadInput if the folder is not free or cannot be made
    """
    check_free(folder, force)
    # What a link leads to is moved aside and made anew; the link stays.
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.part-", dir=folder.parent))
    except OSError as error:
        raise BadInput(
            f"cannot be made ({error.strerror})", file=str(folder), cure="name another --out"
        ) from error
    try:
        # A folder made for one user alone would stay so after it is renamed.
        part.chmod(0o755)
        with _locked(folder.with_name(f".{folder.name}.lock")):
            yield part
            check_free(folder, force)
            _move_in(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    import fcntl

    # Never emptied, followed or removed: what has this name may be somebody else's, or another writer's lock.
    try:
        opened = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise BadInput(f"cannot be opened as a lock ({error.strerror})", file=str(lock)) from error
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise BadInput("is being written by another otosome", file=str(lock), cure="wait for it") from error
    finally:
        os.close(opened)


def _move_in(part: Path, folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        taken = [folder.with_name(f"{folder.name}.old{n or ''}") for n in (0, *range(2, 10_000))]
        old = next(one for one in taken if not one.exists() and not one.is_symlink())
        folder.rename(old)
    elif folder.exists():
        folder.rmdir()
    part.rename(folder)


def fill(folder: Path, result: xr.Dataset, readings: pd.DataFrame, inputs: dict[str, str]) -> None:
    """Write every file of a result into a folder: data, readings, sources, study, report, mark."""
    import pandas as pd

    from otosome.report import write_report

    result.to_netcdf(folder / "result.nc", engine="h5netcdf")
    readings.to_parquet(folder / "readings.parquet", index=False)
    tame(readings).to_csv(folder / "readings.csv", index=False)
    tame(pd.DataFrame(json.loads(result.attrs["sources"]))).to_csv(folder / "sources.csv", index=False)
    (folder / "scenario.toml").write_text(result.attrs["study"], encoding="utf-8")
    write_report(result, readings, folder / "report.html")
    mark = {
        "otosome": __version__,
        "study": result.attrs["name"],
        "seed": int(result.attrs["seed"]),
        "subjects": result.sizes["subject"],
        "inputs": inputs,
        "headline": json.loads(result.attrs["headline"]),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / MARK).write_text(json.dumps(mark, indent=1, ensure_ascii=False), encoding="utf-8")


def fill_lot(folder: Path, found: Assessment, values: Mapping[str, Any]) -> None:
    """Write a lot's certificate, report, tables and mark into a folder.

    ``values``  what ``otosome.lots.values.lot_values`` says, with ``history``, ``reference`` and ``stakes``
    """
    import pandas as pd
    import tomli_w

    from otosome.report.lot import certificate, lot_report

    (folder / "certificate.html").write_text(certificate(values), encoding="utf-8")
    (folder / "report.html").write_text(lot_report(found, values, values["history"] or {}), encoding="utf-8")
    (folder / "batch.toml").write_text(tomli_w.dumps(values["batch"]), encoding="utf-8")
    (folder / "lot.json").write_text(json.dumps(values, indent=1, ensure_ascii=False), encoding="utf-8")
    tame(pd.DataFrame(values["tests"])).to_csv(folder / "tests.csv", index=False)
    wells = [{"run": plate.name, **asdict(well)} for plate in found.plates for well in plate.wells]
    tame(pd.DataFrame(wells, columns=["run", "well", "sample", "dose", "unit", "response"])).to_csv(
        folder / "wells.csv", index=False
    )
    mark = {
        "otosome": __version__, "lot": values["lot"], "decision": values["decision"], "inputs": dict(found.inputs),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    (folder / MARK).write_text(json.dumps(mark, indent=1, ensure_ascii=False), encoding="utf-8")


def fill_intake(folder: Path, made: Intake, animals: pd.DataFrame | None) -> None:
    """Write what was imported into a folder: the tables as Parquet and CSV, refusals, animals, contact sheet, mark.

    ``animals``  the checked sheet, written beside the tables that were joined with it
    """
    import pandas as pd

    from otosome.laboratory.mapping import draft
    from otosome.report.contact import contact_sheet

    tables = {
        "readings": made.readings, "particles": made.particles, "wells": made.wells, "thresholds": made.estimated,
    }  # fmt: skip
    for name, table in tables.items():
        if len(table):
            table.to_parquet(folder / f"{name}.parquet", index=False)
            tame(table).to_csv(folder / f"{name}.csv", index=False)
    if len(made.waveforms):
        made.waveforms.to_parquet(folder / "waveforms.parquet", index=False)
    for name, plate in made.plates.items():
        (folder / "plates").mkdir(exist_ok=True)
        tame(plate).to_csv(folder / "plates" / f"{name}.csv", index=False)
    if made.unsure:
        (folder / "mapping.toml").write_text(draft(made.unsure), encoding="utf-8")
    if animals is not None:
        tame(animals).to_csv(folder / "animals.csv", index=False)
    refused = pd.DataFrame([vars(one) for one in made.refused], columns=["file", "place", "given", "reason"])
    tame(refused).to_csv(folder / "refused.csv", index=False)
    (folder / "contact.html").write_text(contact_sheet(made), encoding="utf-8")
    mark = {
        "otosome": __version__,
        "imported": made.files,
        "inputs": made.inputs,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    (folder / MARK).write_text(json.dumps(mark, indent=1, ensure_ascii=False), encoding="utf-8")


def tame(table: pd.DataFrame) -> pd.DataFrame:
    """Text cells that a spreadsheet would run as a formula, made harmless."""

    def tame(cell: object) -> object:
        return f"'{cell}" if isinstance(cell, str) and cell[:1] in tuple("=+-@\t\r") else cell

    return table.map(tame)


def open_result(folder: Path) -> xr.Dataset:
    """A result folder read back; raises BadInput if it is none."""
    import xarray as xr

    if not folder.is_dir() or not is_ours(folder):
        raise BadInput(
            "is not a result folder of otosome", file=str(folder), cure=f"name one that holds {MARK}"
        )
    file = folder / "result.nc"
    try:
        with xr.open_dataset(file, engine="h5netcdf") as opened:
            stored = opened.load()
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot be read ({error})", file=str(file)) from error
    missing = [
        name for name in ("name", "seed", "study", "headline", "sources", "notes") if name not in stored.attrs
    ]
    if missing or "subject" not in stored.sizes:
        raise BadInput("is not a result of otosome", file=str(file), key=(missing or ["subject"])[0])
    return stored
