"""Level series: the recordings of one ear and stimulus in one session, however many files hold them.

Where every file holds fewer levels than a threshold needs, as programs that write one level a file do, files of one
subject, ear, stimulus and day are one series. A file that holds a series of its own stays one, so that sessions of one
day stay apart. Recordings of one level are averaged by their sweeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.laboratory.file import flags
from otosome.laboratory.tables import FEWEST_SAMPLES
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

FEWEST_LEVELS = 4
# Correlation at which a neighbour is taken as the same response with its polarity turned, and by how much it must
# exceed what the upright one reaches; over so many ms of shift.
TURNED, CLEAR, SHIFT = 0.7, 0.3, 0.4
# How often waveforms are filtered: for wave I, whose size each pass changes; and for thresholds, where noise of 100 to
# 300 Hz is what is left after one pass and decides alone. Twice is what shaheen_2024's program does.
ONCE, TWICE = 1, 2
# Where the first wave of an upright response is the first peak, ms, and how large a peak counts, of the largest.
EARLY, LARGE = (1.0, 3.0), 0.5


@dataclass(frozen=True)
class Window:
    """Where a response lies: ``start`` and ``stop`` in ms after stimulus onset, ``band`` in kHz."""

    start: float
    stop: float
    band: tuple[float, float]


# Without the stimulus' artefact. Assumed, as laboratories set them for small rodents, and clinics for people, whose
# wave V is slower and comes the later the lower and softer the tone: its window ends at 15, 20 or 25 ms.
RODENT = Window(1.0, 8.5, (0.3, 3.0))
RODENTS = ("guinea_pig", "mouse", "rat")
PERSON = "human"
PEOPLE = {
    2.0: Window(1.0, 15.0, (0.1, 3.0)),
    1.0: Window(1.0, 20.0, (0.1, 3.0)),
    0.0: Window(1.0, 25.0, (0.1, 3.0)),
}


@dataclass(frozen=True)
class Series:
    """A level series in the window of its response.

    ``levels``     rising, shape (level,);  ``responses``  uV, shape (level, sample), filtered once;  ``rate``  kHz
    ``sharp``      the same filtered twice, for the threshold
    ``parts``      of each level the averages of parts of its sweeps, shape (part, sample), filtered twice; empty where
                   a file has none
    ``about``      what is to be said of it;  ``reason``  why it can have no threshold, empty where it can
    """

    levels: Array
    responses: Array
    rate: float
    sharp: Array
    parts: tuple[Array, ...] = ()
    about: str = ""
    reason: str = ""

    @classmethod
    def without(cls, reason: str) -> Series:
        """One that can have no threshold, and why."""
        return cls(np.empty(0), np.empty((0, 0)), 1.0, np.empty((0, 0)), reason=reason)


def window_of(species: str, frequency: float) -> Window:
    """Where the response of a species lies; of one that is not known, where that of small rodents does.

    ``frequency``  of the tone, kHz; NaN for a click
    """
    if species != PERSON:
        return RODENT
    return PEOPLE[max((least for least in PEOPLE if frequency >= least), default=max(PEOPLE))]


def series_of(waveforms: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Level series of the table ``waveforms``, each with a name, levels rising, parts behind their averages."""
    keys = waveforms.assign(
        day=waveforms["recorded"].astype(str).str[:10], stimulus=waveforms["frequency"].round(4).fillna(-1.0)
    )
    whole = keys[keys["part"] == ""]
    alone = keys["file"].isin(_own_series(whole)) | (keys["subject"] == "")
    keys = keys.assign(own=keys["file"].where(alone, ""))
    by = ["subject", "ear", "stimulus", "unit", "day", "group", "own"]
    for _, rows in keys.groupby(by, sort=True, dropna=False):
        first = rows.iloc[0]
        stimulus = f"{first['frequency']:g} kHz" if first["frequency"] > 0 else "click"
        name = f"{first['subject'] or 'no subject'} {first['ear']} {stimulus}".replace("  ", " ")
        yield (
            name,
            rows.drop(columns=["day", "stimulus", "own"]).sort_values(["level", "part"], kind="stable"),
        )


def _own_series(averages: pd.DataFrame) -> set[str]:
    """The files that hold a whole level series, of any ear and stimulus."""
    counts = averages.groupby(["file", "subject", "ear", "stimulus"])["level"].nunique()
    return {str(key[0]) for key in counts.index[counts >= FEWEST_LEVELS]}


def prepared(series: pd.DataFrame, window: Window) -> Series:
    """A level series filtered, averaged and turned upright; with the reason where it can have no threshold."""
    whole = series[series["part"] == ""]
    levels = np.unique(whole["level"].to_numpy(dtype=float))
    if levels.size < FEWEST_LEVELS:
        return Series.without(f"{levels.size} levels; a threshold needs {FEWEST_LEVELS}")
    if any(np.ptp(wave) == 0 for wave in whole["samples"]):
        return Series.without("a waveform that does not vary")
    rate = float(whole["rate"].mode().iloc[0])
    own = (series["part"] == "").to_numpy()
    waves, sharp = (_windowed(series, window, rate, passes) for passes in (ONCE, TWICE))
    if waves.shape[1] < FEWEST_SAMPLES:
        return Series.without(f"{waves.shape[1]} samples from {window.start:g} to {window.stop:g} ms")
    responses = _averaged(whole, waves[own], levels)
    signs = polarity(responses, rate)
    level = series["level"].to_numpy(dtype=float)
    parts = tuple(
        sign * sharp[~own & (level == decibels)] for sign, decibels in zip(signs, levels, strict=True)
    )
    return Series(
        levels,
        responses * signs[:, None],
        rate,
        _averaged(whole, sharp[own], levels) * signs[:, None],
        parts if min(map(len, parts)) > 1 else (),
        flags(_files(whole), _repeats(whole), _rates(whole, rate), _turned(levels, signs)),
    )


