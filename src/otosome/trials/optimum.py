"""The dose sought: regimens simulated with the same ears, the front between gain and particles, the choice by prior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from otosome.answers.numbers import interval, number
from otosome.answers.scores import expected
from otosome.errors import BadInput
from otosome.evidence import layout
from otosome.forward import simulate
from otosome.study import Study
from otosome.trials.animals import beliefs_of
from otosome.trials.answer import DesignAnswer
from otosome.trials.beliefs import grounds
from otosome.trials.choice import SURE, Choice, Table, believed, chosen, front
from otosome.trials.plan import Chart, Estimand, Line, Part, Plan, Series, chance, counted, line
from otosome.trials.regimens import DoseQuestion, Regimen
from otosome.trials.search import seek
from otosome.units import Array

# The share of ears below which the lower tenth lies.
_LOWER = 0.1
MECHANISM = "mechanism"
_AIMS = {
    "mean": "mean over ears",
    "lower": "lower tenth of ears",
    "target": "share of ears that reach the target",
}


@dataclass(frozen=True)
class _Ears:
    """The ears of a question, the same under every regimen."""

    question: DoseQuestion
    workers: int

    def read(self, study: Study) -> tuple[Array, Array]:
        """Means over frequencies, (arm, ear), NaN of a rejected ear; cost of the first arm's adverse events, (ear,)."""
        dose = self.question.dose
        ears = self.question.ears(study)
        result = simulate(study, ears, workers=self.workers, keep=())
        true = result[dose.measure].isel(time=-1).mean("frequency").transpose("arm", "subject")
        whole = np.full((true.sizes["arm"], dose.ears), np.nan)
        whole[:, result.subject.to_numpy()] = true.to_numpy()
        cost = np.zeros(dose.ears)
        for name, events in expected(study, study.tables.arm[0], ears).items():
            cost += events * float(dose.adverse_events.get(name, 0.0))
        return whole, cost

    @cached_property
    def control(self) -> tuple[Array, Array]:
        """Readings under control and without the insult, (ear,)."""
        read, _ = self.read(self.question.study_of(None))
        return read[0], read[1]

    @cached_property
    def worlds(self) -> NDArray[np.int64]:
        """The world of each ear, (ear,)."""
        return layout(0, self.question.dose.ears, self.question.dose.world).world


@dataclass(frozen=True)
class Computed:
    """Regimens computed, with what each does to every ear, and the value that was sought, (regimen,).

    ``lost``  what the insult takes of each ear, (ear,);  ``left_out``  ears that could not be computed
    """

    question: DoseQuestion
    regimens: tuple[Regimen, ...]
    table: Table
    sought: Array
    lost: Array
    left_out: int

    @property
    def net(self) -> Array:
        """Benefit less what adverse events cost, (regimen, ear)."""
        return self.table.benefit - self.table.cost

    @property
    def best(self) -> int:
        """The regimen with the most of what was sought."""
        return int(self.sought.argmax())

    @cached_property
    def choices(self) -> dict[str, Choice]:
        """The choice under what the study says, and under each belief."""
        dose = self.question.dose
        ends = {name: (float(a), float(b), float(c)) for name, (a, b, c) in dose.belief.items()}
        own = {MECHANISM: chosen(self.table, float(dose.near))}
        return own | {
            name: believed(self.table, benefits, float(dose.near))
            for name, benefits in beliefs_of(ends).items()
            if name != MECHANISM
        }

    @cached_property
    def front(self) -> NDArray[np.intp]:
        """Regimens that none betters with as few particles."""
        return front(self.net.mean(axis=1), np.array([regimen.total for regimen in self.regimens]))


def optimum(
    question: DoseQuestion, workers: int, tick: Callable[[int, int], None]
) -> tuple[DesignAnswer, list[dict[str, object]]]:
    """The dose of a question, as a plan, and its regimens, a row each; raises BadInput where none reaches the target.

    ``tick``  called with the regimens computed and those there will be
    """
    computed = compute(question, workers, tick)
    title = question.dose.title or question.name
    answer = DesignAnswer(question.name, title, "dose", _plan(computed), tuple(_notes(computed)))
    return answer, _sheet(computed)


