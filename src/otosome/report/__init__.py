"""A study's result as one HTML file that works offline and loads nothing from outside."""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from otosome.study import REFUSED

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent

__all__ = ["write_report", "write_window"]


def write_report(result: xr.Dataset, readings: pd.DataFrame, path: Path) -> None:
    """Write the report of a result as one HTML file, beside its place first and then renamed into it.

    ``result``    what `answer` returns: arms, subjects, window; headline, sources and notes in `attrs`
    ``readings``  the tidy table of simulated or measured readings, drawn as dots
    ``path``      the HTML file; one that is there is replaced
    raises        ValueError where the result lacks something the report shows
    """
    text = page(result, readings)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_window(result: xr.Dataset, path: Path) -> None:
    """Write the window - one ear unrolled, its audiogram, the benefit by day of treatment - as PNG or SVG.

    ``path``  ends in `.png` or `.svg`
    raises    ValueError for another ending, and where the result lacks something or has no window
    """
    from otosome.report.still import save_window
    from otosome.report.summary import check, has_window, headline

    check(result)
    if not headline(result):
        raise ValueError("this study compares no arms, so it has no window; add a [compare] to it")
    if not has_window(result):
        raise ValueError(
            "this study compares words, which have no frequency, so it has no window; compare thresholds in it"
        )
    save_window(result, path)


def page(result: xr.Dataset, readings: pd.DataFrame) -> str:
    """The report as HTML text, the same for the same result."""
    from otosome.report.summary import check

    check(result)
    return _side_by_side(result, readings) if "therapies" in result.attrs else _study(result, readings)


def _study(result: xr.Dataset, readings: pd.DataFrame) -> str:
    from otosome.report import said

    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "window.js"))
    return (
        _templates()
        .get_template("page.html.jinja")
        .render(
            **_words(result),
            **_answer(result),
            **_pictures(result, readings),
            claims=said.claims(result.attrs["name"]),
            command="run",
            style=style,
            script=script,
            policy=_policy(style, script),
        )
    )


def _side_by_side(result: xr.Dataset, readings: pd.DataFrame) -> str:
    from otosome.report import figures
    from otosome.report.therapies import side_by_side

    style = "".join((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "therapies.css"))
    return (
        _templates()
        .get_template("therapies.html.jinja")
        .render(
            **_words(result),
            **side_by_side(result, readings),
            sizes=figures.sizes(result),
            command="compare",
            style=style,
            policy=_policy(style, ""),
        )
    )


def _words(result: xr.Dataset) -> dict[str, Any]:
    from otosome.report import summary
    from otosome.report.arrival import arrival, crossing

    counts: dict[str, int] = {}
    errors = summary.attribute(result, "errors")
    sources = summary.source_rows(summary.attribute(result, "sources"))
    for row in sources:
        counts[row["basis"]] = counts.get(row["basis"], 0) + 1
    return {
        "arrival": arrival(result),
        "crossing": crossing(result),
        "title": summary.title(result),
        "question": summary.question(result),
        "species": summary.words(result.attrs["species"]),
        "version": result.attrs["version"],
        "seed": result.attrs["seed"],
        "subjects": result.sizes["subject"],
        "counts": summary.shares(counts),
        "errors": errors,
        "exactness": summary.exactness(errors, result.sizes["subject"]),
        "limits": summary.limits(errors),
        "error_rows": summary.error_rows(errors),
        "sources": sources,
        "read_once": summary.read_once(sources),
        "notes": summary.attribute(result, "notes"),
        "refused": [n for n in summary.attribute(result, "notes") if n.startswith(REFUSED)],
        "arms": summary.attribute(result, "arms"),
        "study": result.attrs["study"],
    }


def _answer(result: xr.Dataset) -> dict[str, Any]:
    """What the comparison adds: the headline and the numbers that move it; nothing where none is asked."""
    from otosome.report import summary

    headline = summary.headline(result)
    if not headline:
        return {"headline": None, "movers": []}
    scale, rows = summary.comparison(result)
    movers_axis, movers = summary.movers(result)
    return {
        "headline": headline,
        "unit": summary.difference_unit(headline["unit"]),
        "benefit_of": summary.benefit_of(result),
        "verdict": summary.verdict(headline),
        "comparison": rows,
        "comparison_axis": scale,
        "movers": movers,
        "movers_axis": movers_axis,
        "rests": summary.shares(headline["share"]),
    }


def _pictures(result: xr.Dataset, readings: pd.DataFrame) -> dict[str, Any]:
    from otosome.report import (
        figures,
        still,
        summary,
        window,
    )

    first, *others = summary.measures(result)
    pictured = summary.has_window(result)
    return {
        "colours": figures.arm_colours(result),
        "window": _json(window.pack(result)) if pictured else None,
        "window_svg": still.window_svg(result) if pictured else None,
        "delivery": figures.delivery(result),
        "measure": summary.capital(summary.words(str(result[first].attrs.get("long_name", first)))),
        "day": float(summary.measured(result, first)["time"][-1]) / window.HOURS_A_DAY,
        "frequency": figures.by_frequency(result, readings, first),
        "course": figures.over_time(result, first),
        "others": figures.together(result, others),
        "cochleogram": figures.cochleogram(result),
        "sizes": figures.sizes(result),
        "grades": summary.grades(result, readings),
    }


def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from otosome.report import summary

    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = {"number": summary.number, "amount": summary.amount, "interval": summary.interval}
    environment.filters.update(
        **filters, standing=summary.standing, words=lambda text: summary.unit_text(summary.words(text))
    )
    return environment


def _policy(style: str, script: str) -> str:
    """A content security policy that lets run what this page itself brings, and nothing else."""
    return (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in, whatever names it holds."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
