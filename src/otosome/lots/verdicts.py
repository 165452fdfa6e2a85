"""Each test of a specification, asked of a lot: from its files where they answer it, else from its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from otosome.errors import BadInput
from otosome.lots.belief import Belief
from otosome.lots.measured import Measured, Value, measured_value
from otosome.lots.potency import Potency, RunPotency
from otosome.lots.release import (
    Decision,
    Verdict,
    acceptance,
    decide,
    more_counts,
)
from otosome.lots.specification import WORDS, Limit, Specification
from otosome.lots.statement import stated
from otosome.units import convert, split

# Another method may say sizes better than a particle tracker, so a stated size stands before that of the files.
_STATED_FIRST = ("size_window", "peak_size")
# Beyond so little probability two results of one lot contradict each other.
_CONTRADICTION = 1e-4


@dataclass(frozen=True)
class Stated:
    """What a record states: results and their methods by test, and the record's file for a refusal."""

    findings: Mapping[str, str]
    methods: Mapping[str, str]
    file: str


def verdicts(specification: Specification, measured: Measured, record: Stated) -> list[Verdict]:
    """Every test of a specification, in its order.

    raises  BadInput for a result that is none, has another unit, or contradicts the lot's own files
    """
    answered = []
    if specification.label is not None:
        answered.append(_label_test(specification, measured, record))
    for test, limit in specification.limits.items():
        if not _is_potency(test):
            answered.append(_limit_test(limit, specification, measured, record))
    answered += [_word_test(test, kind, record) for test, kind in specification.words.items()]
    answered += [_recorded_test(test, record) for test in specification.recorded]
    answered += _potency_tests(specification, measured, record)
    return [replace(verdict, unit=_limits_unit(verdict, specification)) for verdict in answered]


def _limits_unit(verdict: Verdict, specification: Specification) -> str:
    """The unit in which a test's limit is stated; none where it has none."""
    if verdict.test == "particles" and specification.label is not None:
        return "particles/mL"
    limit = specification.limits.get(verdict.test)
    return "" if limit is None or verdict.limits is None else _unit(limit)


def beyond(specification: Specification, findings: Mapping[str, str]) -> dict[str, str]:
    """Results that the record states and the specification does not ask for: shown, never judged."""
    tests = specification.tests
    return {test: text for test, text in findings.items() if test not in tests}


def _is_potency(test: str) -> bool:
    return test == "potency" or test.startswith("potency_")


# Numbers


def _limit_test(limit: Limit, specification: Specification, measured: Measured, record: Stated) -> Verdict:
    text = record.findings.get(limit.test)
    value = measured_value(limit.test, measured, specification, _unit(limit))
    if value is None or (text is not None and (limit.test in _STATED_FIRST or value.belief is None)):
        return _stated_test(limit, specification, record)
    if value.belief is None:
        return _unknown(limit.test, limit.words, value.text, value.cure, limit.source, value.method)
    if text is not None:
        value = _beside(limit, text, value, record.file)
    verdict = _judged(limit, value, specification)
    if limit.test != "particles" or measured.counted is None:
        return verdict
    more = _more(measured, limit, specification) if verdict.decision == "cannot decide" else None
    return _with_more(verdict, more)


def _unit(limit: Limit) -> str:
    """The unit in which the specification states the limit."""
    return split(limit.stated)[1]


def _beside(limit: Limit, text: str, value: Value, file: str) -> Value:
    """The files' number beside the one that the record states; raises BadInput where they contradict each other."""
    sign, number, error = stated(text, limit.unit, limit.stated, file, f"findings.{limit.test}")
    # The error of the stated number widens what the files say; half the tail lies on either side.
    belief = _known(value)
    below = replace(belief, spread=np.hypot(belief.spread, error or 0.0)).below(number)
    if (sign != ">" and below < _CONTRADICTION / 2) or (sign != "<" and 1 - below < _CONTRADICTION / 2):
        raise BadInput(
            "the record and the lot's files contradict each other",
            file=file,
            key=f"findings.{limit.test}",
            given=text,
            allowed=f"{value.text} by {value.method}",
            cure="correct one, or take the stated result out",
        )
    return replace(value, text=f"{value.text}; stated: {text}")


