"""A fit: what readings say of a study's numbers, how sure that is, and what they cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from otosome.answers.numbers import amount, number, share
from otosome.ears import Ears
from otosome.evidence import Parameter
from otosome.fitting.against import Against, against
from otosome.fitting.assays import written
from otosome.fitting.diagnostics import Calibration, Diagnostics, diagnostics
from otosome.fitting.explanations import Explanation, explanations
from otosome.fitting.explanations import sentences as sentences_of
from otosome.fitting.file import FitFile
from otosome.fitting.foretelling import LeftOut, Rows, foretold, summary
from otosome.fitting.free import Free
from otosome.fitting.levels import differing
from otosome.fitting.likelihood import Likelihood
from otosome.fitting.mode import AGREEMENT, Mode, mode, onward
from otosome.fitting.posterior import (
    LARGEST_RHAT,
    LEAST_ESS,
    Around,
    Chain,
    Convergence,
    Hill,
    convergence,
    sample,
)
from otosome.fitting.printed import Means
from otosome.fitting.score import GroupScore, group_score
from otosome.forward import draw, simulate
from otosome.units import Array, convert

if TYPE_CHECKING:
    import xarray as xr

Report = Callable[[str, int, int], None]
Light = Literal["green", "yellow", "red"]
# Shares of the prior's variance that the data took away, from which a number counts as told, or told in part.
_TOLD, _PARTLY = 0.75, 0.25
# Correlation from which two numbers are known only together; deviates from which data and prior are at odds.
_TOGETHER, _AT_ODDS = 0.9, 2.0
# Draws that a result keeps, and ears of a prediction.
DRAWS, _EARS = 400, 400
# Above it what twice as many nodes move the log-posterior of an animal by is said.
_INEXACT = 0.1
# Vectors under which animals left out are foretold.
_VECTORS = 12
# Share of a chain that is left out as its beginning.
_BURN = 0.5


@dataclass(frozen=True)
class Estimate:
    """A number as the readings leave it.

    ``mode``       most probable value;  ``median`` ``low`` ``high``  5, 50 and 95 % (None where refused);  in ``unit``,
                   which is that of the file that states the number
    ``text`` ``prior``  the same, and the shelf's, as printed
    ``rse``        standard deviation of the deviates' image over the median, None where refused
    ``learnt``     share of the prior's variance that is gone, 0 to 1, in deviates;  ``light``  green, yellow or red
    ``deviate``    where the data put it among what the shelf holds possible, in standard deviations
    """

    name: str
    meaning: str
    unit: str
    mode: float
    median: float | None
    low: float | None
    high: float | None
    text: str
    prior: str
    rse: float | None
    learnt: float | None
    light: Light | None
    deviate: float
    source: str | None


@dataclass(frozen=True)
class Pair:
    """Two numbers whose posterior deviates go together: their correlation."""

    first: str
    second: str
    correlation: float


@dataclass(frozen=True)
class Search:
    """How the most probable numbers were sought: starts, those that agree, and where each ended (log-posterior).

    ``nodes``  along each axis of what differs between animals;  ``node_error``  what twice as many move the summit by
    ``share``  of the variance of readings between animals that these axes hold
    """

    starts: int
    agreeing: int
    log_posteriors: list[float]
    log_posterior: float
    nodes: list[int]
    share: float
    node_error: float
    outline_errors: dict[str, float]


@dataclass(frozen=True)
class Foretold:
    """What a paper prints, beside the most probable numbers.

    ``apart``   how many standard errors a mean lies from the prediction;  ``chance``  of a comparison, at all its
                tones together (a density where a p is printed exactly);  ``text``  either in words
    """

    printed: str
    apart: float | None
    chance: float | None
    text: str


@dataclass(frozen=True)
class HeldOut:
    """What was left out of the fit and predicted by it, beside group means with their spread as a rival.

    ``foretold`` ``rival``  of what the fit leaves out;  None and none where nothing is
    ``animals``   animals left out, once or in turn, foretold from the others of their runs
    """

    foretold: Against | None
    rival: list[GroupScore]
    animals: list[LeftOut] = field(default_factory=list)


@dataclass(frozen=True)
class Fit:
    """What readings say of a study's numbers.

    ``method``     "posterior", "laplace", or "mode" where no interval is given;  ``refusal``  the reason then
    ``sentences``  what the data can and cannot tell, where they are at odds with the shelf, how far to trust it
    ``prior_fit`` ``fit``  the fitted readings over ears of the shelf's numbers, and of the fit's
    ``calibration``  by measure, how readings lie among those the fit predicts
    ``explanations``  lists of mechanisms compared, the best first
    """

    method: Literal["posterior", "laplace", "mode"]
    refusal: str
    estimates: list[Estimate]
    pairs: list[Pair]
    search: Search
    convergence: Convergence | None
    converged: bool
    steps: int
    animals: int
    readings: int
    differing: list[str]
    sentences: list[str]
    prior_fit: Against
    fit: Against
    held_out: HeldOut | None
    printed: list[Foretold]
    calibration: list[Calibration]
    explanations: list[Explanation]
    data_hash: str


@dataclass(frozen=True)
class Outcome:
    """A fit with its draws: the ``ears`` that a study takes in the place of the shelf's numbers; none where refused."""

    fit: Fit
    ears: Ears | None
    deviates: Array
    diagnostics: Diagnostics


