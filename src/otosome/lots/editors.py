"""JSON Schemas of a lot's record and of a specification, for editors that complete and check as one types."""

from __future__ import annotations

from dataclasses import fields

from otosome.evidence import BASES
from otosome.lots.record import LotRecord
from otosome.lots.specification import LISTS, RISKS
from otosome.roles import SpecificationOptions
from otosome.units import Json

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KINDS = {
    "at_least": "the result is at least the limit",
    "at_most": "the result is at most the limit",
    "equal": "the result, stated without an error, equals the limit",
    "label": "particles: the count lies near the label; the limit is a share either way",
    "negative": 'the record says "negative", "absent" or "not detected"',
    "absent": "the same as negative",
    "positive": 'the record says "positive", "present" or "detected"',
    "present": "the same as positive",
    "recorded": "any result, without a limit",
}


_RISKS = {
    "consumer_risk": "largest probability of releasing a lot that is outside its limits, such as 5 %",
    "producer_risk": "largest probability of refusing a lot that is inside its limits, such as 5 %",
}


def record_schema() -> Json:
    """Every key of a lot's record."""
    return {"$schema": DIALECT, **LotRecord.model_json_schema(), "title": "Record of a lot"}


def specification_schema() -> Json:
    """Every key of a specification; a table of any other name is the limit of the test of that name."""
    names = {field.name for field in fields(SpecificationOptions)}
    lists = {
        kind: {"type": "array", "items": {"type": "string", "minLength": 1}, "description": _KINDS[kind]}
        for kind in LISTS
        if kind in names
    }
    return {
        "$schema": DIALECT,
        "title": "Release specification",
        "type": "object",
        "properties": {
            "about": {"type": "string", "description": "The specification in a sentence."},
            **lists,
            **{risk: {"$ref": "#/$defs/limit", "description": words} for risk, words in _RISKS.items()},
        },
        "required": ["about", *RISKS],
        "additionalProperties": {"$ref": "#/$defs/limit"},
        "$defs": {"limit": _limit()},
    }


def _limit() -> Json:
    text = {"type": "string"}
    return {
        "type": "object",
        "properties": {
            "meaning": {**text, "description": "what it limits, in words"},
            "value": {**text, "description": "one number with its unit, such as 0.5 EU/mL"},
            "basis": {"enum": list(BASES), "description": "what the limit rests on"},
            "source": {**text, "description": "a key of the shelf sources/"},
            "locator": {**text, "description": "where in the source"},
            "because": {**text, "description": "why, where no source says it"},
            "note": {**text, "description": "anything else to say of it"},
        },
        "required": ["meaning", "value", "basis"],
        "additionalProperties": False,
    }
