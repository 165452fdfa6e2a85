"""What a laboratory would have written down of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from otosome.evidence import uniforms
from otosome.forward.block import Block, endpoint
from otosome.forward.planning import plan
from otosome.forward.table import draw
from otosome.scenario import Study
from otosome.units import quantity

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


def observe(study: Study, result: xr.Dataset, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """What a laboratory would have written down: a row per reading (the ``readings`` table of the contracts).

    ``table``  the ears' parameters; drawn again from the result's seed if not given
    """
    import pandas as pd

    seed = int(result.attrs["seed"])
    ears = draw(study, result.sizes["subject"], seed) if table is None else table
    columns = {c: ears[c].to_numpy() for c in ears.columns}
    frames = []
    for name, measure in study.scenario.measure.items():
        bound = endpoint(study, measure, columns)
        times = np.unique([quantity(t, "h") for t in measure.at])
        wanted = np.unique([quantity(f, "kHz") for f in measure.frequency])
        for number, arm in enumerate(result.arm.to_numpy()):
            value = result[name].sel(arm=arm, time=times, frequency=wanted).to_numpy()
            uniform = uniforms(seed, f"readings/{name}/{number}", 0, value.size).reshape(value.shape)
            reading = bound.read(value, uniform)
            index = pd.MultiIndex.from_product(
                [result.subject.to_numpy(), times, wanted], names=["subject", "time", "frequency"]
            )
            frame = index.to_frame(index=False)
            frame["group"], frame["quantity"] = str(arm), name
            frame["value"], frame["censored"] = reading.value.ravel(), reading.censored.ravel()
            frame["unit"] = result[name].attrs["unit"]
            frame["level"] = np.nan if measure.level is None else quantity(measure.level, "dB SPL")
            frames.append(frame)
    readings = pd.concat(frames, ignore_index=True)
    readings["censored"] = readings["censored"].map({-1: "below", 0: "none", 1: "above"})
    readings["ear"], readings["flag"], readings["file"], readings["sha256"] = "left", "", "", ""
    ear = Block(plan(study), {c: v[:1] for c, v in columns.items()}).ear
    readings["place"] = ear.place_of(readings["frequency"].to_numpy())
    return readings[
        ["subject", "ear", "group", "time", "quantity", "frequency", "place", "value", "unit", "level",
         "censored", "flag", "file", "sha256"]
    ]  # fmt: skip
