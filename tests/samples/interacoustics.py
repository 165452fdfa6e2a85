from laboratory import Sample

POINT = """<TonePoint><Frequency>{}</Frequency><IntensityMT>{}</IntensityMT><StatusMT>{}</StatusMT>
<IntensityUT>{}</IntensityUT><StatusUT>{}</StatusUT></TonePoint>"""
NO = -2147483648
POINTS = [
    (250, NO, "Undefined", 5, "Heard"), (500, 40, "Heard", 10, "Heard"), (8000, NO, "Undefined", 90, "NotHeard"),
    (2000, NO, "Undefined", NO, "Undefined"),
]  # fmt: skip
TONE = """<Tone><Earside>Right</Earside><ConductionTypes>{}</ConductionTypes><Measurementtype>{}</Measurementtype>
<SignalType>Tone</SignalType>{}</Tone>"""
TEXT = f"""\ufeff<?xml version="1.0" encoding="UTF-8"?>
<SaData Version="2" xmlns="uuid:ee2fbfd9-47a5-4dc8-a9eb-42d9995802ab">
<ClientInfo><FirstName>Ada</FirstName><LastName>Byron</LastName><BirthDate>1815-12-10</BirthDate></ClientInfo>
<Session><Created>2025-01-28T12:15:16</Created><Test><TestName>Tone</TestName><Data><RecordedData><Measured>
{TONE.format("AC", "HL", "".join(POINT.format(*p) for p in POINTS))}
{TONE.format("AC", "UCL", POINT.format(1000, NO, "Undefined", 100, "Heard"))}
</Measured></RecordedData></Data></Test></Session></SaData>"""
FILES = [
    Sample(
        "aud_001.xml", TEXT.encode(), rows=3, refused=2, censored=1,
        holds=(("ear", "right"), ("frequency", 0.25), ("value", 5.0), ("unit", "dB HL"), ("recorded", "2025-01-28")),
    )
]  # fmt: skip
