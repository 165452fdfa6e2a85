"""A specification: what a lot must be, read so that every limit written in it counts, or the file is refused.

Tests are listed by kind (``at_least``, ``at_most``, ``equal``, ``label``, ``negative``, ``absent``, ``positive``,
``present``, ``recorded``). A test that is compared with a number has its limit in a table of its name. A table
``[NAME_least]`` or ``[NAME_most]`` limits the test NAME whether or not a list names it, so a range is two tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from otosome.cards import Card
from otosome.catalog import Entry
from otosome.errors import BadInput
from otosome.evidence import Parameter
from otosome.lots.release import Risks
from otosome.roles import SpecificationOptions
from otosome.units import same_kind

NUMBERED = ("at_least", "at_most", "equal", "label")
# What a word must be, and the words that say the same.
WORDS = {
    "negative": ("negative", "absent", "not detected"),
    "absent": ("negative", "absent", "not detected"),
    "positive": ("positive", "present", "detected"),
    "present": ("positive", "present", "detected"),
}
LISTS = (*NUMBERED, *WORDS, "recorded")
RISKS = ("consumer_risk", "producer_risk")
WINDOW = ("window_low", "window_high")
# Tests that a lot's own files answer, with the unit of each (docs/quality.md says how).
FILE_TESTS = {
    "particles": "particles/uL",
    "size_window": "",
    "peak_size": "mm",
    "purity": "particles/ug",
    "not_vesicles": "",
    "potency": "",
}
_SHARES = ("size_window", "not_vesicles")
_ENDS = ("_least", "_most")


@dataclass(frozen=True)
class Limit:
    """The ends between which one test's number must lie, in house units.

    ``least``, ``most``  0 and infinite where there is no such end; both the same where the number is to be equal
    ``stated``  the limit as the file states it, for its unit and as an example of a result
    ``source``  where the limit comes from
    """

    test: str
    least: float
    most: float
    words: str
    stated: str
    unit: str
    source: str

    @property
    def exact(self) -> bool:
        """Whether the number must equal the limit."""
        return self.least == self.most

    def both(self, other: Limit) -> Limit:
        """The range in which both limits hold."""
        return Limit(
            self.test,
            max(self.least, other.least),
            min(self.most, other.most),
            f"{self.words} and {other.words}",
            self.stated,
            self.unit,
            self.source,
        )


@dataclass(frozen=True)
class Specification:
    """Everything a lot is asked.

    ``limits``    by test, in the order of the file's lists
    ``label``     how far the count may lie from the label, as a share either way; None where nothing is claimed
    ``words``     the word each test must answer
    ``recorded``  tests whose result is recorded without a limit
    ``window``    ends of the size window in mm, 0 and infinite where open
    ``accepted``  both risks as the file states them, with their sources
    """

    name: str
    file: str
    limits: Mapping[str, Limit]
    label: Parameter | None
    label_source: str
    words: Mapping[str, str]
    recorded: tuple[str, ...]
    window: tuple[float, float]
    risks: Risks
    accepted: Mapping[str, str]

    @property
    def tests(self) -> list[str]:
        """Every test it names, once."""
        label = [] if self.label is None else ["particles"]
        return list(dict.fromkeys([*label, *self.limits, *self.words, *self.recorded]))


def read_specification(entry: Entry[SpecificationOptions, object]) -> Specification:
    """A specification from its entry of the shelf.

    raises  BadInput for a list or table that no test uses, a test without its limit or named twice, a limit that is
            negative, uncertain or of another unit's kind, a lower limit that is not below the upper one
    """
    card = entry.card
    numbers = {key: card.parameter(key, "") for key in card.parameters}
    lists = _lists(entry.options, card.file)
    limits, label = _limits(lists, numbers, card), _label(lists, numbers, card.file)
    _refuse_unused(lists, limits, numbers, card.file)
    window = _window(limits, numbers, card.file)
    if "size_window" in limits:
        limits["size_window"] = replace(
            limits["size_window"], words=f"{limits['size_window'].words} {_window_words(numbers)}"
        )
    return Specification(
        card.stem,
        card.file,
        limits,
        label,
        "" if label is None else source_of(label, card.stem),
        {test: kind for kind in WORDS for test in lists[kind]},
        tuple(lists["recorded"]),
        window,
        _risks(numbers, card.file),
        {key: f"{numbers[key].given}, {source_of(numbers[key], card.stem)}" for key in RISKS},
    )


def source_of(number: Parameter, name: str) -> str:
    """Where a limit comes from, in words: its source, or else the specification of this name and its reason."""
    if number.source:
        return ", ".join(part for part in (number.source, number.locator) if part)
    return f"{name}: {number.because}" if number.because else name


def _lists(options: SpecificationOptions, file: str) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    kind_of: dict[str, str] = {}
    for kind in LISTS:
        names: tuple[str, ...] = getattr(options, kind)
        for name in names:
            if name in (*RISKS, *WINDOW) or _end(name)[1]:
                raise BadInput(
                    "names a limit and no test",
                    file=file,
                    key=kind,
                    given=name,
                    cure=f"[{name}] counts without a list" if _end(name)[1] else None,
                )
            if name in kind_of:
                raise BadInput(
                    f"names a test that {kind_of[name]} names",
                    file=file,
                    key=kind,
                    given=name,
                    cure=f"for a range write [{name}_least] and [{name}_most] and no list",
                )
            kind_of[name] = kind
        lists[kind] = list(names)
    return lists


def _limits(lists: Mapping[str, list[str]], numbers: Mapping[str, Parameter], card: Card) -> dict[str, Limit]:
    """The limits of every test that is compared with a number."""
    file, name = card.file, card.stem
    limits: dict[str, Limit] = {}
    for kind, words in (("at_least", "at least"), ("at_most", "at most"), ("equal", "equal to")):
        for test in lists[kind]:
            number = _number(test, test, numbers, file)
            least = 0.0 if kind == "at_most" else number.value
            most = np.inf if kind == "at_least" else number.value
            limits[test] = _limit(test, (least, most), words, number, name)
    for key in numbers:
        test, end = _end(key)
        if end:
            number = _number(key, test, numbers, file)
            ends = (number.value, np.inf) if end == "_least" else (0.0, number.value)
            limit = _limit(test, ends, "at least" if end == "_least" else "at most", number, name)
            limits[test] = _joined(limits[test], limit, key, file) if test in limits else limit
    unlimited = [name for kind in (*WORDS, "recorded") for name in lists[kind]]
    for test, limit in limits.items():
        if test in unlimited:
            raise BadInput(
                "has a limit and stands in a list of tests without one",
                file=file,
                key=test,
                given=limit.words,
            )
        _check_kind(test, limit, file)
    return limits


def _end(key: str) -> tuple[str, str]:
    """The test that a table limits by its name's ending, and the ending; both empty where it has none."""
    for end in _ENDS:
        if key.endswith(end) and key != end:
            return key.removesuffix(end), end
    return "", ""


