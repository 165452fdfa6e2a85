"""Groups of animals compared: how many, what the animal as the unit means, what published sizes can show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from pydantic import Field

from otosome.answers.numbers import share
from otosome.errors import BadInput
from otosome.trials.animals import Comparison, Runs, beliefs_of, come_again, showing
from otosome.trials.frequencies import Rule
from otosome.trials.kinds import (
    NO_LOSS,
    Belief,
    Correlation,
    DesignBase,
    Difference,
    Loss,
    Share,
    Spread,
    Tone,
    not_zero,
    same_unit,
)
from otosome.trials.plan import Chart, Estimand, Line, Part, Plan, Series, chance, counted, line
from otosome.trials.power import ears_as_animals

NOT_SPLIT = (
    "Exposure runs are not split from animals: no run_animals and run_share are stated, so each animal counts as "
    "exposed alone. Animals exposed together are alike (0.4 to 0.8 of the variance of CBA/JRj mice lies between runs), "
    "and where each group has runs of its own more animals are needed."
)
_RULES = {
    "mean": "the mean over all frequencies",
    "any": "any frequency, corrected for how many",
    "all": "every frequency",
}


@dataclass(frozen=True, kw_only=True)
class AnimalExperiment(DesignBase):
    """Two groups of animals, or several against one control.

    ``difference``   true difference, one for all frequencies or one each;  ``frequencies``  read in each ear
    ``reading_error``  of one reading, which ``spread`` includes; of dB alone
    ``ears``         read of each animal;  ``days``  on which each is read, of equal weight
    ``rule``         what counts as positive: ``mean`` of all readings, ``any`` or ``all`` of the frequencies
    ``comparisons``  groups compared with the control;  ``attrition``  share of animals lost before they are read
    ``spread``       between ears of different animals;  ``spread_range``  what it may be
    ``run_animals``  of a group that are exposed together;  ``run_share``  of the variance between animals that lies
                     between such exposure runs: both, or neither, and then runs are not split from animals
    ``runs``         ``apart``: each group is exposed in runs of its own;  ``blocked``: every run holds every group
    ``published``    animals a group of the experiments to be judged;  ``belief``  true benefits by name
    """

    difference: Annotated[tuple[Difference, ...], Field(min_length=1, max_length=40)]
    spread: Spread
    ear_correlation: Correlation
    frequency_correlation: Correlation
    day_correlation: Correlation
    reading_error: Spread
    frequencies: tuple[Tone, ...] = ()
    ears: Annotated[int, Field(ge=1, le=2)] = 1
    days: Annotated[int, Field(ge=1, le=100)] = 1
    rule: Rule = "mean"
    comparisons: Annotated[int, Field(ge=1, le=20)] = 1
    attrition: Loss = NO_LOSS
    run_animals: Annotated[int, Field(ge=1, le=1000)] | None = None
    run_share: Share | None = None
    runs: Literal["apart", "blocked"] = "apart"
    published: Annotated[int, Field(ge=2, le=1000)] = 6
    spread_range: tuple[Spread, Spread] | None = None
    belief: Mapping[str, Belief] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse differences that fit no frequencies, are none, or are of another kind than the spread."""
        super().check()
        if len(self.difference) not in (1, len(self.frequencies)):
            raise BadInput(
                "is one for all frequencies, or one for each of them",
                key="difference",
                given=[d.text for d in self.difference],
                allowed=f"1 or {max(len(self.frequencies), 1)}",
            )
        self._check_runs()
        for difference in self.difference:
            not_zero("difference", difference)
        unit = self.difference[0].unit
        same_unit(unit, {"difference": self.difference[-1], "spread": self.spread})
        same_unit(unit, {f"belief.{name}": ends[1] for name, ends in self.belief.items()})

    def _check_runs(self) -> None:
        stated = {"run_animals": self.run_animals, "run_share": self.run_share}
        missing = [key for key, value in stated.items() if value is None]
        if len(missing) == 1 or (missing and self.runs == "blocked"):
            raise BadInput(
                "is missing: exposure runs have a size and a share of the variance between animals",
                key=missing[0],
                cure="state both run_animals (5) and run_share (67 %, CBA/JRj mice two weeks after 103 dB), or neither",
            )
        if self.run_share is not None and float(self.run_share) == 1.0:
            raise BadInput(
                "leaves nothing to differ between animals of a run",
                key="run_share",
                given=self.run_share.text,
            )

    @property
    def exposed(self) -> Runs | None:
        """Who is exposed together; None where that is not stated."""
        if self.run_animals is None or self.run_share is None:
            return None
        return Runs(self.run_animals, float(self.run_share), self.runs == "blocked")

    @property
    def comparison(self) -> Comparison:
        """The comparison of one group with the control."""
        tones = max(len(self.frequencies), 1)
        differences = tuple(float(d) for d in self.difference)
        return Comparison(
            differences * tones if len(differences) == 1 else differences,
            float(self.spread),
            self.ears,
            float(self.ear_correlation),
            self.days,
            float(self.frequency_correlation),
            float(self.day_correlation),
            self.rule,
            self.alpha / self.comparisons,
            self.exposed,
        )

    @property
    def deviation(self) -> float:
        """Standard deviation between animals of what is tested."""
        return self.comparison.animal_sd

    def plan(self) -> Plan:
        """How many animals, and what they can show."""
        unit, comparison = self.difference[0].unit, self.comparison
        n = comparison.size(self.power)
        entered = math.ceil(n / (1 - self.attrition) - 1e-9)
        groups = self.comparisons + 1
        parts = [
            Part(
                "How many animals",
                (
                    counted("animals a group, read", n),
                    counted("animals a group, entered", entered),
                    counted("animals in all", entered * groups),
                    chance("power with these", comparison.power(n)),
                    *self._range(comparison),
                ),
            ),
            self._unit(comparison, n),
            *self._runs(comparison, n),
            self._showing(comparison, unit),
            *self._again(comparison),
        ]
        headline = (
            f"{entered} animals a group, {entered * groups} in all, find a difference of "
            f"{self.difference[0].text} with a power of {share(comparison.power(n)).text}{self._in_runs(n)}."
        )
        return Plan(
            headline,
            {"each group": entered},
            tuple(parts),
            (self._chart(comparison, n),),
            self._estimand(),
            self._analysis(n, entered),
            () if comparison.runs else (NOT_SPLIT,),
        )

    def _range(self, comparison: Comparison) -> list[Line]:
        """The size at either end of what the spread may be."""
        if self.spread_range is None:
            return []
        return [
            counted(f"read, if the spread is {end.text}", replace(comparison, sd=float(end)).size(self.power))
            for end in self.spread_range
        ]

    def _unit(self, comparison: Comparison, n: int) -> Part:
        """What the animal as the unit means."""
        rows = [
            line("spread between animals of what is tested", comparison.animal_sd, self.difference[0].unit),
            line("design effect of two ears", comparison.design_effect),
            *self._read(comparison),
        ]
        if self.ears > 1:
            wrong = ears_as_animals(n, self.ears, comparison.ear_correlation, comparison.alpha)
            rows.append(chance("false positives if ears were counted as animals", wrong))
        return Part("The animal is the unit", tuple(rows))

    def _read(self, comparison: Comparison) -> list[Line]:
        """What the error of reading costs; nothing where it is of another unit, or more than the whole spread."""
        part = comparison.read_share(float(self.reading_error))
        if self.reading_error.unit != self.difference[0].unit or part >= 1:
            return []
        exact = comparison.exactly(float(self.reading_error))
        return [
            chance(f"share of its variance that is reading, {self.reading_error.text} each", part),
            *_sized("animals a group, were readings without error", exact, self.power),
        ]

    def _runs(self, comparison: Comparison, n: int) -> list[Part]:
        """What exposure runs do to the size, and what counting animals in their place would."""
        if comparison.runs is None:
            return []
        runs, each = comparison.runs, comparison.runs.animals
        other = replace(comparison, runs=replace(runs, blocked=not runs.blocked))
        rows = [
            counted("exposure runs a group", n // each),
            line("design effect of runs", runs.design_effect),
            counted("animals a group, were runs not split", replace(comparison, runs=None).size(self.power)),
            *_sized(
                "animals a group, if each group had runs of its own"
                if runs.blocked
                else "animals a group, if every run held every group",
                other,
                self.power,
            ),
        ]
        if not runs.blocked:
            wrong = ears_as_animals(n // each, each, runs.share, comparison.alpha)
            rows.append(chance("false positives if animals were counted and not runs", wrong))
            once = ears_as_animals(1, each, runs.share, comparison.alpha)
            rows.append(chance("the same with a single run a group", once))
        return [Part("Animals are exposed in runs", tuple(rows))]

    def _in_runs(self, n: int) -> str:
        runs = self.exposed
        if runs is None:
            return ""
        how = "each holding every group" if runs.blocked else "each group in runs of its own"
        return f", in {_counted(n // runs.animals, 'exposure run')} of {runs.animals} a group, {how}"

    def _showing(self, comparison: Comparison, unit: str) -> Part:
        n = self.published
        what = showing(n, comparison.mean_difference, comparison.effective_sd, comparison.alpha, self.power)
        power = comparison.power(max(n, comparison.fewest)) if comparison.runs is None else what.power
        return Part(
            f"What {n} against {n} can show"
            + ("" if comparison.runs is None else ", with the design effect of runs"),
            (
                chance("power for the difference stated", power),
                line(
                    f"true difference found with a power of {share(self.power).text}", what.detectable, unit
                ),
                line("smallest difference seen that is significant", what.significant, unit),
                line("significant results overstate it by a factor of", what.exaggeration),
                chance("significant results of the wrong sign", what.wrong),
            ),
        )

    def _again(self, comparison: Comparison) -> list[Part]:
        ends = {name: (float(a), float(b), float(c)) for name, (a, b, c) in self.belief.items()}
        rows = []
        for name, benefits in beliefs_of(ends).items():
            again = come_again(self.published, benefits, comparison.effective_sd, self.alpha)
            rows += [
                chance(f"{name.replace('_', ' ')}: experiments that are positive", again.positive),
                chance(f"{name.replace('_', ' ')}: positive ones that would be positive again", again.again),
            ]
        n = self.published
        return [Part(f"Published positives of {n} against {n} done again", tuple(rows))] if rows else []

    def _chart(self, comparison: Comparison, n: int) -> Chart:
        sizes = sorted({*range(comparison.fewest, 21), *(round(k * n / 8) for k in range(2, 17))})
        sizes = [size for size in sizes if comparison.fewest <= size]
        if self.rule != "mean" and len(comparison.difference) > 1:
            sizes = sizes[:: max(1, len(sizes) // 12)]
        spreads = {self.spread.text: float(self.spread)}
        spreads |= {end.text: float(end) for end in self.spread_range or ()}
        lines = [
            Series(
                f"spread {text}",
                tuple(map(float, sizes)),
                tuple(replace(comparison, sd=sd).power(size) for size in sizes),
            )
            for text, sd in spreads.items()
        ]
        return Chart("Power", "animals a group, read", "power", tuple(lines), self.power)

    def _estimand(self) -> Estimand:
        tones = ", ".join(tone.text for tone in self.frequencies) or "one frequency"
        return Estimand(
            population="animals of the strain and age of the protocol, exposed alike",
            treatments=f"{self.comparisons} treated group{'s' if self.comparisons > 1 else ''} against one control",
            variable=f"reading at {tones}, {_RULES[self.rule]}",
            intercurrent="an animal that dies or cannot be read is not replaced and is left out; its group is counted",
            summary="difference of means between groups",
        )

    def _analysis(self, n: int, entered: int) -> str:
        tones = max(len(self.frequencies), 1)
        several = f", divided by {self.comparisons} comparisons" if self.comparisons > 1 else ""
        return (
            f"The animal is the unit of analysis. Of each animal are read {_counted(self.ears, 'ear')}, "
            f"{_counted(tones, 'frequency')} and {_counted(self.days, 'day')}; ears and days are averaged within the "
            f"animal, and an experiment is positive by {_RULES[self.rule]}. {self._tested()} by two-sided t tests "
            f"at {self.alpha:g}{several}. {entered} animals a group are entered so that {n} are read after a loss of "
            f"{self.attrition.text}: a power of {share(self.power).text} for a difference of "
            f"{self.difference[0].text} at a standard deviation between ears of {self.spread.text}, a correlation of "
            f"{self.ear_correlation.text} between ears and of {self.frequency_correlation.text} between frequencies"
            f"{self._shared()}. "
            "Animals are allotted at random within litters; whoever reads thresholds does not know the group."
        )

    def _tested(self) -> str:
        runs = self.exposed
        if runs is None:
            return "Groups are compared"
        if runs.blocked:
            return "Groups are compared within exposure runs, which are a factor of the analysis,"
        return "The exposure run is the unit of the test: means of runs are compared"

    def _shared(self) -> str:
        share_text = "" if self.run_share is None else self.run_share.text
        return f", of whose variance {share_text} lies between exposure runs" if share_text else ""


def _sized(name: str, comparison: Comparison, power: float) -> list[Line]:
    """The animals a group needs; none where no group is enough."""
    try:
        return [counted(name, comparison.size(power))]
    except BadInput:
        return []


def _counted(count: int, noun: str) -> str:
    """A number with its noun."""
    many = f"{noun[:-1]}ies" if noun.endswith("cy") else f"{noun}s"
    return f"{count} {noun if count == 1 else many}"
