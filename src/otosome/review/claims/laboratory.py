"""Where claims are looked into: studies run for the figures, each group of arms once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from otosome.catalog import Catalog, Entry
from otosome.ears import Ears, Rows
from otosome.errors import BadInput
from otosome.evidence import Parameter, draw_columns
from otosome.roles import Figure, Options
from otosome.study import Compare, Measure, Study, load
from otosome.units import Array, Quantity

if TYPE_CHECKING:
    from otosome.forward import Cochleae, Fate, PlannedArm
    from otosome.model.injury import Cells
    from otosome.review.priors.posterior import Prior

# Ears of a figure, each in a world of its own unless the claim asks otherwise.
EARS = 40
# Steps between knots grow by this: in 16 ears of the shipped study, of up to 11 dB, within 0.2 dB of steps by 1.1.
_GROWTH = 1.3
Numbers = Mapping[str, Array | float]
Work = Callable[["Cochleae"], dict[str, Array]]


@runtime_checkable
class Calculation(Protocol):
    """A claim's formula: a figure about what is claimed."""

    def figure(self, laboratory: Laboratory) -> Figure:
        """The figure now; the laboratory runs studies."""
        ...


@dataclass
class Laboratory:
    """Where claims are looked into: it runs studies, each group of arms once.

    ``ears``     of each figure
    ``numbers``  held at one value in every ear, by full name, in house units
    ``studies``  read so far, each once: laboratories that differ in nothing but their prior may share them
    ``prior``    what is believed of efficacy, where published experiments say anything of a study; the shelf's own
                 numbers where none
    """

    ears: int = EARS
    seed: int = 1
    catalog: Catalog = field(default_factory=Catalog)
    numbers: Mapping[str, float] = field(default_factory=dict)
    prior: Prior | None = None
    studies: dict[str, Study] = field(default_factory=dict, repr=False)
    _done: dict[str, list[Array]] = field(default_factory=dict)
    _drawn: dict[str, Ears] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Refuse ears that do not go in pairs: some figures want two ears of one world."""
        if self.ears < 2 or self.ears % 2:
            raise BadInput("go in pairs", key="ears", given=self.ears, allowed="an even number, 2 or more")

    def study(self, question: str | Mapping[str, object], **changes: object) -> Study:
        """A shipped study by name, or one written out as in a study file.

        ``changes``  keys of the study to replace, such as ``mechanisms``
        """
        key = repr((question, changes))
        if key not in self.studies:
            self.studies[key] = self._read(question, changes)
        return self.studies[key]

    def _read(self, question: str | Mapping[str, object], changes: Mapping[str, object]) -> Study:
        if changes:
            study = self.study(question)
            return replace(study, tables=study.tables.model_copy(update=changes))
        if isinstance(question, str):
            return load(question, shelves=self.catalog.own)
        return Study.of(question, name="claim", shelves=self.catalog.own)

    def table(self, study: Study, world: int = 1, numbers: Numbers | None = None) -> Ears:
        """The laboratory's ears, ``world`` neighbours sharing what is not known."""
        key = repr((study.tables, world))
        if key not in self._drawn:
            self._drawn[key] = self._draw(study, world)
        ears = self._drawn[key]
        fixed: Numbers = {name: value for name, value in self.numbers.items() if name in ears}
        return ears.assign(**{**fixed, **(numbers or {})})

    def _draw(self, study: Study, world: int) -> Ears:
        from otosome.forward import draw
        from otosome.review.priors.rows import drawn
        from otosome.review.priors.worlds import informs

        if self.prior is not None and informs(study):
            return drawn(study, self.prior, self.ears, self.seed, world)[0]
        return draw(study, self.ears, self.seed, world)

    def parameter(self, shelf: str, name: str, key: str, species: str = "") -> Parameter:
        """A number of the shelves with what is not known of it."""
        return self.catalog.get(shelf, name).card.parameter(key, species)

    def columns(self, entry: Entry[Options, object], ears: int, world: int) -> dict[str, Array]:
        """Columns of an entry that no study rests on, such as a population."""
        return draw_columns(entry.parameters("").values(), self.seed, 0, ears, world)

    def arm(
        self,
        study: Study,
        name: str,
        at: float | None = None,
        without: Sequence[str] = (),
        amount: Quantity | None = None,
    ) -> PlannedArm:
        """An arm of a study, changed.

        ``at``       h: its first treatment is given then, any others as long after it as before
        ``without``  mechanisms knocked out besides;  ``amount``  what each treatment gives instead
        """
        from otosome.forward import planned

        arm = planned(study, study.arm(name))
        first = min((time for dose in arm.treatments for time in dose.times), default=0.0)
        later = 0.0 if at is None else at - first
        change = {} if amount is None else {"amount": amount}
        doses = tuple(
            replace(
                dose,
                treatment=dose.treatment.model_copy(update=change),
                times=tuple(time + later for time in dose.times),
            )
            for dose in arm.treatments
        )
        knocked_out = arm.arm.model_copy(update={"without": [*arm.arm.without, *without]})
        return replace(arm, arm=knocked_out, treatments=doses)

    def compared(
        self,
        study: Study,
        at: float | None = None,
        without: Sequence[str] = (),
        amount: Quantity | None = None,
    ) -> tuple[PlannedArm, PlannedArm]:
        """The two arms a study compares: without the vesicles, and with them, changed as ``arm`` does."""
        comparison = self.comparison(study)
        return self.arm(study, comparison.against), self.arm(study, comparison.of, at, without, amount)

    def comparison(self, study: Study) -> Compare:
        """What a study compares; raises BadInput where it compares nothing."""
        if study.tables.compare is None:
            raise BadInput("compares no arms", file=study.name, key="compare")
        return study.tables.compare

    def measured(self, study: Study) -> Measure:
        """The measure by which a study compares its arms."""
        return study.tables.measure[self.comparison(study).measure]

    def run(
        self,
        study: Study,
        arms: Sequence[PlannedArm],
        work: Work,
        world: int = 1,
        numbers: Numbers | None = None,
        ears: Rows | None = None,
    ) -> dict[str, Array]:
        """Some arms of a study for the laboratory's ears; ``work`` takes a block to arrays, subject first.

        ``ears``  some of them by position, shape (subject,)
        """
        from otosome.forward import Plan, through
        from otosome.model.transport import Grid

        plan = Plan(study, tuple(arms), Grid(), growth=_GROWTH)
        # Claims go side by side, and the work of a formula of one's own may be such as no other process can have.
        table = self.table(study, world, numbers)
        return through(plan, table if ears is None else table.take(ears), work, workers=1)

    def fate(self, ears: Cochleae, arm: PlannedArm) -> Fate:
        """What becomes of some ears in an arm."""
        from otosome.forward import Fate

        return Fate(ears, arm)

    def read(self, ears: Cochleae, measure: Measure, cells: Cells, arm: PlannedArm, time: float) -> Array:
        """True values of a measure from cells of one moment, h, at its own frequencies, shape (subject, frequency)."""
        from otosome.forward import true_value

        return true_value(ears, measure, cells, np.array(measure.tones), arm, np.array([time]))[:, 0]

    def ends(
        self,
        study: Study,
        arms: Sequence[PlannedArm],
        measure: str,
        world: int = 1,
        numbers: Numbers | None = None,
    ) -> list[Array]:
        """True values of a measure at its last time, an array (subject, frequency) for each arm."""
        table = study.tables.measure[measure]
        last = float(max(table.at))
        key = repr((study.tables, arms, measure, world, sorted((numbers or {}).items())))

        def work(ears: Cochleae) -> dict[str, Array]:
            at = ears.plan.at([last])
            return {
                str(n): self.read(ears, table, self.fate(ears, arm).cells.at(at), arm, last)
                for n, arm in enumerate(ears.plan.arms)
            }

        if key not in self._done:
            self._done[key] = list(self.run(study, arms, work, world, numbers).values())
        return self._done[key]

    def counted(self, study: Study, arms: Sequence[PlannedArm], cell: str) -> list[Array]:
        """Share of the healthy number counted at the end, mean along the duct, an array (subject,) for each arm."""

        def work(ears: Cochleae) -> dict[str, Array]:
            ends = [self.fate(ears, arm).cells.at(np.array([-1])).counted(cell) for arm in ears.plan.arms]
            return {str(n): end[:, 0].mean(axis=-1) for n, end in enumerate(ends)}

        return list(self.run(study, arms, work).values())

    def gains(
        self, study: Study, arms: Sequence[PlannedArm], world: int = 1, numbers: Numbers | None = None
    ) -> list[Array]:
        """Benefit of every arm but the first against the first, in the measure the study compares.

        returns  for each, (subject,): the mean over the measure's frequencies, above zero where better
        """
        endpoint = self.catalog.get("endpoints", self.measured(study).endpoint)
        sign = 1.0 if endpoint.options.better == "higher" else -1.0
        against, *others = self.ends(study, arms, self.comparison(study).measure, world, numbers)
        return [sign * (of - against).mean(axis=1) + 0.0 for of in others]

    def effect(self, study: Study) -> tuple[Array, Array]:
        """The benefit that a study compares, and how far readings of two animals of one group lie apart.

        returns  benefit in each world, (world,), and the standard deviation of an animal's mean reading: between
                 animals of one world, pooled over worlds and both arms, and the endpoint's error; same shape
        """
        arms = self.compared(study)
        (gain,) = self.gains(study, arms, world=2)
        values = np.stack(self.ends(study, arms, self.comparison(study).measure, world=2))
        pairs = values.mean(axis=2).reshape(len(arms), -1, 2)
        endpoint = self.measured(study).endpoint
        error = self.parameter("endpoints", endpoint, "error").value ** 2 / values.shape[2]
        spread = np.sqrt(pairs.var(axis=2, ddof=1).mean() + error)
        means = gain.reshape(-1, 2).mean(axis=1)
        return means, np.full(means.shape, spread)
