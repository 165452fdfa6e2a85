"""A study's result read back, of this format or the one before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otosome.errors import BadInput
from otosome.results.dataset import read_data
from otosome.results.record import record_of

if TYPE_CHECKING:
    import xarray as xr

_OTHERS = {
    "import": "an import",
    "quality": "a lot",
    "fit": "a fit",
    "trial": "a trial",
    "optimise": "a dose",
    "ledger": "a delivery ledger",
    "next": "a choice of experiments",
}


def open_result(folder: Path) -> xr.Dataset:
    """The result of a run or a comparison; raises BadInput where the folder holds none."""
    record = record_of(folder)
    if record.verb in _OTHERS:
        raise BadInput(
            f"is {_OTHERS[record.verb]}, not the result of a study",
            file=str(folder),
            cure=f"otosome show {folder}",
        )
    return read_data(folder)
