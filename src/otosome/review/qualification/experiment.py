"""An experiment that a file states without Python: what was given, what was read, and rows that are readings or ratios.

Beside ``species`` a case holds ``given.<name>`` and ``read.<name>``; a row's ``statistic`` names a reading
(``of``) and, if it is a ratio, another one (``over``). Every reading is of animals of its own: a sample takes nothing
from another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

import numpy as np

from otosome.catalog import Catalog
from otosome.errors import BadInput, at
from otosome.model.transport import Dose, Flow, Sample, Solute, Transported, paired, schedule, solve
from otosome.model.transport.network import ALONG, LUMPED
from otosome.review.qualification.bench import Bench
from otosome.review.qualification.case import Case
from otosome.roles import CaseOptions
from otosome.units import Array, house, quantity, same_kind, split

TAKES = ("value", "peak", "time of peak")
_FLUIDS = (*ALONG, *LUMPED)


@dataclass(frozen=True)
class Given:
    """A dose: a solute by a route, an amount or a concentration with its volume, at times, each over a while."""

    solute: str
    route: str
    at: tuple[str, ...]
    amount: str | None = None
    concentration: str | None = None
    volume: str = "0 uL"
    duration: str = "0 h"


@dataclass(frozen=True)
class Read:
    """A reading: of a fluid or tissue, at a moment, or at its peak among moments.

    ``place``   mm from the base; ``reach`` further, the mean by volume of what lies between
    ``volume``  of a sample that is aspirated through a hole at the place, over ``duration``
    """

    of: str
    at: tuple[str, ...]
    solute: str | None = None
    take: str = "value"
    place: str | None = None
    reach: str = "0 mm"
    volume: str | None = None
    duration: str = "0 h"


@dataclass(frozen=True)
class Experiment:
    """What a file states of an experiment, checked.

    ``products``  what the prodrugs among what was given become, by the prodrug, as far as it is read
    """

    given: Mapping[str, Given]
    read: Mapping[str, Read]
    products: Mapping[str, str]

    @classmethod
    def of(cls, options: CaseOptions, catalog: Catalog) -> Experiment:
        """From a case's options; raises BadInput for an unknown key, word, name or unit."""
        given = {name: _typed(Given, use, f"given.{name}") for name, use in options.given.items()}
        read = {name: _typed(Read, use, f"read.{name}") for name, use in options.read.items()}
        for name, dose in given.items():
            with at(key=f"given.{name}"):
                _check_dose(dose)
                for key, entry in (("solute", dose.solute), ("route", dose.route)):
                    with at(key=key):
                        catalog.file(f"{key}s", entry)
        solutes = sorted({dose.solute for dose in given.values()})
        becomes = {name: catalog.get("solutes", name).options.becomes for name in solutes}
        readable = [*solutes, *sorted({drug for drug in becomes.values() if drug} - set(solutes))]
        for name, reading in read.items():
            with at(key=f"read.{name}"):
                _check_reading(reading, solutes, readable)
        products = {name: drug for name, drug in becomes.items() if drug and drug in _read_solutes(read)}
        for name, reading in read.items():
            with at(key=f"read.{name}.at"):
                _check_given_by_then(reading, given.values(), products)
        return cls(given, read, products)

    @property
    def rests(self) -> tuple[str, ...]:
        """The entries it needs beside its species."""
        uses = self.given.values()
        named = {f"solutes.{u.solute}" for u in uses} | {f"routes.{u.route}" for u in uses}
        named |= {f"solutes.{drug}" for drug in self.products.values()}
        return ("solutes.tmpa", *sorted(named - {"solutes.tmpa"}))

    def statistics(self, bench: Bench, rows: list[Case]) -> dict[str, Array]:
        """What each row states, of each ear, house units, shape (ears,)."""
        readings: dict[str, Array] = {}
        values = {}
        for case in rows:
            file, key = bench.case.card.file, f'row."{case.id}".statistic'
            with at(file, key):
                of, over = self._named(case)
                for name in (of, *([over] if over else [])):
                    if name not in readings:
                        readings[name] = self.reading(bench, name)
                value = readings[of]
                if over:
                    value = _ratio(value, readings[over])
                elif same_kind(case.unit, "ug/uL"):
                    value = value * self._molar(bench, self.read[of])
                elif not same_kind(case.unit, self._unit(of)):
                    raise BadInput(
                        "the row's unit is not that of its reading",
                        given=case.unit or "no unit",
                        allowed=[self._unit(of)] if self._unit(of) == "h" else ["uM", "mg/L", "ug/mL"],
                        cure=f"read.{of} is a {'time' if self._unit(of) == 'h' else 'concentration'}",
                    )
            values[case.id] = value
        return values

    def reading(self, bench: Bench, name: str) -> Array:
        """A reading in each ear, house units, shape (ears,)."""
        read = self.read[name]
        with at(key=f"read.{name}.place"):
            _check_within(bench, read)
        run = self._run(bench, read)
        times = [quantity(text, "h") for text in read.at]
        if read.volume is not None:
            # Of a prodrug and what it becomes, the class that is read.
            values = run.samples[-1]
        else:
            at_knots = np.searchsorted(run.knots, times)
            values = self._levels(bench, read, run)[:, at_knots]
        if read.take == "peak":
            return np.asarray(values.max(axis=1))
        return np.asarray(times)[values.argmax(axis=1)] if read.take == "time of peak" else values[:, 0]

    def _unit(self, name: str) -> str:
        return "h" if self.read[name].take == "time of peak" else "uM"

    def _named(self, case: Case) -> tuple[str, str | None]:
        stated = {key: str(value) for key, value in case.statistic.items()}
        for key, value in stated.items():
            if key not in ("of", "over"):
                raise BadInput("is not a key of a statistic", key=key, allowed=["of", "over"])
            if value not in self.read:
                raise BadInput("is no reading", key=key, given=value, allowed=sorted(self.read))
        if "of" not in stated:
            raise BadInput("names the reading it is", key="of", allowed=sorted(self.read))
        return stated["of"], stated.get("over")

    def _solute(self, read: Read) -> str:
        return read.solute or next(iter(self.given.values())).solute

    def _molar(self, bench: Bench, read: Read) -> Array:
        numbers = bench.numbers("solutes", self._solute(read))
        if "molar_mass" not in numbers:
            raise BadInput("a solute without molar_mass is read in moles only", given=self._solute(read))
        return numbers["molar_mass"]

    def _run(self, bench: Bench, read: Read) -> Transported:
        name, anatomy = self._solute(read), bench.anatomy
        solute, classes = self._carried(bench, name)
        flows = [
            flow
            for dose in self.given.values()
            if dose.solute in classes
            for flow in self._flows(bench, dose, classes)
        ]
        times = [quantity(text, "h") for text in read.at]
        samples = [] if read.volume is None else self._samples(bench, read, read.volume, times)
        parts: list[Flow | Sample] = [*flows, *samples]
        events = [t for part in parts for t in (part.start, part.stop)]
        moved = [part for part in parts if isinstance(part, Sample) or part.displaces]
        windows = [(part.start, part.stop) for part in moved if part.stop > part.start]
        # A reading between two knots would be interpolated; each is an event.
        knots = schedule([*events, *times], max([*times, *events]) + 0.01, windows, first=2e-3, growth=1.2)
        keep = [] if read.volume is not None else [read.of]
        return solve(anatomy, solute, flows, knots, keep, samples=samples)

    def _carried(self, bench: Bench, name: str) -> tuple[Solute, list[str]]:
        """What is read as a solute, after the prodrug that becomes it as a class of its own; and the classes' names."""
        drug: Solute = bench.bind("solutes", name)
        prodrug = next((before for before, after in self.products.items() if after == name), None)
        if prodrug is None:
            return drug, [name]
        return paired(bench.bind("solutes", prodrug), drug, bench.anatomy), [prodrug, name]

    def _samples(self, bench: Bench, read: Read, drawn: str, times: list[float]) -> list[Sample]:
        """The samples of a reading, each of a volume ``drawn``, from the times on, h."""
        length = float(np.median(bench.anatomy.scala_tympani_length))
        place = min(quantity(read.place or "0 mm", "mm") / length, 1.0)
        volume, lasts = np.full(bench.ears, quantity(drawn, "uL")), quantity(read.duration, "h")
        return [Sample(read.of, time, time + lasts, volume, place) for time in times]

    def _flows(self, bench: Bench, dose: Given, classes: list[str]) -> list[Flow]:
        """The flows of a dose, which holds its own class of a solute and nothing of the others."""
        classed = np.array([[float(name == dose.solute)] for name in classes])
        amount, volume = classed * self._amount(bench, dose), np.full(bench.ears, quantity(dose.volume, "uL"))
        route, lasts = bench.bind("routes", dose.route), quantity(dose.duration, "h")
        starts = [quantity(text, "h") for text in dose.at]
        return [
            flow
            for start in starts
            for flow in route.deliver(Dose(start, start + lasts, amount, volume), bench.anatomy)
        ]

    def _amount(self, bench: Bench, dose: Given) -> Array:
        """pmol in each ear, shape (ears,)."""
        if dose.concentration is not None:
            per, scale = split(dose.concentration)[1], np.full(bench.ears, quantity(dose.volume, "uL"))
            amount = quantity(dose.concentration) * scale
            return (
                amount
                if same_kind(per, "uM")
                else amount / self._molar(bench, Read("plasma", (), dose.solute))
            )
        assert dose.amount is not None
        per, amount = split(dose.amount)[1], np.full(bench.ears, quantity(dose.amount))
        if same_kind(per, "ug/kg"):
            amount = amount * bench.anatomy.body_mass
        return (
            amount if same_kind(per, "pmol") else amount / self._molar(bench, Read("plasma", (), dose.solute))
        )

    def _levels(self, bench: Bench, read: Read, run: Transported) -> Array:
        """Concentration at the place, or the mean between two, shape (ears, time)."""
        level = run.concentration[read.of][-1]
        if level.ndim == 2:
            return np.asarray(level)
        length = bench.anatomy.scala_tympani_length[:, None]
        if read.place is None:
            share = np.ones((bench.ears, run.grid.places))
        else:
            start, reach = quantity(read.place, "mm"), quantity(read.reach, "mm")
            share = _between(run.grid.edges * length, start, start + max(reach, 1e-3))
        weight = share * run.volume[read.of]
        return np.asarray(np.einsum("etp,ep->et", level, weight) / weight.sum(axis=1)[:, None])


