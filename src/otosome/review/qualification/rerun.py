"""A published study run again: groups of as many subjects as were published, read as a laboratory reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from otosome.catalog import Entry
from otosome.ears import Ears
from otosome.errors import BadInput, at
from otosome.evidence import uniforms
from otosome.forward import (
    Carried,
    Cochleae,
    Fate,
    draw,
    endpoint,
    plan,
    through,
    true_value,
)
from otosome.review.qualification import between
from otosome.review.qualification.bench import Terms
from otosome.review.qualification.case import Case
from otosome.roles import CaseOptions
from otosome.study import Study
from otosome.units import LEVELS, Array, Quantity, same_kind

# Steps between knots grow by this: fewer than a run's, at a cost of some tenths of a dB.
_GROWTH = 1.3
_WORDS = {
    "by": ("difference", "ratio"),
    "over": ("mean", "max", "min"),
    "figure": ("middle", "spread", "correlation", "shape", "run"),
}


@dataclass(frozen=True)
class Statistic:
    """What a paper prints of a study: a group, against another or not, after or since, over subjects and frequencies.

    ``measure``    of the study;  ``of``, ``against``  its arms, each with subjects of its own
    ``frequency``  those of the measure unless said;  ``at``  its last moment unless said
    ``since``      each subject against its own earlier reading
    ``scale``      the share of subjects, both ears alike, with its ``grade`` or a worse one, against the reading at
                   ``since`` where it grades shifts
    ``by``         "difference" or "ratio" to the other group;  ``over``  "mean", "max" or "min" over frequencies
    ``weights``    of the frequencies as they are listed: the sum of so much of each, in the place of ``over``
    ``figure``     what of the group: its "middle", the "spread" of its subjects, the "correlation" of neighbouring
                   frequencies or with the measure ``beside``, the "shape" (highest less lowest frequency), or the share
                   of its variance between exposure runs ("run")
    """

    measure: str
    of: str
    against: str | None = None
    frequency: tuple[Quantity, ...] = ()
    at: Quantity | None = None
    since: Quantity | None = None
    by: str = "difference"
    over: str = "mean"
    weights: tuple[float, ...] = ()
    scale: str | None = None
    grade: str = ""
    figure: str = "middle"
    beside: str | None = None

    @classmethod
    def of_case(cls, case: Case, study: Study, file: str) -> Statistic:
        """The statistic of a row; raises BadInput for an unknown key, arm, measure or word."""
        key = f'row."{case.id}".statistic'
        known = [f.name for f in fields(cls)]
        for name in case.statistic:
            if name not in known:
                raise BadInput("is not a key of a statistic", file=file, key=f"{key}.{name}", allowed=known)
        for name in ("measure", "of"):
            if name not in case.statistic:
                raise BadInput("is missing", file=file, key=f"{key}.{name}")
        statistic = cls(**_typed(case.statistic, file, key))  # type: ignore[arg-type]
        arms, measures = [a.name for a in study.tables.arm], list(study.tables.measure)
        words: dict[str, Sequence[str | None]] = {
            "measure": measures,
            "of": arms,
            "against": [*arms, None],
            "beside": [*measures, None],
            **_WORDS,
        }
        for name, allowed in words.items():
            if getattr(statistic, name) not in allowed:
                raise BadInput(
                    "is not known here",
                    file=file,
                    key=f"{key}.{name}",
                    given=getattr(statistic, name),
                    allowed=[a for a in allowed if a is not None],
                )
        statistic._check_measured(study, file, key)
        with at(file, f'row."{case.id}"'):
            statistic._check_unit(case.unit, study)
            statistic._check_spread(case)
            statistic._check_weights()
        statistic._check_grade(study, file, key)
        return statistic

    def _check_grade(self, study: Study, file: str, key: str) -> None:
        """Refuse a grade that its scale does not have."""
        if self.scale is not None and self.grade not in study.scale(self.scale).labels:
            raise BadInput(
                "is no grade of its scale",
                file=file,
                key=f"{key}.grade",
                given=self.grade,
                allowed=list(study.scale(self.scale).labels),
            )

    def _check_unit(self, stated: str, study: Study) -> None:
        """Refuse a row in a unit that its statistic is not in."""
        allowed = self._units(study)
        if not any(same_kind(stated, unit) for unit in allowed):
            allowed = [unit or "no unit" for unit in allowed]
            raise BadInput("is not in a unit of its statistic", given=stated or "no unit", allowed=allowed)

    def _check_spread(self, case: Case) -> None:
        """Refuse the spread of one group as all that is known of how far a comparison of two errs."""
        if case.sd is not None and case.se is None and self.against is not None:
            raise BadInput(
                "is the spread of one group, and a comparison of two errs by both",
                key="sd",
                given=f"{case.sd:g} {case.unit}".strip(),
                cure="state se in its place: of a difference sqrt(sd1^2 / n1 + sd2^2 / n2)",
            )

    def _check_weights(self) -> None:
        """Refuse weights that are not one for each frequency listed, or stand beside what looks at no mean."""
        if self.weights and (len(self.weights) != len(self.frequency) or self.scale is not None):
            raise BadInput(
                "are one for each frequency that is listed, and no scale",
                key="weights",
                given=list(self.weights),
                allowed=f"{len(self.frequency)} numbers",
                cure="list frequencies and weights in one order: [1, -0.5]",
            )

    def _units(self, study: Study) -> list[str]:
        """The units that what is printed of it may be in: a share, that of its endpoint, or dB of two levels."""
        is_ratio = self.against is not None and self.by == "ratio"
        if is_ratio or self.scale is not None or self.figure in ("correlation", "run"):
            return ["%", ""]
        own = study.catalog.get("endpoints", study.tables.measure[self.measure].endpoint).options.unit
        if own not in LEVELS:
            return [own]
        differs = self.against is not None or self.since is not None or self.figure != "middle"
        return ["dB"] if differs else [own]

    def _check_measured(self, study: Study, file: str, key: str) -> None:
        """Refuse moments and frequencies that its measure does not have."""
        measure = study.tables.measure[self.measure]
        moments, tones = measure.at, measure.frequency or [Quantity("1 kHz")]
        for name, wanted, allowed in (
            ("at", (self.at,), moments),
            ("since", (self.since,), moments),
            ("frequency", self.frequency, tones),
        ):
            for value in wanted:
                if value is not None and value not in allowed:
                    where = "there" if name == "frequency" else "then"
                    raise BadInput(
                        f"is not measured {where}",
                        file=file,
                        key=f"{key}.{name}",
                        given=value.text,
                        allowed=[there.text for there in allowed],
                    )

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms it looks at."""
        return (self.of,) if self.against is None else (self.of, self.against)


