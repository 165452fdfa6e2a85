"""What changed between two results of one question: evidence, experiments, pools, priors, and the conclusions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from otosome.errors import BadInput
from otosome.jobs import grounds, reviewing, study, trials
from otosome.results import Record, record_of
from otosome.units import Json


@dataclass(frozen=True)
class Changes:
    """What changed between two results.

    ``values``  rows ``changed`` (numbers, experiments and sources), the benefit ``then`` and ``now`` with its ``unit``,
                and ``moved``: pools, priors and sentences of designs that read otherwise, each with its name
    """

    values: Json

    def as_dict(self) -> Json:
        """The changes for a machine, as ``docs/schemas`` has them."""
        return {"result": self.values, "notes": []}

    def lines(self) -> list[str]:
        """A line a number or experiment that changed, how the benefit moved, and whatever else reads otherwise."""
        from otosome.report.terminal import change_lines

        return change_lines(self.values)


def changes(old: Path, new: Path) -> Changes:
    """What changed between two results of one question, and how their conclusions moved; raises BadInput."""
    records = record_of(old), record_of(new)
    verbs = [record.verb for record in records]
    if verbs[0] != verbs[1]:
        raise BadInput("are results of different verbs", key="verb", given=verbs[1], allowed=[verbs[0]])
    if verbs[0] == reviewing.REVIEW:
        return Changes(_of_reviews(old, new, *records))
    if verbs[0] in trials.VERBS:
        return Changes(_of_designs(old, new, *records))
    return Changes(_of_studies(old, new))


def _of_studies(old: Path, new: Path) -> Json:
    """Two runs or comparisons: evidence, the experiments behind their priors, and the benefit under each."""
    from otosome.review.standing import between

    results = study.shown(old), study.shown(new)
    priors = [each.answer("priors") or {"rows": [], "rests_on": {}} for each in results]
    values = between(results[0].data, results[1].data)
    files = reviewing.differing(*(each.get("rests_on", {}) for each in priors))
    texts = [{f"under {row['name']}": row["benefit"]["text"] for row in each["rows"]} for each in priors]
    return {**values, "changed": [*values["changed"], *files], "moved": _moved(*texts)}


def _of_reviews(old: Path, new: Path, then: Record, now: Record) -> Json:
    """Two reviews: the experiments and sources they rest on, and every pool."""
    questions = [{key: record.option(key) for key in ("question", "only")} for record in (then, now)]
    if questions[0] != questions[1]:
        raise BadInput("are reviews of different questions", given=questions[1], allowed=[str(questions[0])])
    texts = [_pools(reviewing.stored(*pair).answer) for pair in ((old, then), (new, now))]
    rows = reviewing.differing(then.inputs, now.inputs)
    return {"changed": rows, "then": None, "now": None, "unit": "", "moved": _moved(*texts)}


def _pools(review: Json) -> dict[str, str]:
    """Every pool of a review in words: by scale, of every strength, and by product and where."""
    from otosome.review.pooling.likelihood import Believed
    from otosome.review.synthesis import in_sds

    whole = {"of every strength": review["all"], **review["blocks"]}
    return {
        **{f"pool, {each['scale']}": each["text"] for each in review["together"]},
        **{f"mean, {name}": in_sds(Believed(**mean)) for name, mean in whole.items()},
    }


def _of_designs(old: Path, new: Path, then: Record, now: Record) -> Json:
    """Two answers of designs: what they rest on, and their sentences."""
    answers = trials.stored(old, then).designs, trials.stored(new, now).designs
    names = [[each["name"] for each in designs] for designs in answers]
    if names[0] != names[1]:
        raise BadInput("are answers of different designs", given=names[1], allowed=[str(names[0])])
    texts = [{each["name"]: each["plan"]["headline"] for each in designs} for designs in answers]
    rows = grounds.between(old, new)
    return {"changed": rows, "then": None, "now": None, "unit": "", "moved": _moved(*texts)}


def _moved(then: Mapping[str, str], now: Mapping[str, str]) -> list[Json]:
    """What reads otherwise, a row each: name, then, now."""
    names = dict.fromkeys((*then, *now))
    return [
        {"name": name, "then": then.get(name, ""), "now": now.get(name, "")}
        for name in names
        if then.get(name) != now.get(name)
    ]