def _known(value: Value) -> Belief:
    assert value.belief is not None  # asked of values that the files tell
    return value.belief


def _judged(limit: Limit, value: Value, specification: Specification, cure: str = "") -> Verdict:
    """A number known with an error, against its limits."""
    risks, belief = specification.risks, _known(value)
    if limit.exact:
        return _exact(limit, value, belief, risks.producer)
    decision, inside = decide(belief, limit.least, limit.most, risks)
    accept = acceptance(belief, limit.least, limit.most, risks)
    reason = _reason(decision, inside) + (f"; {cure}" if cure and decision == "cannot decide" else "")
    return Verdict(
        limit.test,
        limit.words,
        value.text,
        decision,
        reason,
        1 - inside,
        inside,
        accept,
        _ends(limit),
        (belief.quantile(0.05), belief.quantile(0.5), belief.quantile(0.95)),
        None,
        value.method,
        limit.source,
    )


def _ends(limit: Limit) -> tuple[float, float | None]:
    return limit.least, None if np.isinf(limit.most) else limit.most


def _reason(decision: Decision, inside: float) -> str:
    return {
        "release": f"inside with probability {_percent(inside)}",
        "refuse": f"outside with probability {_percent(1 - inside)}",
        "cannot decide": f"inside with probability {_percent(inside)}: neither certain enough to release nor to refuse",
    }[decision]


def _exact(limit: Limit, value: Value, belief: Belief, producer: float) -> Verdict:
    """A number with an error is never shown to equal another: only to differ from it."""
    below = belief.below(limit.least)
    tail = 2 * min(below, 1 - below)
    decision: Decision = "refuse" if tail <= producer else "cannot decide"
    reason = (
        f"differs with probability {_percent(1 - tail)}"
        if decision == "refuse"
        else "a number with an error is never shown to equal another: ask for a range"
    )
    return Verdict(
        limit.test, limit.words, value.text, decision, reason, method=value.method, source=limit.source
    )


def _stated_test(limit: Limit, specification: Specification, record: Stated) -> Verdict:
    text = record.findings.get(limit.test)
    method = record.methods.get(limit.test, "")
    if text is None:
        near = _near(limit.test, specification, record)
        cure = f'add under [findings]: {limit.test} = "{limit.stated}"  # as measured{near}'
        return _unknown(limit.test, limit.words, "not measured", cure, limit.source)
    sign, number, error = stated(text, limit.unit, limit.stated, record.file, f"findings.{limit.test}")
    if not sign and error is not None:
        belief = Belief.student(np.log(number), error, np.inf)
        return _judged(limit, Value(text, method, belief), specification)
    decision, reason = _bound(sign, number, limit) if sign else _plain(number, limit)
    return Verdict(
        limit.test,
        limit.words,
        text,
        decision,
        reason,
        limits=None if sign or limit.exact else _ends(limit),
        known=None if sign or limit.exact else (number, number, number),
        method=method,
        source=limit.source,
    )


def _bound(sign: str, number: float, limit: Limit) -> tuple[Decision, str]:
    """A result such as '< 0.05 EU/mL'."""
    low, high = (0.0, number) if sign == "<" else (number, np.inf)
    if low >= limit.least and high <= limit.most and not limit.exact:
        return "release", "the bound itself lies within the limit"
    if high <= limit.least or low >= limit.most:
        return "refuse", "all that the bound leaves lies outside the limit"
    return "cannot decide", "the bound does not reach the limit: a finer method would tell"


def _plain(number: float, limit: Limit) -> tuple[Decision, str]:
    """A result without an error, compared as it stands."""
    equal = limit.exact and bool(np.isclose(number, limit.least, rtol=1e-9, atol=0))
    inside = equal or limit.least <= number <= limit.most
    side = "within" if inside else "outside"
    return ("release" if inside else "refuse"), f"{side} as it stands: no error is stated (add '+/- 10 %')"


