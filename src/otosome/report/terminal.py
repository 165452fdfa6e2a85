"""What the command line prints of each answer, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from otosome.answers.numbers import amount, number, written

# What is printed of a design is printed within a second, so nothing else is loaded for it.
if TYPE_CHECKING:
    from otosome.answers.accuracy import Accuracy
    from otosome.answers.exposure import Drugs
    from otosome.answers.headline import Headline
    from otosome.answers.sources import SourceRow
    from otosome.answers.therapies import ArmResult, SideBySide
    from otosome.fitting.fit import Fit
    from otosome.fitting.foretelling import LeftOut

# With fewer, an end of the interval is the one world that happened to lie there.
_FEW_WORLDS = 5
# Of a curve that is printed.
_POINTS = 8
# A share of fewer moves in steps of more than 5 %: one that reads 100 % may be 95 %.
_FEW_FOR_A_SHARE = 20
# Refusals that are printed, by file and reason; and what is said of a column that was refused whole.
_REFUSALS, _COLUMN = 5, re.compile(r"\d+ values")
# What bases are called in full where the word alone says little.
_GLOSS = {
    "secondary": " (read in another paper)",
    "unverified": " (reported, not checked)",
    "computed": " (from measured numbers)",
    "direction": " (only the sign is published)",
}
# Animals that are named of those with readings outside.
_ANIMALS = 5
_LAST = "  research only; not for treating anyone"
Answer = Mapping[str, Any]


def accuracy_lines(errors: Accuracy) -> list[str]:
    """The numerical error in one short line."""
    from otosome.report.exactness import short

    return [f"{short(errors)}; details in the report"]


def headline_lines(compared: Headline | None, dose: str = "") -> list[str]:
    """The benefit with its interval and what it rests on; ``dose``  what the dose does, in words."""
    if compared is None:
        return ["no comparison: the study names none, or gives both groups the same"]
    parts = [
        f"{share.text} {basis}{_GLOSS.get(basis, '')}"
        for basis, share in compared.share.items()
        if share.exact >= 0.005
    ]
    lines = [
        f"benefit of '{compared.of}' against '{compared.against}': {compared.benefit.text}",
        f"  {_spread(compared)}",
        f"  rests on, by what moves it: {', '.join(parts) or 'nothing that moves it'}",
    ]
    lines += [f"  {dose}"] if dose else []
    if compared.null_benefit is not None:
        lines.append(f"  null vesicles: {compared.null_benefit.text}")
    if compared.late is not None:
        lines.append(f"  {compared.late.text}")
    lines += _too_few(compared.worlds, _FEW_WORLDS, "for this interval to hold")
    return [*lines, _LAST]


def _spread(compared: Headline) -> str:
    """What the interval of the benefit is of, and how far another draw of worlds might move its median."""
    of = f"in brackets 5 to 95 % of single simulated ears in {_worlds(compared.worlds)}, and no error of a group's mean"
    if compared.resampled is None:
        return of
    low, high = (amount(end, compared.unit) for end in compared.resampled.median)
    return f"{of}; other worlds might show a median of {low} to {high}"


def drug_lines(drugs: Drugs) -> list[str]:
    """Where each drug went: peak, when, area and half-life at every probe, and base over apex."""
    lines = [
        f"{row.solute} in '{row.arm}', {row.probe}: peak {row.peak.text} at {row.peak_time.text}, area {row.area.text}"
        + (f", half-life {row.half_life.text}" if row.half_life else "")
        for row in drugs.exposures
    ]
    lines += [
        f"{row.solute} in '{row.arm}', {row.of} over {row.over}: peak {row.peak.text}, area {row.area.text}"
        for row in drugs.gradients
    ]
    if not lines:
        return drugs.notes
    few = _too_few(drugs.worlds, _FEW_WORLDS, "for these intervals to hold")
    return [*lines, *drugs.notes, *few, _LAST]


def prior_lines(priors: Answer | None) -> list[str]:
    """The benefit under every prior by name, and which published results are at odds with the model."""
    if priors is None:
        return []
    rows = [
        f"  {row['name'].replace('_', ' '):<12}{row['benefit']['text']:<28}{row['meaning']}"
        + (
            f" (effective sample size {row['effective']:.0f} worlds)"
            if row["effective"] < priors["worlds"]
            else ""
        )
        for row in priors["rows"]
    ]
    return ["the same under each prior of efficacy:", *rows, *_wider(priors["rows"]), f"  {priors['line']}"]


def _wider(rows: Sequence[Answer]) -> list[str]:
    """Why the interval of a sceptic reaches beyond that of the experiments as printed, where it does."""
    ends = {row["name"]: row["benefit"]["exact"]["high"] for row in rows}
    if not ends.get("sceptic", 0.0) > ends.get("as_printed", float("inf")):
        return []
    return [
        "  The sceptic learns less from the experiments, so the median is lower and yet the interval may reach farther."
    ]


def against_lines(laid: Answer | None) -> list[str]:
    """How many measured readings lie inside the bands of a simulation, a line a measure; none without readings.

    Before them stands whether they can be a test at all.
    """
    return [] if laid is None else [f"  {line}" for line in (*laid.get("used", []), *_total_lines(laid))]


def _total_lines(laid: Answer) -> list[str]:
    return [
        f"measured {total['measure']}: {total['inside']['text']} of {total['readings']} readings inside the "
        f"simulated 5 to 95 %, {total['medians_inside']} of {total['medians']} medians of groups; "
        f"CRPS {total['crps_text']} (how far off; less is better), log score {total['log_score']:.2f} (more is better)"
        for total in laid["totals"]
    ]


def outside_lines(laid: Answer | None) -> list[str]:
    """Which animals have most readings outside the bands, in one line; none where none are outside."""
    if laid is None or not laid["animals"]:
        return []
    most = [_many(row) for row in laid["animals"][:_ANIMALS]]
    rest = len(laid["animals"]) - len(most)
    more = f"; and {rest} more animals" if rest else ""
    return [f"  outside, each reading in outside.csv: {'; '.join(most)}{more}"]


def _many(row: Answer) -> str:
    run = f", {row['run']}" if row["run"] else ""
    return f"{row['animal']}{run} ({row['below'] + row['above']} of {row['readings']})"


def left_out(row: LeftOut) -> str:
    """How well animals left out were foretold, in words."""
    return (
        f"{row.measure}: {row.readings} readings, {row.inside.text} inside 5 to 95 %; log score "
        f"{number(row.log_score, 3)}, group mean and SD {number(row.rival, 3)}: gain {number(row.gain, 2)} "
        f"(standard error {number(row.gain_error, 1)})"
    )


def fit_lines(fit: Fit) -> list[str]:
    """What a fit says, a line a number; how far to trust it; what was predicted."""
    lines = [
        f"{fit.method} of {len(fit.estimates)} numbers from {fit.readings} readings of {fit.animals} animals"
    ]
    lines += [f"  {row.light or '–':6} {row.name}: {row.text}  (shelf: {row.prior})" for row in fit.estimates]
    search = fit.search
    lines.append(
        f"  {search.agreeing} of {search.starts} starts agree; log-posterior {search.log_posterior:.2f}, twice the "
        f"nodes between animals move it by {search.node_error:+.3f}"
    )
    lines += [f"  before: {line}" for line in _total_lines(asdict(fit.prior_fit))]
    lines += [f"  fitted: {line}" for line in _total_lines(asdict(fit.fit))]
    if fit.held_out is not None:
        over = fit.held_out.foretold
        lines += [] if over is None else [f"  left out: {line}" for line in _total_lines(asdict(over))]
        lines += [f"    group mean and SD: log score {row.log_score:.2f}" for row in fit.held_out.rival]
        lines += [f"  animals left out: {left_out(row)}" for row in fit.held_out.animals]
    lines += [f"  prediction errors of {row.measure}: {row.text}" for row in fit.calibration]
    lines += [f"  printed: {row.printed}: {row.text}" for row in fit.printed]
    lines += [
        f"  explanation {row.name}: {row.score:.1f}, {row.behind:.1f} behind the best (standard error {row.error:.1f})"
        for row in fit.explanations
    ]
    # What each light says in words stands in the report.
    lights = ("Your data tell", "Your data hardly tell")
    return [*lines, *(f"  {sentence}" for sentence in fit.sentences if not sentence.startswith(lights))]


def therapy_lines(beside: SideBySide) -> list[str]:
    """Every therapy with the probability that it is best, the words it gains and the cells it saves."""
    lines = [
        f"against '{beside.reference}', medians of {beside.ears} ears (5 to 95 %), "
        f"probabilities over {_worlds(beside.worlds)} (95 %):"
    ]
    lines += [line for arm in beside.arms for line in _arm_lines(arm)]
    lead = beside.ahead
    lines.append(f"  '{lead.of}' is worth {lead.by.text} more on average than the next, '{lead.over}'")
    lines += _too_few(beside.worlds, _FEW_FOR_A_SHARE, "to tell 95 % from certain")
    return [*lines, _LAST]


def _arm_lines(arm: ArmResult) -> list[str]:
    from otosome.answers.scores import WORDS

    chance = arm.best["as stated"]
    gains = [f"    {name} {row.gain.text}" for name, row in arm.measures.items() if row.endpoint == WORDS]
    saved = ", ".join(f"{kind} {cell.saved.text}" for kind, cell in arm.cells.items())
    return [
        f"  {arm.name}: worth {arm.score.text}; best on average with {chance.average.text}, for one person with "
        f"{chance.person.text}",
        *gains,
        f"    cells saved: {saved}",
    ]


def _too_few(worlds: int, least: int, for_what: str) -> list[str]:
    """A line that warns where an answer rests on fewer worlds than it takes."""
    if worlds >= least:
        return []
    return [
        f"  {_worlds(worlds)}, each one draw of what is not known: too few {for_what}; take more --subjects"
    ]


def _worlds(number: int) -> str:
    return f"{number} world{'s' if number > 1 else ''}"


def source_lines(rows: Sequence[SourceRow], counts: Mapping[str, int]) -> list[str]:
    """Every number of a study with its paper or the reason it was assumed, and how many of each basis there are."""
    from otosome.report.provenance import read_once

    number = ", ".join(f"{count} {basis}" for basis, count in sorted(counts.items()))
    return [f"* {read_once(rows)}", *map(_source, rows), number]


def _source(row: SourceRow) -> str:
    from otosome.report.provenance import standing

    mark = f"{row.basis}{'*' if row.provisional else ''}"
    shown = row.given if row.value is None else f"{row.value:.4g} {row.unit}"
    stands = f"  [{standing(row)}]" if standing(row) else ""
    fit = f"  fit {row.fit}" if row.fit else ""
    return f"{mark:<11} {row.parameter:<58} {shown}  {row.source or ''}{fit}{stands}"


def _curve_lines(chart: Answer) -> list[str]:
    """A figure as text: some points of each of its lines."""
    lines = [f"  {chart['heading']}: {chart['up']} by {chart['across']}"]
    for series in chart["series"]:
        points = list(zip(series["across"], series["up"], strict=True))
        some = points[:: -(-len(points) // _POINTS)]
        lines.append(
            f"    {series['label']}: {', '.join(f'{up:.2g} at {across:.3g}' for across, up in some)}"
        )
    return lines


def entry_lines(entries: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Shelves with their entries."""
    lines = []
    for shelf, abouts in entries.items():
        lines += [shelf, *(f"  {name:<28} {about}" for name, about in abouts.items())]
    return lines