def problem_of(file: FitFile) -> str:
    """A fingerprint of what a chain is drawn from: the numbers and all that the likelihood rests on."""
    from otosome import __version__

    free = [file.study.parameters[name].hash for name in sorted(file.study.parameters)]
    tables = file.tables.model_dump_json(exclude={"posterior": {"steps"}, "entry": True})
    # The first input is the fit file itself, whose tables stand here without its number of steps.
    rest = list(file.inputs.values())[1:]
    return sha256("\n".join([__version__, tables, *free, *sorted(rest)]).encode()).hexdigest()


def fit(file: FitFile, chain: Path, report: Report) -> Outcome:
    """Fit the free numbers of a study to readings.

    ``chain``   file in which the walkers' steps are kept as they come; one of the same fit is continued
    ``report``  called with what is being done, parts done and all parts
    raises      BadInput for free numbers that are none, and a chain of another fit
    """
    tables = file.tables
    free = Free.of(file.study, tables.free)
    animal = None if tables.animal is None else tuple(tables.animal)
    report("preparing the fit", 0, 1)
    likelihood = Likelihood.of(free, file.fitted, animal, file.left)
    numbers = len(free.names)

    def searched(done: int) -> None:
        if done < tables.starts:
            report("searching", done, tables.starts)
        else:
            report("climbing to the most probable numbers", 0, 1)

    searched(0)
    summit = mode(likelihood, numbers, tables.starts, tables.seed, searched)
    steps = _sampled(file, likelihood, summit, chain, report)
    if steps is not None:
        later = steps.deviates[int(_BURN * len(steps.deviates)) :]
        deviates, mixing = later.reshape(-1, numbers), convergence(later)
    elif summit.covariance is not None:
        luck = np.random.default_rng(tables.seed)
        deviates, mixing = luck.multivariate_normal(summit.deviates, summit.covariance, 4 * DRAWS), None
    else:
        deviates, mixing = np.empty((0, numbers)), None
    ears = _ears(free, deviates, tables.seed)
    compared = _explained(file, report)
    apart = _left_out(file, likelihood, summit, deviates, report)
    report("simulating what was fitted", 0, 1)
    answer, tested = _answer(file, likelihood, summit, deviates, mixing, ears, steps, compared, apart)
    return Outcome(answer, ears, deviates, tested)


def _sampled(
    file: FitFile, likelihood: Likelihood, summit: Mode, chain: Path, report: Report
) -> Chain | None:
    """The walkers' steps from around the summit; None where no posterior is asked for."""
    sampling = file.tables.posterior
    if sampling is None:
        return None
    walkers = max(sampling.walkers, 2 * summit.deviates.size + 2)
    luck = np.random.default_rng(file.tables.seed)
    near = summit.spread if summit.covariance is None else summit.covariance
    begin = luck.multivariate_normal(summit.deviates, near, walkers)
    return sample(
        Hill(likelihood.log_posterior),
        begin,
        Around(summit.deviates, near),
        sampling.steps,
        file.tables.seed,
        chain,
        problem_of(file),
        lambda done, of, rhat: report("drawing" if rhat is None else f"drawing, R-hat {rhat:.3f}", done, of),
    )


