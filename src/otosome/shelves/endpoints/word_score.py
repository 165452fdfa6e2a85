"""Words of a test that a person repeats, with one ear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from otosome.errors import BadInput
from otosome.model import speech
from otosome.model.counts import binomial
from otosome.model.hearing import heard
from otosome.model.injury import Cells
from otosome.roles import (
    Device,
    Ear,
    Endpoint,
    Material,
    Population,
    Reading,
)
from otosome.units import (
    Array,
    Decibels,
    DecibelsHL,
    DecibelsSPL,
    Fraction,
    Hours,
    Kilohertz,
    Plain,
)

_PERCENT = 100.0


@dataclass(frozen=True)
class WordScore:
    """Share of words understood, %: what is audible, what the nerve makes of it, and what an electrode adds.

    Hearing levels are those of the ear's own ``audiogram``, read at the standard's bands; bands beyond what its
    ``population`` knows are taken as its last one. A score is binomial in the material's number of words.

    ``bands``     ``frequency`` (kHz), spectra of speech by effort and the ear's own noise (dB), shape (band,)
    ``material``  whose words they are
    ``speech``    overall level, or none for that of the ``effort``;  ``noise``  of speech's shape, or none for quiet
    ``devices``   what the ear wears, each with the hours since it began, shape (time,)
    """

    bands: Mapping[str, Array]
    proficiency: Plain
    reliance: Plain
    independence: Fraction
    electric_noise: Decibels
    audiogram: Endpoint
    material: Material
    speech: DecibelsSPL | float | None = None
    noise: DecibelsSPL | float | None = None
    effort: str = "normal"
    devices: Sequence[tuple[Device, Hours]] = ()
    population: Population | None = None

    def value(self, ear: Ear, cells: Cells, frequency: Kilohertz) -> Plain:
        """True share of words, %, shape (subject, time, frequency): the same at every frequency asked for.

        raises  BadInput for an electrode and words other than monosyllables, and for a material in other bands
        """
        level = self.level(ear, cells)
        index = self.index(level, self.gain(level)) * self.proficiency * self.nerve(ear, cells)
        share = self.material.share(np.minimum(index, 1.0))
        for device, since in self.devices:
            through = device.electric(ear, cells, since)
            if through is not None:
                share = speech.both(share, self._around(through[..., None]), self.independence)
        return np.repeat(_PERCENT * share, np.size(frequency), axis=2)

    def level(self, ear: Ear, cells: Cells) -> DecibelsHL:
        """Hearing level in each band, dB HL, shape (subject, time, band)."""
        known = (0.0, np.inf) if self.population is None else self.population.covered
        return self.audiogram.value(ear, cells, np.clip(self.bands["frequency"], *known))

    def gain(self, level: DecibelsHL) -> Decibels:
        """Insertion gain of all devices in each band, dB, same shape; none before they are worn."""
        total = np.zeros_like(level)
        for device, since in self.devices:
            worn = (since >= 0.0)[:, None]
            total = total + np.where(worn, device.gain(level, self.bands["frequency"]), 0.0)
        return total

    def index(self, level: DecibelsHL, gain: Decibels) -> Fraction:
        """Speech Intelligibility Index, 0 to 1, shape (subject, time, 1)."""
        return self._index(level, self._noise(), gain)

    def nerve(self, ear: Ear, cells: Cells) -> Fraction:
        """What the fibres left make of the index, 0 to 1, shape (subject, time, 1)."""
        fibres = heard(ear, cells.afferents(), self.bands["frequency"]) @ self._weight()
        return speech.spared(fibres[..., None], self.reliance)

    def _index(self, level: DecibelsHL, noise: DecibelsSPL, gain: Decibels) -> Fraction:
        return speech.index(level, self._spoken(), noise, gain, self.bands, self._weight())[..., None]

    def _weight(self) -> Plain:
        """Importance of each band for the material's words."""
        known, stated = self.bands["frequency"], self.material.importance["frequency"]
        if not np.array_equal(known, stated):
            raise BadInput(
                "a material states its importance in the standard's third octaves",
                key="importance.frequency",
                given=list(stated),
                allowed=[f"{tone:g}" for tone in known],
            )
        return self.material.importance["weight"]

    def _spoken(self) -> DecibelsSPL:
        spectrum = self.bands[self.effort]
        if self.speech is None:
            return spectrum
        return speech.at_level(spectrum, self.bands["frequency"], np.asarray(self.speech))

    def _noise(self) -> DecibelsSPL:
        spectrum = self.bands[self.effort]
        if self.noise is None:
            return np.full_like(spectrum, speech.SILENCE)
        return speech.at_level(spectrum, self.bands["frequency"], np.asarray(self.noise))

    def _around(self, electric: Fraction) -> Fraction:
        """Words through the electrode where they are heard: in noise, the share a normal ear keeps in more of it."""
        if not self.material.monosyllables:
            raise BadInput(
                "words through an electrode are known for monosyllables only",
                key="material",
                cure="measure a list of monosyllables, such as nu6",
            )
        if self.noise is None:
            return electric
        quiet, still = np.full_like(self.bands["normal"], speech.SILENCE), np.zeros((1, 1, 1))
        share = self.material.share
        understood = share(self._index(still, self._noise() + self.electric_noise, still))
        return electric * understood / share(self._index(still, quiet, still))

    def read(self, value: Plain, uniform: Array) -> Reading:
        """A score, % of the words of one list; ``uniform`` in (0, 1), same shape as ``value``."""
        words = self._words()
        score = _PERCENT * binomial(uniform, words, np.clip(value / _PERCENT, 0.0, 1.0)) / words
        return Reading(score, np.zeros_like(score))

    def log_likelihood(self, reading: Reading, value: Plain) -> Array:
        """Log-probability of each score, same shape."""
        words, chance = self._words(), np.clip(value / _PERCENT, 0.0, 1.0)
        right = np.round(reading.value / _PERCENT * words)
        ways = gammaln(words + 1.0) - gammaln(right + 1.0) - gammaln(words - right + 1.0)
        result: Array = ways + xlogy(right, chance) + xlog1py(words - right, -chance)
        return result

    def _words(self) -> Array:
        return np.maximum(np.round(self.material.words), 1.0)