def import_lines(rows: Mapping[str, int], refused: Sequence[Mapping[str, str]] = ()) -> list[str]:
    """How many of each table an import holds; what was refused, with how many values that is, and the cure."""
    always, after = ("files", "readings", "refused"), {"thresholds": " from waveforms"}
    rows = {"size bins of particles" if name == "particles" else name: count for name, count in rows.items()}
    shown = [(count, name) for name, count in rows.items() if count or name in always]
    parts = [
        f"{count} {name[:-1] if count == 1 and name != 'refused' else name}{after.get(name, '')}"
        for count, name in shown
    ]
    return [", ".join(parts), *_refused_lines(refused)]


def _refused_lines(refused: Sequence[Mapping[str, str]]) -> list[str]:
    """A line for each file and reason, those that hold most values first."""
    kinds: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in refused:
        kinds.setdefault((row["file"], row["reason"]), []).append(row)
    counted = sorted(((_values(rows), rows) for rows in kinds.values()), key=lambda kind: -kind[0])
    lines = []
    for count, rows in counted[:_REFUSALS]:
        first = rows[0]
        more = f" and {len(rows) - 1} more places" if len(rows) > 1 else ""
        many = f"{count:,} values, " if count > len(rows) else ""
        lines.append(f"  refused: {many}{first['file']}, {first['place']}{more}: {first['reason']}")
    rest = len(counted) - len(lines)
    return [*lines, *([f"  and {rest} more reasons in refused.csv"] if rest else [])]


