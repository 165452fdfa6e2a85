"""Audiograms in NOAH exports (HIMSA audiometric standard, format 500 to 502): pure-tone thresholds of people.

Names, birth dates and numbers of people are not read. A level without an answer is no response to it. Levels at
which sound is comfortable or too loud, speech, and thresholds with a hearing aid are no thresholds of an ear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otosome.laboratory.audiometry import Tone, audiogram
from otosome.laboratory.file import Export, Refused, flags
from otosome.laboratory.tables import Tables
from otosome.laboratory.trees import below, local, text, xml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

MARKS = (b"HIMSAAudiometricStandard", b"NOAHDatabaseExport", b"himsa.com/Measurement/")
OUTPUT = re.compile(r"(AirConductor|InsertPhone|HighFrequency|BoneConductor|FreeField)(Left|Right|Binaural)?")
PATHWAYS = {"BoneConductor": "bone", "FreeField": "soundfield"}
ANSWERS = {
    "Normal": True,
    "": True,
    "NoResponse": False,
    "NoResponsePlus": False,
    "MaskedNoResponse": False,
    "Masked": True,
    "MaskedNormal": True,
}
UNAIDED = {"", "None", "NoInstrument", "Unaided", "NotAided"}
AGAIN = "export the session again from NOAH"


@dataclass(frozen=True)
class Noah:
    """The standard, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is an export in that standard."""
        return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") and any(m in head for m in MARKS)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: hearing levels by air, bone and sound field, a row a tone."""
        root = xml(export)
        tones, refused = list[Tone](), list[Refused]()
        people = list(below(root, "Patient")) or [root]
        for person, element in enumerate(people, start=1):
            for day, curve in _curves(element):
                reason = _unused(curve)
                if reason:
                    refused.append(export.left_out(local(curve), _output(curve), reason))
                else:
                    tones += [
                        _tone(export, curve, point, person, day) for point in below(curve, "TonePoints")
                    ]
        return audiogram(export, tones, refused, AGAIN)


def _curves(person: Element) -> Iterator[tuple[str, Element]]:
    """The day and the element of every curve of tones of a person."""
    actions = list(below(person, "Action")) or [person]
    for action in actions:
        day = text(action, "ActionDate")[:10]
        for curve in action.iter():
            if local(curve).endswith("Audiogram") and any(True for _ in below(curve, "TonePoints")):
                yield day, curve


def _conditions(curve: Element) -> Element | None:
    return next(below(curve, "AudMeasurementConditions"), None)


def _output(curve: Element) -> str:
    conditions = _conditions(curve)
    return "" if conditions is None else text(conditions, "StimulusSignalOutput")


def _unused(curve: Element) -> str:
    """Why a curve holds no thresholds of an ear in dB HL; empty where it does."""
    conditions = _conditions(curve)
    if local(curve) != "ToneThresholdAudiogram":
        return "levels of comfort or discomfort are no thresholds"
    if conditions is None or not OUTPUT.match(_output(curve)):
        return "does not say through what the tone was heard"
    aids = {text(conditions, f"HearingInstrument{n}Condition") for n in (1, 2)}
    if aids - UNAIDED:
        return "heard through a hearing aid"
    weighting = text(conditions, "StimulusdBWeighting") or "HL"
    return "" if weighting == "HL" else f"levels in dB {weighting[:20]}, not in dB HL"


def _tone(export: Export, curve: Element, point: Element, person: int, day: str) -> Tone:
    match = OUTPUT.match(_output(curve))
    transducer, side = (match[1], (match[2] or "").lower()) if match else ("", "")
    status = text(point, "TonePointStatus")
    masked = bool(text(point, "MaskingLevel"))
    conditions = _conditions(curve)
    signal = "" if conditions is None else text(conditions, "StimulusSignalType")
    return Tone(
        ear=side if side in ("left", "right") else "",
        pathway=PATHWAYS.get(transducer, "air"),
        hertz=export.number(text(point, "StimulusFrequency"), "StimulusFrequency"),
        level=export.number(text(point, "StimulusLevel"), "StimulusLevel")
        if status in ANSWERS
        else float("nan"),
        answered=ANSWERS.get(status, True),
        person=person,
        recorded=day,
        flag=flags(
            "masked" if masked else "",
            "both ears together" if side == "binaural" else "",
            "" if status in ANSWERS else f"status {status[:20]}",
            "" if signal.lower() in ("", "puretone", "tone") else f"signal {signal[:20]}",
        ),
    )
