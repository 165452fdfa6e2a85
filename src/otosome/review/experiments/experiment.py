"""A published experiment as its entry states it, checked: groups, outcomes in the strength they were printed, bias."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from otosome.catalog import Catalog, Entry
from otosome.errors import BadInput, at
from otosome.evidence import Source
from otosome.files import sha256
from otosome.roles import ExperimentOptions, GroupTable, OutcomeTable

SHELF: Final = "experiments"
TEMPLATE = Path(__file__).with_name("experiment.toml")
# The ten items of SYRCLE (Hooijmans et al. 2014, https://doi.org/10.1186/1471-2288-14-43), and RoB 2's domains
# (Sterne et al. 2019, https://doi.org/10.1136/bmj.l4898).
SYRCLE = (
    "sequence",
    "baseline",
    "allocation",
    "housing",
    "blinded_care",
    "random_assessment",
    "blinded_assessment",
    "missing",
    "reporting",
    "other",
)
DOMAINS = ("randomisation", "deviations", "missing", "measurement", "reporting")
# What each strength states, and nothing of another.
_STATES = {
    "individuals": ("each", "events"),
    "means": ("mean", "spread", "spread_is", "difference", "low", "high", "p", "p_below", "p_is", "test"),
    "p": ("p", "p_below", "p_above", "p_is", "test"),
    "direction": (),
}
_NUMBERS = tuple(dict.fromkeys(name for names in _STATES.values() for name in names))


@dataclass(frozen=True)
class Experiment:
    """A published experiment: its entry and its source."""

    name: str
    entry: Entry[ExperimentOptions, object]
    source: Source

    @classmethod
    def of(cls, entry: Entry[ExperimentOptions, object], catalog: Catalog) -> Experiment:
        """An experiment from its entry; raises BadInput naming file and field for what cannot be."""
        options = entry.options
        with at(entry.card.file):
            _check_bias(options)
            _check_day(options)
            for key, outcome in options.outcome.items():
                with at(key=f"outcome.{key}"):
                    check_outcome(outcome, options)
            with at(key="source"):
                source = catalog.source(options.source)
        return cls(entry.name, entry, source)

    @property
    def options(self) -> ExperimentOptions:
        """What the entry states."""
        return self.entry.options

    @property
    def year(self) -> int | None:
        """The year it was published, where that is known."""
        return self.source.year

    @property
    def short(self) -> str:
        """What a figure calls it: the first author and the year, or its name in words."""
        first = self.source.authors.partition(",")[0].partition(" and ")[0].split()
        author = " ".join(word for word in first if not word.isupper())
        words = self.name.replace("_", " ")
        return f"{author} {self.year}" if author and self.year else words[:1].upper() + words[1:]

    @property
    def why_out(self) -> str:
        """Why it counts nowhere; empty where it counts."""
        if self.source.standing != "current":
            return f"its source is {self.source.standing}"
        if self.options.read == "draft" or self.options.checked is None:
            return "nobody has checked it against its source yet"
        return ""

    @property
    def people(self) -> bool:
        """Whether people were treated."""
        return self.options.subject.species == "human"

    @property
    def culture(self) -> bool:
        """Whether cells or tissue in a dish were treated, and no whole animal."""
        return any(group.route == "medium" for group in self.options.group.values())

    @property
    def items(self) -> tuple[str, ...]:
        """The items its risk of bias is judged by."""
        return DOMAINS if self.people else SYRCLE

    def group(self, name: str) -> GroupTable:
        """One of its groups."""
        return self.options.group[name]

    def count(self, name: str) -> int | None:
        """Units of analysis in a group: of a printed total an equal part; None where none is printed."""
        group = self.group(name)
        if group.n is None or group.n_is != "total":
            return group.n
        return group.n // len(self.options.group)


def experiments(catalog: Catalog, names: Sequence[str] | None = None) -> list[Experiment]:
    """Every experiment on the shelf, or those named, checked; raises BadInput."""
    return [Experiment.of(catalog.get(SHELF, name), catalog) for name in names or catalog.names(SHELF)]


def files(catalog: Catalog, names: Sequence[str] | None = None) -> dict[str, str]:
    """SHA-256 of experiments on the shelf, all or those named, and of their sources, by shelf and file."""
    chosen = catalog.names(SHELF) if names is None else names
    keys = sorted({catalog.get(SHELF, name).options.source for name in chosen})
    return {
        **{f"{SHELF}/{name}.toml": sha256(catalog.file(SHELF, name)) for name in chosen},
        **{f"sources/{key}.toml": sha256(catalog.source_file(key)) for key in keys},
    }


def _check_bias(options: ExperimentOptions) -> None:
    allowed = DOMAINS if options.subject.species == "human" else SYRCLE
    for item, table in options.bias.items():
        if item not in allowed:
            raise BadInput("is no item of the risk of bias", key="bias", given=item, allowed=list(allowed))
        if table.answer != "not stated" and not table.because:
            raise BadInput("says what the answer rests on", key=f"bias.{item}.because")


def _check_day(options: ExperimentOptions) -> None:
    try:
        date.fromisoformat(options.checked.on if options.checked else "2000-01-01")
    except ValueError as error:
        raise BadInput(
            "is a day such as 2026-11-29", key="checked.on", given=options.checked and options.checked.on
        ) from error


def check_outcome(outcome: OutcomeTable, options: ExperimentOptions) -> None:
    """Refuse an outcome that contradicts itself or its experiment; raises BadInput naming the field."""
    _check_pair(outcome, options)
    for key in _NUMBERS:
        if getattr(outcome, key) not in ({}, None, "") and key not in _STATES[outcome.strength]:
            raise BadInput(
                f"is not what {outcome.strength} states",
                key=key,
                allowed=list(_STATES[outcome.strength]),
                cure="an outcome is entered in the strength it was printed, in rows of their own",
            )
    if outcome.strength in ("individuals", "means") and not outcome.unit:
        raise BadInput("states its unit", key="unit", allowed=["dB", "%", "cells", "events"])
    {"individuals": _check_individuals, "means": _check_means, "p": _check_p, "direction": _check_direction}[
        outcome.strength
    ](outcome, options)


def _check_pair(outcome: OutcomeTable, options: ExperimentOptions) -> None:
    """The groups of an outcome: both there, two of them, one of them treated, and no number of another."""
    names = [name for name in (outcome.treated, outcome.control) if name]
    for key, name in (("treated", outcome.treated), ("control", outcome.control)):
        if name and name not in options.group:
            raise BadInput("is no group", key=key, given=name, allowed=list(options.group))
    if len(set(names)) < len(names):
        raise BadInput("is the treated group too: a group counts once", key="control", given=outcome.control)
    if options.group[outcome.treated].product is None:
        raise BadInput("has no product", key="treated", given=outcome.treated, cure="state its product")
    for key in ("each", "events", "mean", "spread"):
        for name in getattr(outcome, key):
            if name not in names:
                raise BadInput("is not compared here", key=key, given=name, allowed=names)


def _count(options: ExperimentOptions, name: str) -> int | None:
    group = options.group[name]
    return None if group.n is None or group.n_is == "total" else group.n


def _check_individuals(outcome: OutcomeTable, options: ExperimentOptions) -> None:
    table = outcome.events or outcome.each
    if bool(outcome.events) == bool(outcome.each):
        raise BadInput("states values or events of each group", key="each")
    for name in filter(None, (outcome.treated, outcome.control)):
        if name not in table:
            raise BadInput("is missing", key=f"{'events' if outcome.events else 'each'}.{name}")
        count = _count(options, name)
        if outcome.each and count is not None and len(outcome.each[name]) != count:
            raise BadInput(
                "is not one for each unit", key=f"each.{name}", given=len(outcome.each[name]), allowed=count
            )
        if outcome.events and (count is None or outcome.events[name] > count):
            raise BadInput(
                "is at most the group's n", key=f"events.{name}", given=outcome.events[name], allowed=count
            )


def _check_means(outcome: OutcomeTable, options: ExperimentOptions) -> None:
    if outcome.difference is not None:
        low, high = outcome.low, outcome.high
        if (
            low is None
            or high is None
            or not low < outcome.difference < high
            or outcome.mean
            or outcome.spread
        ):
            raise BadInput("stands between its 95 % ends, low and high, and no means", key="difference")
        return
    if not outcome.spread_is:
        raise BadInput("says what the spread is", key="spread_is", allowed=["SD", "SEM", "95 %"])
    for name in (outcome.treated, outcome.control):
        if name not in outcome.mean or name not in outcome.spread:
            raise BadInput("is missing", key=f"mean.{name}", cure="without a spread it is a direction")
        if not outcome.spread[name] > 0:
            raise BadInput("is above zero", key=f"spread.{name}", given=outcome.spread[name])
        count = _count(options, name)
        if count == 1:
            raise BadInput("of one unit there is no spread", key=f"spread.{name}", given=outcome.spread[name])
        if count is None and outcome.spread_is == "SD":
            raise BadInput(
                "is needed beside an SD", key=f"group.{name}.n", cure="without it this is a direction"
            )


def _check_p(outcome: OutcomeTable, options: ExperimentOptions) -> None:
    stated = {key: getattr(outcome, key) for key in ("p", "p_below", "p_above")}
    printed = {key: value for key, value in stated.items() if value is not None}
    if len(printed) != 1:
        raise BadInput("is one of p, p_below and p_above", key="p", given=list(printed))
    ((key, value),) = printed.items()
    if not (math.isfinite(value) and 0 < value < 1):
        raise BadInput("lies between 0 and 1", key=key, given=value)
    if not outcome.p_is:
        raise BadInput("says whether the paper states it", key="p_is", allowed=["stated", "assumed"])
    for name in (outcome.treated, outcome.control):
        if not name or options.group[name].n is None:
            raise BadInput(
                "is needed beside a p", key=f"group.{name}.n", cure="without it this is a direction"
            )
    if (outcome.direction == "none") != (outcome.p_above is not None):
        raise BadInput("none belongs to p_above, and to it alone", key="direction", given=outcome.direction)


def _check_direction(outcome: OutcomeTable, options: ExperimentOptions) -> None:
    if not outcome.control:
        raise BadInput("is compared with nothing", key="control", allowed=list(options.group))