def _between(edges: Array, start: float, stop: float) -> Array:
    """Share of each cell that lies between two places; a place beyond the end is the last cell."""
    last = edges[:, -1:]
    start_, stop_ = np.minimum(start, last - 1e-3), np.minimum(stop, last)
    inside = np.minimum(edges[:, 1:], stop_) - np.maximum(edges[:, :-1], start_)
    return np.asarray(np.clip(inside, 0.0, None) / np.diff(edges, axis=1))


def _ratio(value: Array, over: Array) -> Array:
    if np.any(over <= 0):
        raise BadInput("is a ratio over nothing: what it is divided by is zero in some ears")
    return np.asarray(value / over)


def _typed(kind: type[Any], table: Mapping[str, object], key: str) -> Any:
    known = {f.name: f for f in fields(kind)}
    for name, value in table.items():
        if name not in known:
            raise BadInput("is not a key here", key=f"{key}.{name}", allowed=sorted(known))
        texts = value if isinstance(value, list) and name == "at" else [value]
        if not all(isinstance(text, str) for text in texts):
            raise BadInput("must be text in quotes, with its unit", key=f"{key}.{name}", given=value)
    for name, field in known.items():
        if field.default is MISSING and name not in table:
            raise BadInput("is missing", key=f"{key}.{name}")
    times = table.get("at", [])
    return kind(**{**table, "at": tuple(times) if isinstance(times, list) else (times,)})


