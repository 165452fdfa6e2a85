"""Units of voltage: one conversion for every reader, and the law that says which voltages can be a response.

A unit belongs to the waveform it stands beside: it is read from the file, or asked for. What it gives is held
against what electrodes on a scalp see, so that a wrong unit is named and never read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from otosome.laboratory.file import Export
from otosome.units import Array

# A response at the scalp, peak to peak in uV; its median over the loudest recordings of a file lies between these.
SCALP = (0.05, 50.0)
# An electrode at the round window or in the ear sees ten times as much, and averages of few sweeps hold noise: up to
# this much beyond the law a file is read and flagged; further out it is refused.
TOLERATED = 4.0
EAR = 20.0  # times a scalp's response: a compound action potential at the round window
MICROVOLTS = {
    **dict.fromkeys(("nv", "nanovolt", "nanovolts"), 1e-3),
    **dict.fromkeys(("uv", "\u00b5v", "\u03bcv", "microvolt", "microvolts"), 1.0),
    **dict.fromkeys(("mv", "millivolt", "millivolts"), 1e3),
    **dict.fromkeys(("v", "volt", "volts"), 1e6),
}
NAMES = {1e-3: "nV", 1.0: "uV", 1e3: "mV", 1e6: "V"}
STATED = "nV, uV, mV, V"
_BRACKETED = re.compile(r"[(\[]([^()\[\]]*)[)\]]")


def factor(unit: str) -> float | None:
    """Microvolts in one of this unit, ``None`` for what is no unit of voltage; ``mV`` and ``MV`` are both millivolt."""
    return MICROVOLTS.get(unit.strip().strip(".:").lower())


def unit_in(name: str) -> str:
    """The unit of voltage that a column's name states in brackets or behind its last underscore; else empty."""
    candidates = [*_BRACKETED.findall(name), name.rsplit("_", 1)[-1] if "_" in name else ""]
    return next((NAMES[size] for candidate in candidates if (size := factor(candidate)) is not None), "")


def one_unit(export: Export, units: Sequence[str], place: str, cure: str) -> str:
    """The one unit of voltage that a file states, else the one a person gave for such files.

    ``units``  as they stand in the file, blank where a header has none
    raises     BadInput where there is none, or several, or another
    """
    sizes = {factor(unit or export.voltage) for unit in map(str.strip, units or [""])}
    size = sizes.pop() if len(sizes) == 1 else None
    if size is None:
        stated = ", ".join(sorted({unit.strip() or "no unit" for unit in units})) or "no unit"
        raise export.refusal(
            place,
            stated,
            f"one of {STATED}, the same everywhere",
            f"{cure}; or import with --voltage and the unit",
        )
    return NAMES[size]


def believable(
    export: Export, samples: Sequence[Array], levels: Array, unit: str, largest: float = 1.0
) -> str:
    """A flag for voltages that no response has; raises BadInput, naming the likely unit, for those far beyond.

    ``samples``  uV, an array a recording;  ``levels``  dB, shape (recording,);  ``unit``  they were read in
    ``largest``  times a scalp's response that the recording may show
    """
    if not samples:
        return ""
    near = levels >= np.nanmax(levels, initial=-np.inf) - 10.0
    loud = [sample for sample, is_loud in zip(samples, near, strict=True) if is_loud] or list(samples)
    middle = float(np.median([np.ptp(wave) for wave in loud]))
    low, high = SCALP[0], SCALP[1] * largest
    if low <= middle <= high:
        return ""
    likely = likely_unit(middle, unit)
    amplitude = f"{middle:.3g} uV peak to peak at the loudest levels, read in {unit}"
    if low / TOLERATED <= middle <= high * TOLERATED:
        return f"{amplitude}: a response at the scalp has {SCALP[0]:g} to {SCALP[1]:g} uV{likely and f'; {likely}?'}"
    raise export.refusal(
        "voltage",
        amplitude,
        f"{SCALP[0]:g} to {SCALP[1]:g} uV, as at the scalp",
        f"the samples look like {likely}: state the unit they are in"
        if likely
        else "state the unit they are in",
    )


def likely_unit(middle: float, unit: str) -> str:
    """The unit in which a response read in ``unit`` as ``middle`` uV would be one at the scalp; else empty."""
    written = middle / (factor(unit) or 1.0)
    return next(
        (name for size, name in NAMES.items() if SCALP[0] <= written * size <= SCALP[1] and name != unit), ""
    )