def _left_out(
    file: FitFile, likelihood: Likelihood, summit: Mode, deviates: Array, report: Report
) -> list[LeftOut]:
    """How well animals left out were foretold: those of the fit, or every share in turn by a fit of all others."""
    luck = np.random.default_rng(file.tables.seed)
    turns, rows = file.turns(), list[Rows]()
    if not turns and len(deviates):
        some = deviates[luck.permutation(len(deviates))[:_VECTORS]]
        rows += foretold(likelihood, some, file.left, file.beside)
    spread = summit.spread if summit.covariance is None else summit.covariance
    for turn, (fitted, left) in enumerate(turns):
        report("leaving out", turn, len(turns))
        others = likelihood.seeing(fitted)
        own = onward(others, summit)
        rows += foretold(others, luck.multivariate_normal(own.deviates, spread, _VECTORS), left)
    return summary(rows)


def _explained(file: FitFile, report: Report) -> list[Explanation]:
    """Explanations of the fitted readings, where the fit file names any."""
    tables, named = file.tables, file.tables.explanations
    if not named:
        return []
    animal = None if tables.animal is None else tuple(tables.animal)
    return explanations(
        file.study,
        file.fitted,
        tables.free,
        animal,
        named,
        tables.seed,
        lambda done: report("comparing", done, len(named)),
    )


def _ears(free: Free, deviates: Array, seed: int) -> Ears | None:
    """Draws of the free numbers, evenly spread over all; none where there are no draws."""
    if not len(deviates):
        return None
    rows = np.random.default_rng(seed).permutation(len(deviates))[:DRAWS]
    values = free.values(deviates[rows])
    return Ears.alone({name: values[name] for name in free.names}, seed)


def _answer(
    file: FitFile,
    likelihood: Likelihood,
    summit: Mode,
    deviates: Array,
    mixing: Convergence | None,
    ears: Ears | None,
    steps: Chain | None,
    compared: list[Explanation],
    apart: list[LeftOut],
) -> tuple[Fit, Diagnostics]:
    free = likelihood.free
    method: Literal["posterior", "laplace", "mode"] = (
        "posterior" if steps is not None else "laplace" if len(deviates) else "mode"
    )
    # Without draws the most probable ear is shown alone: one draw.
    probable = _ears(free, summit.deviates[None], file.tables.seed)
    shown = probable if ears is None else ears
    pairs = _pairs(free, deviates)
    estimates = [_lit(estimate, pairs) for estimate in _estimates(free, summit, deviates)]
    denser = float(likelihood.denser().log_posterior(summit.deviates[None])[0]) - summit.log_posterior
    search = Search(
        len(summit.starts),
        summit.agreeing,
        [start.log_posterior for start in summit.starts],
        summit.log_posterior,
        list(likelihood.animal.nodes),
        likelihood.animal.share,
        denser,
        dict(likelihood.errors),
    )
    converged = mixing is not None and mixing.reached
    refusal = "" if method != "mode" else summit.refusal
    animals = len({int(a) for some in file.fitted.readings for a in some.animal})
    sentences = [*_trust(method, search, converged, mixing, refusal, animals), *_findings(estimates, pairs)]
    sentences += sentences_of(compared) if compared else []
    before, after = _simulated(file, None), _simulated(file, shown)
    left = _held_out(file, after if ears is not None else None, apart)
    # Prediction errors are of the most probable numbers: draws of a fit err together, for all ears alike.
    middle = after if ears is None else _simulated(file, probable)
    tested = diagnostics(file.study, *middle, file.fitted, file.tables.seed)
    answer = Fit(
        method,
        refusal,
        estimates,
        pairs,
        search,
        mixing,
        converged,
        0 if steps is None else len(steps.deviates),
        animals,
        file.fitted.size,
        [p.name for p in likelihood.animal.numbers],
        sentences,
        against(file.study, *before, file.fitted),
        against(file.study, *after, file.fitted),
        left,
        _foretold(likelihood, summit.deviates),
        tested.calibration,
        compared,
        file.data_hash,
    )
    return answer, tested


def _held_out(
    file: FitFile, simulated: tuple[xr.Dataset, Ears] | None, apart: list[LeftOut]
) -> HeldOut | None:
    """What was left out beside the simulated ears of a fit, where there are any; None where nothing was."""
    over = against(file.study, *simulated, file.left) if file.left.size and simulated is not None else None
    if over is None and not apart:
        return None
    return HeldOut(over, group_score(file.study, file.fitted, file.left, file.beside), apart)


