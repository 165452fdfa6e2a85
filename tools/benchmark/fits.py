"""Two fits at the size that laboratories have: how long the most probable numbers and the posterior take.

    python -m tools.benchmark.fits [SAMPLERS]

Readings are made up of the model itself: 58 mice in three noises (thresholds and emissions at five tones and three
moments, seventeen free numbers), and samples of a drug of eight guinea pigs (three free numbers). ``SAMPLERS`` is a
folder with nautilus-sampler (MIT) and what it needs, which is then compared with ours and with emcee's own default, on
the same posteriors, by effective draws a second. It measures and never fails.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import norm

from otosome.fitting.free import Free
from otosome.fitting.likelihood import Likelihood
from otosome.fitting.mode import Mode, mode
from otosome.fitting.observations import matched
from otosome.fitting.posterior import Around, Hill, convergence, sample
from otosome.forward import draw, observe, simulate
from otosome.study import Study
from otosome.units import Array

LEVELS, TONES = (100, 103, 105), ["8 kHz", "12 kHz", "16 kHz", "24 kHz", "32 kHz"]
MICE, PIGS = 58, 8
NOISE = {
    "otosome": "study/1",
    "species": "mouse",
    "insult": {
        f"n{level}": {
            "entry": "noise",
            "level": f"{level} dB SPL",
            "band": ["8 kHz", "16 kHz"],
            "duration": "2 h",
            "at": ["0 h"],
        }
        for level in LEVELS
    },
    "arm": [{"name": str(level), "insults": [f"n{level}"]} for level in LEVELS],
    "measure": {
        name: {"endpoint": endpoint, "frequency": TONES, "at": ["-1 d", "1 d", "14 d"]}
        for name, endpoint in (("abr", "abr_threshold"), ("dpoae", "dpoae"))
    },
}
_NOISE = "insults.noise."
_CELLS = "cells.ohc."
NOISE_FREE = [
    *(_NOISE + key for key in ("susceptibility", "irritation", "irritation_doubling", "ohc", "ohc_doubling")),
    *(_NOISE + key for key in ("width_below", "width_above", "upward")),
    *(_CELLS + key for key in ("half_stress", "anchor_shift", "ceiling", "repair", "death")),
    "cells.stria.injury",
    "endpoints.abr_threshold.error",
    "endpoints.dpoae.error",
    "endpoints.dpoae.slope",
]
_SAMPLED = {"endpoint": "concentration", "solute": "dexamethasone", "at": ["1 h", "2 h", "4 h", "8 h"]}
DRUG = {
    "otosome": "study/1",
    "species": "guinea_pig",
    "drug": {
        "dose": {
            "solute": "dexamethasone",
            "route": "round_window",
            "at": ["0 h"],
            "concentration": "4 mg/mL",
            "volume": "5 uL",
        }
    },
    "arm": [{"name": "drug", "drugs": ["dose"]}],
    "measure": {"ear": _SAMPLED, "blood": {**_SAMPLED, "of": "plasma"}},
}
DRUG_FREE = [
    f"solutes.dexamethasone.{key}"
    for key in ("round_window_permeability", "exchange_scale", "plasma_clearance")
]


@dataclass(frozen=True)
class Took:
    """Seconds of a posterior by CPU and by clock, its least number of effective draws, and its looks."""

    sampler: str
    seconds: float
    clock: float
    effective: float
    looks: int

    @property
    def line(self) -> str:
        """A row of a table."""
        rate = self.effective / self.seconds
        took = f"{self.seconds:.0f} | {self.clock:.0f}"
        return f"| {self.sampler} | {self.looks} | {took} | {self.effective:.0f} | {rate:.2g} |"


def made_up(
    values: Mapping[str, object], animals: int, free: list[str], differ: tuple[str, ...] | None
) -> Likelihood:
    """A fit of readings that the model itself made, every animal in one arm."""
    study = Study.of(dict(values))
    ears = draw(study, animals, seed=1, world=animals)
    table = observe(study, simulate(study, ears, workers=1), ears)
    arms = [arm.name for arm in study.tables.arm]
    number = table["subject"].astype(str).str.extract(r"(\d+)$")[0].astype(int)
    own = table[table["group"] == np.array(arms)[number % len(arms)]]
    observed = matched(study, own.reset_index(drop=True), "made up")
    return Likelihood.of(Free.of(study, free), observed, differ)


def searched(likelihood: Likelihood) -> tuple[Mode, float, float]:
    """The most probable numbers from one start, and the seconds of it by CPU and by clock."""
    begin, clock = time.process_time(), time.perf_counter()
    found = mode(likelihood, len(likelihood.free.names), 1, 1, lambda _: None)
    return found, time.process_time() - begin, time.perf_counter() - clock


def _scale(near: Mode) -> Array:
    return near.spread if near.covariance is None else near.covariance


def ours(likelihood: Likelihood, near: Mode, walkers: int, steps: int) -> Took:
    """Draws by the walkers of a fit, which rehearse on a sketch of the posterior once one is learnt."""
    begin = time.process_time(), time.perf_counter()
    first = np.random.default_rng(1).multivariate_normal(near.deviates, _scale(near), walkers)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chain.npz"
        around = Around(near.deviates, _scale(near))
        chain = sample(
            Hill(likelihood.log_posterior), first, around, steps, 1, file, "bench", lambda *_: None
        )
    return _took("ours (emcee: rehearsed on a sketch)", begin, chain.deviates, walkers * steps)


def stretched(likelihood: Likelihood, near: Mode, walkers: int, steps: int) -> Took:
    """Draws by emcee's default, the stretch of Goodman and Weare, from the same places."""
    import emcee

    begin = time.process_time(), time.perf_counter()
    first = np.random.default_rng(1).multivariate_normal(near.deviates, _scale(near), walkers)
    sampler = emcee.EnsembleSampler(*first.shape, likelihood.log_posterior, vectorize=True)
    sampler.run_mcmc(first, steps)
    return _took("emcee, stretch moves", begin, sampler.get_chain(), walkers * steps)