def compute(question: DoseQuestion, workers: int, tick: Callable[[int, int], None]) -> Computed:
    """Simulate regimens where they promise most; raises BadInput where none reaches the target."""
    dose, sign = question.dose, question.sign
    ears = _Ears(question, workers)
    control, unharmed = ears.control
    lost = sign * (unharmed - control)
    if dose.target is not None and float(np.nanmax(lost)) < dose.target:
        raise BadInput(
            "is reached at no dose: no ear without the insult is so much better",
            key="target",
            given=dose.target.text,
            allowed=f"up to {float(np.nanmax(lost)):.3g} {dose.target.unit}",
        )
    rows = list[tuple[Regimen, Array, Array]]()

    def value(point: Array) -> float:
        regimen = question.regimen(point)
        read, cost = ears.read(question.study_of(regimen))
        benefit = sign * (read[0] - control)
        rows.append((regimen, benefit, cost))
        tick(len(rows), dose.scan + dose.more)
        return _sought(dose.aim, benefit - cost, float(dose.target or 0.0))

    tick(0, dose.scan + dose.more)
    _, sought = seek(value, question.standing, 4, dose.scan, dose.more, dose.seed)
    benefit, cost = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    sound = np.isfinite(benefit).all(axis=0) & np.isfinite(lost)
    table = Table(benefit[:, sound], cost[:, sound], ears.worlds[sound])
    regimens = tuple(row[0] for row in rows)
    return Computed(question, regimens, table, sought, lost[sound], int((~sound).sum()))


def _sought(aim: str, net: Array, target: float) -> float:
    """What is sought, of each ear's benefit less its adverse events, (ear,)."""
    sound = net[np.isfinite(net)]
    if aim == "lower":
        return float(np.quantile(sound, _LOWER))
    return float((sound >= target).mean() if aim == "target" else sound.mean())


def _plan(computed: Computed) -> Plan:
    question, dose = computed.question, computed.question.dose
    near = f"within {dose.near.text} of the best"
    best = computed.regimens[computed.best]
    more = len(computed.regimens) - min(dose.scan, len(computed.regimens))
    return Plan(
        f"{best.text}: the most of {len(computed.regimens)} regimens; {_verdict(computed.choices)}.",
        {"regimens": len(computed.regimens)},
        (
            Part("The regimen with the most", _best(computed, near)),
            Part(f"Regimens {near}, {100 * SURE:.0f} % sure", _region(computed)),
            Part(
                "By prior", tuple(row for name in computed.choices for row in _by_prior(computed, name, near))
            ),
            Part(
                "Not bettered with fewer particles",
                tuple(
                    _interval(name, computed.net[row], question.unit)
                    for name, row in _alike_once(computed).items()
                ),
            ),
        ),
        (_chart(computed),),
        Estimand(
            population=f"ears of the study {question.study.tables.title}",
            treatments=f"{dose.treatment} as dosed against {dose.control}",
            variable=f"{dose.measure} at {dose.at.text}, mean over frequencies, less what adverse events cost",
            intercurrent="none is simulated",
            summary=_AIMS[dose.aim],
        ),
        f"{len(computed.regimens) - more} regimens were spread evenly (Sobol), {more} more sought by expected "
        f"improvement of a Gaussian process, all with the same {dose.ears} ears of {dose.ears // dose.world} worlds. "
        f"A choice is supported where the regimen is {near} in at least {100 * SURE:.0f} % of what may be true, and "
        f"giving nothing in at most {100 * (1 - SURE):.0f} %. Under a prior the size of the benefit is believed; how "
        "it follows the dose is the study's.",
    )


def _verdict(choices: dict[str, Choice]) -> str:
    supported = [_words(name) for name, choice in choices.items() if choice.supported]
    if not supported:
        return "the data do not support a choice under any prior"
    if len(supported) == len(choices):
        return "a choice is supported under every prior"
    return f"a choice is supported under {', '.join(supported)} alone"


def _best(computed: Computed, near: str) -> tuple[Line, ...]:
    question, dose, best = computed.question, computed.question.dose, computed.best
    net, own = computed.net[best], computed.choices[MECHANISM]
    rows = [
        counted("regimens computed", len(computed.regimens)),
        Line("the best of them", float(best), "", computed.regimens[best].text),
        _interval("its benefit less adverse events, of ears", net, question.unit),
        _interval("its benefit alone", computed.table.benefit[best], question.unit),
        _interval("what the insult takes of an ear", computed.lost, question.unit),
        line("a tenth of ears have less than", float(np.quantile(net, _LOWER)), question.unit),
        chance(f"chance that it is {near}", float(own.near[best])),
        chance(f"chance that giving nothing is {near}", own.nothing),
    ]
    if dose.target is not None:
        rows.append(chance(f"ears that reach {dose.target.text}", float((net >= dose.target).mean())))
    if dose.process is not None:
        served = question.most * dose.patients / computed.regimens[best].total
        rows.append(counted(f"patients a run of {dose.process} serves", int(served)))
    return tuple(rows)