def _values(rows: Sequence[Mapping[str, str]]) -> int:
    """How many values some refusals are of: a whole column says how many it had, any other is one."""
    return sum(
        int(row["given"].removesuffix(" values")) if _COLUMN.fullmatch(row["given"]) else 1 for row in rows
    )


def standing_lines(row: Answer) -> list[str]:
    """Whether a result still stands, what changed, and where its benefit moved to."""
    files = row["verb"] in ("import", "quality")
    fallen = "was read from files that changed" if files else "rests on evidence that changed"
    stands = "stands (its files are as they were)" if files else "stands"
    if row["altered"]:
        fallen = "was changed by hand, or by the disk, since otosome wrote it; make it anew"
    lines = [f"{row['result']}: {stands if row['stands'] else fallen}", *_changed(row["changed"], "  ")]
    lines += [f"  {altered['what']:<9} {altered['file']}" for altered in row["altered"]]
    if row["then"] is not None and not row["stands"]:
        then, now = (amount(row[when], row["unit"], sign=True) for when in ("then", "now"))
        lines.append(f"  best-value benefit: {then} then, {now} now")
    for key in row["refused"]:
        lines.append(f"  {key} is retracted: a new run refuses it unless it is allowed by name")
    return [*lines, *([f"  computed anew: {row['rerun']}"] if "rerun" in row else [])]