def _near(test: str, specification: Specification, record: Stated) -> str:
    """A stated result of nearly this name that nothing asks for, as a hint."""
    near = get_close_matches(test, list(beyond(specification, record.findings)), n=1)
    return f"; the record states {near[0]!r}, which nothing asks for: is it this test?" if near else ""


# The label


def _label_test(specification: Specification, measured: Measured, record: Stated) -> Verdict:
    """The count against what the vial claims."""
    tolerance, label = specification.label, measured.label
    assert tolerance is not None  # asked of a specification with a label claim
    claim_words, source = f"label +/- {100 * tolerance.value:g} %", specification.label_source
    if label is None:
        cure = 'add: label = "2e10 particles/mL"'
        return _unknown("particles", claim_words, "the label is not stated", cure, source)
    claimed = f"{convert(label, 'particles/uL', 'particles/mL'):.3g} particles/mL"
    ends = (label * (1 - tolerance.value), label * (1 + tolerance.value))
    limit = Limit("particles", *ends, f"{claim_words}: {claimed}", claimed, "particles/uL", source)
    verdict = _limit_test(limit, specification, measured, record)
    if measured.counted is None or measured.undiluted:
        return verdict
    low, middle, high = (measured.counted.belief.quantile(p) / label for p in (0.05, 0.5, 0.95))
    share = f"{middle:.3g} of the label ({low:.3g} to {high:.3g})"
    reason = f"{verdict.reason}; {_band(verdict.accept, label)}"
    return replace(verdict, found=f"{share}: {verdict.found}", reason=reason)


def _more(measured: Measured, limit: Limit, specification: Specification) -> tuple[int, int] | None:
    assert measured.counted is not None  # asked of a lot that was counted
    return more_counts(measured.counted, limit.least, limit.most, specification.risks)


def _with_more(verdict: Verdict, more: tuple[int, int] | None) -> Verdict:
    """A count that cannot decide, with what further counts would."""
    if verdict.decision != "cannot decide":
        return verdict
    cure = "it lies too near a limit for thirty days of counts"
    if more is not None:
        counts, days = (
            f"{n} more {word}{'' if n == 1 else 's'}" for n, word in zip(more, ("count", "day"), strict=True)
        )
        cure = f"{counts} on each of {days} would make it decidable"
    return replace(verdict, reason=f"{verdict.reason}; {cure}", more=more)


def _band(accept: tuple[float, float] | None, label: float) -> str:
    if accept is None:
        return "counted so few times, no count at all could release"
    return f"counted so well, {accept[0] / label:.3g} to {accept[1] / label:.3g} of the label would release"


# Words


def _word_test(test: str, kind: str, record: Stated) -> Verdict:
    text, source = record.findings.get(test), "the specification"
    if text is None:
        return _unknown(
            test, kind, "not tested", f'add under [findings]: {test} = "{kind}"  # or what it was'
        )
    word = text.strip().lower()
    allowed = sorted({word for words in WORDS.values() for word in words})
    if word not in allowed:
        raise BadInput(
            "is not a result", file=record.file, key=f"findings.{test}", given=text, allowed=allowed
        )
    decision: Decision = "release" if word in WORDS[kind] else "refuse"
    return Verdict(
        test, kind, text, decision, f"it is {text}", method=record.methods.get(test, ""), source=source
    )


def _recorded_test(test: str, record: Stated) -> Verdict:
    text = record.findings.get(test)
    if text is None:
        return _unknown(test, "recorded, no limit", "not recorded", f'add under [findings]: {test} = "..."')
    return Verdict(
        test, "recorded, no limit", text, "release", "it is recorded", method=record.methods.get(test, "")
    )


# Potency


