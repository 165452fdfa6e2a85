"""Weigh draws of numbers by published targets, and print or write the rows of the shelves that come of it.

Population Monte Carlo: draws of the prior are weighed by the likelihood raised to a power that rises to one
as fast as they bear; at each power they are resampled and moved by a random walk that leaves the weighed
distribution as it is. Seeds are fixed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, least_squares, minimize
from scipy.special import logsumexp, ndtr

from otosome.catalog import SHIPPED, get
from otosome.evidence import Parameter
from otosome.units import Array, convert, split

# Share of the draws that must keep weight when the power of the likelihood is raised.
KEPT = 0.5
# A row of a shelf: text by key, and what it is linked to.
Row = Mapping[str, Any]
# Shares of a deviate below this are what a few hundred draws give by chance.
LEAST = 0.12
# Shares below this are not written: a hundredth is the last digit.
FAINTEST = 0.03
# Standard deviations between the middle of a normal and its 5 or 95 %.
Z95 = 1.6448536269514722


@dataclass(frozen=True)
class Posterior:
    """Draws of equal weight: ``values`` by name, shape (draw,), and each number's own standard normal ``deviates``.

    ``ancestors``  different first draws they descend from: the draws are worth at least as many
    """

    values: Mapping[str, Array]
    deviates: Mapping[str, Array]
    ancestors: int

    def quantile(self, name: str) -> Array:
        """5, 50 and 95 % of a number."""
        return np.quantile(self.values[name], [0.05, 0.5, 0.95])


def prior(name: str, species: str, low: str = "", high: str = "") -> Parameter:
    """A number as its shelf has it, or log-normal with ``low`` and ``high`` as its 5 and 95 %."""
    shelf, entry, key = name.split(".")
    found = get(shelf, entry).card.parameter(key, species)
    if not low:
        return found
    ends = [convert(*split(text), found.unit) for text in (low, high)]
    values = {"value": float(np.sqrt(ends[0] * ends[1])), "low": ends[0], "high": ends[1]}
    return replace(found, **values, shape="lognormal", subjects=0.0, linked=())


def weigh(
    priors: Mapping[str, Parameter],
    log_likelihood: Callable[[Mapping[str, Array]], Array],
    draws: int = 800,
    moves: int = 5,
    last: int = 20,
    seed: int = 1,
) -> Posterior:
    """Draw all numbers of ``priors`` and weigh them by targets.

    ``log_likelihood``  values by name, shape (draw,) -> shape (draw,)
    ``moves``           Metropolis steps of every draw at each power of the likelihood
    ``last``            further ones at the end, so that draws of one ancestor go apart
    """
    rng = np.random.default_rng(seed)
    names = owners(priors)

    def valued(deviates: Array) -> dict[str, Array]:
        return mixed(priors, dict(zip(names, deviates.T, strict=True)))

    now = rng.standard_normal((draws, len(names)))
    fit, power, origin = log_likelihood(valued(now)), 0.0, np.arange(draws)
    while power < 1.0:
        step = _step(fit, 1.0 - power)
        power += step
        chosen = _resample(_normal(step * fit), rng)
        now, fit, origin = now[chosen], fit[chosen], origin[chosen]
        # The textbook scale of a random walk in so many dimensions.
        root = 2.38 / np.sqrt(now.shape[1]) * np.linalg.cholesky(np.cov(now.T) + 1e-9 * np.eye(now.shape[1]))
        for _ in range(moves if power < 1.0 else moves + last):
            tried = now + rng.standard_normal(now.shape) @ root.T
            found = log_likelihood(valued(tried))
            rise = power * (found - fit) + 0.5 * np.sum(now**2 - tried**2, axis=1)
            better = np.log(rng.random(draws)) < rise
            now, fit = np.where(better[:, None], tried, now), np.where(better, found, fit)
    return Posterior(valued(now), dict(zip(names, now.T, strict=True)), np.unique(origin).size)


def curved(
    priors: Mapping[str, Parameter],
    misses: Callable[[Mapping[str, Array]], Array],
    draws: int = 400,
    step: float = 0.02,
    seed: int = 1,
    start: Mapping[str, float] | None = None,
) -> Posterior:
    """The most probable numbers by least squares, and draws of the normal posterior that the slopes there make.

    ``misses``  how far draws lie from each figure, in its errors: values by name, shape (draw,) -> (draw, figure)
    ``step``    of a deviate, for slopes: as short as figures are smooth
    ``start``   numbers to begin at, by name; what is not named begins at its prior's middle
    """
    names = owners(priors)

    def off(deviates: Array) -> Array:
        return misses(mixed(priors, dict(zip(names, deviates.T, strict=True))))

    def residuals(deviates: Array) -> Array:
        return np.concatenate([off(deviates[None])[0], deviates])

    def slopes(deviates: Array) -> Array:
        moved = deviates + np.concatenate([step * np.eye(deviates.size), -step * np.eye(deviates.size)])
        up, down = np.split(off(moved), 2)
        return np.concatenate([(up - down).T / (2.0 * step), np.eye(deviates.size)])

    begun = {name: float(priors[name].deviate(np.array([v]))[0]) for name, v in (start or {}).items()}
    first = np.clip([begun.get(name, 0.0) for name in names], -2.5, 2.5)
    found = least_squares(residuals, first, slopes, max_nfev=60)
    # A root of the inverse of the curvature.
    root = np.linalg.inv(np.linalg.cholesky(found.jac.T @ found.jac)).T
    around = found.x + np.random.default_rng(seed).standard_normal((draws, len(names))) @ root.T
    return Posterior(
        mixed(priors, dict(zip(names, around.T, strict=True))), dict(zip(names, around.T, strict=True)), draws
    )


def owners(priors: Mapping[str, Parameter]) -> list[str]:
    """Every number whose own deviate has a share in what is drawn."""
    return sorted({*priors, *(name for p in priors.values() for name, _ in p.linked)})


def mixed(priors: Mapping[str, Parameter], own: Mapping[str, Array]) -> dict[str, Array]:
    """Values by name from own deviates by name."""
    return {name: p.quantile(ndtr(p.mix(own.__getitem__))) for name, p in priors.items()}


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


@dataclass(frozen=True)
class Linked:
    """Free numbers as log-normal ones that hang on each other and on what was drawn beside them.

    ``middle``, ``spread``  of each number's logarithm, with all else as its shelf has it
    ``shares``              by free number, those of other own deviates in its own
    """

    middle: Mapping[str, float]
    spread: Mapping[str, float]
    shares: Mapping[str, Mapping[str, float]]


def link(
    posterior: Posterior,
    free: Sequence[str],
    axes: Mapping[str, Mapping[str, float]] | None = None,
    own: float = 1.0,
) -> Linked:
    """The linked log-normal numbers nearest to a posterior.

    Each free number's logarithm is regressed on the own deviates of all other numbers, which keep what their shelves
    say of them: a figure on loss of cells says nothing about plasma. It is regressed again on those alone whose share
    is no smaller than ``LEAST``, since every chance share widens what the numbers say together. What is left hangs on
    the free numbers before each, in the order given.

    ``axes``  deviates that stand for a combination of numbers: by name, the share of each number in it
    ``own``   how much is kept of the spread of what is left: less than all where the posterior is bent, since a normal
              one as wide lies outside it for the most part
    """
    others = [name for name in posterior.deviates if name not in free]
    logarithms = [np.log(posterior.values[name]) for name in free]
    beside = np.array([posterior.deviates[name] for name in others]).reshape(len(others), logarithms[0].size)
    found = [regressed(one, beside) for one in logarithms]
    middle, slopes = np.array([f[0] for f in found]), np.array([f[1:] for f in found])
    left = np.array(logarithms) - middle[:, None] - slopes @ beside
    root = own * np.linalg.cholesky(np.cov(left))
    spread = np.sqrt(np.sum(slopes**2, axis=1) + np.sum(root**2, axis=1))
    shares: dict[str, dict[str, float]] = {}
    for i, name in enumerate(free):
        parts = {free[j]: root[i, j] / spread[i] for j in range(i)}
        for other, slope in zip(others, slopes[i], strict=True):
            for one, part in (axes or {}).get(other, {other: 1.0}).items():
                parts[one] = parts.get(one, 0.0) + part * slope / spread[i]
        shares[name] = {other: round(float(s), 2) for other, s in sorted(parts.items()) if abs(s) >= FAINTEST}
    return Linked(_named(free, middle), _named(free, spread), shares)


def centred(linked: Linked, log_likelihood: Callable[[Mapping[str, Array]], Array]) -> Linked:
    """The same with its middle where the ear of best values meets the targets best.

    Beside a bent posterior the middle of a normal one lies off the ridge. It is moved within its own spread.

    ``log_likelihood``  values of the free numbers by name, shape (1,), with all else at best values -> shape (1,)
    """
    names = list(linked.middle)
    middle, spread = (np.array([part[n] for n in names]) for part in (linked.middle, linked.spread))

    def misfit(steps: Array) -> float:
        table = {n: np.array([np.exp(v)]) for n, v in zip(names, middle + steps * spread, strict=True)}
        return float(0.5 * steps @ steps - log_likelihood(table)[0])

    found = minimize(misfit, np.zeros(len(names)), method="Nelder-Mead", options={"maxfev": 2000})
    return replace(linked, middle=_named(names, middle + found.x * spread))


def regressed(one: Array, beside: Array) -> Array:
    """Constant and slopes of what stands out of chance; zero for the rest."""
    whole = np.vstack([np.ones(one.size), beside])
    first = np.linalg.lstsq(whole.T, one, rcond=None)[0]
    kept = np.abs(first) >= LEAST * one.std()
    kept[0] = True
    found = np.zeros(first.size)
    found[kept] = np.linalg.lstsq(whole[kept].T, one, rcond=None)[0]
    return found


def _named(names: Sequence[str], values: Array) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def row(linked: Linked, parameter: Parameter, unit: str, because: str, **said: str) -> Row:
    """A row of a shelf: a number's median, its own 5 and 95 %, and what it is linked to."""
    name = parameter.name
    middle, factor = np.exp(linked.middle[name]), np.exp(Z95 * linked.spread[name])
    value, low, high = (
        f"{rounded(convert(float(q), parameter.unit, unit))} {unit}".strip()
        for q in (middle, middle / factor, middle * factor)
    )
    told = f"{because} Linked to the numbers it was calibrated with."
    return {
        "value": value, "low": low, "high": high, "shape": "lognormal", "basis": "computed", **said, "because": told,
        "linked": linked.shares[name],
    }  # fmt: skip


