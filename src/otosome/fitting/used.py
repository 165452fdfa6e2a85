"""Whether readings can test a study: not where its numbers were computed from them, or perhaps were."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from otosome.evidence import Curve, Parameter
from otosome.study import Study

# Numbers by which an ear is injured and read: what was computed of them from readings is no test against these.
_OF_EARS = ("insults.", "cells.")
# How the reason of a number that was fitted names its readings (``fitting.use``, ``fitting.entry``).
_HASH = re.compile(r"SHA-256 ([0-9a-f]{12})")


def used(study: Study, inputs: Mapping[str, str]) -> list[str]:
    """Sentences on what the numbers of a study were computed from; none where they are of no readings.

    ``inputs``  SHA-256 of the files of the readings that are laid over it, by path
    """
    stated: list[Parameter | Curve] = [*study.parameters.values(), *study.curves.values()]
    computed = [each for each in stated if each.basis == "computed" and each.source is not None]
    return [*_fitted(computed, inputs), *_published(study, computed)]


def _fitted(computed: Iterable[Parameter | Curve], inputs: Mapping[str, str]) -> list[str]:
    """Numbers of a laboratory's own fit to these very readings."""
    hashes = [match[1] for each in computed if (match := _HASH.search(each.because or ""))]
    own = {hash_[:12] for hash_ in inputs.values()}
    count = sum(each in own for each in hashes)
    if not count:
        return []
    return [
        f"No test: {_numbers(count)} of this run were fitted to these very readings. Agreement with them is no "
        "evidence; readings that the fit did not see are a test."
    ]


def _published(study: Study, computed: Iterable[Parameter | Curve]) -> list[str]:
    """Papers from whose readings numbers of injury were computed, with all that was computed from each."""
    by_paper: dict[str, list[str]] = {}
    for each in computed:
        if each.source is not None and not _HASH.search(each.because or ""):
            by_paper.setdefault(each.source, []).append(each.name)
    injuring = {
        paper: names for paper, names in by_paper.items() if any(n.startswith(_OF_EARS) for n in names)
    }
    if not injuring:
        return []
    papers = "; ".join(_paper(study, paper, len(names)) for paper, names in injuring.items())
    return [
        f"Perhaps no test: numbers of this study were computed from published readings: {papers}. If yours are these, "
        "or of the same animals, they were used already, and agreement is no evidence."
    ]


def _paper(study: Study, key: str, count: int) -> str:
    source = study.catalog.source(key)
    return f"{_numbers(count)} from {key}{f' ({source.link})' if source.link else ''}"


def _numbers(count: int) -> str:
    return f"{count} number{'' if count == 1 else 's'}"