def _quantity(text: str, key: str, *units: str) -> float:
    try:
        value, unit = split(text)
        if not any(same_kind(unit, wanted) for wanted in units):
            raise ValueError(f"unit is {unit!r}")
    except ValueError as error:
        raise BadInput(
            str(error), key=key, given=text, allowed=[house(unit) or unit for unit in units]
        ) from error
    if value < 0:
        raise BadInput("must not be negative", key=key, given=text)
    return value


def _check_dose(dose: Given) -> None:
    for text in dose.at:
        _quantity(text, "at", "h")
    _quantity(dose.duration, "duration", "h")
    volume = _quantity(dose.volume, "volume", "uL")
    if (dose.amount is None) == (dose.concentration is None):
        raise BadInput("states an amount, or a concentration with its volume", key="amount")
    if dose.amount is not None:
        _quantity(dose.amount, "amount", "ug", "ug/kg", "pmol")
    if dose.concentration is not None:
        _quantity(dose.concentration, "concentration", "uM", "ug/uL")
        if volume == 0.0:
            raise BadInput("a concentration comes in a volume", key="volume")


def _read_solutes(read: Mapping[str, Read]) -> set[str | None]:
    return {reading.solute for reading in read.values()}


def _check_given_by_then(read: Read, doses: Iterable[Given], products: Mapping[str, str]) -> None:
    """Refuse a reading all of whose moments lie before anything of it is given."""
    own = [
        dose
        for dose in doses
        if read.solute in (None, dose.solute) or products.get(dose.solute) == read.solute
    ]
    first = min((text for dose in own for text in dose.at), key=lambda text: quantity(text, "h"))
    if max(quantity(text, "h") for text in read.at) < quantity(first, "h"):
        raise BadInput("lies before anything is given", given=list(read.at), allowed=f"from {first} on")


