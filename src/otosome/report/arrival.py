"""What ears came with: the audiogram that was read, the cells that could be behind it, what is left to save."""

import numpy as np
import xarray as xr

from otosome.answers.band import band
from otosome.answers.numbers import interval, number
from otosome.report.drawing import (
    COMPARED,
    INK,
    TREATED,
    along,
    canvas,
    draw_band,
    duct_axis,
    svg_text,
    tone_axis,
)
from otosome.report.figures import KINDS, Panel
from otosome.report.summary import attribute, capital, groups, study


def crossing(result: xr.Dataset) -> str:
    """What of a dose to one ear the other meets, in one sentence; nothing where no dose is given to one ear alone."""
    shares = attribute(result, "crossing") if "crossing" in result.attrs else {}
    if not shares:
        return ""
    parts = [
        f"“{arm}” {number(100 * share['median'], 2)} % ({number(100 * share['low'], 2)} to "
        f"{number(100 * share['high'], 2)})"
        for arm, share in shares.items()
    ]
    return (
        "Of what the organ of Corti of a treated ear meets at its highest, that of the other ear meets, by blood and "
        f"cerebrospinal fluid, at most: {', '.join(parts)} (median, 5–95 % of worlds)."
    )


def arrival(result: xr.Dataset) -> dict[str, object] | None:
    """Heading, sentences and pictures of the ears as they came; None where nobody says how they arrive."""
    if "arrived" not in result:
        return None
    people = attribute(result, "people")
    panels = [*([_audiogram(result, people)] if people else []), *_cells(result)]
    single = bool(people) and people["people"] == 1
    return {
        "heading": "The ear as it came" if single else "The ears as they came",
        "says": _left(result, single),
        "spare": _spare(result),
        "other": _other(result),
        "fit": _fit(people, result.sizes["subject"]) if people and not single else "",
        "panels": panels,
    }


def _left(result: xr.Dataset, single: bool) -> str:
    """How much of each kind is left to save."""
    mean = result["arrived"].mean("place")
    parts = [
        f"{KINDS[str(kind)].lower()} {interval(mean.sel(cell=kind).values, '').text}"
        for kind in result["cell"].values
    ]
    who = (
        "An audiogram leaves open which cells are behind it. Of ears that hear so"
        if single
        else "Of these ears"
    )
    return (
        f"{who}, left to save, as a mean along the duct (median, 5–95 %): {', '.join(parts)}. What is gone does "
        "not come back here: vesicles can keep what is left, and nothing on the shelf makes a cell."
    )


def _spare(result: xr.Dataset) -> str:
    """What the last outer hair cells hold, at the frequency where it is most and where it is least."""
    middle = result["spare"].median("subject")
    tones = middle["frequency"].values
    most, least = int(np.argmax(middle.values)), int(np.argmin(middle.values))
    ends = [
        f"{number(float(middle[i]), 2)} dB at {number(float(tones[i]))} kHz"
        for i in dict.fromkeys([most, least])
    ]
    return f"Were the last outer hair cells lost too, hearing would fall by {' and '.join(ends)} (medians)."


def _other(result: xr.Dataset) -> str:
    """What becomes of the person's other ear, where its audiogram is known."""
    beside = [str(name) for name in result.data_vars if str(name).startswith("other_")]
    if not beside:
        return ""
    ear, use = attribute(result, "people")["ear"], study(result)["population"]
    what = "spared what only reaches one ear" if use.get("other") == "untreated" else "treated alike"
    last = result[beside[0]].isel(time=-1).mean("frequency").median("subject")
    levels = ", ".join(
        f"{number(float(last.sel(arm=arm)), 2)} dB HL with “{arm}”" for arm in result["arm"].values
    )
    return (
        f"This is the {ear} ear. The other is simulated from its own audiogram, {what}; scales take the better or the "
        f"worse of both, as their rules say. Its mean level at the end: {levels} (medians)."
    )


def _fit(people: dict[str, object], subjects: int) -> str:
    """How the subjects stand beside the people of the file."""
    apart = np.asarray(people["apart"], dtype=float)
    tones = np.asarray(people["frequency"], dtype=float)
    worst = int(np.argmax(apart))
    effective = number(float(str(people["effective"])), 3)
    of = (
        f"These {subjects} subjects come from a norm, and are as many different people"
        if people["people"] is None
        else f"{people['people']} people were recorded; these {subjects} subjects are worth {effective} different ones"
    )
    return (
        f"{of}. At no frequency do the shares of both at or below a level lie further apart than "
        f"{number(100 * float(apart[worst]), 2)} % ({number(float(tones[worst]))} kHz)."
    )


# ---------------------------------------------------------------- pictures


def _audiogram(result: xr.Dataset, people: dict[str, object]) -> Panel:
    """Levels the subjects came with, 10 to 90 %, beside what was read."""
    tones = np.asarray(people["frequency"], dtype=float)
    drawn, read = (np.asarray(people[key], dtype=float) for key in ("drawn", "recorded"))
    single = people["people"] == 1
    with canvas(400, 290) as (figure, axes):
        axes.fill_between(tones, drawn[0], drawn[2], color=TREATED, alpha=0.2, linewidth=0)
        axes.plot(tones, drawn[1], color=TREATED)
        if single:
            axes.plot(tones, read[1], linestyle="none", marker="o", markersize=5, color=INK)
        else:
            for row, width in zip(read, (1.0, 1.6, 1.0), strict=True):
                axes.plot(tones, row, color=COMPARED, linewidth=width, dashes=(4, 2.5))
        tone_axis(axes, tones)
        ends = (min(drawn.min(), read.min()) - 5, max(drawn.max(), read.max()) + 5)
        axes.set_ylim(ends[1], ends[0])
        axes.set_ylabel("hearing level, dB HL")
        svg = svg_text(figure, "arrival audiogram")
    whom = "the norm" if people["people"] is None else "recorded"
    what = "Dots: read" if single else f"Dashed: {whom}, 10, 50 and 90 % of people"
    ends_read = ", ".join(
        f"{number(float(drawn[1][i]), 2)} dB HL at {number(float(tones[i]))} kHz" for i in (0, -1)
    )
    return Panel("Hearing level", f"{what}. Shaded: 10 to 90 % of the subjects; median {ends_read}.", svg)


def _cells(result: xr.Dataset) -> list[Panel]:
    """Share left of each kind along the duct."""
    return [_kind(result, str(kind)) for kind in result["cell"].values]


def _kind(result: xr.Dataset, kind: str) -> Panel:
    shares = 100 * result["arrived"].sel(cell=kind).astype(float)
    spread = band(shares.values, groups(result))
    with canvas(400, 290) as (figure, axes):
        draw_band(axes, along(result), spread, TREATED)
        duct_axis(axes, result)
        axes.set(ylabel="% left", ylim=(0, 104), yticks=[0, 25, 50, 75, 100])
        svg = svg_text(figure, f"arrival {kind}")
    ends = [number(float(spread.typical[i]), 2) for i in (0, -1)]
    return Panel(
        capital(KINDS.get(kind, kind)), f"Typical ear: {ends[0]} % at the base, {ends[1]} % at the apex.", svg
    )
