"""The pictures of a result's page: begun together, drawn by whoever has time, and waited for by the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome.forward.endpoints import STATES
from otosome.model.team import Task, Team
from otosome.report import dose, drugs, figures, still, summary, therapies

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from otosome.answers.therapies import SideBySide

Begun = Mapping[str, Task[str, Any]]
_Draw = Callable[["xr.Dataset", Any], Any]
# Those that show readings; these are given to no other.
_DOTTED = ("frequency", "audiograms")


def begin(helpers: Team, result: xr.Dataset) -> Begun:
    """Hand out the pictures of a result's page that show no readings, by what its template calls them."""
    return _begun(helpers, result, None)


def begin_dotted(helpers: Team, result: xr.Dataset, readings: pd.DataFrame) -> Begun:
    """Hand out the other pictures of the page, which show readings as dots."""
    return _begun(helpers, result, readings)


def _begun(helpers: Team, result: xr.Dataset, readings: pd.DataFrame | None) -> Begun:
    drawings = _THERAPIES if "therapies" in result.attrs else _STUDY
    names = [name for name in drawings if (name in _DOTTED) == (readings is not None)]
    # No picture shows the states of which ``measure`` makes another endpoint, and they are most of a result.
    shown = result.drop_vars([*STATES, "stria"], errors="ignore")
    return dict(zip(names, helpers.begin(partial(_drawn, shown, readings), names), strict=True))


def shown(result: xr.Dataset) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Which readings a result's page shows: the last ones of the measure that is drawn with dots, and grades."""
    beside = "therapies" in result.attrs
    name = therapies.audiogram(_beside(result)) if beside else next(iter(heard(result)), None)
    last = None if name is None else float(summary.measured(result, name)["time"][-1])
    return partial(_shown, name, last, list(summary.scales(result)))


def _shown(name: str | None, last: float | None, scales: list[str], readings: pd.DataFrame) -> pd.DataFrame:
    chosen = readings["quantity"].isin(scales)
    if last is not None:
        chosen |= (readings["measure"] == name) & np.isclose(readings["time"], last)
    return readings[chosen]


def heard(result: xr.Dataset) -> list[str]:
    """Measures that are no concentrations: the first of them a page shows in full."""
    return [name for name in summary.measures(result) if not summary.assayed(result, name)]


def _first(result: xr.Dataset, draw: Callable[[str], Any]) -> Any:
    """What is drawn of the measure that is shown in full; nothing where none is."""
    names = heard(result)
    return draw(names[0]) if names else []


def _window(result: xr.Dataset) -> str | None:
    return still.window_svg(result) if heard(result) and summary.has_window(result) else None


def _where(result: xr.Dataset, draw: Callable[[xr.Dataset], Any]) -> Any:
    """What is drawn of drugs; nothing of a study that follows none."""
    return draw(result) if summary.drugs(result).exposures else []


def _beside(result: xr.Dataset) -> SideBySide:
    beside = summary.therapies(result)
    assert beside is not None  # by who asks
    return beside


def _audiograms(result: xr.Dataset, readings: pd.DataFrame) -> Any:
    name = therapies.audiogram(_beside(result))
    return [] if name is None else figures.by_frequency(result, readings, name)


def _courses(result: xr.Dataset) -> Any:
    """The scores of words over time."""
    return [panel for name in therapies.scored(_beside(result)) for panel in figures.over_time(result, name)]


def _claims(result: xr.Dataset) -> Any:
    from otosome.report.claims import claims  # half a second to import

    return claims(result.attrs["name"])


# The pictures of a page by what its template calls them, those that take longest first.
_STUDY: dict[str, _Draw] = {
    "cochleogram": lambda result, _: figures.cochleogram(result) if heard(result) else [],
    "frequency": lambda result, readings: _first(
        result, lambda name: figures.by_frequency(result, readings, name)
    ),
    "course": lambda result, _: _first(result, lambda name: figures.over_time(result, name)),
    "window_svg": lambda result, _: _window(result),
    # No picture, but as long in the making: whether its rows are stale is read from the whole shelf.
    "claims": lambda result, _: _claims(result),
    "others": lambda result, _: figures.together(result, heard(result)[1:]),
    "delivery": lambda result, _: figures.delivery(result) if heard(result) else [],
    "drug_curves": lambda result, _: _where(result, drugs.curves),
    "drug_maps": lambda result, _: _where(result, drugs.maps),
    "by_day": lambda result, _: dose.by_day(result),
    "by_dose": lambda result, _: dose.by_dose(result),
    "sizes": lambda result, _: figures.sizes(result) if heard(result) else None,
}
_THERAPIES: dict[str, _Draw] = {
    "cochleogram": lambda result, _: figures.cochleogram(result),
    "course": lambda result, _: _courses(result),
    "audiograms": _audiograms,
    "dots": lambda result, _: therapies.dots(_beside(result), figures.arm_colours(result)),
    "sizes": lambda result, _: figures.sizes(result),
}


def _drawn(result: xr.Dataset, readings: pd.DataFrame | None, name: str) -> Any:
    of = _THERAPIES if "therapies" in result.attrs else _STUDY
    return of[name](result, readings)
