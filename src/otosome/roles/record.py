"""Shelves of the published record: qualification cases, claims, experiments, forecasts, resolutions; and designs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from pydantic import Field, PlainValidator

from otosome.roles.options import On, Options, Species

if TYPE_CHECKING:
    from otosome.trials.plan import Plan


@dataclass(frozen=True)
class RowTable(Options):
    """A row of a case as its file states it (``otosome.review.qualification.case`` says what each is)."""

    about: str = ""
    source: str = ""
    locator: str = ""
    value: Annotated[str, Field(alias="found")] = ""
    se: str = ""
    sd: str = ""
    low: str = ""
    high: str = ""
    above: str = ""
    below: str = ""
    expect: tuple[str, ...] = ()
    tolerance: str = ""
    n: Annotated[int, Field(ge=1)] = 1
    summary: Literal["mean", "median"] = "mean"
    statistic: Mapping[str, object] = field(default_factory=dict)
    used: str = ""
    weak: str = ""
    why: str = ""
    no_test: str = ""


@dataclass(frozen=True)
class CaseOptions(Options):
    """Options of a published case: a ``study`` that states it, or what was ``given`` and ``read``, or a formula.

    ``row``      by id: what was measured, as ``otosome.review.qualification.case`` reads it
    ``given``, ``read``  by name: as ``otosome.review.qualification.experiment`` reads them
    ``rests``    the entries that its own formula uses
    ``species``  whose ears its formula is given
    """

    row: Annotated[Mapping[str, RowTable], Field(min_length=1)]
    source: str = ""
    locator: str = ""
    study: Mapping[str, object] | None = None
    species: Species = "guinea_pig"
    rests: tuple[Annotated[str, Field(pattern=r"^[a-z_]+\.[A-Za-z0-9_]+$")], ...] = ()
    given: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    read: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True)
class Grounds(Options):
    """One thing a claim stands on.

    ``kind``  in the file ``is``: measured, direction or none;  ``says``  for, against or open
    ``rows``  of the shelf ``cases`` that run it again
    """

    words: str
    kind: Annotated[Literal["measured", "direction", "none"], Field(alias="is")]
    says: Literal["for", "against", "open"]
    sources: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


def _study(value: object) -> object:
    if not isinstance(value, (str, dict)):
        raise ValueError("names a study, or states one as a table")
    return value


@dataclass(frozen=True)
class ClaimOptions(Options):
    """Options of a claim.

    ``by``        source that makes it;  ``test``  the experiment that would settle it
    ``needs``     line its figure must reach for the claim to hold: ``above`` or ``below`` a number
    ``built_in``  why the figure follows from the structure and decides nothing
    ``missing``   what is wanting where no figure can be computed yet
    ``study``     its figure asks;  ``uses``  entries its figure rests on besides (``scales.who_2021``)
    ``review``    what papers did: a question of ``otosome review`` and its filters (``product=vesicles``)
    ``by_prior``  whether its figure is computed under every prior on efficacy
    """

    by: str
    test: str
    stands_on: Annotated[tuple[Grounds, ...], Field(min_length=1)]
    needs: Annotated[Mapping[Literal["above", "below"], float], Field(min_length=1, max_length=1)] | None = (
        None
    )
    built_in: str = ""
    missing: str = ""
    study: Annotated[str | Mapping[str, object], PlainValidator(_study)] = ""
    uses: tuple[Annotated[str, Field(pattern=r"^[a-z_]+\.[A-Za-z0-9_]+$")], ...] = ()
    review: tuple[str, ...] = ()
    by_prior: bool = False


@dataclass(frozen=True)
class SubjectTable(Options):
    """Who was treated in a published experiment; a species need be on no shelf."""

    species: Annotated[str, Field(min_length=1)]
    strain: str = ""
    age: str = ""
    sex: str = ""


@dataclass(frozen=True)
class ExperimentInsult(Options):
    """What injured the ears of a published experiment: its ``kind``, and amount and schedule as printed."""

    kind: Literal[
        "cisplatin",
        "aminoglycoside",
        "noise",
        "ischaemia",
        "ouabain",
        "implantation",
        "heredity",
        "other",
        "none",
    ]
    about: str = ""
    amount: str = ""
    schedule: str = ""


Product = Literal[
    "vesicles", "live cells", "steroid", "antioxidant", "thiosulfate", "nucleotide", "antimitotic", "mixture"
]


@dataclass(frozen=True)
class GroupTable(Options):
    """A group of a published experiment.

    ``n``        units of analysis in it, none where it is not printed;  ``n_is``  whose count that is: stated for the
                 group, assumed by the reader, or the total of all groups
    ``product``  what it got, none for a control;  ``cells``, ``dose``, ``volume``, ``route``, ``when``  as printed
    """

    about: Annotated[str, Field(min_length=1)]
    n: Annotated[int, Field(ge=1)] | None = None
    n_is: Literal["stated", "assumed", "total"] = "stated"
    product: Product | None = None
    cells: str = ""
    dose: str = ""
    volume: str = ""
    route: str = ""
    when: str = ""


@dataclass(frozen=True)
class OutcomeTable(Options):
    """What was read of two groups of a published experiment, in the strength it was printed.

    ``of``           what was read, in ``unit`` ("" where no number was);  ``better``  which way is better
    ``strength``     individuals (``each`` or ``events`` by group), means (``mean`` with ``spread`` by group, or the
                     ``difference`` with its 95 % ends ``low`` and ``high``), p (``p``, or a bound ``p_below`` or
                     ``p_above``, with its ``test``) or direction
    ``p_is``         stated by the paper, or assumed by the reader;  ``paired``  two ears of one subject
    ``direction``    of the treated against the control
    ``primary``      whether it is the outcome the study was planned for, or the reader's first choice
    """

    of: Literal["threshold", "emission", "hair cells", "neurons", "hearing loss", "adverse events"]
    treated: str
    strength: Literal["individuals", "means", "p", "direction"]
    direction: Literal["better", "worse", "none"]
    control: str = ""
    unit: Literal["dB", "%", "cells", "events", ""] = ""
    better: Literal["lower", "higher"] = "lower"
    about: str = ""
    frequency: tuple[str, ...] = ()
    day: str = ""
    each: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    events: Mapping[str, Annotated[int, Field(ge=0)]] = field(default_factory=dict)
    mean: Mapping[str, float] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)
    spread_is: Literal["SD", "SEM", "95 %", ""] = ""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_below: float | None = None
    p_above: float | None = None
    p_is: Literal["stated", "assumed", ""] = ""
    test: str = ""
    paired: bool = False
    primary: bool = True


@dataclass(frozen=True)
class ForecastOptions(Options):
    """Options of a forecast: a dated question, what is expected, and how it will be resolved; never edited.

    ``dated``, ``by``  the days it was stated and is to be resolved;  ``how``  by what
    ``chance``     that it is so;  or ``quantiles``  of a number in ``unit``, by share, rising
    ``hash``       of all of that, so that a later edit shows
    """

    question: Annotated[str, Field(min_length=1)]
    dated: str
    by: str
    how: Annotated[str, Field(min_length=1)]
    because: Annotated[str, Field(min_length=1)]
    hash: str
    chance: Annotated[float, Field(gt=0, lt=1)] | None = None
    quantiles: Mapping[str, float] = field(default_factory=dict)
    unit: str = ""
    source: str = ""


@dataclass(frozen=True)
class ResolutionOptions(Options):
    """Options of a resolution: the ``forecast`` it resolves, ``on`` which day, what happened, by which ``source``."""

    forecast: Annotated[str, On(("forecasts",))]
    on: str
    source: str
    happened: bool | None = None
    number: float | None = None


@dataclass(frozen=True)
class BiasTable(Options):
    """One item of the risk of bias: its ``answer``, and what in the paper it rests on, in the reader's words."""

    answer: Literal["yes", "no", "not stated"]
    because: str = ""


