"""A review: every experiment that answers a question, alone and together, with what may mislead about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from otosome.answers.numbers import amount, number, share, span, written
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.review.experiments.effects import WITHIN, WITHINS, Effect, Scale, effects
from otosome.review.experiments.experiment import Experiment, experiments
from otosome.review.experiments.flags import Flag, check_once, flags
from otosome.review.pooling.likelihood import (
    ASSUMED_N,
    PRIOR_SD,
    Believed,
    Evidence,
    OneMore,
    believed,
    evidence,
    one_more,
)
from otosome.review.pooling.printing import SHARES, Selected, curve
from otosome.review.pooling.random_effects import Pool, cumulative, pool, regression, without_each
from otosome.review.priors import stored
from otosome.review.priors.further import Narrowing, candidates, narrowings
from otosome.review.priors.posterior import Prior, results
from otosome.review.question import Question, words_of
from otosome.units import Array, quantity

# What experiments are grouped by, and what their effects can be regressed on.
GROUPINGS = ("product", "insult", "species", "in", "route")
MODERATORS = ("year", "day", "n")
# Animals a group of an experiment that might be done next.
PLANNED = (6, 12, 24)
UNITS: Mapping[Scale, str] = {"dB": "dB", "g": "SD", "log risk ratio": "(log risk ratio)"}


def ends(low: float, high: float, unit: str) -> str:
    """The ends of an effect, to a tenth with their unit; of a log ratio to a hundredth, without."""
    if unit != UNITS["log risk ratio"]:
        return span(low, high, unit)
    return f"{number(round(low, 2))} to {number(round(high, 2))}"


@dataclass(frozen=True)
class Span:
    """A number with its ends, and how every output writes it."""

    value: float
    low: float
    high: float
    text: str

    @classmethod
    def of(cls, value: float, low: float, high: float, unit: str) -> Span:
        """A span of unrounded numbers, to a tenth; a log ratio to a hundredth."""
        if unit != UNITS["log risk ratio"]:
            return cls(value, low, high, written(value, low, high, unit).text)
        return cls(value, low, high, f"{number(round(value, 2))} {unit} ({ends(low, high, unit)})")


@dataclass(frozen=True)
class Row:
    """An experiment against one control, as the forest shows it.

    ``effect``   in dB (or as a log risk ratio) where means or events were printed;  ``g``  standardised, and
                 ``bounds`` 95 % of it by what was printed alone, in every strength;  ``text``  the strongest of these
    ``outcomes`` keys it stands on;  ``flags``  what looks wrong, in words
    """

    experiment: str
    short: str
    link: str
    locator: str
    read: str
    year: int | None
    treated: str
    control: str
    product: str
    insult: str
    species: str
    place: str
    route: str
    strength: str
    p_is: str
    n: tuple[int | None, int | None]
    unit: str
    day: str
    frequency: str
    effect: Span | None
    g: Span | None
    bounds: tuple[float, float, float]
    text: str
    outcomes: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Together:
    """Effects of one scale together: the pool, it for other within-subject correlations, without each, by year."""

    scale: str
    rows: tuple[str, ...]
    values: tuple[float, ...]
    errors: tuple[float, ...]
    pool: Pool
    text: str
    within: dict[str, float]
    without: dict[str, Span]
    by_year: dict[str, Span]
    selection: tuple[Selected, ...]


@dataclass(frozen=True)
class Group:
    """Experiments that share a word: how many, and their mean effect in SDs of an animal, in every strength."""

    by: str
    word: str
    k: int
    believed: Believed
    text: str


@dataclass(frozen=True)
class Dot:
    """Experiments of one insult, route and product on the map of evidence."""

    insult: str
    route: str
    product: str
    place: str
    experiments: tuple[str, ...]
    better: int
    none: int


@dataclass(frozen=True)
class Light:
    """One item of an experiment's risk of bias."""

    item: str
    answer: str
    because: str


