"""The protocol of a simulated trial: of which study, which arms, how many trials, how they are read and analysed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.evidence import ALIKE
from otosome.roles import Options
from otosome.trials.kinds import NO_LOSS, Alpha, Correlation, Loss
from otosome.units import Quantity

if TYPE_CHECKING:
    from otosome.fitting.use import Known
    from otosome.study import Measure, Study

# Subjects, or runs where they are the units, without which a group is not analysed.
FEWEST = 3
Analysis = Literal["t", "ancova", "shares", "change", "paired"]
Moment = Annotated[Quantity, Field()]
ALIKE_EARS = Quantity(f"{100 * ALIKE:g} %")
Ratio = Annotated[float, Field(ge=0.0, le=10.0)]
Events = Annotated[str, Field(pattern=r"^\s*\d{1,6}\s*/\s*\d{1,6}\s*$")]


@dataclass(frozen=True)
class Published(Options):
    """A published trial of the same: how many of how many were worse in each group, as ``"31/55"``.

    Worlds count by how well their control arm explains ``control``; the treated arm is predicted, and ``treated`` is
    printed beside it and used for nothing.
    """

    control: Events
    treated: Events

    def counts(self, key: str) -> tuple[int, int]:
        """Events and people of a group; raises BadInput for more events than people."""
        events, people = (int(part) for part in getattr(self, key).split("/"))
        if not 0 <= events <= people or people == 0:
            raise BadInput("is events of people", key=f"published.{key}", given=getattr(self, key))
        return events, people


@dataclass(frozen=True)
class Simulate(Options):
    """The table ``[simulate]`` of a design.

    ``study``      a study's file, beside the design, or the name of a shipped one
    ``batch``      the record of a lot, beside the design, in the place of the study's vesicles
    ``fit``        the result folder of a fit, beside the design, whose numbers take the place of the shelf's
    ``treated``, ``control``  two of its arms;  ``measure``  of it;  ``at``  when it is read, ``baseline`` before that
    ``analysis``   ``t`` of the readings, ``ancova`` beside the baseline, ``shares`` of subjects worse than their
                   baseline by ``loss`` or by a ``grade`` of a ``scale``, ``change`` of the treated from their own
                   baseline, without a control, or ``paired`` ears of one person, of whom ``n`` are entered
    ``ear_correlation``  of paired ears, in all that differs between people
    ``published``  of shares: a trial whose control arm chooses among worlds, and whose treated arm is predicted
    ``ratios``     of shares: risk ratios that are believed, by name: 5 %, best value, 95 %
    ``n``          subjects in each group;  ``trials``  simulated;  ``bank``  ears, of which ``world`` share a world
    ``grow_to``    ears up to which the bank is doubled while its error is larger than that of so many trials
    ``run_animals``  of a group that are exposed together, as the design or the study's [cohort] has it where it is left
                   out: ``runs`` ``apart``, each group in runs of its own, of which the analysis then has means, or
                   ``blocked``, every run with as many of either group
    ``enrol``      subjects whose first reading is at ``least`` or at ``most`` a level;  ``lead_in``  whether they are
                   read once more before they begin, and that reading is their baseline
    """

    study: str
    treated: str
    control: str
    measure: str
    at: Moment
    n: Annotated[int, Field(ge=2, le=100_000)]
    batch: str | None = None
    fit: str | None = None
    analysis: Analysis = "t"
    baseline: Moment | None = None
    loss: Quantity | None = None
    scale: str | None = None
    grade: str | None = None
    published: Published | None = None
    ratios: Annotated[Mapping[str, tuple[Ratio, Ratio, Ratio]], Field(max_length=10)] = field(
        default_factory=dict, hash=False
    )
    least: Quantity | None = None
    most: Quantity | None = None
    lead_in: bool = False
    dropout: Loss = NO_LOSS
    ear_correlation: Correlation = ALIKE_EARS
    run_animals: Annotated[int, Field(ge=1, le=1000)] | None = None
    runs: Literal["apart", "blocked"] = "apart"
    alpha: Alpha = 0.05
    trials: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000
    bank: Annotated[int, Field(ge=20, le=10_000_000)] = 2_000
    grow_to: Annotated[int, Field(ge=20, le=10_000_000)] | None = None
    world: Annotated[int, Field(ge=2, le=100_000)] = 100
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1

    @property
    def moments(self) -> tuple[float, ...]:
        """When the bank is read, h: the baseline first, if there is one."""
        return (float(self.at),) if self.baseline is None else (float(self.baseline), float(self.at))

    @property
    def entered(self) -> int:
        """Subjects of a trial: of both groups, or of the one there is."""
        return self.n if self.analysis in ("paired", "change") else 2 * self.n

    def animals(self, study: Study) -> int:
        """Animals of a group that are exposed together; 1 of people, and of ears that are each other's control."""
        if study.tables.species == "human" or self.analysis == "paired":
            return 1
        return study.cohort.animals if self.run_animals is None else self.run_animals

    def together(self, study: Study) -> int:
        """Subjects of a group in one run: of its animals the ears that are studied; 1 where each is alone."""
        animals = self.animals(study)
        return animals if animals == 1 else animals * study.cohort.ears

    def check(self, study: Study) -> None:
        """Refuse what does not fit the study, or cannot be carried out; raises BadInput with its key."""
        arms = [arm.name for arm in study.tables.arm]
        for key, name in (("treated", self.treated), ("control", self.control)):
            if name not in arms:
                raise BadInput("is no arm of the study", key=key, given=name, allowed=arms)
        if self.measure not in study.tables.measure:
            raise BadInput(
                "is not measured in the study",
                key="measure",
                given=self.measure,
                allowed=list(study.tables.measure),
            )
        times = study.tables.measure[self.measure].at
        for key, moment in (("at", self.at), ("baseline", self.baseline)):
            if moment is not None and not np.isclose([float(t) for t in times], float(moment)).any():
                raise BadInput(
                    "is not when the study measures it",
                    key=key,
                    given=moment.text,
                    allowed=[t.text for t in times],
                )
        self._check_analysis()
        self._check_shares(study)
        self._check_runs(study)
        for key, ears in (("bank", self.bank), ("grow_to", self.grow_to)):
            if ears is not None and ears % self.world:
                raise BadInput(
                    "is a multiple of world", key=key, given=ears, allowed=f"{self.world} times any"
                )
        if self.grow_to is not None and self.grow_to < self.bank:
            raise BadInput("is above bank", key="grow_to", given=self.grow_to, allowed=f"from {self.bank} on")

    def _check_analysis(self) -> None:
        enrols = self.least is not None or self.most is not None or self.lead_in
        if self.analysis == "paired" and enrols:
            raise BadInput(
                "enrols persons, and not ears by what each is read at", key="analysis", given="paired"
            )
        if self.analysis != "paired" and self.ear_correlation != ALIKE_EARS:
            raise BadInput("belongs to paired ears, and to nothing else", key="ear_correlation")
        needs_baseline = self.analysis not in ("t", "paired") or enrols
        if needs_baseline and self.baseline is None:
            raise BadInput(
                f"{self.analysis} needs it" if self.analysis != "t" else "enrolment needs it", key="baseline"
            )
        if self.baseline is not None and float(self.baseline) >= float(self.at):
            raise BadInput("must lie before the reading", key="baseline", given=self.baseline.text)

    def _check_runs(self, study: Study) -> None:
        """Where runs are the units, a group has enough of them, and a world holds some to choose from."""
        each = self.together(study)
        if self.run_animals is not None and self.animals(study) != self.run_animals:
            raise BadInput("is of groups of animals", key="run_animals", given=self.run_animals)
        if each == 1:
            if self.runs == "blocked":
                raise BadInput("are runs of several animals of each group", key="runs", given=self.runs)
            return
        blocked = self.runs == "blocked"
        if not blocked and -(-self.n // each) < FEWEST:
            raise BadInput(
                f"is fewer than {FEWEST} exposure runs of {each} in each group, and the run is the unit",
                key="n",
                given=self.n,
                allowed=f"from {(FEWEST - 1) * each + 1} on",
                cure='enter more, or state runs = "blocked", where every run holds both groups',
            )
        whole = each * (2 if blocked else 1)
        if self.world < 2 * whole:
            raise BadInput(
                f"holds fewer than two exposure runs of {whole} ears",
                key="world",
                given=self.world,
                allowed=f"from {2 * whole} on",
            )

    def _check_shares(self, study: Study) -> None:
        """What counts as worse is a loss or a grade of a scale of hearing; what belongs to shares is of no other."""
        if self.analysis != "shares":
            for key in ("loss", "scale", "grade", "published"):
                if getattr(self, key) is not None:
                    raise BadInput("belongs to shares, and to nothing else", key=key)
            if self.ratios:
                raise BadInput("belongs to shares, and to nothing else", key="ratios")
            return
        if (self.loss is None) == (self.scale is None) or (self.scale is None) != (self.grade is None):
            raise BadInput("shares are of subjects worse by a loss, or by a grade of a scale", key="loss")
        if self.scale is not None:
            self._check_scale(study, self.scale)
        if self.published is not None:
            for key in ("control", "treated"):
                self.published.counts(key)
        for name, (low, best, high) in self.ratios.items():
            if name in ("none", "mechanism") or not low <= best <= high:
                raise BadInput(
                    "is 5 %, best value and 95 % of a belief with a name of its own", key=f"ratios.{name}"
                )

    def _check_scale(self, study: Study, scale: str) -> None:
        scales = study.catalog.names("scales")
        if scale not in scales:
            raise BadInput("is not known", key="scale", given=scale, allowed=scales)
        if study.tables.measure[self.measure].endpoint != "audiogram":
            raise BadInput("is of audiograms", key="scale", given=scale)
        labels = study.scale(scale).labels[1:]
        if self.grade not in labels:
            raise BadInput("is no grade of the scale", key="grade", given=self.grade, allowed=labels)


def study_name(protocol: Simulate, beside: Path) -> str:
    """A study's file beside the design, or the name of a shipped one."""
    file = beside / protocol.study
    return str(file) if file.is_file() else protocol.study


def batch_of(protocol: Simulate, beside: Path) -> Path | None:
    """The lot's record that a protocol names, if it names one."""
    return None if protocol.batch is None else beside / protocol.batch


def study_of(protocol: Simulate, beside: Path, catalog: Catalog, known: Known | None = None) -> Study:
    """The study of a trial, with the numbers of a fit, checked against the protocol; raises BadInput."""
    study = loaded(study_name(protocol, beside), catalog.own, batch_of(protocol, beside), known)
    protocol.check(study)
    return study


def loaded(study: str, shelves: tuple[Path, ...], batch: Path | None, known: Known | None) -> Study:
    """A study, with a lot in the place of its vesicles and a fit's numbers in that of the shelf's."""
    from otosome.study import load

    plain = load(study, shelves=shelves, batch=batch)
    return plain if known is None else known.stated(plain)


def cut_down(study: Study, protocol: Simulate) -> Study:
    """The study with the two arms and the one measure of a trial: no other is simulated."""
    from otosome.study.tables.people import CohortUse

    arms = [arm for arm in study.tables.arm if arm.name in (protocol.treated, protocol.control)]
    measure: Measure = study.tables.measure[protocol.measure]
    at = [t for t in measure.at if any(np.isclose(float(t), moment) for moment in protocol.moments)]
    only = {protocol.measure: measure.model_copy(update={"at": at})}
    changed: dict[str, object] = {"arm": arms, "measure": only, "compare": None, "preference": None}
    if protocol.together(study) > 1:
        animals = protocol.animals(study) * (2 if protocol.runs == "blocked" else 1)
        changed["cohort"] = CohortUse(ears=study.cohort.ears, animals=animals)
    tables = study.tables.model_copy(update=changed)
    return replace(study, tables=tables)
