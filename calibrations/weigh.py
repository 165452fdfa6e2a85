"""Weigh draws of numbers by published targets, and print or write the rows of the shelves that come of it.

Population Monte Carlo: draws of the prior are weighed by the likelihood raised to a power that rises to one
as fast as they bear; at each power they are resampled and moved by a random walk that leaves the weighed
distribution as it is. Seeds are fixed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import logsumexp, ndtr

from otosome.catalog import SHIPPED, get
from otosome.evidence import Parameter
from otosome.units import Array, convert, split

# Share of the draws that must keep weight when the power of the likelihood is raised.
KEPT = 0.5
# Standard deviations between the middle of a normal and its 5 or 95 %.
Z95 = 1.6448536269514722


@dataclass(frozen=True)
class Posterior:
    """Draws of equal weight: ``values`` by name, shape (draw,).

    ``ancestors``  different first draws they descend from: the draws are worth at least as many
    """

    values: Mapping[str, Array]
    ancestors: int

    def quantile(self, name: str) -> Array:
        """5, 50 and 95 % of a number."""
        return np.quantile(self.values[name], [0.05, 0.5, 0.95])

    def held(self, name: str) -> float:
        """Standard deviation of a number's logarithm when all others are held, from the draws' precision matrix."""
        logarithms = np.log(list(self.values.values()))
        numbers, draws = logarithms.shape
        # Unbiased for normal draws; the inverse of a sample's covariance is too large.
        precision = np.linalg.inv(np.cov(logarithms)) * (draws - numbers - 2) / (draws - 1)
        return float(precision.diagonal()[list(self.values).index(name)] ** -0.5)


def prior(name: str, species: str, low: str = "", high: str = "") -> Parameter:
    """A number as its shelf has it, or log-normal with ``low`` and ``high`` as its 5 and 95 %."""
    shelf, entry, key = name.split(".")
    found = get(shelf, entry).card.parameter(key, species)
    if not low:
        return found
    ends = [convert(*split(text), found.unit) for text in (low, high)]
    values = {"value": float(np.sqrt(ends[0] * ends[1])), "low": ends[0], "high": ends[1]}
    return replace(found, **values, shape="lognormal", subjects=0.0)


def weigh(
    priors: Mapping[str, Parameter],
    log_likelihood: Callable[[Mapping[str, Array]], Array],
    draws: int = 800,
    moves: int = 5,
    seed: int = 1,
) -> Posterior:
    """Draw all numbers of ``priors`` and weigh them by targets.

    ``log_likelihood``  values by name, shape (draw,) -> shape (draw,)
    ``moves``           Metropolis steps of every draw at each power of the likelihood
    """
    rng = np.random.default_rng(seed)

    def valued(deviates: Array) -> dict[str, Array]:
        return {name: p.quantile(ndtr(deviates[:, i])) for i, (name, p) in enumerate(priors.items())}

    now = rng.standard_normal((draws, len(priors)))
    fit, power, origin = log_likelihood(valued(now)), 0.0, np.arange(draws)
    while power < 1.0:
        step = _step(fit, 1.0 - power)
        power += step
        chosen = _resample(_normal(step * fit), rng)
        now, fit, origin = now[chosen], fit[chosen], origin[chosen]
        # The textbook scale of a random walk in so many dimensions.
        root = 2.38 / np.sqrt(now.shape[1]) * np.linalg.cholesky(np.cov(now.T) + 1e-9 * np.eye(now.shape[1]))
        for _ in range(moves):
            tried = now + rng.standard_normal(now.shape) @ root.T
            found = log_likelihood(valued(tried))
            rise = power * (found - fit) + 0.5 * np.sum(now**2 - tried**2, axis=1)
            better = np.log(rng.random(draws)) < rise
            now, fit = np.where(better[:, None], tried, now), np.where(better, found, fit)
    return Posterior(valued(now), np.unique(origin).size)


def _normal(logarithm: Array) -> Array:
    return np.exp(logarithm - logsumexp(logarithm))


def _step(fit: Array, left: float) -> float:
    """The largest rise of the power, up to what is ``left``, that keeps a share ``KEPT`` of the draws."""

    def kept(step: float) -> float:
        return float(1.0 / np.sum(_normal(step * fit) ** 2) / fit.size - KEPT)

    return left if kept(left) >= 0.0 else float(brentq(kept, 0.0, left, xtol=1e-6))


def _resample(weight: Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """Systematic resampling: as many draws again, each as often as its weight says."""
    points = (np.arange(weight.size) + rng.random()) / weight.size
    return np.minimum(np.searchsorted(np.cumsum(weight), points), weight.size - 1)


def between(value: Array, low: float, high: float, error: float) -> Array:
    """Log-likelihood of a figure that was only said to lie in a range: flat inside, normal beyond its ends."""
    off = np.maximum(low - value, 0.0) + np.maximum(value - high, 0.0)
    return -0.5 * (off / error) ** 2


def near(value: Array, figure: float, error: float) -> Array:
    """Log-likelihood of a figure with its standard error."""
    return -0.5 * ((value - figure) / error) ** 2


def rounded(number: float, digits: int = 2) -> str:
    """A number as it stands on a shelf: 2.7e-5, 0.016."""
    mantissa, exponent = f"{number:.{digits - 1}e}".split("e")
    small = 0.0 < abs(number) < 1e-3
    return f"{float(mantissa):g}e{int(exponent)}" if small else f"{float(f'{mantissa}e{exponent}'):g}"


def row(posterior: Posterior, parameter: Parameter, unit: str, because: str, **said: str) -> dict[str, str]:
    """A row of a shelf: a number's median, and 5 and 95 % with all others held.

    A shelf draws every number by itself. Ranges that each stand for the number alone would, together, miss the
    very figures they came from; the independent ranges nearest to linked draws are those with the others held.
    What the number may be by itself is said in ``because``.
    """
    name = parameter.name
    alone = [convert(float(q), parameter.unit, unit) for q in posterior.quantile(name)]
    factor = float(np.exp(Z95 * posterior.held(name)))
    value, low, high, least, most = (
        f"{rounded(q)} {unit}".strip()
        for q in (alone[1], alone[1] / factor, alone[1] * factor, alone[0], alone[2])
    )
    linked = (
        f"{because} The range is what is left with the other numbers held; by itself it is {least} to {most}."
    )
    return {"value": value, "low": low, "high": high, "basis": "computed", **said, "because": linked}


def independent(
    priors: Mapping[str, Parameter], rows: Mapping[str, Mapping[str, str]], draws: int = 800
) -> dict[str, Array]:
    """Draws of every number by itself, as a shelf with these rows would be drawn: what links them is lost."""
    rng = np.random.default_rng(0)
    return {name: _as_row(p, rows.get(name)).quantile(rng.random(draws)) for name, p in priors.items()}


def _as_row(parameter: Parameter, said: Mapping[str, str] | None) -> Parameter:
    if said is None:
        return parameter
    numbers = {k: convert(*split(said[k]), parameter.unit) for k in ("value", "low", "high")}
    return replace(parameter, shape=said.get("shape", "lognormal"), **numbers)


def write(rows: Mapping[str, Mapping[str, str]], root: Path = SHIPPED) -> None:
    """Put rows in their entries; ``insults.noise.ohc`` or, of one species, ``insults.noise.ohc.mouse``.

    What the entry says of the number's meaning and of its spread between subjects and lots stays.
    """
    for name, said in rows.items():
        shelf, entry, key = name.split(".", 2)
        file = root / shelf / f"{entry}.toml"
        text = file.read_text(encoding="utf-8")
        head = re.escape(f"[{key}]\n")
        found = re.search(rf"^{head}((?:(?!\[).*\n)*)", text, flags=re.MULTILINE)
        if found is None:
            raise ValueError(f"{file.name}: no [{key}]")
        kept = {k: v for k, _, v in (line.partition(" = ") for line in found[1].splitlines())}
        kept = {k: v for k, v in kept.items() if k in ("meaning", "subjects", "lots")}
        both = kept | {k: f'"{v}"' for k, v in said.items()}
        first = [k for k in ("meaning", "value", "low", "high", "shape", "subjects", "lots") if k in both]
        lines = [f"{k} = {both[k]}" for k in (*first, *(k for k in said if k not in first))]
        body = "\n".join(lines) + "\n\n"
        file.write_text(
            (text[: found.start(1)] + body + text[found.end(1) :]).rstrip() + "\n", encoding="utf-8"
        )


def show(rows: Mapping[str, Mapping[str, str]]) -> str:
    """Rows as they stand on a shelf."""
    parts = []
    for name, said in rows.items():
        shelf, entry, key = name.split(".", 2)
        keys = "\n".join(f'{k} = "{v}"' for k, v in said.items())
        parts.append(f"# {shelf}/{entry}.toml\n[{key}]\n{keys}\n")
    return "\n".join(parts)