def _region(computed: Computed) -> tuple[Line, ...]:
    """What the regimens near the best have in common."""
    chances = computed.choices[MECHANISM].near
    inside = [regimen for regimen, near in zip(computed.regimens, chances, strict=True) if near >= SURE]
    if not inside:
        return (counted("regimens", 0),)
    amounts, moments = [r.particles for r in inside], [r.first for r in inside]
    often, routes = sorted({r.times for r in inside}), sorted({r.route.replace("_", " ") for r in inside})
    low, early = min(amounts), min(moments)
    return (
        counted("regimens", len(inside)),
        Line("particles each time", low, "particles", f"{number(low, 2)} to {number(max(amounts), 2)}"),
        Line("first given", early, "h", f"{number(early, 3)} to {number(max(moments), 3)} h"),
        Line("how often", float(often[0]), "", ", ".join(map(str, often))),
        Line("routes", float(len(routes)), "", ", ".join(routes)),
    )


def _by_prior(computed: Computed, name: str, near: str) -> list[Line]:
    choice, words = computed.choices[name], _words(name)
    text = computed.regimens[choice.best].text if choice.supported else "the data do not support a choice"
    return [
        Line(words, float(choice.supported), "", text),
        chance(f"{words}: the regimen with the most is {near}", float(choice.near[choice.best])),
        chance(f"{words}: giving nothing is", choice.nothing),
    ]


def _chart(computed: Computed) -> Chart:
    rows = computed.front[::-1]
    across = tuple(float(np.log10(computed.regimens[row].total)) for row in rows)
    up = tuple(map(float, computed.net.mean(axis=1)[rows]))
    words = f"mean benefit less adverse events, {computed.question.unit or 'fraction'}"
    return Chart(
        "Gain by particles", "log10 of particles in all", words, (Series("not bettered", across, up),)
    )


def _alike_once(computed: Computed) -> dict[str, int]:
    """Rows of the front by their words, of those that read alike the first."""
    rows = dict[str, int]()
    for row in computed.front:
        rows.setdefault(computed.regimens[row].text, int(row))
    return rows


def _interval(name: str, values: Array, unit: str) -> Line:
    own = interval(values, unit, gain=True)
    return Line(name, own.median, unit, own.text)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _notes(computed: Computed) -> list[str]:
    dose = computed.question.dose
    notes = [
        f"Beliefs: {', '.join(f'{_words(name)} {ends[1].text}' for name, ends in dose.belief.items())}; "
        f"those the file does not state are of the published experiments ({grounds(computed.question.study.catalog)})."
    ]
    if computed.question.known is not None:
        notes += computed.question.known.notes
    if computed.left_out:
        notes.append(
            f"{computed.left_out} ears could not be computed under every regimen, and are left out of all."
        )
    if dose.first is not None:
        notes.append(
            "The treatment alone is moved in time: an insult of the arm that stands for its operation stays where "
            "the study has it."
        )
    if not dose.adverse_events:
        notes.append(
            "No adverse event is weighed: [adverse_events] says what one event costs in the unit of the measure."
        )
    return notes


def _sheet(computed: Computed) -> list[dict[str, object]]:
    """A row a regimen, for a spreadsheet."""
    near = computed.choices[MECHANISM].near
    return [
        {
            "route": regimen.route,
            "particles": regimen.particles,
            "first_h": regimen.first,
            "times": regimen.times,
            "particles_in_all": regimen.total,
            "sought": float(computed.sought[row]),
            "benefit_mean": float(computed.table.benefit[row].mean()),
            "adverse_events_cost": float(computed.table.cost[row].mean()),
            "net_low": float(np.quantile(computed.net[row], 0.05)),
            "net_median": float(np.median(computed.net[row])),
            "net_high": float(np.quantile(computed.net[row], 0.95)),
            "near_best": float(near[row]),
            "not_bettered": bool(row in computed.front),
        }
        for row, regimen in enumerate(computed.regimens)
    ]
