"""What every table of a study shares: quantities within bounds, names that must be known, times within the study."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict

from otosome.errors import BadInput
from otosome.roles import AskingOptions, MaterialOptions
from otosome.units import Quantity, bounded

if TYPE_CHECKING:
    from otosome.study.study import Study

# A knot list for a longer study would outgrow memory; no published animal study is longer.
# Twenty years: a life of any animal, and what is followed after an operation.
LONGEST = 20 * 365 * 24.0


# Bounds far beyond any laboratory: what lies outside them is a slip, and numbers there can no longer be computed.
Moment = Annotated[Quantity, bounded("h")]
Duration = Annotated[Quantity, bounded("h", least=0.0, most=LONGEST)]
Volume = Annotated[Quantity, bounded("uL", least=1e-3, most=1e6)]
Concentration = Annotated[Quantity, bounded("uM", "ug/uL", least=0.0, most=1e9)]
DrugAmount = Annotated[Quantity, bounded("mg/kg", "mg/m2", "ug", least=0.0, most=1e9)]
VolumeRate = Annotated[Quantity, bounded("uL/h", least=0.0, most=1e6)]
Amount = Annotated[Quantity, bounded("particles", "ug", "cells", least=0.0, most=1e18)]
Level = Annotated[Quantity, bounded("dB SPL", least=-100.0, most=250.0)]
Frequency = Annotated[Quantity, bounded("kHz", least=1e-3, most=1e3)]
Age = Annotated[Quantity, bounded("h", least=0.0, most=Quantity("150 year"))]
Loudness = Annotated[Quantity, bounded("dB", least=0.0, most=250.0)]
Length = Annotated[Quantity, bounded("mm", least=0.0, most=1e3)]


@dataclass(frozen=True)
class Reference:
    """A name that a table states of something that stands elsewhere.

    ``key``      the key that states it
    ``allowed``  every name it may be
    ``shelf``    of an entry whose numbers the study rests on; "" for any other name
    """

    key: str
    name: str
    allowed: Sequence[str]
    shelf: str = ""

    def check(self) -> None:
        """Refuse a name that is not known."""
        if self.name not in self.allowed:
            raise BadInput("is not known here", key=self.key, given=self.name, allowed=list(self.allowed))


class Table(BaseModel):
    """A table of a study file. It refuses keys it does not know, and never changes.

    Beside its keys a table says which names it states, which moments, and what else can be wrong with it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def references(self, study: Study) -> Iterator[Reference]:
        """The names it states, and the entries the study rests on because of it; checked in this order."""
        return iter(())

    def moments(self) -> Iterable[Quantity]:
        """The moments it states under ``at``."""
        return ()

    def check(self, study: Study) -> None:
        """Refuse what single keys do not show, with keys as from inside the table; all names are known by then."""


def check_words(table: Table, study: Study, shelf: str, entry: str, always: set[str]) -> None:
    """An entry gets all that its file ``asks`` for, and nothing beyond that and what it ``takes``.

    ``always``  keys that every entry of the shelf gets
    """
    options = study.catalog.get(shelf, entry).options
    assert isinstance(options, AskingOptions)  # those of a shelf whose entries ask for words are
    for key in options.asks:
        if getattr(table, key, None) is None:
            raise BadInput(f"{entry} needs it", key=key)
    keys = type(table).model_fields
    known = sorted({*options.asks, *options.takes, *always} & set(keys))
    for key in keys:
        if key not in known and getattr(table, key) is not None:
            raise BadInput(f"{entry} has no use for it", key=key, allowed=known)


def check_for_species(study: Study, shelf: str, entry: str, key: str) -> None:
    """An entry that names the species it is for is asked for no other."""
    options = study.catalog.get(shelf, entry).options
    known = options.species if isinstance(options, (AskingOptions, MaterialOptions)) else ()
    if known and study.tables.species not in known:
        raise BadInput(
            f"{entry} is not for {study.tables.species}",
            key=key,
            given=entry,
            cure=f"it is for {', '.join(known)}",
        )


def check_depth(study: Study, depth: Quantity | None) -> None:
    """An instrument goes no deeper than the longest scala tympani of the species."""
    species = study.tables.species
    longest = study.species.card.parameter("scala_tympani_length", species).high
    if depth is not None and depth > longest:
        raise BadInput(
            f"is deeper than the scala tympani of a {species} is long",
            key="depth",
            given=depth.text,
            allowed=f"up to {longest:g} mm",
        )


def check_fits(study: Study, volume: Quantity) -> None:
    """No more fluid than the body weighs is given at a time, at a litre a kilogram."""
    mass = study.species.card.parameter("body_mass", study.tables.species).high
    if volume > 1e6 * mass:
        raise BadInput(
            f"is more than the whole {study.tables.species.replace('_', ' ')}, which weighs up to {mass:g} kg",
            key="volume",
            given=volume.text,
            cure="check the unit",
        )


def check_moment(study: Study, moment: Quantity, end: float | None = None) -> None:
    """A moment, or the end in h of what begins then, lies within the study."""
    end = float(moment) if end is None else end
    if abs(end) > LONGEST or study.until > LONGEST:
        raise BadInput(f"is further than {LONGEST:.0f} h from the first insult", key="at", given=moment.text)
    if end > study.until:
        raise BadInput(
            "lies after the end of the study", key="at", given=moment.text, allowed=f"up to {study.until} h"
        )


def check_kind(value: Quantity, unit: str, key: str) -> None:
    """A quantity is of the kind of a unit."""
    try:
        value.to(unit)
    except ValueError as error:
        raise BadInput(str(error), key=key, given=value.text) from error
