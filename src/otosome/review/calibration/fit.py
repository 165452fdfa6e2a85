"""A fit to published cases: what figures say of numbers, given all else that is drawn, as rows of shelves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.special import ndtr

from otosome import __version__
from otosome.answers.numbers import Interval, number, share, significant, unit_text
from otosome.errors import BadInput
from otosome.evidence import Parameter
from otosome.fitting.joint import PLAIN, RATIO, Joint, shelf_name, stored
from otosome.fitting.posterior import LARGEST_RHAT, Convergence, convergence
from otosome.review.calibration.bench import balanced
from otosome.review.calibration.file import CaseFitFile
from otosome.review.calibration.linear import Conditional, Open, conditional, summit
from otosome.review.calibration.sampled import Figures, chain, regressed
from otosome.review.calibration.within import within
from otosome.review.qualification.case import Z95, to_paper
from otosome.units import Array

Report = Callable[[str, int, int], None]
Method = Literal["linearised", "least squares", "posterior", "within"]
# Shares from which a number is known only together with another, and errors from which a figure is not met.
_TOGETHER, MISSED = 0.7, 2.0
# Share of what was thought to be possible that is left where the figures hardly tell.
_UNTOLD = 0.9
# Rows that a sentence lists.
_LISTED = 8
# Digits of a number beyond those in which it differs from its ends.
_FINE = 1.6
# Draws of the shelves by which walkers begin, and how far out they may.
_BEGUN, _FARTHEST = 2000, 5.0
# Draws around the most probable numbers, and those beside figures, where nothing else is drawn.
_AROUND, _BESIDE = 400, 120


@dataclass(frozen=True)
class Calibrated:
    """A number as published figures leave it, given all else that is drawn.

    ``value`` ``low`` ``high``  50, 5 and 95 %, in ``unit``;  ``text`` ``shelf``  the same, and the shelf's, as printed
    ``shape``   lognormal or normal
    ``linked``  shares of the own deviates of other numbers in its own, by name
    ``fit``     the name of the fit
    ``alone``   share of its variance that is its own: what the figures' errors leave
    """

    name: str
    meaning: str
    species: str
    unit: str
    value: float
    low: float
    high: float
    shape: str
    text: str
    shelf: str
    linked: dict[str, float]
    fit: str
    alone: float
    because: str
    source: str
    locator: str

    def row(self) -> dict[str, object]:
        """The row of a study's own numbers; a shelf's has the draws of the fit in place of ``linked``."""
        ends = {"value": self.value, "low": self.low, "high": self.high}
        digits = _digits(self.value, self.low, self.high)
        return {
            **{key: f"{_plain(end, digits)} {self.unit}".strip() for key, end in ends.items()},
            "shape": self.shape,
            "basis": "computed",
            "source": self.source,
            "because": self.because,
            "fit": self.fit,
            "linked": self.linked,
        }


@dataclass(frozen=True)
class Compared:
    """A figure beside what is simulated with the fitted numbers: 5, 50 and 95 % over draws, in the paper's unit.

    ``off``     how many errors the middle lies above what is printed, not counted inside a range that is printed
    ``ends``    the same of 5 and 95 %
    """

    row: str
    about: str
    printed: str
    error: str
    because: str
    simulated: Interval
    off: float
    ends: tuple[float, float]


@dataclass(frozen=True)
class CaseFit:
    """What published figures say of numbers.

    ``sentences``  what the figures can and cannot tell, and whether the search ended
    ``rounds``     of a search, none of a posterior;  ``settled``  whether it ended, or the walkers converged
    ``beside``     numbers that were drawn beside the free ones
    ``thought``    free numbers of which something was thought before
    ``narrow``     share of what is left of the spread beside links that the rows state
    ``method``     whose rows these are: of a plane, of draws of the posterior, or of what lies within it
    """

    title: str
    method: Method
    numbers: list[Calibrated]
    figures: list[Compared]
    sentences: list[str]
    rounds: int
    settled: bool
    mixing: Convergence | None
    draws: int
    beside: int
    thought: list[str]
    narrow: float


@dataclass(frozen=True)
class Fitted:
    """Free numbers given all else, with draws of both.

    ``own``     deviates of all else (draw, other);  ``luck``  of the free numbers given these (draw, free)
    ``mixing``  of walkers; None where there were none
    """

    normal: Conditional
    own: Array
    luck: Array
    mixing: Convergence | None


def fit_cases(file: CaseFitFile, walked: Path, report: Report) -> tuple[CaseFit, Joint]:
    """Fit the free numbers to the figures; the answer, and draws of the fit as a shelf stores them.

    ``walked``  file in which the walkers' steps are kept as they come; one of the same fit is continued
    ``report``  called with what is being done, parts done and all parts
    raises      BadInput where the figures leave a number open, and for steps of another fit
    """
    report("fitting to published figures", 0, 1)
    numbers, beside = file.numbers, None
    if file.draws:
        beside = balanced(len(file.simulated.owners), file.draws, file.tables.seed)
    method, fitted = _by_its_way(file, beside, walked, report)
    names = [] if method == "least squares" else file.simulated.owners
    normal, mixing = fitted.normal, fitted.mixing
    report("simulating what was fitted", 0, 1)
    untold = [
        p.name
        for k, p in enumerate(file.before)
        if p is not None and normal.root[k, k] > _UNTOLD * _scale(p)[1]
    ]
    narrow = 1.0 if file.tables.narrow is None else file.tables.narrow.share
    normal = replace(normal, root=narrow * normal.root)
    scales = {p.name: RATIO if _is_ratio(p) else PLAIN for p in numbers}
    plane = normal.middle, normal.slopes, normal.root
    joint = stored(_origin(file, method, mixing), scales, names, plane, fitted.own, fitted.luck)
    shares = joint.shares
    rows = [_calibrated(file, p, normal, k, dict(shares[p.name])) for k, p in enumerate(numbers)]
    figures = _beside_print(file, normal, beside)
    thought = [p for p in file.before if p is not None]
    answer = CaseFit(
        file.tables.title,
        method,
        rows,
        figures,
        _narrowed(file) + _inside(file) + _sentences(rows, numbers, figures, normal, untold, mixing),
        normal.rounds,
        normal.still if mixing is None else mixing.reached,
        mixing,
        file.draws,
        len(names),
        [p.name for p in thought],
        narrow,
    )
    return answer, joint


def _by_its_way(
    file: CaseFitFile, beside: Array | None, walked: Path, report: Report
) -> tuple[Method, Fitted]:
    """The free numbers by the way that the file asks for, and its name."""
    if file.tables.posterior is not None:
        return "posterior", _sampled(file, walked, report)
    if beside is None:
        return "least squares", _squares(file)
    if file.tables.within is not None:
        return "within", _within(file, beside, report)
    return "linearised", _linear(file, beside)


def _origin(file: CaseFitFile, method: Method, mixing: Convergence | None) -> str:
    """What the draws are of: the fit, how it was made, and fingerprints of its data and of the numbers it rests on."""
    how = {"linearised": "statistical linearisation", "within": "normal within what figures leave"}.get(
        method, method
    )
    if mixing is not None:
        how = f"posterior, {'' if mixing.reached else 'not '}converged (R-hat {max(mixing.rhat):.3f})"
    return f"fit: {file.name}; {how}; data: {file.data_hash}; numbers: {file.numbers_hash}"


def _linear(file: CaseFitFile, beside: Array) -> Fitted:
    """The free numbers given all else by statistical linearisation; raises BadInput where one is left open."""
    normal = conditional(lambda own: _misses(file, own, beside), *_scales(file.numbers), beside)
    if isinstance(normal, Open):
        raise _refusal(file, normal)
    return Fitted(normal, beside.T, _luck(file, beside), None)


def _within(file: CaseFitFile, beside: Array, report: Report) -> Fitted:
    """The free numbers given all else, as the normal distribution that lies within what the figures leave."""
    simulated, tables = file.simulated, file.tables
    assert tables.within is not None
    before = [p for p in file.before if p is not None]
    moving = simulated.moving({p.name: p.value for p in before})

    def whole(deviates: Array) -> Array:
        every = np.zeros((len(simulated.owners), deviates.shape[1]))
        every[moving] = deviates
        return every

    normal = within(
        lambda own, deviates: _misses(file, own, whole(deviates)),
        lambda own, deviates: simulated.scaled(_values(file.numbers, own), whole(deviates)),
        _scales(before),
        len(moving),
        max(tables.within.draws, 2 * (len(moving) + len(file.numbers)) + 2),
        tables.within.rounds,
        tables.seed,
        lambda done, of: report("moving what is fitted", done, of),
    )
    slopes = np.zeros((len(file.numbers), len(simulated.owners)))
    slopes[:, moving] = normal.slopes
    return Fitted(replace(normal, slopes=slopes), beside.T, _luck(file, beside), None)


def _scales(numbers: list[Parameter]) -> tuple[Array, Array]:
    """Where numbers begin, and their standard deviations as stated, on their own scales."""
    start, width = zip(*(_scale(p) for p in numbers), strict=True)
    return np.array(start), np.array(width)


def _misses(file: CaseFitFile, own: Array, beside: Array) -> Array:
    """Of free numbers on their own scale (draw, free): of each figure, and of what was thought before."""
    thought = [(k, *_scale(p)) for k, p in enumerate(file.before) if p is not None]
    prior = [(own[:, [k]] - middle) / spread for k, middle, spread in thought]
    return np.hstack([file.simulated.misses(_values(file.numbers, own), beside), *prior])


def _luck(file: CaseFitFile, beside: Array) -> Array:
    """Of the free numbers, for draws (draw, free) beside those of all else."""
    return balanced(len(file.numbers), beside.shape[1], file.tables.seed + 1).T


def _squares(file: CaseFitFile) -> Fitted:
    """The free numbers with all else at its best value, by least squares; raises BadInput where one is left open.

    They are sought in the deviates of what was thought before, or else of their shelves; the normal distribution is
    that of draws around the most probable ones.
    """
    free, thought = len(file.numbers), [k for k, p in enumerate(file.before) if p is not None]
    scales = [p if before is None else before for p, before in zip(file.numbers, file.before, strict=True)]

    def values(deviates: Array) -> dict[str, Array]:
        return {p.name: p.quantile(ndtr(own)) for p, own in zip(scales, deviates.T, strict=True)}

    def misses(deviates: Array) -> Array:
        return np.hstack([file.simulated.misses(values(deviates), None), deviates[:, thought]])

    top = summit(misses, free)
    if isinstance(top, Open):
        raise _refusal(file, top)
    luck = balanced(free, max(_AROUND, 2 * free + 2), file.tables.seed).T
    around, none = top.at + luck @ top.root.T, np.zeros((len(luck), 0))
    drawn = values(around).values()
    own = [np.log(column) if _is_ratio(p) else column for p, column in zip(file.numbers, drawn, strict=True)]
    normal = regressed(np.transpose(own), none)
    return Fitted(replace(normal, rounds=top.rounds, still=top.still), none, luck, None)


def _refusal(file: CaseFitFile, unheld: Open) -> BadInput:
    """What to say of free numbers that the figures do not hold: which, and which others these figures would tell."""
    free, others = file.tables.free, file.simulated.owners
    names = [free[k] for k in unheld.numbers]
    # A number on which another hangs may be read by no row itself.
    read = [others[k] for k in unheld.strongest if others[k] in file.simulated.numbers]
    cure = (
        f"these rows move most with {', '.join(read[:3])}"
        if read
        else "otosome list cases tells what rows rest on"
    )
    if unheld.away:
        p = file.numbers[unheld.numbers[0]]
        words = (
            f"runs off, {number(unheld.away, 2)} standard deviations away: no value near meets the rows. "
            "They hardly depend on it, or contradict it or each other"
        )
        shelf = _written(p.value, p.low, p.high, p.unit)
        cure = f'the shelf has {shelf}; {cure}; or state [numbers."{names[0]}"], or fit fewer rows'
    elif unheld.faint:
        words = f"the rows leave a free number open: moving {' or '.join(names)} moves none of them"
        cure = f"free another: {cure}"
    else:
        words = "the rows leave a free number open: these move them only together, and not apart"
        cure = f"free fewer of them, name rows that tell them apart, or state [numbers]; {cure}"
    return BadInput(words, file=f"{file.name}.toml", key="free", given=names, cure=cure)


def _sampled(file: CaseFitFile, walked: Path, report: Report) -> Fitted:
    """The free numbers given all else by draws of the joint posterior, begun where the shelves stand."""
    simulated, tables, before = file.simulated, file.tables, [p for p in file.before if p is not None]
    assert tables.posterior is not None
    free, moving = len(before), simulated.moving({p.name: p.value for p in file.numbers})
    others = len(moving)
    luck = np.random.default_rng(tables.seed).standard_normal((_BEGUN, free + others))
    by_name = dict(zip([*tables.free, *(simulated.owners[k] for k in moving)], luck.T, strict=True))
    none = np.zeros(_BEGUN)
    shelved = [p.quantile(ndtr(p.mix(lambda name: by_name.get(name, none)))) for p in file.numbers]
    luck[:, :free] = np.transpose([p.deviate(values) for p, values in zip(before, shelved, strict=True)])
    begun = luck[np.max(np.abs(luck), axis=1) < _FARTHEST]

    def scaled(deviates: Array) -> Array:
        values = {p.name: p.quantile(ndtr(own)) for p, own in zip(before, deviates.T[:free], strict=True)}
        own = np.zeros((len(simulated.owners), len(deviates)))
        own[moving] = deviates.T[free:]
        return simulated.scaled(values, own)

    walk = chain(
        Figures(scaled, simulated.ends),
        begun,
        max(tables.posterior.walkers, 2 * (free + others) + 2),
        tables.posterior.steps,
        tables.seed,
        walked,
        _problem(file),
        lambda done, of, rhat: report("drawing" if rhat is None else f"drawing, R-hat {rhat:.3f}", done, of),
    )
    later = walk.deviates[len(walk.deviates) // 2 :]
    return _drawn(file, before, moving, later.reshape(-1, free + others), convergence(later))


def _drawn(
    file: CaseFitFile, before: list[Parameter], moving: list[int], draws: Array, mixing: Convergence
) -> Fitted:
    """The free numbers given all else from draws of the joint posterior: deviates of these, then of all that moves."""
    free, owners = len(before), len(file.simulated.owners)
    values = [p.quantile(ndtr(own)) for p, own in zip(before, draws.T[:free], strict=True)]
    scaled = [np.log(v) if _is_ratio(p) else v for p, v in zip(file.numbers, values, strict=True)]
    beside, slopes = np.zeros((len(draws), owners)), np.zeros((free, owners))
    beside[:, moving] = draws[:, free:]
    normal = regressed(np.transpose(scaled), draws[:, free:])
    slopes[:, moving] = normal.slopes
    left = np.array(scaled) - normal.middle[:, None] - slopes @ beside.T
    luck = np.asarray(np.linalg.solve(normal.root, left).T, dtype=np.float64)
    return Fitted(replace(normal, slopes=slopes), beside, luck, mixing)


def _problem(file: CaseFitFile) -> str:
    """A fingerprint of what a chain is drawn from."""
    return " ".join([__version__, file.drawn_hash, file.numbers_hash])


def _is_ratio(p: Parameter) -> bool:
    """Whether a number is log-normal, rather than normal."""
    return p.shape in ("lognormal", "loguniform")


def _scale(p: Parameter) -> tuple[float, float]:
    """Where a number begins, and its standard deviation on the shelf, on its own scale."""
    ends = np.array([p.value, p.low, p.high])
    middle, low, high = np.log(ends) if _is_ratio(p) else ends
    return float(middle), float(high - low) / (2.0 * Z95)


def _values(numbers: list[Parameter], own: Array) -> dict[str, Array]:
    """Free numbers from their own scale (draw, free), by name."""
    return {
        p.name: np.exp(column) if _is_ratio(p) else column for p, column in zip(numbers, own.T, strict=True)
    }


def _calibrated(
    file: CaseFitFile, p: Parameter, normal: Conditional, k: int, linked: dict[str, float]
) -> Calibrated:
    ends = normal.middle[k] + Z95 * normal.spread[k] * np.array([0.0, -1.0, 1.0])
    ends = np.exp(ends) if _is_ratio(p) else ends
    value, low, high = (float(end) for end in ends)
    figure = file.simulated.figures[0]
    *before, last = file.tables.cases
    if len(before) > _LISTED:
        before, last = before[:1], f"{len(before)} rows more"
    rows = f"{', '.join(before)} and {last}" if before else last
    because = f"Calibrated on {rows}; used, hence no evidence. {file.tables.because}".strip()
    return Calibrated(
        name=p.name,
        meaning=p.meaning,
        species=p.species,
        unit=p.unit,
        value=value,
        low=low,
        high=high,
        shape="lognormal" if _is_ratio(p) else "normal",
        text=_written(value, low, high, p.unit),
        shelf=_written(p.value, p.low, p.high, p.unit),
        linked=linked,
        fit=shelf_name(file.name),
        alone=float((normal.root[k, k] / normal.spread[k]) ** 2),
        because=f"{because} Linked to the numbers that move the figure." if linked else because,
        source=figure.case.source,
        locator=figure.case.locator,
    )


def _written(value: float, low: float, high: float, unit: str) -> str:
    value_text, *ends = (number(end, _digits(value, low, high)) for end in (value, low, high))
    return f"{value_text} {unit_text(unit)}".rstrip() + f" ({ends[0]} to {ends[1]})"


def _digits(value: float, low: float, high: float) -> int:
    """Digits that count of a number and its ends: two, and more where its range is narrow."""
    return max(2, math.ceil(math.log10(abs(value) / (high - low)) + _FINE)) if value and high > low else 2


def _plain(value: float, digits: int) -> str:
    """A number as a file has it, with so many digits that count: 2.7e-05, 0.016."""
    return f"{float(f'{value:.{digits - 1}e}'):g}"


def _beside_print(file: CaseFitFile, normal: Conditional, beside: Array | None) -> list[Compared]:
    """Each figure with the free numbers drawn as fitted."""
    draws = _BESIDE if beside is None else beside.shape[1]
    luck = np.random.default_rng(file.tables.seed).standard_normal((draws, normal.middle.size))
    own = normal.middle + luck @ normal.root.T
    if beside is not None:
        own = own + (normal.slopes @ beside).T
    by_row: Mapping[str, Array] = file.simulated.values(_values(file.numbers, own), beside)
    rows = []
    for figure in file.simulated.figures:
        case, values = figure.case, by_row[figure.case.id]
        in_unit = to_paper(1.0, case.unit) * values
        low, off, high = (float(miss) for miss in figure.misses(np.quantile(values, [0.05, 0.5, 0.95])))
        rows.append(
            Compared(
                row=case.id,
                about=case.about,
                printed=figure.text,
                error=figure.error_text,
                because=figure.because,
                simulated=significant(in_unit, case.unit),
                off=off,
                ends=(low, high),
            )
        )
    return rows


def _narrowed(file: CaseFitFile) -> list[str]:
    """What is to be said where rows state a part of the spread."""
    narrow = file.tables.narrow
    if narrow is None:
        return []
    return [
        f"The rows state {share(narrow.share).text} of the spread that is left beside links. {narrow.because}"
    ]


def _inside(file: CaseFitFile) -> list[str]:
    """What is to be said where rows lie within what figures leave."""
    if file.tables.within is None:
        return []
    return [
        "The rows lie within what the figures leave of the numbers, so that draws of them meet the figures: they are "
        "narrower than all that is known."
    ]


def _sentences(
    rows: list[Calibrated],
    numbers: list[Parameter],
    figures: list[Compared],
    normal: Conditional,
    untold: list[str],
    mixing: Convergence | None,
) -> list[str]:
    be = "it is" if len(untold) == 1 else "they are"
    sentences = [f"The rows hardly tell {', '.join(untold)}: {be} what was thought before."] if untold else []
    sentences += [
        f"{p.name} lies outside its range on the shelf ({number(p.low, 2)} to {number(p.high, 2)}): a misfit, or its "
        "range is too narrow."
        for row, p in zip(rows, numbers, strict=True)
        if not p.low <= row.value <= p.high
    ]
    if mixing is not None and not mixing.reached:
        sentences.append(
            f"The walkers have not converged (R-hat up to {max(mixing.rhat):.2f}, asked {LARGEST_RHAT:g}): ask for "
            "more steps, and --resume goes on with these."
        )
    if not normal.still:
        why = (
            "the figures bend where all else is drawn, and more draws may help"
            if normal.slopes.size
            else "the figures bend"
        )
        sentences.append(f"The search did not end in {normal.rounds} rounds: {why}.")
    for row in rows:
        most = max(row.linked, key=lambda name: abs(row.linked[name]), default="")
        if most and abs(row.linked[most]) >= _TOGETHER:
            sentences.append(
                f"{row.name} is known only together with {most}: of its deviate {number(row.linked[most], 2)} is that "
                "one's."
            )
    sentences += [
        f"{figure.row} is not met: simulated {figure.simulated.text}, printed {figure.printed}."
        for figure in figures
        if abs(figure.off) > MISSED
    ]
    return sentences