def _foretold(likelihood: Likelihood, deviates: Array) -> list[Foretold]:
    """What papers print beside what the most probable numbers predict."""
    rows = list[Foretold]()
    for printed in likelihood.observed.printed:
        if isinstance(printed, Means):
            unit, scale = written(likelihood.free.study, printed.where.measure)
            mean, covariance = likelihood.group(deviates[None], printed.where)
            error = np.sqrt(np.diagonal(covariance[0]) / printed.n)
            for label, value, of, width in zip(
                printed.labels, printed.where.reading.value, mean[0], error, strict=True
            ):
                apart = float((value - of) / width)
                text = (
                    f"mean {amount(scale * value, unit)}, predicted {amount(scale * of, unit)}: "
                    f"{apart:+.1f} standard errors"
                )
                rows.append(Foretold(label, apart, None, text))
        else:
            chance = float(np.exp(likelihood.of_printed(deviates[None], printed)[0]))
            exact = any(verdict.exactly is not None for verdict in printed.verdicts)
            text = f"density {number(chance, 2)}" if exact else f"chance {share(chance).text}"
            rows.append(Foretold("; ".join(printed.labels), None, chance, text))
    return rows


def _findings(estimates: list[Estimate], pairs: list[Pair]) -> list[str]:
    """What the data tell, number by number; what they tell only together; where they and the shelf are at odds."""
    return [
        *(_tells(estimate) for estimate in estimates if estimate.learnt is not None),
        *(_together(pair) for pair in pairs),
        *(_at_odds(estimate) for estimate in estimates if abs(estimate.deviate) > _AT_ODDS),
    ]


def _simulated(file: FitFile, prior: Ears | None) -> tuple[xr.Dataset, Ears]:
    """Ears of the shelf's numbers; or of a fit's, all others at the best value they had in it.

    Arms in which nothing was read are not simulated: they hold no number.
    """
    drawn = draw(file.study, subjects=_EARS, seed=file.tables.seed, world=4, prior=prior)
    ears = drawn if prior is None else drawn.assign(**_settled(file, drawn))
    names = [arm.name for arm in file.study.tables.arm]
    read = [names[arm] for arm in sorted(file.fitted.arms | file.left.arms)]
    return simulate(file.study, ears, keep=(), arms=read).reindex(arm=names), ears


def _settled(file: FitFile, ears: Ears) -> dict[str, Array]:
    """Every number that is neither free nor follows one, with its best value in all worlds.

    Subjects differ in what the fit lets differ: what ``animal`` names, or all, and each ear's own of an endpoint.
    """
    free = Free.of(file.study, file.tables.free)
    moved = {number.name for number in (*free.numbers, *free.followers)}
    rest = [number for number in file.study.parameters.values() if number.name not in moved]
    names = None if file.tables.animal is None else tuple(file.tables.animal)
    differ = {number.name for number in differing(file.study, names)}
    settled = {
        p.name: p.around(ears[p.name], p.at(ears.seed, ears.world), np.array([p.value]))
        if p.name in differ or p.name.startswith("endpoints.")
        else np.full(ears[p.name].shape, p.value)
        for p in rest
    }
    # A follower keeps only what it has of the free numbers.
    none = np.zeros(ears.size)  # nothing follows a spread
    own = [p.deviate(ears[p.name]) if p.name in ears else none for p in free.numbers]
    best = free.values(np.stack(own, axis=1))
    return settled | {p.name: best[p.name] for p in free.followers}


def _estimates(free: Free, summit: Mode, deviates: Array) -> list[Estimate]:
    at_mode = free.values(summit.deviates[None])
    drawn = free.values(deviates) if len(deviates) else {}
    rows = []
    for column, p in enumerate(free.numbers):
        scale = convert(1.0, p.unit, p.own_unit)
        low, high = scale * p.quantile(np.array([0.05, 0.95]))
        value, prior = (
            scale * float(at_mode[p.name][0]),
            _written(scale * p.value, float(low), float(high), p.own_unit),
        )
        if drawn:
            rows.append(_estimate(p, value, scale * drawn[p.name], deviates[:, column], prior))
        else:
            rows.append(_estimate_alone(p, value, float(summit.deviates[column]), prior))
    return rows


def _estimate_alone(p: Parameter, value: float, place: float, prior: str) -> Estimate:
    """A number at its most probable value, where intervals are refused."""
    return Estimate(
        name=p.name,
        meaning=p.meaning,
        unit=p.own_unit,
        mode=value,
        median=None,
        low=None,
        high=None,
        text=f"{number(value)} {p.own_unit}".rstrip(),
        prior=prior,
        rse=None,
        learnt=None,
        light=None,
        deviate=place,
        source=p.source,
    )


