"""The claims' table as it is kept and written: beside the shelf for reports, in the README and in docs/claims.md."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from otosome import __version__
from otosome.catalog import SHIPPED, Catalog
from otosome.errors import BadInput
from otosome.review.claims.claim import SHELF, VERDICTS, Claim
from otosome.review.claims.laboratory import Laboratory
from otosome.study import STUDIES

STORED = SHIPPED / SHELF / "figures.json"
MARKS = ("<!-- claims: written by otosome claims --write -->", "<!-- claims: end -->")
TITLE = "# What is claimed of this therapy"
# Units whose figures range over powers of ten.
_WIDE = ("times", "patients", "particles")
# Below it two decimals show nothing.
_SMALL = 0.05
_KINDS = {"measured": "measured", "direction": "direction only", "none": "nothing published"}
_VERDICTS = """\
A claim stands on one or more grounds, each *measured* (a published number with its spread, or counts that give
one), a *direction* (only a sign, or a number without a spread), or none. Measured and for the claim gives
*supported*, measured and against it *contradicted here*, a direction for it *direction only*, anything else *not
measured*. The weakest ground decides. A computed figure can only lower a verdict: where its whole interval lies
beyond the line that the claim needs, and does not follow from the structure of the model, the claim is
*contradicted here*: here means under what otosome assumes, drawn over its whole range. A ground all of whose sources
were retracted or withdrawn counts as none. Figures stand on priors, most of them assumed and wide: none of them is
evidence for a claim."""
Row = dict[str, Any]


def said(figure: Row) -> str:
    """A figure as it is printed: middle, unit, and interval."""
    numbers = [figure[key] for key in ("value", "low", "high")]
    largest = max(map(abs, numbers))
    if figure["unit"] in _WIDE or 0 < largest < _SMALL:
        value, low, high = map(_power, numbers)
    else:
        decimals = 1 if largest >= 10 else 2
        # Plus zero, because a number that rounds to nothing must not read -0.
        value, low, high = (f"{round(number, decimals) + 0.0:.{decimals}f}" for number in numbers)
    return f"{value} {figure['unit']} ({low} to {high})"


def _power(value: float) -> str:
    """Two digits, with a power of ten where it is far from one."""
    if value == 0 or not 1e-3 <= abs(value) < 1e4:
        digits, _, exponent = f"{value:.1e}".partition("e")
        return "0" if value == 0 else f"{digits}e{int(exponent)}"
    return f"{round(value, 1 - math.floor(math.log10(abs(value)))):g}"


def short(row: Row) -> str:
    """A claim's figure with what it is, in a few words; or that there is none."""
    figure = row["figure"]
    return "not computed here yet" if figure is None else f"{said(figure)}: {figure['words'].split(';')[0]}"


def grounds(row: Row) -> str:
    """What a claim stands on, by kind, each kind once."""
    kinds = dict.fromkeys(_KINDS[ground["is"]] for ground in row["stands_on"])
    return "; ".join(kinds)


def ordered(rows: list[Row]) -> list[Row]:
    """Claims best supported first."""
    return sorted(rows, key=lambda row: VERDICTS.index(row["verdict"]))


def table(rows: list[Row]) -> str:
    """The claims as a Markdown table, best supported first."""
    head = ["| What is claimed | Stands on | otosome computes now | Verdict |", "|---|---|---|---|"]
    cells = [(r["about"].rstrip("."), grounds(r), short(r), f"*{r['verdict']}*") for r in ordered(rows)]
    return "\n".join([*head, *(f"| {' | '.join(_cell(c) for c in row)} |" for row in cells)])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def page(rows: list[Row], made: str) -> str:
    """``docs/claims.md``: every claim with its grounds, its figures, its test and its command."""
    intro = (
        f"{TITLE}\n\nWritten by `otosome claims --write README.md`; no number here is typed. "
        f"{made}\n\n{_VERDICTS}\n"
    )
    return "\n".join([intro, *(_section(row) for row in rows)])


def _section(row: Row) -> str:
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
        told = f"- *{_KINDS[ground['is']]}, {ground['says']}*: {ground['words']}"
        lines.append(f"{told} ({cited})" if cited else told)
    lines += ["", *_figures(row), "", f"What would test it: {row['test']}"]
    if row["built_in"]:
        lines += ["", f"Built into the model, so the figure decides nothing: {row['built_in']}"]
    return "\n".join([*lines, "", f"    {row['command']}", ""])


