"""What the command line prints of each answer, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from otosome.report.summary import exactness, limits, read_once, standing

# With fewer, an end of the interval is the one world that happened to lie there.
_FEW_WORLDS = 5
# A share of fewer moves in steps of more than 5 %: one that reads 100 % may be 95 %.
_FEW_FOR_A_SHARE = 20
_LAST = "  research only; not for treating anyone"
Answer = Mapping[str, Any]


def accuracy_lines(errors: Answer, ears: int) -> list[str]:
    """How exact the calculation is, and whether that is within its limits; nothing where an old result states none."""
    return [exactness(errors, ears), limits(errors)] if "limits" in errors else []


def headline_lines(headline: Answer) -> list[str]:
    """The benefit with its interval, what it rests on, and the null-vesicle twin."""
    if not headline:
        return ["no comparison was asked for (the study has no [compare])"]
    share = ", ".join(f"{100 * v:.0f} % {k}" for k, v in headline["share"].items() if v >= 0.005)
    lines = [
        f"benefit of '{headline['of']}' against '{headline['against']}': {_benefit(headline, 'benefit')}",
        f"  rests on: {share or 'nothing that moves it'}",
    ]
    if headline.get("null_benefit") is not None:
        lines.append(f"  null-vesicle twin: {_benefit(headline, 'null_benefit')}")
    return [*lines, *_few(headline["knowledge"]["worlds"], _FEW_WORLDS, "for this interval to hold"), _LAST]


def _benefit(headline: Answer, key: str) -> str:
    """Median and ends to a tenth; nothing reads 0.0, never -0.0."""
    median, low, high = (round(headline[key][end], 1) + 0.0 for end in ("median", "low", "high"))
    return f"{median:.1f} {headline['unit']} ({low:.1f} to {high:.1f})"


def therapy_lines(therapies: Answer) -> list[str]:
    """Every therapy with the probability that it is best, the words it gains and the cells it saves."""
    measures = therapies["arms"][0]["measures"]
    words = [name for name, row in measures.items() if row["endpoint"] == "word_score"]
    lines = [
        f"against '{therapies['reference']}', medians of {therapies['ears']} ears (5 to 95 %), "
        f"probabilities over {_worlds(therapies['worlds'])} (95 %):"
    ]
    for arm in therapies["arms"]:
        lines += _arm(arm, words)
    lead = therapies["ahead"]
    lines.append(
        f"  '{lead['of']}' is worth {_band(lead['by'])} more on average than the next, '{lead['over']}'"
    )
    return [*lines, *_few(therapies["worlds"], _FEW_FOR_A_SHARE, "to tell 95 % from certain"), _LAST]


def _arm(arm: Answer, words: Sequence[str]) -> list[str]:
    average, single = (_share(arm["best"]["as stated"][of]) for of in ("average", "one"))
    saved = [f"{kind} {_band(_hundred(cell['saved']), ' %')}" for kind, cell in arm["cells"].items()]
    return [
        f"  {arm['name']}: worth {_band(arm['score'])}; best on average with {average}, for one person with {single}",
        *(f"    {name} {_band(arm['measures'][name]['gain'], ' points')}" for name in words),
        f"    cells saved: {', '.join(saved)}",
    ]


def _share(share: Mapping[str, float]) -> str:
    """A probability with the 95 % that as many worlds leave open."""
    value, low, high = (f"{100 * share[end]:.0f}" for end in ("value", "low", "high"))
    return f"{value} % ({low} to {high} %)"


def _few(worlds: int, least: int, for_what: str) -> list[str]:
    """A line that warns where an answer rests on fewer worlds than it takes."""
    if worlds >= least:
        return []
    return [
        f"  {_worlds(worlds)}, each one draw of what is not known: too few {for_what}; take more --subjects"
    ]


def _worlds(number: int) -> str:
    return f"{number} world{'s' if number > 1 else ''}"


def _hundred(band: Mapping[str, float]) -> dict[str, float]:
    return {end: 100 * value for end, value in band.items()}


def _band(band: Mapping[str, float], unit: str = "") -> str:
    return f"{_sign(band['median'])}{unit} ({_sign(band['low'])} to {_sign(band['high'])})"


def _sign(value: float) -> str:
    """To a tenth, with its sign; nothing reads 0.0, never -0.0."""
    tenth = round(value, 1)
    return f"{tenth:+.1f}" if tenth else "0.0"


def source_lines(rows: Sequence[Answer], counts: Mapping[str, int]) -> list[str]:
    """Every number of a study with its paper or the reason it was assumed, and how many of each basis there are."""
    number = ", ".join(f"{count} {basis}" for basis, count in sorted(counts.items()))
    return [f"* {read_once(rows)}", *map(_source, rows), number]


def _source(row: Answer) -> str:
    mark = f"{row['basis']}{'*' if row['provisional'] else ''}"
    shown = row["given"] if row["value"] is None else f"{row['value']:.4g} {row['unit']}"
    stands = f"  [{standing(row)}]" if standing(row) else ""
    return f"{mark:<11} {row['parameter']:<58} {shown}  {row['source'] or ''}{stands}"


def entry_lines(entries: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Shelves with their entries."""
    lines = []
    for shelf, abouts in entries.items():
        lines += [shelf, *(f"  {name:<28} {about}" for name, about in abouts.items())]
    return lines


