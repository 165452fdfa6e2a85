"""Numbers and curves that a study states itself, in place of those of the shelves."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from otosome.cards import make_card
from otosome.errors import BadInput, at
from otosome.evidence import Curve, Parameter, make_curve
from otosome.study.tables.base import Table
from otosome.units import LEVELS, same_kind

# A log-normal spread beyond this overflows.
_WIDEST = 20.0
_BASIS = 'how the value is known: "measured", "secondary", "unverified", "computed", "direction" or "assumed"'
_BECAUSE = "why it is that, in a sentence; asked for where the basis is direction, assumed or unverified"
_SHELF = "whether it was the shelf's as the study was saved, which is then not a change of the study's own"
_SPECIES = 'species it was measured in, where that is another: "guinea_pig"'
_SOURCE = 'key of the shelf sources: "rybak_2019"'


class Number(Table):
    """A number stated in the study: it replaces the shelf's of that name ("insults.noise.ohc")."""

    value: str = Field(description='best value with its unit: "0.4 1/h"')
    low: str | None = Field(
        default=None, description='5 % end of what is not known, or the lower end of a range: "0.1 1/h"'
    )
    high: str | None = Field(
        default=None, description='95 % end of what is not known, or the upper end of a range: "1.6 1/h"'
    )
    shape: str | None = Field(
        default=None,
        description='"fixed", "normal", "lognormal", "uniform" or "loguniform" between low and high',
    )
    subjects: float | None = Field(
        default=None,
        ge=0.0,
        description="spread between ears, standard deviation of the logarithm: 0.3; in its own unit where additive",
    )
    alike: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="correlation of both ears of a subject in that spread: 0.54; 1 for what is of the whole body",
    )
    runs: float | None = Field(
        default=None,
        ge=0.0,
        description="spread between exposure runs, deviation of the logarithm: 0.2; in its own unit where additive",
    )
    lots: float | None = Field(
        default=None,
        ge=0.0,
        description="spread between lots, standard deviation of the logarithm: 0.2; in its own unit where additive",
    )
    additive: bool | None = Field(
        default=None, description="whether its spreads are added rather than multiplied: true"
    )
    basis: str = Field(description=_BASIS)
    meaning: str = Field(
        default="", description="what the number is, in a sentence, as a saved study states it"
    )
    source: str | None = Field(default=None, description=_SOURCE)
    because: str = Field(default="", description=_BECAUSE)
    species: str = Field(default="", description=_SPECIES)
    linked: dict[str, float] = Field(
        default={},
        description='numbers known only together with it, each with its share: { "insults.noise.ihc" = 0.7 }',
    )
    fit: str = Field(
        default="",
        description='the fit it comes from: "noise_mouse"; a strain is linked by its draws, a study states linked',
    )
    shelf: bool = Field(default=False, description=_SHELF)

    def pinned(self, shelved: Parameter, file: str) -> Parameter:
        """The shelf's number with what this one states; raises BadInput for another kind, sign or too wide a spread."""
        if self.fit and "linked" not in self.model_fields_set:
            raise BadInput(
                "is of a fit whose shares are missing",
                file=file,
                key=f"numbers.{shelved.name}.fit",
                given=self.fit,
                cure="copy linked from numbers.toml of the fit, or put the number and the draws on a shelf of your own",
            )
        stated = make_card(
            {"about": "pinned", "it": {"meaning": shelved.meaning, **self._stated()}},
            "numbers",
            shelved.name,
            file,
        ).parameters["it"][""]
        if not same_kind(stated.unit, shelved.unit):
            raise BadInput(
                f"unit is {stated.unit!r}; expected one convertible to {shelved.unit!r}",
                file=file,
                key=f"numbers.{shelved.name}",
                given=self.value,
            )
        self._check_against(stated, shelved, file)
        return replace(
            stated,
            name=shelved.name,
            **{
                key: getattr(shelved if getattr(self, key) is None else self, key)
                for key in ("subjects", "alike", "runs", "lots", "additive")
            },
            species=self.species,
        )

    def _stated(self) -> dict[str, object]:
        keys = {"value", "low", "high", "shape", "basis", "source", "because", "linked", "fit"}
        values = self.model_dump(include=keys, exclude_none=True)
        return {key: value for key, value in values.items() if value != ""}

    def _check_against(self, stated: Parameter, shelved: Parameter, file: str) -> None:
        """It keeps the sign that the shelf's has, and a spread that can be drawn."""
        key = f"numbers.{shelved.name}"
        if shelved.low > 0 and stated.low <= 0:
            raise BadInput("must lie above zero", file=file, key=key, given=self.low or self.value)
        if shelved.low == 0 and stated.low < 0 and shelved.unit not in LEVELS:
            raise BadInput("must not be negative", file=file, key=key, given=self.low or self.value)
        widest = max(self.subjects or 0.0, self.runs or 0.0, self.lots or 0.0)
        if not self.additive and widest > _WIDEST:
            raise BadInput(
                f"a spread is at most {_WIDEST:g} (standard deviation of the logarithm)",
                file=file,
                key=key,
                given=widest,
            )


class StatedCurve(Table):
    """A curve stated in the study: it replaces the shelf's of that name ("species.human.scala_tympani")."""

    columns: dict[str, list[float]] = Field(
        description="its columns by name, of one length, in house units: { distance = [0.0, 1.0], area = [2.5, 1.6] }"
    )
    basis: str = Field(description=_BASIS)
    source: str | None = Field(default=None, description=_SOURCE)
    because: str = Field(default="", description=_BECAUSE)
    species: str = Field(default="", description=_SPECIES)
    shelf: bool = Field(default=False, description=_SHELF)

    def curve(self, name: str, file: str) -> Curve:
        """The curve under its full name; raises BadInput for columns that make none."""
        origin = {"basis": self.basis, "source": self.source or "", "because": self.because}
        with at(file, f"curves.{name}"):
            return make_curve({**self.columns, **origin}, name, self.species)