def as_drawn(
    priors: Mapping[str, Parameter],
    rows: Mapping[str, Row],
    draws: int = 800,
    axes: Mapping[str, Mapping[str, float]] | None = None,
) -> dict[str, Array]:
    """Draws of every number as shelves with these rows draw them: their own ranges, and what links them.

    ``axes``  as ``link`` has them
    """
    rng = np.random.default_rng(0)
    shelf = {name: _as_row(p, rows.get(name)) for name, p in priors.items()}
    parts = {name for part in (axes or {}).values() for name in part}
    own = {name: rng.standard_normal(draws) for name in sorted({*owners(shelf), *parts})}
    for axis, part in (axes or {}).items():
        own[axis] = np.sum([share * own[name] for name, share in part.items()], axis=0)
    return mixed(shelf, own)


def _as_row(parameter: Parameter, said: Row | None) -> Parameter:
    if said is None:
        return parameter
    numbers = {k: convert(*split(str(said[k])), parameter.unit) for k in ("value", "low", "high")}
    linked = dict(said.get("linked", {}))
    return replace(
        parameter, shape=str(said.get("shape", "lognormal")), linked=tuple(linked.items()), **numbers
    )


def met(fits: Mapping[str, Array]) -> dict[str, float]:
    """Share of draws that meet each target, by its log-likelihood: within two of its errors."""
    return {name: float(np.mean(fit >= -2.0)) for name, fit in fits.items()}


