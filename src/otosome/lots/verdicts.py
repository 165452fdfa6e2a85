"""Each test of a specification, asked of a lot: from its files where they tell, else from its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from otosome.catalog import Entry
from otosome.errors import BadInput
from otosome.evidence import Parameter
from otosome.lots.belief import Belief
from otosome.lots.count import Count, share
from otosome.lots.files import Counted
from otosome.lots.potency import Potency, RunPotency
from otosome.lots.release import (
    Decision,
    Risks,
    Verdict,
    acceptance,
    decide,
    more_counts,
)
from otosome.lots.statement import stated
from otosome.roles import SpecificationOptions
from otosome.units import convert

_LIMITED = ("at_most", "at_least", "label")
_KINDS = (*_LIMITED, "negative", "positive", "recorded")
# What the files tell, unless the record states another method's result.
_SIZES = ("size_window", "peak_size")
# Numbers of a specification beside the limit of each listed test; either end of a pair may be left out.
_RISKS, _POTENCY, _WINDOW = (
    ("consumer_risk", "producer_risk"),
    ("potency_least", "potency_most"),
    ("window_low", "window_high"),
)


@dataclass(frozen=True)
class Measured:
    """What the files of a lot say that a specification may ask about."""

    counted: Count | None
    undiluted: str
    tables: tuple[Counted, ...]
    label: float | None
    potencies: Mapping[str, tuple[tuple[RunPotency, ...], Potency | None]]


def verdicts(
    entry: Entry[SpecificationOptions], measured: Measured, findings: Mapping[str, str], file: str
) -> list[Verdict]:
    """Every test of a specification, in its order.

    raises  BadInput for a finding that it does not ask for, and for a specification that says what no test reads
    """
    numbers = {key: entry.card.parameter(key, "") for key in entry.card.parameters}
    asked: dict[str, tuple[str, ...]] = {kind: getattr(entry.options, kind) for kind in _KINDS}
    _refuse_idle(entry, asked)
    risks = Risks(numbers["consumer_risk"].value, numbers["producer_risk"].value)
    known = [name for kind, names in asked.items() if kind != "label" for name in names]
    for key in findings:
        if key not in known:
            raise BadInput(
                "is not asked for", file=file, key=f"findings.{key}", given=findings[key], allowed=known
            )
    found = [_count_test(measured, numbers[name], risks) for name in asked["label"]]
    for kind in ("at_least", "at_most"):
        for name in asked[kind]:
            number = numbers[name]
            least, most = (number.value, np.inf) if kind == "at_least" else (0.0, number.value)
            words = f"{'at least' if kind == 'at_least' else 'at most'} {number.given}"
            if name in _SIZES and name not in findings:
                found.append(_size_test(name, words, measured, numbers, least, most, risks))
            else:
                found.append(_stated_test(name, words, findings, number, least, most, risks, file))
    found += [
        _word_test(name, wanted, findings, file)
        for wanted in ("negative", "positive")
        for name in asked[wanted]
    ]
    found += [_recorded(name, findings) for name in asked["recorded"]]
    limited = any(key in numbers for key in _POTENCY)
    return found + _potency_tests(measured, _ends(numbers, *_POTENCY) if limited else None, risks)


def _refuse_idle(entry: Entry[SpecificationOptions], asked: Mapping[str, tuple[str, ...]]) -> None:
    """Raise BadInput where a test lacks its limit, or where a number is one that no test reads."""
    file, limited = entry.card.file, [name for kind in _LIMITED for name in asked[kind]]
    for name in asked["label"]:
        if name != "particles":
            raise BadInput(
                "has no label to be held against", file=file, key="label", given=name, allowed=["particles"]
            )
    window = _WINDOW if "size_window" in limited else ()
    for key in (*_RISKS, *limited):
        if key not in entry.card.parameters:
            raise BadInput("a specification states it, as the limit of a test", file=file, key=key)
    if window and not any(key in entry.card.parameters for key in window):
        raise BadInput("a size window has an end", file=file, key="size_window", allowed=window)
    known = [*_RISKS, *_POTENCY, *window, *limited]
    for key in entry.card.parameters:
        if key not in known:
            raise BadInput(
                "is a limit that no test reads", file=file, key=key, allowed=known,
                cure=f"name it in one of {', '.join(_LIMITED)}, or take it out",
            )  # fmt: skip


def _ends(numbers: Mapping[str, Parameter], low: str, high: str) -> tuple[float, float]:
    """Both ends of a range, of which either may be left out."""
    least = numbers[low].value if low in numbers else 0.0
    most = numbers[high].value if high in numbers else np.inf
    if not least < most:
        raise BadInput("lies below the upper end", key=low, given=f"{least:g}", allowed=f"less than {most:g}")
    return least, most


def _judged(
    test: str, asked: str, found: str, belief: Belief, limits: tuple[float, float], risks: Risks,
    more: tuple[int, int] | None = None, cure: str = "",
) -> Verdict:  # fmt: skip
    decision, inside = decide(belief, *limits, risks)
    words = {
        "release": f"inside with probability {_percent(inside)}",
        "refuse": f"outside with probability {_percent(1 - inside)}",
        "cannot decide": f"inside with probability {_percent(inside)}: neither certain enough to release nor to refuse",
    }
    reason = words[decision] + (f"; {cure}" if cure and decision == "cannot decide" else "")
    return Verdict(
        test, asked, found, decision, reason, 1 - inside, inside, acceptance(belief, *limits, risks),
        more if decision == "cannot decide" else None,
    )  # fmt: skip


def _count_test(measured: Measured, tolerance: Parameter, risks: Risks) -> Verdict:
    asked = f"label +/- {100 * tolerance.value:g} %"
    if measured.label is None:
        return _unknown("particles", asked, "the label is not stated", 'add: label = "2e10 particles/mL"')
    if measured.undiluted:
        return _unknown("particles", asked, "a dilution is not recorded", measured.undiluted)
    if measured.counted is None:
        return _unknown("particles", asked, "nothing was counted", "add a [[count]] with its file and day")
    counted, label = measured.counted, measured.label
    limits = label * (1 - tolerance.value), label * (1 + tolerance.value)
    belief = counted.belief
    low, middle, high = (belief.quantile(p) / label for p in (0.05, 0.5, 0.95))
    found = f"{middle:.3g} of the label ({low:.3g} to {high:.3g}; {counted.taken})"
    more = None
    cure = ""
    if decide(belief, *limits, risks)[0] == "cannot decide":
        more = more_counts(counted, *limits, risks)
        cure = "it lies too near a limit for thirty days of counts"
        if more is not None:
            counts, days = (
                f"{n} more {word}{'' if n == 1 else 's'}"
                for n, word in zip(more, ("count", "day"), strict=True)
            )
            cure = f"{counts} on each of {days} would make it decidable"
    verdict = _judged("particles", asked, found, belief, limits, risks, more, cure)
    return replace(verdict, reason=f"{verdict.reason}; {_band(verdict.accept, label)}")


def _band(accept: tuple[float, float] | None, label: float) -> str:
    if accept is None:
        return "counted so few times, no count at all could release"
    return f"counted so well, {accept[0] / label:.3g} to {accept[1] / label:.3g} of the label would release"


def _size_test(
    name: str,
    asked: str,
    measured: Measured,
    numbers: Mapping[str, Parameter],
    least: float,
    most: float,
    risks: Risks,
) -> Verdict:
    videos = [v for one in measured.tables for _, v in one.table.groupby("replicate", sort=True)]
    if not videos:
        return _unknown(name, asked, "nothing was sized", "add a [[count]] with its file and day")
    if name == "size_window":
        low, high = _ends(numbers, *_WINDOW)
        inside = {
            n: float(
                v.loc[v["diameter"].between(low, high), "concentration"].sum() / v["concentration"].sum()
            )
            for n, v in enumerate(videos)
        }
        belief = share(inside)
        found = f"{100 * np.mean(list(inside.values())):.3g} %"
    else:
        peaks = np.array([v["diameter"].to_numpy(dtype=float)[v["concentration"].argmax()] for v in videos])
        belief = None
        if peaks.size > 1:
            logs = np.log(peaks)
            belief = Belief.student(logs.mean(), logs.std(ddof=1) / np.sqrt(logs.size), logs.size - 1)
        found = f"{convert(float(peaks.mean()), 'mm', 'nm'):.3g} nm"
    if belief is None:
        return _unknown(name, asked, found, "one video cannot tell how far it errs: measure more videos")
    return _judged(
        name,
        asked,
        f"{found} ({len(videos)} videos, whose days are taken as alike)",
        belief,
        (least, most),
        risks,
    )


def _stated_test(
    name: str,
    asked: str,
    findings: Mapping[str, str],
    number: Parameter,
    least: float,
    most: float,
    risks: Risks,
    file: str,
) -> Verdict:
    text = findings.get(name)
    if text is None:
        return _unknown(
            name, asked, "not measured", f'add under [findings]: {name} = "{number.given}"  # as measured'
        )
    sign, value, error = stated(text, number.unit, number.given, file, f"findings.{name}")
    if sign:
        safe = (sign == "<" and value <= most and least <= 0) or (
            sign == ">" and value >= least and most == np.inf
        )
        if safe:
            return Verdict(name, asked, text, "release", "the bound itself lies within the limit")
        return _unknown(name, asked, text, "the bound does not reach the limit: a finer method would tell")
    if error is None:
        inside = least <= value <= most
        return Verdict(
            name, asked, text, "release" if inside else "refuse",
            f"{'within' if inside else 'outside'} as it stands: no error is stated (add '+/- 10 %')",
        )  # fmt: skip
    return _judged(name, asked, text, Belief.student(np.log(value), error, np.inf), (least, most), risks)


def _word_test(name: str, wanted: str, findings: Mapping[str, str], file: str) -> Verdict:
    text = findings.get(name)
    if text is None:
        return _unknown(
            name, wanted, "not tested", f'add under [findings]: {name} = "{wanted}"  # or what it was'
        )
    if text not in ("negative", "positive"):
        raise BadInput(
            "is not a result", file=file, key=f"findings.{name}", given=text, allowed=["negative", "positive"]
        )
    return Verdict(name, wanted, text, "release" if text == wanted else "refuse", f"it is {text}")


def _recorded(name: str, findings: Mapping[str, str]) -> Verdict:
    text = findings.get(name)
    if text is None:
        return _unknown(name, "recorded, no limit", "not recorded", f'add under [findings]: {name} = "..."')
    return Verdict(name, "recorded, no limit", text, "release", "it is recorded")


def _potency_tests(measured: Measured, ends: tuple[float, float] | None, risks: Risks) -> list[Verdict]:
    """Potency within its limits, and, limits or not, every assay of the lot valid.

    An assay that is not fit for use says nothing and can be repeated. A sample that does not act like the reference
    in a run that is fit is a result: other runs do not outweigh it, and where every run says so and potency has
    limits, the lot is refused.
    """
    if not measured.potencies:
        if ends is None:
            return []
        return [_unknown("potency", _within(ends), "not measured", "add an [[assay]] with its file")]
    found = []
    for mechanism, (runs, potency) in measured.potencies.items():
        unlike = [run for run in runs if run.unlike]
        name, asked = f"potency_{mechanism}", "a valid assay" if ends is None else _within(ends)
        said = "; ".join(f"{run.run}: {run.refused}" for run in runs if run.refused)
        if unlike:
            always = len(unlike) == len(runs)
            cure = "" if ends is not None and always else "; find out why before it is released"
            decision: Decision = "refuse" if ends is not None and always else "cannot decide"
            held = (
                "no potency to report"
                if always
                else f"unlike the reference in {len(unlike)} of {len(runs)} runs"
            )
            found.append(Verdict(name, asked, held, decision, said + cure))
        elif potency is None:
            found.append(_unknown(name, asked, "no potency to report", f"{said}; repeat the assay"))
        elif ends is not None:
            many = f"{potency.runs} run{'' if potency.runs == 1 else 's'}"
            words = f"{potency.r:.3g} ({potency.low:.3g} to {potency.high:.3g}, {many})"
            found.append(
                _judged(name, asked, words, potency.belief, ends, risks, cure="more runs would tell")
            )
    return found


def _within(ends: tuple[float, float]) -> str:
    if ends[1] == np.inf:
        return f"relative potency at least {ends[0]:g}"
    return (
        f"relative potency {ends[0]:g} to {ends[1]:g}"
        if ends[0] > 0
        else f"relative potency at most {ends[1]:g}"
    )


def _unknown(test: str, asked: str, found: str, cure: str) -> Verdict:
    return Verdict(test, asked, found, "cannot decide", cure)


def _percent(probability: float) -> str:
    if probability > 0.999:
        return "above 99.9 %"
    return "below 0.1 %" if probability < 0.001 else f"{100 * probability:.3g} %"