def _typed(statistic: Mapping[str, object], file: str, key: str) -> dict[str, object]:
    """A statistic's values with moments and frequencies as quantities."""
    values = dict(statistic)
    try:
        for name in ("at", "since"):
            if name in values:
                values[name] = Quantity(str(values[name]))
        listed = values.get("frequency", [])
        values["frequency"] = tuple(
            Quantity(str(text)) for text in (listed if isinstance(listed, list) else [listed])
        )
        if "weights" in values:
            values["weights"] = _weights(values["weights"])
    except ValueError as error:
        raise BadInput(str(error), file=file, key=key) from error
    return values


def _weights(stated: object) -> tuple[float, ...]:
    """Weights of frequencies; raises ValueError for what is no list of numbers."""
    if not isinstance(stated, list) or not all(type(w) in (int, float) for w in stated):
        raise ValueError(f"weights are a list of numbers such as [1, -0.5], and not {stated!r}")
    return tuple(float(w) for w in stated)


def study_of(entry: Entry[CaseOptions, object], terms: Terms) -> Study:
    """The study a case states, checked as any study file."""
    beside = terms.catalog.beside
    return Study.of(
        {"otosome": "study/1", **(entry.options.study or {})},
        name=entry.card.file,
        folder=None if beside is None else beside.parent,
        shelves=terms.catalog.own,
        allow_retracted=terms.allowed,
    )


def rerun(entry: Entry[CaseOptions, object], rows: list[Case], terms: Terms) -> dict[str, Array]:
    """Each row's statistic in each world, shape (world,) by the row's id."""
    study = study_of(entry, terms)
    statistics = {case.id: Statistic.of_case(case, study, entry.card.file) for case in rows}
    counts: dict[str, int] = {}
    for case in rows:
        for arm in statistics[case.id].arms:
            counts[arm] = max(counts.get(arm, 0), case.n)
    # Groups of one laboratory share a world, and no subject; a subject is the same however many are looked at.
    subjects = max(counts.values())
    ears = draw(study, terms.worlds * len(counts) * subjects, terms.seed, len(counts) * subjects)
    by_group = np.arange(ears.size).reshape(terms.worlds, len(counts), subjects)
    read = {
        arm: _read(study, arm, ears.take(by_group[:, number, :count].ravel()), (subjects, count), terms)
        for number, (arm, count) in enumerate(counts.items())
    }
    return {case.id: _statistic(statistics[case.id], case, study, read) for case in rows}


@dataclass(frozen=True)
class Typical:
    """One ear of a study without errors of reading, for many values of the study's numbers.

    ``rows``  with the statistic of each;  ``drawn``  so many ears as were asked for, whose numbers are set
    """

    study: Study
    rows: tuple[tuple[Case, Statistic], ...]
    seed: int
    drawn: dict[int, Ears] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: Entry[CaseOptions, object], rows: Sequence[Case], terms: Terms) -> Typical:
        """Of some rows of a case; raises BadInput for a row that tells how ears differ, which one ear cannot."""
        study = study_of(entry, terms)
        statistics = [(case, Statistic.of_case(case, study, entry.card.file)) for case in rows]
        for case, statistic in statistics:
            if statistic.figure != "middle" or statistic.scale is not None:
                raise BadInput(
                    "tells how ears differ, and numbers are fitted to what the typical ear does",
                    key="cases",
                    given=case.id,
                    cure="name rows of means or medians",
                )
        return cls(study, tuple(statistics), terms.seed)

    def values(self, numbers: Mapping[str, Array], carried: Carried | None = None) -> dict[str, Array]:
        """Each row's statistic in each lane, shape (lane,) by the row's id.

        ``numbers``  every number of the study, (lane,);  ``carried``  solutions of transport that several calls share
        """
        lanes = next(iter(numbers.values())).size
        if lanes not in self.drawn:
            self.drawn[lanes] = draw(self.study, lanes, self.seed, 1)
        ears, read = self.drawn[lanes].assign(**numbers), {}
        for arm in dict.fromkeys(arm for _, statistic in self.rows for arm in statistic.arms):
            planned = plan(self.study, [arm], growth=_GROWTH)
            values = through(planned, ears, _measures, workers=1, carried=carried)
            read[arm] = {name: value.reshape(lanes, 1, *value.shape[1:]) for name, value in values.items()}
        return {case.id: _statistic(statistic, case, self.study, read) for case, statistic in self.rows}


