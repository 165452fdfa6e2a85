"""What is claimed of this therapy, as a page (docs/claims.md) and as a table between two marks of the README."""

from __future__ import annotations

import json
from pathlib import Path

from otosome import __version__
from otosome.review.claims import STORED, claims, evidence_hash, figure_text, grounds, ordered, short
from otosome.review.claims.figures import KINDS
from otosome.units import Json

MARKS = ("<!-- claims: written by make docs -->", "<!-- claims: end -->")
TITLE = "# What is claimed of this therapy"
EARS, SEED = 40, 1
_VERDICTS = """\
A claim stands on one or more grounds, each *measured* (a published number with its spread, or counts that give
one), a *direction* (only a sign, or a number without a spread), or none. Measured and for the claim gives
*supported*, measured and against it *contradicted here*, a direction for it *direction only*, anything else *not
measured*. The weakest ground decides. A computed figure can only lower a verdict: where its whole interval lies
beyond the line that the claim needs, and does not follow from the structure of the model, the claim is
*contradicted here*: here means under what otosome assumes, drawn over its whole range. A ground all of whose sources
were retracted or withdrawn counts as none. Figures stand on priors, most of them assumed and wide: none of them is
evidence for a claim."""


def table(rows: list[Json]) -> str:
    """The claims as a Markdown table, best supported first."""
    head = ["| What is claimed | Stands on | otosome computes now | Verdict |", "|---|---|---|---|"]
    cells = [(r["about"].rstrip("."), grounds(r), short(r), f"*{r['verdict']}*") for r in ordered(rows)]
    return "\n".join([*head, *(f"| {' | '.join(_cell(c) for c in row)} |" for row in cells)])


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
    lines += [f"Claimed in: {_link(row['by'])}", "", "Stands on:", ""]
    for ground in row["stands_on"]:
        cited = ", ".join(
            [*map(_link, ground["sources"]), *(f"`otosome qualify {r}`" for r in ground["rows"])]
        )
        line = f"- *{KINDS[ground['is']]}, {ground['says']}*: {ground['words']}"
        lines.append(f"{line} ({cited})" if cited else line)
    lines += ["", *_figures(row), "", f"What would test it: {row['test']}"]
    if row["built_in"]:
        lines += ["", f"Built into the model, so the figure decides nothing: {row['built_in']}"]
    return "\n".join([*lines, "", f"    {row['command']}", ""])


def _figures(row: Json) -> list[str]:
    figure = row["figure"]
    if figure is None:
        return [f"Not computed here yet. {row['missing']}"]
    lines = [f"Computed: {figure_text(figure)}: {figure['words']}."]
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


def between(text: str, middle: str) -> str:
    """A README with new text between the marks; raises ValueError where it lacks them."""
    start, end = (text.index(mark) for mark in MARKS)
    return f"{text[: start + len(MARKS[0])]}\n{middle}\n{text[end:]}"


def contents(rows: list[Json], readme: str, evidence: str) -> dict[str, str]:
    """What is written: the README, the page and the stored figures, by name.

    ``evidence``  ``evidence_hash`` from before the rows were computed
    """
    origin = f"otosome {__version__}, seed {SEED}, {EARS} ears; evidence {evidence}."
    figures = {"version": __version__, "seed": SEED, "ears": EARS, "evidence": evidence, "rows": rows}
    return {
        "readme": between(readme, table(rows)),
        "page": page(rows, origin),
        "figures": json.dumps(figures, indent=1, allow_nan=False) + "\n",
    }


def write(root: Path) -> None:
    """Compute every claim, some minutes, and write the README's table, docs/claims.md and the stored figures."""
    evidence = evidence_hash()
    rows = claims(None, EARS, SEED)
    readme = root / "README.md"
    texts = contents(rows, readme.read_text(encoding="utf-8"), evidence)
    files = {"readme": readme, "page": root / "docs" / "claims.md", "figures": STORED}
    for name, file in files.items():
        file.write_text(texts[name], encoding="utf-8", newline="\n")
