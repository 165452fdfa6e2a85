"""What every shelf's options are made of: the words they may hold, and what those words name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from otosome.units import house

Kind = Literal["ohc", "ihc", "synapse", "sgn"]
Target = Literal["ohc", "ihc", "synapse", "sgn", "stress"]
Action = Literal["prevent", "rescue", "repair", "clear", "support", "revive"]
Compartment = Literal["middle_ear", "scala_tympani", "vestibule", "plasma", "cerebrospinal_fluid", "lost"]
Outlet = Literal["aqueduct", "round_window", "oval_window", "vent"]
# Where an insult can look the concentration of a solute up.
PLACES = (
    "scala_tympani",
    "scala_vestibuli",
    "vestibule",
    "middle_ear",
    "cerebrospinal_fluid",
    "plasma",
    "scala_media",
    *(
        f"{tissue}{part}"
        for tissue in ("organ_of_corti", "lateral_wall", "rosenthals_canal")
        for part in ("", "_inside")
    ),
)


@dataclass(frozen=True)
class On:
    """Of a word in an entry's file: it names an entry of one of these shelves, or is one of the words beside them.

    What follows a dot is no part of the name: ``cisplatin.lateral_wall`` names the solute cisplatin.
    """

    shelves: tuple[str, ...]
    words: tuple[str, ...] = ()

    def in_value(self, value: str | tuple[str, ...] | None) -> list[str]:
        """The names that an option holds."""
        words = [value] if isinstance(value, str) else value or ()
        return [word.partition(".")[0] for word in words]


def _known_unit(text: str) -> str:
    house(text)
    return text


def _need(text: str) -> str:
    solute, _, place = text.partition(".")
    allowed = ("level", "band") if solute == "noise" else PLACES
    if place not in allowed:
        raise ValueError(f"{place!r} is not known; after {solute}. stands one of {', '.join(allowed)}")
    return text


UnitName = Annotated[str, AfterValidator(_known_unit)]
Need = Annotated[str, AfterValidator(_need), On(("solutes",), ("noise",))]
Species = Annotated[str, On(("species",))]


@dataclass(frozen=True)
class Options:
    """What an entry's file states besides numbers and curves; of a shelf that has no options, nothing."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}


@dataclass(frozen=True)
class AskingOptions(Options):
    """Options of what a study uses with words of its own.

    ``species``  it is for; none named means any
    ``asks``     keys a study must state to use it;  ``takes``  keys it may state
    """

    species: tuple[Species, ...] = ()
    asks: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
