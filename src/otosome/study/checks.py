"""What a study can get wrong beyond a single table; each table checks itself where it is defined."""

from __future__ import annotations

from dataclasses import replace

from otosome.catalog import Catalog
from otosome.errors import BadInput, at
from otosome.study.study import Study
from otosome.study.tables.base import check_moment
from otosome.study.tolerance import check_tolerated

# Each moment takes some forty knots after it.
_MOST_MOMENTS = 500


def check_study(study: Study, file: str) -> None:
    """Refuse a study that cannot be computed as it is stated; raises BadInput with file and key."""
    with at(file):
        if not study.tables.measure and not study.tables.drug:
            raise BadInput(
                "holds too few",
                key="measure",
                given=0,
                allowed="at least 1: what is measured, or a [drug] to follow",
            )
        for key, table in study.tables.each():
            with at(key=key or None):
                for reference in table.references(study):
                    reference.check()
        _check_species(study)
        if not study.parameters:
            raise BadInput("rests on no number at all")
        _check_times(study)
        for key, table in study.tables.each():
            with at(key=key or None):
                table.check(study)
        check_tolerated(study)
        _check_curves(study)


def _check_species(study: Study) -> None:
    """A species has every number and every curve that the shipped ones have."""
    species = study.species.card
    for name in Catalog().names("species"):
        shipped = Catalog().get("species", name).card
        numbers = sorted(shipped.parameters.keys() - species.parameters.keys())
        curves = sorted(f"profile.{curve}" for curve in shipped.profiles.keys() - species.profiles.keys())
        for key in [*numbers, *curves]:
            raise BadInput(
                f"{species.stem} has no value for {key}",
                file=species.file,
                key=key,
                cure="add it with its source, or with scaled_from and rule",
            )


def _check_times(study: Study) -> None:
    """Time zero is the first insult, and every moment lies within the study."""
    _check_zero(study)
    moments = [(key, moment) for key, table in study.tables.each() for moment in table.moments()]
    if len(moments) > _MOST_MOMENTS:
        raise BadInput("has too many moments", given=len(moments), allowed=f"up to {_MOST_MOMENTS}")
    for key, moment in moments:
        with at(key=key):
            check_moment(study, moment)


def _check_zero(study: Study) -> None:
    """A study without drug or noise begins with its first event."""
    insults = study.tables.insult.values()
    courses = [use for use in insults if not study.is_event(use)]
    starts = [moment for use in courses or insults for moment in use.at]
    if starts and min(starts) != 0.0:
        raise BadInput(
            "time zero is the first insult",
            key="insult",
            given=f"first insult at {min(starts):g} h",
            cure="shift all times so that the first insult is at 0 h",
        )


def _check_curves(study: Study) -> None:
    """A stated curve has the columns that the shelf's has, and keeps their sign."""
    shelved = replace(study, tables=study.tables.model_copy(update={"curves": {}})).curves
    for name in study.tables.curves:
        if name not in shelved:
            raise BadInput("is not known here", key="curves", given=name, allowed=list(shelved))
    for name, curve in study.curves.items():
        columns = shelved[name].columns
        if curve.columns.keys() != columns.keys():
            raise BadInput(
                "has other columns than the shelf's",
                key=f"curves.{name}",
                given=list(curve.columns),
                allowed=list(columns),
            )
        for key, column in curve.columns.items():
            if min(columns[key]) > 0 >= min(column):
                raise BadInput("must lie above zero", key=f"curves.{name}.{key}", given=min(column))