@dataclass(frozen=True)
class Review:
    """What all experiments say of a question.

    ``rows``     an experiment and control each;  ``together``  those with means or events, by scale
    ``all``      of every strength, in SDs of an animal;  ``curve``  the same for shares of null results printed
    ``one_more``  what one more experiment would change, for some counts of animals
    ``further``  the same by dose, day and what is read, of vesicles in the model; those that narrow most first
    ``blocks``   the mean effect by product and where ("vesicles in animals"), as the forest shows it
    ``groups``   by product, insult, species, where and route;  ``regressed``  on a moderator, or why that is refused
    ``map``      the experiments that were asked for;  ``lights``  risk of bias by experiment
    ``left_out``  those that count nowhere, with the reason
    """

    question: str
    heading: str
    only: dict[str, tuple[str, ...]]
    rows: tuple[Row, ...]
    together: tuple[Together, ...]
    all: Believed
    text: str
    curve: tuple[Believed, ...]
    one_more: tuple[OneMore, ...]
    further: tuple[Narrowing, ...]
    blocks: dict[str, Believed]
    groups: tuple[Group, ...]
    regressed: dict[str, str]
    map: tuple[Dot, ...]
    lights: dict[str, tuple[Light, ...]]
    flags: tuple[Flag, ...]
    left_out: dict[str, str]
    notes: tuple[str, ...]


def review(
    question: Question,
    catalog: Catalog,
    within: float = WITHIN,
    by: Sequence[str] = (),
    further: bool = True,
) -> Review:
    """What the shelf of experiments says of a question.

    ``within``  correlation of readings of one subject;  ``by``  moderators to regress effects on
    ``further``  whether experiments that could be next are weighed, which takes longer than all else
    raises      BadInput for a word nobody has, a group entered twice, an experiment named that must not be used, and
                where nothing answers
    """
    every = experiments(catalog)
    question.check(every)
    check_once(every)
    used, outcomes = chosen(question, every)
    weak = [row for e in used for row in evidence(e, outcomes[e.name], within)]
    pooled = [_together(scale, within, used, outcomes) for scale in _scales(question)]
    together = [each for each in pooled if each is not None]
    looks = {e.name: flags(e) for e in used}
    # A control of several products is one row of each, and once in the mean of all.
    by_product = _apart(used, outcomes, within)
    shown = [_row(row, question, looks[row.experiment.name]) for row in by_product]
    all_of = believed(weak)
    return Review(
        question=question.name,
        heading=question.heading,
        only=dict(question.filters),
        rows=tuple(sorted(shown, key=lambda row: (row.place, row.product, row.year or 0, row.short))),
        together=tuple(together),
        all=all_of,
        text=_headline(together, all_of, weak),
        curve=tuple(believed(weak, part) for part in SHARES),
        one_more=tuple(one_more(weak, n) for n in PLANNED),
        # None are weighed of no experiments.
        further=_further(used * further, catalog),
        blocks=_blocks(by_product),
        groups=tuple(_groups(by_product)),
        regressed={name: _regressed(name, together, used, outcomes) for name in by},
        map=tuple(_map([e for e in every if question.read_by(e)])),
        lights={e.name: _lights(e) for e in used},
        flags=tuple(chain.from_iterable(looks.values())),
        left_out=_left_out(every, question),
        notes=tuple(_notes(weak, within)),
    )


def chosen(question: Question, every: Sequence[Experiment]) -> tuple[list[Experiment], dict[str, list[str]]]:
    """The experiments that count and answer a question, and the outcomes by which each does; raises BadInput."""
    # A procedure on ears that nothing injured says nothing of protection.
    counting = [e for e in every if not e.why_out and e.options.insult.kind != "none"]
    outcomes = {e.name: keys for e in counting if (keys := question.outcomes(e))}
    if not outcomes:
        raise BadInput(
            "is answered by no experiment", key="question", given=question.name, cure="ask with fewer --only"
        )
    return [e for e in counting if e.name in outcomes], outcomes