def _potency_tests(specification: Specification, measured: Measured, record: Stated) -> list[Verdict]:
    """Potency within its limits, and, limits or not, every assay of the lot valid.

    An assay that is not fit for use says nothing and can be repeated. A sample that does not act like the reference
    in a run that is fit is a result: other runs do not outweigh it, and where every run says so and potency has
    limits, the lot is refused.
    """
    limits = {test: limit for test, limit in specification.limits.items() if _is_potency(test)}
    answered = []
    for test, limit in limits.items():
        mechanism = test.removeprefix("potency_")
        if (mechanism not in measured.potencies) if test != "potency" else not measured.potencies:
            verdict = _stated_test(limit, specification, record)
            words = f"relative potency {limit.words}"
            answered.append(replace(verdict, asked=words, reason=_assay_cure(verdict)))
    for mechanism, (runs, potency) in measured.potencies.items():
        limit_ = _potency_limit(mechanism, limits, specification.file)
        verdict_ = _potency_test(mechanism, runs, potency, limit_, specification, record)
        if verdict_ is not None:
            answered.append(
                replace(verdict_, method=f"potency assay, {measured.assays.get(mechanism, '')}".rstrip(", "))
            )
    return answered


def _assay_cure(verdict: Verdict) -> str:
    return "add an [[assay]] with its file" if verdict.found == "not measured" else verdict.reason


def _potency_limit(mechanism: str, limits: Mapping[str, Limit], file: str) -> Limit | None:
    """The limits of every potency and of this mechanism's together; raises BadInput where no number meets both."""
    own = [limits[test] for test in ("potency", f"potency_{mechanism}") if test in limits]
    if not own:
        return None
    limit = own[0] if len(own) == 1 else own[0].both(own[1])
    if not limit.least <= limit.most:
        raise BadInput(
            "no number meets both limits", file=file, key=f"potency_{mechanism}", given=limit.words
        )
    return replace(limit, test=f"potency_{mechanism}", words=f"relative potency {limit.words}")


def _potency_test(
    mechanism: str,
    runs: tuple[RunPotency, ...],
    potency: Potency | None,
    limit: Limit | None,
    specification: Specification,
    record: Stated,
) -> Verdict | None:
    """One mechanism's verdict; None where its assays are valid and nothing limits it."""
    name, words = f"potency_{mechanism}", "a valid assay" if limit is None else limit.words
    source = "" if limit is None else limit.source
    if any(run.unlike for run in runs):
        return _unlike(name, words, source, runs, limited=limit is not None)
    if potency is None:
        return _unknown(name, words, "no potency to report", _refusals(runs), source)
    if limit is None:
        return None
    many = f"{potency.runs} run{'' if potency.runs == 1 else 's'}{'' if potency.alike else ' of unlike precision'}"
    value = Value(f"{potency.r:.3g} ({potency.low:.3g} to {potency.high:.3g}, {many})", "", potency.belief)
    for test in ("potency", name):
        if test in record.findings:
            value = _beside(replace(limit, test=test), record.findings[test], value, record.file)
    return _judged(limit, value, specification, cure="more runs would tell")


def _unlike(name: str, words: str, source: str, runs: tuple[RunPotency, ...], limited: bool) -> Verdict:
    """A sample unlike the reference: refused where every run says so and potency has limits."""
    unlike = sum(run.unlike for run in runs)
    result = (
        "no potency to report"
        if unlike == len(runs)
        else f"unlike the reference in {unlike} of {len(runs)} runs"
    )
    if unlike == len(runs) and limited:
        return Verdict(name, words, result, "refuse", _refusals(runs, cured=False), source=source)
    return _unknown(name, words, result, _refusals(runs), source)


def _refusals(runs: tuple[RunPotency, ...], cured: bool = True) -> str:
    """Why runs say nothing and, where wanted, what would mend each; a cure of several runs stands once, at the end."""
    refused = [run for run in runs if run.refused]
    cures = dict.fromkeys(run.cure for run in refused if run.cure) if cured else ()
    return "; ".join([*(f"{run.run}: {run.refused}" for run in refused), *cures])


def _unknown(test: str, limit: str, result: str, cure: str, source: str = "", method: str = "") -> Verdict:
    return Verdict(test, limit, result, "cannot decide", cure, method=method, source=source)


def _percent(probability: float) -> str:
    if probability > 0.999:
        return "above 99.9 %"
    return "below 0.1 %" if probability < 0.001 else f"{100 * probability:.3g} %"