def _changed(rows: Iterable[Answer], indent: str = "") -> list[str]:
    return [f"{indent}{row['what']:<9} {row['parameter']}: {row['then']} -> {row['now']}" for row in rows]


def change_lines(between: Answer) -> list[str]:
    """What evidence changed between two results, and how the benefit moved."""
    moved = [f"{name}: {between[name]['text']}" for name in ("then", "now") if between[name] is not None]
    moved += [f"{row['name']}: {row['then']} -> {row['now']}" for row in between["moved"]]
    return [*_changed(between["changed"]), *moved] or ["nothing changed"]


def claim_lines(rows: Iterable[Answer]) -> list[str]:
    """Each claim: what it stands on, the figure now, the verdict, the test and the command."""
    return [line for row in rows for line in _claim(row)]


def _claim(row: Answer) -> list[str]:
    from otosome.review.claims import figure_text as words

    figure, papers = row["figure"], row["papers"]
    lines = [f"{row['claim']}: {row['about']}"]
    lines += [
        f"  stands on ({ground['is']}, {ground['says']}): {ground['words']}" for ground in row["stands_on"]
    ]
    if papers is not None:
        lines.append(f"  {len(papers['rows'])} experiments: {papers['together']} ({papers['command']})")
    if figure is None:
        lines.append(f"  not computed here yet: {row['missing']}")
    else:
        first = ", as printed" if row["by_prior"] else ""
        lines.append(f"  now{first}: {words(figure)}: {figure['words']}")
        lines += [f"       {words(part)}: {part['words']}" for part in figure["parts"]]
        lines += [f"  under {name}: {words(each)}" for name, each in row["by_prior"].items()]
    return [
        *lines,
        f"  verdict: {row['verdict']} ({row['why']})",
        f"  test: {row['test']}",
        f"  again: {row['command']}",
        "",
    ]


