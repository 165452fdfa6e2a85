"""Audiograms as FHIR Observations in JSON: alone, or in a Bundle; a tone an Observation, or a component of one.

What a tone is stands in words (the display or text of codes, the body site) or in components of its own
(frequency, sensitivity of the left and of the right ear). Names and identifiers of people are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from otosome.laboratory.audiometry import Tone, audiogram
from otosome.laboratory.file import Export, Refused, flags
from otosome.laboratory.tables import Tables
from otosome.laboratory.trees import json_object

KIND = re.compile(rb'"resourceType"\s*:\s*"(Bundle|Observation)"')
ABOUT = re.compile(rb"hear|audio|ear - |dB", re.IGNORECASE)
TONE = re.compile(r"(\d+(?:\.\d+)?)\s*(k?)hz", re.IGNORECASE)
WORD = re.compile(r"[a-z]+")
SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}
PATHWAYS = {"bone": "bone", "bc": "bone", "soundfield": "soundfield"}
DECIBELS = ("db", "db hl", "db[hl]", "dbhl", "db(hl)")
SILENT = re.compile(r"no response|not heard|\bnr\b", re.IGNORECASE)
COMPARATORS = {"": True, ">": False, ">=": False}
MOST = 20_000
AGAIN = "export the observations with the display of their codes"

WITHDRAWN = ("entered-in-error", "cancelled")  # states of an Observation that is none
NO_LEVEL = "is no hearing level at a frequency, or was withdrawn"


@dataclass(frozen=True)
class Fhir:
    """The format, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so holds Observations of hearing."""
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        return start.startswith(b"{") and KIND.search(head) is not None and ABOUT.search(head) is not None

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: a hearing level for each tone that an Observation states."""
        people = dict[str, int]()
        tones, refused = list[Tone](), list[Refused]()
        for number, observation in enumerate(_observations(json_object(export)), start=1):
            if number > MOST:
                raise export.refusal("entry", f"more than {MOST} Observations", f"at most {MOST}", "split it")
            who = _words(_inside(observation, "subject").get("reference"))
            person = people.setdefault(who, len(people) + 1)
            own = [] if _words(observation.get("status")) in WITHDRAWN else list(_tones(observation, person))
            tones += own
            if not own:
                about = _text(observation.get("code"))[:60] or f"Observation {number}"
                refused.append(export.left_out(about, "", NO_LEVEL))
        return audiogram(export, tones, refused, AGAIN)


def _observations(root: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    if root.get("resourceType") == "Observation":
        yield root
    for entry in _list(root.get("entry")):
        resource = _inside(entry, "resource")
        if resource.get("resourceType") == "Observation":
            yield resource


def _tones(observation: Mapping[str, object], person: int) -> Iterator[Tone]:
    """The tones of an Observation: its own value, or those of its components."""
    common = " ".join(
        (_text(observation.get("code")), _text(observation.get("bodySite")), _text(observation.get("method")))
    )
    day = _words(
        observation.get("effectiveDateTime") or _inside(observation, "effectivePeriod").get("start")
    )[:10]
    parts = list(_list(observation.get("component")))
    stated = next((hertz for part in parts if np.isfinite(hertz := _frequency(part))), np.nan)
    for part in (observation, *parts):
        about = f"{_text(part.get('code'))} {common}" if part is not observation else common
        hertz = _hertz(about) if np.isnan(stated) else stated
        if np.isfinite(hertz) and _is_level(part):
            yield _tone(part, about, hertz, person, day)


def _tone(part: Mapping[str, object], about: str, hertz: float, person: int, day: str) -> Tone:
    quantity = _inside(part, "valueQuantity")
    value, comparator = quantity.get("value"), _words(quantity.get("comparator"))
    remark = " ".join(
        _text(part.get(key)) for key in ("valueCodeableConcept", "interpretation", "dataAbsentReason")
    )
    remark = f"{remark} {_words(part.get('valueString'))}"
    words = set(WORD.findall(_spaced(about)))
    sides = {side for word, side in SIDES.items() if word in words}
    number = float(value) if type(value) in (int, float) else np.nan  # type: ignore[arg-type]  # just seen
    return Tone(
        ear=sides.pop() if len(sides) == 1 else "",
        pathway=next((pathway for word, pathway in PATHWAYS.items() if word in words), "air"),
        hertz=hertz,
        level=number if comparator in COMPARATORS else np.nan,
        answered=COMPARATORS.get(comparator, True) and not SILENT.search(remark),
        person=person,
        recorded=day,
        flag=flags(
            "masked" if "masked" in words else "",
            "" if "hl" in _words(quantity.get("unit")).lower() else "dB HL: not stated, an audiogram",
        ),
    )


def _is_level(part: Mapping[str, object]) -> bool:
    """Whether a part states a level in dB, or why it has none."""
    quantity = _inside(part, "valueQuantity")
    units = {_words(quantity.get(key)).lower() for key in ("unit", "code")}
    return bool(units.intersection(DECIBELS)) or (
        not quantity
        and any(key in part for key in ("dataAbsentReason", "valueCodeableConcept", "valueString"))
    )


def _frequency(part: Mapping[str, object]) -> float:
    """Hertz where a component is the frequency itself; else NaN."""
    quantity = _inside(part, "valueQuantity")
    unit = (_words(quantity.get("unit")) or _words(quantity.get("code"))).lower()
    value = quantity.get("value")
    if unit not in ("hz", "khz") or type(value) not in (int, float):
        return np.nan
    return float(value) * (1e3 if unit == "khz" else 1.0)  # type: ignore[arg-type]  # just seen


def _hertz(about: str) -> float:
    match = TONE.search(about)
    return float(match[1]) * (1e3 if match[2] else 1.0) if match else np.nan


def _text(concept: object) -> str:
    """What a CodeableConcept, or a list of them, says in words and codes."""
    concepts = concept if isinstance(concept, list) else [concept]
    texts = list[str]()
    for words in concepts:
        if isinstance(words, dict):
            texts.append(_words(words.get("text")))
            texts += [
                f"{_words(coding.get('display'))} {_words(coding.get('code'))}"
                for coding in _list(words.get("coding"))
            ]
    return " ".join(filter(str.strip, texts))


def _spaced(text: str) -> str:
    """Words apart that a code writes together: ``leftEarSensitivity``, ``Ear-R``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()


def _list(value: object) -> Iterator[Mapping[str, object]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _inside(value: Mapping[str, object], key: str) -> Mapping[str, object]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""
