"""Thresholds from waveforms: the level at which responses to neighbouring levels begin to look alike.

After the published idea of Suthakar and Liberman (2019): the correlation between waveforms of adjacent levels
rises with level along a sigmoid, and the threshold is where it crosses a criterion. Where the response grows as a
power of the stimulus, the expected correlation is a logistic of the level in dB, exactly. What the correlations
leave open is the posterior of the threshold over all sigmoids; its 5 and 95 % are the interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

CRITERION = 0.35  # correlation at threshold: suthakar_liberman_2019, figure 3
# Band of the response in kHz and the window after stimulus onset in ms that holds it without the stimulus' artefact:
# assumed, as laboratories set them for small rodents; wide enough for people.
BAND = (0.3, 3.0)
WINDOW = (1.0, 8.5)
FEWEST_LEVELS, FEWEST_SAMPLES = 4, 40
STEP = 0.5  # dB between thresholds tried
BEYOND = 15.0  # dB tried below and above the levels tested
# Neighbouring correlations share a waveform, so that they are worth less than as many separate ones: their own
# correlation is 0.14 at threshold, and 1 / (1 + 2 x 0.14) remains.
SHARED = 0.78
# Sigmoids tried: widths in dB (1 to 20, equally likely by their logarithm) and correlations reached at the loudest.
WIDTHS = np.geomspace(1.0, 20.0, 14)
HIGHEST = np.array([0.5, 0.6, 0.7, 0.8, 0.87, 0.92, 0.95, 0.97, 0.98])
# Wave I, assumed, ms: where P1 is sought at the loudest level, how far it may move between levels, where N1 follows.
FIRST_PEAK, DRIFT, TROUGH = (1.0, 2.5), (-0.1, 0.35), (0.25, 1.0)
COLUMNS = (
    "subject", "ear", "group", "time", "frequency", "value", "low", "high", "unit", "censored", "levels", "loudest",
    "manual", "recorded", "flag", "file", "sha256",
)  # fmt: skip


@dataclass(frozen=True)
class Threshold:
    """A threshold in the unit of the levels, its 5 and 95 %, and on which side of the levels tested it lies."""

    value: float
    low: float
    high: float
    censored: str


def threshold(levels: Array, responses: Array, independent: float | None = None) -> Threshold:
    """The level at which responses to adjacent levels correlate by the criterion.

    ``levels``       rising, shape (level,), four or more
    ``responses``    filtered waveforms in the window, any unit, shape (level, sample)
    ``independent``  samples that count as independent; estimated from the waveforms if not given
    returns          median and 90 % interval of the posterior; ``above`` or ``below``, with the level at that end,
                     where the threshold more likely than not lies outside the levels tested
    """
    centred = responses - responses.mean(axis=1, keepdims=True)
    size = np.sqrt((centred**2).sum(axis=1))
    alike = (centred[:-1] * centred[1:]).sum(axis=1) / (size[:-1] * size[1:])
    worth = (
        independent if independent is not None else independent_samples(centred[: max(3, levels.size // 3)])
    )
    tried = np.arange(levels[0] - BEYOND, levels[-1] + BEYOND + STEP / 2, STEP)
    weight = _posterior(levels, alike, worth * SHARED, tried)
    below, above = weight[tried < levels[0]].sum(), weight[tried > levels[-1]].sum()
    low, middle, high = np.interp([0.05, 0.5, 0.95], np.cumsum(weight) - weight / 2, tried)
    if above > 0.5:
        return Threshold(float(levels[-1]), float(low), np.inf, "above")
    if below > 0.5:
        return Threshold(float(levels[0]), -np.inf, float(high), "below")
    return Threshold(float(middle), float(low), float(high), "none")


def _posterior(levels: Array, alike: Array, worth: float, tried: Array) -> Array:
    """Weight of each threshold tried, all sigmoids of the list equally likely before the waveforms were seen."""
    z = np.arctanh(np.clip(alike, -HIGHEST[-1], HIGHEST[-1]))
    width, top = WIDTHS[:, None, None, None], HIGHEST[None, :, None, None]
    middle = tried[None, None, :, None] + width * np.log(top / CRITERION - 1)
    # Response over response and noise, in power, of each waveform; the correlation is the geometric mean of two.
    share = 1 / (1 + np.exp(-np.clip((levels - middle) / width, -50, 50)))
    expected = top * np.sqrt(share[..., :-1] * share[..., 1:])
    distance = ((z - np.arctanh(expected)) ** 2).sum(axis=-1) * max(worth - 3, 1.0)
    likelihood = np.exp(-(distance - distance.min()) / 2).sum(axis=(0, 1))
    weight: Array = likelihood / likelihood.sum()
    return weight


def independent_samples(centred: Array) -> float:
    """How many independent samples waveforms are worth, by the autocorrelation they share (Bartlett).

    ``centred``  shape (level, sample), each of mean 0
    returns      1 to the number of samples
    """
    samples = centred.shape[1]
    spectrum = np.abs(np.fft.rfft(centred, 2 * samples, axis=1)) ** 2
    shared = np.fft.irfft(spectrum / np.maximum(spectrum.sum(axis=1, keepdims=True), 1e-300), axis=1).mean(
        axis=0
    )
    lags = np.arange(1, samples // 2)
    taper = 1 - lags / samples
    return float(np.clip(samples / (1 + 2 * (taper * (shared[lags] / shared[0]) ** 2).sum()), 1, samples))


def response(samples: Array, rate: float, onset: float) -> Array:
    """A waveform in the band of the response, in the window that holds it.

    ``samples``  any unit, shape (sample,);  ``rate``  kHz;  ``onset``  ms of the stimulus after the first sample
    returns      shape (sample in the window,), empty where the recording does not reach into it
    """
    from scipy.signal import butter, sosfiltfilt

    if rate <= 2.5 * BAND[1] or samples.size < FEWEST_SAMPLES:
        return samples[:0]
    filtered: Array = sosfiltfilt(butter(1, BAND, "bandpass", fs=rate, output="sos"), samples)
    time = np.arange(samples.size) / rate - onset
    return filtered[(time >= WINDOW[0]) & (time <= WINDOW[1])]


def first_wave(levels: Array, responses: Array, rate: float) -> tuple[Array, Array]:
    """Wave I of each level: P1 to N1 and the latency of P1, followed from the loudest level down.

    ``levels``     rising, shape (level,);  ``responses``  uV, shape (level, sample), from 1 ms after onset
    returns        amplitude in uV and latency in ms, each of shape (level,); NaN where the window ends first
    """
    time = WINDOW[0] + np.arange(responses.shape[1]) / rate
    amplitude, latency = np.full(levels.size, np.nan), np.full(levels.size, np.nan)
    seek = FIRST_PEAK
    for index in range(levels.size - 1, -1, -1):
        peak = _extreme(time, responses[index], seek)
        trough = _extreme(time, -responses[index], (time[peak] + TROUGH[0], time[peak] + TROUGH[1]))
        if peak < 0 or trough < 0:
            break
        amplitude[index] = responses[index, peak] - responses[index, trough]
        latency[index] = time[peak]
        seek = (time[peak] + DRIFT[0], time[peak] + DRIFT[1])
    return amplitude, latency


def _extreme(time: Array, wave: Array, window: tuple[float, float]) -> int:
    inside = np.flatnonzero((time >= window[0]) & (time <= window[1]))
    return int(inside[np.argmax(wave[inside])]) if inside.size else -1


def estimate(waveforms: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, list[tuple[str, str, str]]]:
    """Threshold, and wave I at and above it, of every level series of the table ``waveforms``.

    returns  a row per series, columns ``COLUMNS`` (value, low and high in the unit of the levels); a row per level
             and quantity (wave1 in uV, wave1_latency in ms), columns as ``readings`` has them; and the series that
             have no threshold: file, series, reason
    """
    import pandas as pd

    rows, waves = list[dict[str, object]](), list[dict[str, object]]()
    refused = list[tuple[str, str, str]]()
    for name, series in series_of(waveforms):
        levels, responses, reason = _prepared(series)
        first = series.iloc[0]
        if reason:
            refused.append((str(first["file"]), name, reason))
            continue
        found = threshold(levels, responses)
        kept = {
            key: first[key]
            for key in ("subject", "ear", "group", "time", "frequency", "recorded", "file", "sha256")
        }
        said = "click; " if "click" in str(first["flag"]).split("; ") else ""
        rows.append(
            {
                **kept, "value": found.value, "low": found.low, "high": found.high, "censored": found.censored,
                "unit": first["unit"], "levels": levels.size, "loudest": levels[-1], "manual": np.nan,
                "flag": f"{said}from waveforms: adjacent levels correlate by {CRITERION}",
            }
        )  # fmt: skip
        if found.censored != "above":
            waves += _waves(kept, levels, responses, float(first["rate"]), found.value, said)
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS)), pd.DataFrame(waves), refused


def _waves(
    kept: dict[str, object], levels: Array, responses: Array, rate: float, least: float, said: str
) -> Iterator[dict[str, object]]:
    """Readings of wave I at the levels at which there is a response."""
    amplitude, latency = first_wave(levels, responses, rate)
    flag = f"{said}from waveforms: P1 minus N1"
    for level, high, late in zip(levels, amplitude, latency, strict=True):
        if level >= least and np.isfinite(high):
            both = {**kept, "level": level, "censored": "none", "flag": flag}
            yield {**both, "quantity": "wave1", "value": high, "unit": "uV"}
            yield {**both, "quantity": "wave1_latency", "value": late, "unit": "ms"}


def series_of(waveforms: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Level series, each with a name: one file, subject, ear, day and stimulus, levels rising."""
    day = waveforms["recorded"].astype(str).str[:10]
    keys = [
        waveforms["file"],
        waveforms["subject"],
        waveforms["ear"],
        day,
        waveforms["frequency"].fillna(-1.0),
    ]
    for _, one in waveforms.groupby(keys, sort=True):
        first = one.iloc[0]
        stimulus = f"{first['frequency']:g} kHz" if first["frequency"] > 0 else "click"
        yield (
            f"{first['subject'] or 'no subject'} {first['ear']} {stimulus}".replace("  ", " "),
            one.sort_values("level"),
        )


def _prepared(series: pd.DataFrame) -> tuple[Array, Array, str]:
    """Levels, responses and why there can be no threshold (empty if there can)."""
    nothing = np.empty(0)
    averaged = series.groupby("level", sort=True)
    rates = series["rate"].unique()
    lengths = {len(one) for one in series["samples"]}
    if averaged.ngroups < FEWEST_LEVELS:
        return nothing, nothing, f"{averaged.ngroups} levels; a threshold needs {FEWEST_LEVELS}"
    if rates.size > 1 or len(lengths) > 1 or series["onset"].nunique() > 1:
        return nothing, nothing, "waveforms of different rate, length or onset"
    means = [np.mean(np.stack(list(one["samples"])), axis=0) for _, one in averaged]
    if any(np.ptp(one) == 0 for one in means):
        return nothing, nothing, "a waveform that does not vary"
    responses = np.array([response(one, float(rates[0]), float(series["onset"].iloc[0])) for one in means])
    if responses.shape[1] < FEWEST_SAMPLES:
        return nothing, nothing, f"{responses.shape[1]} samples from {WINDOW[0]:g} to {WINDOW[1]:g} ms"
    return np.unique(series["level"].to_numpy(dtype=float)), responses, ""