def _averaged(whole: pd.DataFrame, waves: Array, levels: Array) -> Array:
    """The averages of the recordings of each level by their sweeps, shape (level, sample)."""
    level = whole["level"].to_numpy(dtype=float)
    weight = np.maximum(np.nan_to_num(whole["sweeps"].to_numpy(dtype=float), nan=1.0), 1e-9)
    return np.array(
        [
            np.average(waves[level == decibels], axis=0, weights=weight[level == decibels])
            for decibels in levels
        ]
    )


def _windowed(series: pd.DataFrame, window: Window, rate: float, passes: int) -> Array:
    """Each recording's response, shape (recording, sample of the shortest).

    Those at another rate than most are put on its steps, between their own samples.
    """
    waves = list[Array]()
    for samples, own, onset in zip(series["samples"], series["rate"], series["onset"], strict=True):
        wave = response(np.asarray(samples, dtype=float), float(own), float(onset), window, passes)
        if own != rate and wave.size > 1:
            wave = np.interp(np.arange(0, (wave.size - 1) / own, 1 / rate), np.arange(wave.size) / own, wave)
        waves.append(wave)
    return np.array([wave[: min(map(len, waves))] for wave in waves])


def response(samples: Array, rate: float, onset: float, window: Window = RODENT, passes: int = ONCE) -> Array:
    """A waveform in the band of the response, in the window that holds it.

    ``samples``  any unit, shape (sample,);  ``rate``  kHz;  ``onset``  ms of the stimulus after the first sample
    ``passes``   how often it is filtered, forward and backward each time
    returns      shape (sample in the window,), empty where the recording does not reach into it
    """
    from scipy.signal import butter, sosfiltfilt

    if rate <= 2.5 * window.band[1] or samples.size < FEWEST_SAMPLES:
        return samples[:0]
    band, filtered = butter(1, window.band, "bandpass", fs=rate, output="sos"), samples
    for _ in range(passes):
        filtered = sosfiltfilt(band, filtered)
    time = np.arange(samples.size) / rate - onset
    return filtered[(time >= window.start) & (time <= window.stop)]


def polarity(responses: Array, rate: float) -> Array:
    """1 or -1 for each level: -1 where a clear response stands the other way round than that of the louder level.

    ``responses``  shape (level, sample), levels rising;  ``rate``  kHz
    """
    signs = np.ones(len(responses))
    lags = range(int(SHIFT * rate) + 1)
    for i in range(len(responses) - 2, -1, -1):
        louder, softer = signs[i + 1] * responses[i + 1], responses[i]
        alike = [_correlation(softer[lag:], louder[: louder.size - lag]) for lag in lags]
        if -min(alike) > TURNED and -min(alike) > max(alike) + CLEAR:
            signs[i] = -1.0
        elif max(alike) < TURNED - CLEAR:
            break
    return signs * (-1.0 if signs.sum() < 0 else 1.0)


def upside_down(loudest: Array, rate: float, start: float) -> bool:
    """Whether a loud response begins with a trough: its electrodes were the other way round.

    ``loudest``  the loudest level's response, shape (sample,), from ``start`` ms after onset;  ``rate``  kHz
    """
    time = start + np.arange(loudest.size) / rate
    early = loudest[(time >= EARLY[0]) & (time <= EARLY[1])]
    large = np.flatnonzero(np.abs(early) >= LARGE * np.abs(early).max(initial=0.0))
    return bool(large.size) and bool(early[large[0]] < 0)


def _correlation(wave: Array, other: Array) -> float:
    wave, other = wave - wave.mean(), other - other.mean()
    return float(
        (wave * other).sum() / max(np.sqrt((wave**2).sum() * (other**2).sum()), np.finfo(float).tiny)
    )


def _files(whole: pd.DataFrame) -> str:
    count = whole["file"].nunique()
    return f"from {count} files" if count > 1 else ""


def _repeats(whole: pd.DataFrame) -> str:
    counts = whole.groupby("level").size()
    repeated = [f"{level:g}" for level in counts.index[counts > 1]]
    return f"{' and '.join(repeated)} dB recorded more than once: averaged by sweeps" if repeated else ""


def _rates(whole: pd.DataFrame, rate: float) -> str:
    others = sorted({f"{own:.4g}" for own in whole["rate"] if own != rate})
    return f"resampled from {', '.join(others)} to {rate:.4g} kHz" if others else ""


def _turned(levels: Array, signs: Array) -> str:
    turned = [f"{level:g}" for level, sign in zip(levels, signs, strict=True) if sign < 0]
    return f"polarity inverted at {', '.join(turned)} dB: turned" if turned else ""