def _further(used: Sequence[Experiment], catalog: Catalog) -> tuple[Narrowing, ...]:
    """Experiments on vesicles that could be next, under the priors that use what was printed; none where none was."""
    worlds = stored.shipped()
    if not any(worlds.has(experiment) for experiment in used):
        return ()
    printed = results(worlds, stored.simulated(catalog))
    named: tuple[Prior, ...] = ("as_printed", "sceptic")
    each = candidates(worlds, printed)
    return tuple(row for name in named for row in narrowings(name, worlds, printed, each))


def rests_on(question: Question, catalog: Catalog) -> list[str]:
    """The experiments that a review stands on, those among them that it leaves out: no other moves a word of it."""
    every = experiments(catalog)
    answering = [experiment.name for experiment in every if question.read_by(experiment)]
    weighed = stored.behind(catalog)
    return sorted({*answering, *(weighed if set(weighed) & set(answering) else ())})


def _left_out(every: Sequence[Experiment], question: Question) -> dict[str, str]:
    """Experiments that read what is asked and count nowhere, with the reason."""
    reasons = {e.name: _out(e, question) for e in every}
    return {name: why for name, why in reasons.items() if why}


def _scales(question: Question) -> tuple[Scale, ...]:
    return ("log risk ratio",) if question.name == "loss" else ("dB", "g")


def _out(experiment: Experiment, question: Question) -> str:
    """Why an experiment that reads what is asked counts nowhere; empty where it counts or was not asked for."""
    if not question.read_by(experiment):
        return ""
    if experiment.options.insult.kind == "none":
        return "nothing injured these ears, so it says nothing of protection"
    return experiment.why_out


def _headline(together: Sequence[Together], all_of: Believed, weak: Sequence[Evidence]) -> str:
    printed = [row.text for row in together if row.scale in ("dB", "log risk ratio")]
    parts = [
        f"{row} in {each.pool.k} experiments with means or events"
        for row, each in zip(printed, together, strict=False)
    ]
    parts.append(
        f"{in_sds(all_of)} in {len(weak)} experiments of every strength, {share(all_of.better).text} above none"
    )
    return "; ".join(parts)


def in_sds(row: Believed) -> str:
    """A mean effect with its ends, in SDs of an animal."""
    return Span.of(row.median, row.low, row.high, UNITS["g"]).text


def _together(
    scale: Scale, within: float, used: Sequence[Experiment], outcomes: Mapping[str, list[str]]
) -> Together | None:
    """Effects of a scale together; None where none was printed so."""

    def strong(correlation: float) -> list[Effect]:
        return [row for e in used for row in effects(e, outcomes[e.name], scale, correlation)]

    each = strong(within)
    if not each:
        return None
    values, variances = _arrays(each)
    names = tuple(f"{e.experiment.name}.{e.control}" for e in each)
    pooled = pool(values, variances)
    without = without_each(values, variances) if len(each) > 1 else []
    dated = np.array([e.experiment.year or 0 for e in each])
    return Together(
        scale=scale,
        rows=names,
        values=tuple(values.tolist()),
        errors=tuple(np.sqrt(variances).tolist()),
        pool=pooled,
        text=_span(pooled, scale).text,
        within={f"{other:g}": pool(*_arrays(strong(other))).value for other in WITHINS},
        without={name: _span(other, scale) for name, other in zip(names, without, strict=False)},
        by_year={
            str(year): _span(upto, scale) for year, upto in cumulative(values, variances, dated) if year
        },
        selection=tuple(curve(values, variances)) if len(each) > 1 else (),
    )


def _arrays(each: Sequence[Effect]) -> tuple[Array, Array]:
    return np.array([e.value for e in each]), np.array([e.variance for e in each])


def _span(pooled: Pool, scale: Scale) -> Span:
    return Span.of(pooled.value, *pooled.safe, UNITS[scale])


