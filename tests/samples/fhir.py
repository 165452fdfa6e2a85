import json

from laboratory import Sample


def quantity(value, unit, **more):
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit, **more}


def observation(text, **value):
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "display": text}]},
        "subject": {"reference": "Patient/1", "display": "Ada Byron"},
        "effectiveDateTime": "2024-05-06T10:00:00Z",
        **value,
    }


def bundle(*observations):
    return json.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": o} for o in observations]}
    ).encode()


def component(code, **value):
    return {"code": {"coding": [{"code": code}]}, **value}


PAIR = observation(
    "Hearing sensitivity",
    component=[
        component("frequency", valueQuantity=quantity(500, "Hz")),
        component("leftEarSensitivity", valueQuantity=quantity(30, "dB")),
        component("rightEarSensitivity", valueQuantity=quantity(35, "dB")),
    ],
)
FILES = [
    Sample(
        "bundle.json",
        bundle(
            observation("Hearing threshold 1000 Hz Ear - right", valueQuantity=quantity(25, "dB HL")),
            observation(
                "Hearing threshold 4 kHz Ear - left, bone",
                valueQuantity=quantity(70, "dB HL", comparator=">"),
            ),
            observation("Hearing threshold 8000 Hz Ear - left", dataAbsentReason={"text": "not performed"}),
            observation("Body weight", valueQuantity=quantity(70, "kg")),
        ),
        rows=2,
        refused=2,
        censored=1,
        holds=(("ear", "right"), ("frequency", 1.0), ("value", 25.0), ("recorded", "2024-05-06")),
    ),
    Sample(
        "components.json",
        json.dumps(PAIR).encode(),
        rows=2,
        holds=(("ear", "left"), ("frequency", 0.5), ("value", 30.0)),
    ),
]
