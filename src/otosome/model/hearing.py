"""Cells -> threshold shifts and the first wave of the brainstem response.

A shift has a part of the amplifier that saturates (outer hair cells, and the stria that drives them), an inner part
(inner hair cells and their nerve fibres) that is small until most are gone, and a small one of the stria that acts on
inner hair cells. Shifts are read through the place map, over the stretch
of cochlea that a tone excites.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from otosome.roles import Cells, Ear
from otosome.units import (
    Array,
    Decibels,
    DecibelsHL,
    Fraction,
    Kilohertz,
    Plain,
)


def outer_shift(loss: Fraction, ceiling: Decibels, anchor_loss: Fraction, anchor_shift: Decibels) -> Decibels:
    """Shift from lost outer-hair-cell function, up to ``ceiling`` where all is lost.

    ``loss``  of function, 0 to 1; the curve is the always rising hyperbola through no shift at no loss,
              ``anchor_shift`` at ``anchor_loss`` and ``ceiling`` at 1
    """
    y = anchor_shift / ceiling
    return ceiling * loss * y * (1.0 - anchor_loss) / (loss * (y - anchor_loss) + anchor_loss * (1.0 - y))


def inner_shift(loss: Fraction, knee: Fraction, knee_shift: Decibels, ceiling: Decibels) -> Decibels:
    """Shift from lost nerve fibres: at most ``knee_shift`` up to ``knee``, then steeply to ``ceiling``.

    ``loss``  of working fibres, 0 to 1; smooth at the knee
    """
    beyond = np.maximum(loss - knee, 0.0) / (1.0 - knee)
    return knee_shift * loss / knee + (ceiling - knee_shift / knee) * beyond**2


def strial_shift(function: Fraction, gain: Decibels, ceiling: Decibels) -> Decibels:
    """Shift from lost strial function, never above ``ceiling``."""
    return np.minimum(gain * (1.0 - function), ceiling)


def together(limit: Decibels, *parts: Decibels) -> Decibels:
    """Shifts of several causes in one ear: they add while small and stay below ``limit``, H + N - H N / limit.

    Source: ISO 1999:2013, formula 1 (age and noise), used here for the parts of one ear.
    """
    heard: Array = np.ones(())
    for part in parts:
        heard = heard * (1.0 - np.minimum(part, limit) / limit)
    return limit * (1.0 - heard)


def apart(limit: Decibels, whole: Decibels, part: Decibels) -> Decibels:
    """What, together with a part below ``limit``, makes the whole: the inverse of ``together``."""
    return (whole - part) / (1.0 - part / limit)


def outer_loss(shift: Decibels, ceiling: Decibels, anchor_loss: Fraction, anchor_shift: Decibels) -> Fraction:
    """Loss of outer-hair-cell function that costs a shift from 0 to ``ceiling``: the inverse of ``outer_shift``."""
    y = anchor_shift / ceiling
    return shift * anchor_loss * (1.0 - y) / (ceiling * y * (1.0 - anchor_loss) - shift * (y - anchor_loss))


def inner_loss(shift: Decibels, knee: Fraction, knee_shift: Decibels, ceiling: Decibels) -> Fraction:
    """Loss of nerve fibres that costs a shift from 0 to ``ceiling``: the inverse of ``inner_shift``."""
    steep = ceiling - knee_shift / knee
    slope = knee_shift * (1.0 - knee) / knee
    over = np.maximum(shift - knee_shift, 0.0)
    # The root of a quadratic, written without a difference of like numbers.
    beyond = 2.0 * over / (slope + np.sqrt(slope**2 + 4.0 * steep * over))
    return np.where(shift <= knee_shift, knee * shift / knee_shift, knee + (1.0 - knee) * beyond)


def arriving(
    level: DecibelsHL, outer_share: Fraction, rates: Mapping[str, Mapping[str, Array]]
) -> dict[str, Fraction]:
    """Cells that explain a hearing level: of each kind the share that is left.

    ``level``        dB HL at each place, shape (subject, 1, place); below zero nothing is lost
    ``outer_share``  part of the level that outer hair cells explain, up to their ceiling, shape (subject, 1, 1);
                     the rest are nerve fibres, a synapse and its neuron together, up to theirs; then it is the
                     outer hair cells' again
    ``rates``        the shelf ``cells``: by kind and key, shape (subject,)
    returns          by kind, 0 to 1, shape (subject, place); what both ceilings leave is not explained
    """
    ohc, ihc = ({key: np.reshape(v, (-1, 1, 1)) for key, v in rates[kind].items()} for kind in ("ohc", "ihc"))
    lost = np.maximum(level, 0.0)
    outer = np.minimum(np.clip(outer_share, 0.0, 1.0) * lost, ohc["ceiling"])
    inner = np.minimum(apart(ohc["limit"], lost, outer), ihc["ceiling"])
    outer = np.minimum(np.maximum(outer, apart(ohc["limit"], lost, inner)), ohc["ceiling"])
    cells = 1.0 - outer_loss(outer, ohc["ceiling"], ohc["anchor_loss"], ohc["anchor_shift"])[:, 0]
    fibres = 1.0 - inner_loss(inner, ihc["knee"], ihc["knee_shift"], ihc["ceiling"])[:, 0]
    # At a ceiling rounding would leave a little less than none.
    cells, fibres = np.maximum(cells, 0.0), np.maximum(fibres, 0.0)
    return {"ohc": cells, "synapse": fibres, "sgn": fibres}


def left(
    level: DecibelsHL,
    rates: Mapping[str, Mapping[str, Array]],
    outer_share: Fraction,
    hidden: Fraction,
    inner_lost: Plain,
    lone: Fraction,
) -> dict[str, Fraction]:
    """Cells left in ears whose audiogram is known and whose nerve is not: of each kind the share.

    ``level``, ``rates``, ``outer_share``  as in ``arriving``, which tells hair cells from fibres by the level
    ``hidden``      fibres lost that no level shows: an ear has lost these at least
    ``inner_lost``  inner hair cells lost for each fibre lost
    ``lone``        of the neurons without a synapse those that are still there; these shapes (subject, 1, 1)
    returns         by kind, 0 to 1, shape (subject, place); fibres that work are inner hair cells times synapses
    """
    left = arriving(level, outer_share, rates)
    hidden, inner_lost, lone = (
        np.clip(np.reshape(np.asarray(v), (-1, 1)), 0.0, 1.0) for v in (hidden, inner_lost, lone)
    )
    fibres = np.minimum(left["synapse"], 1.0 - hidden)
    inner = 1.0 - inner_lost * (1.0 - fibres)
    synapses = np.divide(fibres, inner, out=np.zeros_like(fibres), where=inner > 0)
    return {
        "ohc": left["ohc"],
        "ihc": inner,
        "synapse": synapses,
        "sgn": synapses + lone * (1.0 - synapses),
    }


def between(known: Kilohertz, levels: Decibels, frequency: Kilohertz) -> Decibels:
    """Levels at other frequencies, linear in octaves; beyond the known ones, as at the last of them.

    ``known``      kHz, rising, shape (point,);  ``levels``  last axis the same
    ``frequency``  kHz, shape (frequency,)
    returns        last axis the frequencies; one that is known keeps its level to the last bit
    """
    known, wanted = np.asarray(known, dtype=float), np.asarray(frequency, dtype=float)
    right = np.clip(np.searchsorted(known, wanted), 1, known.size - 1)
    before = np.maximum(right - 1, 0)
    octaves = np.log2(known)
    width = np.where(right > before, octaves[right] - octaves[before], 1.0)
    share = np.clip((np.log2(wanted) - octaves[before]) / width, 0.0, 1.0)
    level: Array = levels[..., before] * (1.0 - share) + levels[..., right] * share
    return level


def amplifier_shift(cells: Cells) -> Decibels:
    """Shift that the cochlear amplifier causes at each place, dB, shape (subject, time, place).

    Outer hair cells are driven by the stria's potential: what either costs adds while small, and both together cost no
    more than the amplifier gave, which is what all outer hair cells cost.
    """
    most = cells.rate("ohc", "ceiling")
    outer = outer_shift(
        1.0 - cells.function("ohc"),
        most,
        cells.rate("ohc", "anchor_loss"),
        cells.rate("ohc", "anchor_shift"),
    )
    return together(most, outer, _strial(cells) * (1.0 - cells.rate("stria", "inner_share")))


def _strial(cells: Cells) -> Decibels:
    return strial_shift(cells.stria, cells.rate("stria", "gain"), cells.rate("stria", "ceiling"))


def shift_by_place(cells: Cells) -> Decibels:
    """Threshold shift of each place, dB, shape (subject, time, place), not negative.

    The amplifier, the nerve fibres, and what the stria's potential costs the inner hair cells themselves.
    """
    inner = inner_shift(
        1.0 - cells.afferents(),
        cells.rate("ihc", "knee"),
        cells.rate("ihc", "knee_shift"),
        cells.rate("ihc", "ceiling"),
    )
    driven = _strial(cells) * cells.rate("stria", "inner_share")
    return together(cells.rate("ohc", "limit"), amplifier_shift(cells), inner, driven)


def heard(ear: Ear, values: Array, frequency: Kilohertz) -> Array:
    """What a tone meets: the mean over the places it excites, weighted by a bell of width ``place_spread``.

    ``values``     shape (subject, time, place)
    ``frequency``  kHz, shape (frequency,)
    returns        shape (subject, time, frequency)
    """
    return values @ _bell(ear, frequency)


def _bell(ear: Ear, frequency: Kilohertz) -> Fraction:
    """Weight of each place for each frequency, 1 in sum, shape (subject, place, frequency)."""
    spread = np.reshape(ear.columns["place_spread"], (-1, 1, 1))
    centre = ear.place_of(np.asarray(frequency, dtype=float))
    width = np.gradient(ear.place) if ear.place.size > 1 else np.ones(1)
    exponent = -0.5 * ((ear.place[None, :, None] - centre[None, None, :]) / spread) ** 2
    # Taken from the nearest place, so that a bell narrower than the grid still finds one.
    weight = np.exp(exponent - exponent.max(axis=1, keepdims=True)) * width[None, :, None]
    bell: Array = weight / weight.sum(axis=1, keepdims=True)
    return bell


def shift(ear: Ear, cells: Cells, frequency: Kilohertz) -> Decibels:
    """Threshold shift at each frequency, dB, shape (subject, time, frequency), not negative.

    ``ear``        with the column ``place_spread`` (fraction of the length)
    ``cells``      shape (subject, time, place), with the shelf ``cells`` in ``rates``
    ``frequency``  kHz, shape (frequency,)
    """
    return once(ear, cells, frequency, shift_by_place)


def once(ear: Ear, cells: Cells, frequency: Kilohertz, of: Callable[[Cells], Array]) -> Array:
    """What tones meet of something that cells have at each place; computed once where the same ear is read often.

    ``of``   of cells, shape (subject, time, place)
    returns  shape (subject, time, frequency)
    """
    key = (of, id(ear), np.asarray(frequency, dtype=float).tobytes())
    if key not in cells.tones:
        # The ear is kept with it, so that no other takes its number.
        cells.tones[key] = (ear, heard(ear, of(cells), frequency))
    values: Array = cells.tones[key][1]
    return values


def growth(level: Decibels, levels: Decibels, amplitudes: Plain) -> Plain:
    """Amplitude of the nerve's response at a level: a measured curve, to zero below it, flat above it.

    ``levels``, ``amplitudes``  the curve, rising, shape (point,)
    """
    order = np.argsort(levels)
    x, y = levels[order], amplitudes[order]
    return np.interp(level, np.concatenate([[silence(levels, amplitudes)], x]), np.concatenate([[0.0], y]))


def silence(levels: Decibels, amplitudes: Plain) -> float:
    """Level at which a growth curve, drawn on, comes to nothing."""
    first, second = np.argsort(levels)[:2]
    rise = (amplitudes[second] - amplitudes[first]) / (levels[second] - levels[first])
    return float(levels[first] - amplitudes[first] / rise)


def wave1(
    ear: Ear,
    cells: Cells,
    frequency: Kilohertz,
    level: Decibels,
    levels: Decibels,
    amplitudes: Plain,
    recruited: Decibels,
    release: Plain | float = 0.0,
) -> Plain:
    """Amplitude of wave I to a tone, as a fraction of the healthy ear's at the same level.

    ``level``                   dB SPL of the tone, broadcasts to (subject, 1, 1)
    ``levels``, ``amplitudes``  the healthy growth curve, shape (point,)
    ``recruited``               level from which afferents alone count, dB SPL
    ``release``                 by how much the wave grows where the tone's own outer hair cells work and all others do
                                not: the fibres around it no longer answer
    returns                     not negative, shape (subject, time, frequency)
    """
    silent = silence(levels, amplitudes)
    as_healthy = recruiting(level, silent, shift(ear, cells, frequency), recruited)
    reached = growth(as_healthy, levels, amplitudes) / growth(level, levels, amplitudes)
    lost = 1.0 - cells.function("ohc")
    beside = np.maximum(lost.max(axis=2, keepdims=True) - heard(ear, lost, frequency), 0.0)
    return reached * heard(ear, cells.afferents(), frequency) * (1.0 + release * beside)


def recruiting(level: Decibels, silent: float, shift: Decibels, recruited: Decibels) -> Decibels:
    """Level at which a healthy ear hears as loud: what lies between threshold and ``recruited`` is drawn out.

    ``silent``  healthy threshold;  ``shift``  of it, not negative; ``recruited`` and above are heard as ever
    """
    room = np.maximum(recruited - silent - shift, 1e-9)
    below = np.maximum(recruited - level, 0.0)
    healthy: Decibels = np.where(below > 0, recruited - below * (recruited - silent) / room, level)
    return healthy