def _took(sampler: str, begin: tuple[float, float], deviates: Array, looks: int) -> Took:
    told = convergence(deviates[len(deviates) // 2 :])
    least = min(*told.bulk, *told.tail)
    return Took(sampler, time.process_time() - begin[0], time.perf_counter() - begin[1], least, looks)


def nested(likelihood: Likelihood, near: Mode, looks: int) -> Took:
    """Weighted draws by nautilus: nested sampling with neural networks, from the prior on."""
    from nautilus import Prior, Sampler

    begin, clock, names = time.process_time(), time.perf_counter(), likelihood.free.names
    prior = Prior()
    for name in names:
        prior.add_parameter(name, dist=norm())

    def log_likelihood(values: dict[str, Array]) -> Array:
        deviates = np.stack([np.atleast_1d(values[name]) for name in names], axis=1)
        return likelihood.log_posterior(deviates) + 0.5 * np.sum(deviates**2, axis=1)

    sampler = Sampler(prior, log_likelihood, n_live=500, vectorized=True, seed=1, n_batch=60)
    settled = sampler.run(n_eff=400, n_like_max=looks)
    effective = float(sampler.n_eff) if settled else 0.0
    words = "nautilus" if settled else "nautilus, not settled"
    took = time.process_time() - begin, time.perf_counter() - clock
    return Took(words, *took, effective, int(sampler.n_like))


def main(samplers: Path | None) -> None:
    """Measure both, and print."""
    if samplers is not None:
        sys.path.append(str(samplers))
    for name, problem, walkers, steps in (
        ("a drug in eight guinea pigs", made_up(DRUG, PIGS, DRUG_FREE, ()), 12, 200),
        ("noise in 58 mice", made_up(NOISE, MICE, NOISE_FREE, None), 36, 240),
    ):
        near, seconds, clock = searched(problem)
        interval = near.refusal or "Laplace's intervals given"
        print(f"{name}: {problem.observed.size} readings, {len(problem.free.names)} free numbers")
        print(f"most probable numbers: {seconds:.1f} CPU s, {clock:.1f} s; {interval}", flush=True)
        print(
            "| sampler | vectors | CPU s | s | least effective draws | a CPU second |\n|---|---|---|---|---|---|"
        )
        for took in (ours, stretched):
            print(took(problem, near, walkers, steps).line, flush=True)
        if samplers is not None:
            print(nested(problem, near, 4 * walkers * steps).line, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