def _apart(used: Sequence[Experiment], outcomes: Mapping[str, list[str]], within: float) -> list[Evidence]:
    """What each experiment says of each product."""
    return [row for e in used for keys in _by_product(e, outcomes) for row in evidence(e, keys, within)]


def _by_product(experiment: Experiment, outcomes: Mapping[str, list[str]]) -> list[list[str]]:
    """An experiment's outcomes, parted by what was given."""
    parts: dict[str, list[str]] = {}
    for key in outcomes[experiment.name]:
        product = words_of(experiment, experiment.options.outcome[key])["product"][0]
        parts.setdefault(product, []).append(key)
    return list(parts.values())


def _row(row: Evidence, question: Question, looks: Sequence[Flag]) -> Row:
    spans: dict[str, Span | None] = dict.fromkeys(("log risk ratio", "dB", "g"))
    for scale in _scales(question):
        for e in effects(row.experiment, row.rows, scale):
            if e.control == row.control:
                spans[scale] = Span.of(
                    e.value, e.value - 1.96 * e.error, e.value + 1.96 * e.error, UNITS[scale]
                )
    return _described(
        row.experiment,
        row.treated,
        row.control,
        row.rows,
        looks,
        strength=row.strength,
        p_is=row.p_is,
        effect=spans["log risk ratio"] or spans["dB"],
        g=spans["g"],
        bounds=row.bounds,
    )


def _described(
    experiment: Experiment,
    treated: Sequence[str],
    control: str,
    keys: Sequence[str],
    looks: Sequence[Flag],
    *,
    strength: str,
    p_is: str,
    effect: Span | None,
    g: Span | None,
    bounds: tuple[float, float, float],
) -> Row:
    options = experiment.options
    groups = [experiment.group(name) for name in treated]
    rows = [options.outcome[key] for key in keys]
    words = words_of(experiment, rows[0])
    return Row(
        experiment=experiment.name,
        short=experiment.short,
        link=experiment.source.link,
        locator=options.locator,
        read=options.read,
        year=experiment.year,
        treated="; ".join(dict.fromkeys(group.about for group in groups)),
        control=experiment.group(control).about,
        product=groups[0].product or "",
        insult=options.insult.kind,
        species=options.subject.species,
        place=words["in"][0],
        route=groups[0].route,
        strength=strength,
        p_is=p_is,
        n=(_summed([experiment.count(name) for name in treated]), experiment.count(control)),
        unit=options.unit,
        day=", ".join(dict.fromkeys(row.day for row in rows if row.day)),
        frequency=", ".join(dict.fromkeys(tone for row in rows for tone in row.frequency)),
        effect=effect,
        g=g,
        bounds=bounds,
        text=next((span.text for span in (effect, g) if span is not None), _bounded(bounds)),
        outcomes=tuple(keys),
        flags=tuple(flag.words for flag in looks),
    )


