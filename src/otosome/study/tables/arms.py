"""The groups that are compared: what each suffers and gets, and which comparison is the headline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from otosome.errors import BadInput
from otosome.study.tables.base import Reference, Table

if TYPE_CHECKING:
    from otosome.study.study import Study


class Arm(Table):
    """One group: what it suffers, what it gets and wears, and which mechanisms are knocked out."""

    name: str = Field(
        min_length=1, max_length=120, description='its name in every result: "noise + vesicles"'
    )
    insults: list[str] = Field(
        default=[], description='insults of the study that it suffers, by name: ["blast"]'
    )
    drugs: list[str] = Field(default=[], description='drugs of the study that it gets, by name: ["steroid"]')
    treatments: list[str] = Field(
        default=[], description='treatments of the study that it gets, by name: ["vesicles"]'
    )
    devices: list[str] = Field(
        default=[], description='devices of the study that it wears, by name: ["implant"]'
    )
    without: list[str] = Field(
        default=[],
        description='mechanisms, and effects of drugs, that are knocked out in it: ["hsp70"], ["dexamethasone"]',
    )

    def references(self, study: Study) -> Iterator[Reference]:
        """What it suffers, gets, wears and lacks; and the adverse events these may bring."""
        tables = study.tables
        for key, names, allowed in (
            ("insults", self.insults, list(tables.insult)),
            ("drugs", self.drugs, list(tables.drug)),
            ("treatments", self.treatments, list(tables.treatment)),
            ("devices", self.devices, list(tables.device)),
            ("without", self.without, [*study.mechanisms, *study.effects]),
        ):
            for name in names:
                yield Reference(key, name, allowed)
        for name in study.adverse_events(self):
            yield study.reference("adverse_events", "treatments", name)

    def check(self, study: Study) -> None:
        """Its name is its own, it names nothing twice, and it gets one batch and one device of a kind."""
        if sum(arm.name == self.name for arm in study.tables.arm) > 1:
            raise BadInput("two arms of one name", key="name", given=self.name)
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in self.name):
            raise BadInput("a name has no control characters", key="name", given=repr(self.name))
        for key in ("insults", "drugs", "treatments", "devices", "without"):
            names = getattr(self, key)
            if len(set(names)) < len(names):
                raise BadInput("is named twice", key=key, given=names)
        self._check_batch(study)
        self._check_devices(study)

    def _check_batch(self, study: Study) -> None:
        treatments = [study.tables.treatment[name] for name in self.treatments]
        if len({(use.batch, use.route, use.potency) for use in treatments}) > 1:
            raise BadInput(
                "an arm gets one batch by one route at one potency; give repeated doses as more times of one treatment",
                key="treatments",
                given=self.treatments,
            )
        devices = [study.tables.device[name] for name in self.devices]
        lots = {(use.batch, use.potency) for use in treatments}
        lots |= {(use.batch, use.potency) for use in devices if use.batch is not None}
        if len(lots) > 1:
            raise BadInput(
                "an arm's devices release the batch that its treatments give, at one potency",
                key="devices",
                given=self.devices,
            )

    def _check_devices(self, study: Study) -> None:
        """What must be given by an amount may come again; of anything else the one ear of a study holds one."""
        entries = Counter(study.tables.device[name].entry for name in self.devices)
        for entry, count in entries.items():
            if count > 1 and "amount" not in study.catalog.get("devices", entry).options.asks:
                raise BadInput(
                    f"an ear holds one {entry}",
                    key="devices",
                    given=[name for name in self.devices if study.tables.device[name].entry == entry],
                    cure="keep one: a study is of one ear, and a device of another time is another arm's",
                )


class Compare(Table):
    """The headline: which measure, of which arm, against which; and the null-vesicle twin."""

    measure: str = Field(description='measure of the study that is compared: "abr"')
    of: str = Field(description='arm whose benefit is asked: "noise + vesicles"')
    against: str = Field(description='arm it is compared with: "noise + vehicle"')
    null: str | None = Field(
        default=None, description='arm of the same batch with potency 0.0: "noise + null vesicles"'
    )

    def references(self, study: Study) -> Iterator[Reference]:
        """Its measure and its arms."""
        yield Reference("measure", self.measure, list(study.tables.measure))
        for key in ("of", "against", "null"):
            if getattr(self, key) is not None:
                yield Reference(key, getattr(self, key), [arm.name for arm in study.tables.arm])
