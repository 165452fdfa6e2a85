"""Recordings in named fields, as programs save them: what a field holds by its name, and where its axes run.

Used for files that hold structures of numbers rather than a table, such as MATLAB's. A field's unit stands in its
name or beside it; of times and rates the size tells the unit, for no response is sampled below 5 or above 500 kHz.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from otosome.laboratory.columns import EARS, HIGHEST_KILOHERTZ, LOWEST_KILOHERTZ, possible, tone
from otosome.laboratory.file import Export, flags
from otosome.laboratory.tables import FEWEST_SAMPLES, Tables, rows_of, waveforms
from otosome.laboratory.voltage import NAMES, factor, one_unit
from otosome.units import Array

WORD = re.compile(r"[A-Z]?[a-zµμ]+|[A-Z]+(?![a-z])|\d+")
SPELT = re.compile(r"kHz|Hz|[numµμ]V|dB")  # units whose capitals begin no word
UNITS_OF_TIME = {"us": 1e-3, "ms": 1.0, "s": 1e3, "sec": 1e3}
SLOWEST, FASTEST = 5.0, 500.0  # kHz
MOST_RECORDS = 5000
# What a field holds where all words of its name, or the two together, are among these.
MEANINGS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (meaning, frozenset(words.split()))
    for meaning, words in (
        ("rate", "fs sr srate samprate samplerate samplingrate samplefreq samplingfreq samplingfrequency"),
        ("period", "dt sampleperiod samplingperiod sampperiod sampleinterval"),
        ("unit", "unit units yunit yunits voltageunit voltageunits dataunit dataunits"),
        (
            "level",
            "level levels leveldb levelsdb spl dbspl intensity intensities db dbs stimlevel soundlevel",
        ),
        (
            "frequency",
            "freq freqs frequency frequencies tone stimfreq stimulusfrequency khz hz stimulus stim",
        ),
        ("time", "time times t tms timems"),
        ("onset", "onset delay stimonset"),
        ("sweeps", "navg navgs naverages sweeps nsweeps averages ntrials numaverages reps nreps count"),
        ("subject", "subject subjectid animal animalid mouse mouseid rat ratid id name subj"),
        ("ear", "ear side"),
        ("recorded", "date recorded datetime"),
        (
            "samples",
            "data waveform waveforms wave waves trace traces abr average averages avg mean signal signals response "
            "responses samples eeg y",
        ),
    )
)
FILLERS = frozenset(
    "stim stimulus sound tone abr in of the mean avg average hz khz db spl us ms s sec".split()
)


@dataclass(frozen=True)
class Field:
    """A field: its name, and its value as it stands."""

    name: str
    value: object

    @property
    def words(self) -> list[str]:
        """The words of its name, lower case."""
        apart = SPELT.sub(lambda unit: f"_{unit[0].lower()}_", self.name)
        return [word.lower() for word in WORD.findall(apart)]

    @property
    def numbers(self) -> Array:
        """Its value as an array of numbers; empty where it is none."""
        if isinstance(self.value, str) or not isinstance(self.value, (int, float, np.ndarray, np.number)):
            return np.empty(0)
        array = np.asarray(self.value)
        return array.astype(float) if array.dtype.kind in "fiu" else np.empty(0)

    @property
    def text(self) -> str:
        """Its value as text; empty where it is neither text nor one number."""
        if isinstance(self.value, str):
            return self.value.strip()
        return f"{self.numbers.item():g}" if self.numbers.size == 1 else ""

    def unit(self, allowed: Mapping[str, float]) -> float | None:
        """The unit that the last words of its name state; None where they state none."""
        return next((allowed[word] for word in reversed(self.words) if word in allowed), None)


def meaning_of(field: Field) -> str:
    """What a field holds by the words of its name; empty where they say nothing that is known."""
    whole = "".join(word for word in field.words if not word.isdigit())
    main = "".join(word for word in field.words if word not in FILLERS and not word.isdigit())
    volts = [word for word in field.words if factor(word) is None]
    for meaning, words in MEANINGS:
        names = {whole, main, "".join(volts), "".join(word for word in volts if word not in FILLERS)}
        if names & words and (meaning != "samples" or field.numbers.size >= FEWEST_SAMPLES):
            return meaning
    return ""


def recordings(
    node: Mapping[str, object], outer: Mapping[str, Field] | None = None
) -> Iterator[dict[str, Field]]:
    """Each structure with samples, by meaning; what stands beside the structures it lies in counts for it, too."""
    own = {
        meaning: field for name, value in node.items() if (meaning := meaning_of(field := Field(name, value)))
    }
    fields = {**(outer or {}), **own}
    if "samples" in own:
        yield fields
    for value in node.values():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield from recordings(inner, fields)


def tables(export: Export, structures: Sequence[Mapping[str, Field]], cure: str) -> Tables:
    """The table ``waveforms`` of recordings; raises BadInput where a level, rate or unit is nowhere stated."""
    rows, samples, units = list[dict[str, object]](), list[Array](), list[str]()
    for fields in structures:
        rate, onset, about = _clock(export, fields, cure)
        for wave, level, hertz in _waves(export, fields, cure):
            rows.append({**_row(fields, level, hertz, about), "rate": rate, "onset": onset})
            samples.append(wave)
        units.append(_voltage(fields))
        if len(rows) > MOST_RECORDS:
            raise export.refusal("records", f"more than {MOST_RECORDS}", f"at most {MOST_RECORDS}", cure)
    if not rows:
        raise export.refusal(
            "variables", "no field of samples with its levels", "data, level, fs, units", cure
        )
    return Tables(
        waveforms=waveforms(export, samples, one_unit(export, units, "units", cure), **rows_of(rows))
    )


def _voltage(fields: Mapping[str, Field]) -> str:
    """The unit of voltage, of its own field or in the name of the samples; empty where there is none."""
    if "unit" in fields:
        return fields["unit"].text
    return next(
        (NAMES[size] for word in fields["samples"].words if (size := factor(word)) and len(word) > 1), ""
    )


def _row(fields: Mapping[str, Field], level: float, hertz: float, about: str) -> dict[str, object]:
    """What the fields say of one recording."""
    words = {name: fields[name].text if name in fields else "" for name in ("subject", "ear", "recorded")}
    sweeps = fields["sweeps"].numbers if "sweeps" in fields else np.empty(0)
    kilohertz, click = tone(hertz, np.nan)
    spl = "spl" in fields["level"].name.lower()
    return {
        "subject": words["subject"],
        "ear": EARS.get(words["ear"].lower(), ""),
        "recorded": words["recorded"][:10] if re.match(r"20\d\d-\d\d-\d\d", words["recorded"]) else "",
        "frequency": kilohertz,
        "level": level,
        "unit": "dB SPL" if spl else "dB",
        "sweeps": float(sweeps.ravel()[0]) if sweeps.size else np.nan,
        "flag": flags(
            click,
            "" if spl else "level in dB, reference not stated",
            "" if words["subject"] else "no subject",
            about,
        ),
    }


def _clock(export: Export, fields: Mapping[str, Field], cure: str) -> tuple[float, float, str]:
    """Samples per ms, the stimulus in ms after the first sample, and a flag where a unit was told by its size."""
    for name in ("rate", "period", "time"):
        numbers = fields[name].numbers.ravel() if name in fields else np.empty(0)
        steps = np.diff(numbers) if name == "time" else numbers
        if (
            steps.size
            and np.isfinite(steps).all()
            and steps.min() > 0
            and np.ptp(steps) <= 0.01 * steps.max()
        ):
            scale, about = _scale(export, fields[name], float(steps.mean()), name == "rate", cure)
            rate = float(steps.mean()) * scale if name == "rate" else 1 / (float(steps.mean()) * scale)
            onset = -float(numbers[0]) * scale if name == "time" else _onset(fields)
            return rate, onset, about
    raise export.refusal("variables", "no sampling rate or times", "fs, dt or time", cure)


def _scale(export: Export, field: Field, value: float, is_rate: bool, cure: str) -> tuple[float, str]:
    """What a rate or time is times to be in kHz or ms, by the unit in its name or by its size."""
    stated = field.unit({"hz": 1e-3, "khz": 1.0} if is_rate else UNITS_OF_TIME)
    for scale in [stated] if stated else [1.0, 1e-3, 1e3]:
        rate = value * scale if is_rate else 1 / (value * scale)
        if SLOWEST <= rate <= FASTEST:
            return scale, "" if stated else f"{field.name} without unit: read as {rate:.4g} kHz"
    raise export.refusal(field.name, f"{value:g}", f"{SLOWEST:g} to {FASTEST:g} samples a ms", cure)


def _onset(fields: Mapping[str, Field]) -> float:
    """The stimulus in ms after the first sample, where a field states it with its unit; else 0."""
    field = fields.get("onset")
    scale = field.unit(UNITS_OF_TIME) if field else None
    return float(field.numbers.ravel()[0]) * scale if field and scale and field.numbers.size else 0.0


def _waves(export: Export, fields: Mapping[str, Field], cure: str) -> Iterator[tuple[Array, float, float]]:
    """Samples, level and frequency in Hz of each recording, whichever way the axes of the samples run."""
    levels = fields["level"].numbers.ravel() if "level" in fields else np.empty(0)
    if not levels.size or not all(possible(level) for level in levels):
        raise export.refusal(
            "level", "none, or one that is no level in dB", "a level for each recording", cure
        )
    hertz, data = _hertz(export, fields.get("frequency"), cure), fields["samples"].numbers
    vectors = {name: v for name, v in (("level", levels), ("frequency", hertz)) if v.size > 1}
    if len(vectors) == 2 and data.ndim == 2 and levels.size == hertz.size:
        yield from zip(_along(export, data, [levels.size], cure), levels, hertz, strict=True)
        return
    waves = _along(export, data, [v.size for v in vectors.values()], cure)
    grid = np.array(np.meshgrid(levels, hertz, indexing="ij")).reshape(2, -1).T
    yield from ((wave, level, own) for wave, (level, own) in zip(waves, grid, strict=True))


def _along(export: Export, data: Array, sizes: Sequence[int], cure: str) -> Array:
    """Samples as rows, shape (recording, sample), axes of these sizes first; raises BadInput unless one order fits."""
    fits = [
        order
        for order in permutations(range(data.ndim))
        if data.ndim == len(sizes) + 1 and [data.shape[i] for i in order[:-1]] == list(sizes)
    ]
    if len(fits) != 1 or data.shape[fits[0][-1]] < FEWEST_SAMPLES:
        shape = " x ".join(map(str, data.shape))
        axes = " and ".join(f"one of {size}" for size in sizes)
        allowed = f"an axis of {FEWEST_SAMPLES} samples or more{axes and f', {axes}, as levels and frequencies are'}"
        raise export.refusal("samples", shape, allowed, cure)
    return np.transpose(data, fits[0]).reshape(-1, data.shape[fits[0][-1]])


def _hertz(export: Export, field: Field | None, cure: str) -> Array:
    """Frequencies in Hz, NaN for a click; of a bare number the size tells whether it is in kHz."""
    if field is None:
        raise export.refusal("frequency", "none", "the tone's frequency, or 'click'", cure)
    if not field.numbers.size:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(k?)hz", field.text.lower())
        if match is None and "click" not in field.text.lower():
            raise export.refusal(field.name, field.text[:60] or "no number", "a frequency, or 'click'", cure)
        return np.array([float(match[1]) * (1e3 if match[2] else 1.0) if match else np.nan])
    values = field.numbers.ravel()
    stated = field.unit({"hz": 1.0, "khz": 1e3})
    hertz = values * (stated or (1.0 if np.nanmax(values, initial=0.0) > HIGHEST_KILOHERTZ else 1e3))
    if not all(value == 0 or LOWEST_KILOHERTZ <= value / 1e3 <= HIGHEST_KILOHERTZ for value in hertz):
        raise export.refusal(field.name, f"{hertz.max():g} Hz", "50 Hz to 200 kHz, or 0 for a click", cure)
    return hertz