@dataclass(frozen=True)
class CheckTable(Options):
    """Who compared an entry with its source, and ``on`` which day (2026-11-29)."""

    by: Annotated[str, Field(min_length=1)]
    on: str


@dataclass(frozen=True)
class SimulateTable(Options):
    """A published experiment in the model.

    ``study``    a study file's tables whose arms are named as its groups;  ``because``  what of it was not printed
    ``same``     groups that were done as another, by the name of that arm
    """

    study: Mapping[str, object]
    because: Annotated[str, Field(min_length=1)]
    same: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ExperimentOptions(Options):
    """Options of a published experiment.

    ``read``     how far it was read, at its ``locator``;  ``checked``  by whom and when; none counts nowhere
    ``unit``     of analysis: what one of its n is
    ``bias``     by item of SYRCLE (animals) or RoB 2 (people); an item that is not there is not stated
    ``simulate``  the experiment in the model, where that has its insult and its route
    """

    source: Annotated[str, Field(min_length=1)]
    read: Literal["full text", "figure", "abstract", "headings", "second hand", "draft"]
    subject: SubjectTable
    insult: ExperimentInsult
    unit: Literal["animal", "ear", "person", "well", "not stated"]
    group: Annotated[Mapping[str, GroupTable], Field(min_length=1)]
    outcome: Annotated[Mapping[str, OutcomeTable], Field(min_length=1)]
    locator: str = ""
    checked: CheckTable | None = None
    bias: Mapping[str, BiasTable] = field(default_factory=dict)
    note: str = ""
    simulate: SimulateTable | None = None


class Design(Protocol):
    """An experiment or a trial as its file states it: its keys are the fields of the formula."""

    def check(self) -> None:
        """Refuse what single keys do not show; raises BadInput naming the key."""
        ...

    def plan(self) -> Plan:
        """How many are needed and what they can show, by formula; raises BadInput outside what the design is for."""
        ...