def _figures(row: Row) -> list[str]:
    figure = row["figure"]
    if figure is None:
        return [f"Not computed here yet. {row['missing']}"]
    lines = [f"Computed: {said(figure)}: {figure['words']}."]
    if figure["parts"]:
        lines += [
            "",
            "| | |",
            "|---|---|",
            *(f"| {_cell(p['words'])} | {said(p)} |" for p in figure["parts"]),
        ]
    return lines


def _link(source: Row) -> str:
    told = f"[{source['title']}]({source['link']})" if source["link"] else source["key"]
    return told if source["standing"] == "current" else f"{told}, {source['standing']}"


def check_writable(readme: Path, names: Sequence[str] | None, shelves: Sequence[Path] | None) -> None:
    """Refuse, before minutes of work, a table of some claims or of shelves of one's own, or a README without marks."""
    if names or shelves:
        raise BadInput(
            "the table holds every claim, from the shipped shelves", key="--write",
            cure="leave out the names of claims, and --shelves",
        )  # fmt: skip
    _between(readme, "")
    told = readme.parent / "docs" / "claims.md"
    if not told.parent.is_dir():
        raise BadInput("is not a folder; the claims' page goes there", file=str(told.parent))
    if told.exists() and not (told.is_file() and told.read_bytes().startswith(TITLE.encode())):
        raise BadInput("is not the claims' page", file=str(told), cure="move it away")


def write(rows: list[Row], readme: Path, seed: int, ears: int, evidence: str) -> list[Path]:
    """Write the table between a README's marks, ``docs/claims.md`` beside it, and the rows for reports.

    ``evidence``  ``evidence_hash`` from before the rows were computed
    returns       the files written
    raises        BadInput where the README lacks the marks
    """
    made = f"otosome {__version__}, seed {seed}, {ears} ears; evidence {evidence}."
    text = _between(readme, table(rows))
    kept = {"version": __version__, "seed": seed, "ears": ears, "evidence": evidence, "rows": rows}
    files = {
        readme: text,
        readme.parent / "docs" / "claims.md": page(rows, made),
        STORED: json.dumps(kept, indent=1, allow_nan=False) + "\n",
    }
    for file, content in files.items():
        _put(file, content)
    return list(files)


def _between(readme: Path, middle: str) -> str:
    """A README with new text between the marks."""
    try:
        text = readme.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read as text ({error})", file=str(readme)) from error
    start, end = (text.find(mark) for mark in MARKS)
    if start < 0 or end < start:
        raise BadInput(
            "has no place for the table", file=str(readme), cure=f"add two lines: {' and '.join(MARKS)}"
        )
    return f"{text[: start + len(MARKS[0])]}\n{middle}\n{text[end:]}"


def _put(file: Path, content: str) -> None:
    beside = file.with_name(f".{file.name}.part")
    try:
        beside.write_text(content, encoding="utf-8", newline="\n")
        beside.replace(file)
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", file=str(file)) from error


def evidence_hash() -> str:
    """Changes when a claim does, or an entry, formula, study or source its figure rests on; no other code is in it."""
    digest = hashlib.sha256()
    for file in sorted(set(_evidence(Catalog()))):
        # As text, because a checkout may change line endings.
        content = file.read_text(encoding="utf-8")
        digest.update(f"{file.relative_to(SHIPPED).as_posix()}\0{content}\0".encode())
    return digest.hexdigest()[:16]


def _evidence(catalog: Catalog) -> Iterator[Path]:
    """The files that claims and their figures rest on."""
    laboratory = Laboratory(catalog=catalog)
    for name in catalog.names(SHELF):
        claim = Claim.of(catalog.get(SHELF, name), catalog)
        asked = claim.entry.card.options.get("study")
        entries = [claim.entry, *(catalog.get(*text.split(".")) for text in claim.uses)]
        if isinstance(asked, (str, dict)):
            # Some figures are of every mechanism there is.
            entries += laboratory.study(asked, mechanisms=None).entries()
        if isinstance(asked, str):
            yield STUDIES / f"{asked}.toml"
        for entry in entries:
            stem = SHIPPED / entry.card.shelf / entry.name
            yield from (f for f in (stem.with_suffix(".toml"), stem.with_suffix(".py")) if f.is_file())
        keys = {p.source for e in entries for by in e.card.parameters.values() for p in by.values()}
        keys |= {source.key for ground in claim.stands_on for source in ground.sources}
        yield from (SHIPPED / "sources" / f"{key}.toml" for key in keys if key)


def stored() -> Row:
    """The rows as last written: version, seed, ears, evidence (a hash), rows, and ``stale``: evidence changed since."""
    kept: Row = json.loads(STORED.read_text(encoding="utf-8"))
    return {**kept, "stale": kept["evidence"] != evidence_hash()}