def _check_within(bench: Bench, read: Read) -> None:
    """Refuse a place beyond the end of the longest ear of the species."""
    longest = bench.parameters[f"species.{bench.species}.scala_tympani_length"].high
    if read.place is not None and read.of in ALONG and quantity(read.place, "mm") > longest:
        raise BadInput(
            f"lies beyond the end of the cochlea of {bench.species}",
            given=read.place,
            allowed=f"0 mm to {longest:g} mm",
        )


def _check_reading(read: Read, solutes: list[str], readable: list[str]) -> None:
    """Refuse a reading of nothing that is known; ``readable`` are what is given and what it becomes."""
    if read.of not in _FLUIDS:
        raise BadInput("is no fluid or tissue", key="of", given=read.of, allowed=list(_FLUIDS))
    if read.take not in TAKES:
        raise BadInput("is not known", key="take", given=read.take, allowed=list(TAKES))
    if not read.at:
        raise BadInput("names a moment", key="at")
    if read.take == "value" and len(read.at) > 1:
        raise BadInput("a value is read at one moment", key="at", given=list(read.at), allowed="one")
    if read.solute is None and len(solutes) > 1:
        raise BadInput("says which solute, as several are given", key="solute", allowed=readable)
    if read.solute is not None and read.solute not in readable:
        raise BadInput("is not given", key="solute", given=read.solute, allowed=readable)
    for text in read.at:
        _quantity(text, "at", "h")
    for key in ("place", "reach"):
        if getattr(read, key) is not None:
            _quantity(getattr(read, key), key, "mm")
    if read.volume is not None and _quantity(read.volume, "volume", "uL") == 0.0:
        raise BadInput("a sample has a volume", key="volume", given=read.volume)
