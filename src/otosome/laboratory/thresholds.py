"""Thresholds from waveforms: the level at which responses to neighbouring levels begin to look alike.

After the published idea of Suthakar and Liberman (2019): the correlation between waveforms of adjacent levels
rises with level along a sigmoid, and the threshold is where two recordings of one level would correlate by a
criterion. Here waveforms are filtered twice, as Shaheen et al. (2024) do, and aligned, for a response comes later the
softer the stimulus; sigmoids of any steepness, a step among them, are tried; and far above threshold a correlation
only says that there is a response.
What the correlations leave open is the posterior of the threshold over all sigmoids; its 5 and 95 % are the interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.laboratory.file import flags
from otosome.laboratory.series import (
    FEWEST_LEVELS,
    PEOPLE,
    PERSON,
    RODENT,
    RODENTS,
    Series,
    Window,
    prepared,
    series_of,
    upside_down,
    window_of,
)
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

CRITERION = 0.35  # correlation at threshold: suthakar_liberman_2019, figure 3


ENOUGH = 50.0  # kHz: far above the band, faster sampling tells nothing more
STEP = 0.5  # dB between thresholds tried
# How much likelier than a threshold in any one place of the levels tested it is beforehand that there is no response up
# to the loudest. On recorded noise 1 in 100 series then has a response, where 9 had with 1; a threshold is missed where
# only the loudest two levels show it.
SILENT = 6.0
BEYOND = 15.0  # dB tried below and above the levels tested
# Neighbouring correlations share a waveform, so that they are worth less than as many separate ones: their own
# correlation is 0.14 at threshold, and 1 / (1 + 2 x 0.14) remains.
SHARED = 0.78
# Sigmoids tried: widths in dB and the correlation they reach. Where in the gap between two levels a step lies nothing
# can tell, and an interval that took a gradual rise for granted would be too narrow. So a step is as likely beforehand
# as all that rise over 0.3 to 20 dB together, equally likely by their logarithm. Assumed; the test holds it on series
# of every kind: more weight on a step covers too much where responses rise gradually, less too little elsewhere.
WIDTHS = np.array([0.05, *np.geomspace(0.3, 20.0, 10)])
LIKELY = np.array([0.5, *np.full(10, 0.05)])
HIGHEST = np.array([0.6, 0.75, 0.87, 0.95])
# Where single records are used, a response that grows from nothing in proportion to the level is tried, too: so many dB
# below threshold it begins, all together as likely as two of the ten widths; and how much of a loud waveform it is at
# most. From averages alone, 10 dB apart, responses that grow as a power would then come 1.4 dB early.
BEGINNINGS, PROPORTIONAL = np.array([4.0, 8.0, 16.0]), 0.1
LOUDEST_SHARE = 0.97
CEILING = 0.9  # a correlation above it is taken as "at least": how loud responses grow is not the threshold's matter
# How much later a response may come per dB of softer stimulus, ms: at most, and usually. Assumed: 0.01 is what a
# compound action potential of a mouse shows between 80 and 25 dB; the bound on the whole shift keeps waves apart.
LATEST, USUAL, FARTHEST = 0.06, 0.02, 0.8
# Wave I, assumed, ms: where P1 is sought at the loudest level, how far it may move between levels, where N1 follows.
FIRST_PEAK, DRIFT, TROUGH = (1.0, 2.5), (-0.1, 0.35), (0.25, 1.0)
COLUMNS = tuple(
    (
        "subject ear group time frequency value low high unit censored levels loudest manual "
        "recorded flag file sha256"
    ).split()
)


@dataclass(frozen=True)
class Threshold:
    """A threshold in the unit of the levels, its 5 and 95 %, and on which side of the levels tested it lies."""

    value: float
    low: float
    high: float
    censored: str


def threshold(levels: Array, responses: Array, rate: float, parts: Sequence[Array] = ()) -> Threshold:
    """The level at which two responses to it would correlate by the criterion.

    ``levels``     rising, shape (level,), four or more
    ``responses``  waveforms in the window, filtered twice, any unit, shape (level, sample);  ``rate``  kHz
    ``parts``      of each level the averages of equal parts of its sweeps, shape (part, sample), where there are any
    returns        median and 90 % interval of the posterior; ``above`` or ``below``, with the level at that end,
                   where the threshold more likely than not lies outside the levels tested
    """
    thin = max(1, int(rate / ENOUGH))
    responses, rate = responses[:, ::thin], rate / thin
    within = agreement([averages[:, ::thin] for averages in parts])
    worth = independent_samples(
        (responses - responses.mean(axis=1, keepdims=True))[: max(3, levels.size // 3)]
    )
    alike = aligned(levels, responses, rate, worth)
    tried = np.arange(levels[0] - BEYOND + STEP / 2, levels[-1] + BEYOND, STEP)
    weight = _posterior(levels, alike, worth * SHARED, tried, within, worth)
    below, above = weight[tried < levels[0]].sum(), weight[tried > levels[-1]].sum()
    low, middle, high = np.interp([0.05, 0.5, 0.95], np.cumsum(weight) - weight / 2, tried)
    if above > 0.5:
        return Threshold(float(levels[-1]), float(low), np.inf, "above")
    if below > 0.5:
        return Threshold(float(levels[0]), -np.inf, float(high), "below")
    return Threshold(float(middle), float(low), float(high), "none")


def aligned(levels: Array, responses: Array, rate: float, worth: float) -> Array:
    """Correlation of neighbouring levels, the softer one moved ahead by what its response comes later.

    The shift per dB runs straight from one value at the loudest to another at the softest level: two numbers for the
    whole series, so that noise cannot align itself pair by pair. They are the likeliest for correlated normal samples.

    ``levels``, ``responses``, ``rate``  as in ``threshold``;  ``worth``  independent samples of a waveform
    returns                              shape (level - 1,)
    """
    steps = np.diff(levels)
    most = min(LATEST * float(steps.max()), FARTHEST, responses.shape[1] / rate / 4) * rate
    by_lag = np.array([_alike(responses, lag) for lag in range(int(most) + 2)])
    softer = (levels[-1] - (levels[:-1] + levels[1:]) / 2) / (levels[-1] - levels[0])
    loud, soft = (end.ravel()[:, None] for end in np.meshgrid(*[np.linspace(0.0, LATEST, 13)] * 2))
    lag = np.minimum((loud + (soft - loud) * softer) * steps * rate, most)
    whole, pair = lag.astype(int), np.arange(steps.size)
    alignments = by_lag[whole, pair] + (lag - whole) * (by_lag[whole + 1, pair] - by_lag[whole, pair])
    likelihood = -worth / 2 * np.log1p(-(np.clip(alignments, 0.0, 0.99) ** 2)).sum(axis=1)
    usual = (loud**2 + soft**2 + (soft - loud) ** 2)[:, 0] / (2 * USUAL**2)
    best: Array = alignments[np.argmax(likelihood - usual)]
    return best


def _alike(responses: Array, lag: int) -> Array:
    """Correlation of every waveform with the next louder one, so many samples later."""
    soft, loud = responses[:-1, lag:], responses[1:, : responses.shape[1] - lag]
    soft, loud = soft - soft.mean(axis=1, keepdims=True), loud - loud.mean(axis=1, keepdims=True)
    size = np.sqrt((soft**2).sum(axis=1) * (loud**2).sum(axis=1))
    product: Array = (soft * loud).sum(axis=1) / np.maximum(size, np.finfo(float).tiny)
    return product


def agreement(parts: Sequence[Array]) -> Array:
    """How much larger the average of a level's parts is than its noise: half the logarithm of the ratio of powers.

    By analysis of variance the ratio F of K parts is expected to be 1 + response over noise in their average; half its
    logarithm, Fisher's transform of the intraclass correlation, has variance K / (2 (K - 1) (n - 2)) with or without
    a response.

    ``parts``  of each level, shape (part, sample)
    returns    shape (level, 2): the transform, and its variance times (n - 2); empty where there are no parts
    """
    rows = list[tuple[float, float]]()
    for waves in parts:
        count = len(waves)
        centred = waves - waves.mean(axis=1, keepdims=True)
        between = count * centred.mean(axis=0).var()
        inside = centred.var(axis=0, ddof=1).mean()
        rows.append((0.5 * np.log(max(between / max(inside, 1e-300), 1e-3)), count / (2 * (count - 1))))
    return np.array(rows).reshape(-1, 2)


def _posterior(
    levels: Array, alike: Array, worth: float, tried: Array, within: Array, samples: float
) -> Array:
    """Weight of each threshold tried, over all sigmoids of the list as likely as they were beforehand.

    ``alike``   correlations of neighbours, each worth so many independent samples;  ``within``  as ``agreement``
    ``samples``  independent ones of a waveform
    """
    rising, likely = _shapes(levels, tried, bool(len(within)))
    # The correlation is the geometric mean of what two waveforms hold of the response.
    expected = np.sqrt(rising[..., :-1] * rising[..., 1:])
    # Of two waveforms that share a response and differ in noise, to first order in 1 / samples; 1 without a response.
    variance = (1 + 2 * expected - expected**2) / (1 + expected) ** 2 / max(worth - 3, 1.0)
    observed = np.arctanh(np.clip(alike, -CEILING, CEILING))
    total = _distance(observed, np.arctanh(expected), variance, float(np.arctanh(CEILING)))
    if len(within):
        spread = np.broadcast_to(within[:, 1] / max(samples - 2, 1.0), rising.shape)
        most = -0.5 * np.log(1 - CEILING)
        total += _distance(np.minimum(within[:, 0], most), -0.5 * np.log1p(-rising), spread, float(most))
    likelihood = (likely[:, None] * np.exp(-(total - total.min()) / 2)).sum(axis=0)
    weight: Array = likelihood * np.where(tried > levels[-1], SILENT, 1.0)
    weight /= weight.sum()
    return weight


def _shapes(levels: Array, tried: Array, single: bool) -> tuple[Array, Array]:
    """How much of a waveform's power is response, by the ways it may rise, and how likely each is beforehand.

    ``single``  whether single records are used
    returns     shape (way, threshold, level), and (way,)
    """
    above = levels - tried[:, None]
    width, top = WIDTHS[:, None, None, None], HIGHEST[None, :, None, None]
    steps = np.clip(above / width - np.log(top / CRITERION - 1), -50, 50)
    sigmoids = (top / (1 + np.exp(-steps))).reshape(-1, *above.shape)
    likely = np.repeat(LIKELY, HIGHEST.size) / HIGHEST.size
    if not single:
        return sigmoids, likely
    begin = BEGINNINGS[:, None, None]
    ratio = CRITERION / (1 - CRITERION) * (np.maximum(above + begin, 0.0) / begin) ** 2
    lines = np.minimum(ratio / (1 + ratio), LOUDEST_SHARE)
    shares = np.full(BEGINNINGS.size, PROPORTIONAL / BEGINNINGS.size)
    return np.concatenate([sigmoids, lines]), np.concatenate([likely * (1 - PROPORTIONAL), shares])


def _distance(observed: Array, expected: Array, variance: Array, most: float) -> Array:
    """Twice the negative logarithm of the likelihood, over the last axis; what reaches ``most`` says "at least"."""
    capped = observed >= most
    off = observed - expected
    distance = np.where(capped, np.maximum(off, 0.0), off) ** 2 / variance
    total: Array = (distance + np.where(capped, 0.0, np.log(variance))).sum(axis=-1)
    return total


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


def first_wave(levels: Array, responses: Array, rate: float) -> tuple[Array, Array, Array]:
    """Wave I of each level: P1 to N1, the latency of P1 and that of N1, followed from the loudest level down.

    ``levels``     rising, shape (level,);  ``responses``  uV, shape (level, sample), from 1 ms after onset
    returns        amplitude in uV and two latencies in ms, each of shape (level,); NaN where the window ends first
    """
    time = RODENT.start + np.arange(responses.shape[1]) / rate
    amplitude, latency, after = (np.full(levels.size, np.nan) for _ in range(3))
    seek = FIRST_PEAK
    for index in range(levels.size - 1, -1, -1):
        peak = _extreme(time, responses[index], seek)
        trough = _extreme(time, -responses[index], (time[peak] + TROUGH[0], time[peak] + TROUGH[1]))
        if peak < 0 or trough < 0:
            break
        amplitude[index] = responses[index, peak] - responses[index, trough]
        latency[index], after[index] = time[peak], time[trough]
        seek = (time[peak] + DRIFT[0], time[peak] + DRIFT[1])
    return amplitude, latency, after


def upright(series: Series, window: Window) -> tuple[Array, bool]:
    """The responses with P1 upwards, shape (level, sample), and whether they had to be turned for it."""
    turned = window == RODENT and upside_down(series.responses[-1], series.rate, window.start)
    return -series.responses if turned else series.responses, turned


def _extreme(time: Array, wave: Array, window: tuple[float, float]) -> int:
    inside = np.flatnonzero((time >= window[0]) & (time <= window[1]))
    return int(inside[np.argmax(wave[inside])]) if inside.size else -1


def estimate(
    waveforms: pd.DataFrame, species: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, list[tuple[str, str, str]]]:
    """Threshold, and wave I at and above it, of every level series of the table ``waveforms``.

    ``species``  of each subject, as the shelf names them; without one, "no response" is not stated
    returns  a row per series, columns ``COLUMNS`` (value, low and high in the unit of the levels); a row per level
             and quantity (wave1 in uV, wave1_latency in ms), columns as ``readings`` has them; and the series that
             have no threshold: file, series, reason
    """
    import pandas as pd

    rows, waves = list[dict[str, object]](), list[dict[str, object]]()
    refused = list[tuple[str, str, str]]()
    for name, recordings in series_of(waveforms):
        first = recordings.iloc[0]
        kind = (species or {}).get(str(first["subject"]), "")
        window = window_of(kind, float(first["frequency"]))
        series = prepared(recordings, window)
        reason, doubt = series.reason, _doubt(kind, window, recordings)
        result = None if reason else threshold(series.levels, series.sharp, series.rate, series.parts)
        if result is not None and result.censored == "above" and doubt:
            reason = f"no response found, and there may be one: {doubt}"
        if result is None or reason:
            refused.append((str(first["file"]), name, flags(reason, _nameless(recordings))))
            continue
        names = ("subject", "ear", "group", "time", "frequency", "recorded", "file", "sha256")
        who = {key: first[key] for key in names}
        click = "click" if "click" in str(first["flag"]).split("; ") else ""
        rows.append(_row(who, result, series, str(first["unit"]), flags(click, doubt)))
        if result.censored != "above" and window.stop <= PEOPLE[2.0].stop:
            waves += _waves(who, series, window, result.value, click)
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS)), pd.DataFrame(waves), refused


def _row(
    who: dict[str, object], result: Threshold, series: Series, unit: str, about: str
) -> dict[str, object]:
    """A threshold with where it is from, columns ``COLUMNS``."""
    method = f"from waveforms: aligned waveforms of a level correlate by {CRITERION}"
    parts = "single records or buffers used" if series.parts else ""
    return {
        **who,
        "value": result.value,
        "low": result.low,
        "high": result.high,
        "censored": result.censored,
        "unit": unit,
        "levels": series.levels.size,
        "loudest": series.levels[-1],
        "manual": np.nan,
        "flag": flags(about, method, parts, series.about),
    }


def _nameless(recordings: pd.DataFrame) -> str:
    """Why files are not joined into one series, where they may be of one; empty where they are of a named subject."""
    alone = recordings["level"].nunique() < FEWEST_LEVELS and str(recordings["subject"].iloc[0]) == ""
    return (
        "the file names no subject: name its file or folder in the animals sheet, column file"
        if alone
        else ""
    )


def _doubt(species: str, window: Window, series: pd.DataFrame) -> str:
    """Why a response might lie outside what was searched; empty where the window holds it."""
    first = series.iloc[0]
    if species not in (*RODENTS, PERSON):
        known = ", ".join((*RODENTS, PERSON))
        return f"sought {_span(window)} as in rodents, for no animals sheet names the species ({known})"
    end = len(first["samples"]) / float(first["rate"]) - float(first["onset"])
    return "" if end >= window.stop else f"recorded to {end:.3g} ms, and it may come until {window.stop:g} ms"


def _span(window: Window) -> str:
    return f"from {window.start:g} to {window.stop:g} ms"


def _waves(
    who: dict[str, object], series: Series, window: Window, least: float, about: str
) -> Iterator[dict[str, object]]:
    """Readings of wave I at the levels at which there is a response, of one that stands upside down turned."""
    responses, turned = upright(series, window)
    amplitude, latency, _ = first_wave(series.levels, responses, series.rate)
    flag = flags(
        about, "from waveforms: P1 minus N1", "polarity inverted: turned" if turned else "", series.about
    )
    for level, high, late in zip(series.levels, amplitude, latency, strict=True):
        if level >= least and np.isfinite(high):
            both = {**who, "level": level, "censored": "none", "flag": flag}
            yield {**both, "quantity": "wave1", "value": high, "unit": "uV"}
            yield {**both, "quantity": "wave1_latency", "value": late, "unit": "ms"}
