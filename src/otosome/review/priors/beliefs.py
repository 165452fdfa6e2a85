"""What is believed of the benefit in one more experiment of the published kind, under each prior by name."""

from __future__ import annotations

import numpy as np

from otosome.catalog import Catalog
from otosome.review.priors.posterior import PRIORS, SPREAD, posterior, quantiles, results
from otosome.review.priors.stored import shipped, simulated

Ends = tuple[float, float, float]


def beliefs(catalog: Catalog) -> dict[str, Ends]:
    """5 %, median and 95 % of the true benefit, dB, by prior: every published experiment counts alike.

    raises  BadInput where too few worlds explain what was printed
    """
    worlds = shipped()
    printed = results(worlds, simulated(catalog))
    names = dict.fromkeys(row.experiment.name for row in printed)
    of_each = [np.mean([r.effects for r in printed if r.experiment.name == n], axis=0) for n in names]
    if not of_each:
        return {}
    benefits = SPREAD * np.concatenate(of_each)
    rows: dict[str, Ends] = {}
    for name in PRIORS:
        weights = np.tile(posterior(name, worlds, printed).weights, len(of_each))
        low, median, high = (float(end) for end in quantiles(benefits, weights, [0.05, 0.5, 0.95]))
        rows[name] = (0.0, 0.0, 0.0) if name == "none" else (low, median, high)
    return rows