def _summed(counts: Sequence[int | None]) -> int | None:
    """The sum of counts; None where one is not printed."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


# An effect that may be larger than this is bounded from below only.
FAR = 5.0


def _bounded(bounds: tuple[float, float, float]) -> str:
    low, _, high = bounds
    return f"above {amount(low, UNITS['g'])}" if high > FAR else span(low, high, UNITS["g"])


def _blocks(weak: Sequence[Evidence]) -> dict[str, Believed]:
    members: dict[str, list[Evidence]] = {}
    for row in weak:
        words = words_of(row.experiment, row.experiment.options.outcome[row.rows[0]])
        members.setdefault(f"{words['product'][0]} in {words['in'][0]}", []).append(row)
    return {name: believed(rows) for name, rows in members.items()}


def _groups(weak: Sequence[Evidence]) -> list[Group]:
    rows = []
    for by in GROUPINGS:
        words: dict[str, list[Evidence]] = {}
        for row in weak:
            for word in words_of(row.experiment, row.experiment.options.outcome[row.rows[0]])[by] or [
                "not stated"
            ]:
                words.setdefault(word, []).append(row)
        for word, members in sorted(words.items()):
            mean = believed(members)
            rows.append(Group(by, word, len(members), mean, in_sds(mean)))
    return rows


def _regressed(
    name: str, together: Sequence[Together], used: Sequence[Experiment], outcomes: Mapping[str, list[str]]
) -> str:
    """Effects of the first scale over a moderator, in words; or how many experiments lack for that."""
    if name not in MODERATORS:
        raise BadInput("is no moderator", key="--by", given=name, allowed=list(MODERATORS))
    by_name = {e.name: e for e in used}
    each = next(iter(together), None)
    pairs = []
    for place, row in enumerate(each.rows if each else ()):
        experiment = by_name[row.partition(".")[0]]
        value = _moderator(name, experiment, outcomes[experiment.name])
        if each is not None and value is not None:
            pairs.append((each.values[place], each.errors[place] ** 2, value))
    table: Array = np.array(pairs, dtype=float).reshape(-1, 3)
    try:
        fit = regression(table[:, 0], table[:, 1], table[:, 2:], [name])
    except BadInput as refusal:
        return str(refusal)
    unit = each.scale if each else ""
    return (
        f"{fit.coefficients[1]:.3g} {unit} per unit of {name} "
        f"(standard error {fit.errors[1]:.2g}, p = {fit.p[1]:.2g}, {fit.k} experiments)"
    )


def _moderator(name: str, experiment: Experiment, keys: Sequence[str]) -> float | None:
    outcome = experiment.options.outcome[keys[0]]
    readers: Mapping[str, Callable[[], float | None]] = {
        "year": lambda: experiment.year,
        "day": lambda: quantity(outcome.day, "d") if outcome.day else None,
        "n": lambda: experiment.count(outcome.treated),
    }
    return readers[name]()


def _map(every: Sequence[Experiment]) -> list[Dot]:
    cells: dict[tuple[str, str, str, str], dict[str, list[str]]] = {}
    for experiment in every:
        if experiment.why_out:
            continue
        for outcome in experiment.options.outcome.values():
            if outcome.control and outcome.primary:
                words = words_of(experiment, outcome)
                cell = (
                    words["insult"][0],
                    "".join(words["route"]) or "not stated",
                    words["product"][0],
                    words["in"][0],
                )
                cells.setdefault(cell, {}).setdefault(experiment.name, []).append(outcome.direction)
    return [
        Dot(
            *cell,
            tuple(members),
            sum("better" in directions for directions in members.values()),
            sum("better" not in directions for directions in members.values()),
        )
        for cell, members in sorted(cells.items())
    ]


def _lights(experiment: Experiment) -> tuple[Light, ...]:
    bias = experiment.options.bias
    return tuple(
        Light(
            item,
            bias[item].answer if item in bias else "not stated",
            bias[item].because if item in bias else "",
        )
        for item in experiment.items
    )


def _notes(weak: Sequence[Evidence], within: float) -> list[str]:
    notes = [f"Readings of one subject, and arms of one control, are taken to correlate by {within:g}."]
    without = sum(row.strength in ("p", "direction") and _uncounted(row) for row in weak)
    if without:
        notes.append(
            f"{without} of {len(weak)} experiments print no count: {ASSUMED_N} a group is assumed for them."
        )
    if any(row.strength in ("p", "direction") for row in weak):
        notes.append(
            "A p or a direction bounds an effect from below only. Above it is bounded by the assumption that mean "
            f"effects are spread around none with an SD of {PRIOR_SD:g} SD of an animal."
        )
    assumed = sum(row.p_is == "assumed" and row.strength == "p" for row in weak)
    if assumed:
        notes.append(f"In {assumed} the bound on p is assumed by the reader, not stated by the paper.")
    return notes


def _uncounted(row: Evidence) -> bool:
    return any(row.experiment.count(name) is None for name in (*row.treated, row.control))
