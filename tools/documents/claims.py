"""What is claimed of this therapy: docs/claims.md, the same as cards in docs/claims.html, and tables of the README."""

from __future__ import annotations

import json
from pathlib import Path

from otosome import __version__
from otosome.report.claims import by_prior, cards
from otosome.review.claims import KINDS, STORED, claims, evidence_hash, figure_text, ordered, short
from otosome.review.priors.posterior import MEANINGS, PRIORS
from otosome.units import Json

MARKS = ("<!-- claims: written by make docs -->", "<!-- claims: end -->")
PRIOR_MARKS = ("<!-- priors: written by make docs -->", "<!-- priors: end -->")
# The claim whose benefit stands in the README under each prior: one dose of vesicles before cisplatin in the mouse.
HEADLINE = "thresholds"
TITLE = "# What is claimed of this therapy"
EARS, SEED = 40, 1
_VERDICTS = """\
A claim stands on one or more grounds, each *measured* (a published number with its spread, or counts that give
one), a *direction* (only a sign, or a number without a spread), or none. Measured and for the claim gives
*supported*, measured and against it *contradicted*, a direction for it *direction only*, anything else *not
measured*. The weakest ground decides. A computed figure can only lower a verdict: where its whole interval lies
beyond the line that the claim needs, and does not follow from the structure of the model, the claim is *at odds with
our assumptions*; *contradicted* would take a figure that rests on measured numbers alone. A ground all of whose sources
were retracted or withdrawn counts as none. Figures stand on priors, most of them assumed and wide: none of them is
evidence for a claim. [claims.html](claims.html) shows the same as cards."""


def table(rows: list[Json]) -> str:
    """The claims as a Markdown table that is read in a minute, best supported first."""
    head = ["| What is claimed | Verdict | otosome computes now |", "|---|---|---|"]
    cells = [(r["about"].rstrip("."), f"*{r['verdict']}*", short(r)) for r in ordered(rows)]
    return "\n".join([*head, *(f"| {' | '.join(_cell(c) for c in row)} |" for row in cells)])


def headline(rows: list[Json]) -> str:
    """The benefit of vesicles in animals under each prior as a Markdown table; "" where it is not among the rows."""
    whole = [row for row in rows if row["claim"] == HEADLINE]
    if not whole:
        return ""
    (row,) = whole
    figures = {PRIORS[0]: row["figure"], **row["by_prior"]}
    lines = [
        f"| {name.replace('_', ' ')} | {MEANINGS[name]} | {figure_text(figure['parts'][0])} |"
        for name, figure in figures.items()
    ]
    head = [
        "| Prior | What it takes from papers | Benefit, median and 5 to 95 % of worlds |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *lines])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def page(rows: list[Json], origin: str) -> str:
    """``docs/claims.md``: every claim with its grounds, its figures, its test and its command."""
    intro = f"{TITLE}\n\nWritten by `make docs`; no number here is typed. {origin}\n\n{_VERDICTS}\n"
    return "\n".join([intro, *(_section(row) for row in rows)])


def _section(row: Json) -> str:
    lines = [
        f"## {row['claim']}: {row['about']}",
        "",
        f"**{row['verdict'].capitalize()}** ({row['why']}).",
        "",
    ]
    lines += [f"Claimed in: {_link(row['by'])}", "", "### What papers did", ""]
    for ground in row["stands_on"]:
        cited = ", ".join(
            [*map(_link, ground["sources"]), *(f"`otosome qualify {r}`" for r in ground["rows"])]
        )
        line = f"- *{KINDS[ground['is']]}, {ground['says']}*: {ground['words']}"
        lines.append(f"{line} ({cited})" if cited else line)
    lines += [*_papers(row["papers"]), "", "### What the model says", "", *_figures(row)]
    if row["built_in"]:
        lines += ["", f"Built into the model, so the figure decides nothing: {row['built_in']}"]
    return "\n".join(
        [*lines, "", "### What would settle it", "", row["test"], "", f"    {row['command']}", ""]
    )


def _papers(papers: Json | None) -> list[str]:
    """The experiments that bear on a claim, a line each, and all of them together."""
    if papers is None:
        return []
    lines = [f"- [{row['short']}]({row['link']}): {row['about']}: {row['printed']}" for row in papers["rows"]]
    together = f"Together: {papers['together']}. If one null result in ten is printed: {papers['sceptic']}."
    return ["", f"{together} `{papers['command']}` shows them:", "", *lines]


def _figures(row: Json) -> list[str]:
    figure = row["figure"]
    if figure is None:
        return [f"Not computed here yet. {row['missing']}"]
    lines = [f"Computed: {figure_text(figure)}: {figure['words']}."]
    lines += [f"- {name.replace('_', ' ')}: {text}" for name, text in by_prior(row).items()]
    if figure["parts"]:
        lines += [
            "",
            "| | |",
            "|---|---|",
            *(f"| {_cell(p['words'])} | {figure_text(p)} |" for p in figure["parts"]),
        ]
    return lines


def _link(source: Json) -> str:
    text = f"[{source['title']}]({source['link']})" if source["link"] else source["key"]
    return text if source["standing"] == "current" else f"{text}, {source['standing']}"


def between(text: str, middle: str, marks: tuple[str, str] = MARKS) -> str:
    """A README with new text between the marks; raises ValueError where it lacks them."""
    start, end = (text.index(mark) for mark in marks)
    return f"{text[: start + len(marks[0])]}\n{middle}\n{text[end:]}"


def contents(rows: list[Json], readme: str, evidence: str) -> dict[str, str]:
    """What is written: the README, the page and the stored figures, by name.

    ``evidence``  ``evidence_hash`` from before the rows were computed
    """
    origin = f"otosome {__version__}, seed {SEED}, {EARS} ears; evidence {evidence}."
    figures = {"version": __version__, "seed": SEED, "ears": EARS, "evidence": evidence, "rows": rows}
    return {
        "readme": between(between(readme, table(rows)), headline(rows), PRIOR_MARKS),
        "page": page(rows, origin),
        "cards": cards(rows, SEED, EARS),
        "figures": json.dumps(figures, indent=1, allow_nan=False) + "\n",
    }


def write(root: Path) -> None:
    """Compute every claim, some minutes, and write the README's table, docs/claims.md and the stored figures."""
    evidence = evidence_hash()
    rows = claims(None, EARS, SEED)
    readme = root / "README.md"
    texts = contents(rows, readme.read_text(encoding="utf-8"), evidence)
    docs = root / "docs"
    files = {"readme": readme, "page": docs / "claims.md", "cards": docs / "claims.html", "figures": STORED}
    for name, file in files.items():
        file.write_text(texts[name], encoding="utf-8", newline="\n")
