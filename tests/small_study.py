"""A study small enough to be computed while a test waits: noise in the mouse, vesicles before it, four hours."""

import tomli_w

STUDY = {
    "otosome": "study/1",
    "title": "Vesicles before noise",
    "question": "?",
    "species": "mouse",
    "mechanisms": ["anti_inflammatory"],
    "until": "4 h",
    "insult": {
        "blast": {
            "entry": "noise",
            "level": "106 dB SPL",
            "band": ["8 kHz", "16 kHz"],
            "duration": "2 h",
            "at": ["0 h"],
        }
    },
    "treatment": {
        "vehicle": {"batch": "vehicle", "route": "round_window", "volume": "2 uL", "at": ["-24 h"]},
        "vesicles": {"batch": "example_lot", "route": "round_window", "volume": "2 uL", "at": ["-24 h"]},
    },
    "arm": [
        {"name": "a", "insults": ["blast"], "treatments": ["vehicle"]},
        {"name": "b", "insults": ["blast"], "treatments": ["vesicles"]},
    ],
    "measure": {"abr": {"endpoint": "abr_threshold", "frequency": ["8 kHz", "16 kHz"], "at": ["4 h"]}},
    "compare": {"measure": "abr", "of": "b", "against": "a"},
}
DOSE = {
    "study": "small.toml",
    "treated": "b",
    "control": "a",
    "treatment": "vesicles",
    "measure": "abr",
    "at": "4 h",
    "title": "The dose before noise",
    "particles": ["1e7 particles", "1e10 particles"],
    "ears": 4,
    "world": 2,
    "scan": 4,
    "more": 0,
    "adverse_events": {"vesicle_reaction": "1 dB"},
}


def write(folder, name="small.toml", **changed):
    """The study as a file."""
    file = folder / name
    file.write_text(tomli_w.dumps(STUDY | changed), encoding="utf-8")
    return file


def write_dose(folder, name="dose.toml", **changed):
    """The dose as a file, beside its study."""
    write(folder)
    file = folder / name
    file.write_text(tomli_w.dumps(DOSE | changed), encoding="utf-8")
    return file