def _estimate(p: Parameter, value: float, drawn: Array, deviates: Array, prior: str) -> Estimate:
    low, median, high = (float(end) for end in np.quantile(drawn, [0.05, 0.5, 0.95]))
    learnt = float(np.clip(1.0 - deviates.var(), 0.0, 1.0))
    light: Light = "green" if learnt >= _TOLD else "yellow" if learnt >= _PARTLY else "red"
    rse = float(drawn.std() / abs(median)) if median else None
    text = _written(median, low, high, p.own_unit)
    place = float(np.mean(deviates))
    return Estimate(
        p.name,
        p.meaning,
        p.own_unit,
        value,
        median,
        low,
        high,
        text,
        prior,
        rse,
        learnt,
        light,
        place,
        p.source,
    )


def _written(middle: float, low: float, high: float, unit: str) -> str:
    return f"{number(middle)} ({number(low)} to {number(high)}) {unit}".rstrip()


def _pairs(free: Free, deviates: Array) -> list[Pair]:
    """Numbers that are known only together."""
    if len(deviates) < 2 or len(free.names) < 2:
        return []
    correlation = np.atleast_2d(np.corrcoef(deviates.T))
    return [
        Pair(free.names[j], free.names[i], float(correlation[i, j]))
        for i in range(len(free.names))
        for j in range(i)
        if abs(correlation[i, j]) >= _TOGETHER
    ]


def _trust(
    method: str, search: Search, converged: bool, mixing: Convergence | None, refusal: str, animals: int
) -> list[str]:
    """How far the numbers can be trusted as numbers."""
    lines = []
    if search.starts > 1 and search.agreeing < 2:
        lines.append(
            f"No two of the {search.starts} starts ended within {AGREEMENT:g} of the best log-posterior: there may "
            "be a better place still; ask for more starts."
        )
    if abs(search.node_error) > _INEXACT * animals:
        lines.append(
            f"Twice as many nodes between animals move the log-posterior by {search.node_error:+.2f}: the sums over "
            "animals are not exact there, and the numbers may move."
        )
    if method == "mode":
        lines.append(f"No interval is given: {refusal}. Ask for a posterior: [posterior] in the fit file.")
    if method == "laplace":
        lines.append(
            "Intervals are Laplace's: those of a parabola at the summit. A posterior may be wider and skew."
        )
    if method != "mode":
        lines.append(
            "All numbers that are not free stand at their best value: intervals are as narrow as if these were known."
        )
    if mixing is not None and not converged:
        lines.append(
            f"The draws have not converged (largest R-hat {max(mixing.rhat):.2f}, fewest effective draws "
            f"{min(*mixing.bulk, *mixing.tail):.0f}; asked for are under {LARGEST_RHAT:g} and {LEAST_ESS:g}): take "
            "more steps and --resume."
        )
    return lines


def _lit(estimate: Estimate, pairs: Sequence[Pair]) -> Estimate:
    """An estimate whose light is green only where it agrees with the shelf, and is known without another's help."""
    alone = all(estimate.name not in (pair.first, pair.second) for pair in pairs)
    agrees = abs(estimate.deviate) <= _AT_ODDS
    return estimate if estimate.light != "green" or (alone and agrees) else replace(estimate, light="yellow")


def _tells(estimate: Estimate) -> str:
    """A number's light in words."""
    learnt = estimate.learnt or 0.0
    words: dict[Light | None, str] = {
        "green": "Your data tell",
        "yellow": "Your data tell in part",
        "red": "Your data hardly tell",
    }
    how = words[estimate.light]
    if estimate.light == "yellow" and learnt >= _TOLD:
        at_odds = abs(estimate.deviate) > _AT_ODDS
        how = "Your data tell against the shelf" if at_odds else "Your data tell together with another"
    return f"{how} {estimate.name}: {estimate.text}; {100 * learnt:.0f} % of the prior's variance is gone."


def _together(pair: Pair) -> str:
    """Two numbers of which only a combination is known."""
    which = "ratio" if pair.correlation > 0 else "product"
    return (
        f"Your data fix a {which} of {pair.first} and {pair.second}, not each (correlation {pair.correlation:+.2f}): a "
        "measurement that one of them moves alone would part them."
    )


def _at_odds(estimate: Estimate) -> str:
    """Where data and prior conflict."""
    way = "up" if estimate.deviate > 0 else "down"
    return (
        f"The data pull {estimate.name} {abs(estimate.deviate):.1f} standard deviations {way} from what the shelf "
        f"holds likely ({estimate.prior}): a misfit of model or shelf, and a narrow interval there is not knowledge."
    )
