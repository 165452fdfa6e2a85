"""A study's result as one HTML file that works offline and loads nothing from outside."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otosome.report.saved import save_page, without_numbers
from otosome.units import Json

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from jinja2 import BaseLoader, Environment

    from otosome.answers.headline import Headline
    from otosome.answers.sources import SourceRow
    from otosome.report.pictures import Begun

_HERE = Path(__file__).parent

__all__ = ["write_report", "write_window"]


def write_report(result: xr.Dataset, readings: pd.DataFrame, path: Path, begun: Begun | None = None) -> None:
    """Write the report of a result as one HTML file, and its figures and their numbers into ``figures`` beside it.

    ``result``    what `answer` returns: arms, ears, window; headline, sources and notes in `attrs`
    ``readings``  the tidy table of simulated or measured readings, drawn as dots
    ``path``      the HTML file; one that is there is replaced
    ``begun``     its pictures, of ``report.pictures.begin``, where they were begun before
    raises        ValueError where the result lacks something the report shows
    """
    save_page(_numbered(result, readings, begun), path)


def write_window(result: xr.Dataset, path: Path) -> None:
    """Write the window - one ear unrolled, its audiogram, the benefit by day of treatment - as PNG or SVG.

    ``path``  ends in `.png` or `.svg`
    raises    ValueError for another ending, and where the result lacks something or has no window
    """
    from otosome.report.still import save_window
    from otosome.report.summary import check, has_window, headline

    check(result)
    if headline(result) is None:
        raise ValueError("this study compares no arms, so it has no window; add a [compare] to it")
    if not has_window(result):
        raise ValueError(
            "this study compares words, which have no frequency, so it has no window; compare thresholds in it"
        )
    save_window(result, path)


def page(result: xr.Dataset, readings: pd.DataFrame) -> str:
    """The page of a result, without the numbers of its pictures."""
    return without_numbers(_numbered(result, readings))


def _numbered(result: xr.Dataset, readings: pd.DataFrame, begun: Begun | None = None) -> str:
    """The report as HTML text, the same for the same result."""
    from otosome.model.team import team
    from otosome.report.pictures import begin, begin_dotted
    from otosome.report.summary import check

    check(result)
    page = _side_by_side if "therapies" in result.attrs else _study
    with team(1) as alone:
        pictures = (
            {**begin(alone, result), **begin_dotted(alone, result, readings)} if begun is None else begun
        )
        return page(result, readings, pictures)


def _study(result: xr.Dataset, readings: pd.DataFrame, begun: Begun) -> str:
    from otosome.report import summary
    from otosome.report.dose import insight

    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "window.js"))
    compared = summary.headline(result)
    return _rendered(
        "page.html.jinja",
        style,
        script,
        **_common(result),
        headline=compared,
        **(_answer(result, compared) if compared else {"movers": []}),
        **_beside(result, readings),
        drugs=summary.drugs(result),
        **{name: picture.result() for name, picture in begun.items()},
        insight=insight(result),
        command="run",
    )


def _side_by_side(result: xr.Dataset, readings: pd.DataFrame, begun: Begun) -> str:
    from otosome.report import summary
    from otosome.report.therapies import side_by_side

    style = "".join((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "therapies.css"))
    beside = summary.therapies(result)
    assert beside is not None
    return _rendered(
        "therapies.html.jinja",
        style,
        "",
        **_common(result),
        **side_by_side(beside, result),
        **{name: picture.result() for name, picture in begun.items()},
        grades=beside.grades,
        command="compare",
    )


def page_of(template: str, **values: Any) -> str:
    """A page of its own template in the style of all others."""
    return _rendered(template, (_HERE / "page.css").read_text(encoding="utf-8"), "", **values)


def _rendered(template: str, style: str, script: str, **values: Any) -> str:
    policy = _policy(style, script)
    text = _templates().get_template(template).render(style=style, script=script, policy=policy, **values)
    return _with_contents(text)


def _with_contents(text: str) -> str:
    """The page with a list of its sections where it leaves room for one."""
    import re

    headings = re.findall(r'<h2 id="([\w-]+)">(.*?)</h2>', text)
    items = "".join(f'<li><a href="#{name}">{heading}</a></li>' for name, heading in headings)
    return text.replace("<!-- contents -->", f"<ol>{items}</ol>", 1)


def _common(result: xr.Dataset) -> Json:
    """What every report prints: title, question, arms, errors, sources, notes."""
    from otosome.report import exactness, provenance, summary
    from otosome.report.arrival import arrival, crossing
    from otosome.report.axes import stack
    from otosome.study import REFUSED

    errors, sources = summary.accuracy(result), summary.sources(result)
    counts: dict[str, int] = {}
    for row in sources:
        counts[row.basis] = counts.get(row.basis, 0) + 1
    notes = summary.attribute(result, "notes")
    return {
        "arrival": arrival(result),
        "crossing": crossing(result),
        "title": summary.title(result),
        "question": summary.question(result),
        "species": summary.words(result.attrs["species"]),
        "version": result.attrs["version"],
        "seed": result.attrs["seed"],
        "subjects": result.sizes["subject"],
        "counts": stack(counts, {basis: str(count) for basis, count in counts.items()}),
        "errors": errors,
        "error_line": exactness.short(errors),
        "exactness": exactness.exactness(errors, result.sizes["subject"]),
        "limits": exactness.limits(errors),
        "error_rows": exactness.error_rows(errors),
        "sources": provenance.printed(sources),
        "read_once": provenance.read_once(sources),
        "notes": notes,
        "priors": json.loads(result.attrs.get("priors", "null")),
        "refused": [note for note in notes if note.startswith(REFUSED)],
        "arms": summary.arms(result),
        "study": result.attrs["study"],
    }


def _answer(result: xr.Dataset, compared: Headline) -> Json:
    """What the comparison adds: the headline and the numbers that move it."""
    from otosome.report import axes, summary

    scale, rows = axes.comparison(compared)
    movers_axis, movers = axes.movers(summary.movers(result), compared.unit)
    shares = compared.share
    return {
        "benefit_of": summary.benefit_of(result, compared),
        "verdict": summary.verdict(compared),
        "comparison": rows,
        "comparison_axis": scale,
        "movers": movers,
        "movers_axis": movers_axis,
        "rests": axes.stack(
            {basis: share.exact for basis, share in shares.items()},
            {basis: share.text for basis, share in shares.items()},
        ),
    }


def _beside(result: xr.Dataset, readings: pd.DataFrame) -> Json:
    """What stands beside the pictures of a study's page: colours, tables, the window's numbers."""
    from otosome.answers.grades import grades
    from otosome.report import figures, pictures, summary, window
    from otosome.report.against import against, measured, outside, used
    from otosome.report.drugs import assays

    assayed = [name for name in summary.measures(result) if summary.assayed(result, name)]
    laid = {
        "colours": figures.arm_colours(result),
        "against": against(result),
        "used": used(result),
        "outside": outside(result),
        "measured": measured(result),
        "assays": assays(result, assayed),
    }
    names = pictures.heard(result)
    if not names:
        return laid | {"window": None, "measure": None, "day": None, "grades": []}
    first = names[0]
    return laid | {
        "window": _json(window.pack(result)) if summary.has_window(result) else None,
        "measure": summary.capital(summary.words(str(result[first].attrs.get("long_name", first)))),
        "day": float(summary.measured(result, first)["time"][-1]) / window.HOURS_A_DAY,
        "grades": grades(readings, summary.scales(result), map(str, result["arm"].values)),
    }


def _templates() -> Environment:
    from jinja2 import FileSystemLoader

    return environment(FileSystemLoader(_HERE))


def environment(loader: BaseLoader) -> Environment:
    """Templates with the filters of every report; what they are given is text, never markup."""
    from jinja2 import Environment, StrictUndefined

    from otosome.answers import numbers

    templates = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(number=numbers.number, amount=numbers.amount, standing=_standing, words=_words)
    return templates


def _standing(row: SourceRow) -> str:
    from otosome.report import provenance

    return provenance.standing(row)


def _words(text: str) -> str:
    from otosome.answers import numbers
    from otosome.report import summary

    return numbers.unit_text(summary.words(text))


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
