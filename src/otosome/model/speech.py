"""Hearing levels -> the share of words that is understood.

How much of speech reaches an ear above its threshold and above noise is the Speech Intelligibility Index
(ANSI S3.5-1997, third-octave procedure; the names of its equations stand beside them). A test's transfer
function turns the index into words. Nerve fibres that are gone make less of what is audible than healthy ears
do. A score is binomial in the number of words of its list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from otosome.errors import BadInput
from otosome.units import (
    Array,
    Decibels,
    DecibelsHL,
    DecibelsSPL,
    Fraction,
    Kilohertz,
    Plain,
)

# What the standard takes for no noise at all (note in 4.2).
SILENCE = -50.0


def overall(spectrum: DecibelsSPL, frequency: Kilohertz) -> DecibelsSPL:
    """Overall level of a spectrum, dB SPL, shape (...).

    ``spectrum``   spectrum level in third octaves, dB, shape (..., band)
    ``frequency``  their centres, kHz, shape (band,)
    """
    width = (2 ** (1 / 6) - 2 ** (-1 / 6)) * frequency * 1e3
    level: Array = 10 * np.log10(np.sum(10 ** (0.1 * spectrum) * width, axis=-1))
    return level


def at_level(spectrum: DecibelsSPL, frequency: Kilohertz, level: DecibelsSPL) -> DecibelsSPL:
    """The same spectrum at another overall level, dB SPL, shape (..., band)."""
    return spectrum + (level - overall(spectrum, frequency))


def masking(speech: DecibelsSPL, noise: DecibelsSPL, frequency: Kilohertz) -> DecibelsSPL:
    """Level to which noise, and speech itself, mask each band: most from the bands below it.

    ``speech``, ``noise``  equivalent spectrum levels, dB, shape (..., band)
    ``frequency``          kHz, shape (band,), rising
    returns                dB, shape (..., band)
    source                 ANSI S3.5-1997, 4.3, equations 5 to 9
    """
    hertz = frequency * 1e3
    heard = np.maximum(noise, speech - 24.0)
    slope = 0.6 * (heard + 10 * np.log10(hertz) - 6.353) - 80.0
    power = 10 ** (0.1 * np.broadcast_to(noise, heard.shape))
    power[..., 0] = 10 ** (0.1 * heard[..., 0])
    for band in range(hertz.size - 1):
        octaves = 3.32 * np.log10(0.89 * hertz[band + 1 :] / hertz[band])
        spread = heard[..., band : band + 1] + slope[..., band : band + 1] * octaves
        power[..., band + 1 :] += 10 ** (0.1 * spread)
    level: Array = 10 * np.log10(power)
    return level


def audible(
    level: DecibelsHL,
    speech: DecibelsSPL,
    noise: DecibelsSPL,
    gain: Decibels,
    bands: Mapping[str, Array],
) -> Fraction:
    """Share of each band's speech that an ear can use, 0 to 1, shape (..., band).

    ``level``   hearing level in each band, dB HL, shape (..., band)
    ``speech``  spectrum level where the listener is, dB, shape (band,); ``noise`` the same
    ``gain``    insertion gain, dB, shape (..., band) or one number
    ``bands``   ``frequency`` (kHz), ``internal_noise`` and ``normal`` (dB): spectrum of an ear's own noise and of
                speech at normal effort, shape (band,)
    source      ANSI S3.5-1997, 4.4 to 4.7 and 5.1, equations 10 to 13, 17 and 18
    """
    spoken, around = speech + gain, noise + gain
    heard_above = np.maximum(masking(spoken, around, bands["frequency"]), bands["internal_noise"] + level)
    clear = np.clip((spoken - heard_above + 15.0) / 30.0, 0.0, 1.0)
    undistorted = np.clip(1.0 - (spoken - bands["normal"] - 10.0) / 160.0, 0.0, 1.0)
    return clear * undistorted


def index(
    level: DecibelsHL,
    speech: DecibelsSPL,
    noise: DecibelsSPL,
    gain: Decibels,
    bands: Mapping[str, Array],
    importance: Plain,
) -> Fraction:
    """Speech Intelligibility Index, 0 to 1, shape (...): what is audible, each band by its importance.

    ``importance``  of each band for a test, shape (band,), 1 in sum; all else as of ``audible``
    source          ANSI S3.5-1997, 4.8, equation 14
    """
    share: Array = audible(level, speech, noise, gain, bands) @ importance
    return share


@dataclass(frozen=True)
class Material:
    """Words of a test: what carries them, and how many are understood of what is audible.

    The share understood is (1 - 10^(-index / q))^n, Fletcher's form.

    ``importance``  of each third octave: ``frequency`` (kHz) and ``weight``, 1 in sum
    ``words``       in one list
    """

    importance: Mapping[str, Array]
    words: Plain
    q: Plain
    n: Plain
    monosyllables: bool = True

    def share(self, index: Fraction) -> Fraction:
        """Share of words understood at an index, 0 to 1, same shape; rises from none at none."""
        return (1.0 - 10.0 ** (-index / self.q)) ** self.n


def spared(fibres: Fraction, reliance: Plain) -> Fraction:
    """What nerve fibres that are left make of an index, 0 to 1: a power of their share.

    ``fibres``    share that carries sound, 0 to 1
    ``reliance``  the power, not negative: 0 where words need no more fibres than thresholds do
    """
    return fibres**reliance


def both(acoustic: Fraction, electric: Fraction, independence: Fraction) -> Fraction:
    """Share of words understood by one ear that hears through hair cells and through an electrode.

    ``independence``  0: as by the better of the two; 1: as if each had its own chance at every word
    """
    better = np.maximum(acoustic, electric)
    apart = acoustic + electric - acoustic * electric
    return better + independence * (apart - better)


def critical_difference(words: int, chance: float = 0.05) -> tuple[Array, Array]:
    """Lowest and highest second score that do not differ from each first one, in words, each (words + 1,).

    Scores of two lists of a person who has not changed are binomial. A second score differs where, by the
    angles of both (Freeman and Tukey), it lies further off than all but ``chance`` of such pairs.

    ``words``   in each list, at least 1
    ``chance``  0 to 1, both ends excluded
    raises      BadInput for a list that is none, or a chance that is none
    source      Thornton and Raffin 1978; recomputed by Carney and Schlauch 2007
    """
    from scipy.special import ndtri

    if not words >= 1 or words % 1:
        raise BadInput(
            "is no number of words of a list", key="words", given=words, allowed="whole, from 1 on"
        )
    if not 0 < chance < 1:
        raise BadInput("is no chance", key="chance", given=chance, allowed="0 to 1, both ends excluded")
    right = np.arange(words + 1)
    angle = np.arcsin(np.sqrt(right / (words + 1))) + np.arcsin(np.sqrt((right + 1) / (words + 1)))
    within = np.abs(angle[:, None] - angle) <= ndtri(1 - chance / 2) * np.sqrt(2 / (words + 0.5))
    return within.argmax(axis=1), words - within[:, ::-1].argmax(axis=1)
