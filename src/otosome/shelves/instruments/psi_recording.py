"""psiexperiment recordings of ABR: a folder of trials and a signal in volts, cut and averaged here trial by trial.

A trial whose band-passed samples exceed the threshold of rejection that its row states is left out, as the program
does. Averages weigh either polarity alike; shares of the trials stand beside them as their parts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from otosome.laboratory.columns import Columns, possible, tone
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.recording import SIGNAL, named
from otosome.laboratory.tables import Tables, rows_of, waveforms
from otosome.laboratory.zarr import Signal
from otosome.units import Array

LEVEL = ("target_tone_level", "target_click_level", "tone_level", "click_level")
FREQUENCY = ("target_tone_frequency", "tone_frequency")
POLARITY = ("target_tone_polarity", "target_click_polarity", "tone_polarity", "click_polarity")
BEFORE, AFTER = 5.0, 30.0  # ms of a trial around its stimulus, at most to the next
SHORTEST = 8.5  # ms
LATEST = 1e7  # s: no recording is as long
BAND = (300.0, 3000.0)  # Hz, in which the program rejects
PARTS, FEWEST, MOST_STIMULI = 4, 8, 2000
AGAIN = "import the whole folder of the recording, with erp_metadata.csv and eeg.zarr"


@dataclass
class Sum:
    """Trials of one stimulus and polarity: the sum and the number of each share."""

    waves: Array
    counts: Array
    trials: int = 0

    def add(self, wave: Array) -> None:
        """One more trial, in the next share."""
        share = self.trials % PARTS
        self.waves[share] += wave
        self.counts[share] += 1
        self.trials += 1


@dataclass
class Averages:
    """Sums by stimulus (frequency in Hz, NaN as -1; level in dB) and polarity, of so many samples each."""

    size: int
    sums: dict[tuple[float, float], dict[bool, Sum]] = field(default_factory=lambda: defaultdict(dict))
    rejected: int = 0

    def add(self, stimulus: tuple[float, float], inverted: bool, wave: Array) -> None:
        """One more trial of a stimulus."""
        own = self.sums[stimulus]
        if inverted not in own:
            own[inverted] = Sum(np.zeros((PARTS, self.size)), np.zeros(PARTS))
        own[inverted].add(wave)

    def of(self, stimulus: tuple[float, float]) -> list[tuple[Array, float]]:
        """The average of a stimulus with its number of trials, then those of its shares, where there are enough."""
        sides = self.sums[stimulus].values()
        whole = np.mean([side.waves.sum(axis=0) / side.trials for side in sides], axis=0)
        averages = [(whole, float(sum(side.trials for side in sides)))]
        if min(side.trials for side in sides) >= FEWEST:
            parts = np.mean([side.waves / side.counts[:, None] for side in sides], axis=0)
            averages += zip(parts, np.sum([side.counts for side in sides], axis=0), strict=True)
        return averages


@dataclass(frozen=True)
class PsiRecording:
    """The program's recordings, as the catalog finds them."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so is of the trials of one: when each was, and how loud its stimulus."""
        names = header(head)
        return "t0" in names and bool(names.intersection(LEVEL))

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``waveforms``: a row per stimulus with its average, and one for each share of its trials."""
        if export.folder is None:
            raise export.refusal("file", "trials without their signal", SIGNAL, AGAIN)
        columns, signal = Columns.of(export), Signal.open(Path(export.folder) / SIGNAL)
        averages, before = _averaged(columns, signal)
        if not averages.sums:
            raise columns.nothing("no trial within the recording and below its threshold of rejection")
        who, whose = named(export.name)
        rejected = f"{averages.rejected} trials rejected" if averages.rejected else ""
        about = flags(whose, "volt and dB SPL: not stated, by the program", rejected)
        rows, waves = list[dict[str, object]](), list[Array]()
        for stimulus in sorted(averages.sums):
            kilohertz, click = tone(stimulus[0], np.nan)
            for part, (wave, count) in enumerate(averages.of(stimulus)):
                waves.append(wave)
                row = {"frequency": kilohertz, "level": stimulus[1], "sweeps": count, "part": str(part or "")}
                rows.append({**who, **row, "flag": flags(click, about)})
        table = waveforms(
            export,
            waves,
            export.voltage or "V",
            **rows_of(rows),
            unit="dB SPL",
            rate=signal.rate / 1e3,
            onset=1e3 * before / signal.rate,
        )
        return Tables(waveforms=table, refused=tuple(columns.refused))


def _averaged(columns: Columns, signal: Signal) -> tuple[Averages, int]:
    """The sums of all trials, and how many samples each begins before its stimulus."""
    starts, stimuli = _trials(columns)
    before = int(BEFORE * signal.rate / 1e3)
    gap = float(np.diff(np.sort(starts)).min(initial=AFTER / 1e3))
    size = before + int(min(AFTER / 1e3, gap) * signal.rate)
    if size - before < SHORTEST * signal.rate / 1e3:
        raise columns.export.refusal("t0", f"trials {1e3 * gap:.3g} ms apart", f"{SHORTEST} ms or more")
    limit, inverted = _limits(columns), _first(columns, POLARITY, 1.0) < 0
    first = np.round(starts * signal.rate).astype(np.int64) - before
    order = np.argsort(first, kind="stable")
    order = order[(first[order] >= 0) & (first[order] + size <= signal.size)]
    averages, buffer, begin, place = Averages(size), np.empty(0), 0, 0
    for start, block in signal.blocks():
        buffer, begin = np.concatenate([buffer, block]), start - buffer.size
        stop = place + int(np.searchsorted(first[order[place:]] + size, begin + buffer.size, side="right"))
        for trial in order[place:stop]:
            wave = buffer[first[trial] - begin : first[trial] - begin + size]
            wave = wave - wave.mean()
            if _accepted(wave, signal.rate, limit[trial]):
                averages.add(stimuli[trial], bool(inverted[trial]), wave)
            else:
                averages.rejected += 1
        place = stop
        buffer = buffer[max(buffer.size - size, 0) :]
    return averages, before


def _trials(columns: Columns) -> tuple[Array, list[tuple[float, float]]]:
    """When each trial was, in s, and its stimulus; raises BadInput for rows without, or too many stimuli."""
    starts, level = columns.numbers("t0"), columns.numbers(columns.first(LEVEL))
    hertz = _first(columns, FREQUENCY, -1.0)
    if not (((starts >= 0) & (starts < LATEST)).all() and all(possible(value) for value in level)):
        allowed = f"t0 from 0 to {LATEST:g} s, and a level"
        raise columns.export.refusal("rows", "one without t0, or whose level is none", allowed, AGAIN)
    stimuli = [
        (float(own), float(loud)) for own, loud in zip(np.nan_to_num(hertz, nan=-1.0), level, strict=True)
    ]
    if len(set(stimuli)) > MOST_STIMULI:
        entry = f"{len(set(stimuli))} stimuli"
        raise columns.export.refusal("rows", entry, f"at most {MOST_STIMULI}", AGAIN)
    return starts, stimuli


def _first(columns: Columns, names: tuple[str, ...], otherwise: float) -> Array:
    """The first of these columns that there is, else one number for all rows."""
    name = next((name for name in names if name in columns), "")
    return columns.numbers(name) if name else np.full(len(columns.frame), otherwise)


def _limits(columns: Columns) -> Array:
    """The threshold of rejection of each trial in V, infinite where its row states none."""
    limit = _first(columns, ("reject_threshold",), np.inf)
    limit[~(limit > 0)] = np.inf
    return limit


def _accepted(wave: Array, rate: float, limit: float) -> bool:
    """Whether a trial's band-passed samples lie below its threshold of rejection."""
    if not np.isfinite(limit):
        return True
    from scipy.signal import butter, sosfiltfilt

    filtered = sosfiltfilt(butter(1, BAND, "bandpass", fs=rate, output="sos"), wave)
    return bool(np.abs(filtered).max() < limit)