def design_lines(design: Answer) -> list[str]:
    """A design's answer: its sentence, and each of its tables."""
    plan = design["plan"]
    lines = [f"{design['title']} ({design['design']})", f"  {plan['headline']}"]
    for part in plan["parts"]:
        lines.append(f"  {part['heading']}")
        lines += [f"    {row['name']}: {row['text']}" for row in part["lines"]]
    lines += [line for chart in plan["charts"] for line in _curve_lines(chart)]
    done = design["simulated"]
    if done is not None:
        lines.append(f"  {done['words']}")
        lines += [f"    {row['belief'].replace('_', ' ')}: {row['text']}" for row in done["operating"]]
        # A trial of an earlier version holds none of these.
        lines += [f"    {row['name']}: {row['text']}" for row in done.get("control", [])]
        lines += [f"    {words}" for words in done.get("needed", [])]
        lines += [] if done["prediction"] is None else [f"    {done['prediction']['text']}"]
    return lines


def review_lines(answer: Answer) -> list[str]:
    """A review: what all say together, a line an experiment, and how many were left out."""
    from otosome.report.further import further_lines
    from otosome.review.priors.further import Narrowing

    marks = {"individuals": "■", "means": "●", "p": "◆", "direction": "▷"}
    lines = [f"{answer['heading']} {answer['text']}"]
    for row in answer["rows"]:
        place = f"{row['product']}, {row['species']}, {row['insult']}"
        lines.append(f"  {marks[row['strength']]} {row['short']:<24}{place:<40}{row['text']}")
    for each in answer["curve"]:
        if each["share"] < 1:
            mean = written(each["median"], each["low"], each["high"], "SD").text
            lines.append(f"  {100 * each['share']:>4.0f} % of null results printed: {mean}")
    lines += [
        f"  one more with {row['n']:>2} a group: width {amount(row['now'], 'SD')} now, "
        f"{amount(row['after'], 'SD')} expected"
        for row in answer["one_more"]
    ]
    called = {row["experiment"]: f"{row['short']} ({row['insult']})" for row in answer["rows"]}
    # A review of an earlier version holds none.
    further = [Narrowing(**row) for row in answer.get("further", [])]
    lines += [f"  {line}" for line in further_lines(further, called)]
    lines += [f"  by {name}: {text}" for name, text in answer["regressed"].items()]
    return [*lines, *(f"  left out: {name}, {why}" for name, why in answer["left_out"].items())]


def forecast_lines(answer: Answer) -> list[str]:
    """Each forecast with what is expected, by when, and what happened; how the resolved ones did."""
    lines = []
    for row in answer["rows"]:
        state = (
            f"{row['happened']}, log score {row['score']:.2f}"
            if row["happened"]
            else f"open until {row['by']}"
        )
        late = " (overdue)" if row["overdue"] else ""
        lines += [
            f"{row['name']} ({row['dated']}, {row['hash']}): {row['question']}",
            f"  expected {row['expected']}; {state}{late}; by {row['how']}",
        ]
    if answer["mean_score"] is not None:
        lines.append(f"mean log score of resolved ones: {answer['mean_score']:.2f}")
    if answer["coverage"] is not None:
        lines.append(f"{100 * answer['coverage']:.0f} % of resolved numbers lay within 5 to 95 %")
    return lines