def import_lines(rows: Mapping[str, int]) -> list[str]:
    """How many of each table an import holds."""
    names = {"thresholds": "thresholds from waveforms"}
    return [", ".join(f"{count} {names.get(name, name)}" for name, count in rows.items())]


def standing_lines(row: Answer) -> list[str]:
    """Whether a result still stands, what changed, and where its benefit moved to."""
    files = row["verb"] in ("import", "quality")
    fallen = "was read from files that changed" if files else "rests on evidence that changed"
    stands = "stands (its files are as they were)" if files else "stands"
    lines = [f"{row['result']}: {stands if row['stands'] else fallen}", *_changed(row["changed"], "  ")]
    if row["then"] is not None and not row["stands"]:
        lines.append(f"  best-value benefit: {row['then']:.2f} {row['unit']} then, {row['now']:.2f} now")
    for key in row["refused"]:
        lines.append(f"  {key} is retracted: a new run refuses it unless it is allowed by name")
    return [*lines, *([f"  asked again: {row['rerun']}"] if "rerun" in row else [])]


def _changed(rows: Iterable[Answer], indent: str = "") -> list[str]:
    return [f"{indent}{row['what']:<9} {row['parameter']}: {row['then']} -> {row['now']}" for row in rows]


def change_lines(between: Answer) -> list[str]:
    """What evidence changed between two results, and how the benefit moved."""
    bands = {name: between[name] for name in ("then", "now") if between[name] is not None}
    moved = [
        f"{name}: {band['median']:.2f} ({band['low']:.2f} to {band['high']:.2f}) {between['unit']}"
        for name, band in bands.items()
    ]
    return [*_changed(between["changed"]), *moved]


def claim_lines(rows: Iterable[Answer]) -> list[str]:
    """Each claim: what it stands on, the figure now, the verdict, the test and the command."""
    return [line for row in rows for line in _claim(row)]


def _claim(row: Answer) -> list[str]:
    from otosome.review.claims import said as words

    figure = row["figure"]
    lines = [f"{row['claim']}: {row['about']}"]
    lines += [
        f"  stands on ({ground['is']}, {ground['says']}): {ground['words']}" for ground in row["stands_on"]
    ]
    if figure is None:
        lines.append(f"  not computed here yet: {row['missing']}")
    else:
        lines.append(f"  now: {words(figure)}: {figure['words']}")
        lines += [f"       {words(part)}: {part['words']}" for part in figure["parts"]]
    return [
        *lines,
        f"  verdict: {row['verdict']} ({row['why']})",
        f"  test: {row['test']}",
        f"  again: {row['command']}",
        "",
    ]
