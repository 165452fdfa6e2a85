"""Shelves of what reaches an ear and acts on its cells: batches, solutes, routes, insults, mechanisms, effects."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from pydantic import Field

from otosome.roles.nouns import Ear, Exposure
from otosome.roles.options import Compartment, Need, On, Options, Outlet, Species
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.model.transport import Anatomy, Dose, Flow


@dataclass(frozen=True)
class BatchOptions(Options):
    """Options of a batch.

    ``mirna``        what its counted RNA is
    ``class_ratio``  diameter of each size class over the median, each an equal share, where counted; else log-normal
    ``base``         batch that what was not measured is taken from
    ``record``, ``sample``  names of the lot's record, and of the sample in its file
    ``decision``     of its assessment against a specification, with the ``reason``
    """

    mirna: str = ""
    base: str = ""
    record: str = ""
    sample: str = ""
    class_ratio: (
        Annotated[tuple[Annotated[float, Field(gt=0, lt=math.inf)], ...], Field(min_length=1, max_length=20)]
        | None
    ) = None
    decision: Literal["release", "refuse", "cannot decide"] | None = None
    reason: str = ""


@dataclass(frozen=True)
class SoluteOptions(Options):
    """Options of a solute.

    ``becomes``  the solute that it is in the body, where it is a prodrug
    ``caution``  what is known of it as a drug beyond the ear, and not computed: a note of every study that gives it
    """

    becomes: Annotated[str, On(("solutes",))] | None = None
    caution: str = ""


@dataclass(frozen=True)
class RouteOptions(Options):
    """Options of a route.

    ``into``    compartment it ends in;  ``outlet``  where perilymph leaves that its volume displaces
    ``opens``   insult that stands for the operation it takes
    """

    into: Compartment | None = None
    outlet: Outlet | None = None
    opens: Annotated[str, On(("insults",))] | None = None


class Route(Protocol):
    """A way into the ear."""

    def deliver(self, dose: Dose, anatomy: Anatomy) -> Sequence[Flow]:
        """Flows into compartments whose amounts sum to the dose; what spills or is lost is a flow too."""
        ...


@dataclass(frozen=True)
class InsultOptions(Options):
    """Options of an insult: what it ``needs`` to know (``noise.level``, ``cisplatin.lateral_wall``).

    ``meets``  solutes in places that take of its poison where they are given (``thiosulfate.organ_of_corti``)
    """

    needs: tuple[Need, ...] = ()
    meets: tuple[Need, ...] = ()


class Insult(Protocol):
    """Something that injures the ear."""

    needs: tuple[str, ...]

    def hazards(self, ear: Ear, exposure: Exposure) -> Mapping[str, Array]:
        """Direct death rate of each cell kind it reaches, 1/h, not negative, zero without exposure."""
        ...

    def stress(self, ear: Ear, exposure: Exposure) -> Array:
        """Production of stress, 1/h, not negative, zero without exposure."""
        ...


class Mechanism(Protocol):
    """A way in which vesicles act on cells."""

    gates: bool
    acts: Mapping[str, tuple[str, ...]]

    def signal(self, contact: Array, cargo: Array) -> Array:
        """How strongly cells are told, 0 to 1; zero without vesicles."""
        ...


@dataclass(frozen=True)
class EffectOptions(Options):
    """Options of a drug's effect: the solute it is ``of``."""

    of: Annotated[str, On(("solutes",))]


class Effect(Protocol):
    """What a drug does to cells."""

    acts: Mapping[str, tuple[str, ...]]

    def signal(self, concentration: Array) -> Array:
        """How strongly cells respond to a concentration in uM, 0 to 1; zero without the drug."""
        ...


@dataclass(frozen=True)
class ToleranceOptions(Options):
    """Options of a tolerance: ``of`` which solute ("fluid", "noise"), in which ``species``, by which ``routes``.

    None named means any. Its number ``most`` is what kills about half, or the most that is given at all; ``duration``
    is how long a noise of that level may last.
    """

    of: Annotated[str, On(("solutes",), ("fluid", "noise"))]
    species: tuple[Species, ...] = ()
    routes: tuple[Annotated[str, On(("routes",))], ...] = ()
