"""The headline: the benefit against vehicle with what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from otosome.answers.contrast import benefit, compare, difference, interval
from otosome.answers.sensitivity import share
from otosome.answers.sources import sources
from otosome.evidence import BASES
from otosome.study import Compare, Study
from otosome.units import Array

if TYPE_CHECKING:
    import xarray as xr


def headline(
    study: Study,
    result: xr.Dataset,
    asked: Compare,
    moved: list[dict[str, Any]],
    efficacy: Mapping[str, Array],
) -> dict[str, Any]:
    """The benefit against vehicle with what it rests on, the prior halved and doubled, and the null twin.

    ``efficacy``  of ``efficacies``
    """
    measure = study.tables.measure[asked.measure]
    against = result[asked.measure].sel(arm=asked.against).to_numpy()
    told = {
        "measure": asked.measure,
        "endpoint": measure.endpoint,
        "unit": difference(str(result[asked.measure].attrs["unit"])),
        "time": float(max(measure.at)),
        "frequency": [] if measure.frequency is None else measure.tones,
        "of": asked.of,
        "against": asked.against,
        "null": asked.null,
        **compare(study, result, asked.measure, asked.of, asked.against),
        "null_benefit": None,
        "share": share(moved),
        "counts": {basis: sum(row["basis"] == basis for row in sources(study)) for basis in BASES},
    }
    if asked.null is not None:
        told["null_benefit"] = compare(study, result, asked.measure, asked.null, asked.against)["benefit"]
    for name, values in efficacy.items():
        told[name] = interval(benefit(study, result, asked.measure, values, against))
    return told
