"""A fit as an entry of the shelf of strains: its numbers with their ranges, what goes together in them, and spreads.

What was fitted of an instrument stays with the laboratory: numbers of endpoints are no property of animals.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from otosome.ears import Ears
from otosome.evidence import RUNS, SUBJECTS, Parameter
from otosome.files import fingerprint
from otosome.fitting.fit import Fit
from otosome.fitting.joint import PLAIN, RATIO, Joint, stored
from otosome.study import Study
from otosome.units import Array


def strain_of(
    study: Study, fit: Fit, draws: Ears, source: str, about: str, name: str
) -> tuple[dict[str, object], Joint | None]:
    """The file of a strain whose draws have the ranges and correlations of a fit's, as TOML has it; and few draws.

    There are none where no number of the animals was fitted, but spreads alone.

    ``draws``  of the fit;  ``source``  key of the shelf of sources;  ``name``  of the fit
    """
    origin = {"basis": "computed", "source": source, "because": _because(study, fit)}
    numbers = {n: p for n, p in study.parameters.items() if not n.startswith("endpoints.")}
    fitted = [name for name in draws if name in numbers]
    rows = {name: _fitted(numbers[name], draws[name], origin) for name in fitted}
    scales = {each: RATIO if row["shape"] == "lognormal" else PLAIN for each, row in rows.items()}
    joint = _joint(f"fit: {name}; {_because(study, fit)}", scales, draws) if fitted else None
    rows = {each: {**row, "fit": name} for each, row in rows.items()}
    rows |= _spread(numbers, rows, draws)
    return {"about": about, "species": study.tables.species, "numbers": rows}, joint


def _spread(
    numbers: Mapping[str, Parameter], rows: Mapping[str, dict[str, object]], draws: Ears
) -> dict[str, dict[str, object]]:
    """Rows of numbers whose spread between animals or runs was fitted: its median beside what else they state."""
    spread = {}
    for name, p in numbers.items():
        drawn = {kind: draws.get(f"{name}.{kind}") for kind in (SUBJECTS, RUNS)}
        medians = {kind: float(f"{np.median(own):.3g}") for kind, own in drawn.items() if own is not None}
        if medians:
            spread[name] = {**rows.get(name, _shelved(p)), **medians}
    return spread


def _because(study: Study, fit: Fit) -> str:
    how = fit.method if fit.method != "posterior" or fit.converged else f"{fit.method}, not converged"
    return (
        f"Fitted ({how}) to {fit.readings} readings of {fit.animals} animals, SHA-256 {fit.data_hash}, over numbers "
        f"{numbers_hash(study)}: median, 5 and 95 % of its draws; used, hence no evidence."
    )


def numbers_hash(study: Study) -> str:
    """What all numbers of a study are, in twelve digits: another where one of them is."""
    return fingerprint(study.parameters[name].hash for name in sorted(study.parameters))


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
        # Its fit's draws do not go with the entry.
        **({"linked": dict(p.linked)} if p.linked else {}),
        **({"additive": True} if p.additive else {}),
    }


def _joint(origin: str, scales: Mapping[str, str], draws: Ears) -> Joint:
    """Few draws of fitted numbers, whose middle, spread and correlation on their scales are those of all draws."""
    whole = np.array(
        [np.log(draws[name]) if scale == RATIO else draws[name] for name, scale in scales.items()]
    )
    middle, many = whole.mean(axis=1), len(scales)
    root = np.linalg.cholesky(np.atleast_2d(np.cov(whole, ddof=0)))
    luck = np.linalg.solve(root, whole - middle[:, None]).T
    plane = middle, np.zeros((many, 0)), root
    return stored(origin, scales, (), plane, np.zeros((len(luck), 0)), luck)