def shares(calibrated: Mapping[str, Array], drawn: Mapping[str, Array]) -> str:
    """What share of draws meets each target, given its log-likelihoods, in words."""
    before = met(calibrated)
    lines = [f"{name}: {share:.2f}, {before[name]:.2f}" for name, share in met(drawn).items()]
    head = "\nshare of draws that meet each target as shelves draw the rows, and as calibrated:"
    return "\n".join([head, *lines])


def write(rows: Mapping[str, Row], root: Path = SHIPPED) -> None:
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
        both = kept | {k: _text(v) for k, v in said.items()}
        first = [k for k in ("meaning", "value", "low", "high", "shape", "subjects", "lots") if k in both]
        lines = [f"{k} = {both[k]}" for k in (*first, *(k for k in said if k not in first))]
        body = "\n".join(lines) + "\n\n"
        file.write_text(
            (text[: found.start(1)] + body + text[found.end(1) :]).rstrip() + "\n", encoding="utf-8"
        )


def _text(said: str | Mapping[str, float]) -> str:
    """A word or a table as TOML has it."""
    if isinstance(said, str):
        return f'"{said}"'
    return "{ " + ", ".join(f'"{name}" = {share}' for name, share in said.items()) + " }"


def show(rows: Mapping[str, Row]) -> str:
    """Rows as they stand on a shelf."""
    parts = []
    for name, said in rows.items():
        shelf, entry, key = name.split(".", 2)
        keys = "\n".join(f"{k} = {_text(v)}" for k, v in said.items())
        parts.append(f"# {shelf}/{entry}.toml\n[{key}]\n{keys}\n")
    return "\n".join(parts)
