"""A fit as an entry of the shelf of strains: its numbers with their ranges, what goes together in them, and spreads.

What was fitted of an instrument stays with the laboratory: numbers of endpoints are no property of animals.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import numpy as np

from otosome.ears import Ears
from otosome.evidence import RUNS, SUBJECTS, Parameter
from otosome.fitting.fit import Fit
from otosome.study import Study
from otosome.study.tables.pins import Number
from otosome.units import Array

# Shares smaller than this are left out of a link.
_FAINTEST = 0.03


def strain_of(study: Study, fit: Fit, draws: Ears, source: str, about: str) -> dict[str, object]:
    """The file of a strain whose draws have the ranges and correlations of a fit's: to be written as TOML.

    ``draws``  of the fit;  ``source``  key of the shelf of sources
    """
    origin = {"basis": "computed", "source": source, "because": _because(study, fit)}
    numbers = {n: p for n, p in study.parameters.items() if not n.startswith("endpoints.")}
    fitted = [name for name in draws if name in numbers]
    rows = {name: _fitted(numbers[name], draws[name], origin) for name in fitted}
    deviates = [_parameter(row, numbers[name]).deviate(draws[name]) for name, row in rows.items()]
    for name, linked in _links(fitted, np.array(deviates)).items():
        rows[name]["linked"] = linked
    for name, p in numbers.items():
        spreads = {kind: draws.get(f"{name}.{kind}") for kind in (SUBJECTS, RUNS)}
        medians = {kind: float(np.median(own)) for kind, own in spreads.items() if own is not None}
        if medians:
            rows[name] = rows.get(name, _shelved(p)) | {
                kind: float(f"{m:.3g}") for kind, m in medians.items()
            }
    return {"about": about, "species": study.tables.species, "numbers": rows}


def _because(study: Study, fit: Fit) -> str:
    how = fit.method if fit.method != "posterior" or fit.converged else f"{fit.method}, not converged"
    return (
        f"Fitted ({how}) to {fit.readings} readings of {fit.animals} animals, SHA-256 {fit.data_hash}, over numbers "
        f"{fingerprint(study)}: median, 5 and 95 % of its draws; used, hence no evidence."
    )


def fingerprint(study: Study) -> str:
    """What all numbers of a study are, in twelve digits: another where one of them is."""
    hashes = [study.parameters[name].hash for name in sorted(study.parameters)]
    return sha256("\n".join(hashes).encode()).hexdigest()[:12]


def _fitted(p: Parameter, values: Array, origin: Mapping[str, str]) -> dict[str, object]:
    """A number that was fitted, as a strain states it; on a scale of ratios where it lies above zero."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    ends = {"value": middle, "low": low, "high": high}
    return {
        **{key: f"{end:.5g} {p.unit}".strip() for key, end in ends.items()},
        "shape": "lognormal" if values.min() > 0 else "normal",
        **origin,
    }


def _shelved(p: Parameter) -> dict[str, object]:
    """A number as its shelf has it, so that its spread alone is another."""
    ends = {} if p.shape == "fixed" else {"low": p.low, "high": p.high}
    words = {"basis": p.basis, "source": p.source, "because": p.because}
    return {
        **{key: f"{end!r} {p.unit}".strip() for key, end in {"value": p.value, **ends}.items()},
        **({} if p.shape == "fixed" else {"shape": p.shape}),
        **{key: word for key, word in words.items() if word},
        **({"linked": dict(p.linked)} if p.linked else {}),
        **({"additive": True} if p.additive else {}),
    }


def _parameter(row: Mapping[str, object], shelved: Parameter) -> Parameter:
    return Number.model_validate(row).pinned(shelved, "strain")


def _links(names: list[str], deviates: Array) -> dict[str, dict[str, float]]:
    """What each number's deviate has of those before it, so that they correlate as draws (number, draw) do."""
    if len(names) < 2:
        return {}
    correlation = np.corrcoef(deviates) + 1e-9 * np.eye(len(names))
    lower = np.linalg.cholesky(correlation)
    return {
        name: {
            names[other]: round(float(lower[row, other]), 3)
            for other in range(row)
            if abs(lower[row, other]) >= _FAINTEST
        }
        for row, name in enumerate(names)
        if row
    }