def _number(key: str, test: str, numbers: Mapping[str, Parameter], file: str) -> Parameter:
    if key not in numbers:
        raise BadInput(
            "lacks its limit",
            file=file,
            key=test,
            cure=f"add [{key}] with meaning, value and basis; with basis = 'assumed' because, with 'measured' source",
        )
    number = numbers[key]
    if number.shape != "fixed" or number.subjects or number.lots:
        raise BadInput(
            "a limit is one number",
            file=file,
            key=key,
            given=f"{number.given} with a range",
            cure="give its value alone",
        )
    if number.value < 0:
        raise BadInput("a limit is not below zero", file=file, key=key, given=number.given)
    return number


def _limit(test: str, ends: tuple[float, float], words: str, number: Parameter, name: str) -> Limit:
    source = source_of(number, name)
    return Limit(test, *ends, f"{words} {number.given}", number.given, number.unit, source)


def _window_words(numbers: Mapping[str, Parameter]) -> str:
    low, high = (numbers[key].given if key in numbers else "" for key in WINDOW)
    if low and high:
        return f"from {low} to {high}"
    return f"from {low}" if low else f"up to {high}"


def _joined(first: Limit, second: Limit, key: str, file: str) -> Limit:
    """Two limits of one test as a range; raises BadInput where they are not two ends of one."""
    if not same_kind(first.unit, second.unit):
        raise BadInput(
            "two limits of one test have units of one kind",
            file=file,
            key=key,
            given=second.stated,
            allowed=first.stated,
        )
    if (first.least > 0) == (second.least > 0) or first.exact:
        raise BadInput(
            "limits a test that has this limit", file=file, key=key, given=second.stated, allowed=first.words
        )
    range_ = first.both(second)
    if not range_.least < range_.most:
        raise BadInput(
            "the lower limit is not below the upper one",
            file=file,
            key=key,
            given=f"{first.words}, {second.words}",
            cure=f'for one number write equal = ["{first.test}"]',
        )
    return range_