def _read(study: Study, arm: str, mine: Ears, subjects: tuple[int, int], terms: Terms) -> dict[str, Array]:
    """Readings of an arm's own subjects in every world, shape (world, subject, time, frequency) by measure.

    ``subjects``  in each world: of the largest group, for whose luck with readings all draw, and of this one
    """
    most, count = subjects
    values_by_measure = through(plan(study, [arm], growth=_GROWTH), mine, _measures)
    readings: dict[str, Array] = {"run": mine.run.reshape(terms.worlds, count).astype(float)}
    for name, measure in study.tables.measure.items():
        values = values_by_measure[name]
        each = values[0].size
        luck = uniforms(terms.seed, f"observation/{name}/{arm}", 0, terms.worlds * most * each)
        own = luck.reshape(terms.worlds, most, *values.shape[1:])[:, :count].reshape(values.shape)
        value = endpoint(study, measure, mine).read(values, own).value
        readings[name] = value.reshape(terms.worlds, count, *value.shape[1:])
    return readings


def _measures(ears: Cochleae) -> dict[str, Array]:
    chain = ears.plan
    cells = Fate(ears, chain.arms[0]).cells.at(chain.at(chain.times))
    return {
        name: true_value(ears, measure, cells, chain.frequencies, chain.arms[0], chain.times)
        for name, measure in chain.study.tables.measure.items()
    }


def _statistic(
    statistic: Statistic, case: Case, study: Study, read: Mapping[str, Mapping[str, Array]]
) -> Array:
    if statistic.figure != "middle":
        return _between(statistic, case, study, read[statistic.of])
    groups = [
        _group(statistic, case, study, read[arm][statistic.measure][:, : case.n]) for arm in statistic.arms
    ]
    if len(groups) == 1:
        values = groups[0]
    elif statistic.by == "ratio":
        values = groups[0] / groups[1]
    else:
        values = groups[0] - groups[1]
    if statistic.weights:
        # Frequencies of readings rise.
        rising = np.argsort(statistic.frequency)
        return np.asarray(values @ np.array(statistic.weights)[rising])
    return np.asarray(getattr(np, statistic.over)(values, axis=1))


def _between(statistic: Statistic, case: Case, study: Study, read: Mapping[str, Array]) -> Array:
    """How the subjects of one group differ, shape (world,)."""
    values, _ = _values(statistic, study, read[statistic.measure][:, : case.n])
    if statistic.figure == "spread":
        return between.spread(values)
    if statistic.figure == "shape":
        return between.shape(values)
    if statistic.figure == "run":
        return between.run(values, read["run"][:, : case.n].astype(np.int64))
    if statistic.beside is None:
        return between.correlation(values)
    return between.correlation(values, _values(statistic, study, read[statistic.beside][:, : case.n])[0])


def _values(statistic: Statistic, study: Study, readings: Array) -> tuple[Array, Array | None]:
    """Readings at the moment and frequencies looked at, (world, subject, frequency); less those before, where asked,
    or with them, where a scale compares."""
    planned, measure = plan(study), study.tables.measure[statistic.measure]
    wanted = list(statistic.frequency) or measure.tones
    chosen = readings[..., np.searchsorted(planned.frequencies, np.sort(wanted))]
    at = max(measure.at) if statistic.at is None else statistic.at
    values = chosen[:, :, np.searchsorted(planned.times, at)]
    before = (
        None if statistic.since is None else chosen[:, :, np.searchsorted(planned.times, statistic.since)]
    )
    if before is not None and statistic.scale is None:
        values = values - before
    return values, before


def _group(statistic: Statistic, case: Case, study: Study, readings: Array) -> Array:
    """What the subjects of a group have together at each frequency, shape (world, frequency)."""
    values, before = _values(statistic, study, readings)
    if statistic.scale is not None:
        measure = study.tables.measure[statistic.measure]
        wanted = list(statistic.frequency) or measure.tones
        scale = study.scale(statistic.scale)
        grades = scale.grade(values, np.sort(wanted), before)
        return np.asarray((grades >= scale.labels.index(statistic.grade)).mean(axis=1, keepdims=True))
    return np.asarray(np.median(values, axis=1) if case.summary == "median" else values.mean(axis=1))
