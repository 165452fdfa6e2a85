"""A level read on a grid: what a person writes down of a true threshold, and how probable that is."""

from __future__ import annotations

import numpy as np

from otosome.roles import Reading
from otosome.units import Array, Decibels

# Beyond so many deviations shares are taken by their logs: there they come near the least number there is.
_FAR = -30.0


def read_on_grid(
    value: Decibels, uniform: Array, error: Decibels, grid: Decibels, lowest: Decibels, highest: Decibels
) -> Reading:
    """The truth with a normal error, to the nearest level of a grid, censored at its ends.

    ``value``              true level, dB of any one label, any shape
    ``uniform``            in (0, 1), same shape
    ``error``              standard deviation, dB, above zero
    ``grid``               step between levels from ``lowest`` up to ``highest``, both on the grid
    returns                readings, same shape: above the loudest level no response (censored above, at it);
                           at the softest there is no telling how much lower the truth lies (censored below)
    """
    from scipy.special import ndtri

    reading = value + error * ndtri(uniform)
    # Half upwards, as the bins of the likelihood are closed below.
    level = lowest + grid * np.floor((reading - lowest) / grid + 0.5)
    censored = np.where(level > highest, 1.0, np.where(level <= lowest, -1.0, 0.0))
    return Reading(np.clip(level, lowest, highest), censored)


def log_on_grid(reading: Reading, value: Decibels, error: Decibels, grid: Decibels) -> Array:
    """Log-probability of each reading of ``read_on_grid``, same shape: the normal's share of its bin."""
    over = np.where(reading.censored > 0, grid, 0.0)
    low = np.where(reading.censored < 0, -np.inf, reading.value + over - 0.5 * grid)
    high = np.where(reading.censored > 0, np.inf, reading.value + 0.5 * grid)
    return log_between((low - value) / error, (high - value) / error)


def log_between(low: Array, high: Array) -> Array:
    """Log-probability that a standard normal lies between; both ends moved to the tail where digits live."""
    from scipy.special import log_ndtr, ndtr

    flip = low > 0.0
    lower, upper = np.where(flip, -high, low), np.where(flip, -low, high)
    share = np.asarray(ndtr(upper) - ndtr(lower))
    far = upper < _FAR
    share[far] = 1.0
    with np.errstate(divide="ignore"):  # what cannot be has a logarithm of minus infinity
        result: Array = np.log(share)
    top, bottom = log_ndtr(upper[far]), log_ndtr(lower[far])
    result[far] = top + np.log1p(-np.exp(bottom - top))
    return result