def _check_kind(test: str, limit: Limit, file: str) -> None:
    """Refuse a limit whose unit is not that of what the lot's files say."""
    name = "potency" if test.startswith("potency_") else test
    if name not in FILE_TESTS:
        return
    unit = FILE_TESTS[name]
    if not same_kind(limit.unit, unit):
        raise BadInput(
            "is a limit of another kind of unit",
            file=file,
            key=test,
            given=limit.stated,
            allowed=unit or "a plain number or %",
        )
    if name in _SHARES and (limit.least if limit.least > 0 else limit.most) > 1:
        raise BadInput("is a share", file=file, key=test, given=limit.stated, allowed="0 to 100 %")


def _label(lists: Mapping[str, list[str]], numbers: Mapping[str, Parameter], file: str) -> Parameter | None:
    for name in lists["label"]:
        if name != "particles":
            raise BadInput("no label claims it", file=file, key="label", given=name, allowed=["particles"])
    if not lists["label"]:
        return None
    number = _number("particles", "particles", numbers, file)
    if number.unit or not 0 < number.value < 1:
        raise BadInput(
            "is how far a count may lie from its label, as a share",
            file=file,
            key="particles",
            given=number.given,
            allowed="above 0 and below 100 %",
            cure="a limit of the count itself is [particles_least] or [particles_most]",
        )
    return number


def _window(limits: Mapping[str, Limit], numbers: Mapping[str, Parameter], file: str) -> tuple[float, float]:
    if "size_window" not in limits:
        return 0.0, np.inf
    ends = [numbers[key] for key in WINDOW if key in numbers]
    if not ends:
        raise BadInput(
            "a size window has an end",
            file=file,
            key="size_window",
            cure=f"add [{WINDOW[0]}] or [{WINDOW[1]}]",
        )
    for key in WINDOW:
        if key in numbers and not same_kind(numbers[key].unit, "mm"):
            raise BadInput(
                "is a diameter", file=file, key=key, given=numbers[key].given, allowed="such as 50 nm"
            )
    low, high = (
        _number(key, key, numbers, file).value if key in numbers else end
        for key, end in zip(WINDOW, (0.0, np.inf), strict=True)
    )
    if not low < high:
        raise BadInput(
            "the lower end is not below the upper one",
            file=file,
            key=WINDOW[0],
            given=f"{numbers[WINDOW[0]].given}, {numbers[WINDOW[1]].given}",
        )
    return low, high


def _risks(numbers: Mapping[str, Parameter], file: str) -> Risks:
    for key in RISKS:
        number = _number(key, key, numbers, file)
        if number.unit or not 0 < number.value < 0.5:
            raise BadInput(
                "is a probability", file=file, key=key, given=number.given, allowed="above 0 and below 50 %"
            )
    return Risks(numbers[RISKS[0]].value, numbers[RISKS[1]].value)


def _refuse_unused(
    lists: Mapping[str, list[str]], limits: Mapping[str, Limit], numbers: Mapping[str, Parameter], file: str
) -> None:
    """Refuse a table that no test uses: a limit passed over for its spelling is a lot released wrongly."""
    window = WINDOW if "size_window" in limits else ()
    label = ("particles",) if lists["label"] else ()
    numbered = [test for kind in ("at_least", "at_most", "equal") for test in lists[kind]]
    used = [*RISKS, *window, *label, *numbered]
    for key in numbers:
        if key in used or _end(key)[0] in limits:
            continue
        kind = next((kind for kind, names in lists.items() if key in names), "")
        if kind:
            raise BadInput(
                f"is in the list {kind!r}, which compares no number",
                file=file,
                key=key,
                given=numbers[key].given,
            )
        raise BadInput(
            "is a limit that no test uses",
            file=file,
            key=key,
            given=numbers[key].given,
            allowed=[*used, "NAME_least", "NAME_most"],
            cure=_nearest(key, (*used, *(f"{test}{end}" for test in FILE_TESTS for end in _ENDS)))
            or f"name {key} in one of {', '.join(NUMBERED[:3])}, or take it out",
        )


def _nearest(key: str, names: tuple[str, ...]) -> str | None:
    near = get_close_matches(key, names, n=1)
    return f"is it {near[0]}?" if near else None
