"""A map of what was measured: published experiments by product, endpoint, dose and day, and the gaps between."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from otosome.errors import BadInput
from otosome.review.experiments.experiment import Experiment
from otosome.review.question import words_of
from otosome.roles import GroupTable
from otosome.units import Json, quantity

UNSTATED = "not stated"
Direction = Literal["better", "none", "mixed"]
# What the map may be laid out by, and how a person says it.
AXES: Mapping[str, str] = {
    "product": "what was given",
    "endpoint": "what was read",
    "read_on": "day it was read",
    "moment": "when it was given",
    "dose": "dose as printed",
    "insult": "insult",
    "route": "route",
    "species": "species",
}
PLACES = ("animals", "people", "culture")
_ENDPOINTS = ("threshold", "emission", "hearing loss", "hair cells", "neurons", "adverse events")
# Upper ends of what is laid together, in days.
_READ_ON = {"up to 3 d": 3.0, "4 to 14 d": 14.0, "15 to 30 d": 30.0, "after 30 d": float("inf")}
_BEFORE, _AT, _SOON, _LATER = "before", "at the time", "within a day after", "more than a day after"
_AFTER, _AROUND = "after, day not stated", "before and after"
_MOMENTS = (_BEFORE, _AROUND, _AT, _SOON, _LATER, _AFTER)
_DAYS = {"min": 1 / 1440, "h": 1 / 24, "d": 1.0}
# Axes whose words stand in an order of their own; a map shows all of them, for what is missing.
_ORDERS: Mapping[str, Sequence[str]] = {
    "endpoint": _ENDPOINTS,
    "read_on": tuple(_READ_ON),
    "moment": _MOMENTS,
}


@dataclass(frozen=True)
class Finding:
    """What one outcome of a published experiment says, in the words that the map is laid out by.

    ``place``    animals, people or culture;  ``when``, ``day``  as printed, of what ``moment`` and ``read_on`` hold
    ``n``        units treated and control, none where they are not printed
    ``read``     how far the paper was read, at ``locator``
    """

    experiment: str
    short: str
    year: int | None
    link: str
    place: str
    product: str
    endpoint: str
    read_on: str
    moment: str
    dose: str
    insult: str
    route: str
    species: str
    when: str
    day: str
    treated: str
    direction: str
    strength: str
    n: tuple[int | None, int | None]
    read: str
    locator: str


@dataclass(frozen=True)
class Mark:
    """An experiment in a field of the map: what its outcomes there say together."""

    experiment: str
    short: str
    direction: Direction


@dataclass(frozen=True)
class Coverage:
    """Experiments laid out ``down`` and ``across``: the marks of each field, by its words; ``gaps`` hold none."""

    down: str
    across: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    fields: dict[tuple[str, str], tuple[Mark, ...]]

    @property
    def gaps(self) -> int:
        """How many fields hold no experiment; those of what was not stated are none."""
        return sum(
            (row, column) not in self.fields
            for row in self.rows
            for column in self.columns
            if UNSTATED not in (row, column)
        )

    @property
    def stated(self) -> int:
        """How many fields there are but those of what was not stated."""
        return sum(row != UNSTATED for row in self.rows) * sum(column != UNSTATED for column in self.columns)


def findings(
    every: Sequence[Experiment], keys: Callable[[Experiment], Iterable[str]] | None = None
) -> list[Finding]:
    """Every outcome of the experiments that count, in the order of the shelf; or those of its ``keys``."""
    return [
        _finding(experiment, key)
        for experiment in every
        if not experiment.why_out
        for key in (experiment.options.outcome if keys is None else keys(experiment))
    ]


def _finding(experiment: Experiment, key: str) -> Finding:
    options = experiment.options
    outcome = options.outcome[key]
    group = experiment.group(outcome.treated)
    return Finding(
        experiment=experiment.name,
        short=experiment.short,
        year=experiment.year,
        link=experiment.source.link,
        place=words_of(experiment, outcome)["in"][0],
        product=group.product or "",
        endpoint=outcome.of,
        read_on=_read_on(outcome.day),
        moment=_moment(group.when),
        dose=_dose(group),
        insult=options.insult.kind,
        route=group.route or UNSTATED,
        species=options.subject.species,
        when=group.when,
        day=outcome.day,
        treated=group.about,
        direction=outcome.direction,
        strength=outcome.strength,
        n=(experiment.count(outcome.treated), experiment.count(outcome.control) if outcome.control else None),
        read=options.read,
        locator=options.locator,
    )


def _read_on(day: str) -> str:
    """The days a reading is laid together with."""
    if not day:
        return UNSTATED
    return next(words for words, end in _READ_ON.items() if quantity(day, "d") <= end)


def _moment(when: str) -> str:
    """When it was given, seen from the insult; how long it was given says no moment."""
    before, after = "before" in when, "after" in when
    if before or after:
        if not after:
            return _BEFORE
        if before:
            return _AROUND
        after_it = re.search(r"([\d.]+)\s*(min|h|d)\s+after", when)
        if after_it is None:
            return _AFTER
        return _SOON if float(after_it.group(1)) * _DAYS[after_it.group(2)] <= 1 else _LATER
    return _AT if when.startswith(("0 ", "with")) else UNSTATED


def _dose(group: GroupTable) -> str:
    return group.dose or UNSTATED


def coverage(rows: Sequence[Finding], down: str = "product", across: str = "endpoint") -> Coverage:
    """The map of some findings; raises BadInput for an axis there is not, or one laid over itself."""
    for key, axis in (("down", down), ("across", across)):
        if axis not in AXES:
            raise BadInput("is no side of the map", key=key, given=axis, allowed=list(AXES))
    if down == across:
        raise BadInput("is laid out both ways", key="across", given=across, cure="choose another")
    fields: dict[tuple[str, str], dict[str, list[Finding]]] = {}
    for row in rows:
        fields.setdefault((getattr(row, down), getattr(row, across)), {}).setdefault(
            row.experiment, []
        ).append(row)
    return Coverage(
        down,
        across,
        _words(rows, down),
        _words(rows, across),
        {
            field: tuple(_mark(members) for members in experiments.values())
            for field, experiments in fields.items()
        },
    )


def _words(rows: Sequence[Finding], axis: str) -> tuple[str, ...]:
    """The words of a side in order: its own where it has one, else those with the most experiments first."""
    experiments: dict[str, set[str]] = {}
    for row in rows:
        experiments.setdefault(getattr(row, axis), set()).add(row.experiment)
    order = _ORDERS.get(axis)
    last: Callable[[str], bool] = UNSTATED.__eq__
    if order is not None:
        return (*order, *(word for word in experiments if last(word)))
    return tuple(sorted(experiments, key=lambda word: (last(word), -len(experiments[word]), word)))


def _mark(members: Sequence[Finding]) -> Mark:
    """An experiment's outcomes of one field as one mark."""
    better = {member.direction == "better" for member in members}
    direction: Direction = "mixed" if len(better) > 1 else "better" if better.pop() else "none"
    return Mark(members[0].experiment, members[0].short, direction)


def finding_rows(rows: Sequence[Finding]) -> list[Json]:
    """Findings as a table for other programs, a row each."""
    return [{**asdict(replace(row, n=(None, None))), "n": row.n[0], "n_control": row.n[1]} for row in rows]
