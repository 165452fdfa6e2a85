"""How many of some come out, by luck: words of a list understood, cells of a healthy number counted."""

from __future__ import annotations

import numpy as np

from otosome.units import Array, Fraction, Plain


def binomial(luck: Array, number: Plain | float, share: Fraction | float) -> Plain:
    """The binomial count that is not exceeded with this probability: the least that is as probable, shape of all three.

    ``luck``    in (0, 1);  ``number``  whole, 1 or more, of which each comes out with the probability ``share``
    """
    # SciPy's own distribution takes half a second to import.
    from scipy.special import ndtri

    shape = np.broadcast_shapes(np.shape(luck), np.shape(number), np.shape(share))
    luck, number, share = (
        np.broadcast_to(np.asarray(part, float), shape).ravel() for part in (luck, number, share)
    )
    deviate = ndtri(luck)
    # The normal's guess, bent by the skewness: seldom off by more than one.
    guess = number * share + deviate * np.sqrt(number * share * (1.0 - share))
    guess = guess + (deviate**2 - 1.0) * (1.0 - 2.0 * share) / 6.0 - 0.5
    count = np.clip(np.round(guess), 0.0, number)
    going = np.arange(count.size)
    while going.size:
        here, of, each, wanted = count[going], number[going], share[going], luck[going]
        step = np.where(_up_to(here, of, each) < wanted, 1.0, -1.0 * (_up_to(here - 1.0, of, each) >= wanted))
        count[going] += step
        going = going[step != 0.0]
    return count.reshape(shape)


def _up_to(count: Plain, number: Plain, share: Fraction) -> Fraction:
    """Probability of a count up to this one."""
    from scipy.special import betainc

    inside = (count >= 0.0) & (count < number)
    some = np.clip(count, 0.0, number - 1.0)
    return np.where(inside, betainc(number - some, some + 1.0, 1.0 - share), count >= number)
